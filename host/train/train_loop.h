// SPDX-License-Identifier: Apache-2.0
/* The training loop that float and quantization-aware training share: shuffled batches in shards,
 * loss, gradients added in shard order, optimizer, validation, early stopping. What differs between
 * the two is in struct train_hooks. */
#ifndef MPQ_TRAIN_LOOP_H
#define MPQ_TRAIN_LOOP_H

#include "train/dnn.h"
#include "train/train.h"
#include "train/train_checkpoint.h"

/* forward and backward are called on several threads at once, each with its own shard; the others
 * on one. */
struct train_hooks {
    void *context;
    float input_scale; /* the network sees integer * input_scale, of the data's integers */
    float logit_scale; /* the loss sees value * logit_scale */
    /* Brings the present weights into the plan; before every step and every evaluation. */
    enum status (*load)(void *context, struct dnn_plan *plan, struct error *err);
    /* Brings the weights that keep() would keep, folded; before evaluations. NULL: as load. */
    enum status (*load_folded)(void *context, struct dnn_plan *plan, struct error *err);
    enum status (*forward)(void *context, struct dnn_shard *shard, struct error *err);
    enum status (*backward)(void *context, struct dnn_shard *shard, struct error *err);
    /* Sees all shards of a step after their backward pass. May be NULL. */
    void (*collect)(void *context, struct dnn_shard *const *shards, int shard_count);
    /* Turns the gradients of what load() brought into those of the trained weights, in place. May
     * be NULL. */
    void (*convert)(void *context, int k, float *weights, float *bias);
    /* Ends every step, after all layers were converted: updates parameters of the hooks' own at the
     * step's learning rate. May be NULL. */
    void (*step)(void *context, float rate);
    /* The present weights are the ones to keep (so far). */
    void (*keep)(void *context);
};

struct train_job {
    const struct net *net;
    const struct net_recipe *recipe; /* phases, batch, optimizer */
    const struct data_split *data;
    float **weights, **biases; /* trained in place; layouts of float_model.h */
    bool unfolded;             /* BATCHNORM and DROPOUT layers work; else they change nothing */
    bool cosine;               /* the learning rates fall to zero along half a cosine over all steps
                          (Loshchilov and Hutter, 2017) */
    bool keep_best;    /* keep() after each epoch that is better on validation data; else after the
                          last */
    const char *label; /* of the progress bar */
    struct train_options options;
    train_epoch_fn *on_epoch; /* may be NULL */
    void *on_epoch_context;
    /* Has weights, biases and all that the hooks hold already; the loop adds what is its own. May be
     * NULL. */
    struct train_checkpoint *checkpoint;
    struct train_hooks hooks;
};

/* Runs the job, from where the checkpoint says. keep() was called at least once when it returns
 * STATUS_OK. STATUS_CANCELLED after Ctrl-C, with a checkpoint of the present state if there is a
 * step to keep. */
MUST_CHECK enum status train_loop(const struct train_job *job, struct error *err);

/* Correct answers in percent. shards[threads], all of plan, whose weights are loaded. */
MUST_CHECK enum status train_count_correct(const struct train_hooks *hooks,
                                           struct dnn_shard *const *shards, int threads,
                                           const struct dataset *data, double *accuracy,
                                           struct error *err);

/* Fills a shard's input with count images, order[0..count-1] of data (order NULL: first and
 * following); the rest of the shard becomes zero. */
void train_fill_input(struct dnn_shard *shard, const struct dataset *data, const uint32_t *order,
                      size_t first, size_t count, float scale);

/* Every layer in order; a forward hook for float networks (context unused), and its counterpart. */
MUST_CHECK enum status train_forward_all(void *context, struct dnn_shard *shard, struct error *err);
MUST_CHECK enum status train_backward_all(void *context, struct dnn_shard *shard,
                                          struct error *err);

#endif
