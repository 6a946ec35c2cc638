// SPDX-License-Identifier: Apache-2.0
/* The search's phases: take over the journal, test candidates (all, or by cost), choose, verify the
 * front. */
#include "dse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dse_order.h"
#include "dse_pool.h"
#include "dse_record.h"

/* Candidates tested so far, by index; NULL: not tested. */
struct table {
    size_t count;
    struct candidate **items;
};

struct search {
    const struct dse_options *options;
    struct dse_pool *pool;
    struct table table;
    struct error *err;
};

static void table_free(struct table *table)
{
    for (size_t i = 0; table->items && i < table->count; i++) {
        free(table->items[i]);
    }
    free(table->items);
}

/* The table's entry for index, made if there is none; NULL if there is no memory. */
static struct candidate *table_get(struct table *table, const struct dse_space *space, size_t index)
{
    if (!table->items[index]) {
        struct candidate *candidate = calloc(1, sizeof *candidate);
        if (candidate) {
            candidate->index = index;
            dse_space_bits(space, index, candidate->bits);
        }
        table->items[index] = candidate;
    }
    return table->items[index];
}

static enum status no_memory(struct search *search)
{
    return error_set(search->err, STATUS_NO_MEMORY, "search over %zu candidates: out of memory",
                     search->table.count);
}

/* Takes over the candidates of the journal. *resumed: how many. */
static enum status take_over(struct search *search, const struct journal *journal, size_t *resumed)
{
    const struct dse_space *space = &search->options->space;
    struct candidate candidate;
    *resumed = 0;
    for (size_t i = 0; i < journal_count(journal); i++) {
        enum status status =
            dse_record_read(journal, i, space->layer_count, &candidate, search->err);
        if (status != STATUS_OK) {
            return status;
        }
        int bits[NET_MAX_LAYERS];
        const bool inside = candidate.index < search->table.count;
        if (inside) {
            dse_space_bits(space, candidate.index, bits);
        }
        if (!inside ||
            memcmp(bits, candidate.bits, (size_t)space->layer_count * sizeof *bits) != 0) {
            return error_set(search->err, STATUS_INPUT,
                             "journal.jsonl: record %zu: bits and index do not belong together; "
                             "start over with --force",
                             i + 1);
        }
        *resumed += search->table.items[candidate.index] == NULL;
        struct candidate *entry = table_get(&search->table, space, candidate.index);
        if (!entry) {
            return no_memory(search);
        }
        *entry = candidate;
    }
    return STATUS_OK;
}

/* Evaluates those of indices that are not in the table yet. indices: ascending. On failure the
 * table has no entries for the unfinished ones. */
static enum status evaluate(struct search *search, const size_t *indices, size_t count)
{
    size_t pending = 0;
    struct candidate **list = calloc(count + 1, sizeof *list);
    enum status status = list ? STATUS_OK : no_memory(search);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (search->table.items[indices[i]]) {
            continue;
        }
        list[pending] = table_get(&search->table, &search->options->space, indices[i]);
        status = list[pending] ? STATUS_OK : no_memory(search);
        pending += status == STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = dse_pool_run(search->pool, DSE_EVALUATE, list, pending, search->err);
    }
    free(list);
    return status;
}

static enum status search_exhaustive(struct search *search)
{
    const size_t count = search->table.count;
    size_t pending = 0, *indices = calloc(count + 1, sizeof *indices);
    if (!indices) {
        return no_memory(search);
    }
    for (size_t i = 0; i < count; i++) {
        if (!search->table.items[i]) {
            indices[pending++] = i;
        }
    }
    if (pending) {
        dse_pool_progress(search->pool, "search", pending, NULL);
    }
    const enum status status = evaluate(search, indices, pending);
    dse_pool_progress(search->pool, NULL, 0, NULL);
    free(indices);
    return status;
}

static int compare_index(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* Tests the next batch in order of predicted cost, and tells the order what they really cost.
 * *best: cycles of the cheapest candidate that passes so far, UINT64_MAX without. */
static enum status test_batch(struct search *search, struct dse_order *order, uint64_t *best)
{
    const struct dse_options *options = search->options;
    size_t batch[DSE_BATCH];
    const size_t count = dse_order_take(order, batch, DSE_BATCH);
    qsort(batch, count, sizeof *batch, compare_index);
    const enum status status = evaluate(search, batch, count);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        const struct candidate *c = search->table.items[batch[i]];
        dse_order_learn(order, c->index, c->cycles);
        if (c->cycles < *best && results_is_within(c->val_accuracy, options->float_val_accuracy,
                                                   options->max_acc_drop)) {
            *best = c->cycles;
        }
    }
    return STATUS_OK;
}

static enum status search_by_cost(struct search *search)
{
    struct dse_order *order = NULL;
    uint64_t best = UINT64_MAX;
    enum status status =
        dse_order_create(&search->options->space, search->pool, &order, search->err);
    if (status != STATUS_OK) {
        return status;
    }
    dse_pool_progress(search->pool, "search by cost (at most)", search->table.count, NULL);
    while (status == STATUS_OK && !dse_order_is_done(order, best)) {
        status = test_batch(search, order, &best);
    }
    dse_pool_progress(search->pool, NULL, 0, best < UINT64_MAX ? "found" : NULL);
    dse_order_free(order);
    return status;
}

/* Copies the table into results, in order of index. */
static enum status collect(struct search *search, struct results *results)
{
    size_t count = 0;
    for (size_t i = 0; i < search->table.count; i++) {
        count += search->table.items[i] != NULL;
    }
    results->candidates = calloc(count + 1, sizeof *results->candidates);
    if (!results->candidates) {
        return no_memory(search);
    }
    for (size_t i = 0; i < search->table.count; i++) {
        if (search->table.items[i]) {
            results->candidates[results->count++] = *search->table.items[i];
        }
    }
    return results_choose(results, search->err);
}

/* More test images for the front and the selected candidate. */
static enum status verify_front(struct search *search, struct results *results)
{
    size_t pending = 0;
    struct candidate **list = calloc(results->count + 1, sizeof *list);
    if (!list) {
        return no_memory(search);
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

static enum status run_phases(struct search *search, struct results *results)
{
    enum status status =
        search->options->exhaustive ? search_exhaustive(search) : search_by_cost(search);
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
    struct search search = {.options = options, .err = err};
    enum status status = dse_check(options, err);
    if (status != STATUS_OK) {
        return status;
    }
    results->layer_count = options->space.layer_count;
    results->float_val_accuracy = options->float_val_accuracy;
    results->max_acc_drop = options->max_acc_drop;
    search.table.count = dse_space_count(&options->space);
    search.table.items = calloc(search.table.count, sizeof *search.table.items);
    status =
        search.table.items ? take_over(&search, journal, &results->resumed) : no_memory(&search);
    if (status == STATUS_OK) {
        status = dse_pool_open(options, ops, context, journal, &search.pool, err);
    }
    if (status == STATUS_OK) {
        status = run_phases(&search, results);
    }
    dse_pool_close(search.pool);
    table_free(&search.table);
    return status;
}
