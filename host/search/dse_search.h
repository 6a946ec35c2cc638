// SPDX-License-Identifier: Apache-2.0
/* The parts of a search share this. Used by dse*.c only. */
#ifndef MPQ_DSE_SEARCH_H
#define MPQ_DSE_SEARCH_H

#include "search/dse_cost.h"
#include "search/dse_table.h"

struct dse_search {
    const struct dse_options *options;
    struct dse_pool *pool;
    struct dse_cost cost;
    struct dse_table measured; /* candidates evaluated whole */
    struct dse_table screened; /* candidates screened, also those of an earlier run */
    struct dse_table scored;   /* those of screened that this run has asked for */
    size_t front_count;        /* of the scored ones */
    struct error *err;
};

MUST_CHECK enum status dse_no_memory(struct dse_search *search);

/* Whether a measured candidate keeps to the limits. */
bool dse_keeps(const struct dse_search *search, const struct candidate *candidate);

/* Does the task on those of the configurations that the table does not hold yet; evaluated ones get
 * their predicted cycles. Equal ones may occur. On failure the table may hold unfinished ones. */
MUST_CHECK enum status dse_run_task(struct dse_search *search, enum dse_task task,
                                    const int *const *bits, size_t count);

/* The searches. */
MUST_CHECK enum status dse_search_exhaustive(struct dse_search *search);
MUST_CHECK enum status dse_search_cheapest(struct dse_search *search);
MUST_CHECK enum status dse_search_binary(struct dse_search *search);
/* Greedy and evolution: screens, then measures the points of the front that it found. */
MUST_CHECK enum status dse_search_screen(struct dse_search *search);

#endif
