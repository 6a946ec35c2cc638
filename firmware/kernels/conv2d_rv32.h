// SPDX-License-Identifier: Apache-2.0
/* The group function of a convolution in plain C; the width is a constant of the caller. */
#ifndef MPQ_CONV2D_RV32_H
#define MPQ_CONV2D_RV32_H

#include "conv2d.h"
#include "dot_rv32.h"
#include "requantize.h"

ALWAYS_INLINE void conv2d_rv32_pixels(unsigned width, bool is_signed,
                                      const struct conv2d_group *group)
{
    const uint8_t *patch = group->patch;
    uint8_t *out = group->out;
    uint32_t bias[4];

    for (unsigned i = 0; i < 4; i++)
        bias[i] = requantize_bias(group->params, i);
    for (uint32_t n = group->pixels; n; n--, patch += group->patch_size, out += group->out_stride) {
        uint32_t acc[4] = {bias[0], bias[1], bias[2], bias[3]};

        dot_rv32_row(width, is_signed, group->weights, patch, group->words, acc);
        store_results(out, group->out_end, requantize_group(group->params, acc));
    }
}

ALWAYS_INLINE void conv2d_rv32_group(unsigned width, const struct conv2d_group *group)
{
    if (group->is_signed)
        conv2d_rv32_pixels(width, true, group);
    else
        conv2d_rv32_pixels(width, false, group);
}

#endif
