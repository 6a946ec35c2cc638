// SPDX-License-Identifier: Apache-2.0
/* Containers for tests: header, buffer table, layer table, then each layer's parameters and
 * weights. */
#include "build_container.h"
#include <string.h>
#include "test_random.h"

enum { SUM_FIELD = 12, SUM_FROM = 16 };

static void put(uint8_t *p, int bytes, uint32_t value)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get(const uint8_t *p, int bytes)
{
    uint32_t value = 0;

    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

uint32_t build_crc32(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

void build_fix_checksum(uint8_t *bytes)
{
    const uint32_t size = get(bytes + MH_CONTAINER_BYTES, 4);
    uint64_t sum = 0x4d51504d;

    for (uint32_t at = SUM_FROM; at + 4 <= size; at += 4) {
        sum ^= get(bytes + at, 4);
        sum = sum * 2654435761u % 4294967296u;
        sum ^= sum / 32768;
    }
    put(bytes + SUM_FIELD, 4, (uint32_t)sum);
}

static void put_buffer(const struct build_buffer *buffer, uint8_t *entry)
{
    put(entry + MB_ARENA_OFFSET, 4, buffer->arena_offset);
    put(entry + MB_HEIGHT, 2, (uint32_t)buffer->height);
    put(entry + MB_WIDTH, 2, (uint32_t)buffer->width);
    put(entry + MB_CHANNELS, 2, (uint32_t)buffer->channels);
    put(entry + MB_FLAGS, 2, buffer->is_signed ? BUFFER_SIGNED : 0);
}

static void put_window(const struct build_layer *layer, uint8_t *entry)
{
    const struct ref_window *window = &layer->window;

    put(entry + ML_KERNEL_H, 1, (uint32_t)window->kernel_h);
    put(entry + ML_KERNEL_W, 1, (uint32_t)window->kernel_w);
    put(entry + ML_STRIDE_H, 1, (uint32_t)window->stride_h);
    put(entry + ML_STRIDE_W, 1, (uint32_t)window->stride_w);
    put(entry + ML_PAD_TOP, 1, (uint32_t)window->pad_top);
    put(entry + ML_PAD_LEFT, 1, (uint32_t)window->pad_left);
    put(entry + ML_PAD_BOTTOM, 1, (uint32_t)window->pad_bottom);
    put(entry + ML_PAD_RIGHT, 1, (uint32_t)window->pad_right);
}

/* The layer's weights with its window; the layer has weights. */
static struct ref_weights windowed(const struct build_layer *layer)
{
    struct ref_weights weights = *layer->weights;

    if (layer->op == OP_CONV2D) {
        weights.kernel_h = layer->window.kernel_h;
        weights.kernel_w = layer->window.kernel_w;
    }
    return weights;
}

static size_t weight_block(const struct build_layer *layer)
{
    if (!layer->weights)
        return 0;
    const struct ref_weights weights = windowed(layer);

    return ref_packed_bytes(&weights, layer->bits);
}

static size_t param_block(const struct build_layer *layer)
{
    if (layer->add)
        return MODEL_GROUP_BYTES;
    return layer->weights ? ref_param_bytes(layer->weights) : 0;
}

/* Table entry and blocks; at: where the blocks go. */
static void put_layer(const struct build_container *what, int index, uint8_t *bytes, size_t at)
{
    const struct build_layer *layer = &what->layers[index];
    uint8_t *entry = bytes + MODEL_HEADER_BYTES + what->buffer_count * MODEL_BUFFER_BYTES +
                     index * MODEL_LAYER_BYTES;
    const size_t params = param_block(layer), weights = weight_block(layer);
    struct ref_weights packed;

    put(entry + ML_OP, 1, layer->op);
    put(entry + ML_WEIGHT_BITS, 1, (uint32_t)layer->bits);
    put(entry + ML_FLAGS, 1, layer->relu ? LAYER_RELU : 0);
    put(entry + ML_IN_BUFFER, 2, (uint32_t)layer->in);
    put(entry + ML_IN2_BUFFER, 2, layer->add ? (uint32_t)layer->in2 : MODEL_NONE);
    put(entry + ML_OUT_BUFFER, 2, (uint32_t)layer->out);
    if (layer->op == OP_CONV2D)
        put(entry + ML_GROUPS, 2, layer->weights->groups ? (uint32_t)layer->weights->groups : 1);
    put_window(layer, entry);
    if (!params)
        return;
    put(entry + ML_PARAM_OFFSET, 4, (uint32_t)at);
    put(entry + ML_PARAM_BYTES, 4, (uint32_t)params);
    if (layer->add) {
        ref_pack_add(layer->add, bytes + at);
        return;
    }
    put(entry + ML_WEIGHT_OFFSET, 4, (uint32_t)(at + params));
    put(entry + ML_WEIGHT_BYTES, 4, (uint32_t)weights);
    ref_pack_params(layer->weights, layer->bits, what->buffers[layer->in].is_signed, bytes + at);
    packed = windowed(layer);
    ref_pack_weights(&packed, layer->bits, bytes + at + params);
}

static void put_header(const struct build_container *what, uint8_t *bytes, size_t size)
{
    const uint32_t tables = MODEL_HEADER_BYTES;

    put(bytes + MH_MAGIC, 4, MODEL_MAGIC);
    put(bytes + MH_VERSION, 2, MODEL_VERSION);
    put(bytes + MH_HEADER_BYTES, 2, MODEL_HEADER_BYTES);
    put(bytes + MH_CONTAINER_BYTES, 4, (uint32_t)size);
    put(bytes + MH_ISA_VERSION, 2, 1);
    put(bytes + MH_LAYER_COUNT, 2, (uint32_t)what->layer_count);
    put(bytes + MH_BUFFER_COUNT, 2, (uint32_t)what->buffer_count);
    put(bytes + MH_INPUT_BUFFER, 2, (uint32_t)what->input);
    put(bytes + MH_OUTPUT_BUFFER, 2, (uint32_t)what->output);
    put(bytes + MH_CLASS_BUFFER, 2, (uint32_t)what->class_out);
    put(bytes + MH_ARENA_BYTES, 4, what->arena_bytes);
    put(bytes + MH_SCRATCH_OFFSET, 4, what->scratch_offset);
    put(bytes + MH_SCRATCH_BYTES, 4, what->scratch_bytes);
    put(bytes + MH_BUFFER_TABLE, 4, tables);
    put(bytes + MH_LAYER_TABLE, 4, tables + (uint32_t)what->buffer_count * MODEL_BUFFER_BYTES);
    for (int i = 0; i < MODEL_NAME_BYTES && what->name[i]; i++)
        bytes[MH_NAME + i] = (uint8_t)what->name[i];
}

size_t build_container(const struct build_container *what, uint8_t *bytes, size_t room)
{
    const size_t blocks = MODEL_HEADER_BYTES + (size_t)what->buffer_count * MODEL_BUFFER_BYTES +
                          (size_t)what->layer_count * MODEL_LAYER_BYTES;
    size_t size = blocks, at = blocks;

    for (int i = 0; i < what->layer_count; i++)
        size += param_block(&what->layers[i]) + weight_block(&what->layers[i]);
    if (size > room)
        return 0;
    memset(bytes, 0, size);
    put_header(what, bytes, size);
    for (int i = 0; i < what->buffer_count; i++)
        put_buffer(&what->buffers[i], bytes + MODEL_HEADER_BYTES + i * MODEL_BUFFER_BYTES);
    for (int i = 0; i < what->layer_count; i++) {
        put_layer(what, i, bytes, at);
        at += param_block(&what->layers[i]) + weight_block(&what->layers[i]);
    }
    build_fix_checksum(bytes);
    return size;
}

/* ---- The sample ---- */

enum {
    CONV_A_OUT = 5,
    CONV_A_ROW = 9,
    CONV_B_OUT = 3,
    CONV_B_ROW = 5,
    FC_OUT = 10,
    FC_ROW = 12,
    SAMPLE_SCRATCH_AT = 448,
    SAMPLE_SCRATCH = 1168
};

static const struct build_buffer sample_buffers[BUILD_SAMPLE_BUFFERS] = {
    {6, 6, 1, false, 0},  {6, 6, 5, false, 64},  {3, 3, 5, false, 272}, {2, 2, 5, false, 0},
    {2, 2, 3, true, 336}, {1, 1, 12, true, 336}, {1, 1, 10, true, 368}, {1, 1, 2, false, 400},
};

static void random_weights(struct test_random *random, int bits, int8_t *weight, int count)
{
    const int high = (1 << (bits - 1)) - 1;

    for (int i = 0; i < count; i++)
        weight[i] = (int8_t)test_random_between(random, -high - 1, high);
}

static void random_channels(struct test_random *random, struct ref_channel *channels, int count)
{
    for (int i = 0; i < count; i++) {
        channels[i].bias = test_random_between(random, -128, 127);
        channels[i].bias_shift = test_random_between(random, 0, 3);
        channels[i].multiplier = test_random_between(random, 64, 255);
        channels[i].shift = test_random_between(random, 7, 11);
    }
}

size_t build_sample(uint8_t bytes[BUILD_SAMPLE_ROOM])
{
    struct test_random random = {20240229};
    int8_t weight_a[CONV_A_OUT * CONV_A_ROW], weight_b[CONV_B_OUT * CONV_B_ROW];
    int8_t weight_fc[FC_OUT * FC_ROW];
    struct ref_channel channels_a[CONV_A_OUT], channels_b[CONV_B_OUT], channels_fc[FC_OUT];
    const struct ref_weights a = {weight_a, channels_a, CONV_A_OUT, CONV_A_ROW, true,
                                  1,        false,      0,          0};
    const struct ref_weights b = {weight_b, channels_b, CONV_B_OUT, CONV_B_ROW, false,
                                  1,        false,      0,          0};
    const struct ref_weights fc = {weight_fc, channels_fc, FC_OUT, FC_ROW, false, 1, false, 0, 0};
    const struct build_layer layers[BUILD_SAMPLE_LAYERS] = {
        {OP_CONV2D, 4, true, 0, 1, {3, 3, 1, 1, 1, 1, 1, 1}, &a, 0, NULL},
        {OP_AVGPOOL, 0, false, 1, 2, {2, 2, 2, 2, 0, 0, 0, 0}, NULL, 0, NULL},
        {OP_MAXPOOL, 0, false, 2, 3, {2, 2, 1, 1, 0, 0, 0, 0}, NULL, 0, NULL},
        {OP_CONV2D, 8, false, 3, 4, {1, 1, 1, 1, 0, 0, 0, 0}, &b, 0, NULL},
        {OP_RELU, 0, false, 4, 4, {0}, NULL, 0, NULL},
        {OP_FLATTEN, 0, false, 4, 5, {0}, NULL, 0, NULL},
        {OP_FC, 2, false, 5, 6, {0}, &fc, 0, NULL},
        {OP_ARGMAX, 0, false, 6, 7, {0}, NULL, 0, NULL},
    };
    const struct build_container what = {sample_buffers,
                                         layers,
                                         BUILD_SAMPLE_BUFFERS,
                                         BUILD_SAMPLE_LAYERS,
                                         0,
                                         6,
                                         7,
                                         SAMPLE_SCRATCH_AT + SAMPLE_SCRATCH,
                                         SAMPLE_SCRATCH_AT,
                                         SAMPLE_SCRATCH,
                                         "sample"};

    random_weights(&random, 4, weight_a, CONV_A_OUT * CONV_A_ROW);
    random_weights(&random, 8, weight_b, CONV_B_OUT * CONV_B_ROW);
    random_weights(&random, 2, weight_fc, FC_OUT * FC_ROW);
    random_channels(&random, channels_a, CONV_A_OUT);
    random_channels(&random, channels_b, CONV_B_OUT);
    random_channels(&random, channels_fc, FC_OUT);
    return build_container(&what, bytes, BUILD_SAMPLE_ROOM);
}

/* ---- The sample of grouped layers ---- */

enum { GROUPED_SCRATCH_AT = 672, GROUPED_SCRATCH = 512, GROUPED_CHANNELS = 6 };

static const struct build_buffer grouped_buffers[BUILD_GROUPED_BUFFERS] = {
    {5, 5, 6, false, 0},   {5, 5, 6, false, 176}, {5, 5, 6, true, 352},  {5, 5, 6, true, 352},
    {2, 2, 6, false, 528}, {1, 1, 6, true, 576},  {1, 1, 6, false, 608}, {1, 1, 2, false, 640},
};

size_t build_grouped_sample(uint8_t bytes[BUILD_SAMPLE_ROOM])
{
    enum { C = GROUPED_CHANNELS, ROW_A = 9, ROW_B = 3, ROW_C = 6, ROW_D = 4 };
    struct test_random random = {20250301};
    int8_t weight_a[C * ROW_A], weight_b[C * ROW_B], weight_c[C * ROW_C], weight_d[C * ROW_D];
    struct ref_channel channels[4][C];
    const struct ref_weights a = {weight_a, channels[0], C, ROW_A, true, C, true, 0, 0};
    const struct ref_weights b = {weight_b, channels[1], C, ROW_B, false, 2, false, 0, 0};
    const struct ref_weights c = {weight_c, channels[2], C, ROW_C, true, C, true, 0, 0};
    const struct ref_weights d = {weight_d, channels[3], C, ROW_D, false, C, true, 0, 0};
    const struct ref_add mixed = {100, 57, {0, 0, 181, 14}, false};
    const struct ref_add alike = {127, 3, {0, 0, 200, 13}, true};
    const struct build_layer layers[BUILD_GROUPED_LAYERS] = {
        {OP_CONV2D, 4, true, 0, 1, {3, 3, 1, 1, 1, 1, 1, 1}, &a, 0, NULL},
        {OP_CONV2D, 2, false, 1, 2, {1, 1, 1, 1, 0, 0, 0, 0}, &b, 0, NULL},
        {OP_ADD, 0, false, 2, 3, {0}, NULL, 1, &mixed},
        {OP_CONV2D, 2, true, 3, 4, {2, 3, 2, 2, 0, 0, 0, 0}, &c, 0, NULL},
        {OP_CONV2D, 8, false, 4, 5, {2, 2, 1, 1, 0, 0, 0, 0}, &d, 0, NULL},
        {OP_ADD, 0, true, 5, 6, {0}, NULL, 5, &alike},
        {OP_ARGMAX, 0, false, 6, 7, {0}, NULL, 0, NULL},
    };
    const struct build_container what = {grouped_buffers,
                                         layers,
                                         BUILD_GROUPED_BUFFERS,
                                         BUILD_GROUPED_LAYERS,
                                         0,
                                         6,
                                         7,
                                         GROUPED_SCRATCH_AT + GROUPED_SCRATCH,
                                         GROUPED_SCRATCH_AT,
                                         GROUPED_SCRATCH,
                                         "groups"};

    random_weights(&random, 4, weight_a, C * ROW_A);
    random_weights(&random, 2, weight_b, C * ROW_B);
    random_weights(&random, 2, weight_c, C * ROW_C);
    random_weights(&random, 8, weight_d, C * ROW_D);
    for (int i = 0; i < 4; i++)
        random_channels(&random, channels[i], C);
    return build_container(&what, bytes, BUILD_SAMPLE_ROOM);
}
