// SPDX-License-Identifier: Apache-2.0
/* Whole searches, with journal and jobs, in spaces that are too large to be numbered. */
#include "host/scratch.h"

#include <pthread.h>

#include "host/made_up_oracle.h"

enum { LAYERS = 40, GROUPED = 3 };
static const char JOURNAL[] = "journal.jsonl";

static struct made_up made;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t calls, fail_at;

/* Layers 4, 5, 6 share a width. */
static void make(void)
{
    static int group[LAYERS];
    for (int i = 0; i < GROUPED; i++)
        group[4 + i] = 1;
    memset(&made, 0, sizeof made);
    made.space.layer_count = LAYERS;
    made.space.width_count = ORACLE_WIDTHS;
    memcpy(made.space.widths, (const int[]){8, 4, 2}, sizeof made.space.widths);
    assert_int_equal(dse_space_divide(&made.space, group, NULL), -1);
    made_up_fill(&made, 5);
}

static enum status open_worker(void *context, size_t number, void **out, struct error *err)
{
    (void)number;
    (void)err;
    *out = context;
    return STATUS_OK;
}

static void close_worker(void *worker)
{
    (void)worker;
}

static enum status begin(struct error *err)
{
    pthread_mutex_lock(&lock);
    const bool fails = ++calls == fail_at;
    pthread_mutex_unlock(&lock);
    return fails ? error_set(err, STATUS_CANCELLED, "stopped") : STATUS_OK;
}

static enum status screen(void *worker, struct candidate *c, struct error *err)
{
    (void)worker;
    c->val_loss = made_up_loss(&made, c->bits);
    c->val_accuracy = 99 - c->val_loss;
    return begin(err);
}

static enum status evaluate(void *worker, struct candidate *c, struct error *err)
{
    const struct dse_price price = dse_cost_price(&made.cost, c->bits);
    const enum status status = screen(worker, c, err);
    c->accuracy = c->val_accuracy - 0.2;
    c->cycles = price.cycles + 7;
    c->instructions = price.cycles / 2;
    c->size_bytes = (size_t)price.size_bytes;
    c->ram_bytes = (size_t)(price.size_bytes + made.cost.fixed_ram_bytes);
    c->verified = 4;
    return status;
}

static enum status verify(void *worker, struct candidate *c, size_t end, struct error *err)
{
    (void)worker;
    c->verified = end;
    return begin(err);
}

/* A group's cost, in its layers' equal parts but for what is left over. */
static uint64_t part(const struct dse_space *space, int layer, uint64_t whole)
{
    const bool is_first = layer == 0 || space->group[layer - 1] != space->group[layer];
    uint64_t count = 0;
    for (int i = 0; i < LAYERS; i++)
        count += space->group[i] == space->group[layer];
    return whole / count + (is_first ? whole % count : 0);
}

static enum status profile(void *worker, const int *bits, struct dse_profile *out,
                           struct error *err)
{
    (void)worker;
    (void)err;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < LAYERS; i++) {
        const int g = made.space.group[i], c = made_up_choice(&made, bits, g);
        out->layer_cycles[i] = part(&made.space, i, made.cost.cycles[g][c]);
        out->layer_bytes[i] = part(&made.space, i, made.cost.bytes[g][c]);
    }
    out->other_cycles = made.cost.other_cycles;
    out->other_bytes = made.cost.other_bytes;
    out->fixed_ram_bytes = made.cost.fixed_ram_bytes;
    return STATUS_OK;
}

static const struct dse_ops OPS = {.open = open_worker,
                                   .close = close_worker,
                                   .evaluate = evaluate,
                                   .screen = screen,
                                   .verify = verify,
                                   .profile = profile};

static struct dse_options options_for(enum search_method method, size_t jobs)
{
    return (struct dse_options){.space = made.space,
                                .jobs = jobs,
                                .method = method,
                                .limits = {.max_acc_drop = 1},
                                .float_val_accuracy = 99,
                                .float_screen_accuracy = 99,
                                .front_samples = 20,
                                .points = 12,
                                .seed = 3,
                                .max_screened = 300,
                                .progress = PROGRESS_QUIET};
}

static enum status search(const struct dse_options *options, bool resume, struct results *results,
                          struct error *err)
{
    struct journal *journal = NULL;
    check_ok(resume ? journal_open(JOURNAL, &journal, err)
                    : journal_create(JOURNAL, "{}", &journal, err),
             err);
    calls = 0;
    results->width_count = ORACLE_WIDTHS;
    const enum status status = dse_search(options, &OPS, &made, journal, results, err);
    journal_close(journal);
    return status;
}

static char *text_of(const struct dse_options *options, bool resume, size_t *resumed)
{
    struct results *results = results_create();
    struct error err;
    char *text = NULL;
    check_ok(search(options, resume, results, &err), &err);
    *resumed = results->resumed;
    results->resumed = 0;
    check_ok(results_to_text(results, &text, &err), &err);
    results_free(results);
    return text;
}

static void greedy_finds_the_cheapest_within_the_drop(void **state)
{
    struct error err;
    (void)state;
    make();
    const struct dse_options options = options_for(SEARCH_GREEDY, 2);
    struct results *results = results_create();
    check_ok(search(&options, false, results, &err), &err);
    assert_in_range(results->count, 2, 13);
    assert_true(results->selected >= 0);
    const struct candidate *selected = &results->candidates[results->selected];
    assert_true(selected->val_accuracy >= 98);
    assert_true(selected->index == SEARCH_NO_INDEX);
    assert_int_equal(selected->verified, 20);
    /* nothing so cheap can lose less than the bound: the allowed point is nearly used up */
    const double bound = made_up_bound(&made, 0.97 * (double)selected->cycles);
    if (bound < 0.8)
        fail_msg("selected %llu cycles: 3 %% less could still be had for %.3f points",
                 (unsigned long long)selected->cycles, bound);
    for (size_t i = 0; i < results->count; i++) {
        const struct candidate *c = &results->candidates[i];
        assert_true(c->bits[4] == c->bits[5] && c->bits[5] == c->bits[6]);
        assert_int_equal(c->cycles, c->predicted_cycles + 7);
        assert_true(i == 0 || dse_space_compare(&made.space, c[-1].bits, c->bits) < 0);
    }
    results_free(results);
}

static void limits_on_memory_select_the_most_accurate_that_fits(void **state)
{
    struct error err;
    int bits[NET_MAX_LAYERS];
    (void)state;
    make();
    struct dse_options options = options_for(SEARCH_GREEDY, 2);
    dse_space_widest(&made.space, bits);
    const struct dse_price widest = dse_cost_price(&made.cost, bits);
    options.limits = (struct search_limits){.max_acc_drop = 100,
                                            .max_ram_bytes = made.cost.fixed_ram_bytes +
                                                             widest.size_bytes * 3 / 10,
                                            .most_accurate = true};
    struct results *results = results_create();
    check_ok(search(&options, false, results, &err), &err);
    assert_true(results->selected >= 0);
    const struct candidate *selected = &results->candidates[results->selected];
    for (size_t i = 0; i < results->count; i++) {
        const struct candidate *c = &results->candidates[i];
        const bool is_widest = dse_cost_price(&made.cost, c->bits).size_bytes == widest.size_bytes;
        assert_true(is_widest || c->ram_bytes <= options.limits.max_ram_bytes);
        assert_true(is_widest || c->val_accuracy <= selected->val_accuracy);
    }
    assert_true(selected->ram_bytes <= options.limits.max_ram_bytes);
    results_free(results);
}

static void results_are_the_same_for_any_number_of_jobs(void **state)
{
    (void)state;
    for (int method = SEARCH_GREEDY; method <= SEARCH_EVOLUTION; method++) {
        char *want = NULL;
        size_t resumed;
        make();
        for (size_t jobs = 1; jobs <= 4; jobs++) {
            const struct dse_options options = options_for((enum search_method)method, jobs);
            char *text = text_of(&options, false, &resumed);
            if (want)
                assert_string_equal(text, want);
            else
                want = strdup(text);
            free(text);
        }
        free(want);
    }
}

static void interruptions_change_nothing_and_nothing_is_done_twice(void **state)
{
    (void)state;
    for (int method = SEARCH_GREEDY; method <= SEARCH_EVOLUTION; method++) {
        struct error err;
        size_t resumed = 0;
        make();
        fail_at = SIZE_MAX;
        const struct dse_options options = options_for((enum search_method)method, 2);
        char *want = text_of(&options, false, &resumed);
        const size_t all = calls;
        for (size_t n = 5; n < all; n += all / 7) {
            struct results *results = results_create();
            fail_at = n;
            assert_int_equal(search(&options, false, results, &err), STATUS_CANCELLED);
            const size_t before = calls;
            results_free(results);
            fail_at = SIZE_MAX;
            char *text = text_of(&options, true, &resumed);
            assert_string_equal(text, want);
            assert_true(resumed > 0);
            assert_in_range(before + calls, all,
                            all + 2); /* the one that failed, once for each job */
            free(text);
        }
        free(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_finds_the_cheapest_within_the_drop),
        cmocka_unit_test(limits_on_memory_select_the_most_accurate_that_fits),
        cmocka_unit_test(results_are_the_same_for_any_number_of_jobs),
        cmocka_unit_test(interruptions_change_nothing_and_nothing_is_done_twice),
    };
    fail_at = SIZE_MAX;
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
