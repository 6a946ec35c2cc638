// SPDX-License-Identifier: Apache-2.0
/* Random numbers of tests: xorshift32 (Marsaglia 2003), equal on host and core. */
#ifndef MPQ_TEST_RANDOM_H
#define MPQ_TEST_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct test_random {
    uint32_t state; /* the seed, not 0 */
};

static inline uint32_t test_random_next(struct test_random *random)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 17;
    random->state ^= random->state << 5;
    return random->state;
}

/* low..high, both included. */
static inline int test_random_between(struct test_random *random, int low, int high)
{
    return low + (int)((test_random_next(random) >> 4) % (uint32_t)(high - low + 1));
}

static inline void test_random_bytes(struct test_random *random, uint8_t *bytes, size_t size)
{
    uint32_t word = 0;

    for (size_t i = 0; i < size; i++, word >>= 8) {
        if (i % 4 == 0)
            word = test_random_next(random);
        bytes[i] = (uint8_t)word;
    }
}

#endif
