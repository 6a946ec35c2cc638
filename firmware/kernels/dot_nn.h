// SPDX-License-Identifier: Apache-2.0
/* Four dot products at a time with the neural instructions; the width is a constant of the
 * caller. */
#ifndef MPQ_DOT_NN_H
#define MPQ_DOT_NN_H

#include "nn_insn.h"
#include "words.h"

/* Weight words for one word of activations. */
ALWAYS_INLINE unsigned dot_nn_weight_words(unsigned width)
{
    return width / 2;
}

ALWAYS_INLINE void dot_nn_step(unsigned width, const uint32_t *w, uint32_t a)
{
    if (width == 8) {
        nn_mac_8b(w[0], a);
        nn_mac_8b(w[1], a);
        nn_mac_8b(w[2], a);
        nn_mac_8b(w[3], a);
    } else if (width == 4) {
        nn_mac_4b(w[0], a);
        nn_mac_4b(w[1], a);
    } else {
        nn_mac_2b(w[0], a);
    }
}

/* count is a constant: straight-line code, loads ahead of their use. */
ALWAYS_INLINE void dot_nn_words(unsigned width, unsigned count, const uint8_t *weights,
                                const uint8_t *row)
{
    const unsigned per_word = dot_nn_weight_words(width);

#pragma GCC unroll 8
    for (unsigned m = 0; m < count; m++) {
        uint32_t w[4] = {0};
        const uint32_t a = load_aligned(row + 4 * m);

#pragma GCC unroll 4
        for (unsigned i = 0; i < per_word; i++)
            w[i] = load_aligned(weights + 4 * (per_word * m + i));
        dot_nn_step(width, w, a);
    }
}

/* A whole row of any length. weights and row are 4-byte aligned. */
ALWAYS_INLINE void dot_nn_row(unsigned width, const uint8_t *weights, const uint8_t *row,
                              uint32_t words)
{
    const unsigned step = 4 * dot_nn_weight_words(width);

    for (; words >= 8; words -= 8, row += 32, weights += 8 * step)
        dot_nn_words(width, 8, weights, row);
    if (words & 4) {
        dot_nn_words(width, 4, weights, row);
        row += 16;
        weights += 4 * step;
    }
    if (words & 2) {
        dot_nn_words(width, 2, weights, row);
        row += 8;
        weights += 2 * step;
    }
    if (words & 1)
        dot_nn_words(width, 1, weights, row);
}

#endif
