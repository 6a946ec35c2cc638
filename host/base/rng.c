// SPDX-License-Identifier: Apache-2.0
#include "base/rng.h"

#include <math.h>
#include "base/rng_inline.h"

void rng_init(struct rng *rng, uint64_t seed, uint64_t stream)
{
    rng_seed(rng, seed, stream);
}

uint64_t rng_next(struct rng *rng)
{
    return rng_draw(rng);
}

uint32_t rng_below(struct rng *rng, uint32_t n)
{
    const uint64_t limit = (UINT64_MAX / n) * n;
    uint64_t x;
    do
        x = rng_next(rng);
    while (x >= limit);
    return (uint32_t)(x % n);
}

float rng_uniform(struct rng *rng)
{
    return (float)(rng_next(rng) >> 40) * 0x1p-24f;
}

float rng_normal(struct rng *rng)
{
    const float u = 1.0f - rng_uniform(rng), v = rng_uniform(rng);
    return sqrtf(-2.0f * logf(u)) * cosf(6.28318530718f * v);
}

void rng_shuffle(struct rng *rng, uint32_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        const size_t j = rng_below(rng, (uint32_t)i);
        const uint32_t t = items[i - 1];
        items[i - 1] = items[j];
        items[j] = t;
    }
}
