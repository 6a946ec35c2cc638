// SPDX-License-Identifier: Apache-2.0
/* The group function of a convolution with the neural instructions; the width is a constant of the
 * caller. Short rows keep all their weights in registers and run without a loop. Longer ones are
 * computed for two pixels in turns: sixteen weight words at a time are loaded once for both. */
#ifndef MPQ_CONV2D_NN_H
#define MPQ_CONV2D_NN_H

#include "conv2d.h"
#include "dot_nn.h"
#include "nn_state.h"

enum { CONV2D_NN_RESIDENT = 16 /* weight words in registers */ };

/* The operands of neur_init and neur_res. */
struct conv2d_nn_params {
    uint32_t bias, mode, multiplier, shift;
};

ALWAYS_INLINE struct conv2d_nn_params conv2d_nn_load(const uint8_t *params)
{
    return (struct conv2d_nn_params){load_aligned(params), load_aligned(params + 4),
                                     load_aligned(params + 8), load_aligned(params + 12)};
}

/* words: 1 .. CONV2D_NN_RESIDENT / (weight words a word). */
ALWAYS_INLINE void conv2d_nn_short(unsigned width, unsigned words, const struct conv2d_group *group)
{
    const unsigned count = words * dot_nn_weight_words(width);
    const struct conv2d_nn_params p = conv2d_nn_load(group->params);
    const uint32_t patch_size = group->patch_size, out_stride = group->out_stride;
    const uint8_t *patch = group->patch, *const end = patch + group->pixels * patch_size;
    uint32_t weights[CONV2D_NN_RESIDENT];
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

/* Two pixels and how far they are. */
struct conv2d_nn_pair {
    const uint8_t *weights;
    const uint8_t *turn, *wait; /* rows of the pixel whose sums the unit holds, and of the other */
    struct nn_acc sums;         /* of the other */
};

/* CONV2D_NN_RESIDENT weight words for both pixels, which change their places. */
ALWAYS_INLINE void conv2d_nn_chunk(unsigned width, struct conv2d_nn_pair *pair)
{
    const unsigned words = CONV2D_NN_RESIDENT / dot_nn_weight_words(width);
    const uint8_t *const turn = pair->turn;
    uint32_t weights[CONV2D_NN_RESIDENT], first;

#pragma GCC unroll 16
    for (unsigned i = 0; i < CONV2D_NN_RESIDENT; i++)
        weights[i] = load_here(pair->weights + 4 * i);
    first = load_here(turn);
    pair->weights += 4 * CONV2D_NN_RESIDENT;
    dot_nn_resident(width, words, weights, turn, first);
    first = load_here(pair->wait);
    pair->sums = nn_exchange(pair->sums);
    dot_nn_resident(width, words, weights, pair->wait, first);
    pair->turn = pair->wait + 4 * words;
    pair->wait = turn + 4 * words;
}

/* The rest of a row, less than a chunk, and the results. */
ALWAYS_INLINE uint32_t conv2d_nn_finish(unsigned width, const struct conv2d_group *group,
                                        const uint8_t *weights, const uint8_t *row)
{
    const unsigned per_word = dot_nn_weight_words(width);
    const uint8_t *params = group->params;
    uint32_t multiplier, shift;

#pragma GCC unroll 4
    for (unsigned part = CONV2D_NN_RESIDENT / per_word / 2; part; part /= 2) {
        if (!(group->words & part))
            continue;
        dot_nn_words(width, part, weights, row);
        row += 4 * part;
        weights += 4 * part * per_word;
    }
    multiplier = load_here(params + 8);
    shift = load_here(params + 12);
    return neur_res(multiplier, shift);
}

/* A chunk needs all registers, so that the walk over the pixels is kept in memory. */
struct conv2d_nn_walk {
    const uint8_t *patch;
    uint8_t *out;
    uint32_t left;
};

ALWAYS_INLINE void conv2d_nn_two(unsigned width, const struct conv2d_group *group,
                                 const volatile struct conv2d_nn_walk *walk)
{
    const unsigned chunk = CONV2D_NN_RESIDENT / dot_nn_weight_words(width);
    const uint32_t bias = load_here(group->params), mode = load_here(group->params + 4);
    const uint8_t *const patch = walk->patch;
    const uint8_t *const end = patch + (group->words & ~(2 * chunk - 1)) * 4;
    struct conv2d_nn_pair pair = {
        .weights = group->weights, .turn = patch, .wait = patch + group->patch_size};
    uint32_t first, second;

    neur_init(bias, mode);
    pair.sums = nn_read_acc();
    while (pair.turn != end) {
        conv2d_nn_chunk(width, &pair);
        conv2d_nn_chunk(width, &pair);
    }
    forget_memory();
    if (group->words & chunk)
        conv2d_nn_chunk(width, &pair);
    forget_memory();
    first = conv2d_nn_finish(width, group, pair.weights, pair.turn);
    nn_exchange(pair.sums);
    second = conv2d_nn_finish(width, group, pair.weights, pair.wait);
    if (group->words & chunk) {
        store_word(walk->out, second);
        store_word(walk->out + group->out_stride, first);
    } else {
        store_word(walk->out, first);
        store_word(walk->out + group->out_stride, second);
    }
}

ALWAYS_INLINE void conv2d_nn_long(unsigned width, const struct conv2d_group *group)
{
    volatile struct conv2d_nn_walk walk = {group->patch, group->out, group->pixels};

    for (; walk.left >= 2; walk.left -= 2) {
        conv2d_nn_two(width, group, &walk);
        walk.patch += 2 * group->patch_size;
        walk.out += 2 * group->out_stride;
    }
    if (walk.left)
        store_word(walk.out, conv2d_nn_single(width, group, walk.patch));
}

#endif
