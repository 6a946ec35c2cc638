// SPDX-License-Identifier: Apache-2.0
/* Workers that share a list of candidates and journal what they finish. */
#include "host/made_up_search.h"

#include <time.h>

#include "search/dse_pool.h"
#include "search/dse_record.h"

struct fixture {
    struct world world;
    struct dse_options options;
    struct journal *journal;
    struct dse_pool *pool;
    struct candidate candidates[WORLD_MAX], *list[WORLD_MAX];
};

static void begin_with(struct fixture *f, size_t jobs, const struct dse_ops *ops)
{
    struct error err;
    world_make(&f->world, 4, 1, 10);
    f->options = world_options(&f->world, jobs, SEARCH_EXHAUSTIVE);
    check_ok(journal_create("j", "{}", &f->journal, &err), &err);
    check_ok(dse_pool_open(&f->options, ops, &f->world, f->journal, &f->pool, &err), &err);
    for (size_t i = 0; i < f->world.count; i++) {
        f->candidates[i] = (struct candidate){.index = i};
        dse_space_bits(&f->world.space, i, f->candidates[i].bits);
        f->list[i] = &f->candidates[i];
    }
}

static void begin(struct fixture *f, size_t jobs)
{
    begin_with(f, jobs, &WORLD_OPS);
}

/* Closes all and returns the journal, opened again. */
static struct journal *end(struct fixture *f)
{
    struct journal *journal = NULL;
    struct error err;
    dse_pool_close(f->pool);
    journal_close(f->journal);
    assert_int_equal(f->world.opened, f->world.closed);
    assert_false(f->world.misused);
    check_ok(journal_open("j", &journal, &err), &err);
    return journal;
}

static void every_candidate_is_done_and_journaled_once(void **state)
{
    (void)state;
    for (size_t jobs = 1; jobs <= 5; jobs++) {
        static struct fixture f;
        struct error err;
        bool seen[WORLD_MAX] = {false};
        begin(&f, jobs);
        check_ok(dse_pool_run(f.pool, DSE_EVALUATE, f.list, f.world.count, &err), &err);
        struct journal *journal = end(&f);
        assert_int_equal(journal_count(journal), f.world.count);
        for (size_t i = 0; i < f.world.count; i++) {
            struct candidate c;
            bool screened;
            check_ok(dse_record_read(journal, i, 4, &c, &screened, &err), &err);
            assert_false(seen[c.index]);
            seen[c.index] = true;
            assert_memory_equal(&c, &f.candidates[c.index], sizeof c);
            assert_int_equal(f.world.evaluated[i], 1);
        }
        journal_close(journal);
    }
}

static void verifying_brings_candidates_to_the_front_samples(void **state)
{
    static struct fixture f;
    struct error err;
    (void)state;
    begin(&f, 2);
    check_ok(dse_pool_run(f.pool, DSE_EVALUATE, f.list, 10, &err), &err);
    check_ok(dse_pool_run(f.pool, DSE_VERIFY, f.list + 5, 3, &err), &err);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(f.candidates[i].verified,
                         i >= 5 && i < 8 ? WORLD_FRONT_SAMPLES : WORLD_SAMPLES);
    struct journal *journal = end(&f);
    assert_int_equal(journal_count(journal), 13);
    journal_close(journal);
}

static void an_empty_list_is_done(void **state)
{
    static struct fixture f;
    struct error err;
    (void)state;
    begin(&f, 3);
    check_ok(dse_pool_run(f.pool, DSE_EVALUATE, f.list, 0, &err), &err);
    assert_int_equal(f.world.calls, 0);
    journal_close(end(&f));
    dse_pool_close(NULL);
}

static void after_a_failure_the_rest_is_left_and_what_was_done_is_kept(void **state)
{
    (void)state;
    for (size_t jobs = 1; jobs <= 3; jobs++) {
        static struct fixture f;
        struct error err;
        size_t finished = 0;
        begin(&f, jobs);
        f.world.fail_at = 20;
        f.world.fail_with = STATUS_MISMATCH;
        assert_int_equal(dse_pool_run(f.pool, DSE_EVALUATE, f.list, f.world.count, &err),
                         STATUS_MISMATCH);
        check_contains(err.text, "candidate ");
        check_contains(err.text, ": the core is gone");
        assert_in_range(f.world.calls, 20, 20 + jobs - 1);
        for (size_t i = 0; i < f.world.count; i++)
            finished += f.world.evaluated[i];
        assert_int_equal(finished, f.world.calls - 1);
        struct journal *journal = end(&f);
        assert_int_equal(journal_count(journal), finished);
        journal_close(journal);
    }
}

/* A pool is good for more runs after a failed one. */
static void a_failed_run_does_not_spoil_the_next(void **state)
{
    static struct fixture f;
    struct error err;
    (void)state;
    begin(&f, 2);
    f.world.fail_at = 1;
    assert_int_equal(dse_pool_run(f.pool, DSE_EVALUATE, f.list, 3, &err), STATUS_CANCELLED);
    check_ok(dse_pool_run(f.pool, DSE_EVALUATE, f.list, f.world.count, &err), &err);
    journal_close(end(&f));
}

/* The core of one worker is gone in the middle of its stretch. */
static void work_of_a_lost_worker_is_done_by_the_others(void **state)
{
    (void)state;
    for (size_t jobs = 2; jobs <= 4; jobs++) {
        static struct fixture f;
        struct error err;
        struct dse_profile profile;
        begin(&f, jobs);
        f.options.spares = true;
        f.world.fail_at = 20;
        f.world.fail_with = STATUS_LINK;
        check_ok(dse_pool_run(f.pool, DSE_EVALUATE, f.list, f.world.count, &err), &err);
        assert_int_equal(f.world.closed, 1);
        check_ok(dse_pool_run(f.pool, DSE_VERIFY, f.list, f.world.count, &err), &err);
        check_ok(dse_pool_profile(f.pool, f.candidates[0].bits, &profile, &err), &err);
        for (size_t i = 0; i < f.world.count; i++)
            assert_int_equal(f.world.evaluated[i], 1);
        struct journal *journal = end(&f);
        assert_int_equal(journal_count(journal), 2 * f.world.count);
        journal_close(journal);
    }
}

static void the_last_workers_loss_ends_the_run(void **state)
{
    static struct fixture f;
    struct error err;
    (void)state;
    begin(&f, 1);
    f.options.spares = true;
    f.world.fail_at = 20;
    f.world.fail_with = STATUS_LINK;
    assert_int_equal(dse_pool_run(f.pool, DSE_EVALUATE, f.list, f.world.count, &err), STATUS_LINK);
    check_contains(err.text, ": the core is gone");
    assert_int_equal(dse_pool_run(f.pool, DSE_EVALUATE, f.list, f.world.count, &err), STATUS_LINK);
    struct journal *journal = end(&f);
    assert_int_equal(journal_count(journal), 19);
    journal_close(journal);
}

/* The first worker is at its first candidate until all the others are done, or for five seconds. */
static enum status slow_evaluate(void *argument, struct candidate *c, struct error *err)
{
    struct world_worker *worker = argument;
    struct world *world = worker->world;
    const struct timespec pause = {.tv_nsec = 1000000};
    bool waits = worker == &world->workers[0];
    for (int i = 0; waits && i < 5000; i++) {
        pthread_mutex_lock(&world->lock);
        waits = world->calls < world->count - 1;
        pthread_mutex_unlock(&world->lock);
        nanosleep(&pause, NULL);
    }
    return waits ? error_set(err, STATUS_LINK, "the others leave work to the slow worker")
                 : world_evaluate(worker, c, err);
}

static void what_a_slow_worker_holds_is_done_by_the_others(void **state)
{
    static struct fixture f;
    struct dse_ops ops = WORLD_OPS;
    struct error err;
    (void)state;
    ops.evaluate = slow_evaluate;
    begin_with(&f, 2, &ops);
    check_ok(dse_pool_run(f.pool, DSE_EVALUATE, f.list, f.world.count, &err), &err);
    for (size_t i = 0; i < f.world.count; i++)
        assert_int_equal(f.world.evaluated[i], 1);
    journal_close(end(&f));
}

static void the_dearest_go_first_where_candidates_share_no_work(void **state)
{
    static struct fixture f;
    struct error err;
    uint64_t before = UINT64_MAX;
    (void)state;
    begin(&f, 1);
    f.options.independent = true;
    for (size_t i = 0; i < f.world.count; i++)
        f.candidates[i].predicted_cycles = 1000 + i * 37 % 50;
    check_ok(dse_pool_run(f.pool, DSE_EVALUATE, f.list, f.world.count, &err), &err);
    struct journal *journal = end(&f);
    for (size_t i = 0; i < f.world.count; i++) {
        struct candidate c;
        bool screened;
        check_ok(dse_record_read(journal, i, 4, &c, &screened, &err), &err);
        if (c.predicted_cycles > before)
            fail_msg("record %zu: %llu predicted cycles behind %llu", i,
                     (unsigned long long)c.predicted_cycles, (unsigned long long)before);
        before = c.predicted_cycles;
    }
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_candidate_is_done_and_journaled_once),
        cmocka_unit_test(verifying_brings_candidates_to_the_front_samples),
        cmocka_unit_test(an_empty_list_is_done),
        cmocka_unit_test(after_a_failure_the_rest_is_left_and_what_was_done_is_kept),
        cmocka_unit_test(a_failed_run_does_not_spoil_the_next),
        cmocka_unit_test(work_of_a_lost_worker_is_done_by_the_others),
        cmocka_unit_test(the_last_workers_loss_ends_the_run),
        cmocka_unit_test(what_a_slow_worker_holds_is_done_by_the_others),
        cmocka_unit_test(the_dearest_go_first_where_candidates_share_no_work),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
