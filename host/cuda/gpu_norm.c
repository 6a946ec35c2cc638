// SPDX-License-Identifier: Apache-2.0
/* Batch normalization, and pooling. cuDNN pools floats with equal padding on both sides; the rest, and
 * integers, which have many equal values, by our own kernel: there the first maximum counts, as on the
 * CPU, and averages are rounded as on the core. */
#include "cuda/gpu.h"

static const float ONE = 1, ZERO = 0;

/* ---- Batch normalization, a ghost after the other ---- */

enum status gpu_norm_create(struct device_plan *plan, int index, struct error *err)
{
    struct gpu_norm *norm = &plan->layers[index].norm;
    const struct net_layer *l = &plan->net->layers[index];
    cudnnStatus_t result = cudnnCreateTensorDescriptor(&norm->values);
    if (!result)
        result = cudnnCreateTensorDescriptor(&norm->channels);
    if (!result)
        result =
            cudnnSetTensor4dDescriptor(norm->values, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT,
                                       plan->images / plan->ghosts, l->out.c, l->out.h, l->out.w);
    if (!result)
        result = cudnnSetTensor4dDescriptor(norm->channels, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1,
                                            l->out.c, 1, 1);
    return gpu_check_cudnn(result, l->name, err);
}

void gpu_norm_place(struct device_plan *plan, int index)
{
    struct gpu_norm *norm = &plan->layers[index].norm;
    const size_t bytes = (size_t)plan->net->layers[index].out.c * sizeof(float);
    const size_t all = bytes * (size_t)plan->ghosts;
    norm->scale = gpu_arena_take(&plan->inbox, bytes);
    norm->shift = gpu_arena_take(&plan->inbox, bytes);
    norm->mean = gpu_arena_take(&plan->outbox, all);
    norm->variance = gpu_arena_take(&plan->outbox, all);
    norm->scale_gradients = gpu_arena_take(&plan->outbox, all);
    norm->shift_gradients = gpu_arena_take(&plan->outbox, all);
    norm->saved_mean = gpu_arena_take(&plan->rest, all);
    norm->saved_inverse = gpu_arena_take(&plan->rest, all);
}

/* The running statistics with factor 1 are those of the ghost: mean, and variance with n - 1. */
enum status gpu_norm_forward(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct gpu_norm *norm = &layer->norm;
    const size_t channels = (size_t)layer->net->out.c;
    const size_t count = gpu_count(plan, index) / (size_t)plan->ghosts;
    const float *in = gpu_values(plan, index - 1);
    enum status status = STATUS_OK;
    for (size_t g = 0; status == STATUS_OK && g < (size_t)plan->ghosts; g++)
        status = gpu_check_cudnn(
            cudnnBatchNormalizationForwardTraining(
                plan->cudnn, CUDNN_BATCHNORM_SPATIAL, &ONE, &ZERO, norm->values, in + g * count,
                norm->values, layer->values + g * count, norm->channels, norm->scale, norm->shift,
                1.0, norm->mean + g * channels, norm->variance + g * channels,
                (double)layer->net->epsilon, norm->saved_mean + g * channels,
                norm->saved_inverse + g * channels),
            layer->net->name, err);
    return status;
}

enum status gpu_norm_backward(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct gpu_norm *norm = &layer->norm;
    const size_t channels = (size_t)layer->net->out.c;
    const size_t count = gpu_count(plan, index) / (size_t)plan->ghosts;
    const float *in = gpu_values(plan, index - 1);
    float *out = gpu_gradients(plan, index - 1);
    enum status status = STATUS_OK;
    for (size_t g = 0; status == STATUS_OK && g < (size_t)plan->ghosts; g++)
        status = gpu_check_cudnn(
            cudnnBatchNormalizationBackward(
                plan->cudnn, CUDNN_BATCHNORM_SPATIAL, &ONE, layer->adds_before ? &ONE : &ZERO, &ONE,
                &ZERO, norm->values, in + g * count, norm->values, layer->gradients + g * count,
                norm->values, out + g * count, norm->channels, norm->scale,
                norm->scale_gradients + g * channels, norm->shift_gradients + g * channels,
                (double)layer->net->epsilon, norm->saved_mean + g * channels,
                norm->saved_inverse + g * channels),
            layer->net->name, err);
    return status;
}

void gpu_norm_free(struct gpu_layer *layer)
{
    const cudnnTensorDescriptor_t tensors[] = {layer->norm.values, layer->norm.channels,
                                               layer->pool_in, layer->pool_out};
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensors[i])
            (void)cudnnDestroyTensorDescriptor(tensors[i]);
    if (layer->pool)
        (void)cudnnDestroyPoolingDescriptor(layer->pool);
}

/* ---- Pooling ---- */

static struct window window_of(const struct net_layer *l)
{
    return (struct window){.in_h = l->in.h,
                           .in_w = l->in.w,
                           .out_h = l->out.h,
                           .out_w = l->out.w,
                           .kernel_h = l->kernel_h,
                           .kernel_w = l->kernel_w,
                           .stride_h = l->stride_h,
                           .stride_w = l->stride_w,
                           .top = l->pad_top,
                           .left = l->pad_left};
}

enum status gpu_pool_create(struct device_plan *plan, int index, struct error *err)
{
    struct gpu_layer *layer = &plan->layers[index];
    const struct net_layer *l = layer->net;
    if (plan->integers || l->pad_top != l->pad_bottom || l->pad_left != l->pad_right)
        return STATUS_OK;
    const cudnnPoolingMode_t mode = l->op == NET_MAXPOOL
                                        ? CUDNN_POOLING_MAX_DETERMINISTIC
                                        : CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING;
    cudnnStatus_t result = cudnnCreatePoolingDescriptor(&layer->pool);
    if (!result)
        result = cudnnCreateTensorDescriptor(&layer->pool_in);
    if (!result)
        result = cudnnCreateTensorDescriptor(&layer->pool_out);
    if (!result)
        result = cudnnSetPooling2dDescriptor(layer->pool, mode, CUDNN_PROPAGATE_NAN, l->kernel_h,
                                             l->kernel_w, l->pad_top, l->pad_left, l->stride_h,
                                             l->stride_w);
    if (!result)
        result = cudnnSetTensor4dDescriptor(layer->pool_in, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT,
                                            plan->images, l->in.c, l->in.h, l->in.w);
    if (!result)
        result = cudnnSetTensor4dDescriptor(layer->pool_out, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT,
                                            plan->images, l->out.c, l->out.h, l->out.w);
    return gpu_check_cudnn(result, l->name, err);
}

enum status gpu_pool_forward(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const float *in = gpu_values(plan, index - 1);
    if (layer->pool)
        return gpu_check_cudnn(cudnnPoolingForward(plan->cudnn, layer->pool, &ONE, layer->pool_in,
                                                   in, &ZERO, layer->pool_out, layer->values),
                               layer->net->name, err);
    const enum pool_kind kind = layer->net->op == NET_MAXPOOL ? POOL_MAX
                                : plan->integers              ? POOL_ROUNDED
                                                              : POOL_AVERAGE;
    const struct pool_args args = {in, layer->values, window_of(layer->net), kind};
    return gpu_check(kernel_pool(plan->stream, &args, gpu_count(plan, index)), layer->net->name,
                     err);
}

enum status gpu_pool_backward(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const float *in = gpu_values(plan, index - 1);
    float *out = gpu_gradients(plan, index - 1);
    if (layer->pool)
        return gpu_check_cudnn(
            cudnnPoolingBackward(plan->cudnn, layer->pool, &ONE, layer->pool_out, layer->values,
                                 layer->pool_out, layer->gradients, layer->pool_in, in,
                                 layer->adds_before ? &ONE : &ZERO, layer->pool_in, out),
            layer->net->name, err);
    const struct pool_back_args args = {in,
                                        layer->gradients,
                                        out,
                                        window_of(layer->net),
                                        layer->net->op == NET_MAXPOOL,
                                        layer->adds_before};
    return gpu_check(kernel_pool_back(plan->stream, &args, gpu_count(plan, index - 1)),
                     layer->net->name, err);
}
