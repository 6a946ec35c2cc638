// SPDX-License-Identifier: Apache-2.0
/* The weights and parameters of one layer, between plain arrays and the container's words
 * (model_format.h). */
#ifndef MPQ_PACK_WEIGHTS_H
#define MPQ_PACK_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "quant/quant.h"

/* What the places of weights and parameters depend on. */
struct pack_layout {
    int out_count, row_count; /* row_count: weights of one output channel */
    int bits;
    int groups;             /* of a convolution, divides out_count; else 1 */
    bool depthwise;         /* model_is_depthwise(): groups == out_count, one input channel each */
    int kernel_h, kernel_w; /* of a convolution, else 1 */
};

/* Bytes of a layer's blocks. */
size_t pack_layout_weight_bytes(const struct pack_layout *layout);
size_t pack_layout_param_bytes(const struct pack_layout *layout);

/* weight [out_count][row_count], a convolution's rows as [kernel_h][kernel_w][channels], to out,
 * pack_layout_weight_bytes() bytes; and back. Values must fit bits. */
void pack_layout_weights(const struct pack_layout *layout, const int8_t *weight, uint8_t *out);
void unpack_layout_weights(const struct pack_layout *layout, const uint8_t *in, int8_t *weight);

/* Biases, multipliers and shifts of a layer to out, pack_layout_param_bytes() bytes. */
void pack_layout_params(const struct pack_layout *layout, const struct quant_layer *layer,
                        uint8_t *out);

/* One channel's parameters, read back. */
struct unpacked_channel {
    int8_t bias;
    uint8_t bias_shift, multiplier, shift;
};
struct unpacked_channel unpack_layout_channel(const struct pack_layout *layout,
                                              const uint8_t *params, int channel);

/* An ADD layer's parameter group, MODEL_GROUP_BYTES; and back: factors, multiplier, shift and relu
 * of the result, the rest 0. */
void pack_add(const struct quant_add *add, uint8_t *out);
struct quant_add unpack_add(const uint8_t *params);

#endif
