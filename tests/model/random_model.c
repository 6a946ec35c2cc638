// SPDX-License-Identifier: Apache-2.0
/* Random containers. Each buffer has a place of its own in the arena. */
#include "random_model.h"
#include <stdlib.h>
#include <string.h>

enum { SCRATCH_BYTES = 1 << 16, ROOM_BYTES = 1 << 20, AREA_BYTES = 1 << 24 };

static void *must_allocate(size_t size)
{
    void *bytes = calloc(1, size);

    if (!bytes)
        abort();
    return bytes;
}

static struct build_buffer *last_buffer(struct random_model *chain)
{
    return &chain->buffers[chain->layer_count];
}

static int elements(const struct build_buffer *buffer)
{
    return buffer->height * buffer->width * buffer->channels;
}

void random_model_begin(struct random_model *chain, uint32_t seed, struct build_buffer input)
{
    memset(chain, 0, sizeof *chain);
    chain->random.state = seed;
    chain->buffers[0] = input;
}

/* Anything that the format can say; results that are not all clipped with some channels. */
static void fill_weights(struct random_model *chain, int bits, int8_t *weight,
                         struct ref_channel *channels, const struct ref_weights *shape)
{
    const int high = (1 << (bits - 1)) - 1, low = -high - 1;
    int at = 0;

    for (int c = 0; c < shape->out_count; c++) {
        const bool is_wild = test_random_between(&chain->random, 0, 3) == 0;

        for (int i = 0; i < shape->row_count; i++)
            weight[at++] =
                (int8_t)(chain->is_extreme ? (c & 1 ? low : high)
                                           : test_random_between(&chain->random, low, high));
        channels[c] = (struct ref_channel){
            .bias = test_random_between(&chain->random, -128, 127),
            .bias_shift = test_random_between(&chain->random, 0, is_wild ? 31 : 6),
            .multiplier = test_random_between(&chain->random, 0, 255),
            .shift = test_random_between(&chain->random, is_wild ? 0 : 8, is_wild ? 31 : 20),
        };
    }
}

static const struct ref_weights *make_weights(struct random_model *chain, int bits, int out_count,
                                              int row_count, bool relu)
{
    struct ref_weights *weights = must_allocate(sizeof *weights);
    int8_t *weight = must_allocate((size_t)out_count * (size_t)row_count);
    struct ref_channel *channels = must_allocate((size_t)out_count * sizeof *channels);

    *weights = (struct ref_weights){.weight = weight,
                                    .channels = channels,
                                    .out_count = out_count,
                                    .row_count = row_count,
                                    .relu = relu};
    fill_weights(chain, bits, weight, channels, weights);
    return weights;
}

static void set_window_shape(struct build_buffer *out, const struct ref_window *w)
{
    out->height =
        ref_window_count(out->height, w->kernel_h, w->stride_h, w->pad_top + w->pad_bottom);
    out->width = ref_window_count(out->width, w->kernel_w, w->stride_w, w->pad_left + w->pad_right);
}

void random_model_add(struct random_model *chain, enum model_op op, int bits, int channels,
                      bool relu, const struct ref_window *window)
{
    const int index = chain->layer_count;
    const struct build_buffer *in = last_buffer(chain);
    struct build_buffer out = *in;
    struct build_layer layer = {
        .op = op, .bits = bits, .relu = relu, .in = index, .out = index + 1};

    if (window) {
        layer.window = *window;
        set_window_shape(&out, window);
    } else if (op != OP_RELU) {
        out.height = out.width = 1;
        out.channels = op == OP_FLATTEN ? elements(in) : op == OP_ARGMAX ? 2 : channels;
    }
    if (bits) {
        const int row = window ? window->kernel_h * window->kernel_w * in->channels : elements(in);

        layer.weights = make_weights(chain, bits, channels, row, relu);
        out.channels = channels;
        out.is_signed = !relu;
    }
    if (op == OP_RELU) /* both are allowed behind a signed input */
        out.is_signed = in->is_signed && test_random_between(&chain->random, 0, 1);
    chain->layers[chain->layer_count++] = layer;
    *last_buffer(chain) = out;
}

/* Kernel, stride and padding of one direction; the kernel fits the padded input. */
static void random_window(struct random_model *chain, int size, bool has_pad, int values[4])
{
    const int kernel =
        test_random_between(&chain->random, 1, size + has_pad < 5 ? size + has_pad : 5);

    values[0] = kernel;
    values[1] = test_random_between(&chain->random, 1, 3);
    do {
        values[2] = has_pad ? test_random_between(&chain->random, 0, kernel - 1) : 0;
        values[3] = has_pad ? test_random_between(&chain->random, 0, kernel - 1) : 0;
    } while (size + values[2] + values[3] < kernel);
}

void random_model_add_any(struct random_model *chain, enum model_op op)
{
    const struct build_buffer *in = last_buffer(chain);
    const bool has_window = op == OP_CONV2D || op == OP_MAXPOOL || op == OP_AVGPOOL;
    const bool has_weights = op == OP_CONV2D || op == OP_FC;
    const int bits = has_weights ? 2 << test_random_between(&chain->random, 0, 2) : 0;
    const int channels = has_weights ? test_random_between(&chain->random, 1, 19) : 0;
    const bool relu = has_weights && test_random_between(&chain->random, 0, 1);
    int h[4] = {0}, w[4] = {0};

    if (has_window) {
        random_window(chain, in->height, op != OP_AVGPOOL, h);
        random_window(chain, in->width, op != OP_AVGPOOL, w);
    }
    const struct ref_window window = {.kernel_h = h[0],
                                      .kernel_w = w[0],
                                      .stride_h = h[1],
                                      .stride_w = w[1],
                                      .pad_top = h[2],
                                      .pad_left = w[2],
                                      .pad_bottom = h[3],
                                      .pad_right = w[3]};
    random_model_add(chain, op, bits, channels, relu, has_window ? &window : NULL);
}

void random_model_lenet5(struct random_model *chain, uint32_t seed, const int bits[5])
{
    const struct ref_window same = {5, 5, 1, 1, 2, 2, 2, 2}, valid = {5, 5, 1, 1, 0, 0, 0, 0};
    const struct ref_window half = {2, 2, 2, 2, 0, 0, 0, 0};

    random_model_begin(chain, seed,
                       (struct build_buffer){.height = 28, .width = 28, .channels = 1});
    random_model_add(chain, OP_CONV2D, bits[0], 6, true, &same);
    random_model_add(chain, OP_AVGPOOL, 0, 0, false, &half);
    random_model_add(chain, OP_CONV2D, bits[1], 16, true, &valid);
    random_model_add(chain, OP_AVGPOOL, 0, 0, false, &half);
    random_model_add(chain, OP_FC, bits[2], 120, true, NULL);
    random_model_add(chain, OP_FC, bits[3], 84, true, NULL);
    random_model_add(chain, OP_FC, bits[4], 10, false, NULL);
    random_model_add(chain, OP_ARGMAX, 0, 0, false, NULL);
}

enum model_fault_code random_model_finish(struct random_model *chain)
{
    struct model_fault fault;
    uint32_t arena = SCRATCH_BYTES;
    const int last = chain->layer_count;
    const bool has_class = chain->layers[last - 1].op == OP_ARGMAX;

    for (int i = 0; i <= last; i++) {
        chain->buffers[i].arena_offset = arena;
        arena += ((uint32_t)elements(&chain->buffers[i]) + MODEL_SLACK + 15) & ~15u;
    }
    const struct build_container what = {
        .buffers = chain->buffers,
        .layers = chain->layers,
        .buffer_count = last + 1,
        .layer_count = last,
        .output = has_class && last > 1 ? last - 1 : last,
        .class_out = has_class ? last : MODEL_NONE,
        .arena_bytes = arena,
        .scratch_bytes = SCRATCH_BYTES,
        .name = "random",
    };
    chain->bytes = must_allocate(ROOM_BYTES);
    const size_t size = build_container(&what, chain->bytes, ROOM_BYTES);
    model_set_tables(&chain->model, &chain->tables);
    return model_parse(chain->bytes, (uint32_t)size, AREA_BYTES, &chain->model, &fault);
}

void random_model_free(struct random_model *chain)
{
    for (int i = 0; i < chain->layer_count; i++) {
        const struct ref_weights *weights = chain->layers[i].weights;

        if (weights) {
            free((void *)(size_t)weights->weight);
            free((void *)(size_t)weights->channels);
            free((void *)(size_t)weights);
        }
    }
    free(chain->bytes);
}
