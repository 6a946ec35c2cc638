// SPDX-License-Identifier: Apache-2.0
/* All candidates in order of predicted cycles, and when a search in that order may stop. Used by
 * dse.c.
 *
 * Prediction: layers run one after the other and a kernel's path depends on shapes and widths, not
 * on weights, so the cycles of a candidate are the sum of its layers' cycles; one profiled run for
 * each width gives them all. What is left (branches on values, alignment) is not assumed to be
 * small but measured: the search hands back what each tested candidate really cost, and the stop
 * allows for the errors seen, twice over. */
#ifndef MPQ_DSE_ORDER_H
#define MPQ_DSE_ORDER_H

#include "dse_pool.h"

struct dse_order;

/* Profiles on the pool's first worker, predicts and sorts. */
MUST_CHECK enum status dse_order_create(const struct dse_space *space, struct dse_pool *pool,
                                        struct dse_order **out, struct error *err);
void dse_order_free(struct dse_order *order); /* accepts NULL */

/* The next candidates, cheapest first; returns how many, 0 at the end. */
size_t dse_order_take(struct dse_order *order, size_t *indices, size_t max);

/* Measured cycles of a candidate that was taken. */
void dse_order_learn(struct dse_order *order, size_t index, uint64_t cycles);

/* Whether no candidate that is left can cost best_cycles or less. UINT64_MAX: nothing found yet. */
bool dse_order_is_done(const struct dse_order *order, uint64_t best_cycles);

#endif
