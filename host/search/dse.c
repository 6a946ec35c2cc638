// SPDX-License-Identifier: Apache-2.0
/* The search's phases: take over the journal, price the space, search, choose, verify the front. */
#include "search/dse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/dse_record.h"
#include "search/dse_search.h"

enum status dse_no_memory(struct dse_search *search)
{
    return error_set(search->err, STATUS_NO_MEMORY, "search over %zu candidates: out of memory",
                     search->measured.count + search->screened.count);
}

bool dse_keeps(const struct dse_search *search, const struct candidate *candidate)
{
    const struct results limits = {.limits = search->options->limits,
                                   .float_val_accuracy = search->options->float_val_accuracy};
    return !candidate->too_large && results_keeps(&limits, candidate);
}

static enum status take_over_one(struct dse_search *search, const struct journal *journal, size_t i)
{
    const struct dse_space *space = &search->options->space;
    struct candidate candidate;
    bool screened = false;
    const enum status status =
        dse_record_read(journal, i, space->layer_count, &candidate, &screened, search->err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!dse_space_has(space, candidate.bits) ||
        (!screened && candidate.index != dse_space_index(space, candidate.bits))) {
        return error_set(search->err, STATUS_INPUT,
                         "journal.jsonl: record %zu: bits and index do not belong together; "
                         "start over with --force",
                         i + 1);
    }
    candidate.index = dse_space_index(space, candidate.bits);
    struct dse_table *table = screened ? &search->screened : &search->measured;
    struct candidate *entry = dse_table_get(table, candidate.bits);
    if (!entry) {
        return dse_no_memory(search);
    }
    *entry = candidate;
    return STATUS_OK;
}

/* Takes over the candidates of the journal. */
static enum status take_over(struct dse_search *search, const struct journal *journal)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < journal_count(journal) && status == STATUS_OK; i++) {
        status = take_over_one(search, journal, i);
    }
    return status;
}

static int compare(const void *a, const void *b, void *space)
{
    const struct candidate *const *x = a, *const *y = b;
    return dse_space_compare(space, (*x)->bits, (*y)->bits);
}

enum status dse_run_task(struct dse_search *search, enum dse_task task, const int *const *bits,
                         size_t count)
{
    const struct dse_space *space = &search->options->space;
    struct dse_table *table = task == DSE_SCREEN ? &search->screened : &search->measured;
    struct candidate **list = calloc(count + 1, sizeof(struct candidate *));
    enum status status = STATUS_OK;
    size_t pending = 0;
    if (!list) {
        return dse_no_memory(search);
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (dse_table_find(table, bits[i])) {
            continue;
        }
        struct candidate *c = dse_table_get(table, bits[i]);
        if (c) {
            c->predicted_cycles = dse_cost_price(&search->cost, bits[i]).cycles;
            list[pending++] = c;
        } else {
            status = dse_no_memory(search);
        }
    }
    if (status == STATUS_OK) {
        qsort_r(list, pending, sizeof *list, compare, (void *)space);
        status = dse_pool_run(search->pool, task, list, pending, search->err);
    }
    free(list);
    return status;
}

/* Room for the candidates in results. */
static enum status make_room(struct dse_search *search, struct results *results)
{
    const size_t most = search->measured.count + 1;
    results->candidates = calloc(most, sizeof *results->candidates);
    results->too_large = calloc(most, sizeof *results->too_large);
    return results->candidates && results->too_large ? STATUS_OK : dse_no_memory(search);
}

/* Copies the candidates into results, in the space's order. */
static enum status collect(struct dse_search *search, struct results *results)
{
    struct candidate **list = dse_table_list(&search->measured);
    const enum status status = list ? make_room(search, results) : dse_no_memory(search);
    if (status != STATUS_OK) {
        free(list);
        return status;
    }
    for (size_t i = 0; i < search->measured.count; i++) {
        if (list[i]->too_large) {
            results->too_large[results->too_large_count++] = *list[i];
        } else {
            results->candidates[results->count++] = *list[i];
        }
    }
    free(list);
    results->screened = search->scored.count;
    results->screened_front = search->front_count;
    return results_choose(results, search->err);
}

/* More test images for the front and the selected candidate. */
static enum status verify_front(struct dse_search *search, struct results *results)
{
    size_t pending = 0;
    struct candidate **list = calloc(results->count + 1, sizeof(struct candidate *));
    if (!list) {
        return dse_no_memory(search);
    }
    for (size_t i = 0; i < results->count; i++) {
        struct candidate *c = &results->candidates[i];
        if ((c->pareto || (long)i == results->selected) &&
            c->verified < search->options->front_samples) {
            list[pending++] = c;
        }
    }
    if (pending) {
        dse_pool_progress(search->pool, "verify the front", pending, NULL);
    }
    const enum status status = dse_pool_run(search->pool, DSE_VERIFY, list, pending, search->err);
    dse_pool_progress(search->pool, NULL, 0, NULL);
    free(list);
    return status;
}

/* Prices the space. If nothing fits, results tell the smallest candidate. */
static enum status price(struct dse_search *search, struct results *results)
{
    struct error unused;
    const enum status status =
        dse_cost_measure(&search->options->space, search->pool, &search->cost, search->err);
    results->ram_bytes = search->cost.target_ram_bytes;
    if (search->cost.none_fits) {
        struct dse_search empty = {.options = search->options, .err = &unused};
        if (make_room(&empty, results) == STATUS_OK) {
            results->too_large[results->too_large_count++] = search->cost.smallest;
        }
    }
    return status;
}

static enum status run_phases(struct dse_search *search, struct results *results)
{
    static enum status (*const SEARCHES[SEARCH_METHODS])(struct dse_search *) = {
        [SEARCH_EXHAUSTIVE] = dse_search_exhaustive, [SEARCH_CHEAPEST] = dse_search_cheapest,
        [SEARCH_BINARY] = dse_search_binary,         [SEARCH_GREEDY] = dse_search_screen,
        [SEARCH_EVOLUTION] = dse_search_screen,
    };
    enum status status = price(search, results);
    if (status == STATUS_OK) {
        status = SEARCHES[search->options->method](search);
    }
    if (status == STATUS_OK) {
        status = collect(search, results);
    }
    if (status == STATUS_OK) {
        status = verify_front(search, results);
    }
    return status;
}

enum status dse_search(const struct dse_options *options, const struct dse_ops *ops, void *context,
                       struct journal *journal, struct results *results, struct error *err)
{
    struct dse_search search = {.options = options, .err = err};
    enum status status = dse_check(options, err);
    if (status != STATUS_OK) {
        return status;
    }
    results->layer_count = options->space.layer_count;
    results->float_val_accuracy = options->float_val_accuracy;
    results->method = options->method;
    results->limits = options->limits;
    search.measured.space = search.screened.space = search.scored.space = &options->space;
    status = take_over(&search, journal);
    results->resumed = search.measured.count + search.screened.count;
    if (status == STATUS_OK) {
        status = dse_pool_open(options, ops, context, journal, &search.pool, err);
    }
    if (status == STATUS_OK) {
        status = run_phases(&search, results);
    }
    dse_pool_close(search.pool);
    dse_table_free(&search.measured);
    dse_table_free(&search.screened);
    dse_table_free(&search.scored);
    return status;
}
