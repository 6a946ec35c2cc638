// SPDX-License-Identifier: Apache-2.0
/* The integer model: tiles of images through a chain of layers. A thread works on whole tiles. */
#include "infer.h"

#include <assert.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "infer_layer.h"

enum { CLASS_BYTES = 2, SLACK_BYTES = (INFER_STEP_MAX - 1) * INFER_LANES };

struct infer {
    const struct infer_path *path;
    char name[MODEL_NAME_BYTES + 1];
    int class_end; /* layers up to the ARGMAX that gives the class; 0: there is none */
    size_t values_bytes, plane_bytes; /* of the largest tile and plane */
    int layer_count;
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

static enum status add_layer(struct infer *infer, const struct model *model, int index,
                             struct error *err)
{
    struct infer_layer *layer = &infer->layers[index];
    const struct model_layer *l = &model->layers[index];
    if (index > 0 && l->in != model->layers[index - 1].out)
        return error_set(err, STATUS_INPUT,
                         "model %s: layers[%d]: want the output of the layer before as input "
                         "(buffer %d), got buffer %d",
                         model->name, index, model->layers[index - 1].out, l->in);
    infer->layer_count++;
    const enum status status = infer_layer_init(layer, infer->path, model, index, err);
    if (l->op == OP_ARGMAX && l->out == model->class_out)
        infer->class_end = index + 1;
    infer->plane_bytes = larger(infer->plane_bytes, layer->plane_bytes);
    infer->values_bytes = larger(infer->values_bytes, (size_t)layer->in.size_bytes * INFER_LANES);
    infer->values_bytes = larger(infer->values_bytes, (size_t)layer->out.size_bytes * INFER_LANES);
    return status;
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

/* ---- Running ---- */

/* Work space of one thread: two tiles, the input and the output of a layer, and a plane. */
struct scratch {
    uint8_t *values[2], *plane;
};

static size_t scratch_bytes(const struct infer *infer)
{
    return 2 * infer->values_bytes + infer->plane_bytes + 3 * SLACK_BYTES;
}

static struct scratch scratch_of(const struct infer *infer, uint8_t *bytes)
{
    const size_t values = infer->values_bytes + SLACK_BYTES;
    return (struct scratch){{bytes, bytes + values}, bytes + 2 * values};
}

/* Activations of count images to a tile; the other lanes keep what they had. */
static void load_tile(const struct model_buffer *buffer, const uint8_t *in, size_t count,
                      uint8_t *tile)
{
    const size_t size = buffer->size_bytes;
    const uint8_t zero = infer_zero(buffer);
    for (size_t i = 0; i < size; i++)
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

static void run_tile(const struct job *job, size_t tile, struct scratch scratch)
{
    const struct infer *infer = job->infer;
    const struct model_buffer *in = &infer->layers[job->first].in;
    const struct model_buffer *out = &infer->layers[job->last - 1].out;
    const size_t image = tile * INFER_LANES, left = job->count - image;
    const size_t count = left < INFER_LANES ? left : INFER_LANES;
    int at = 0;
    load_tile(in, job->in + image * in->size_bytes, count, scratch.values[0]);
    for (int i = job->first; i < job->last; i++) {
        if (infer->layers[i].layer.op == OP_FLATTEN)
            continue;
        infer_layer_run(&infer->layers[i], infer->path, scratch.values[at], scratch.values[1 - at],
                        scratch.plane);
        at = 1 - at;
    }
    store_tile(out, scratch.values[at], count, job->out + image * out->size_bytes);
}

enum status infer_run(const struct infer *infer, int first, int last, const uint8_t *in,
                      size_t count, uint8_t *out, int threads, struct error *err)
{
    assert(first >= 0 && first < last && last <= infer->layer_count);
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
        run_tile(&job, tile, scratch_of(infer, scratch + (size_t)omp_get_thread_num() * size));
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
