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
                              options->limits.max_acc_drop) &&
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
    const struct dse_options options = world_options(&world, 2, SEARCH_EXHAUSTIVE);
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
        struct dse_options options = world_options(&world, 1 + seed % 2, SEARCH_CHEAPEST);
        options.limits.max_acc_drop = 0.5 * (double)(seed % 8);
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
        struct dse_options options = world_options(&world, 1, SEARCH_CHEAPEST);
        options.limits.max_acc_drop = 0.5 * (double)(2 + seed % 6);
        struct results *results = search_all(&world, &options, false);
        check_selected(&world, &options, results);
        results_free(results);
    }
}

/* Candidates' indices by cycles upwards; cycles of a noiseless world differ. */
static void order_by_cycles(const struct world *world, size_t *order)
{
    for (size_t i = 0; i < world->count; i++) {
        size_t at = i;
        while (at > 0 && world->cycles[order[at - 1]] > world->cycles[i]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

/* Sets which ranks in order of cycles keep the accuracy, and searches. */
static struct results *bisect(struct world *world, bool (*passes)(size_t rank))
{
    size_t order[WORLD_MAX];
    world_make(world, 4, 11, 0);
    order_by_cycles(world, order);
    for (size_t rank = 0; rank < world->count; rank++)
        world->val_accuracy[order[rank]] = passes(rank) ? 98 : 90;
    const struct dse_options options = world_options(world, 1, SEARCH_BINARY);
    return search_all(world, &options, false);
}

static bool passes_from_20_on(size_t rank)
{
    return rank >= 20;
}

static bool passes_from_20_on_and_at_9(size_t rank)
{
    return rank >= 20 || rank == 9;
}

static void binary_search_finds_the_cheapest_if_accuracy_rises_with_cost(void **state)
{
    struct world world;
    (void)state;
    struct results *results = bisect(&world, passes_from_20_on);
    const struct dse_options options = world_options(&world, 1, SEARCH_BINARY);
    check_selected(&world, &options, results);
    assert_in_range(results->count, 5, 7); /* of 81 */
    results_free(results);
}

/* As in the reference: 40, 20, 10, 15, 18, 19 are tested; that 9 passes stays unseen. */
static void binary_search_misses_what_does_not_fit_its_assumption(void **state)
{
    static const size_t tested[] = {40, 20, 10, 15, 18, 19};
    size_t order[WORLD_MAX];
    struct world world;
    (void)state;
    struct results *results = bisect(&world, passes_from_20_on_and_at_9);
    order_by_cycles(&world, order);
    assert_int_equal(results->candidates[results->selected].index, order[20]);
    assert_int_equal(results->count, sizeof tested / sizeof *tested);
    for (size_t i = 0; i < sizeof tested / sizeof *tested; i++)
        assert_int_equal(world.evaluated[order[tested[i]]], 1);
    assert_int_equal(world.evaluated[order[9]], 0);
    results_free(results);
}

static void points_of_a_screened_front_are_measured_whole(void **state)
{
    (void)state;
    for (int method = SEARCH_GREEDY; method <= SEARCH_EVOLUTION; method++) {
        struct world world;
        double screened_best = 0, best = 0;
        size_t screened = 0;
        world_make(&world, 5, 9, 50);
        const struct dse_options options = world_options(&world, 2, (enum search_method)method);
        struct results *results = search_all(&world, &options, false);
        for (size_t i = 0; i < world.count; i++) {
            screened += world.screened[i];
            if (world.screened[i] && world.val_accuracy[i] > screened_best)
                screened_best = world.val_accuracy[i];
        }
        assert_int_equal(results->screened, screened);
        assert_in_range(screened, 11, world.count);
        assert_in_range(results->count, 3, options.points + 1); /* and the widest */
        assert_int_equal(world.evaluated[0], 1);
        for (size_t i = 0; i < results->count; i++) {
            const struct candidate *c = &results->candidates[i];
            check_candidate(&world, c);
            assert_true(c->index == 0 || world.screened[c->index]);
            assert_in_range(c->cycles - c->predicted_cycles, 0, 50);
            best = c->val_accuracy > best ? c->val_accuracy : best;
        }
        assert_true(best >= screened_best);
        results_free(results);
    }
}

static void results_are_the_same_for_any_number_of_jobs(void **state)
{
    (void)state;
    for (int method = 0; method < SEARCH_METHODS; method++) {
        char *want = NULL;
        for (size_t jobs = 1; jobs <= 3; jobs++) {
            struct world world;
            world_make(&world, 4, 7, 100);
            const struct dse_options options =
                world_options(&world, jobs, (enum search_method)method);
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
        finished += world->evaluated[i] + world->screened[i];
    results = search_all(world, options, true);
    assert_int_equal(results->resumed, finished);
    for (size_t i = 0; i < world->count; i++) {
        assert_in_range(world->evaluated[i], 0, 1);
        assert_in_range(world->screened[i], 0, 1);
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
    for (int kind = 0; kind < 2 * SEARCH_METHODS; kind++) {
        struct world world;
        world_make(&world, 3, 21, 60);
        world.ram_bytes = kind % 2 ? 3500 : 0; /* 8-8-8 needs 4700 */
        const struct dse_options options =
            world_options(&world, 1 + (size_t)kind % 2, (enum search_method)(kind / 2));
        struct results *results = search_all(&world, &options, false);
        const size_t calls = world.calls;
        char *want = lasting_text(results);
        results_free(results);
        assert_true(calls > 2);
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
    const struct dse_options options = world_options(&world, 2, SEARCH_EXHAUSTIVE);
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
    const struct dse_options options = world_options(&world, 1, SEARCH_EXHAUSTIVE);
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
    const struct dse_options options = world_options(&world, 3, SEARCH_EXHAUSTIVE);
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
    const struct dse_options options = world_options(&world, 2, SEARCH_EXHAUSTIVE);
    struct results *results = search_all(&world, &options, false);
    for (size_t i = 0; i < results->count; i++)
        assert_int_equal(results->candidates[i].mismatches, i == 7);
    assert_string_equal(results->candidates[7].mismatch, "image 0, layer 1");
    results_free(results);
}

static size_t count_too_large(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++) {
        int bits[NET_MAX_LAYERS];
        dse_space_bits(&world->space, i, bits);
        count += world_need(world, bits) > world->ram_bytes;
    }
    return count;
}

/* Whether all that was measured fits, and all that was left out does not. */
static void check_memory(const struct world *world, const struct results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        assert_true(world_need(world, results->candidates[i].bits) <= world->ram_bytes);
        check_candidate(world, &results->candidates[i]);
    }
    for (size_t i = 0; i < results->too_large_count; i++) {
        const struct candidate *c = &results->too_large[i];
        assert_true(c->too_large);
        assert_true(world_need(world, c->bits) > world->ram_bytes);
        assert_int_equal(c->ram_bytes, world_need(world, c->bits));
        assert_int_equal(world->verified[c->index], 0);
    }
    assert_int_equal(results->ram_bytes, world->ram_bytes);
}

/* 8-8-8-8 needs 5500 bytes, 2-2-2-2 3100. */
static void what_does_not_fit_the_core_is_left_out_and_listed(void **state)
{
    (void)state;
    for (int method = 0; method < SEARCH_METHODS; method++) {
        struct world world;
        world_make(&world, 4, 3, 40);
        world.ram_bytes = 4100;
        const struct dse_options options = world_options(&world, 2, (enum search_method)method);
        struct results *results = search_all(&world, &options, false);
        check_memory(&world, results);
        assert_true(results->count > 0);
        if (method == SEARCH_EXHAUSTIVE)
            assert_int_equal(results->too_large_count, count_too_large(&world));
        if (method == SEARCH_EXHAUSTIVE)
            assert_int_equal(results->count, world.count - count_too_large(&world));
        for (size_t i = 0; i < results->count; i++)
            assert_in_range(results->candidates[i].cycles - results->candidates[i].predicted_cycles,
                            0, 40);
        results_free(results);
    }
}

/* Of what costs more than is allowed, no more than a batch is tested. */
static void search_by_cost_ends_at_the_most_cycles(void **state)
{
    size_t order[WORLD_MAX];
    (void)state;
    for (size_t rank = 0; rank < 60; rank += 29) {
        struct world world;
        world_make(&world, 4, 11, 0);
        order_by_cycles(&world, order);
        struct dse_options options = world_options(&world, 1, SEARCH_CHEAPEST);
        options.limits.max_acc_drop = 0; /* none passes */
        options.limits.max_cycles = world.cycles[order[rank]];
        options.float_val_accuracy = 100;
        struct results *results = search_all(&world, &options, false);
        assert_int_equal(results->selected, -1);
        assert_in_range(results->count, rank + 1, rank + 1 + 2 * DSE_BATCH);
        results_free(results);
        options.limits.max_acc_drop = 100;
        results = search_all(&world, &options, false);
        check_selected(&world, &options, results);
        results_free(results);
    }
}

/* The one selected is that of an exhaustive search over what fits. */
static void search_by_cost_stays_exact_where_not_all_fits(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world world;
        world_make(&world, 4, seed, 40);
        world.ram_bytes = 3100 + 200 * (seed % 12);
        struct dse_options options = world_options(&world, 2, SEARCH_EXHAUSTIVE);
        options.limits.max_acc_drop = 0.5 * (double)(seed % 8);
        struct results *all = search_all(&world, &options, false);
        options.method = SEARCH_CHEAPEST;
        struct results *found = search_all(&world, &options, false);
        assert_true((all->selected < 0) == (found->selected < 0));
        if (all->selected >= 0)
            assert_int_equal(found->candidates[found->selected].index,
                             all->candidates[all->selected].index);
        results_free(all);
        results_free(found);
    }
}

/* 3700 bytes: one layer at 8 bits beside three at 2, so that each needs a run of its own. */
static void layers_are_priced_one_by_one_where_no_more_fits(void **state)
{
    struct world world;
    (void)state;
    world_make(&world, 4, 3, 0);
    world.ram_bytes = 3700;
    const struct dse_options options = world_options(&world, 1, SEARCH_EXHAUSTIVE);
    struct results *results = search_all(&world, &options, false);
    assert_int_equal(world.profiled, 1 + 2 + 4); /* at 2 bits all, at 4 three and one */
    for (size_t i = 0; i < results->count; i++)
        assert_int_equal(results->candidates[i].cycles, results->candidates[i].predicted_cycles);
    check_memory(&world, results);
    results_free(results);
}

/* 200 bytes that only some candidates need count for all in the prices: 3300 to 3900 bytes where the
 * core has 3700. What does not fit by its price is tried. */
static void what_fits_but_for_its_price_is_measured(void **state)
{
    struct world world;
    (void)state;
    world_make(&world, 4, 3, 0);
    world.ram_bytes = 3700;
    world.work_bytes = 200;
    const struct dse_options options = world_options(&world, 1, SEARCH_EXHAUSTIVE);
    struct results *results = search_all(&world, &options, false);
    assert_int_equal(world.profiled, 1 + 4 + 2); /* at 2 bits all, at 8 each alone, at 4 two each */
    assert_int_equal(results->count, world.count - count_too_large(&world));
    for (size_t i = 0; i < results->count; i++)
        assert_int_equal(results->candidates[i].cycles, results->candidates[i].predicted_cycles);
    check_memory(&world, results);
    results_free(results);
}

static void a_space_of_which_nothing_fits_is_refused(void **state)
{
    struct world world;
    struct error err;
    (void)state;
    world_make(&world, 4, 3, 40);
    world.ram_bytes = 3099;
    const struct dse_options options = world_options(&world, 2, SEARCH_GREEDY);
    struct results *results = results_create();
    check_failed(search(&world, &options, false, results, &err), STATUS_INPUT, &err,
                 "no configuration fits the core's memory: the smallest needs 3100 bytes, the core "
                 "has 3099; allow fewer bits (--bits), take a smaller network or a target with "
                 "more RAM");
    assert_int_equal(results->count, 0);
    assert_int_equal(results->too_large_count, 1);
    assert_int_equal(results->too_large[0].ram_bytes, 3100);
    assert_int_equal(results->too_large[0].bits[3], 2);
    assert_int_equal(world.profiled, 0);
    results_free(results);
}

static void another_spaces_journal_is_refused(void **state)
{
    struct world world;
    struct error err;
    (void)state;
    world_make(&world, 3, 2, 0);
    struct dse_options options = world_options(&world, 1, SEARCH_EXHAUSTIVE);
    results_free(search_all(&world, &options, false));
    options.space.widths[0] = 4;
    options.space.widths[1] = 8;
    assert_int_equal(dse_space_divide(&options.space, NULL, NULL), -1);
    struct results *results = results_create();
    const enum status status = search(&world, &options, true, results, &err);
    check_failed(status, STATUS_INPUT, &err,
                 "journal.jsonl: record 1: bits and index do not belong together; start over with "
                 "--force");
    results_free(results);
}

static void spaces_that_are_too_large_are_refused_with_a_way_out(void **state)
{
    static const char WAY_OUT[] = "; search by --search greedy, give fewer widths (--bits 8,4), or "
                                  "group layers (\"search\" of the model)";
    struct dse_options options = {
        .space = {.layer_count = 9, .widths = {8, 4, 2}, .width_count = 3},
        .method = SEARCH_EXHAUSTIVE};
    struct error err;
    char want[512];
    (void)state;
    assert_int_equal(dse_space_divide(&options.space, NULL, NULL), -1);
    snprintf(want, sizeof want,
             "9 layers, 19683 configurations: an exhaustive search takes on 10000 at most%s",
             WAY_OUT);
    check_failed(dse_check(&options, &err), STATUS_USAGE, &err, want);
    options.method = SEARCH_CHEAPEST;
    check_ok(dse_check(&options, &err), &err);
    options.space.layer_count = 43;
    options.method = SEARCH_BINARY;
    assert_int_equal(dse_space_divide(&options.space, NULL, NULL), -1);
    snprintf(want, sizeof want,
             "43 layers, 3.28257e+20 configurations: --search binary can put 1048576 in order of "
             "cost%s",
             WAY_OUT);
    check_failed(dse_check(&options, &err), STATUS_USAGE, &err, want);
    options.method = SEARCH_GREEDY;
    check_ok(dse_check(&options, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exhaustive_search_finds_all),
        cmocka_unit_test(search_by_cost_equals_brute_force),
        cmocka_unit_test(search_by_cost_learns_how_wrong_its_predictions_are),
        cmocka_unit_test(binary_search_finds_the_cheapest_if_accuracy_rises_with_cost),
        cmocka_unit_test(binary_search_misses_what_does_not_fit_its_assumption),
        cmocka_unit_test(points_of_a_screened_front_are_measured_whole),
        cmocka_unit_test(results_are_the_same_for_any_number_of_jobs),
        cmocka_unit_test(interruption_at_any_candidate_changes_nothing),
        cmocka_unit_test(ctrl_c_ends_the_search_and_resume_finishes_it),
        cmocka_unit_test(a_failure_is_reported_by_the_candidates_widths),
        cmocka_unit_test(a_worker_that_does_not_open_ends_the_search),
        cmocka_unit_test(mismatches_are_found_not_failures),
        cmocka_unit_test(what_does_not_fit_the_core_is_left_out_and_listed),
        cmocka_unit_test(search_by_cost_ends_at_the_most_cycles),
        cmocka_unit_test(search_by_cost_stays_exact_where_not_all_fits),
        cmocka_unit_test(layers_are_priced_one_by_one_where_no_more_fits),
        cmocka_unit_test(what_fits_but_for_its_price_is_measured),
        cmocka_unit_test(a_space_of_which_nothing_fits_is_refused),
        cmocka_unit_test(another_spaces_journal_is_refused),
        cmocka_unit_test(spaces_that_are_too_large_are_refused_with_a_way_out),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
