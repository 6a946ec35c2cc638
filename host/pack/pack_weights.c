// SPDX-License-Identifier: Apache-2.0
/* Packing of weights and parameters, one layer. In terms of memory bytes the format is: byte i of a
 * word belongs to channel 4g+i (8 bit), nibble i of a half word (4 bit), bit pair i of a byte (2
 * bit). */
#include "pack/pack_weights.h"

#include <string.h>

#include "bytes.h"
#include "model.h"
#include "model_format.h"

enum { LANES = 4 };

/* Channels that are filled up to whole lane groups together: all, or one convolution of several.
 * Depthwise channels fill their lanes without a gap. */
static int block_channels(const struct pack_layout *layout)
{
    return layout->depthwise ? layout->out_count : layout->out_count / layout->groups;
}

static size_t lane_groups(const struct pack_layout *layout)
{
    const int channels = block_channels(layout);
    return ((size_t)channels + LANES - 1) / LANES * (size_t)(layout->out_count / channels);
}

/* Number of the lane group that holds a channel, and the channel's lane there. */
struct lane {
    size_t group;
    int index;
};

static struct lane channel_lane(const struct pack_layout *layout, int channel)
{
    const int channels = block_channels(layout), within = channel % channels;
    const size_t block_groups = ((size_t)channels + LANES - 1) / LANES;
    return (struct lane){(size_t)(channel / channels) * block_groups + (size_t)(within / LANES),
                         within % LANES};
}

/* Input channels of one of a convolution's groups; FC: its inputs. */
static int in_channels(const struct pack_layout *layout)
{
    return layout->row_count / (layout->kernel_h * layout->kernel_w);
}

static int column_elements(const struct pack_layout *layout)
{
    return (int)model_column_elements((uint32_t)layout->kernel_h, (uint32_t)in_channels(layout));
}

/* Bytes of a lane group's weights. Depthwise: 8 / bits taps in a word; else four elements in bits /
 * 2 words. */
static size_t group_bytes(const struct pack_layout *layout)
{
    const size_t taps = 8 / (size_t)layout->bits;
    if (layout->depthwise)
        return ((size_t)layout->row_count + taps - 1) / taps * 4;
    const size_t elements = (size_t)layout->kernel_w * (size_t)column_elements(layout);
    return (elements + LANES - 1) / LANES * (size_t)layout->bits / 2 * 4;
}

size_t pack_layout_weight_bytes(const struct pack_layout *layout)
{
    return lane_groups(layout) * group_bytes(layout);
}

size_t pack_layout_param_bytes(const struct pack_layout *layout)
{
    return lane_groups(layout) * MODEL_GROUP_BYTES;
}

/* Where a weight stands: byte offset of its word in the lane group's weights, and its lowest bit
 * there. */
struct place {
    size_t word;
    int bit;
};

static struct place depthwise_place(int bits, int lane, int tap)
{
    const int taps = 8 / bits;
    return (struct place){(size_t)(tap / taps) * 4, tap % taps * 4 * bits + lane * bits};
}

static struct place dense_place(int bits, int lane, int element)
{
    const size_t first = (size_t)(element / LANES) * (size_t)bits / 2 * 4;
    const int within = element % LANES;
    if (bits == 8)
        return (struct place){first + 4 * (size_t)(3 - within), 8 * lane};
    if (bits == 4)
        return (struct place){first + 4 * (size_t)((3 - within) / 2), 16 * (within & 1) + 4 * lane};
    return (struct place){first, 8 * within + 2 * lane};
}

/* Place in the container's row, (kx, ky, channel), of an element (ky, kx, channel). */
static int row_place(const struct pack_layout *layout, int element)
{
    const int channels = in_channels(layout), tap = element / channels;
    const int ky = tap / layout->kernel_w, kx = tap % layout->kernel_w;
    return kx * column_elements(layout) + ky * channels + element % channels;
}

static struct place weight_place(const struct pack_layout *layout, int channel, int element)
{
    const struct lane lane = channel_lane(layout, channel);
    struct place place = layout->depthwise
                             ? depthwise_place(layout->bits, lane.index, element)
                             : dense_place(layout->bits, lane.index, row_place(layout, element));
    place.word += lane.group * group_bytes(layout);
    return place;
}

void pack_layout_weights(const struct pack_layout *layout, const int8_t *weight, uint8_t *out)
{
    const uint32_t mask = (1u << layout->bits) - 1;
    memset(out, 0, pack_layout_weight_bytes(layout));
    for (int c = 0; c < layout->out_count; c++) {
        for (int e = 0; e < layout->row_count; e++) {
            const struct place place = weight_place(layout, c, e);
            const uint32_t value = (uint32_t)*weight++ & mask;
            put_u32(out + place.word, get_u32(out + place.word) | value << place.bit);
        }
    }
}

void unpack_layout_weights(const struct pack_layout *layout, const uint8_t *in, int8_t *weight)
{
    const int sign = 1 << (layout->bits - 1);
    for (int c = 0; c < layout->out_count; c++) {
        for (int e = 0; e < layout->row_count; e++) {
            const struct place place = weight_place(layout, c, e);
            const int value =
                (int)(get_u32(in + place.word) >> place.bit & ((1u << layout->bits) - 1));
            *weight++ = (int8_t)((value ^ sign) - sign);
        }
    }
}

/* Lowest bit of the shift field of channel 4g+i, which is lane 3-i. */
static const uint8_t shift_bit[LANES] = {6, 13, 20, 27};

static uint32_t mode_of(const struct pack_layout *layout, bool in_signed)
{
    const uint32_t width = layout->bits == 8 ? 0 : layout->bits == 4 ? 2 : 3;
    return (layout->depthwise ? 1 : width) | (in_signed ? 4u : 0u);
}

void pack_layout_params(const struct pack_layout *layout, const struct quant_layer *layer,
                        uint8_t *out)
{
    const size_t size = pack_layout_param_bytes(layout);
    memset(out, 0, size);
    for (uint8_t *p = out; p < out + size; p += MODEL_GROUP_BYTES) {
        put_u32(p + 4, mode_of(layout, layer->in_signed));
        put_u32(p + 12, layer->relu);
    }
    for (int c = 0; c < layout->out_count; c++) {
        const struct lane lane = channel_lane(layout, c);
        uint8_t *p = out + lane.group * MODEL_GROUP_BYTES;
        p[lane.index] = (uint8_t)layer->bias[c];
        put_u32(p + 4, get_u32(p + 4) | (uint32_t)layer->bias_shift[c] << shift_bit[lane.index]);
        p[8 + lane.index] = layer->multiplier[c];
        put_u32(p + 12, get_u32(p + 12) | (uint32_t)layer->shift[c] << shift_bit[lane.index]);
    }
}

struct unpacked_channel unpack_layout_channel(const struct pack_layout *layout,
                                              const uint8_t *params, int channel)
{
    const struct lane lane = channel_lane(layout, channel);
    const uint8_t *p = params + lane.group * MODEL_GROUP_BYTES;
    const int bit = shift_bit[lane.index];
    return (struct unpacked_channel){
        .bias = (int8_t)p[lane.index],
        .bias_shift = (uint8_t)(get_u32(p + 4) >> bit & 31),
        .multiplier = p[8 + lane.index],
        .shift = (uint8_t)(get_u32(p + 12) >> bit & 31),
    };
}

void pack_add(const struct quant_add *add, uint8_t *out)
{
    uint32_t result_word = add->relu;
    for (int i = 0; i < LANES; i++)
        result_word |= (uint32_t)add->shift << shift_bit[i];
    memset(out, add->ma, 4);
    memset(out + 4, add->mb, 4);
    memset(out + 8, add->multiplier, 4);
    put_u32(out + 12, result_word);
}

struct quant_add unpack_add(const uint8_t *params)
{
    return (struct quant_add){
        .ma = params[0],
        .mb = params[4],
        .multiplier = params[8],
        .shift = (uint8_t)(get_u32(params + 12) >> shift_bit[0] & 31),
        .relu = params[12] & 1,
    };
}
