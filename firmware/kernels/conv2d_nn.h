// SPDX-License-Identifier: Apache-2.0
/* The group function of a convolution with the neural instructions; the width is a constant of the
 * caller. Rows of up to eight words run without a loop, and keep their weights in registers where
 * these suffice. */
#ifndef MPQ_CONV2D_NN_H
#define MPQ_CONV2D_NN_H

#include "conv2d.h"
#include "dot_nn.h"

enum { CONV2D_NN_SHORT_ROW = 8, CONV2D_NN_RESIDENT = 16 /* weight words in registers */ };

ALWAYS_INLINE void conv2d_nn_short(unsigned width, unsigned words, const struct conv2d_group *group)
{
    const unsigned per_word = dot_nn_weight_words(width);
    const uint32_t bias = load_aligned(group->params), mode = load_aligned(group->params + 4);
    const uint32_t multiplier = load_aligned(group->params + 8);
    const uint32_t shift = load_aligned(group->params + 12);
    const uint8_t *patch = group->patch, *end = patch + group->pixels * group->patch_size;
    uint32_t weights[CONV2D_NN_RESIDENT];
    uint8_t *out = group->out;

    if (words * per_word <= CONV2D_NN_RESIDENT) {
#pragma GCC unroll 16
        for (unsigned i = 0; i < words * per_word; i++)
            weights[i] = load_aligned(group->weights + 4 * i);
    }
    for (; patch < end; patch += group->patch_size, out += group->out_stride) {
        neur_init(bias, mode);
        if (words * per_word <= CONV2D_NN_RESIDENT) {
#pragma GCC unroll 8
            for (unsigned m = 0; m < words; m++)
                dot_nn_step(width, weights + m * per_word, load_aligned(patch + 4 * m));
        } else {
            dot_nn_words(width, words, group->weights, patch);
        }
        store_results(out, group->out_end, neur_res(multiplier, shift));
    }
}

ALWAYS_INLINE void conv2d_nn_long(unsigned width, const struct conv2d_group *group)
{
    const uint32_t bias = load_aligned(group->params), mode = load_aligned(group->params + 4);
    const uint32_t multiplier = load_aligned(group->params + 8);
    const uint32_t shift = load_aligned(group->params + 12);
    const uint8_t *patch = group->patch, *end = patch + group->pixels * group->patch_size;
    uint8_t *out = group->out;

    for (; patch < end; patch += group->patch_size, out += group->out_stride) {
        neur_init(bias, mode);
        dot_nn_row(width, group->weights, patch, group->words);
        store_results(out, group->out_end, neur_res(multiplier, shift));
    }
}

ALWAYS_INLINE void conv2d_nn_group(unsigned width, const struct conv2d_group *group)
{
    switch (group->words) {
    case 1:
        conv2d_nn_short(width, 1, group);
        break;
    case 2:
        conv2d_nn_short(width, 2, group);
        break;
    case 3:
        conv2d_nn_short(width, 3, group);
        break;
    case 4:
        conv2d_nn_short(width, 4, group);
        break;
    case 5:
        conv2d_nn_short(width, 5, group);
        break;
    case 6:
        conv2d_nn_short(width, 6, group);
        break;
    case 7:
        conv2d_nn_short(width, 7, group);
        break;
    case CONV2D_NN_SHORT_ROW:
        conv2d_nn_short(width, CONV2D_NN_SHORT_ROW, group);
        break;
    default:
        conv2d_nn_long(width, group);
    }
}

#endif
