// SPDX-License-Identifier: Apache-2.0
/* What DROPOUT keeps of an image, for the CPU and a GPU: 16 random bits a value in the order [h][w][c],
 * four values a number, the same forward and backward. */
#ifndef MPQ_DROPOUT_H
#define MPQ_DROPOUT_H

#include "base/rng_inline.h"

enum { DROPOUT_VALUES = 4 }; /* of one random number */

struct dropout {
    uint32_t limit; /* random bits below it drop a value */
    float factor;   /* of a value that is kept: inverted dropout */
};

ON_DEVICE struct dropout dropout_of(float rate)
{
    struct dropout dropout;
    dropout.limit = (uint32_t)((double)rate * 65536 + 0.5);
    dropout.factor = 65536.0f / (float)(65536 - dropout.limit);
    return dropout;
}

/* The numbers for one image's values. image: its number in the batch; layer: number of the layer. */
ON_DEVICE struct rng dropout_rng(uint64_t seed, uint64_t step, uint32_t image, int layer)
{
    const uint64_t apart = (uint64_t)1 << 63; /* from the streams of training */
    struct rng rng;
    rng_seed(&rng, seed, apart ^ (step << 28 | (uint64_t)image << 8 | (uint64_t)layer));
    return rng;
}

/* What value number `place` of a random number is multiplied by: 0, or what keeps the mean. */
ON_DEVICE float dropout_factor(const struct dropout *dropout, uint64_t number, size_t place)
{
    return (number >> 16 * place & 0xffff) < dropout->limit ? 0.0f : dropout->factor;
}

#endif
