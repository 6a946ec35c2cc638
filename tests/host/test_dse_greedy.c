// SPDX-License-Identifier: Apache-2.0
/* Greedy and evolution over made-up formulas of many layers: how close they come to what no search
 * can beat, and that they keep to limits, groups and numbers of evaluations. */
#include "host/scratch.h"

#include "host/made_up_oracle.h"

static struct made_up made;

static void make(int layers, uint64_t seed, const int *group, const unsigned *allowed)
{
    memset(&made, 0, sizeof made);
    made.space.layer_count = layers;
    made.space.width_count = ORACLE_WIDTHS;
    memcpy(made.space.widths, (const int[]){8, 4, 2}, sizeof made.space.widths);
    assert_int_equal(dse_space_divide(&made.space, group, allowed), -1);
    made_up_fill(&made, seed);
}

static void descend(void)
{
    struct error err;
    check_ok(dse_greedy(&made.oracle, &err), &err);
    assert_true(made.count <= dse_greedy_most(&made.space));
}

/* Sums of losses: the area under greedy's front against that of the relaxation's bound. */
static void greedy_on_40_layers_comes_close_to_the_bound(void **state)
{
    double found = 0, bound = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        make(40, seed, NULL, NULL);
        descend();
        const double worst = made_up_ranges(&made).worst;
        assert_true(made_up_area(&made) >= made_up_bound_area(&made) - 1e-9 * worst);
        found += made_up_area(&made) / worst;
        bound += made_up_bound_area(&made) / worst;
    }
    if (found > 1.10 * bound)
        fail_msg("area under the front: got %.4f, want at most 1.1 times the bound %.4f", found / 8,
                 bound / 8);
}

static void greedy_on_5_layers_comes_close_to_brute_force(void **state)
{
    double found = 0, best = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct error err;
        make(5, seed, NULL, NULL);
        descend();
        found += made_up_area(&made);
        for (size_t i = 0; i < dse_space_count(&made.space); i++) {
            struct dse_point point;
            dse_space_bits(&made.space, i, point.bits);
            check_ok(dse_oracle_score(&made.oracle, &point, 1, &err), &err);
        }
        best += made_up_area(&made);
    }
    if (found > 1.15 * best)
        fail_msg("area under the front: got %.4f, want at most 1.15 times %.4f", found, best);
}

/* With layers that make each other worse and noise: at equal numbers of evaluations. */
static void greedy_beats_evolution_at_equal_evaluations(void **state)
{
    double greedy = 0, evolution = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        for (int kind = 0; kind < 2; kind++) {
            struct error err;
            make(43, seed, NULL, NULL);
            made.interaction = kind;
            made.noise = 0.02;
            descend();
            const size_t count = made.count;
            greedy += made_up_area(&made);
            make(43, seed, NULL, NULL);
            made.interaction = kind;
            made.noise = 0.02;
            made.oracle.max_scored = count;
            check_ok(dse_evolution(&made.oracle, &err), &err);
            assert_in_range(made.count, count, count + 32);
            evolution += made_up_area(&made);
        }
    }
    if (greedy > evolution)
        fail_msg("area under the front: greedy %.4f, evolution %.4f", greedy / 8, evolution / 8);
}

/* Evolution is no straw man: given as many evaluations as a small space has, it finds its front. */
static void evolution_finds_the_front_of_a_small_space(void **state)
{
    double found = 0, best = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct error err;
        make(5, seed, NULL, NULL);
        made.oracle.max_scored = 200;
        check_ok(dse_evolution(&made.oracle, &err), &err);
        found += made_up_area(&made);
        for (size_t i = 0; i < dse_space_count(&made.space); i++) {
            struct dse_point point;
            dse_space_bits(&made.space, i, point.bits);
            check_ok(dse_oracle_score(&made.oracle, &point, 1, &err), &err);
        }
        best += made_up_area(&made);
    }
    if (found > 1.02 * best)
        fail_msg("area under the front: got %.4f, want at most 1.02 times %.4f", found, best);
}

static void both_keep_to_groups_and_restricted_layers(void **state)
{
    static const int group[12] = {1, 0, 2, 1, 2, 0, 0, 1, 0, 0, 0, 2};
    static const unsigned allowed[12] = {0, 1u << 8, 0, 1u << 8 | 1u << 4, 0};
    (void)state;
    for (int method = 0; method < 2; method++) {
        struct error err;
        make(12, 3, group, allowed);
        made.oracle.max_scored = 150;
        check_ok(method ? dse_evolution(&made.oracle, &err) : dse_greedy(&made.oracle, &err), &err);
        assert_true(made.count > 20);
        for (size_t i = 0; i < made.count; i++) {
            const int *bits = made.scored[i].bits;
            assert_true(dse_space_has(&made.space, bits));
            assert_true(bits[0] == bits[3] && bits[3] == bits[7] && bits[2] == bits[11]);
            assert_true(bits[1] == 8 && bits[3] != 2);
        }
    }
}

/* A limit that only the narrowest third keeps: bytes are saved first, and it is reached. */
static void greedy_reaches_the_limits_on_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        int bits[NET_MAX_LAYERS];
        double least = INFINITY;
        make(40, seed, NULL, NULL);
        dse_space_widest(&made.space, bits);
        for (int g = 0; g < 40; g++) /* 2 bits cost no fewer cycles than 4 */
            made.cost.cycles[g][2] = made.cost.cycles[g][1];
        const struct dse_price widest = dse_cost_price(&made.cost, bits);
        made.oracle.limits.max_ram_bytes = widest.ram_bytes - widest.size_bytes * 2 / 3;
        made.oracle.least_accuracy = 98.5; /* ends early but for the limit */
        descend();
        for (size_t i = 0; i < made.count; i++)
            if (dse_cost_keeps(&made.scored[i].price, &made.oracle.limits))
                least = fmin(least, made.scored[i].loss);
        if (!isfinite(least))
            fail_msg("seed %d: none of %zu keeps to %llu bytes", (int)seed, made.count,
                     (unsigned long long)made.oracle.limits.max_ram_bytes);
    }
}

static size_t batches;

static enum status count_batches(void *context, struct dse_point *points, size_t count,
                                 struct error *err)
{
    if (++batches > 1000)
        return error_set(err, STATUS_CANCELLED, "still at it after 1000 batches");
    return made_up_score(context, points, count, err);
}

/* Saving cycles would give back the bytes that were saved. */
static void a_descent_ends_where_fewer_bytes_cost_more_cycles(void **state)
{
    struct error err;
    int bits[NET_MAX_LAYERS];
    (void)state;
    make(6, 1, NULL, NULL);
    dse_space_widest(&made.space, bits);
    for (int g = 0; g < 6; g++)
        for (int c = 1; c < ORACLE_WIDTHS; c++)
            made.cost.cycles[g][c] = made.cost.cycles[g][c - 1] + 100;
    const struct dse_price widest = dse_cost_price(&made.cost, bits);
    made.oracle.limits.max_ram_bytes = widest.ram_bytes - widest.size_bytes / 3;
    made.oracle.score = count_batches;
    batches = 0;
    check_ok(dse_greedy(&made.oracle, &err), &err);
}

/* A twentieth of the bytes between the least and the most: random ones do not hit it. */
static void evolution_reaches_the_limits_on_memory(void **state)
{
    struct error err;
    int bits[NET_MAX_LAYERS];
    size_t kept = 0;
    (void)state;
    make(40, 4, NULL, NULL);
    dse_space_widest(&made.space, bits);
    const uint64_t most = dse_cost_price(&made.cost, bits).size_bytes;
    for (int g = 0; g < 40; g++)
        dse_space_set(&made.space, g, 2, bits);
    const uint64_t least = dse_cost_price(&made.cost, bits).size_bytes;
    made.oracle.limits.max_size_bytes = least + (most - least) / 20;
    made.oracle.max_scored = 600;
    check_ok(dse_evolution(&made.oracle, &err), &err);
    for (size_t i = 0; i < made.count; i++)
        kept += made.scored[i].price.size_bytes <= made.oracle.limits.max_size_bytes;
    if (kept < 100)
        fail_msg("%zu of %zu keep to the limit: want 100 or more", kept, made.count);
}

static void a_descent_ends_below_the_least_accuracy(void **state)
{
    (void)state;
    make(40, 2, NULL, NULL);
    descend();
    const size_t all = made.count;
    make(40, 2, NULL, NULL);
    made.oracle.least_accuracy = 98.9;
    descend();
    assert_true(made.count < all);
    size_t below = 0;
    for (size_t i = 81; i < made.count; i++) /* behind each layer alone */
        below += made.scored[i].accuracy < 98.9;
    assert_in_range(below, 1, 8);
}

static void evaluations_are_limited(void **state)
{
    (void)state;
    make(40, 2, NULL, NULL);
    made.oracle.max_scored = 120;
    descend();
    assert_in_range(made.count, 120, 123); /* a batch that was begun is finished */
}

static enum status refuse(void *context, struct dse_point *points, size_t count, struct error *err)
{
    struct made_up *of = context;
    if (of->count > 100)
        return error_set(err, STATUS_LINK, "the core is gone");
    return made_up_score(context, points, count, err);
}

static void failures_end_both(void **state)
{
    (void)state;
    for (int method = 0; method < 2; method++) {
        struct error err;
        make(43, 1, NULL, NULL);
        made.oracle.score = refuse;
        check_failed(method ? dse_evolution(&made.oracle, &err) : dse_greedy(&made.oracle, &err),
                     STATUS_LINK, &err, "the core is gone");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_on_40_layers_comes_close_to_the_bound),
        cmocka_unit_test(greedy_on_5_layers_comes_close_to_brute_force),
        cmocka_unit_test(greedy_beats_evolution_at_equal_evaluations),
        cmocka_unit_test(evolution_finds_the_front_of_a_small_space),
        cmocka_unit_test(both_keep_to_groups_and_restricted_layers),
        cmocka_unit_test(greedy_reaches_the_limits_on_memory),
        cmocka_unit_test(a_descent_ends_where_fewer_bytes_cost_more_cycles),
        cmocka_unit_test(evolution_reaches_the_limits_on_memory),
        cmocka_unit_test(a_descent_ends_below_the_least_accuracy),
        cmocka_unit_test(evaluations_are_limited),
        cmocka_unit_test(failures_end_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
