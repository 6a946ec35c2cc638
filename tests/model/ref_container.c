// SPDX-License-Identifier: Apache-2.0
/* The container's packed words and layers for the oracle: every field is found by the bit numbers
 * in the description of the format. */
#include "ref_layers.h"

/* A field of a little-endian 32-bit word in memory. */
struct field {
    size_t byte; /* of the word */
    int high, low;
};

static int get_bit(const uint8_t *packed, size_t byte, int bit)
{
    return packed[byte + (size_t)(bit / 8)] >> (bit % 8) & 1;
}

static int get_field(const uint8_t *packed, struct field field)
{
    int value = 0;

    for (int bit = field.high; bit >= field.low; bit--)
        value = value * 2 + get_bit(packed, field.byte, bit);
    return value;
}

static int get_signed_field(const uint8_t *packed, struct field field)
{
    const int value = get_field(packed, field);

    return get_bit(packed, field.byte, field.high) ? value - (2 << (field.high - field.low))
                                                   : value;
}

static void put_field(uint8_t *packed, struct field field, int value)
{
    for (int bit = field.low; bit <= field.high; bit++) {
        uint8_t *byte = packed + field.byte + bit / 8;
        const int one = value >> (bit - field.low) & 1;

        *byte = (uint8_t)((*byte & ~(1 << bit % 8)) | one << bit % 8);
    }
}

static int words_of_row(int row_count)
{
    return (row_count + 3) / 4;
}

static int words_of_weights(int bits)
{
    return bits == 8 ? 4 : bits == 4 ? 2 : 1;
}

size_t ref_packed_bytes(int out_count, int row_count, int bits)
{
    return (size_t)((out_count + 3) / 4) * (size_t)words_of_row(row_count) *
           (size_t)words_of_weights(bits) * 4;
}

/* Where W(channel, element) stands. Channel 4g+3-k, element 4m+3-j. */
static struct field weight_field(int channel, int element, int row_count, int bits)
{
    const int g = channel / 4, k = 3 - channel % 4;
    const int m = element / 4, j = 3 - element % 4;
    const size_t word =
        ((size_t)g * (size_t)words_of_row(row_count) + (size_t)m) * (size_t)words_of_weights(bits);

    if (bits == 8) /* j is t: word t, lane k */
        return (struct field){4 * (word + (size_t)j), 31 - 8 * k, 24 - 8 * k};
    if (bits == 4 && j % 2 == 0) /* j is 2b: upper half of word b */
        return (struct field){4 * (word + (size_t)j / 2), 31 - 4 * k, 28 - 4 * k};
    if (bits == 4) /* j is 2b+1: lower half of word b */
        return (struct field){4 * (word + (size_t)j / 2), 15 - 4 * k, 12 - 4 * k};
    return (struct field){4 * word, 31 - 8 * j - 2 * k, 30 - 8 * j - 2 * k};
}

void ref_pack_weights(const struct ref_weights *weights, int bits, uint8_t *packed)
{
    const int rows = weights->row_count;

    for (size_t i = 0; i < ref_packed_bytes(weights->out_count, rows, bits); i++)
        packed[i] = 0;
    for (int c = 0; c < weights->out_count; c++) {
        for (int e = 0; e < rows; e++)
            put_field(packed, weight_field(c, e, rows, bits),
                      weights->weight[(size_t)c * (size_t)rows + (size_t)e]);
    }
}

void ref_unpack_weights(const uint8_t *packed, int bits, int out_count, int row_count,
                        int8_t *weight)
{
    for (int c = 0; c < out_count; c++) {
        for (int e = 0; e < row_count; e++)
            *weight++ = (int8_t)get_signed_field(packed, weight_field(c, e, row_count, bits));
    }
}

/* Shift of a channel in the word that begins at byte. */
static struct field shift_field(size_t byte, int channel)
{
    switch (3 - channel % 4) {
    case 0:
        return (struct field){byte, 31, 27};
    case 1:
        return (struct field){byte, 24, 20};
    case 2:
        return (struct field){byte, 17, 13};
    default:
        return (struct field){byte, 10, 6};
    }
}

static struct field lane_field(size_t byte, int channel)
{
    const int lane = 3 - channel % 4;

    return (struct field){byte, 31 - 8 * lane, 24 - 8 * lane};
}

void ref_pack_params(const struct ref_weights *weights, int bits, bool in_signed, uint8_t *params)
{
    const int mode = (bits == 8 ? 0 : bits == 4 ? 2 : 3) + (in_signed ? 4 : 0);
    const int groups = (weights->out_count + 3) / 4;

    for (int i = 0; i < groups * MODEL_GROUP_BYTES; i++)
        params[i] = 0;
    for (int g = 0; g < groups; g++) {
        const size_t group = (size_t)g * MODEL_GROUP_BYTES;

        put_field(params, (struct field){group + 4, 2, 0}, mode);
        put_field(params, (struct field){group + 12, 0, 0}, weights->relu);
    }
    for (int c = 0; c < weights->out_count; c++) {
        const size_t group = (size_t)(c / 4) * MODEL_GROUP_BYTES;
        const struct ref_channel *channel = &weights->channels[c];

        put_field(params, lane_field(group, c), channel->bias);
        put_field(params, shift_field(group + 4, c), channel->bias_shift);
        put_field(params, lane_field(group + 8, c), channel->multiplier);
        put_field(params, shift_field(group + 12, c), channel->shift);
    }
}

void ref_unpack_params(const uint8_t *params, int out_count, struct ref_channel *channels)
{
    for (int c = 0; c < out_count; c++) {
        const size_t group = (size_t)(c / 4) * MODEL_GROUP_BYTES;

        channels[c] = (struct ref_channel){
            .bias = get_signed_field(params, lane_field(group, c)),
            .bias_shift = get_field(params, shift_field(group + 4, c)),
            .multiplier = get_field(params, lane_field(group + 8, c)),
            .shift = get_field(params, shift_field(group + 12, c)),
        };
    }
}

static struct ref_tensor tensor_of(const struct model_buffer *buffer, uint8_t *arena)
{
    return (struct ref_tensor){
        .bytes = arena + buffer->arena_offset,
        .height = buffer->height,
        .width = buffer->width,
        .channels = buffer->channels,
        .is_signed = buffer->is_signed,
    };
}

static struct ref_window window_of(const struct model_layer *layer)
{
    return (struct ref_window){
        .kernel_h = layer->kernel_h,
        .kernel_w = layer->kernel_w,
        .stride_h = layer->stride_h,
        .stride_w = layer->stride_w,
        .pad_top = layer->pad_top,
        .pad_left = layer->pad_left,
        .pad_bottom = layer->pad_bottom,
        .pad_right = layer->pad_right,
    };
}

static bool run_weighted(const struct model *model, const struct model_layer *layer, uint8_t *arena,
                         const struct ref_workspace *workspace)
{
    const struct ref_tensor in = tensor_of(&model->buffers[layer->in], arena);
    const struct ref_window window = window_of(layer);
    struct ref_tensor out = tensor_of(&model->buffers[layer->out], arena);
    const int row_count = layer->op == OP_FC ? in.height * in.width * in.channels
                                             : window.kernel_h * window.kernel_w * in.channels;
    const struct ref_weights weights = {.weight = workspace->weight,
                                        .channels = workspace->channels,
                                        .out_count = out.channels,
                                        .row_count = row_count,
                                        .relu = layer->relu};

    if ((size_t)row_count * (size_t)out.channels > workspace->weight_room ||
        (size_t)out.channels > workspace->channel_room)
        return false;
    ref_unpack_weights(model->bytes + layer->weight_offset, layer->weight_bits, out.channels,
                       row_count, workspace->weight);
    ref_unpack_params(model->bytes + layer->param_offset, out.channels, workspace->channels);
    if (layer->op == OP_FC)
        ref_fc(&in, &weights, &out);
    else
        ref_conv2d(&in, &weights, &window, &out);
    return true;
}

bool ref_run_layer(const struct model *model, unsigned index, uint8_t *arena,
                   const struct ref_workspace *workspace)
{
    const struct model_layer *layer = &model->layers[index];
    const struct ref_tensor in = tensor_of(&model->buffers[layer->in], arena);
    const struct ref_window window = window_of(layer);
    struct ref_tensor out = tensor_of(&model->buffers[layer->out], arena);
    int best;

    switch (layer->op) {
    case OP_CONV2D:
    case OP_FC:
        return run_weighted(model, layer, arena, workspace);
    case OP_MAXPOOL:
        ref_maxpool(&in, &window, &out);
        return true;
    case OP_AVGPOOL:
        ref_avgpool(&in, &window, &out);
        return true;
    case OP_RELU:
        ref_relu(&in, &out);
        return true;
    case OP_FLATTEN:
        ref_flatten(&in, &out);
        return true;
    default:
        best = ref_argmax(&in);
        out.bytes[0] = (uint8_t)(best % 256);
        out.bytes[1] = (uint8_t)(best / 256);
        return true;
    }
}
