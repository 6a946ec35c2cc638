// SPDX-License-Identifier: Apache-2.0
/* The forward pass of a quantized network in integer-valued floats, equal to the core bit for bit,
 * and its backward pass with straight-through estimators (Bengio et al. 2013). Knows no training:
 * weights come as a quant_model.
 *
 * Values between layers are the core's activations, 0..255 or -128..127; gradients are those of
 * these integers. Sums are exact in float below 2^24 (QUANT_ACC_LIMIT). One pass object may serve
 * several threads with a shard each. */
#ifndef MPQ_QAT_PASS_H
#define MPQ_QAT_PASS_H

#include "quant/quant.h"
#include "train/dnn.h"

struct qat_pass;

/* Borrows net. */
MUST_CHECK enum status qat_pass_create(const struct net *net, struct qat_pass **out,
                                       struct error *err);
void qat_pass_free(struct qat_pass *pass);

/* Brings the model's integers into plan (of the same net) and its requantization into pass; both
 * are copied. Every channel is as quant_layer_set_requantization() leaves it. */
MUST_CHECK enum status qat_pass_load(struct qat_pass *pass, const struct quant_model *model,
                                     struct dnn_plan *plan, struct error *err);

/* context: the pass; hooks of train_loop.h. The input holds the data's integers. Behind a
 * layer with weights stands what the core writes, fused ReLU included. backward: gradients of the
 * integer weights and of the accumulators (for the biases) as dnn_sum_gradients() hands them out;
 * clamped values pass no gradient. */
MUST_CHECK enum status qat_pass_forward(void *context, struct dnn_shard *shard, struct error *err);
MUST_CHECK enum status qat_pass_backward(void *context, struct dnn_shard *shard, struct error *err);

#endif
