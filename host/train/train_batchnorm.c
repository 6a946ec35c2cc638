// SPDX-License-Identifier: Apache-2.0
#include "train/train_batchnorm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "train/train.h"
#include "train/train_optimizer.h"

/* Of one layer, [channels] each. */
struct scaling {
    float *scale, *gradient, *mean, *variance;
};

struct train_batchnorm {
    const struct net *net;
    struct scaling *layers; /* [weighted_count], empty where there is no BATCHNORM */
    struct train_optimizer *optimizer;
    double steps;
};

static const struct net_layer *layer_behind(const struct train_batchnorm *b, int k)
{
    const int index = net_batchnorm(b->net, b->net->weighted[k]);
    return index < 0 ? NULL : &b->net->layers[index];
}

static bool create_scaling(struct scaling *scaling, size_t channels)
{
    scaling->scale = calloc(channels, sizeof(float));
    scaling->gradient = calloc(channels, sizeof(float));
    scaling->mean = calloc(channels, sizeof(float));
    scaling->variance = calloc(channels, sizeof(float));
    if (!scaling->scale || !scaling->gradient || !scaling->mean || !scaling->variance)
        return false;
    for (size_t c = 0; c < channels; c++)
        scaling->scale[c] = scaling->variance[c] = 1;
    return true;
}

/* A single value of a channel is its own mean: nothing would be left of it. */
static enum status check_batch(const struct net *net, const struct net_recipe *recipe,
                               struct error *err)
{
    const int images = (recipe->batch + TRAIN_SHARDS - 1) / TRAIN_SHARDS;
    for (int i = 0; i < net->layer_count; i++) {
        const struct net_layer *layer = &net->layers[i];
        if (layer->op == NET_BATCHNORM && images * layer->in.h * layer->in.w < 2)
            return error_set(
                err, STATUS_INPUT,
                "%s: train.batch: %d images are too few for layer %s; want at least %d", net->name,
                recipe->batch, layer->name, TRAIN_SHARDS + 1);
    }
    return STATUS_OK;
}

enum status train_batchnorm_create(const struct net *net, const struct net_recipe *recipe,
                                   struct train_batchnorm **out, struct error *err)
{
    const size_t count = (size_t)net->weighted_count;
    *out = NULL;
    enum status status = check_batch(net, recipe, err);
    if (status != STATUS_OK)
        return status;
    size_t *sizes = calloc(count, sizeof *sizes);
    struct train_batchnorm *batchnorm = calloc(1, sizeof *batchnorm);
    if (batchnorm) {
        batchnorm->net = net;
        batchnorm->layers = calloc(count, sizeof *batchnorm->layers);
    }
    bool good = sizes && batchnorm && batchnorm->layers;
    for (int k = 0; good && k < net->weighted_count; k++) {
        const struct net_layer *layer = layer_behind(batchnorm, k);
        sizes[k] = layer ? (size_t)layer->out.c : 0;
        good = !layer || create_scaling(&batchnorm->layers[k], sizes[k]);
    }
    if (!good)
        status = error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to train", net->name);
    else
        status =
            train_optimizer_create(recipe, sizes, net->weighted_count, &batchnorm->optimizer, err);
    free(sizes);
    if (status == STATUS_OK)
        *out = batchnorm;
    else
        train_batchnorm_free(batchnorm);
    return status;
}

void train_batchnorm_free(struct train_batchnorm *batchnorm)
{
    if (!batchnorm)
        return;
    for (int k = 0; batchnorm->layers && k < batchnorm->net->weighted_count; k++) {
        free(batchnorm->layers[k].scale);
        free(batchnorm->layers[k].gradient);
        free(batchnorm->layers[k].mean);
        free(batchnorm->layers[k].variance);
    }
    free(batchnorm->layers);
    train_optimizer_free(batchnorm->optimizer);
    free(batchnorm);
}

void train_batchnorm_add_to(struct train_checkpoint *checkpoint, struct train_batchnorm *batchnorm)
{
    train_checkpoint_add(checkpoint, "steps", &batchnorm->steps, sizeof batchnorm->steps);
    for (int k = 0; k < batchnorm->net->weighted_count; k++) {
        const struct net_layer *layer = layer_behind(batchnorm, k);
        const struct scaling *scaling = &batchnorm->layers[k];
        if (!layer)
            continue;
        const size_t size = (size_t)layer->out.c * sizeof(float);
        train_checkpoint_add(checkpoint, "scale", scaling->scale, size);
        train_checkpoint_add(checkpoint, "running mean", scaling->mean, size);
        train_checkpoint_add(checkpoint, "running variance", scaling->variance, size);
    }
    train_optimizer_add_to(checkpoint, batchnorm->optimizer);
}

void train_batchnorm_load(const struct train_batchnorm *batchnorm, struct dnn_plan *plan)
{
    for (int k = 0; k < batchnorm->net->weighted_count; k++)
        if (batchnorm->layers[k].scale)
            dnn_plan_set_scale(plan, k, batchnorm->layers[k].scale);
}

/* Moves the running statistics; old is how much of the old ones stays. Variances become unbiased. */
static void move_statistics(struct scaling *scaling, const struct net_layer *layer, float old,
                            struct dnn_shard *const *shards, int shard_count, int k)
{
    const float values = (float)dnn_shard_images(shards[0]) * (float)(layer->in.h * layer->in.w);
    const float share = (1 - old) / (float)shard_count;
    const float variance_share = values > 1 ? share * values / (values - 1) : share;
    for (int c = 0; c < layer->out.c; c++) {
        scaling->mean[c] *= old;
        scaling->variance[c] *= old;
    }
    for (int s = 0; s < shard_count; s++) {
        const float *mean, *variance;
        dnn_shard_statistics(shards[s], k, &mean, &variance);
        for (int c = 0; c < layer->out.c; c++) {
            scaling->mean[c] += share * mean[c];
            scaling->variance[c] += variance_share * variance[c];
        }
    }
}

void train_batchnorm_collect(struct train_batchnorm *batchnorm, struct dnn_shard *const *shards,
                             int shard_count)
{
    /* A plain mean at first, so that the start values count for nothing. */
    const float mean_of_all = (float)(batchnorm->steps / (batchnorm->steps + 1));
    for (int k = 0; k < batchnorm->net->weighted_count; k++) {
        const struct net_layer *layer = layer_behind(batchnorm, k);
        if (!layer)
            continue;
        move_statistics(&batchnorm->layers[k], layer, fminf(layer->momentum, mean_of_all), shards,
                        shard_count, k);
        dnn_sum_scale_gradients(shards, shard_count, k, batchnorm->layers[k].gradient);
    }
    batchnorm->steps++;
}

void train_batchnorm_step(struct train_batchnorm *batchnorm, float learning_rate)
{
    train_optimizer_begin(batchnorm->optimizer, learning_rate);
    for (int k = 0; k < batchnorm->net->weighted_count; k++) {
        const struct net_layer *layer = layer_behind(batchnorm, k);
        if (!layer)
            continue;
        const struct train_tensor tensor = {
            batchnorm->layers[k].scale, batchnorm->layers[k].gradient, (size_t)layer->out.c, false};
        train_optimizer_update(batchnorm->optimizer, k, &tensor);
    }
}

void train_batchnorm_fold(const struct train_batchnorm *batchnorm, int k, const float *weights,
                          const float *bias, float *folded_weights, float *folded_bias)
{
    const struct net_layer *weighted = &batchnorm->net->layers[batchnorm->net->weighted[k]];
    const struct net_layer *layer = layer_behind(batchnorm, k);
    const struct scaling *scaling = &batchnorm->layers[k];
    const size_t channels = (size_t)weighted->out.c, row = net_layer_weights(weighted) / channels;
    for (size_t c = 0; c < channels; c++) {
        const float factor =
            layer ? scaling->scale[c] / sqrtf(scaling->variance[c] + layer->epsilon) : 1;
        for (size_t i = c * row; i < (c + 1) * row; i++)
            folded_weights[i] = weights[i] * factor;
        folded_bias[c] = layer ? bias[c] - scaling->mean[c] * factor : bias[c];
    }
}
