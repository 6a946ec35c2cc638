// SPDX-License-Identifier: Apache-2.0
/* What the searches that look at a part of the space (greedy, evolution) see of it: prices of all
 * configurations, and accuracy and loss of those that they ask for. Knows no pool and no journal,
 * so that tests and benchmarks search tables. Used by dse*.c only. */
#ifndef MPQ_DSE_ORACLE_H
#define MPQ_DSE_ORACLE_H

#include "search/dse_cost.h"

struct dse_point {
    int bits[NET_MAX_LAYERS];
    struct dse_price price;
    double accuracy; /* percent */
    double loss;     /* smaller is better; smooth where accuracy has steps */
};

struct dse_oracle {
    const struct dse_cost *cost; /* borrowed, with its space */
    struct search_limits limits;
    double least_accuracy; /* a descent ends below it, once the limits on cost are kept */
    uint64_t seed;
    size_t max_scored; /* configurations that may be scored; a batch that was begun is finished */
    size_t scored;     /* different ones scored so far; score() counts them */
    /* Fills accuracy and loss of points, whose bits and price are set; equal ones may occur. */
    enum status (*score)(void *context, struct dse_point *points, size_t count, struct error *err);
    void *context;
};

/* Prices and scores points, whose bits are set. */
static inline enum status dse_oracle_score(struct dse_oracle *oracle, struct dse_point *points,
                                           size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        points[i].price = dse_cost_price(oracle->cost, points[i].bits);
    }
    return oracle->score(oracle->context, points, count, err);
}

/* Most accurate first, steepest descent: scores each group alone at each width, then goes down from
 * the widest widths by the moves that lose least for what they save (dse_greedy.c). Every point
 * that was scored counts for the front. */
MUST_CHECK enum status dse_greedy(struct dse_oracle *oracle, struct error *err);

/* Configurations that a descent of this space scores at most. */
size_t dse_greedy_most(const struct dse_space *space);

/* NSGA-II on cycles and loss (dse_evolution.c); ends when max_scored is reached, or when nothing
 * new comes up. */
MUST_CHECK enum status dse_evolution(struct dse_oracle *oracle, struct error *err);

#endif
