// SPDX-License-Identifier: Apache-2.0
/* The Pareto front against the definition, tried on all pairs of points. */
#include "host/scratch.h"

#include "base/rng.h"
#include "results/pareto.h"

static bool beats(const struct pareto_point *a, const struct pareto_point *b)
{
    return a->cost <= b->cost && a->quality >= b->quality &&
           (a->cost < b->cost || a->quality > b->quality);
}

static bool on_front_naive(const struct pareto_point *points, size_t count, size_t i)
{
    for (size_t j = 0; j < count; j++) {
        const bool twin_before =
            j < i && !(points[j].cost < points[i].cost) && !(points[j].cost > points[i].cost) &&
            !(points[j].quality < points[i].quality) && !(points[j].quality > points[i].quality);
        if (beats(&points[j], &points[i]) || twin_before)
            return false;
    }
    return true;
}

static void check_against_naive(const struct pareto_point *points, size_t count)
{
    struct error err;
    bool front[200];
    assert_true(count <= 200);
    check_ok(pareto_mark(points, count, front, &err), &err);
    for (size_t i = 0; i < count; i++)
        if (front[i] != on_front_naive(points, count, i))
            fail_msg("point %zu of %zu (cost %g, quality %g): got %d, want %d", i, count,
                     points[i].cost, points[i].quality, front[i], !front[i]);
}

static void random_points_have_the_front_of_the_definition(void **state)
{
    struct pareto_point points[200];
    struct rng rng;
    (void)state;
    rng_init(&rng, 17, 0);
    for (int round = 0; round < 300; round++) {
        const size_t count = rng_below(&rng, 200);
        const uint32_t range = 1 + rng_below(&rng, 60); /* small: many equal values */
        for (size_t i = 0; i < count; i++) {
            points[i].cost = rng_below(&rng, range);
            points[i].quality = -5.0 + rng_below(&rng, range);
        }
        check_against_naive(points, count);
    }
}

static void no_points_have_no_front(void **state)
{
    struct error err;
    (void)state;
    check_ok(pareto_mark(NULL, 0, NULL, &err), &err);
}

static void of_equal_points_the_first_alone_is_on_the_front(void **state)
{
    const struct pareto_point points[] = {{3, 1}, {2, 9}, {2, 9}, {2, 8}, {2, 9}};
    bool front[5];
    struct error err;
    (void)state;
    check_ok(pareto_mark(points, 5, front, &err), &err);
    const bool want[] = {false, true, false, false, false};
    assert_memory_equal(front, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_points_have_the_front_of_the_definition),
        cmocka_unit_test(no_points_have_no_front),
        cmocka_unit_test(of_equal_points_the_first_alone_is_on_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
