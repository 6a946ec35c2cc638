// SPDX-License-Identifier: Apache-2.0
/* Order by predicted cost. */
#include "search/dse_order.h"

#include <stdlib.h>

/* Cycles by which a prediction may be off even if all those compared so far were exact. */
enum { ORDER_SLACK_CYCLES = 64 };

struct entry {
    uint64_t predicted;
    size_t index;
};

struct dse_order {
    struct entry *entries; /* sorted */
    uint64_t *by_index;    /* predicted, by candidate index */
    size_t count, next;
    bool has_error;
    int64_t error_low, error_high; /* extremes of measured - predicted */
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->predicted != y->predicted) {
        return x->predicted < y->predicted ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

enum status dse_order_create(const struct dse_cost *cost, struct dse_order **out, struct error *err)
{
    struct dse_order *order = calloc(1, sizeof *order);
    const size_t count = dse_space_count(cost->space);
    int bits[NET_MAX_LAYERS];
    *out = NULL;
    if (order) {
        order->entries = calloc(count, sizeof *order->entries);
        order->by_index = calloc(count, sizeof *order->by_index);
    }
    if (!order || !order->entries || !order->by_index) {
        dse_order_free(order);
        return error_set(err, STATUS_NO_MEMORY, "search over %zu candidates: out of memory", count);
    }
    order->count = 0;
    for (size_t i = 0; i < count; i++) {
        dse_space_bits(cost->space, i, bits);
        if (dse_cost_is_priced(cost, bits)) {
            order->by_index[i] = dse_cost_price(cost, bits).cycles;
            order->entries[order->count++] = (struct entry){order->by_index[i], i};
        }
    }
    qsort(order->entries, order->count, sizeof *order->entries, compare_entries);
    *out = order;
    return STATUS_OK;
}

void dse_order_free(struct dse_order *order)
{
    if (order) {
        free(order->entries);
        free(order->by_index);
        free(order);
    }
}

size_t dse_order_count(const struct dse_order *order)
{
    return order->count;
}

size_t dse_order_at(const struct dse_order *order, size_t rank)
{
    return order->entries[rank].index;
}

size_t dse_order_take(struct dse_order *order, size_t *indices, size_t max)
{
    size_t taken = 0;
    while (taken < max && order->next < order->count) {
        indices[taken++] = order->entries[order->next++].index;
    }
    return taken;
}

void dse_order_learn(struct dse_order *order, size_t index, uint64_t cycles)
{
    const int64_t error = (int64_t)(cycles - order->by_index[index]);
    if (!order->has_error || error < order->error_low) {
        order->error_low = error;
    }
    if (!order->has_error || error > order->error_high) {
        order->error_high = error;
    }
    order->has_error = true;
}

bool dse_order_is_done(const struct dse_order *order, uint64_t best_cycles)
{
    if (order->next >= order->count) {
        return true;
    }
    if (best_cycles == UINT64_MAX) {
        return false;
    }
    const int64_t spread = order->error_high - order->error_low;
    const int64_t low = (int64_t)order->entries[order->next].predicted + order->error_low - spread -
                        ORDER_SLACK_CYCLES;
    return low > (int64_t)best_cycles;
}
