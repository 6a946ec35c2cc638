// SPDX-License-Identifier: Apache-2.0
/* Accuracy and loss of one candidate after another on the same images. Candidates with the same
 * widths in their first layers share the activations there: they are kept at the inputs of weighted
 * layers, as far as a budget of memory allows, the deepest first (they are the smallest and serve
 * most candidates), and only where nothing from farther in front is read behind (residual
 * additions). One thread uses one struct dse_eval. */
#ifndef MPQ_DSE_EVAL_H
#define MPQ_DSE_EVAL_H

#include "data/dataset.h"
#include "infer/infer.h"
#include "pack/pack.h"

struct dse_eval;

struct dse_eval_options {
    size_t budget_bytes;
    int threads;  /* as in infer_run() */
    double scale; /* real value of one step of the network's output, for the loss */
};

struct dse_score {
    double accuracy; /* percent of images whose class is the label */
    double loss;     /* mean cross-entropy of the softmax of the outputs, nat */
};

/* data is borrowed. */
MUST_CHECK enum status dse_eval_create(const struct dataset *data,
                                       const struct dse_eval_options *options,
                                       struct dse_eval **out, struct error *err);
void dse_eval_free(struct dse_eval *eval); /* accepts NULL */

/* model: of the candidate, with ARGMAX last; all candidates have the same layers.
 * bits[layer_count]: widths, which stand for the weights of a layer: NULL if the weights of two
 * candidates may differ in spite of equal widths. */
MUST_CHECK enum status dse_eval_score(struct dse_eval *eval, const struct model *model,
                                      const struct infer *infer, const int *bits,
                                      struct dse_score *score, struct error *err);

#endif
