// SPDX-License-Identifier: Apache-2.0
/* Worker threads of a search: share a list of candidates, journal what is finished. Used by dse*.c
 * only. */
#ifndef MPQ_DSE_POOL_H
#define MPQ_DSE_POOL_H

#include "search/dse.h"

struct dse_pool;

enum dse_task { DSE_EVALUATE, DSE_SCREEN, DSE_VERIFY };

/* Opens options->jobs workers. options, ops and journal are borrowed. */
MUST_CHECK enum status dse_pool_open(const struct dse_options *options, const struct dse_ops *ops,
                                     void *context, struct journal *journal, struct dse_pool **out,
                                     struct error *err);
void dse_pool_close(struct dse_pool *pool); /* accepts NULL */

/* Ends the progress bar that is shown, if any, with last_note (may be NULL), and starts one that
 * counts total finished candidates, unless label is NULL. */
void dse_pool_progress(struct dse_pool *pool, const char *label, size_t total,
                       const char *last_note);

/* With options->spares, a worker that ends with STATUS_LINK is closed, with a warning, and its work
 * goes to the others; the last one's end is the run's.
 * Does the task on candidates[0..count-1], which are in the space's order, stretch of them at a
 * time a worker; where they share no work, the list is sorted by predicted cycles, the dearest
 * first. What a worker holds and has not begun goes to those that are free. Each finished one is
 * journaled. Ends early when one fails or Ctrl-C was pressed;
 * the first failure is reported, by the candidate's widths. */
MUST_CHECK enum status dse_pool_run(struct dse_pool *pool, enum dse_task task,
                                    struct candidate **candidates, size_t count, struct error *err);

/* ops->profile() on the first worker that is left. */
MUST_CHECK enum status dse_pool_profile(struct dse_pool *pool, const int *bits,
                                        struct dse_profile *out, struct error *err);

#endif
