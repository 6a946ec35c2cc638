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
#include "error.h"
#include "net.h"

struct dnn_plan;
struct dnn_shard;

/* Between enter and leave the calling thread, and the threads of parallel regions that it opens,
 * use oneDNN on one thread each. enter returns what leave takes. */
int dnn_threads_enter(void);
void dnn_threads_leave(int saved);
/* Threads to use: wanted, or all cores if wanted is 0; at most limit. */
int dnn_thread_count(int wanted, int limit);

/* images: images of one shard. training: with gradients. Call between enter and leave. Borrows net.
 */
MUST_CHECK enum status dnn_plan_create(const struct net *net, int images, bool training,
                                       struct dnn_plan **out, struct error *err);
void dnn_plan_free(struct dnn_plan *plan); /* its shards are freed before */

/* Copies weights [out][kernel_h][kernel_w][in] and bias [out] of weighted layer k into the plan. */
MUST_CHECK enum status dnn_plan_set_weights(struct dnn_plan *plan, int k, const float *weights,
                                            const float *bias, struct error *err);

MUST_CHECK enum status dnn_shard_create(struct dnn_plan *plan, struct dnn_shard **out,
                                        struct error *err);
void dnn_shard_free(struct dnn_shard *shard);
const struct net *dnn_shard_net(const struct dnn_shard *shard);
int dnn_shard_images(const struct dnn_shard *shard);

/* Activations behind a layer, layer -1 the input; [images][h][w][c]. ReLU works in place: its
 * values replace those of the layer before it. */
float *dnn_shard_values(struct dnn_shard *shard, int layer);
/* Gradients of those; the caller fills the last layer's. Only between layers that need them, else
 * NULL. */
float *dnn_shard_gradients(struct dnn_shard *shard, int layer);

MUST_CHECK enum status dnn_shard_forward(struct dnn_shard *shard, int layer, struct error *err);
/* Gradients of the layer's input and, with weights, of the weights. Overwrites, does not add. */
MUST_CHECK enum status dnn_shard_backward(struct dnn_shard *shard, int layer, struct error *err);

/* Gradients of weighted layer k, added over the shards in their order; layouts as for
 * dnn_plan_set_weights(). The first shard's weight gradients are overwritten. */
MUST_CHECK enum status dnn_sum_gradients(struct dnn_shard *const *shards, int shard_count, int k,
                                         float *weights, float *bias, struct error *err);

#endif
