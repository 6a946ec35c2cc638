// SPDX-License-Identifier: Apache-2.0
/* Results of a search that never was, for tests of everything that reads results. */
#ifndef MPQ_TEST_MADE_UP_RESULTS_H
#define MPQ_TEST_MADE_UP_RESULTS_H

#include "host/scratch.h"

#include "base/rng.h"
#include "results/results.h"
#include "search/dse.h"

/* All count candidates of layers with widths 8, 4, 2; the rest zero. */
static inline struct results *made_up_space(int layer_count)
{
    struct results *results = results_create();
    struct dse_space space = {.layer_count = layer_count, .widths = {8, 4, 2}, .width_count = 3};
    assert_non_null(results);
    assert_int_equal(dse_space_divide(&space, NULL, NULL), -1);
    snprintf(results->model, sizeof results->model, "made_up");
    snprintf(results->mpq, sizeof results->mpq, "0.1.0");
    snprintf(results->firmware, sizeof results->firmware, "0.1.0");
    snprintf(results->core, sizeof results->core, "default");
    results->seed = 1;
    results->protocol = results->container = results->isa = 1;
    results->layer_count = layer_count;
    for (int i = 0; i < layer_count; i++) {
        snprintf(results->layers[i], NET_NAME_BYTES, "layer%d", i + 1);
        results->group[i] = i;
    }
    memcpy(results->widths, space.widths, sizeof space.widths);
    results->width_count = 3;
    results->count = dse_space_count(&space);
    results->space_count = dse_space_size(&space);
    results->method = SEARCH_EXHAUSTIVE;
    results->samples = 4;
    results->front_samples = 100;
    results->jobs = 2;
    results->candidates = calloc(results->count, sizeof *results->candidates);
    assert_non_null(results->candidates);
    for (size_t i = 0; i < results->count; i++) {
        results->candidates[i].index = i;
        dse_space_bits(&space, i, results->candidates[i].bits);
    }
    return results;
}

/* Accuracy falls with narrow layers, the first and the last more than the others, with noise; a
 * layer of few bits costs less. Like a small network on images of digits. */
static inline void made_up_fill(struct results *results, uint64_t seed)
{
    struct rng rng;
    struct error err;
    rng_init(&rng, seed, 0);
    results->float_accuracy = 99.02;
    results->float_val_accuracy = 98.93;
    results->limits.max_acc_drop = 1;
    for (size_t i = 0; i < results->count; i++) {
        struct candidate *c = &results->candidates[i];
        double loss = 0.02 * (double)rng_uniform(&rng);
        c->cycles = 171000;
        for (int k = 0; k < results->layer_count; k++) {
            const bool outer = k == 0 || k + 1 == results->layer_count;
            const double weak = outer ? 1.4 : 0.5;
            loss += c->bits[k] == 2 ? weak : c->bits[k] == 4 ? 0.07 * weak : 0.01 * weak;
            c->cycles += (uint64_t)(23000 * (k + 1)) * (uint64_t)(c->bits[k] + 4) / 4;
        }
        c->predicted_cycles = c->cycles;
        c->cycles += rng_below(&rng, 40);
        c->instructions = c->cycles * 3 / 4;
        c->val_accuracy = 98.93 - loss * loss - 0.05 * (double)rng_uniform(&rng);
        c->accuracy = 99.02 - loss * loss - 0.08 * (double)rng_uniform(&rng);
        c->val_loss = loss + 0.03;
        c->size_bytes = 12000 + c->cycles / 20;
        c->ram_bytes = c->size_bytes + 20000;
        c->verified = 4;
    }
    check_ok(results_choose(results, &err), &err);
    for (size_t i = 0; i < results->count; i++)
        if (results->candidates[i].pareto || (long)i == results->selected)
            results->candidates[i].verified = 100;
}

#endif
