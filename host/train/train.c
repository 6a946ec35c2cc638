// SPDX-License-Identifier: Apache-2.0
/* Float training, evaluation, and a look at activations. */
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "train/train_batchnorm.h"
#include "train/train_loop.h"
#include "train/train_checkpoint.h"

enum { INIT_STREAM = 2, EVALUATE_IMAGES = 64 };

struct parameters {
    float **weights, **biases; /* layouts of float_model.h */
};

/* While it is trained, the model holds weights that are not folded. */
struct float_job {
    struct float_model *model;
    struct train_batchnorm *batchnorm;
    struct parameters folded, kept;
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

static void free_arrays(float **arrays, int count)
{
    for (int k = 0; arrays && k < count; k++)
        free(arrays[k]);
    free(arrays);
}

static void parameters_free(const struct net *net, struct parameters *parameters)
{
    free_arrays(parameters->weights, net->weighted_count);
    free_arrays(parameters->biases, net->weighted_count);
}

static enum status parameters_create(const struct net *net, struct parameters *out,
                                     struct error *err)
{
    const size_t count = (size_t)net->weighted_count;
    out->weights = calloc(count, sizeof(float *));
    out->biases = calloc(count, sizeof(float *));
    bool good = out->weights && out->biases;
    for (int k = 0; good && k < net->weighted_count; k++) {
        const struct net_layer *layer = &net->layers[net->weighted[k]];
        out->weights[k] = calloc(net_layer_weights(layer), sizeof(float));
        out->biases[k] = calloc((size_t)layer->out.c, sizeof(float));
        good = out->weights[k] && out->biases[k];
    }
    if (!good)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to train", net->name);
    return STATUS_OK;
}

static void parameters_copy(const struct net *net, const struct parameters *from,
                            const struct parameters *to)
{
    for (int k = 0; k < net->weighted_count; k++) {
        const struct net_layer *layer = &net->layers[net->weighted[k]];
        memcpy(to->weights[k], from->weights[k], net_layer_weights(layer) * sizeof(float));
        memcpy(to->biases[k], from->biases[k], (size_t)layer->out.c * sizeof(float));
    }
}

static struct parameters model_parameters(const struct float_model *model)
{
    return (struct parameters){model->weights, model->biases};
}

static enum status load_parameters(const struct net *net, const struct parameters *parameters,
                                   struct dnn_plan *plan, struct error *err)
{
    enum status status = STATUS_OK;
    for (int k = 0; status == STATUS_OK && k < net->weighted_count; k++)
        status = dnn_plan_set_weights(plan, k, parameters->weights[k], parameters->biases[k], err);
    return status;
}

static enum status load_hook(void *context, struct dnn_plan *plan, struct error *err)
{
    const struct float_job *job = context;
    const struct parameters trained = model_parameters(job->model);
    train_batchnorm_load(job->batchnorm, plan);
    return load_parameters(job->model->net, &trained, plan, err);
}

static enum status load_folded_hook(void *context, struct dnn_plan *plan, struct error *err)
{
    const struct float_job *job = context;
    const struct float_model *model = job->model;
    for (int k = 0; k < model->net->weighted_count; k++)
        train_batchnorm_fold(job->batchnorm, k, model->weights[k], model->biases[k],
                             job->folded.weights[k], job->folded.biases[k]);
    return load_parameters(model->net, &job->folded, plan, err);
}

static void collect_hook(void *context, struct dnn_shard *const *shards, int shard_count)
{
    const struct float_job *job = context;
    train_batchnorm_collect(job->batchnorm, shards, shard_count);
}

static void step_hook(void *context, float rate)
{
    const struct float_job *job = context;
    train_batchnorm_step(job->batchnorm, rate);
}

/* The folded weights were brought into the plan just before. */
static void keep_hook(void *context)
{
    const struct float_job *job = context;
    parameters_copy(job->model->net, &job->folded, &job->kept);
}

static enum status create_job(struct float_job *job, struct error *err)
{
    const struct net *net = job->model->net;
    enum status status = parameters_create(net, &job->folded, err);
    if (status == STATUS_OK)
        status = parameters_create(net, &job->kept, err);
    if (status == STATUS_OK)
        status = train_batchnorm_create(net, &net->recipe, &job->batchnorm, err);
    return status;
}

static void free_job(struct float_job *job)
{
    parameters_free(job->model->net, &job->folded);
    parameters_free(job->model->net, &job->kept);
    train_batchnorm_free(job->batchnorm);
}

static void add_parameters(struct train_checkpoint *checkpoint, const struct net *net,
                           const struct parameters *parameters)
{
    for (int k = 0; k < net->weighted_count; k++) {
        const struct net_layer *layer = &net->layers[net->weighted[k]];
        train_checkpoint_add(checkpoint, "weights", parameters->weights[k],
                             net_layer_weights(layer) * sizeof(float));
        train_checkpoint_add(checkpoint, "biases", parameters->biases[k],
                             (size_t)layer->out.c * sizeof(float));
    }
}

/* With all but the loop's own. *out: NULL if nothing is to be kept. */
static enum status create_checkpoint(const struct float_job *job, const struct data_split *data,
                                     const struct train_options *options,
                                     struct train_checkpoint **out, struct error *err)
{
    const struct train_keeping *keeping = options->keeping;
    const struct net *net = job->model->net;
    const struct parameters trained = model_parameters(job->model);
    *out = NULL;
    if (!keeping)
        return STATUS_OK;
    const struct train_binding binding = {net, options->seed, data, keeping->limit,
                                          keeping->device};
    const enum status status = train_checkpoint_create(&binding, keeping->path, keeping->interval_s,
                                                       keeping->resume, out, err);
    if (status != STATUS_OK)
        return status;
    add_parameters(*out, net, &trained);
    add_parameters(*out, net, &job->kept);
    train_batchnorm_add_to(*out, job->batchnorm);
    return STATUS_OK;
}

enum status train_float(struct float_model *model, const struct data_split *data,
                        const struct train_options *options, train_epoch_fn *on_epoch,
                        void *context, struct error *err)
{
    struct float_job float_job = {.model = model};
    const struct parameters trained = model_parameters(model);
    struct train_job job = {
        .net = model->net,
        .recipe = &model->net->recipe,
        .data = data,
        .weights = model->weights,
        .biases = model->biases,
        .unfolded = true,
        .cosine = model->net->recipe.cosine,
        .keep_best = model->net->recipe.early_stopping_epochs > 0,
        .label = "train",
        .options = *options,
        .on_epoch = on_epoch,
        .on_epoch_context = context,
        .hooks = {.context = &float_job,
                  .input_scale = data->train.scale,
                  .logit_scale = 1,
                  .load = load_hook,
                  .load_folded = load_folded_hook,
                  .collect = collect_hook,
                  .step = step_hook,
                  .forward = train_forward_all,
                  .backward = train_backward_all,
                  .keep = keep_hook},
    };
    enum status status = create_job(&float_job, err);
    if (status == STATUS_OK)
        status = create_checkpoint(&float_job, data, options, &job.checkpoint, err);
    if (status == STATUS_OK) {
        initialize(model, options->seed);
        model->seed = options->seed;
        status = train_loop(&job, err);
    }
    if (status == STATUS_OK)
        parameters_copy(model->net, &float_job.kept, &trained);
    train_checkpoint_free(job.checkpoint);
    free_job(&float_job);
    return status;
}

enum status train_evaluate(const struct float_model *model, const struct dataset *data, int threads,
                           double *accuracy, struct error *err)
{
    const struct train_hooks hooks = {
        .input_scale = data->scale, .logit_scale = 1, .forward = train_forward_all};
    const int team = dnn_thread_count(threads, TRAIN_SHARDS), saved = dnn_threads_enter();
    const struct parameters parameters = model_parameters(model);
    struct dnn_plan *plan = NULL;
    struct dnn_shard *shards[TRAIN_SHARDS] = {NULL};
    enum status status = dnn_plan_create(model->net, EVALUATE_IMAGES, DNN_INFER, &plan, err);
    if (status == STATUS_OK)
        status = load_parameters(model->net, &parameters, plan, err);
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
    const struct parameters parameters = model_parameters(model);
    struct dnn_plan *plan = NULL;
    struct dnn_shard *shard = NULL;
    enum status status = dnn_plan_create(model->net, EVALUATE_IMAGES, DNN_INFER, &plan, err);
    if (status == STATUS_OK)
        status = load_parameters(model->net, &parameters, plan, err);
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
