// SPDX-License-Identifier: Apache-2.0
/* The generator behind rng.h, for the CPU and a GPU. */
#ifndef MPQ_RNG_INLINE_H
#define MPQ_RNG_INLINE_H

#include "base/on_device.h"
#include "base/rng.h"

ON_DEVICE uint64_t rng_splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

ON_DEVICE uint64_t rng_rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* rng_init() */
ON_DEVICE void rng_seed(struct rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed;
    state = rng_splitmix64(&state) ^ (stream * 0xd1342543de82ef95u);
    for (int i = 0; i < 4; i++)
        rng->s[i] = rng_splitmix64(&state);
}

/* rng_next() */
ON_DEVICE uint64_t rng_draw(struct rng *rng)
{
    uint64_t *s = rng->s;
    const uint64_t result = rng_rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotate_left(s[3], 45);
    return result;
}

#endif
