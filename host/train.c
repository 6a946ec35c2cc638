// SPDX-License-Identifier: Apache-2.0
/* Float training, evaluation, and a look at activations. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "rng.h"
#include "train_loop.h"

enum { INIT_STREAM = 2, EVALUATE_IMAGES = 64 };

/* A copy of a model's weights, to go back to. */
struct float_job {
    struct float_model *model;
    float **weights, **biases;
};

static size_t row_count(const struct net_layer *layer)
{
    return net_layer_weights(layer) / (size_t)layer->out.c;
}

/* He et al. 2015: uniform with variance 2 / fan-in; biases zero. */
static void initialize(struct float_model *model, uint64_t seed)
{
    const struct net *net = model->net;
    struct rng rng;
    rng_init(&rng, seed, INIT_STREAM);
    for (int k = 0; k < net->weighted_count; k++) {
        const struct net_layer *layer = &net->layers[net->weighted[k]];
        const float bound = sqrtf(6.0f / (float)row_count(layer));
        for (size_t i = 0; i < net_layer_weights(layer); i++)
            model->weights[k][i] = (2.0f * rng_uniform(&rng) - 1.0f) * bound;
        memset(model->biases[k], 0, (size_t)layer->out.c * sizeof(float));
    }
}

static void copy_weights(const struct net *net, float *const *weights, float *const *biases,
                         float **to_weights, float **to_biases)
{
    for (int k = 0; k < net->weighted_count; k++) {
        const struct net_layer *layer = &net->layers[net->weighted[k]];
        memcpy(to_weights[k], weights[k], net_layer_weights(layer) * sizeof(float));
        memcpy(to_biases[k], biases[k], (size_t)layer->out.c * sizeof(float));
    }
}

static void free_arrays(float **arrays, int count)
{
    for (int k = 0; arrays && k < count; k++)
        free(arrays[k]);
    free(arrays);
}

static enum status create_copy(struct float_job *job, struct error *err)
{
    const struct net *net = job->model->net;
    const size_t count = (size_t)net->weighted_count;
    job->weights = calloc(count, sizeof(float *));
    job->biases = calloc(count, sizeof(float *));
    bool good = job->weights && job->biases;
    for (int k = 0; good && k < net->weighted_count; k++) {
        const struct net_layer *layer = &net->layers[net->weighted[k]];
        job->weights[k] = calloc(net_layer_weights(layer), sizeof(float));
        job->biases[k] = calloc((size_t)layer->out.c, sizeof(float));
        good = job->weights[k] && job->biases[k];
    }
    if (!good)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to train", net->name);
    return STATUS_OK;
}

static enum status load_weights(const struct float_model *model, struct dnn_plan *plan,
                                struct error *err)
{
    enum status status = STATUS_OK;
    for (int k = 0; status == STATUS_OK && k < model->net->weighted_count; k++)
        status = dnn_plan_set_weights(plan, k, model->weights[k], model->biases[k], err);
    return status;
}

static enum status load_hook(void *context, struct dnn_plan *plan, struct error *err)
{
    const struct float_job *job = context;
    return load_weights(job->model, plan, err);
}

static void keep_hook(void *context)
{
    struct float_job *job = context;
    copy_weights(job->model->net, job->model->weights, job->model->biases, job->weights,
                 job->biases);
}

enum status train_float(struct float_model *model, const struct data_split *data,
                        const struct train_options *options, train_epoch_fn *on_epoch,
                        void *context, struct error *err)
{
    struct float_job kept = {.model = model};
    const struct train_job job = {
        .net = model->net,
        .recipe = &model->net->recipe,
        .data = data,
        .weights = model->weights,
        .biases = model->biases,
        .keep_best = model->net->recipe.early_stopping_epochs > 0,
        .label = "train",
        .options = *options,
        .on_epoch = on_epoch,
        .on_epoch_context = context,
        .hooks = {.context = &kept,
                  .input_scale = data->train.scale,
                  .logit_scale = 1,
                  .load = load_hook,
                  .forward = train_forward_all,
                  .backward = train_backward_all,
                  .keep = keep_hook},
    };
    enum status status = create_copy(&kept, err);
    if (status == STATUS_OK) {
        initialize(model, options->seed);
        model->seed = options->seed;
        status = train_loop(&job, err);
    }
    if (status == STATUS_OK)
        copy_weights(model->net, kept.weights, kept.biases, model->weights, model->biases);
    free_arrays(kept.weights, model->net->weighted_count);
    free_arrays(kept.biases, model->net->weighted_count);
    return status;
}

enum status train_evaluate(const struct float_model *model, const struct dataset *data, int threads,
                           double *accuracy, struct error *err)
{
    const struct train_hooks hooks = {
        .input_scale = data->scale, .logit_scale = 1, .forward = train_forward_all};
    const int team = dnn_thread_count(threads, TRAIN_SHARDS), saved = dnn_threads_enter();
    struct dnn_plan *plan = NULL;
    struct dnn_shard *shards[TRAIN_SHARDS] = {NULL};
    enum status status = dnn_plan_create(model->net, EVALUATE_IMAGES, false, &plan, err);
    if (status == STATUS_OK)
        status = load_weights(model, plan, err);
    for (int t = 0; status == STATUS_OK && t < team; t++)
        status = dnn_shard_create(plan, &shards[t], err);
    if (status == STATUS_OK)
        status = train_count_correct(&hooks, shards, team, data, accuracy, err);
    for (int t = 0; t < team; t++)
        dnn_shard_free(shards[t]);
    dnn_plan_free(plan);
    dnn_threads_leave(saved);
    return status;
}

static enum status observe_group(struct dnn_shard *shard, size_t count,
                                 train_activation_fn *on_layer, void *context, struct error *err)
{
    const struct net *net = dnn_shard_net(shard);
    on_layer(context, -1, dnn_shard_values(shard, -1), count, net->input);
    for (int i = 0; i < net->layer_count; i++) {
        const enum status status = dnn_shard_forward(shard, i, err);
        if (status != STATUS_OK)
            return status;
        on_layer(context, i, dnn_shard_values(shard, i), count, net->layers[i].out);
    }
    return STATUS_OK;
}

enum status train_observe(const struct float_model *model, const struct dataset *data, size_t count,
                          train_activation_fn *on_layer, void *context, struct error *err)
{
    const size_t total = count < data->count ? count : data->count;
    const int saved = dnn_threads_enter();
    struct dnn_plan *plan = NULL;
    struct dnn_shard *shard = NULL;
    enum status status = dnn_plan_create(model->net, EVALUATE_IMAGES, false, &plan, err);
    if (status == STATUS_OK)
        status = load_weights(model, plan, err);
    if (status == STATUS_OK)
        status = dnn_shard_create(plan, &shard, err);
    for (size_t first = 0; status == STATUS_OK && first < total; first += EVALUATE_IMAGES) {
        const size_t left = total - first, n = left < EVALUATE_IMAGES ? left : EVALUATE_IMAGES;
        train_fill_input(shard, data, NULL, first, n, data->scale);
        status = observe_group(shard, n, on_layer, context, err);
    }
    dnn_shard_free(shard);
    dnn_plan_free(plan);
    dnn_threads_leave(saved);
    return status;
}
