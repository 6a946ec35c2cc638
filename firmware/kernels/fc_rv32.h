// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer in plain C; the width is a constant of the caller. */
#ifndef MPQ_FC_RV32_H
#define MPQ_FC_RV32_H

#include "dot_rv32.h"
#include "kernels.h"
#include "requantize.h"

ALWAYS_INLINE void fc_rv32_groups(unsigned width, bool is_signed, const struct kernel_args *args)
{
    const uint32_t words = model_row_words(args->layer, args->in_shape);
    const uint8_t *weights = args->weights, *params = args->params;
    uint8_t *out = args->out, *const end = out + args->out_shape->channels;

    for (; out < end; out += 4, weights += words * 2 * width, params += MODEL_GROUP_BYTES) {
        uint32_t acc[4];

        for (unsigned i = 0; i < 4; i++)
            acc[i] = requantize_bias(params, i);
        dot_rv32_row(width, is_signed, weights, args->in, words, acc);
        store_results(out, end, requantize_group(params, acc));
    }
}

ALWAYS_INLINE void fc_rv32(unsigned width, const struct kernel_args *args)
{
    if (args->in_shape->is_signed)
        fc_rv32_groups(width, true, args);
    else
        fc_rv32_groups(width, false, args);
}

#endif
