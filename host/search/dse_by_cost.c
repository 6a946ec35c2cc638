// SPDX-License-Identifier: Apache-2.0
/* Searches over all candidates: every one, or in order of predicted cycles. */
#include "search/dse_search.h"

#include <stdlib.h>

#include "search/dse_order.h"

/* Tests candidates by their indices. */
static enum status evaluate(struct dse_search *search, const size_t *indices, size_t count)
{
    const struct dse_space *space = &search->options->space;
    int(*widths)[NET_MAX_LAYERS] = calloc(count + 1, sizeof *widths);
    const int **bits = calloc(count + 1, sizeof *bits);
    if (!widths || !bits) {
        free(widths);
        free(bits);
        return dse_no_memory(search);
    }
    for (size_t i = 0; i < count; i++) {
        dse_space_bits(space, indices[i], widths[i]);
        bits[i] = widths[i];
    }
    const enum status status = dse_run_task(search, DSE_EVALUATE, bits, count);
    free(widths);
    free(bits);
    return status;
}

static const struct candidate *tested(const struct dse_search *search, size_t index)
{
    int bits[NET_MAX_LAYERS];
    dse_space_bits(&search->options->space, index, bits);
    return dse_table_find(&search->measured, bits);
}

enum status dse_search_exhaustive(struct dse_search *search)
{
    const size_t count = dse_space_count(&search->options->space);
    size_t *indices = calloc(count + 1, sizeof *indices);
    if (!indices) {
        return dse_no_memory(search);
    }
    for (size_t i = 0; i < count; i++) {
        indices[i] = i;
    }
    if (count > search->measured.count) {
        dse_pool_progress(search->pool, "search", count - search->measured.count, NULL);
    }
    const enum status status = evaluate(search, indices, count);
    dse_pool_progress(search->pool, NULL, 0, NULL);
    free(indices);
    return status;
}

/* Tests the next batch in order of predicted cost, and tells the order what they really cost.
 * *best: cycles of the cheapest candidate that passes so far; without, the most that are allowed,
 * UINT64_MAX if any are. */
static enum status test_batch(struct dse_search *search, struct dse_order *order, uint64_t *best)
{
    size_t batch[DSE_BATCH];
    const size_t count = dse_order_take(order, batch, DSE_BATCH);
    const enum status status = evaluate(search, batch, count);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        const struct candidate *c = tested(search, batch[i]);
        if (c->too_large) {
            continue;
        }
        dse_order_learn(order, batch[i], c->cycles);
        if (c->cycles < *best && dse_keeps(search, c)) {
            *best = c->cycles;
        }
    }
    return STATUS_OK;
}

enum status dse_search_cheapest(struct dse_search *search)
{
    const uint64_t limit = search->options->limits.max_cycles, most = limit ? limit : UINT64_MAX;
    struct dse_order *order = NULL;
    uint64_t best = most;
    enum status status = dse_order_create(&search->cost, &order, search->err);
    if (status != STATUS_OK) {
        return status;
    }
    dse_pool_progress(search->pool, "search by cost (at most)", dse_order_count(order), NULL);
    do { /* the first one in any case: something is to be reported */
        status = test_batch(search, order, &best);
    } while (status == STATUS_OK && !dse_order_is_done(order, best));
    dse_pool_progress(search->pool, NULL, 0, best < most ? "found" : NULL);
    dse_order_free(order);
    return status;
}

/* The cheapest rank that passes, on the assumption that all dearer ones pass too; what does not fit
 * the core's memory sends it to the cheaper ones, which are smaller. */
static enum status bisect(struct dse_search *search, const struct dse_order *order)
{
    size_t low = 0, high = dse_order_count(order);
    enum status status = STATUS_OK;
    while (low < high && status == STATUS_OK) {
        const size_t middle = low + (high - low) / 2, index = dse_order_at(order, middle);
        status = evaluate(search, &index, 1);
        const struct candidate *c = status == STATUS_OK ? tested(search, index) : NULL;
        if (c && (c->too_large || dse_keeps(search, c))) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return status;
}

enum status dse_search_binary(struct dse_search *search)
{
    struct dse_order *order = NULL;
    size_t steps = 1;
    enum status status = dse_order_create(&search->cost, &order, search->err);
    if (status != STATUS_OK) {
        return status;
    }
    while (dse_order_count(order) >> steps) {
        steps++;
    }
    dse_pool_progress(search->pool, "binary search (at most)", steps, NULL);
    status = bisect(search, order);
    dse_pool_progress(search->pool, NULL, 0, NULL);
    dse_order_free(order);
    return status;
}
