// SPDX-License-Identifier: Apache-2.0
/* Four dot products at a time in plain C, from the same packed weights; width and sign are
 * constants of the caller. acc[i] belongs to channel 4g+i. Accumulators wrap as the neural unit's
 * do. */
#ifndef MPQ_DOT_RV32_H
#define MPQ_DOT_RV32_H

#include <stdbool.h>
#include "words.h"

ALWAYS_INLINE int32_t dot_rv32_activation(bool is_signed, uint8_t byte)
{
    return is_signed ? (int8_t)byte : byte;
}

/* Signed field of width bits from bit low. */
ALWAYS_INLINE int32_t dot_rv32_field(uint32_t word, unsigned low, unsigned width)
{
    return (int32_t)(word << (32 - low - width)) >> (32 - width);
}

/* Weight of channel i and element e of one activation word; weights: the words that go with it. */
ALWAYS_INLINE int32_t dot_rv32_weight(unsigned width, const uint8_t *weights, unsigned e,
                                      unsigned i)
{
    if (width == 8)
        return (int8_t)weights[4 * (3 - e) + i];
    if (width == 4)
        return dot_rv32_field(load_aligned(weights + 4 * (1 - e / 2)), 16 * (e % 2) + 4 * i, 4);
    return dot_rv32_field(load_aligned(weights), 8 * e + 2 * i, 2);
}

/* Adds a row to acc; width and sign are constants of the caller. */
ALWAYS_INLINE void dot_rv32_add_row(unsigned width, bool is_signed, const uint8_t *weights,
                                    const uint8_t *row, uint32_t words, uint32_t acc[4])
{
    uint32_t sums[4] = {acc[0], acc[1], acc[2], acc[3]};

    for (const uint8_t *end = row + 4 * words; row < end; row += 4, weights += 2 * width) {
#pragma GCC unroll 4
        for (unsigned e = 0; e < 4; e++) {
            const int32_t a = dot_rv32_activation(is_signed, row[e]);

#pragma GCC unroll 4
            for (unsigned i = 0; i < 4; i++)
                sums[i] += (uint32_t)(dot_rv32_weight(width, weights, e, i) * a);
        }
    }
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++)
        acc[i] = sums[i];
}

/* The same as functions, shared by convolution and fully connected layers. */
typedef void dot_rv32_fn(const uint8_t *weights, const uint8_t *row, uint32_t words,
                         uint32_t acc[4]);

dot_rv32_fn *dot_rv32_select(unsigned width, bool is_signed);

#endif
