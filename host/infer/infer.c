// SPDX-License-Identifier: Apache-2.0
/* The integer model: tiles of images through the layers. A thread works on whole tiles.
 *
 * Values are numbered: 0 the input, i + 1 what layer i makes. Each has a slot of a thread's work
 * space as long as a layer is still to read it. */
#include "infer/infer.h"

#include <assert.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "infer/infer_layer.h"

enum { NONE = -1, CLASS_BYTES = 2, SLACK_BYTES = (INFER_STEP_MAX - 1) * INFER_LANES };

/* Where a layer reads and writes: values, and the slots they lie in. */
struct wiring {
    int in, in2,
        last_reader; /* values; in2 NONE but for ADD; the layer that reads its result last */
    int slot;        /* of its result */
};

struct infer {
    const struct infer_path *path;
    char name[MODEL_NAME_BYTES + 1];
    int class_end; /* layers up to the ARGMAX that gives the class; 0: there is none */
    size_t plane_bytes, window_bytes; /* of the largest plane and window */
    int layer_count, slot_count;
    size_t slot_bytes[MODEL_MAX_LAYERS + 1]; /* of the largest tile in it; slot 0 is the input's */
    struct wiring wiring[MODEL_MAX_LAYERS];
    struct infer_layer layers[MODEL_MAX_LAYERS];
};

/* ---- Creation ---- */

const struct infer_path *infer_path_at(int index)
{
    static const struct infer_path *const paths[] = {
#ifdef __x86_64__
        &infer_path_avx512,
        &infer_path_avx2,
#endif
        &infer_path_portable,
    };
    return index < (int)(sizeof paths / sizeof paths[0]) ? paths[index] : NULL;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The value that a buffer holds in front of layer number index, NONE if nothing has filled it. */
static int find_value(const struct model *model, int index, unsigned buffer)
{
    for (int i = index - 1; i >= 0; i--)
        if (model->layers[i].out == buffer)
            return i + 1;
    return buffer == model->input ? 0 : NONE;
}

static enum status wire_layer(struct infer *infer, const struct model *model, int index,
                              struct error *err)
{
    const struct model_layer *l = &model->layers[index];
    struct wiring *wiring = &infer->wiring[index];
    *wiring = (struct wiring){.in = find_value(model, index, l->in), .in2 = NONE};
    wiring->last_reader = index; /* the result needs a place at least while it is made */
    if (l->op == OP_ADD)
        wiring->in2 = find_value(model, index, l->in2);
    if (wiring->in == NONE || (l->op == OP_ADD && wiring->in2 == NONE))
        return error_set(err, STATUS_INPUT,
                         "model %s: layers[%d]: reads buffer %d, which no layer before it fills",
                         model->name, index, wiring->in == NONE ? l->in : l->in2);
    if (wiring->in > 0)
        infer->wiring[wiring->in - 1].last_reader = index;
    if (wiring->in2 > 0)
        infer->wiring[wiring->in2 - 1].last_reader = index;
    return STATUS_OK;
}

static enum status add_layer(struct infer *infer, const struct model *model, int index,
                             struct error *err)
{
    struct infer_layer *layer = &infer->layers[index];
    const struct model_layer *l = &model->layers[index];
    enum status status = wire_layer(infer, model, index, err);
    if (status != STATUS_OK)
        return status;
    infer->layer_count++;
    status = infer_layer_init(layer, infer->path, model, index, err);
    if (l->op == OP_ARGMAX && l->out == model->class_out)
        infer->class_end = index + 1;
    infer->plane_bytes = larger(infer->plane_bytes, layer->plane_bytes);
    infer->window_bytes = larger(infer->window_bytes, layer->window_bytes);
    return status;
}

static int slot_of(const struct infer *infer, int value)
{
    return value > 0 ? infer->wiring[value - 1].slot : 0;
}

/* Whether layer number index or one behind it reads what lies in a slot. */
static bool is_needed(const struct infer *infer, int index, int slot)
{
    for (int i = 0; i < index; i++)
        if (infer->wiring[i].slot == slot && infer->wiring[i].last_reader >= index)
            return true;
    return false;
}

/* Each result in the first slot that nobody needs any more; the input keeps its own. FLATTEN leaves
 * the values where they are: they are needed as long as its result. */
static void assign_slots(struct infer *infer)
{
    infer->slot_count = 1;
    if (infer->layer_count)
        infer->slot_bytes[0] = (size_t)infer->layers[0].in.size_bytes * INFER_LANES;
    for (int i = 0; i < infer->layer_count; i++) {
        const struct infer_layer *layer = &infer->layers[i];
        const size_t bytes = (size_t)layer->out.size_bytes * INFER_LANES;
        int slot = layer->layer.op == OP_FLATTEN ? slot_of(infer, infer->wiring[i].in) : 1;
        while (layer->layer.op != OP_FLATTEN && is_needed(infer, i, slot))
            slot++;
        infer->wiring[i].slot = slot;
        infer->slot_bytes[slot] = larger(infer->slot_bytes[slot], bytes);
        infer->slot_count = slot < infer->slot_count ? infer->slot_count : slot + 1;
    }
}

enum status infer_create_on(const struct infer_path *path, const struct model *model,
                            struct infer **out, struct error *err)
{
    *out = NULL;
    struct infer *infer = calloc(1, sizeof *infer);
    if (!infer)
        return error_set(err, STATUS_NO_MEMORY, "integer model %s: out of memory", model->name);
    infer->path = path;
    memcpy(infer->name, model->name, sizeof infer->name);
    for (int i = 0; i < model->layer_count; i++) {
        const enum status status = add_layer(infer, model, i, err);
        if (status != STATUS_OK) {
            infer_free(infer);
            return status;
        }
    }
    assign_slots(infer);
    *out = infer;
    return STATUS_OK;
}

static const struct infer_path *best_path(void)
{
    for (int i = 0; infer_path_at(i); i++) {
        if (infer_path_at(i)->is_supported())
            return infer_path_at(i);
    }
    return &infer_path_portable;
}

enum status infer_create(const struct model *model, struct infer **out, struct error *err)
{
    return infer_create_on(best_path(), model, out, err);
}

void infer_free(struct infer *infer)
{
    if (!infer)
        return;
    for (int i = 0; i < infer->layer_count; i++)
        infer_layer_clear(&infer->layers[i]);
    free(infer);
}

int infer_layer_count(const struct infer *infer)
{
    return infer->layer_count;
}

size_t infer_layer_in_bytes(const struct infer *infer, int layer)
{
    return infer->layers[layer].in.size_bytes;
}

size_t infer_layer_out_bytes(const struct infer *infer, int layer)
{
    return infer->layers[layer].out.size_bytes;
}

bool infer_can_start(const struct infer *infer, int first)
{
    const int start = infer->wiring[first].in;
    for (int i = first; i < infer->layer_count; i++) {
        const struct wiring *wiring = &infer->wiring[i];
        if ((wiring->in <= first && wiring->in != start) ||
            (wiring->in2 != NONE && wiring->in2 <= first && wiring->in2 != start))
            return false;
    }
    return true;
}

/* ---- Running ---- */

/* Work space of one thread: the slots, a plane and a window. */
struct scratch {
    uint8_t *slots[MODEL_MAX_LAYERS + 1], *plane, *window;
};

static size_t scratch_bytes(const struct infer *infer)
{
    size_t size = infer->plane_bytes + SLACK_BYTES + infer->window_bytes;
    for (int i = 0; i < infer->slot_count; i++)
        size += infer->slot_bytes[i] + SLACK_BYTES;
    return size;
}

static struct scratch scratch_of(const struct infer *infer, uint8_t *bytes)
{
    struct scratch scratch;
    for (int i = 0; i < infer->slot_count; i++) {
        scratch.slots[i] = bytes;
        bytes += infer->slot_bytes[i] + SLACK_BYTES;
    }
    scratch.plane = bytes;
    scratch.window = bytes + infer->plane_bytes + SLACK_BYTES;
    return scratch;
}

/* INFER_LANES activations of INFER_LANES images, size bytes apart, side by side: a perfect shuffle of the
 * rows' bytes, done four times, transposes them. */
static void load_square(const uint8_t *in, size_t size, uint8_t zero, uint8_t *tile)
{
    const byte_lanes low = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
    const byte_lanes high = low + 8;
    byte_lanes rows[INFER_LANES], mixed[INFER_LANES];
    for (size_t i = 0; i < INFER_LANES; i++)
        memcpy(&rows[i], in + i * size, sizeof rows[i]);
#pragma GCC unroll 4
    for (int round = 0; round < 4; round++) {
#pragma GCC unroll 8
        for (int i = 0; i < INFER_LANES / 2; i++) {
            mixed[2 * i] = __builtin_shuffle(rows[i], rows[i + INFER_LANES / 2], low);
            mixed[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + INFER_LANES / 2], high);
        }
        memcpy(rows, mixed, sizeof rows);
    }
    for (size_t i = 0; i < INFER_LANES; i++) {
        rows[i] ^= zero;
        memcpy(tile + i * INFER_LANES, &rows[i], sizeof rows[i]);
    }
}

/* Activations of count images to a tile; the other lanes keep what they had. */
static void load_tile(const struct model_buffer *buffer, const uint8_t *in, size_t count,
                      uint8_t *tile)
{
    const size_t size = buffer->size_bytes;
    const uint8_t zero = infer_zero(buffer);
    size_t first = 0;
    for (; count == INFER_LANES && first + INFER_LANES <= size; first += INFER_LANES)
        load_square(in + first, size, zero, tile + first * INFER_LANES);
    for (size_t i = first; i < size; i++)
        for (size_t lane = 0; lane < count; lane++)
            tile[i * INFER_LANES + lane] = in[lane * size + i] ^ zero;
}

static void store_tile(const struct model_buffer *buffer, const uint8_t *tile, size_t count,
                       uint8_t *out)
{
    const size_t size = buffer->size_bytes;
    const uint8_t zero = infer_zero(buffer);
    for (size_t i = 0; i < size; i++)
        for (size_t lane = 0; lane < count; lane++)
            out[lane * size + i] = tile[i * INFER_LANES + lane] ^ zero;
}

struct job {
    const struct infer *infer;
    int first, last;
    const uint8_t *in;
    size_t count;
    uint8_t *out;
};

static void run_tile(const struct job *job, size_t tile, uint8_t *bytes)
{
    const struct infer *infer = job->infer;
    const struct scratch scratch = scratch_of(infer, bytes);
    const struct model_buffer *in = &infer->layers[job->first].in;
    const struct model_buffer *out = &infer->layers[job->last - 1].out;
    const size_t image = tile * INFER_LANES, left = job->count - image;
    const size_t count = left < INFER_LANES ? left : INFER_LANES;
    load_tile(in, job->in + image * in->size_bytes, count,
              scratch.slots[slot_of(infer, infer->wiring[job->first].in)]);
    for (int i = job->first; i < job->last; i++) {
        const struct wiring *wiring = &infer->wiring[i];
        const struct infer_tiles tiles = {
            .in = scratch.slots[slot_of(infer, wiring->in)],
            .in2 = wiring->in2 == NONE ? NULL : scratch.slots[slot_of(infer, wiring->in2)],
            .out = scratch.slots[wiring->slot],
            .plane = scratch.plane,
            .window = scratch.window,
        };
        if (infer->layers[i].layer.op != OP_FLATTEN)
            infer_layer_run(&infer->layers[i], infer->path, &tiles);
    }
    store_tile(out, scratch.slots[infer->wiring[job->last - 1].slot], count,
               job->out + image * out->size_bytes);
}

enum status infer_run(const struct infer *infer, int first, int last, const uint8_t *in,
                      size_t count, uint8_t *out, int threads, struct error *err)
{
    assert(first >= 0 && first < last && last <= infer->layer_count);
    assert(infer_can_start(infer, first));
    const struct job job = {infer, first, last, in, count, out};
    const size_t tile_count = (count + INFER_LANES - 1) / INFER_LANES, size = scratch_bytes(infer);
    if (tile_count == 0)
        return STATUS_OK;
    threads = threads > 0 ? threads : omp_get_num_procs();
    threads = (size_t)threads < tile_count ? threads : (int)tile_count;
    uint8_t *scratch = calloc((size_t)threads, size);
    if (!scratch)
        return error_set(err, STATUS_NO_MEMORY, "integer model %s on %d threads: out of memory",
                         infer->name, threads);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t tile = 0; tile < tile_count; tile++)
        run_tile(&job, tile, scratch + (size_t)omp_get_thread_num() * size);
    free(scratch);
    return STATUS_OK;
}

/* ---- Accuracy ---- */

static double percent_correct(const struct dataset *data, const uint8_t *classes)
{
    size_t correct = 0;
    for (size_t i = 0; i < data->count; i++)
        correct += get_u16(classes + i * CLASS_BYTES) == data->labels[i];
    return data->count ? 100.0 * (double)correct / (double)data->count : 0.0;
}

static const char *type_name(bool is_signed)
{
    return is_signed ? "int8" : "uint8";
}

static enum status check_images(const struct infer *infer, const struct dataset *data,
                                struct error *err)
{
    const struct model_buffer *in = &infer->layers[0].in;
    if (!infer->class_end)
        return error_set(err, STATUS_INPUT, "model %s: gives no class; want an argmax layer",
                         infer->name);
    if (shape_size(data->shape) != in->size_bytes)
        return error_set(err, STATUS_INPUT, "model %s: want images of %u bytes, got %zu",
                         infer->name, (unsigned)in->size_bytes, shape_size(data->shape));
    if (data->is_signed != in->is_signed)
        return error_set(err, STATUS_INPUT, "model %s: want images of %s, got %s", infer->name,
                         type_name(in->is_signed), type_name(data->is_signed));
    return STATUS_OK;
}

enum status infer_accuracy(const struct infer *infer, const struct dataset *data, int threads,
                           double *accuracy, struct error *err)
{
    enum status status = check_images(infer, data, err);
    if (status != STATUS_OK)
        return status;
    uint8_t *classes = malloc(data->count * CLASS_BYTES + 1);
    if (!classes)
        return error_set(err, STATUS_NO_MEMORY, "accuracy of %zu images: out of memory",
                         data->count);
    status =
        infer_run(infer, 0, infer->class_end, data->images, data->count, classes, threads, err);
    if (status == STATUS_OK)
        *accuracy = percent_correct(data, classes);
    free(classes);
    return status;
}
