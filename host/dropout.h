// SPDX-License-Identifier: Apache-2.0
/* What DROPOUT keeps of an image, for the CPU and a GPU: 16 random bits a value, the same forward and
 * backward, so that nothing is stored. */
#ifndef MPQ_DROPOUT_H
#define MPQ_DROPOUT_H

#include <stdbool.h>
#include "rng_inline.h"

struct dropout {
    struct rng rng;
    uint64_t bits;
    int left;       /* values that bits still serves */
    uint32_t limit; /* random bits below it drop a value */
    float factor;   /* of a value that is kept: inverted dropout */
};

/* image: number in the batch; layer: number of the layer. */
ON_DEVICE struct dropout dropout_begin(uint64_t seed, uint64_t step, uint32_t image, int layer,
                                       float rate)
{
    const uint64_t apart = (uint64_t)1 << 63; /* from the streams of training */
    struct dropout draw;
    draw.bits = 0;
    draw.left = 0;
    draw.limit = (uint32_t)((double)rate * 65536 + 0.5);
    draw.factor = 65536.0f / (float)(65536 - draw.limit);
    rng_seed(&draw.rng, seed, apart ^ (step << 28 | (uint64_t)image << 8 | (uint64_t)layer));
    return draw;
}

/* The factor of the image's next value: 0, or what keeps the mean. */
ON_DEVICE float dropout_next(struct dropout *draw)
{
    if (!draw->left) {
        draw->bits = rng_draw(&draw->rng);
        draw->left = 4;
    }
    const bool dropped = (draw->bits & 0xffff) < draw->limit;
    draw->bits >>= 16;
    draw->left--;
    return dropped ? 0.0f : draw->factor;
}

#endif
