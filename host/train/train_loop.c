// SPDX-License-Identifier: Apache-2.0
/* The training loop. A batch is cut into TRAIN_SHARDS parts of fixed size; a thread works on whole
 * shards. The last batch of an epoch may be smaller: places without an image get no gradient. */
#include "train/train_loop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/rng.h"
#include "data/augment.h"
#include "train/cross_entropy.h"
#include "train/dnn_device.h"
#include "train/train_optimizer.h"

enum { SHUFFLE_STREAM = 1000 }; /* and following, one an epoch */
static const double PI = 3.14159265358979323846;

/* Where training is: with the parameters, all that the next step depends on. Every field has 64 bits,
 * so that nothing lies between them. */
struct position {
    uint64_t epoch, first; /* of the epoch's images the first ones are done */
    uint64_t step;         /* over all epochs */
    double loss;           /* sum over the epoch's images */
    double best_accuracy;  /* on validation data, of finished epochs */
    uint64_t epochs_without_gain;
};

struct loop {
    const struct train_job *job;
    int threads, shard_images;
    struct position at;
    struct dnn_plan *plan;
    struct dnn_shard *shards[TRAIN_SHARDS];
    struct train_optimizer *optimizer;
    float **weight_gradients, **bias_gradients; /* [weighted_count] */
    uint32_t *order; /* of the training images in this epoch; then from the first one again, to fill
                        a batch */
    struct augment_draw *draws; /* on a device: of a batch; NULL without augmentation */
    struct progress *progress;
    size_t images_total; /* over all epochs */
};

static size_t images_done(const struct loop *loop)
{
    return loop->at.epoch * loop->job->data->train.count + loop->at.first;
}

/* Images that the last batch may lack. */
static size_t fill_count(const struct loop *loop)
{
    return (size_t)loop->shard_images * TRAIN_SHARDS;
}

/* ---- One shard ---- */

void train_fill_input(struct dnn_shard *shard, const struct dataset *data, const uint32_t *order,
                      size_t first, size_t count, float scale)
{
    const size_t size = shape_size(data->shape), places = (size_t)dnn_shard_images(shard);
    float *input = dnn_shard_values(shard, -1);
    for (size_t i = 0; i < count; i++)
        dataset_values(data, order ? order[first + i] : first + i, scale, input + i * size);
    memset(input + count * size, 0, (places - count) * size * sizeof *input);
}

/* Changes the images of the epoch's order from first on that train_fill_input() has put there. */
static void augment_input(const struct loop *loop, struct dnn_shard *shard, size_t first,
                          size_t count)
{
    const struct train_job *job = loop->job;
    const struct dataset *data = &job->data->train;
    float *input = dnn_shard_values(shard, -1);
    for (size_t i = 0; i < count; i++, input += shape_size(data->shape)) {
        const uint32_t image = loop->order[first + i];
        const struct augment_draw draw = augment_draw(&job->recipe->augment, data->shape,
                                                      job->options.seed, loop->at.epoch, image);
        augment_values(&draw, data, image, job->hooks.input_scale, input);
    }
}

enum status train_forward_all(void *context, struct dnn_shard *shard, struct error *err)
{
    enum status status = STATUS_OK;
    (void)context;
    for (int i = 0; status == STATUS_OK && i < dnn_shard_net(shard)->layer_count; i++)
        status = dnn_shard_forward(shard, i, err);
    return status;
}

enum status train_backward_all(void *context, struct dnn_shard *shard, struct error *err)
{
    enum status status = STATUS_OK;
    (void)context;
    for (int i = dnn_shard_net(shard)->layer_count - 1; status == STATUS_OK && i >= 0; i--)
        status = dnn_shard_backward(shard, i, err);
    return status;
}

/* Loss of the first count images of a shard; gradients of all its places. */
static double shard_loss(struct dnn_shard *shard, const struct train_job *job,
                         const uint32_t *order, size_t count, float weight)
{
    const struct net *net = dnn_shard_net(shard);
    const size_t classes = (size_t)net->class_count, places = (size_t)dnn_shard_images(shard);
    const float *values = dnn_shard_values(shard, net->layer_count - 1);
    float *gradients = dnn_shard_gradients(shard, net->layer_count - 1);
    const struct cross_entropy how = {net->class_count, job->hooks.logit_scale,
                                      job->recipe->label_smoothing, weight};
    double loss = 0;
    for (size_t i = 0; i < count; i++)
        loss += cross_entropy(&how, values + i * classes, job->data->train.labels[order[i]],
                              gradients + i * classes);
    memset(gradients + count * classes, 0, (places - count) * classes * sizeof *gradients);
    return loss;
}

/* Forward, loss, backward of shard s in the batch of size images from first. */
static enum status run_shard(struct loop *loop, int s, size_t first, size_t size, double *loss,
                             struct error *err)
{
    const struct train_job *job = loop->job;
    struct dnn_shard *shard = loop->shards[s];
    const size_t places = (size_t)loop->shard_images, skip = (size_t)s * places;
    const size_t left = size > skip ? size - skip : 0, count = left < places ? left : places;
    /* Batch normalization needs images in all places; those too many get no gradient of their own.
     */
    const size_t filled = job->unfolded ? places : count;
    train_fill_input(shard, &job->data->train, loop->order, first + skip, filled,
                     job->hooks.input_scale);
    if (augment_is_on(&job->recipe->augment))
        augment_input(loop, shard, first + skip, filled);
    dnn_shard_set_draw(shard, job->options.seed, loop->at.step, (uint32_t)skip);
    enum status status = job->hooks.forward(job->hooks.context, shard, err);
    if (status != STATUS_OK)
        return status;
    *loss = shard_loss(shard, job, loop->order + first + skip, count, 1.0f / (float)size);
    return job->hooks.backward(job->hooks.context, shard, err);
}

/* ---- One step ---- */

static enum status update_layer(struct loop *loop, int k, struct error *err)
{
    const struct train_job *job = loop->job;
    const struct net_layer *layer = &job->net->layers[job->net->weighted[k]];
    float *weights = loop->weight_gradients[k], *biases = loop->bias_gradients[k];
    const enum status status =
        dnn_sum_gradients(loop->shards, TRAIN_SHARDS, k, weights, biases, err);
    if (status != STATUS_OK)
        return status;
    if (job->hooks.convert)
        job->hooks.convert(job->hooks.context, k, weights, biases);
    const struct train_tensor weight_tensor = {job->weights[k], weights, net_layer_weights(layer),
                                               true};
    const struct train_tensor bias_tensor = {job->biases[k], biases, (size_t)layer->out.c, false};
    train_optimizer_update(loop->optimizer, 2 * k, &weight_tensor);
    if (layer->has_bias)
        train_optimizer_update(loop->optimizer, 2 * k + 1, &bias_tensor);
    return STATUS_OK;
}

/* Forward, loss and backward of a batch on the CPU. */
static enum status run_shards(struct loop *loop, size_t first, size_t size, double *loss,
                              struct error *err)
{
    struct error errors[TRAIN_SHARDS];
    enum status statuses[TRAIN_SHARDS];
    double losses[TRAIN_SHARDS] = {0};
#pragma omp parallel for num_threads(loop->threads) schedule(static, 1)
    for (int s = 0; s < TRAIN_SHARDS; s++)
        statuses[s] = run_shard(loop, s, first, size, &losses[s], &errors[s]);
    for (int s = 0; s < TRAIN_SHARDS; s++) {
        if (statuses[s] != STATUS_OK) {
            *err = errors[s];
            return statuses[s];
        }
        *loss += losses[s];
    }
    return STATUS_OK;
}

/* The same on a device, with the same images, draws and loss. */
static enum status run_batch(struct loop *loop, size_t first, size_t size, double *loss,
                             struct error *err)
{
    const struct train_job *job = loop->job;
    const struct dataset *data = &job->data->train;
    const size_t filled = job->unfolded ? fill_count(loop) : size;
    for (size_t i = 0; loop->draws && i < filled; i++)
        loop->draws[i] = augment_draw(&job->recipe->augment, data->shape, job->options.seed,
                                      loop->at.epoch, loop->order[first + i]);
    const struct device_batch batch = {
        .data = data,
        .order = loop->order + first,
        .draws = loop->draws,
        .filled = filled,
        .counted = size,
        .input_scale = job->hooks.input_scale,
        .loss = {job->net->class_count, job->hooks.logit_scale, job->recipe->label_smoothing,
                 1.0f / (float)size},
        .seed = job->options.seed,
        .step = loop->at.step,
    };
    return dnn_device_step(loop->plan, &batch, loss, err);
}

static enum status run_step(struct loop *loop, size_t first, size_t size, float rate, double *loss,
                            struct error *err)
{
    enum status status = loop->job->hooks.load(loop->job->hooks.context, loop->plan, err);
    if (status == STATUS_OK)
        status = dnn_on_device(loop->plan) ? run_batch(loop, first, size, loss, err)
                                           : run_shards(loop, first, size, loss, err);
    if (status != STATUS_OK)
        return status;
    if (loop->job->hooks.collect)
        loop->job->hooks.collect(loop->job->hooks.context, loop->shards, TRAIN_SHARDS);
    train_optimizer_begin(loop->optimizer, rate);
    for (int k = 0; status == STATUS_OK && k < loop->job->net->weighted_count; k++)
        status = update_layer(loop, k, err);
    if (status == STATUS_OK && loop->job->hooks.step)
        loop->job->hooks.step(loop->job->hooks.context, rate);
    return status;
}

/* ---- Evaluation ---- */

static size_t count_correct(struct dnn_shard *shard, const uint16_t *labels, size_t count)
{
    const struct net *net = dnn_shard_net(shard);
    const float *values = dnn_shard_values(shard, net->layer_count - 1);
    size_t correct = 0;
    for (size_t i = 0; i < count; i++, values += net->class_count) {
        int best = 0;
        for (int c = 1; c < net->class_count; c++)
            best = values[c] > values[best] ? c : best;
        correct += best == labels[i];
    }
    return correct;
}

/* Images first, first + stride, ... in groups of a shard. */
static enum status evaluate_part(const struct train_hooks *hooks, struct dnn_shard *shard,
                                 const struct dataset *data, size_t first, size_t stride,
                                 size_t *correct, struct error *err)
{
    const size_t places = (size_t)dnn_shard_images(shard);
    *correct = 0;
    for (size_t i = first; i < data->count; i += stride) {
        const size_t count = data->count - i < places ? data->count - i : places;
        train_fill_input(shard, data, NULL, i, count, hooks->input_scale);
        const enum status status = hooks->forward(hooks->context, shard, err);
        if (status != STATUS_OK)
            return status;
        *correct += count_correct(shard, data->labels + i, count);
    }
    return STATUS_OK;
}

enum status train_count_correct(const struct train_hooks *hooks, struct dnn_shard *const *shards,
                                int threads, const struct dataset *data, double *accuracy,
                                struct error *err)
{
    struct error errors[TRAIN_SHARDS];
    enum status statuses[TRAIN_SHARDS];
    size_t correct[TRAIN_SHARDS], sum = 0;
    const size_t places = (size_t)dnn_shard_images(shards[0]);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int t = 0; t < threads; t++)
        statuses[t] = evaluate_part(hooks, shards[t], data, (size_t)t * places,
                                    (size_t)threads * places, &correct[t], &errors[t]);
    for (int t = 0; t < threads; t++) {
        if (statuses[t] != STATUS_OK) {
            *err = errors[t];
            return statuses[t];
        }
        sum += correct[t];
    }
    *accuracy = data->count ? 100.0 * (double)sum / (double)data->count : (double)NAN;
    return STATUS_OK;
}

/* ---- Epochs ---- */

static void shuffle(struct loop *loop)
{
    struct rng rng;
    const size_t count = loop->job->data->train.count;
    for (size_t i = 0; i < count; i++)
        loop->order[i] = (uint32_t)i;
    rng_init(&rng, loop->job->options.seed, SHUFFLE_STREAM + loop->at.epoch);
    rng_shuffle(&rng, loop->order, count);
    for (size_t i = 0; i < fill_count(loop); i++)
        loop->order[count + i] = loop->order[i % count];
}

/* Learning rate of the phase that the epoch belongs to. */
static float phase_rate(const struct loop *loop)
{
    const struct net_recipe *recipe = loop->job->recipe;
    uint64_t end = (uint64_t)recipe->epochs[0];
    int p = 0;
    while (p < recipe->phase_count - 1 && loop->at.epoch >= end)
        end += (uint64_t)recipe->epochs[++p];
    return recipe->learning_rate[p];
}

/* The phase's learning rate: first raised, then lowered by the part of the images that are done. */
static float present_rate(const struct loop *loop)
{
    const float rate = phase_rate(loop);
    const size_t warmup = (size_t)loop->job->recipe->warmup_epochs * loop->job->data->train.count;
    const size_t done = images_done(loop), next = done + (size_t)loop->job->recipe->batch;
    if (done < warmup)
        return next < warmup ? rate * (float)((double)next / (double)warmup) : rate;
    const double part = (double)(done - warmup) / (double)(loop->images_total - warmup);
    return loop->job->cosine ? rate * (float)(0.5 + 0.5 * cos(PI * part)) : rate;
}

static int epoch_number(const struct loop *loop)
{
    return (int)loop->at.epoch + 1;
}

/* Between two steps: keeps what is done, now and then, and stops if that is wished. */
static enum status keep_or_stop(const struct loop *loop, struct error *err)
{
    struct train_checkpoint *checkpoint = loop->job->checkpoint;
    if (!interrupt_requested()) {
        if (checkpoint)
            train_checkpoint_keep(checkpoint, loop->job->options.progress);
        return STATUS_OK;
    }
    if (!checkpoint || !loop->at.step)
        return error_set(err, STATUS_CANCELLED, "interrupted in epoch %d", epoch_number(loop));
    if (train_checkpoint_save(checkpoint, err) != STATUS_OK)
        return error_wrap(err, STATUS_CANCELLED, "interrupted in epoch %d", epoch_number(loop));
    return error_set(
        err, STATUS_CANCELLED,
        "interrupted in epoch %d; what is finished is kept in %.256s: the same command with "
        "--resume goes on",
        epoch_number(loop), train_checkpoint_path(checkpoint));
}

/* What is left of the epoch. *loss: mean over all its images. */
static enum status run_steps(struct loop *loop, double *loss, struct error *err)
{
    const size_t count = loop->job->data->train.count, batch = (size_t)loop->job->recipe->batch;
    shuffle(loop);
    while (loop->at.first < count) {
        const size_t left = count - loop->at.first, size = left < batch ? left : batch;
        double step_loss = 0;
        enum status status = keep_or_stop(loop, err);
        if (status == STATUS_OK)
            status = run_step(loop, loop->at.first, size, present_rate(loop), &step_loss, err);
        if (status != STATUS_OK)
            return status;
        loop->at.loss += step_loss * (double)size;
        loop->at.step++;
        loop->at.first += size;
        progress_update(loop->progress, images_done(loop), NULL);
    }
    *loss = loop->at.loss / (double)count;
    if (!isfinite(*loss))
        return error_set(err, STATUS_INPUT,
                         "%s: the loss is not finite in epoch %d; lower the learning rate",
                         loop->job->net->name, epoch_number(loop));
    return STATUS_OK;
}

/* Brings the weights for an evaluation. */
static enum status load_folded(struct loop *loop, struct error *err)
{
    const struct train_hooks *hooks = &loop->job->hooks;
    dnn_plan_set_training(loop->plan, false);
    return hooks->load_folded ? hooks->load_folded(hooks->context, loop->plan, err)
                              : hooks->load(hooks->context, loop->plan, err);
}

static enum status validate(struct loop *loop, double *accuracy, struct error *err)
{
    const struct train_hooks *hooks = &loop->job->hooks;
    const struct dataset *data = &loop->job->data->validation;
    size_t correct = 0;
    if (!dnn_on_device(loop->plan))
        return train_count_correct(hooks, loop->shards, loop->threads, data, accuracy, err);
    const enum status status =
        dnn_device_count_correct(loop->plan, data, hooks->input_scale, &correct, err);
    *accuracy = data->count ? 100.0 * (double)correct / (double)data->count : (double)NAN;
    return status;
}

/* Validates, keeps, reports, goes to the next epoch. *stop: early stopping says so. */
static enum status finish_epoch(struct loop *loop, double loss, double start, bool *stop,
                                struct error *err)
{
    const struct train_job *job = loop->job;
    const struct train_hooks *hooks = &job->hooks;
    double accuracy = 0;
    char note[80];
    enum status status = load_folded(loop, err);
    if (status == STATUS_OK)
        status = validate(loop, &accuracy, err);
    dnn_plan_set_training(loop->plan, true);
    if (status != STATUS_OK)
        return status;
    const uint64_t patience = (uint64_t)job->recipe->early_stopping_epochs;
    const bool better = !loop->at.epoch || accuracy > loop->at.best_accuracy;
    loop->at.best_accuracy = better ? accuracy : loop->at.best_accuracy;
    loop->at.epochs_without_gain = better ? 0 : loop->at.epochs_without_gain + 1;
    if (better || !job->keep_best || !job->data->validation.count)
        hooks->keep(hooks->context);
    *stop = patience && job->data->validation.count && loop->at.epochs_without_gain >= patience;
    snprintf(note, sizeof note, "epoch %d, loss %.4f, validation %.2f %%", epoch_number(loop), loss,
             accuracy);
    progress_update(loop->progress, images_done(loop), note);
    if (job->on_epoch)
        job->on_epoch(job->on_epoch_context, epoch_number(loop), loss, accuracy,
                      clock_seconds() - start);
    loop->at.epoch++;
    loop->at.first = 0;
    loop->at.loss = 0;
    return STATUS_OK;
}

static enum status run_epochs(struct loop *loop, struct error *err)
{
    enum status status = STATUS_OK;
    bool stop = false;
    while (status == STATUS_OK && !stop && images_done(loop) < loop->images_total) {
        const double start = clock_seconds();
        double loss = 0;
        status = run_steps(loop, &loss, err);
        if (status == STATUS_OK)
            status = finish_epoch(loop, loss, start, &stop, err);
    }
    return status;
}

/* ---- Setting up ---- */

static enum status create_gradients(struct loop *loop, struct error *err)
{
    const struct train_job *job = loop->job;
    const struct net *net = job->net;
    const size_t count = (size_t)net->weighted_count;
    size_t *sizes = calloc(2 * count, sizeof *sizes);
    loop->weight_gradients = calloc(count, sizeof(float *));
    loop->bias_gradients = calloc(count, sizeof(float *));
    loop->order = calloc(job->data->train.count + fill_count(loop), sizeof *loop->order);
    bool good = sizes && loop->weight_gradients && loop->bias_gradients && loop->order;
    if (good && job->options.device && augment_is_on(&job->recipe->augment)) {
        loop->draws = calloc(fill_count(loop), sizeof *loop->draws);
        good = loop->draws != NULL;
    }
    for (int k = 0; good && k < net->weighted_count; k++) {
        const struct net_layer *layer = &net->layers[net->weighted[k]];
        sizes[2 * k] = net_layer_weights(layer);
        sizes[2 * k + 1] = (size_t)layer->out.c;
        loop->weight_gradients[k] = calloc(sizes[2 * k], sizeof(float));
        loop->bias_gradients[k] = calloc(sizes[2 * k + 1], sizeof(float));
        good = loop->weight_gradients[k] && loop->bias_gradients[k];
    }
    enum status status = STATUS_OK;
    if (!good)
        status = error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to train", net->name);
    else
        status = train_optimizer_create(job->recipe, sizes, 2 * net->weighted_count,
                                        &loop->optimizer, err);
    free(sizes);
    return status;
}

static enum status create_plan(struct loop *loop, struct error *err)
{
    const struct train_job *job = loop->job;
    const struct dnn_device_use use = {job->net, loop->shard_images, TRAIN_SHARDS, job->unfolded,
                                       !job->unfolded};
    if (job->options.device)
        return dnn_device_plan_create(job->options.device, &use, &loop->plan, err);
    return dnn_plan_create(job->net, loop->shard_images, job->unfolded ? DNN_TRAIN : DNN_FOLDED,
                           &loop->plan, err);
}

static enum status loop_create(struct loop *loop, struct error *err)
{
    const struct train_job *job = loop->job;
    loop->threads = dnn_thread_count(job->options.threads, TRAIN_SHARDS);
    loop->shard_images = (job->recipe->batch + TRAIN_SHARDS - 1) / TRAIN_SHARDS;
    if (!job->data->train.count)
        return error_set(err, STATUS_INPUT, "%s: no training images; lower \"validation\"",
                         job->net->name);
    enum status status = create_gradients(loop, err);
    if (status == STATUS_OK)
        status = create_plan(loop, err);
    for (int s = 0; status == STATUS_OK && s < TRAIN_SHARDS; s++)
        status = dnn_shard_create(loop->plan, &loop->shards[s], err);
    return status;
}

static void loop_free(struct loop *loop)
{
    for (int s = 0; s < TRAIN_SHARDS; s++)
        dnn_shard_free(loop->shards[s]);
    dnn_plan_free(loop->plan);
    train_optimizer_free(loop->optimizer);
    for (int k = 0; k < loop->job->net->weighted_count; k++) {
        if (loop->weight_gradients)
            free(loop->weight_gradients[k]);
        if (loop->bias_gradients)
            free(loop->bias_gradients[k]);
    }
    free(loop->weight_gradients);
    free(loop->bias_gradients);
    free(loop->order);
    free(loop->draws);
}

/* What an earlier, interrupted run has kept. */
static enum status take_up(struct loop *loop, bool *resumed, struct error *err)
{
    struct train_checkpoint *checkpoint = loop->job->checkpoint;
    *resumed = false;
    if (!checkpoint)
        return STATUS_OK;
    train_checkpoint_add(checkpoint, "position", &loop->at, sizeof loop->at);
    train_optimizer_add_to(checkpoint, loop->optimizer);
    const enum status status = train_checkpoint_load(checkpoint, resumed, err);
    if (status == STATUS_OK &&
        (loop->at.first >= loop->job->data->train.count ||
         loop->at.epoch >= loop->images_total / loop->job->data->train.count))
        return error_set(err, STATUS_INPUT, "%s: stands behind the last epoch; --force starts over",
                         train_checkpoint_path(checkpoint));
    return status;
}

static struct progress *start_progress(const struct loop *loop, bool resumed)
{
    const struct train_job *job = loop->job;
    const char *slow = dnn_plan_slow_layer(loop->plan);
    char label[96], note[64];
    snprintf(label, sizeof label, slow ? "%s (%s only by slow code)" : "%s", job->label, slow);
    struct progress *progress = progress_start(job->options.progress, label, loop->images_total);
    snprintf(note, sizeof note, "goes on in epoch %d", epoch_number(loop));
    if (resumed)
        progress_go_on(progress, images_done(loop), note);
    return progress;
}

enum status train_loop(const struct train_job *job, struct error *err)
{
    struct loop loop = {.job = job};
    bool resumed = false;
    const int saved = dnn_threads_enter();
    for (int p = 0; p < job->recipe->phase_count; p++)
        loop.images_total += (size_t)job->recipe->epochs[p] * job->data->train.count;
    enum status status = loop_create(&loop, err);
    if (status == STATUS_OK)
        status = take_up(&loop, &resumed, err);
    if (status == STATUS_OK) {
        loop.progress = start_progress(&loop, resumed);
        status = run_epochs(&loop, err);
        progress_finish(loop.progress, status == STATUS_OK ? "done" : "stopped");
    }
    loop_free(&loop);
    dnn_threads_leave(saved);
    return status;
}
