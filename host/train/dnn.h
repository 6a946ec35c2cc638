// SPDX-License-Identifier: Apache-2.0
/* A network's layers as oneDNN primitives for a fixed number of images, float, activations
 * [image][h][w][c]. Knows layers and gradients, not losses, optimizers or data.
 *
 * A plan holds primitives and weights; shards hold the activations and gradients of one group of
 * images each. Shards of a plan may run at the same time on different threads; the plan's weights
 * must not change meanwhile. A shard's work is done by the thread that calls, never by others:
 * results do not depend on the number of threads. */
#ifndef MPQ_DNN_H
#define MPQ_DNN_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "net/net.h"

struct dnn_plan;
struct dnn_shard;

/* Between enter and leave the calling thread, and the threads of parallel regions that it opens,
 * use oneDNN on one thread each. enter returns what leave takes. */
int dnn_threads_enter(void);
void dnn_threads_leave(int saved);
/* Threads to use: wanted, or all cores if wanted is 0; at most limit. */
int dnn_thread_count(int wanted, int limit);

/* What a plan is for. BATCHNORM and DROPOUT layers change nothing but in DNN_TRAIN. */
enum dnn_use {
    DNN_INFER,  /* no gradients */
    DNN_FOLDED, /* gradients of a network with folded weights */
    DNN_TRAIN   /* the same, and BATCHNORM uses the shard's own statistics, DROPOUT drops */
};

/* images: images of one shard. Call between enter and leave. Borrows net. */
MUST_CHECK enum status dnn_plan_create(const struct net *net, int images, enum dnn_use use,
                                       struct dnn_plan **out, struct error *err);
void dnn_plan_free(struct dnn_plan *plan); /* its shards are freed before */

/* In a DNN_TRAIN plan: off, BATCHNORM and DROPOUT change nothing either, for evaluation with folded
 * weights; set those again after every change. On at first. */
void dnn_plan_set_training(struct dnn_plan *plan, bool on);

/* Name of a layer for which oneDNN has only its slow reference code, or NULL. */
const char *dnn_plan_slow_layer(const struct dnn_plan *plan);

/* Copies weights [out][kernel_h][kernel_w][in / groups] and bias [out] of weighted layer k into the
 * plan. In training the bias is the shift of a BATCHNORM behind, and the layer has none. */
MUST_CHECK enum status dnn_plan_set_weights(struct dnn_plan *plan, int k, const float *weights,
                                            const float *bias, struct error *err);

/* BATCHNORM in a DNN_TRAIN plan, Ioffe and Szegedy 2015; a shard is a ghost batch of its own, Hoffer
 * et al. 2017. scale: [out] of the one behind weighted layer k, which must have one. */
void dnn_plan_set_scale(struct dnn_plan *plan, int k, const float *scale);

MUST_CHECK enum status dnn_shard_create(struct dnn_plan *plan, struct dnn_shard **out,
                                        struct error *err);
void dnn_shard_free(struct dnn_shard *shard);
const struct net *dnn_shard_net(const struct dnn_shard *shard);
int dnn_shard_images(const struct dnn_shard *shard);

/* Activations behind a layer, layer -1 the input; [images][h][w][c]. ReLU, ReLU6 and ADD work in
 * place, their values replace those of the layer before, unless an ADD layer behind or the backward
 * pass needs these. In a DNN_TRAIN plan the forward pass of a conv does such a ReLU with it. */
float *dnn_shard_values(struct dnn_shard *shard, int layer);
/* Gradients of those; the caller fills the last layer's. Only between layers that need them, else
 * NULL. Layers that could work in place share theirs with the layer before, in any case. */
float *dnn_shard_gradients(struct dnn_shard *shard, int layer);

/* What DROPOUT drops follows from seed, step and the number of the image in the batch; the shard's
 * first one has the number first. Inverted dropout, Srivastava et al. 2014: what is kept grows. */
void dnn_shard_set_draw(struct dnn_shard *shard, uint64_t seed, uint64_t step, uint32_t first);

MUST_CHECK enum status dnn_shard_forward(struct dnn_shard *shard, int layer, struct error *err);
/* Gradients of the layer's input and, with weights, of the weights. Overwrites, does not add. To be
 * called for all layers from the last to the first, for an ADD layer this or
 * dnn_shard_backward_add(). What ADD and BRANCH layers pass back to a layer is added when the layer
 * behind that one is done. */
MUST_CHECK enum status dnn_shard_backward(struct dnn_shard *shard, int layer, struct error *err);
/* An ADD layer whose output is before_factor * the values before + with_factor * those of `with`;
 * dnn_shard_backward() means 1 and 1. */
void dnn_shard_backward_add(struct dnn_shard *shard, int layer, float before_factor,
                            float with_factor);
/* A layer in place whose output is factor * the values before, instead of dnn_shard_backward(). */
void dnn_shard_backward_scale(struct dnn_shard *shard, int layer, float factor);

/* Sums over the windows of an AVGPOOL layer: in [images][h][w][c] of its input, out of its output.
 * Exact for integers as long as they and the sums are below 2^24. */
void dnn_avgpool_sums(const struct net_layer *layer, const float *in, float *out, size_t images);

/* Gradients of weighted layer k, added over the shards in their order; layouts as for
 * dnn_plan_set_weights(). The first shard's weight gradients are overwritten. */
MUST_CHECK enum status dnn_sum_gradients(struct dnn_shard *const *shards, int shard_count, int k,
                                         float *weights, float *bias, struct error *err);

/* Of the BATCHNORM behind weighted layer k: gradients of its scale, added over the shards in their
 * order; mean and variance [out] of the shard's values in its last forward pass. */
void dnn_sum_scale_gradients(struct dnn_shard *const *shards, int shard_count, int k, float *scale);
void dnn_shard_statistics(const struct dnn_shard *shard, int k, const float **mean,
                          const float **variance);

#endif
