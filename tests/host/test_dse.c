// SPDX-License-Identifier: Apache-2.0
/* The search over made-up tables: what it finds, for any number of jobs, interruptions and
 * failures. */
#include "host/made_up_search.h"

#include <signal.h>
#include <sys/wait.h>

static const char JOURNAL[] = "journal.jsonl";

/* Searches with the journal begun anew, or taken up where it ended. */
static enum status search(struct world *world, const struct dse_options *options, bool resume,
                          struct results *results, struct error *err)
{
    struct journal *journal = NULL;
    const enum status opened = resume ? journal_open(JOURNAL, &journal, err)
                                      : journal_create(JOURNAL, "{}", &journal, err);
    check_ok(opened, err);
    assert_non_null(journal);
    const enum status status = dse_search(options, &WORLD_OPS, world, journal, results, err);
    journal_close(journal);
    assert_false(world->misused);
    assert_int_equal(world->opened, world->closed);
    return status;
}

static struct results *search_all(struct world *world, const struct dse_options *options,
                                  bool resume)
{
    struct results *results = results_create();
    struct error err;
    assert_non_null(results);
    check_ok(search(world, options, resume, results, &err), &err);
    return results;
}

/* Everything about results that must not depend on how the search went. */
static char *lasting_text(struct results *results)
{
    char *text = NULL;
    struct error err;
    results->resumed = 0;
    check_ok(results_to_text(results, &text, &err), &err);
    return text;
}

static void check_candidate(const struct world *world, const struct candidate *c)
{
    int bits[NET_MAX_LAYERS];
    dse_space_bits(&world->space, c->index, bits);
    assert_memory_equal(bits, c->bits, (size_t)world->space.layer_count * sizeof *bits);
    assert_true(c->val_accuracy >= world->val_accuracy[c->index] &&
                c->val_accuracy <= world->val_accuracy[c->index]);
    assert_int_equal(c->cycles, world->cycles[c->index]);
    assert_int_equal(c->size_bytes, 1000 + c->index);
}

/* The cheapest of all that keep the accuracy, by trying each; -1 if there is none. */
static long brute_force(const struct world *world, const struct dse_options *options)
{
    long best = -1;
    for (long i = 0; i < (long)world->count; i++)
        if (results_is_within(world->val_accuracy[i], options->float_val_accuracy,
                              options->max_acc_drop) &&
            (best < 0 || world->cycles[i] < world->cycles[best] ||
             (world->cycles[i] == world->cycles[best] &&
              world->val_accuracy[i] > world->val_accuracy[best])))
            best = i;
    return best;
}

static void check_selected(const struct world *world, const struct dse_options *options,
                           const struct results *results)
{
    const long want = brute_force(world, options);
    const long got =
        results->selected < 0 ? -1 : (long)results->candidates[results->selected].index;
    if (got != want)
        fail_msg("selected: got candidate %ld, want %ld, of %zu tested", got, want, results->count);
}

static void exhaustive_search_finds_all(void **state)
{
    struct world world;
    (void)state;
    world_make(&world, 4, 1, 30);
    const struct dse_options options = world_options(&world, 2, true);
    struct results *results = search_all(&world, &options, false);
    assert_int_equal(results->count, 81);
    for (size_t i = 0; i < results->count; i++) {
        const struct candidate *c = &results->candidates[i];
        assert_int_equal(c->index, i);
        check_candidate(&world, c);
        assert_int_equal(world.evaluated[i], 1);
        const bool shown = c->pareto || (long)i == results->selected;
        assert_int_equal(c->verified, shown ? WORLD_FRONT_SAMPLES : WORLD_SAMPLES);
        assert_int_equal(world.verified[i], shown);
    }
    check_selected(&world, &options, results);
    results_free(results);
}

/* Noise within what dse_order allows for from the start, so that equality is certain. */
static void search_by_cost_equals_brute_force(void **state)
{
    size_t tested = 0, all = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 80; seed++) {
        struct world world;
        world_make(&world, 1 + (int)(seed % 4), seed, seed % 3 ? 40 : 0);
        struct dse_options options = world_options(&world, 1 + seed % 2, false);
        options.max_acc_drop = 0.5 * (double)(seed % 8);
        struct results *results = search_all(&world, &options, false);
        check_selected(&world, &options, results);
        for (size_t i = 0; i < results->count; i++)
            check_candidate(&world, &results->candidates[i]);
        if (results->selected < 0)
            assert_int_equal(results->count, world.count);
        tested += results->count;
        all += world.count;
        results_free(results);
    }
    if (tested * 2 > all)
        fail_msg("%zu of %zu candidates tested: the search saves nothing", tested, all);
}

/* Noise far beyond that: the errors that it sees must teach it. */
static void search_by_cost_learns_how_wrong_its_predictions_are(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world world;
        world_make(&world, 4, 1000 + seed, 600);
        struct dse_options options = world_options(&world, 1, false);
        options.max_acc_drop = 0.5 * (double)(2 + seed % 6);
        struct results *results = search_all(&world, &options, false);
        check_selected(&world, &options, results);
        results_free(results);
    }
}

static void results_are_the_same_for_any_number_of_jobs(void **state)
{
    (void)state;
    for (int exhaustive = 0; exhaustive <= 1; exhaustive++) {
        char *want = NULL;
        for (size_t jobs = 1; jobs <= 3; jobs++) {
            struct world world;
            world_make(&world, 4, 7, 100);
            const struct dse_options options = world_options(&world, jobs, exhaustive != 0);
            struct results *results = search_all(&world, &options, false);
            char *text = lasting_text(results);
            if (want)
                assert_string_equal(text, want);
            else
                want = strdup(text);
            free(text);
            results_free(results);
        }
        free(want);
    }
}

/* Stops at call number n, goes on; nothing that was finished is done again. */
static void check_interruption(struct world *world, const struct dse_options *options, size_t n,
                               const char *want)
{
    struct results *results = results_create();
    struct error err;
    world_forget(world);
    world->fail_at = n;
    const enum status status = search(world, options, false, results, &err);
    assert_int_equal(status, STATUS_CANCELLED);
    results_free(results);
    world->fail_at = SIZE_MAX;
    size_t finished = 0;
    for (size_t i = 0; i < world->count; i++)
        finished += world->evaluated[i];
    results = search_all(world, options, true);
    assert_int_equal(results->resumed, finished);
    for (size_t i = 0; i < world->count; i++) {
        assert_in_range(world->evaluated[i], 0, 1);
        assert_in_range(world->verified[i], 0, 1);
    }
    char *text = lasting_text(results);
    assert_string_equal(text, want);
    free(text);
    results_free(results);
}

static void interruption_at_any_candidate_changes_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct world world;
        world_make(&world, 3, 21, 60);
        const struct dse_options options = world_options(&world, 1 + (size_t)kind / 2, kind % 2);
        struct results *results = search_all(&world, &options, false);
        const size_t calls = world.calls;
        char *want = lasting_text(results);
        results_free(results);
        assert_true(calls > DSE_BATCH);
        for (size_t n = 1; n <= calls; n += options.jobs) /* few enough: each syncs to disk */
            check_interruption(&world, &options, n, want);
        free(want);
    }
}

static void press_ctrl_c(void)
{
    raise(SIGINT);
}

/* In a process of its own: the wish to stop is for the whole process and stays. */
static void search_until_ctrl_c(struct world *world, const struct dse_options *options)
{
    struct results *results = results_create();
    struct error err;
    interrupt_install();
    world->fail_at = 9;
    world->fail_with = STATUS_OK;
    world->on_fail = press_ctrl_c;
    if (!freopen("stopping.txt", "wb", stderr))
        _exit(3);
    const enum status status = search(world, options, false, results, &err);
    if (status != STATUS_CANCELLED || strcmp(err.text, "search interrupted") != 0)
        _exit(4);
    _exit(world->calls < 15 ? 0 : 5);
}

static void ctrl_c_ends_the_search_and_resume_finishes_it(void **state)
{
    struct world world;
    int status = -1;
    (void)state;
    world_make(&world, 4, 5, 20);
    const struct dse_options options = world_options(&world, 2, true);
    struct results *results = search_all(&world, &options, false);
    char *want = lasting_text(results);
    results_free(results);
    world_forget(&world);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        search_until_ctrl_c(&world, &options);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    results = search_all(&world, &options, true);
    assert_in_range(results->resumed, 9, 14);
    char *text = lasting_text(results);
    assert_string_equal(text, want);
    free(text);
    free(want);
    results_free(results);
}

static void a_failure_is_reported_by_the_candidates_widths(void **state)
{
    struct world world;
    struct error err;
    (void)state;
    world_make(&world, 3, 2, 0);
    world.fail_at = 6; /* with one job: index 5 */
    world.fail_with = STATUS_LINK;
    const struct dse_options options = world_options(&world, 1, true);
    struct results *results = results_create();
    const enum status status = search(&world, &options, false, results, &err);
    check_failed(status, STATUS_LINK, &err, "candidate 8-4-2: the core is gone");
    assert_int_equal(world.calls, 6);
    results_free(results);
}

static void a_worker_that_does_not_open_ends_the_search(void **state)
{
    struct world world;
    struct error err;
    (void)state;
    world_make(&world, 3, 2, 0);
    world.open_fail_at = 2;
    const struct dse_options options = world_options(&world, 3, true);
    struct results *results = results_create();
    const enum status status = search(&world, &options, false, results, &err);
    check_failed(status, STATUS_LINK, &err, "worker 2: no core");
    assert_int_equal(world.opened, 2);
    assert_int_equal(world.calls, 0);
    results_free(results);
}

static void mismatches_are_found_not_failures(void **state)
{
    struct world world;
    (void)state;
    world_make(&world, 3, 2, 0);
    world.differs[7] = true;
    const struct dse_options options = world_options(&world, 2, true);
    struct results *results = search_all(&world, &options, false);
    for (size_t i = 0; i < results->count; i++)
        assert_int_equal(results->candidates[i].mismatches, i == 7);
    assert_string_equal(results->candidates[7].mismatch, "image 0, layer 1");
    results_free(results);
}

static void another_spaces_journal_is_refused(void **state)
{
    struct world world;
    struct error err;
    (void)state;
    world_make(&world, 3, 2, 0);
    struct dse_options options = world_options(&world, 1, true);
    results_free(search_all(&world, &options, false));
    options.space.widths[0] = 4;
    options.space.widths[1] = 8;
    struct results *results = results_create();
    const enum status status = search(&world, &options, true, results, &err);
    check_failed(status, STATUS_INPUT, &err,
                 "journal.jsonl: record 1: bits and index do not belong together; start over with "
                 "--force");
    results_free(results);
}

static void spaces_that_are_too_large_are_refused_with_a_way_out(void **state)
{
    struct dse_options options = {.space = {9, {8, 4, 2}, 3}, .exhaustive = true};
    struct error err;
    (void)state;
    check_failed(dse_check(&options, &err), STATUS_USAGE, &err,
                 "9 layers with 3 widths each are more than the 10000 candidates of an exhaustive "
                 "search; give fewer widths (--bits 8,4), or search by cost (--max-acc-drop X)");
    options.exhaustive = false;
    check_ok(dse_check(&options, &err), &err);
    options.space.layer_count = 13;
    check_failed(dse_check(&options, &err), STATUS_USAGE, &err,
                 "13 layers with 3 widths each are more than the 1048576 candidates that can be "
                 "put in order of cost; give fewer widths (--bits 8,4)");
    options.space.layer_count = 8;
    options.exhaustive = true;
    check_ok(dse_check(&options, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exhaustive_search_finds_all),
        cmocka_unit_test(search_by_cost_equals_brute_force),
        cmocka_unit_test(search_by_cost_learns_how_wrong_its_predictions_are),
        cmocka_unit_test(results_are_the_same_for_any_number_of_jobs),
        cmocka_unit_test(interruption_at_any_candidate_changes_nothing),
        cmocka_unit_test(ctrl_c_ends_the_search_and_resume_finishes_it),
        cmocka_unit_test(a_failure_is_reported_by_the_candidates_widths),
        cmocka_unit_test(a_worker_that_does_not_open_ends_the_search),
        cmocka_unit_test(mismatches_are_found_not_failures),
        cmocka_unit_test(another_spaces_journal_is_refused),
        cmocka_unit_test(spaces_that_are_too_large_are_refused_with_a_way_out),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
