// SPDX-License-Identifier: Apache-2.0
/* Steps and evaluation. All is queued on the plan's stream; one wait at the end. */
#include "cuda/gpu.h"

#include <stdlib.h>
#include <string.h>

static enum status bring_inbox(struct device_plan *plan, struct error *err)
{
    plan->dirty = false;
    return gpu_check(cudaMemcpyAsync(plan->inbox.base, plan->host, plan->inbox.used,
                                     cudaMemcpyHostToDevice, plan->stream),
                     "bringing parameters", err);
}

static enum status forward(struct device_plan *plan, uint64_t seed, uint64_t step,
                           struct error *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < plan->net->layer_count; i++)
        status = gpu_layer_forward(plan, i, seed, step, err);
    return status;
}

/* ---- A step ---- */

/* Keeps the plan's hold on its training data from the first step on. */
static enum status hold_data(struct device_plan *plan, const struct dataset *data,
                             struct error *err)
{
    if (plan->train_data && plan->train_data->key == data->images)
        return STATUS_OK;
    gpu_data_release(plan->state, plan->train_data);
    plan->train_data = NULL;
    return gpu_data_take(plan->state, data, &plan->train_data, err);
}

static enum status fill(struct device_plan *plan, const struct gather_args *args, struct error *err)
{
    const struct shape s = plan->net->input;
    return gpu_check(kernel_gather(plan->stream, args, (size_t)plan->images * (size_t)(s.h * s.w)),
                     "the images", err);
}

static enum status bring_batch(struct device_plan *plan, const struct device_batch *batch,
                               struct error *err)
{
    const struct gather_args args = {
        .images = plan->train_data->images,
        .order = plan->order,
        .draws = batch->draws ? plan->draws : NULL,
        .filled = batch->filled,
        .shape = plan->net->input,
        .is_signed = batch->data->is_signed,
        .scale = batch->input_scale,
        .out = plan->input,
    };
    memcpy(gpu_host(plan, plan->order), batch->order, batch->filled * sizeof *batch->order);
    if (batch->draws)
        memcpy(gpu_host(plan, plan->draws), batch->draws, batch->filled * sizeof *batch->draws);
    const enum status status = bring_inbox(plan, err);
    return status == STATUS_OK ? fill(plan, &args, err) : status;
}

static enum status compute_loss(struct device_plan *plan, const struct device_batch *batch,
                                struct error *err)
{
    const int last = plan->net->layer_count - 1;
    const struct loss_args args = {.values = gpu_values(plan, last),
                                   .gradients = gpu_gradients(plan, last),
                                   .losses = plan->losses,
                                   .labels = plan->train_data->labels,
                                   .order = plan->order,
                                   .counted = batch->counted,
                                   .how = batch->loss};
    return gpu_check(kernel_loss(plan->stream, &args, (size_t)plan->images), "the loss", err);
}

/* cuDNN tells variances with n - 1, dnn.h those with n. */
static void set_variances(const struct device_plan *plan)
{
    for (int i = 0; plan->can_train && i < plan->net->layer_count; i++) {
        const struct gpu_layer *layer = &plan->layers[i];
        const float n =
            (float)(plan->images / plan->ghosts * layer->net->out.h * layer->net->out.w);
        if (layer->net->op != NET_BATCHNORM || n <= 1)
            continue;
        float *variance = gpu_host(plan, layer->norm.variance);
        for (int j = 0; j < plan->ghosts * layer->net->out.c; j++)
            variance[j] *= (n - 1) / n;
    }
}

static enum status bring_outbox(struct device_plan *plan, double *loss, struct error *err)
{
    cudaError_t result = cudaMemcpyAsync(plan->host + plan->inbox.used, plan->outbox.base,
                                         plan->outbox.used, cudaMemcpyDeviceToHost, plan->stream);
    if (result == cudaSuccess)
        result = cudaStreamSynchronize(plan->stream);
    if (result != cudaSuccess)
        return gpu_check(result, "a training step", err);
    const double *losses = gpu_host(plan, plan->losses);
    for (int i = 0; i < plan->images; i++)
        *loss += losses[i];
    set_variances(plan);
    return STATUS_OK;
}

enum status gpu_step(struct device_plan *plan, const struct device_batch *batch, double *loss,
                     struct error *err)
{
    *loss = 0;
    enum status status = gpu_check(cudaSetDevice(plan->state->number), "using the device", err);
    if (status == STATUS_OK)
        status = hold_data(plan, batch->data, err);
    if (status == STATUS_OK)
        status = bring_batch(plan, batch, err);
    if (status == STATUS_OK)
        status = forward(plan, batch->seed, batch->step, err);
    if (status == STATUS_OK)
        status = compute_loss(plan, batch, err);
    for (int i = plan->net->layer_count - 1; status == STATUS_OK && i >= 0; i--)
        status = gpu_layer_backward(plan, i, err);
    return status == STATUS_OK ? bring_outbox(plan, loss, err) : status;
}

/* ---- Evaluation ---- */

/* Images from first on, as many as there are places; what they gave goes to correct[first]. */
static enum status evaluate(struct device_plan *plan, const struct dataset *data,
                            const struct gpu_data *held, size_t first, float scale,
                            uint8_t *correct, struct error *err)
{
    const size_t left = data->count - first, places = (size_t)plan->images;
    const size_t count = left < places ? left : places;
    const int last = plan->net->layer_count - 1;
    const struct gather_args gather = {.images = held->images,
                                       .first = first,
                                       .filled = count,
                                       .shape = data->shape,
                                       .is_signed = data->is_signed,
                                       .scale = scale,
                                       .out = plan->input};
    const struct correct_args args = {gpu_values(plan, last), held->labels + first, correct + first,
                                      plan->net->class_count};
    enum status status = fill(plan, &gather, err);
    if (status == STATUS_OK)
        status = forward(plan, 0, 0, err);
    if (status == STATUS_OK)
        status = gpu_check(kernel_correct(plan->stream, &args, count), "counting", err);
    return status;
}

static enum status evaluate_all(struct device_plan *plan, const struct dataset *data,
                                const struct gpu_data *held, float scale, size_t *correct,
                                struct error *err)
{
    uint8_t *on_device = NULL, *found = malloc(data->count);
    enum status status = found ? gpu_check(cudaMalloc((void **)&on_device, data->count),
                                           "the validation images", err)
                               : error_set(err, STATUS_NO_MEMORY, "out of memory");
    for (size_t first = 0; status == STATUS_OK && first < data->count;
         first += (size_t)plan->images)
        status = evaluate(plan, data, held, first, scale, on_device, err);
    if (status == STATUS_OK)
        status = gpu_check(
            cudaMemcpyAsync(found, on_device, data->count, cudaMemcpyDeviceToHost, plan->stream),
            "counting", err);
    if (status == STATUS_OK)
        status = gpu_check(cudaStreamSynchronize(plan->stream), "an evaluation", err);
    for (size_t i = 0; status == STATUS_OK && i < data->count; i++)
        *correct += found[i];
    (void)cudaFree(on_device);
    free(found);
    return status;
}

enum status gpu_count_correct(struct device_plan *plan, const struct dataset *data,
                              float input_scale, size_t *correct, struct error *err)
{
    const struct gpu_data *held = NULL;
    *correct = 0;
    if (!data->count)
        return STATUS_OK;
    enum status status = gpu_check(cudaSetDevice(plan->state->number), "using the device", err);
    if (status == STATUS_OK)
        status = gpu_data_take(plan->state, data, &held, err);
    if (status == STATUS_OK && plan->dirty)
        status = bring_inbox(plan, err);
    if (status == STATUS_OK)
        status = evaluate_all(plan, data, held, input_scale, correct, err);
    gpu_data_release(plan->state, held);
    return status;
}

/* ---- For tests ---- */

enum status gpu_read(struct device_plan *plan, int layer, bool gradients, float *out,
                     struct error *err)
{
    const struct shape s = layer < 0 ? plan->net->input : plan->net->layers[layer].out;
    const size_t plane = (size_t)(s.h * s.w), channels = (size_t)s.c;
    const float *from = gradients ? gpu_gradients(plan, layer) : gpu_values(plan, layer);
    float *copy = malloc(gpu_count(plan, layer) * sizeof *copy);
    if (!copy || !from) {
        free(copy);
        return error_set(err, STATUS_INPUT, "layer %d has no such values", layer);
    }
    const enum status status = gpu_check(
        cudaMemcpy(copy, from, gpu_count(plan, layer) * sizeof *copy, cudaMemcpyDeviceToHost),
        "reading a layer", err);
    for (size_t i = 0; status == STATUS_OK && i < gpu_count(plan, layer); i++) {
        const size_t image = i / (plane * channels), at = i % (plane * channels);
        out[(image * plane + at % plane) * channels + at / plane] = copy[i];
    }
    free(copy);
    return status;
}
