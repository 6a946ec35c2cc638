// SPDX-License-Identifier: Apache-2.0
/* Accuracy of one candidate after another on the same images. Candidates with the same widths in
 * their first layers share the activations there: they are kept at the inputs of the weighted
 * layers, as far as a budget of memory allows, the deepest first (they are the smallest and serve
 * most candidates). One thread uses one struct dse_eval. */
#ifndef MPQ_DSE_EVAL_H
#define MPQ_DSE_EVAL_H

#include "dataset.h"
#include "infer.h"
#include "pack.h"

struct dse_eval;

/* data is borrowed. threads: as in infer_run(). */
MUST_CHECK enum status dse_eval_create(const struct dataset *data, size_t budget_bytes, int threads,
                                       struct dse_eval **out, struct error *err);
void dse_eval_free(struct dse_eval *eval); /* accepts NULL */

/* Percent of images whose class is the label. model: of the candidate, with ARGMAX last; all
 * candidates have the same layers. bits[layer_count]: widths, which stand for the weights of a
 * layer: NULL if the weights of two candidates may differ in spite of equal widths. */
MUST_CHECK enum status dse_eval_accuracy(struct dse_eval *eval, const struct model *model,
                                         const struct infer *infer, const int *bits,
                                         double *accuracy, struct error *err);

#endif
