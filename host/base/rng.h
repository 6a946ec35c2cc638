// SPDX-License-Identifier: Apache-2.0
/* Seeded random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. One stream
 * an object; streams with different `stream` numbers are independent, so that work can be shared
 * without changing results. */
#ifndef MPQ_RNG_H
#define MPQ_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *rng, uint64_t seed, uint64_t stream);
uint64_t rng_next(struct rng *rng);
uint32_t rng_below(struct rng *rng, uint32_t n); /* uniform 0..n-1, unbiased */
float rng_uniform(struct rng *rng);              /* [0, 1) */
float rng_normal(struct rng *rng);               /* mean 0, variance 1 (Box-Muller) */
void rng_shuffle(struct rng *rng, uint32_t *items, size_t count); /* Fisher-Yates */

#endif
