// SPDX-License-Identifier: Apache-2.0
/* The search over weight widths. Knows neither how a candidate is made nor on what it is measured:
 * that is behind struct dse_ops, so that tests search made-up tables. Algorithms, their sources and
 * what of them is exact: host/README.md.
 *
 * Layers of one group share a width. Candidates are in lexicographic order of their groups' widths,
 * each group's in the order of space->widths, groups by their first layer, the last group running
 * fastest; they are numbered so where the space has at most SEARCH_INDEX_MAX of them. Everything
 * that is found is the same for any number of jobs, and for any number of interruptions and
 * resumptions. */
#ifndef MPQ_DSE_H
#define MPQ_DSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/progress.h"
#include "results/results.h"
#include "search/journal.h"

enum {
    DSE_MAX_EXHAUSTIVE = 10000, /* candidates that an exhaustive search takes on */
    DSE_MAX_ORDERED = 1 << 20,  /* candidates that cheapest and binary can put in order */
    /* Candidates tested together by the search by cost; not the number of jobs, so that the same
     * ones are tested for any number. */
    DSE_BATCH = 8,
    DSE_FRONT_SAMPLES = 100,
    DSE_POINTS = 32, /* of the screened front, measured whole by default */
};

struct dse_space {
    int layer_count;
    int widths[NET_MAX_BITS];
    int width_count;
    /* Filled by dse_space_divide(). */
    int group_count;
    int group[NET_MAX_LAYERS];                 /* [layer_count] */
    int choices[NET_MAX_LAYERS][NET_MAX_BITS]; /* [group_count][choice_count] */
    int choice_count[NET_MAX_LAYERS];
};

/* Sets groups and choices, the other members being set. group: [layer_count] layers of equal
 * numbers > 0 belong together, 0 stands alone; NULL: all alone. allowed: [layer_count] 1 << width
 * for each width that the layer may have, 0 all; NULL: all layers may have all. Returns -1, or the
 * first layer whose group is left without any width. */
int dse_space_divide(struct dse_space *space, const int *group, const unsigned *allowed);

/* Candidates in the space; SIZE_MAX if they are more than that. */
size_t dse_space_count(const struct dse_space *space);
double dse_space_size(const struct dse_space *space); /* the same, not limited */
void dse_space_bits(const struct dse_space *space, size_t index, int *bits);
/* SEARCH_NO_INDEX for bits that are not in the space, or if the space is too large for numbers. */
size_t dse_space_index(const struct dse_space *space, const int *bits);
bool dse_space_has(const struct dse_space *space, const int *bits);
/* Below, at or above 0 as a comes before, is or comes after b. */
int dse_space_compare(const struct dse_space *space, const int *a, const int *b);
/* Sets the width of all layers of a group. */
void dse_space_set(const struct dse_space *space, int group, int width, int *bits);
/* The width of a group. */
int dse_space_width(const struct dse_space *space, int group, const int *bits);
/* The widest everywhere. */
void dse_space_widest(const struct dse_space *space, int *bits);

/* Cuts pending candidates, which are in order, into stretches that differ in their last layers
 * only, several for each job, so that jobs end together: returns the number of leading groups that
 * are the same in one stretch. */
int dse_space_stretch(const struct dse_space *space, size_t pending, size_t jobs);

/* What one profiled run of a candidate tells, by weighted layer with what follows it up to the next
 * one, and for everything else. */
struct dse_profile {
    uint64_t layer_cycles[NET_MAX_LAYERS];
    int64_t other_cycles; /* all layers' and these make a run without profiling */
    uint64_t layer_bytes[NET_MAX_LAYERS], other_bytes; /* of the container */
    uint64_t fixed_ram_bytes;                          /* activations and firmware */
    uint64_t target_ram_bytes;                         /* what the core has; 0: without limit */
    bool too_large;                                    /* it did not run: there are no cycles */
};

/* What a search needs to have done. Each worker is used by one thread; different workers at the
 * same time. Results must not depend on the worker nor on what it did before. */
struct dse_ops {
    enum status (*open)(void *context, size_t worker, void **out, struct error *err);
    void (*close)(void *worker);
    /* Fills all fields of candidate but index, bits, predicted_cycles (set by the caller) and
     * pareto; of one that is too large for the core, only too_large and its bytes. */
    enum status (*evaluate)(void *worker, struct candidate *candidate, struct error *err);
    /* Fills val_accuracy and val_loss on the images for screening, without the core. */
    enum status (*screen)(void *worker, struct candidate *candidate, struct error *err);
    /* Compares test images candidate->verified .. end - 1 and brings verified, mismatches and
     * mismatch up to date. */
    enum status (*verify)(void *worker, struct candidate *candidate, size_t end, struct error *err);
    enum status (*profile)(void *worker, const int *bits, struct dse_profile *out,
                           struct error *err);
};

struct dse_options {
    struct dse_space space;
    size_t jobs; /* >= 1 */
    enum search_method method;
    struct search_limits limits;
    double float_val_accuracy;
    double float_screen_accuracy; /* on the images for screening */
    size_t front_samples;         /* test images to compare for the front's points */
    size_t points;       /* greedy, evolution: points of the screened front to measure, >= 2 */
    size_t max_screened; /* greedy, evolution: configurations to screen; 0: see dse_screen.h */
    uint64_t seed;       /* evolution */
    bool independent;    /* candidates share no work (QAT): stretches of one */
    bool spares; /* a worker that ends with STATUS_LINK is taken out, the others do its work */
    enum progress_mode progress;
};

/* Checks the size of the space for the kind of search; the text says how to make it smaller. */
MUST_CHECK enum status dse_check(const struct dse_options *options, struct error *err);

/* Searches. Takes over what the journal holds and appends to it. Fills results->candidates, count,
 * too_large, too_large_count, ram_bytes, selected, screened, screened_front, resumed
 * (results->layer_count, float_val_accuracy, method and limits are set from options). After
 * STATUS_CANCELLED or a failure the journal holds all that was finished. Mismatches are no failure:
 * they are in the candidates. If nothing of the space fits the core's memory it fails with
 * STATUS_INPUT, the smallest candidate being the one in results->too_large, and count 0. */
MUST_CHECK enum status dse_search(const struct dse_options *options, const struct dse_ops *ops,
                                  void *context, struct journal *journal, struct results *results,
                                  struct error *err);

#endif
