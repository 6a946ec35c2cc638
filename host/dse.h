// SPDX-License-Identifier: Apache-2.0
/* The search over weight widths. Knows neither how a candidate is made nor on what it is measured:
 * that is behind struct dse_ops, so that tests search made-up tables. Algorithms and why they are
 * exact: host/README.md.
 *
 * Candidates are numbered in lexicographic order of their widths, each layer's in the order of
 * space->widths, the last layer running fastest. Everything that is found is the same for any
 * number of jobs, and for any number of interruptions and resumptions. */
#ifndef MPQ_DSE_H
#define MPQ_DSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"
#include "journal.h"
#include "progress.h"
#include "results.h"

enum {
    DSE_MAX_EXHAUSTIVE = 10000, /* candidates that an exhaustive search takes on */
    DSE_MAX_ORDERED = 1 << 20,  /* candidates that a search by cost can put in order */
    /* Candidates tested together by the search by cost; not the number of jobs, so that the same
     * ones are tested for any number. */
    DSE_BATCH = 8,
    DSE_FRONT_SAMPLES = 100,
};

struct dse_space {
    int layer_count;
    int widths[NET_MAX_BITS];
    int width_count;
};

/* Candidates in the space; SIZE_MAX if they are more than that. */
size_t dse_space_count(const struct dse_space *space);
void dse_space_bits(const struct dse_space *space, size_t index, int *bits);
/* Cuts pending candidates into stretches that start at whole multiples of a power of width_count,
 * several for each job, so that jobs end together and candidates in one stretch differ in their
 * last layers only. */
size_t dse_space_stretch(const struct dse_space *space, size_t pending, size_t jobs);

/* What a search needs to have done. Each worker is used by one thread; different workers at the
 * same time. Results must not depend on the worker nor on what it did before. */
struct dse_ops {
    enum status (*open)(void *context, size_t worker, void **out, struct error *err);
    void (*close)(void *worker);
    /* Fills all fields of candidate but index, bits (set by the caller) and pareto. */
    enum status (*evaluate)(void *worker, struct candidate *candidate, struct error *err);
    /* Compares test images candidate->verified .. end - 1 and brings verified, mismatches and
     * mismatch up to date. */
    enum status (*verify)(void *worker, struct candidate *candidate, size_t end, struct error *err);
    /* Cycles of each weighted layer with what follows it up to the next one, and of everything
     * else. */
    enum status (*profile)(void *worker, const int *bits, uint64_t *layer_cycles,
                           uint64_t *other_cycles, struct error *err);
};

struct dse_options {
    struct dse_space space;
    size_t jobs;         /* >= 1 */
    bool exhaustive;     /* else: cheapest within max_acc_drop */
    double max_acc_drop; /* points below float_val_accuracy that the selected candidate may lose */
    double float_val_accuracy;
    size_t front_samples; /* test images to compare for the front's points */
    bool independent;     /* candidates share no work (QAT): stretches of one */
    enum progress_mode progress;
};

/* Checks the size of the space for the kind of search; the text says how to make it smaller. */
MUST_CHECK enum status dse_check(const struct dse_options *options, struct error *err);

/* Searches. Takes over what the journal holds and appends to it. Fills results->candidates, count,
 * selected, resumed (results->layer_count, float_val_accuracy and max_acc_drop are set from
 * options). After STATUS_CANCELLED or a failure the journal holds all that was finished. Mismatches
 * are no failure: they are in the candidates. */
MUST_CHECK enum status dse_search(const struct dse_options *options, const struct dse_ops *ops,
                                  void *context, struct journal *journal, struct results *results,
                                  struct error *err);

#endif
