// SPDX-License-Identifier: Apache-2.0
/* Packing of weights and parameters, one layer. In terms of memory bytes the format is: byte i of a word belongs to
 * channel 4g+i (8 bit), nibble i of a half word (4 bit), bit pair i of a byte (2 bit). */
#include "pack_weights.h"

#include <stdbool.h>
#include <string.h>

#include "bytes.h"
#include "model_format.h"

enum { LANES = 4 };

size_t pack_weight_bytes(int out_count, int row_count, int bits)
{
    const size_t groups = ((size_t)out_count + LANES - 1) / LANES;
    const size_t words = ((size_t)row_count + LANES - 1) / LANES;
    return groups * words * (size_t)bits / 2 * 4;
}

size_t pack_param_bytes(int out_count)
{
    return ((size_t)out_count + LANES - 1) / LANES * MODEL_GROUP_BYTES;
}

/* Where a weight stands: which word behind its activation word's first one, and its lowest bit there. */
struct place {
    int word, bit;
};

static struct place weight_place(int bits, int channel_lane, int element_lane)
{
    if (bits == 8)
        return (struct place){.word = 3 - element_lane, .bit = 8 * channel_lane};
    if (bits == 4)
        return (struct place){.word = (3 - element_lane) / 2,
                              .bit = 16 * (element_lane & 1) + 4 * channel_lane};
    return (struct place){.word = 0, .bit = 8 * element_lane + 2 * channel_lane};
}

/* Byte offset of the first word that holds weights of a channel's group and an element's activation word. */
static size_t word_offset(int channel, int element, int row_count, int bits)
{
    const size_t words = ((size_t)row_count + LANES - 1) / LANES;
    const size_t number = (size_t)(channel / LANES) * words + (size_t)(element / LANES);
    return number * (size_t)bits / 2 * 4;
}

void pack_weights(const int8_t *weight, int out_count, int row_count, int bits, uint8_t *out)
{
    const uint32_t mask = (1u << bits) - 1;
    memset(out, 0, pack_weight_bytes(out_count, row_count, bits));
    for (int c = 0; c < out_count; c++) {
        for (int e = 0; e < row_count; e++) {
            const struct place place = weight_place(bits, c % LANES, e % LANES);
            uint8_t *word = out + word_offset(c, e, row_count, bits) + 4 * place.word;
            const uint32_t value =
                (uint32_t)weight[(size_t)c * (size_t)row_count + (size_t)e] & mask;
            put_u32(word, get_u32(word) | value << place.bit);
        }
    }
}

void unpack_weights(const uint8_t *in, int out_count, int row_count, int bits, int8_t *weight)
{
    const int sign = 1 << (bits - 1);
    for (int c = 0; c < out_count; c++) {
        for (int e = 0; e < row_count; e++) {
            const struct place place = weight_place(bits, c % LANES, e % LANES);
            const uint8_t *word = in + word_offset(c, e, row_count, bits) + 4 * place.word;
            const int value = (int)(get_u32(word) >> place.bit & ((1u << bits) - 1));
            weight[(size_t)c * (size_t)row_count + (size_t)e] = (int8_t)((value ^ sign) - sign);
        }
    }
}

/* Lowest bit of the shift field of channel 4g+i, which is lane 3-i. */
static const uint8_t shift_bit[LANES] = {6, 13, 20, 27};

void pack_params(const struct quant_layer *layer, uint8_t *out)
{
    const uint32_t mode = (layer->bits == 8   ? 0u
                           : layer->bits == 4 ? 2u
                                              : 3u) |
                          (layer->in_signed ? 4u : 0u);
    memset(out, 0, pack_param_bytes(layer->out_count));
    for (int first = 0; first < layer->out_count; first += LANES, out += MODEL_GROUP_BYTES) {
        uint32_t biases = 0, bias_word = mode, multipliers = 0, result_word = layer->relu;
        for (int i = 0; i < LANES && first + i < layer->out_count; i++) {
            const int c = first + i;
            biases |= (uint32_t)(uint8_t)layer->bias[c] << (8 * i);
            bias_word |= (uint32_t)layer->bias_shift[c] << shift_bit[i];
            multipliers |= (uint32_t)layer->multiplier[c] << (8 * i);
            result_word |= (uint32_t)layer->shift[c] << shift_bit[i];
        }
        put_u32(out, biases);
        put_u32(out + 4, bias_word);
        put_u32(out + 8, multipliers);
        put_u32(out + 12, result_word);
    }
}

struct unpacked_channel unpack_channel(const uint8_t *params, int channel)
{
    const uint8_t *p = params + (size_t)(channel / LANES) * MODEL_GROUP_BYTES;
    const int i = channel % LANES;
    return (struct unpacked_channel){
        .bias = (int8_t)p[i],
        .bias_shift = (uint8_t)(get_u32(p + 4) >> shift_bit[i] & 31),
        .multiplier = p[8 + i],
        .shift = (uint8_t)(get_u32(p + 12) >> shift_bit[i] & 31),
    };
}
