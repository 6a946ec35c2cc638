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

static int divide_up(int number, int divisor)
{
    return (number + divisor - 1) / divisor;
}

/* Output channels that are filled up to whole groups of four together. */
static int block_channels(const struct ref_weights *weights)
{
    return weights->depthwise || !weights->groups ? weights->out_count
                                                  : weights->out_count / weights->groups;
}

/* Where a channel stands among the lanes of all groups of four. */
static int lane_of(const struct ref_weights *weights, int channel)
{
    const int block = block_channels(weights);

    return channel / block * divide_up(block, 4) * 4 + channel % block;
}

static int lane_groups(const struct ref_weights *weights)
{
    const int block = block_channels(weights);

    return weights->out_count / block * divide_up(block, 4);
}

static int kernel_height(const struct ref_weights *weights)
{
    return weights->kernel_h ? weights->kernel_h : 1;
}

static int kernel_width(const struct ref_weights *weights)
{
    return weights->kernel_w ? weights->kernel_w : 1;
}

/* From one column of a packed row to the next, in elements: as many as there are, and up to the next
 * word's if the window is higher than one and this makes the column longer by an eighth at most. */
static int column_pitch(const struct ref_weights *weights)
{
    const int column = weights->row_count / kernel_width(weights);
    const int whole = divide_up(column, 4) * 4;

    return kernel_height(weights) > 1 && 8 * whole <= 9 * column ? whole : column;
}

static int words_of_weights(int bits)
{
    return bits == 8 ? 4 : bits == 4 ? 2 : 1;
}

/* Words of one group of four channels. */
static int words_of_group(const struct ref_weights *weights, int bits)
{
    return weights->depthwise ? divide_up(weights->row_count, 8 / bits)
                              : divide_up(kernel_width(weights) * column_pitch(weights), 4) *
                                    words_of_weights(bits);
}

size_t ref_packed_bytes(const struct ref_weights *weights, int bits)
{
    return (size_t)lane_groups(weights) * (size_t)words_of_group(weights, bits) * 4;
}

size_t ref_param_bytes(const struct ref_weights *weights)
{
    return (size_t)lane_groups(weights) * MODEL_GROUP_BYTES;
}

/* Depthwise: weight of tap t and channel 4g+n, from the group's first word on. */
static struct field tap_field(int n, int t, int bits)
{
    const int k = 3 - n;

    if (bits == 8)
        return (struct field){4 * (size_t)t, 31 - 8 * k, 24 - 8 * k};
    if (bits == 4) /* half word t % 2 of word t / 2, nibble n */
        return (struct field){4 * (size_t)(t / 2), 16 * (t % 2) + 4 * n + 3, 16 * (t % 2) + 4 * n};
    return (struct field){4 * (size_t)(t / 4), 8 * (t % 4) + 2 * n + 1, 8 * (t % 4) + 2 * n};
}

/* Others: W(4g+3-k, 4m+3-j), from the group's first word on. */
static struct field element_field(int k, int element, int bits)
{
    const int m = element / 4, j = 3 - element % 4;
    const size_t word = (size_t)m * (size_t)words_of_weights(bits);

    if (bits == 8) /* j is t: word t, lane k */
        return (struct field){4 * (word + (size_t)j), 31 - 8 * k, 24 - 8 * k};
    if (bits == 4 && j % 2 == 0) /* j is 2b: upper half of word b */
        return (struct field){4 * (word + (size_t)j / 2), 31 - 4 * k, 28 - 4 * k};
    if (bits == 4) /* j is 2b+1: lower half of word b */
        return (struct field){4 * (word + (size_t)j / 2), 15 - 4 * k, 12 - 4 * k};
    return (struct field){4 * word, 31 - 8 * j - 2 * k, 30 - 8 * j - 2 * k};
}

/* Where a channel's weights are: its lane of four, and its group's first byte. */
struct channel_place {
    int lane;
    size_t first;
};

static struct channel_place place_channel(const struct ref_weights *weights, int channel, int bits)
{
    const int lane = lane_of(weights, channel);

    return (struct channel_place){lane % 4,
                                  4 * (size_t)(lane / 4) * (size_t)words_of_group(weights, bits)};
}

/* Number in the packed row, (kx, ky, channel), of element (ky, kx, channel). */
static int packed_number(const struct ref_weights *weights, int element)
{
    const int h = kernel_height(weights), w = kernel_width(weights);
    const int channels = weights->row_count / h / w;
    const int c = element % channels, kx = element / channels % w, ky = element / channels / w;

    return c + channels * ky + column_pitch(weights) * kx;
}

static struct field weight_field(const struct ref_weights *weights, struct channel_place place,
                                 int element, int bits)
{
    struct field field = weights->depthwise
                             ? tap_field(place.lane, element, bits)
                             : element_field(3 - place.lane, packed_number(weights, element), bits);

    field.byte += place.first;
    return field;
}

void ref_pack_weights(const struct ref_weights *weights, int bits, uint8_t *packed)
{
    const int rows = weights->row_count;
    const size_t size = ref_packed_bytes(weights, bits);

    for (size_t i = 0; i < size; i++)
        packed[i] = 0;
    for (int c = 0; c < weights->out_count; c++) {
        const struct channel_place place = place_channel(weights, c, bits);

        for (int e = 0; e < rows; e++)
            put_field(packed, weight_field(weights, place, e, bits),
                      weights->weight[(size_t)c * (size_t)rows + (size_t)e]);
    }
}

void ref_unpack_weights(const struct ref_weights *weights, const uint8_t *packed, int bits,
                        int8_t *weight)
{
    for (int c = 0; c < weights->out_count; c++) {
        const struct channel_place place = place_channel(weights, c, bits);

        for (int e = 0; e < weights->row_count; e++)
            *weight++ = (int8_t)get_signed_field(packed, weight_field(weights, place, e, bits));
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
    const int width_mode = bits == 8 ? 0 : bits == 4 ? 2 : 3;
    const int mode = (weights->depthwise ? 1 : width_mode) + (in_signed ? 4 : 0);
    const int group_count = lane_groups(weights);

    for (int i = 0; i < group_count * MODEL_GROUP_BYTES; i++)
        params[i] = 0;
    for (int g = 0; g < group_count; g++) {
        const size_t group = (size_t)g * MODEL_GROUP_BYTES;

        put_field(params, (struct field){group + 4, 2, 0}, mode);
        put_field(params, (struct field){group + 12, 0, 0}, weights->relu);
    }
    for (int c = 0; c < weights->out_count; c++) {
        const int lane = lane_of(weights, c);
        const size_t group = (size_t)(lane / 4) * MODEL_GROUP_BYTES;
        const struct ref_channel *channel = &weights->channels[c];

        put_field(params, lane_field(group, lane), channel->bias);
        put_field(params, shift_field(group + 4, lane), channel->bias_shift);
        put_field(params, lane_field(group + 8, lane), channel->multiplier);
        put_field(params, shift_field(group + 12, lane), channel->shift);
    }
}

void ref_unpack_params(const struct ref_weights *weights, const uint8_t *params,
                       struct ref_channel *channels)
{
    for (int c = 0; c < weights->out_count; c++) {
        const int lane = lane_of(weights, c);
        const size_t group = (size_t)(lane / 4) * MODEL_GROUP_BYTES;

        channels[c] = (struct ref_channel){
            .bias = get_signed_field(params, lane_field(group, lane)),
            .bias_shift = get_field(params, shift_field(group + 4, lane)),
            .multiplier = get_field(params, lane_field(group + 8, lane)),
            .shift = get_field(params, shift_field(group + 12, lane)),
        };
    }
}

void ref_pack_add(const struct ref_add *add, uint8_t *params)
{
    for (int i = 0; i < MODEL_GROUP_BYTES; i++)
        params[i] = 0;
    for (int i = 0; i < 4; i++) {
        put_field(params, lane_field(0, i), add->ma);
        put_field(params, lane_field(4, i), add->mb);
        put_field(params, lane_field(8, i), add->channel.multiplier);
        put_field(params, shift_field(12, i), add->channel.shift);
    }
    put_field(params, (struct field){12, 0, 0}, add->relu);
}

void ref_unpack_add(const uint8_t *params, struct ref_add *add)
{
    *add = (struct ref_add){
        .ma = get_field(params, lane_field(0, 0)),
        .mb = get_field(params, lane_field(4, 0)),
        .channel = {.multiplier = get_field(params, lane_field(8, 0)),
                    .shift = get_field(params, shift_field(12, 0))},
        .relu = get_field(params, (struct field){12, 0, 0}),
    };
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
    const int groups = layer->op == OP_FC ? 1 : layer->groups;
    const int row_count = layer->op == OP_FC
                              ? in.height * in.width * in.channels
                              : window.kernel_h * window.kernel_w * (in.channels / groups);
    const struct ref_weights weights = {.weight = workspace->weight,
                                        .channels = workspace->channels,
                                        .out_count = out.channels,
                                        .row_count = row_count,
                                        .relu = layer->relu,
                                        .groups = groups,
                                        .depthwise = groups > 1 && groups == in.channels &&
                                                     groups == out.channels,
                                        .kernel_h = layer->op == OP_FC ? 1 : window.kernel_h,
                                        .kernel_w = layer->op == OP_FC ? 1 : window.kernel_w};

    if ((size_t)row_count * (size_t)out.channels > workspace->weight_room ||
        (size_t)out.channels > workspace->channel_room)
        return false;
    ref_unpack_weights(&weights, model->bytes + layer->weight_offset, layer->weight_bits,
                       workspace->weight);
    ref_unpack_params(&weights, model->bytes + layer->param_offset, workspace->channels);
    if (layer->op == OP_FC)
        ref_fc(&in, &weights, &out);
    else
        ref_conv2d(&in, &weights, &window, &out);
    return true;
}

static void run_add(const struct model *model, const struct model_layer *layer, uint8_t *arena)
{
    const struct ref_tensor a = tensor_of(&model->buffers[layer->in], arena);
    const struct ref_tensor b = tensor_of(&model->buffers[layer->in2], arena);
    struct ref_tensor out = tensor_of(&model->buffers[layer->out], arena);
    struct ref_add add;

    ref_unpack_add(model->bytes + layer->param_offset, &add);
    ref_add(&a, &b, &add, &out);
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
    case OP_ADD:
        run_add(model, layer, arena);
        return true;
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
