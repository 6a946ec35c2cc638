// SPDX-License-Identifier: Apache-2.0
/* Pareto front by a sweep in order of cost. */
#include "results/pareto.h"

#include <stdlib.h>

struct sweep_item {
    struct pareto_point point;
    size_t index;
};

/* By cost upwards; at equal cost the best quality first; then by index: the order is total. */
static int sweep_compare(const void *a, const void *b)
{
    const struct sweep_item *x = a, *y = b;
    if (x->point.cost < y->point.cost || x->point.cost > y->point.cost) {
        return x->point.cost < y->point.cost ? -1 : 1;
    }
    if (x->point.quality < y->point.quality || x->point.quality > y->point.quality) {
        return x->point.quality > y->point.quality ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

enum status pareto_mark(const struct pareto_point *points, size_t count, bool *front,
                        struct error *err)
{
    struct sweep_item *items = calloc(count ? count : 1, sizeof *items);
    if (!items) {
        return error_set(err, STATUS_NO_MEMORY, "Pareto front of %zu points: out of memory", count);
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct sweep_item){points[i], i};
    }
    qsort(items, count, sizeof *items, sweep_compare);
    const struct sweep_item *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const bool better = !best || items[i].point.quality > best->point.quality;
        front[items[i].index] = better;
        best = better ? &items[i] : best;
    }
    free(items);
    return STATUS_OK;
}
