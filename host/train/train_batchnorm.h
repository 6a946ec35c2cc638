// SPDX-License-Identifier: Apache-2.0
/* What training knows of BATCHNORM layers (Ioffe and Szegedy 2015): trained scales, running
 * statistics, and how both are folded into the weights of the layer before. Every shard is normalized
 * by its own statistics (ghost batches, Hoffer et al. 2017); the running ones take the mean over the
 * shards of a step. The trained shift is the layer's bias. A net without such layers costs nothing. */
#ifndef MPQ_TRAIN_BATCHNORM_H
#define MPQ_TRAIN_BATCHNORM_H

#include "train/dnn.h"
#include "train/train_checkpoint.h"

struct train_batchnorm;

/* Scales 1. Borrows net and recipe. Fails if a shard of the recipe's batch has a single value of some
 * channel. */
MUST_CHECK enum status train_batchnorm_create(const struct net *net,
                                              const struct net_recipe *recipe,
                                              struct train_batchnorm **out, struct error *err);
void train_batchnorm_free(struct train_batchnorm *batchnorm);
/* Adds all that the next step depends on. */
void train_batchnorm_add_to(struct train_checkpoint *checkpoint, struct train_batchnorm *batchnorm);

/* Brings the scales into a DNN_TRAIN plan. */
void train_batchnorm_load(const struct train_batchnorm *batchnorm, struct dnn_plan *plan);
/* Takes statistics and gradients of a step's shards; then the scales are updated once. */
void train_batchnorm_collect(struct train_batchnorm *batchnorm, struct dnn_shard *const *shards,
                             int shard_count);
void train_batchnorm_step(struct train_batchnorm *batchnorm, float learning_rate);

/* Weights and bias of weighted layer k that do, without BATCHNORM, what these do with the running
 * statistics. Copies where there is none behind. */
void train_batchnorm_fold(const struct train_batchnorm *batchnorm, int k, const float *weights,
                          const float *bias, float *folded_weights, float *folded_bias);

#endif
