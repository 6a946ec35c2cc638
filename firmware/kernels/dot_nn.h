// SPDX-License-Identifier: Apache-2.0
/* Four dot products at a time with the neural instructions; the width is a constant of the caller.
 * Loads are written down where they have to happen: one instruction at least before their use. */
#ifndef MPQ_DOT_NN_H
#define MPQ_DOT_NN_H

#include "nn_insn.h"
#include "words.h"

/* Weight words for one word of activations. */
ALWAYS_INLINE unsigned dot_nn_weight_words(unsigned width)
{
    return width / 2;
}

/* Activation words in a turn of the loop: long enough for its overhead to be small. */
ALWAYS_INLINE unsigned dot_nn_turn(unsigned width)
{
    return width == 8 ? 8 : 16;
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

/* Weights that are in registers, activations from memory. count is a constant; first: the row's
 * first word, loaded already. */
ALWAYS_INLINE void dot_nn_resident(unsigned width, unsigned count, const uint32_t *weights,
                                   const uint8_t *row, uint32_t first)
{
    uint32_t a = first;

#pragma GCC unroll 16
    for (unsigned m = 0; m < count; m++) {
        const uint32_t next = m + 1 < count ? load_here(row + 4 * (m + 1)) : 0;

        dot_nn_step(width, weights + m * dot_nn_weight_words(width), a);
        a = next;
    }
}

/* One activation word with its weights. */
ALWAYS_INLINE void dot_nn_word(unsigned width, const uint8_t *weights, const uint8_t *row)
{
    uint32_t w[4] = {0};
    const uint32_t a = load_here(row);

#pragma GCC unroll 4
    for (unsigned i = 0; i < dot_nn_weight_words(width); i++)
        w[i] = load_here(weights + 4 * i);
    dot_nn_step(width, w, a);
}

/* Two of them: with 2 bits a single one would use its weights right behind their load. */
ALWAYS_INLINE void dot_nn_two_words(unsigned width, const uint8_t *weights, const uint8_t *row)
{
    const unsigned step = 4 * dot_nn_weight_words(width);

    if (width == 2) {
        const uint32_t w0 = load_here(weights), a0 = load_here(row);
        const uint32_t w1 = load_here(weights + 4), a1 = load_here(row + 4);

        nn_mac_2b(w0, a0);
        nn_mac_2b(w1, a1);
    } else {
        dot_nn_word(width, weights, row);
        dot_nn_word(width, weights + step, row + 4);
    }
}

/* count is a constant: straight-line code. */
ALWAYS_INLINE void dot_nn_words(unsigned width, unsigned count, const uint8_t *weights,
                                const uint8_t *row)
{
    const unsigned step = 4 * dot_nn_weight_words(width);

#pragma GCC unroll 8
    for (unsigned m = 0; m + 1 < count; m += 2)
        dot_nn_two_words(width, weights + step * m, row + 4 * m);
    if (count & 1)
        dot_nn_word(width, weights + step * (count - 1), row + 4 * (count - 1));
}

/* A whole row of any length. weights and row are 4-byte aligned. */
ALWAYS_INLINE void dot_nn_row(unsigned width, const uint8_t *weights, const uint8_t *row,
                              uint32_t words)
{
    const unsigned step = 4 * dot_nn_weight_words(width), turn = dot_nn_turn(width);

    for (const uint8_t *end = row + (words & ~(turn - 1)) * 4; row < end;
         row += 4 * turn, weights += turn * step)
        dot_nn_words(width, turn, weights, row);
#pragma GCC unroll 4
    for (unsigned part = turn / 2; part; part /= 2) {
        if (!(words & part))
            continue;
        dot_nn_words(width, part, weights, row);
        row += 4 * part;
        weights += part * step;
    }
}

#endif
