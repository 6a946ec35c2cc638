// SPDX-License-Identifier: Apache-2.0
/* What the paths of the integer model share: from accumulators to activations. Inlined, so that
 * each path's vector unit is used. */
#ifndef MPQ_INFER_STORE_H
#define MPQ_INFER_STORE_H

#include "infer/infer_path.h"
#include "quant/quant.h"

/* From this shift on requantize() rounds half up whatever the sign, and is a product, a sum and a shift. */
enum { INFER_EASY_SHIFT = 2 };

static inline struct infer_channel infer_channel(uint32_t start, uint8_t multiplier, uint8_t shift)
{
    return (struct infer_channel){start, multiplier, shift ? 1u << (shift - 1) : 0, shift};
}

static inline __attribute__((always_inline)) void infer_store(const int32_t acc[INFER_LANES],
                                                              const struct infer_channel *channel,
                                                              bool relu, uint8_t *out)
{
    const uint8_t multiplier = (uint8_t)channel->multiplier, shift = (uint8_t)channel->shift;
    const int32_t zero = relu ? 0 : 128; /* results without ReLU are signed */
    int32_t results[INFER_LANES]; /* two loops: the first one on whole vectors of 32-bit lanes */
    if (shift >= INFER_EASY_SHIFT) {
        const int32_t low = relu ? 0 : -128, high = relu ? 255 : 127;
        const uint32_t half = channel->half;
#pragma omp simd
        for (int lane = 0; lane < INFER_LANES; lane++) {
            const int32_t t = (int32_t)((uint32_t)acc[lane] * multiplier + half) >> shift;
            results[lane] = (t < low ? low : t > high ? high : t) + zero;
        }
    } else {
#pragma omp simd
        for (int lane = 0; lane < INFER_LANES; lane++)
            results[lane] = requantize(acc[lane], multiplier, shift, relu) + zero;
    }
#pragma omp simd
    for (int lane = 0; lane < INFER_LANES; lane++)
        out[lane] = (uint8_t)results[lane];
}

#endif
