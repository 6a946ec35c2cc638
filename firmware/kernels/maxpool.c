// SPDX-License-Identifier: Apache-2.0
/* Max pooling, any window; padding is ignored. Four channels at a time in 16-bit fields of a
 * word. */
#include "pool.h"

/* Larger of two bytes in each of two 16-bit fields. */
ALWAYS_INLINE uint32_t max_fields(uint32_t a, uint32_t b)
{
    const uint32_t not_less = ((a | 0x01000100) - b) & 0x01000100;
    const uint32_t mask = not_less - (not_less >> 8);

    return (a & mask) | (b & ~mask);
}

ALWAYS_INLINE uint32_t max_word(struct pool_window window)
{
    uint32_t even = 0, odd = 0;

    for (uint32_t y = 0; y < window.rows; y++, window.in += window.row_step) {
        const uint8_t *in = window.in;

        for (uint32_t x = 0; x < window.columns; x++, in += window.column_step) {
            const uint32_t word = load_word(in) ^ window.flip;

            even = max_fields(even, word & POOL_EVEN);
            odd = max_fields(odd, word >> 8 & POOL_EVEN);
        }
    }
    return ((even & POOL_EVEN) | (odd & POOL_EVEN) << 8) ^ window.flip;
}

void maxpool(const struct kernel_args *args)
{
    pool_run(args, max_word);
}
