// SPDX-License-Identifier: Apache-2.0
/* Average pooling, any window, rounded half up; no padding; plain C. Windows of 2, 4 .. 128 elements,
 * as most are, work on four channels at a time in 16-bit fields of a word; the others on one
 * channel at a time. */
#include "pool.h"

enum { FIELDS_WINDOW_MAX = 128 }; /* sum and rounding stay below 2^16 */

/* Sums of four channels: bytes 0 and 2 in even, 1 and 3 in odd. */
struct sums {
    uint32_t even, odd;
};

ALWAYS_INLINE struct sums add_word(struct sums sums, const uint8_t *in, uint32_t flip)
{
    const uint32_t word = load_word(in) ^ flip;

    sums.even += word & POOL_EVEN;
    sums.odd += word >> 8 & POOL_EVEN;
    return sums;
}

/* log2 of the window's size comes in as a constant or a variable. */
ALWAYS_INLINE uint32_t average(struct sums sums, unsigned log2, uint32_t flip)
{
    const uint32_t rounding = 0x00010001u << log2 >> 1 & ~0x8000u;
    const uint32_t even = (sums.even + rounding) >> log2 & POOL_EVEN;
    const uint32_t odd = (sums.odd + rounding) >> log2 & POOL_EVEN;

    return (even | odd << 8) ^ flip;
}

ALWAYS_INLINE uint32_t average_2x2(struct pool_window window)
{
    const uint8_t *below = window.in + window.row_step;
    struct sums sums = {0, 0};

    sums = add_word(sums, window.in, window.flip);
    sums = add_word(sums, window.in + window.column_step, window.flip);
    sums = add_word(sums, below, window.flip);
    sums = add_word(sums, below + window.column_step, window.flip);
    return average(sums, 2, window.flip);
}

ALWAYS_INLINE uint32_t average_fields(struct pool_window window)
{
    const unsigned log2 = pool_log2(window.rows * window.columns);
    struct sums sums = {0, 0};

    for (uint32_t y = 0; y < window.rows; y++, window.in += window.row_step) {
        for (uint32_t x = 0; x < window.columns; x++)
            sums = add_word(sums, window.in + x * window.column_step, window.flip);
    }
    return average(sums, log2, window.flip);
}

/* One channel: byte c of the window. */
static uint32_t average_channel(struct pool_window window, unsigned c)
{
    const uint32_t count = window.rows * window.columns;
    uint32_t sum = 0;

    for (uint32_t y = 0; y < window.rows; y++, window.in += window.row_step) {
        for (uint32_t x = 0; x < window.columns; x++)
            sum += window.in[x * window.column_step + c] ^ (window.flip & 0x80);
    }
    return (2 * sum + count) / (2 * count) ^ (window.flip & 0x80);
}

static uint32_t average_any(struct pool_window window)
{
    uint32_t word = 0;

    for (unsigned c = 0; c < 4; c++)
        word |= average_channel(window, c) << 8 * c;
    return word;
}

void avgpool_rv32(const struct kernel_args *args)
{
    const uint32_t count = (uint32_t)args->layer->kernel_h * args->layer->kernel_w;

    if (args->layer->kernel_h == 2 && args->layer->kernel_w == 2)
        pool_run(args, average_2x2);
    else if (!(count & (count - 1)) && count <= FIELDS_WINDOW_MAX)
        pool_run(args, average_fields);
    else
        pool_run(args, average_any);
}
