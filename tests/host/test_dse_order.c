// SPDX-License-Identifier: Apache-2.0
/* The order by predicted cycles and when a search in that order may stop. */
#include "host/made_up_search.h"

#include "search/dse_order.h"

struct fixture {
    struct world world;
    struct dse_options options;
    struct dse_pool *pool;
    struct dse_cost cost;
    struct dse_order *order;
};

static void begin(struct fixture *f, int layers, uint64_t seed)
{
    struct error err;
    world_make(&f->world, layers, seed, 0);
    f->options = world_options(&f->world, 1, SEARCH_CHEAPEST);
    check_ok(dse_pool_open(&f->options, &WORLD_OPS, &f->world, NULL, &f->pool, &err), &err);
    check_ok(dse_cost_measure(&f->options.space, f->pool, &f->cost, &err), &err);
    check_ok(dse_order_create(&f->cost, &f->order, &err), &err);
}

static void end(struct fixture *f)
{
    dse_order_free(f->order);
    dse_pool_close(f->pool);
}

static void candidates_come_once_each_cheapest_first(void **state)
{
    struct fixture f;
    size_t taken[WORLD_MAX], count = 0, part;
    bool seen[WORLD_MAX] = {false};
    (void)state;
    begin(&f, 5, 3);
    while ((part = dse_order_take(f.order, taken + count, 8)) > 0)
        count += part;
    assert_int_equal(count, f.world.count);
    for (size_t i = 0; i < count; i++) {
        assert_false(seen[taken[i]]);
        seen[taken[i]] = true;
        if (i == 0)
            continue;
        const uint64_t before = f.world.cycles[taken[i - 1]], now = f.world.cycles[taken[i]];
        assert_true(before < now || (before == now && taken[i - 1] < taken[i]));
    }
    assert_true(dse_order_is_done(f.order, UINT64_MAX));
    end(&f);
    dse_order_free(NULL);
}

static void without_a_find_the_search_goes_on_to_the_end(void **state)
{
    struct fixture f;
    size_t index;
    (void)state;
    begin(&f, 3, 4);
    for (size_t i = 0; i < f.world.count; i++) {
        assert_false(dse_order_is_done(f.order, UINT64_MAX));
        assert_int_equal(dse_order_take(f.order, &index, 1), 1);
        dse_order_learn(f.order, index, f.world.cycles[index]);
    }
    assert_true(dse_order_is_done(f.order, UINT64_MAX));
    assert_int_equal(dse_order_take(f.order, &index, 1), 0);
    end(&f);
}

/* Cycles of the next candidate that would be taken, exact as predicted. */
static uint64_t next_cycles(struct fixture *f, size_t taken)
{
    size_t all[WORLD_MAX];
    struct dse_order *again = NULL;
    struct error err;
    check_ok(dse_order_create(&f->cost, &again, &err), &err);
    assert_int_equal(dse_order_take(again, all, taken + 1), taken + 1);
    dse_order_free(again);
    return f->world.cycles[all[taken]];
}

static void it_stops_when_what_is_left_costs_more_by_the_errors_seen(void **state)
{
    enum { SLACK = 64 };
    static const struct {
        int64_t low, high;
    } errors[] = {{0, 0}, {-10, -10}, {25, 25}, {-20, 30}, {5, 300}};
    (void)state;
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        struct fixture f;
        size_t taken[4];
        begin(&f, 4, 6);
        assert_int_equal(dse_order_take(f.order, taken, 4), 4);
        for (int i = 0; i < 4; i++)
            dse_order_learn(f.order, taken[i],
                            f.world.cycles[taken[i]] +
                                (uint64_t)(i % 2 ? errors[e].high : errors[e].low));
        const int64_t spread = errors[e].high - errors[e].low;
        const int64_t limit =
            (int64_t)next_cycles(&f, 4) + errors[e].low - spread - SLACK; /* least possible cost */
        assert_false(dse_order_is_done(f.order, (uint64_t)limit));
        assert_true(dse_order_is_done(f.order, (uint64_t)limit - 1));
        end(&f);
    }
}

static enum status refuse_profile(void *worker, const int *bits, struct dse_profile *out,
                                  struct error *err)
{
    if (bits[0] != 4)
        return world_profile(worker, bits, out, err);
    return error_set(err, STATUS_LINK, "no answer");
}

static void a_profile_that_fails_names_the_width(void **state)
{
    struct fixture f;
    struct dse_ops ops = WORLD_OPS;
    struct error err;
    (void)state;
    ops.profile = refuse_profile;
    world_make(&f.world, 3, 1, 0);
    f.options = world_options(&f.world, 1, SEARCH_CHEAPEST);
    check_ok(dse_pool_open(&f.options, &ops, &f.world, NULL, &f.pool, &err), &err);
    check_failed(dse_cost_measure(&f.options.space, f.pool, &f.cost, &err), STATUS_LINK, &err,
                 "profile at 4 bit: no answer");
    dse_pool_close(f.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_come_once_each_cheapest_first),
        cmocka_unit_test(without_a_find_the_search_goes_on_to_the_end),
        cmocka_unit_test(it_stops_when_what_is_left_costs_more_by_the_errors_seen),
        cmocka_unit_test(a_profile_that_fails_names_the_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
