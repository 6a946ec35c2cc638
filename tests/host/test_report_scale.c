// SPDX-License-Identifier: Apache-2.0
/* Axes and label places of the picture. */
#include "host/made_up_results.h"

#include <math.h>

#include "report/report_scale.h"

static void ticks_are_round_numbers_that_their_decimals_show(void **state)
{
    struct rng rng;
    (void)state;
    rng_init(&rng, 2, 0);
    for (int round = 0; round < 2000; round++) {
        const double low =
            pow(10, -2 + 8 * (double)rng_uniform(&rng)) * (rng_below(&rng, 2) ? 1 : 0);
        const double high = low + pow(10, -1 + 6 * (double)rng_uniform(&rng));
        const struct report_axis axis = report_axis_make(low, high, 8);
        assert_true(axis.low <= low && axis.high >= high);
        const double ticks = (axis.high - axis.low) / axis.step;
        if (ticks < 2 || ticks > 8.001)
            fail_msg("%g..%g: %g ticks", low, high, ticks);
        const double power = pow(10, floor(log10(axis.step) + 1e-9)), digit = axis.step / power;
        assert_true(fabs(digit - 1) < 1e-6 || fabs(digit - 2) < 1e-6 || fabs(digit - 2.5) < 1e-6 ||
                    fabs(digit - 5) < 1e-6);
        char text[64];
        snprintf(text, sizeof text, "%.*f", axis.decimals, axis.step);
        if (fabs(strtod(text, NULL) - axis.step) > 1e-6 * axis.step)
            fail_msg("step %g shows as %s", axis.step, text);
    }
}

static void equal_ends_still_make_an_axis(void **state)
{
    static const double values[] = {0, 99.5, 1234567};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct report_axis axis = report_axis_make(values[i], values[i], 7);
        assert_true(axis.low < values[i] && axis.high > values[i]);
        assert_true(axis.step > 0 && isfinite(axis.step));
    }
}

static void axes_hold_the_front_and_the_float_line(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct results *results = made_up_space(4);
        made_up_fill(results, seed);
        const struct report_axis y = report_axis_accuracy(results);
        const struct report_axis x = report_axis_cycles(results, &y);
        size_t below = 0;
        double best = 0;
        assert_true(y.low < results->float_accuracy && y.high > results->float_accuracy);
        for (size_t i = 0; i < results->count; i++)
            if (results->candidates[i].pareto)
                best = fmax(best, results->candidates[i].accuracy);
        for (size_t i = 0; i < results->count; i++) {
            const struct candidate *c = &results->candidates[i];
            below += c->accuracy < y.low;
            assert_true(c->accuracy < y.high);
            if (c->pareto && c->accuracy >= best - 5)
                assert_true(c->accuracy > y.low);
            if (c->accuracy >= y.low)
                assert_true((double)c->cycles / 1000 > x.low && (double)c->cycles / 1000 < x.high);
        }
        assert_int_equal(report_count_below(results, &y), below);
        results_free(results);
    }
}

static void no_candidates_make_an_axis_too(void **state)
{
    struct results *results = made_up_space(2);
    (void)state;
    results->count = 0;
    results->float_accuracy = 97;
    const struct report_axis y = report_axis_accuracy(results);
    const struct report_axis x = report_axis_cycles(results, &y);
    assert_true(y.low < 97 && y.high > 97 && isfinite(y.step));
    assert_true(x.low < x.high && isfinite(x.step));
    results_free(results);
}

static bool overlap(const struct report_box *a, const struct report_box *b)
{
    return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h && b->y < a->y + a->h;
}

static void labels_stand_apart_and_inside(void **state)
{
    static const struct report_box area = {0, 0, 800, 500};
    struct rng rng;
    size_t placed = 0;
    (void)state;
    rng_init(&rng, 8, 0);
    for (int round = 0; round < 20; round++) {
        static struct report_obstacles obstacles;
        struct report_box labels[30];
        size_t count = 0;
        obstacles.count = 0;
        for (int i = 0; i < 30; i++) {
            const double x = 30 + 740 * (double)rng_uniform(&rng),
                         y = 20 + 460 * (double)rng_uniform(&rng);
            double cost;
            const struct report_box size = {0, 0, 60, 12};
            report_obstacle_add(&obstacles, (struct report_box){x - 5, y - 5, 10, 10}, 2);
            const struct report_box box = report_place_label(&obstacles, area, x, y, size, &cost);
            if (cost >= 1)
                continue;
            assert_true(box.x >= 0 && box.y >= 0 && box.x + box.w <= 800 && box.y + box.h <= 500);
            assert_true(box.w >= 60 && box.h >= 12);
            for (size_t k = 0; k < count; k++)
                assert_false(overlap(&box, &labels[k]));
            for (size_t k = 0; k < obstacles.count; k++)
                assert_false(overlap(&box, &obstacles.box[k]));
            labels[count++] = box;
            report_obstacle_add(&obstacles, box, 50);
        }
        placed += count;
    }
    if (placed < 540)
        fail_msg("only %zu of 600 labels found a place", placed);
}

/* The cheapest free place lies behind another label; the next best costs more, but its line is
 * clear. */
static void lines_to_labels_cross_no_other_label(void **state)
{
    static const struct report_box area = {0, 0, 400, 400}, size = {0, 0, 40, 12};
    static const struct report_box label = {100, 150, 98, 48};
    static struct report_obstacles obstacles;
    double cost;
    (void)state;
    report_obstacle_add(&obstacles, label, 50);
    report_obstacle_add(&obstacles, (struct report_box){198, 0, 202, 400}, 0.3);
    report_obstacle_add(&obstacles, (struct report_box){0, 198, 400, 202}, 0.3);
    const struct report_box box = report_place_label(&obstacles, area, 200, 200, size, &cost);
    const struct report_spot end = report_nearest_spot(&box, 200, 200);
    assert_true(cost < 1);
    for (int i = 0; i <= 100; i++) {
        const struct report_box spot = {200 + (end.x - 200) * i / 100,
                                        200 + (end.y - 200) * i / 100, 0.01, 0.01};
        assert_false(overlap(&spot, &label));
    }
}

static void obstacles_beyond_the_room_are_left_out(void **state)
{
    static struct report_obstacles obstacles;
    (void)state;
    for (int i = 0; i < REPORT_MAX_BOXES + 5; i++)
        report_obstacle_add(&obstacles, (struct report_box){0, 0, 1, 1}, 1);
    assert_int_equal(obstacles.count, REPORT_MAX_BOXES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round_numbers_that_their_decimals_show),
        cmocka_unit_test(equal_ends_still_make_an_axis),
        cmocka_unit_test(axes_hold_the_front_and_the_float_line),
        cmocka_unit_test(no_candidates_make_an_axis_too),
        cmocka_unit_test(labels_stand_apart_and_inside),
        cmocka_unit_test(lines_to_labels_cross_no_other_label),
        cmocka_unit_test(obstacles_beyond_the_room_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
