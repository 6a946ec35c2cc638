// SPDX-License-Identifier: Apache-2.0
/* Seeded random numbers. */
#include "host/scratch.h"

#include <math.h>

#include "base/rng.h"

/* First outputs for the state {1, 2, 3, 4}, from the authors' reference code of xoshiro256**. */
static void sequence_is_that_of_the_reference(void **state)
{
    static const uint64_t want[] = {11520,
                                    0,
                                    1509978240,
                                    1215971899390074240u,
                                    1216172134540287360u,
                                    607988272756665600u,
                                    16172922978634559625u,
                                    8476171486693032832u,
                                    10595114339597558777u,
                                    2904607092377533576u};
    struct rng rng = {{1, 2, 3, 4}};
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(rng_next(&rng), want[i]);
}

static void same_seed_and_stream_give_the_same_numbers(void **state)
{
    struct rng a, b;
    (void)state;
    rng_init(&a, 42, 3);
    rng_init(&b, 42, 3);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rng_next(&a), rng_next(&b));
}

static void other_seeds_and_streams_give_other_numbers(void **state)
{
    uint64_t first[64];
    size_t count = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++)
        for (uint64_t stream = 0; stream < 8; stream++) {
            struct rng rng;
            rng_init(&rng, seed, stream);
            first[count++] = rng_next(&rng);
        }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(first[i], first[j]);
}

static void below_is_even_over_its_range(void **state)
{
    enum { RANGE = 7, DRAWS = 70000 };
    size_t seen[RANGE] = {0};
    struct rng rng;
    (void)state;
    rng_init(&rng, 1, 0);
    for (int i = 0; i < DRAWS; i++) {
        const uint32_t x = rng_below(&rng, RANGE);
        assert_in_range(x, 0, RANGE - 1);
        seen[x]++;
    }
    for (int i = 0; i < RANGE; i++) /* five standard deviations */
        assert_in_range(seen[i], 10000 - 470, 10000 + 470);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rng_below(&rng, 1), 0);
}

static void uniform_and_normal_have_their_moments(void **state)
{
    enum { DRAWS = 100000 };
    double uniform = 0, mean = 0, square = 0;
    struct rng rng;
    (void)state;
    rng_init(&rng, 5, 0);
    for (int i = 0; i < DRAWS; i++) {
        const float u = rng_uniform(&rng);
        const double n = (double)rng_normal(&rng);
        assert_true(u >= 0 && u < 1);
        assert_true(isfinite(n));
        uniform += (double)u / DRAWS;
        mean += n / DRAWS;
        square += n * n / DRAWS;
    }
    assert_true(fabs(uniform - 0.5) < 0.005);
    assert_true(fabs(mean) < 0.02);
    assert_true(fabs(square - 1) < 0.03);
}

static void shuffle_is_a_permutation_that_the_seed_decides(void **state)
{
    enum { COUNT = 1000 };
    uint32_t items[COUNT], again[COUNT];
    bool seen[COUNT] = {false};
    size_t in_place = 0;
    struct rng rng;
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++)
        items[i] = again[i] = i;
    rng_init(&rng, 9, 1);
    rng_shuffle(&rng, items, COUNT);
    rng_init(&rng, 9, 1);
    rng_shuffle(&rng, again, COUNT);
    assert_memory_equal(items, again, sizeof items);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_in_range(items[i], 0, COUNT - 1);
        assert_false(seen[items[i]]);
        seen[items[i]] = true;
        in_place += items[i] == i;
    }
    assert_in_range(in_place, 0, 10);
    rng_shuffle(&rng, items, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_is_that_of_the_reference),
        cmocka_unit_test(same_seed_and_stream_give_the_same_numbers),
        cmocka_unit_test(other_seeds_and_streams_give_other_numbers),
        cmocka_unit_test(below_is_even_over_its_range),
        cmocka_unit_test(uniform_and_normal_have_their_moments),
        cmocka_unit_test(shuffle_is_a_permutation_that_the_seed_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
