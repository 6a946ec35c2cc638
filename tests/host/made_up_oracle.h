// SPDX-License-Identifier: Apache-2.0
/* Loss and cost of every configuration of many layers, by formula, behind struct dse_oracle; what
 * was scored; and a bound that no search can beat. */
#ifndef MPQ_TEST_MADE_UP_ORACLE_H
#define MPQ_TEST_MADE_UP_ORACLE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "search/dse_oracle.h"

enum { ORACLE_SCORED_MAX = 20000, ORACLE_WIDTHS = 3 };

struct made_up {
    struct dse_space space;
    struct dse_cost cost;
    double loss[NET_MAX_LAYERS][ORACLE_WIDTHS]; /* added by a group at a choice */
    double interaction; /* part of the loss by which neighbours make each other worse */
    double noise;       /* of each configuration's loss */
    struct dse_point scored[ORACLE_SCORED_MAX];
    size_t count;
    struct dse_oracle oracle;
};

/* The same number for the same widths. */
static inline double made_up_noise(const struct made_up *made, const int *bits)
{
    struct rng rng;
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < made->space.layer_count; i++)
        hash = (hash ^ (uint64_t)bits[i]) * 0x100000001b3u;
    rng_init(&rng, hash, 5);
    return made->noise * ((double)rng_uniform(&rng) - 0.5);
}

static inline int made_up_choice(const struct made_up *made, const int *bits, int group)
{
    const int width = dse_space_width(&made->space, group, bits);
    int choice = 0;
    while (made->space.choices[group][choice] != width)
        choice++;
    return choice;
}

static inline double made_up_loss(const struct made_up *made, const int *bits)
{
    double sum = 0, before = 0;
    for (int g = 0; g < made->space.group_count; g++) {
        const double own = made->loss[g][made_up_choice(made, bits, g)];
        sum += own + made->interaction * sqrt(own * before);
        before = own;
    }
    return sum + made_up_noise(made, bits);
}

static inline enum status made_up_score(void *context, struct dse_point *points, size_t count,
                                        struct error *err)
{
    struct made_up *made = context;
    const size_t bytes = (size_t)made->space.layer_count * sizeof(int);
    (void)err;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        points[i].loss = made_up_loss(made, points[i].bits);
        points[i].accuracy = 99 - points[i].loss;
        while (k < made->count && memcmp(made->scored[k].bits, points[i].bits, bytes) != 0)
            k++;
        if (k == made->count && made->count < ORACLE_SCORED_MAX)
            made->scored[made->count++] = points[i];
    }
    made->oracle.scored = made->count;
    return STATUS_OK;
}

/* Cycles and losses of very different size by layer, as in a network of growing channels. The space
 * is set by the caller with dse_space_divide(). */
static inline void made_up_fill(struct made_up *made, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed, 0);
    made->cost = (struct dse_cost){
        .space = &made->space, .other_cycles = 5000, .other_bytes = 900, .fixed_ram_bytes = 20000};
    for (int g = 0; g < made->space.group_count; g++) {
        const double size = exp(2.0 * (double)rng_normal(&rng) + 9);
        const double weak = exp(1.5 * (double)rng_normal(&rng) - 3);
        for (int c = 0; c < made->space.choice_count[g]; c++) {
            const int width = made->space.choices[g][c];
            const double part = (width + 1.0 + (double)rng_uniform(&rng)) / 10;
            made->cost.cycles[g][c] = (uint64_t)(size * part);
            made->cost.bytes[g][c] = (uint64_t)(size / 40) * (unsigned)width;
            made->loss[g][c] = weak *
                               (width == 8   ? 0
                                : width == 4 ? 0.1
                                             : 1.0) *
                               (0.5 + (double)rng_uniform(&rng));
        }
    }
    made->oracle = (struct dse_oracle){.cost = &made->cost,
                                       .limits = {.max_acc_drop = 1},
                                       .least_accuracy = -INFINITY,
                                       .max_scored = ORACLE_SCORED_MAX,
                                       .seed = seed,
                                       .score = made_up_score,
                                       .context = made};
}

/* Least loss that is scored at this cost or less. */
static inline double made_up_best(const struct made_up *made, double cycles)
{
    double best = INFINITY;
    for (size_t i = 0; i < made->count; i++)
        if ((double)made->scored[i].price.cycles <= cycles)
            best = fmin(best, made->scored[i].loss);
    return best;
}

/* No configuration of this cost or less has a smaller sum of losses: Lagrangian relaxation of the
 * multiple-choice knapsack, at its best multiplier (Sinha and Zoltners, 1979). Without interaction
 * and noise that is a bound of the loss. */
static inline double made_up_bound(const struct made_up *made, double cycles)
{
    double best = -INFINITY;
    for (double step = -40; step <= 0; step += 0.05) {
        const double multiplier = exp(step);
        double value = multiplier * ((double)made->cost.other_cycles - cycles);
        for (int g = 0; g < made->space.group_count; g++) {
            double least = INFINITY;
            for (int c = 0; c < made->space.choice_count[g]; c++)
                least =
                    fmin(least, made->loss[g][c] + multiplier * (double)made->cost.cycles[g][c]);
            value += least;
        }
        best = fmax(best, value);
    }
    return fmax(best, 0);
}

/* Range of cycles and losses over the whole space. */
struct made_up_range {
    double cheapest, dearest, worst;
};

static inline struct made_up_range made_up_ranges(const struct made_up *made)
{
    struct made_up_range range = {(double)made->cost.other_cycles, (double)made->cost.other_cycles,
                                  0};
    for (int g = 0; g < made->space.group_count; g++) {
        double low = INFINITY, high = 0, loss = 0;
        for (int c = 0; c < made->space.choice_count[g]; c++) {
            low = fmin(low, (double)made->cost.cycles[g][c]);
            high = fmax(high, (double)made->cost.cycles[g][c]);
            loss = fmax(loss, made->loss[g][c]);
        }
        range.cheapest += low;
        range.dearest += high;
        range.worst += loss;
    }
    return range;
}

/* Mean of the least loss over cycles, spaced evenly; unreached costs count as the worst. Smaller is
 * better: the area under the front. */
static inline double made_up_area(const struct made_up *made)
{
    enum { STEPS = 200 };
    const struct made_up_range range = made_up_ranges(made);
    double sum = 0;
    for (int i = 0; i <= STEPS; i++) {
        const double cycles = range.cheapest + (range.dearest - range.cheapest) * i / STEPS;
        sum += fmin(made_up_best(made, cycles), range.worst);
    }
    return sum / (STEPS + 1);
}

static inline double made_up_bound_area(const struct made_up *made)
{
    enum { STEPS = 200 };
    const struct made_up_range range = made_up_ranges(made);
    double sum = 0;
    for (int i = 0; i <= STEPS; i++)
        sum += made_up_bound(made, range.cheapest + (range.dearest - range.cheapest) * i / STEPS);
    return sum / (STEPS + 1);
}

#endif
