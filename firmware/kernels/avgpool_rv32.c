// SPDX-License-Identifier: Apache-2.0
/* Average pooling, any window, rounded half up; no padding; plain C. Windows of up to 128 elements work on four channels
 * at a time in 16-bit fields of a word, and divide by a multiplication; the others on one channel at a time. */
#include "pool.h"

enum { FIELDS_WINDOW_MAX = 128 }; /* twice the sum and rounding stay below 2^16 */

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

ALWAYS_INLINE uint32_t average_2x2(struct pool_window window)
{
    enum { ROUNDING = 0x00020002 };
    const uint8_t *below = window.in + window.row_step;
    struct sums sums = {0, 0};

    sums = add_word(sums, window.in, window.flip);
    sums = add_word(sums, window.in + window.column_step, window.flip);
    sums = add_word(sums, below, window.flip);
    sums = add_word(sums, below + window.column_step, window.flip);
    sums.even = (sums.even + ROUNDING) >> 2 & POOL_EVEN;
    sums.odd = (sums.odd + ROUNDING) >> 2 & POOL_EVEN;
    return (sums.even | sums.odd << 8) ^ window.flip;
}

/* Fields of sums to averages. (2 * sum + n) / (2 * n) by multiplication with reciprocal, which is 2^32 / (2 * n) and less
 * than 1 more: exact for dividends below 2^32 / (2 * n) (Granlund and Montgomery 1994, section 4). */
ALWAYS_INLINE uint32_t divide_fields(uint32_t sums, uint32_t count, uint32_t reciprocal)
{
    const uint32_t doubled = 2 * sums + (count << 16 | count);
    const uint32_t low = (uint32_t)((uint64_t)(doubled & 0xffff) * reciprocal >> 32);
    const uint32_t high = (uint32_t)((uint64_t)(doubled >> 16) * reciprocal >> 32);

    return high << 16 | low;
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

static NOINLINE uint32_t average_channels(struct pool_window window)
{
    uint32_t word = 0;

    for (unsigned c = 0; c < 4; c++)
        word |= average_channel(window, c) << 8 * c;
    return word;
}

ALWAYS_INLINE uint32_t average_any(struct pool_window window)
{
    const uint32_t count = window.rows * window.columns;
    struct sums sums = {0, 0};

    if (count > FIELDS_WINDOW_MAX)
        return average_channels(window);
    for (uint32_t y = 0; y < window.rows; y++, window.in += window.row_step) {
        const uint8_t *in = window.in;

        for (uint32_t x = window.columns; x; x--, in += window.column_step)
            sums = add_word(sums, in, window.flip);
    }
    return (divide_fields(sums.even, count, window.reciprocal) |
            divide_fields(sums.odd, count, window.reciprocal) << 8) ^
           window.flip;
}

void avgpool_rv32(const struct kernel_args *args)
{
    if (args->layer->kernel_h == 2 && args->layer->kernel_w == 2)
        pool_run(args, average_2x2);
    else
        pool_run(args, average_any);
}
