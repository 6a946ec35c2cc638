// SPDX-License-Identifier: Apache-2.0
/* neur_res and neur_init of one lane in plain C (instruction set, "neur_res: requantize"), for the
 * rv32 tier and for the emulation. Parameters of a group: four words, byte i of the first and third
 * for channel 4g+i. */
#ifndef MPQ_REQUANTIZE_H
#define MPQ_REQUANTIZE_H

#include <stdbool.h>
#include <stdint.h>
#include "bytes.h"

/* Shift of channel i = 0..3 of a group in a shift word. */
static inline unsigned requantize_shift(uint32_t shift_word, unsigned i)
{
    return shift_word >> (6 + 7 * i) & 31;
}

/* Start value of the accumulator of channel i; params: 16 bytes of the group. */
static inline uint32_t requantize_bias(const uint8_t *params, unsigned i)
{
    return (uint32_t)(int32_t)(int8_t)params[i] << requantize_shift(get_u32(params + 4), i);
}

/* -> 0..255 with relu, else -128..127. */
static inline int32_t requantize(uint32_t acc, uint32_t multiplier, unsigned shift, bool relu)
{
    const bool negative = acc >> 31;
    const uint32_t p = (negative ? -acc : acc) * multiplier;
    const uint32_t rounding = shift ? 1u << (shift - 1) : 0;
    const uint32_t q = negative ? ~p + (rounding | 1) : p + rounding;
    const int32_t t = (int32_t)q >> shift, low = relu ? 0 : -128, high = relu ? 255 : 127;

    return t < low ? low : t > high ? high : t;
}

/* The parameters of one channel, taken apart. */
struct requantize_channel {
    uint32_t bias, multiplier; /* bias: start value of the accumulator */
    unsigned shift;
};

static inline void requantize_load(const uint8_t *params, struct requantize_channel channels[4])
{
    const uint32_t shifts = get_u32(params + 12);

    for (unsigned i = 0; i < 4; i++)
        channels[i] = (struct requantize_channel){requantize_bias(params, i), params[8 + i],
                                                  requantize_shift(shifts, i)};
}

/* The four results of a group as a word, channel 4g first in memory. */
static inline uint32_t requantize_group(const struct requantize_channel channels[4],
                                        const uint32_t acc[4], bool relu)
{
    uint32_t results = 0;

#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        const int32_t r = requantize(acc[i], channels[i].multiplier, channels[i].shift, relu);

        results |= ((uint32_t)r & 0xff) << 8 * i;
    }
    return results;
}

#endif
