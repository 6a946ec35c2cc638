// SPDX-License-Identifier: Apache-2.0
/* What a core does with a model: agreement with the integer model, accuracy, and counters of the
 * whole run and of each layer. Prints nothing. */
#ifndef MPQ_MEASURE_H
#define MPQ_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/progress.h"
#include "data/dataset.h"
#include "infer/infer.h"
#include "pack/pack.h"
#include "target/target.h"

/* All borrowed; infer is made from container->model. */
struct measure_subject {
    struct target *target;
    const struct container *container;
    const struct infer *infer;
    const struct dataset *data;
};

/* Called for each image whose outputs differ: mismatch->text as in verify_image(). */
typedef void measure_mismatch_fn(void *context, const struct error *mismatch);

struct measure_options {
    enum proto_tier tier;
    size_t samples; /* images, from the first one on; 1 to data->count */
    bool profile;   /* one more run of image 0 that counts each layer */
    struct progress *progress;
    measure_mismatch_fn *on_mismatch; /* may be NULL */
    void *context;
};

struct measure_result {
    size_t verified, mismatches;   /* images compared bit for bit; of these, images that differ */
    size_t correct;                /* images whose class on the core is the label */
    size_t reopened;               /* times that a core was lost and started anew */
    uint64_t total[COUNTER_COUNT]; /* image 0 */
    uint64_t min_cycles, max_cycles, sum_cycles;
    double mean_cycles;
    /* Only with profile; counting at the layers' edges makes their sum differ from total. */
    uint64_t layers[MODEL_MAX_LAYERS][COUNTER_COUNT];
};

/* One image. */
struct measure_image {
    uint64_t counters[COUNTER_COUNT];
    bool done, correct, equal;
    unsigned reopened;     /* times that its core was lost and started anew (measure_team.h) */
    struct error mismatch; /* if not equal */
};

/* Runs and compares one image on a core that holds the model. STATUS_CANCELLED after Ctrl-C. */
MUST_CHECK enum status measure_one(const struct measure_subject *subject, enum proto_tier tier,
                                   size_t image, struct measure_image *out, struct error *err);
/* Adds it to what was measured before, in any order. */
void measure_add(struct measure_result *result, size_t image, const struct measure_image *one);

/* Whether model, images and core fit one another and the options. */
MUST_CHECK enum status measure_check(const struct measure_subject *subject,
                                     const struct measure_options *options, struct error *err);

/* Loads the model and runs it. A mismatch is no failure. STATUS_CANCELLED after Ctrl-C. */
MUST_CHECK enum status measure_run(const struct measure_subject *subject,
                                   const struct measure_options *options,
                                   struct measure_result *out, struct error *err);

/* Images of uniformly random bytes, the same ones each time, for cycles where no data set is at
 * hand; all labels 0. Free with measure_free_images(). */
MUST_CHECK enum status measure_random_images(const struct model *model, size_t count,
                                             struct dataset *out, struct error *err);
void measure_free_images(struct dataset *data);

/* Multiply-accumulates of a layer, 0 without weights. */
uint64_t measure_macs(const struct model *model, int layer);
/* MACs that a core with these instructions (isa_version of its hello) can issue in a cycle for a layer:
 * 16 with version 2; with version 1 4, 8, 16 by weight width, 4 for a depthwise convolution; 0 without
 * weights. */
unsigned measure_issue_limit(const struct model *model, int layer, unsigned isa_version);
const char *measure_tier_name(enum proto_tier tier); /* "nn", "rv32" */

#endif
