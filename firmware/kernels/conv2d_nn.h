// SPDX-License-Identifier: Apache-2.0
/* The group function of a convolution with the neural instructions; the width is a constant of the
 * caller. Short rows keep all their weights in registers and run without a loop. Longer ones:
 * rows_nn.S; on the host pixel by pixel. */
#ifndef MPQ_CONV2D_NN_H
#define MPQ_CONV2D_NN_H

#include "conv2d.h"
#include "conv2d_rows.h"
#include "rows_nn.h"
#include "dot_nn.h"
#include "stream.h"

/* The operands of neur_init and neur_res. */
struct conv2d_nn_params {
    uint32_t bias, mode, multiplier, shift;
};

ALWAYS_INLINE struct conv2d_nn_params conv2d_nn_load(const uint8_t *params)
{
    return (struct conv2d_nn_params){load_aligned(params), load_aligned(params + 4),
                                     load_aligned(params + 8), load_aligned(params + 12)};
}

/* words: 1 .. ROWS_NN_RESIDENT / (weight words a word). */
ALWAYS_INLINE void conv2d_nn_short(unsigned width, unsigned words, const struct conv2d_group *group)
{
    const unsigned count = words * dot_nn_weight_words(width);
    const struct conv2d_nn_params p = conv2d_nn_load(group->params);
    const uint32_t patch_size = group->patch_size, out_stride = group->out_stride;
    const uint8_t *patch = group->patch, *const end = patch + group->pixels * patch_size;
    uint32_t weights[ROWS_NN_RESIDENT];
    uint8_t *out = group->out;

#pragma GCC unroll 16
    for (unsigned i = 0; i < count; i++)
        weights[i] = load_here(group->weights + 4 * i);
    do {
        const uint32_t first = load_here(patch);

        neur_init(p.bias, p.mode);
        dot_nn_resident(width, words, weights, patch, first);
        patch += patch_size;
        store_word(out, neur_res(p.multiplier, p.shift));
        out += out_stride;
    } while (patch != end);
}

/* One pixel of any row length. */
ALWAYS_INLINE uint32_t conv2d_nn_single(unsigned width, const struct conv2d_group *group,
                                        const uint8_t *patch)
{
    const struct conv2d_nn_params p = conv2d_nn_load(group->params);

    neur_init(p.bias, p.mode);
    dot_nn_row(width, group->weights, patch, group->words);
    return neur_res(p.multiplier, p.shift);
}

/* The layer, with the group function for a core without the instructions of version 2, or code that is made. */
ALWAYS_INLINE void conv2d_nn_run(const struct kernel_args *args, conv2d_group_fn *group)
{
    if (stream_is_there())
        conv2d_stream(args);
    else
        conv2d_run(args, group, NULL);
}

/* Rows whose weights registers cannot hold. */
ALWAYS_INLINE void conv2d_nn_long(unsigned width, const struct conv2d_group *group)
{
    uint32_t done = 0;

#ifdef __riscv
    conv2d_group_fn *const medium = width == 8   ? conv2d_nn_medium_w8
                                    : width == 4 ? conv2d_nn_medium_w4
                                                 : conv2d_nn_medium_w2;
    conv2d_group_fn *const pairs = width == 8   ? conv2d_nn_pairs_w8
                                   : width == 4 ? conv2d_nn_pairs_w4
                                                : conv2d_nn_pairs_w2;

    if (group->words * dot_nn_weight_words(width) <= ROWS_NN_RESIDENT + CONV2D_NN_STREAMED) {
        medium(group);
        return;
    }
    done = group->pixels & ~1u;
    if (done)
        pairs(group);
#endif
    for (; done < group->pixels; done++)
        store_word(group->out + done * group->out_stride,
                   conv2d_nn_single(width, group, group->patch + done * group->patch_size));
}

#endif
