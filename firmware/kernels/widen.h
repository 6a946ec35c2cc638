// SPDX-License-Identifier: Apache-2.0
/* Packed weights of four channels as a word of four int8, in the same order. */
#ifndef MPQ_WIDEN_H
#define MPQ_WIDEN_H

#include <stdint.h>

/* Four nibbles. */
static inline uint32_t widen_nibbles(uint32_t v)
{
    const uint32_t halves = (v | v << 8) & 0x00ff00ff, word = (halves | halves << 4) & 0x0f0f0f0f;

    return word | (word & 0x08080808) * 30;
}

/* Four bit pairs. */
static inline uint32_t widen_pairs(uint32_t v)
{
    const uint32_t halves = (v | v << 12) & 0x000f000f, word = (halves | halves << 6) & 0x03030303;

    return word | (word & 0x02020202) * 126;
}

#endif
