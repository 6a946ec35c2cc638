// SPDX-License-Identifier: Apache-2.0
/* The weights and parameters of one layer, between plain arrays and the container's words (model_format.h). */
#ifndef MPQ_PACK_WEIGHTS_H
#define MPQ_PACK_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>
#include "quant.h"

/* Bytes of a layer's blocks. */
size_t pack_weight_bytes(int out_count, int row_count, int bits);
size_t pack_param_bytes(int out_count);

/* weight [out_count][row_count] to out, pack_weight_bytes() bytes; and back. Values must fit bits. */
void pack_weights(const int8_t *weight, int out_count, int row_count, int bits, uint8_t *out);
void unpack_weights(const uint8_t *in, int out_count, int row_count, int bits, int8_t *weight);

/* Biases, multipliers and shifts of a layer to out, pack_param_bytes() bytes. */
void pack_params(const struct quant_layer *layer, uint8_t *out);

/* One channel's parameters, read back. */
struct unpacked_channel {
    int8_t bias;
    uint8_t bias_shift, multiplier, shift;
};
struct unpacked_channel unpack_channel(const uint8_t *params, int channel);

#endif
