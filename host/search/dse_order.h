// SPDX-License-Identifier: Apache-2.0
/* All candidates in order of predicted cycles, and when a search in that order may stop. Used by
 * dse*.c only.
 *
 * The search hands back what each tested candidate really cost, and the stop allows for the errors
 * seen, twice over. */
#ifndef MPQ_DSE_ORDER_H
#define MPQ_DSE_ORDER_H

#include "search/dse_cost.h"

struct dse_order;

/* Predicts and sorts all candidates of cost->space. */
MUST_CHECK enum status dse_order_create(const struct dse_cost *cost, struct dse_order **out,
                                        struct error *err);
void dse_order_free(struct dse_order *order); /* accepts NULL */

size_t dse_order_count(const struct dse_order *order);
/* The candidate (its index) with this rank, 0 the cheapest. */
size_t dse_order_at(const struct dse_order *order, size_t rank);

/* The next candidates, cheapest first; returns how many, 0 at the end. */
size_t dse_order_take(struct dse_order *order, size_t *indices, size_t max);

/* Measured cycles of a candidate that was taken. */
void dse_order_learn(struct dse_order *order, size_t index, uint64_t cycles);

/* Whether no candidate that is left can cost best_cycles or less. UINT64_MAX: nothing found yet. */
bool dse_order_is_done(const struct dse_order *order, uint64_t best_cycles);

#endif
