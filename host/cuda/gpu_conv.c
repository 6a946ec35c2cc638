// SPDX-License-Identifier: Apache-2.0
/* Convolutions by cuDNN, fully connected layers by cuBLAS. Sums of integers must be exact: no
 * transforms (Winograd, FFT) and no tensor cores in the forward pass of integers. */
#include "cuda/gpu.h"

enum { ALGORITHMS = 8 };
static const size_t WORKSPACE_LIMIT = (size_t)256 << 20; /* of one layer */
static const float ONE = 1, ZERO = 0;

/* ---- Choice of algorithms: cuDNN's first one that we can use ---- */

static bool is_usable(const struct device_plan *plan, cudnnStatus_t status, size_t memory,
                      cudnnDeterminism_t determinism, cudnnMathType_t math)
{
    const bool float_sums = math == CUDNN_DEFAULT_MATH || math == CUDNN_FMA_MATH;
    return status == CUDNN_STATUS_SUCCESS && memory <= WORKSPACE_LIMIT && float_sums &&
           (!plan->state->deterministic || determinism == CUDNN_DETERMINISTIC);
}

static void need_workspace(struct device_plan *plan, size_t bytes)
{
    plan->workspace_bytes = bytes > plan->workspace_bytes ? bytes : plan->workspace_bytes;
}

static enum status no_algorithm(const struct device_plan *plan, const char *layer, const char *what,
                                struct error *err)
{
    return error_set(err, STATUS_INPUT, "layer %s: cuDNN has no %salgorithm for its %s%s", layer,
                     plan->state->deterministic ? "deterministic " : "", what,
                     plan->state->deterministic ? "; leave --deterministic out" : "");
}

static bool adds_exactly(cudnnConvolutionFwdAlgo_t algorithm)
{
    return algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM ||
           algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM ||
           algorithm == CUDNN_CONVOLUTION_FWD_ALGO_GEMM ||
           algorithm == CUDNN_CONVOLUTION_FWD_ALGO_DIRECT;
}

static enum status choose_forward(struct device_plan *plan, struct gpu_conv *conv, const char *name,
                                  struct error *err)
{
    cudnnConvolutionFwdAlgoPerf_t found[ALGORITHMS];
    int count = 0;
    const enum status status = gpu_check_cudnn(
        cudnnGetConvolutionForwardAlgorithm_v7(plan->cudnn, conv->in, conv->filter, conv->conv,
                                               conv->out, ALGORITHMS, &count, found),
        name, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < count; i++)
        if (is_usable(plan, found[i].status, found[i].memory, found[i].determinism,
                      found[i].mathType) &&
            (!plan->integers || adds_exactly(found[i].algo))) {
            conv->forward = found[i].algo;
            need_workspace(plan, found[i].memory);
            return STATUS_OK;
        }
    return no_algorithm(plan, name, "forward pass", err);
}

static enum status choose_data(struct device_plan *plan, struct gpu_conv *conv, const char *name,
                               struct error *err)
{
    cudnnConvolutionBwdDataAlgoPerf_t found[ALGORITHMS];
    int count = 0;
    const enum status status = gpu_check_cudnn(
        cudnnGetConvolutionBackwardDataAlgorithm_v7(
            plan->cudnn, conv->filter, conv->out, conv->conv, conv->in, ALGORITHMS, &count, found),
        name, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < count; i++)
        if (is_usable(plan, found[i].status, found[i].memory, found[i].determinism,
                      found[i].mathType)) {
            conv->data = found[i].algo;
            need_workspace(plan, found[i].memory);
            return STATUS_OK;
        }
    return no_algorithm(plan, name, "input gradient", err);
}

static enum status choose_weights(struct device_plan *plan, struct gpu_conv *conv, const char *name,
                                  struct error *err)
{
    cudnnConvolutionBwdFilterAlgoPerf_t found[ALGORITHMS];
    int count = 0;
    const enum status status = gpu_check_cudnn(
        cudnnGetConvolutionBackwardFilterAlgorithm_v7(plan->cudnn, conv->in, conv->out, conv->conv,
                                                      conv->filter, ALGORITHMS, &count, found),
        name, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < count; i++)
        if (is_usable(plan, found[i].status, found[i].memory, found[i].determinism,
                      found[i].mathType)) {
            conv->weights = found[i].algo;
            need_workspace(plan, found[i].memory);
            return STATUS_OK;
        }
    return no_algorithm(plan, name, "weight gradient", err);
}

/* ---- Descriptors ---- */

/* What cuDNN sees as the input: with our own padding round it where its padding will not do. */
static struct shape set_padding(struct gpu_conv *conv, const struct net_layer *l)
{
    struct shape in = l->in;
    conv->is_padded = l->pad_top != l->pad_bottom || l->pad_left != l->pad_right;
    if (conv->is_padded) {
        in.h += l->pad_top + l->pad_bottom;
        in.w += l->pad_left + l->pad_right;
    }
    conv->pad = (struct window){.in_h = l->in.h,
                                .in_w = l->in.w,
                                .out_h = in.h,
                                .out_w = in.w,
                                .top = l->pad_top,
                                .left = l->pad_left};
    return in;
}

static cudnnStatus_t describe(const struct device_plan *plan, struct gpu_conv *conv,
                              const struct net_layer *l)
{
    const struct shape in = set_padding(conv, l);
    const int top = conv->is_padded ? 0 : l->pad_top, left = conv->is_padded ? 0 : l->pad_left;
    cudnnStatus_t result = cudnnCreateTensorDescriptor(&conv->in);
    if (!result)
        result = cudnnCreateTensorDescriptor(&conv->out);
    if (!result)
        result = cudnnCreateFilterDescriptor(&conv->filter);
    if (!result)
        result = cudnnCreateConvolutionDescriptor(&conv->conv);
    if (!result)
        result = cudnnSetTensor4dDescriptor(conv->in, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT,
                                            plan->images, in.c, in.h, in.w);
    if (!result)
        result = cudnnSetTensor4dDescriptor(conv->out, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT,
                                            plan->images, l->out.c, l->out.h, l->out.w);
    if (!result)
        result =
            cudnnSetFilter4dDescriptor(conv->filter, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, l->out.c,
                                       l->in.c / l->groups, l->kernel_h, l->kernel_w);
    if (!result)
        result = cudnnSetConvolution2dDescriptor(conv->conv, top, left, l->stride_h, l->stride_w, 1,
                                                 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    if (!result)
        result = cudnnSetConvolutionGroupCount(conv->conv, l->groups);
    if (!result)
        result = cudnnSetConvolutionMathType(conv->conv, CUDNN_FMA_MATH);
    return result;
}

enum status gpu_conv_create(struct device_plan *plan, int index, struct error *err)
{
    struct gpu_conv *conv = &plan->layers[index].conv;
    const struct net_layer *l = &plan->net->layers[index];
    enum status status = gpu_check_cudnn(describe(plan, conv, l), l->name, err);
    if (status == STATUS_OK)
        status = choose_forward(plan, conv, l->name, err);
    if (status == STATUS_OK)
        status = choose_weights(plan, conv, l->name, err);
    if (status == STATUS_OK && index > 0 && plan->layers[index - 1].has_gradients)
        status = choose_data(plan, conv, l->name, err);
    return status;
}

static size_t padded_count(const struct device_plan *plan, const struct gpu_conv *conv,
                           const struct net_layer *l)
{
    return (size_t)plan->images * (size_t)l->in.c * (size_t)(conv->pad.out_h * conv->pad.out_w);
}

void gpu_conv_place(struct device_plan *plan, int index)
{
    struct gpu_conv *conv = &plan->layers[index].conv;
    const size_t bytes = padded_count(plan, conv, &plan->net->layers[index]) * sizeof(float);
    if (!conv->is_padded)
        return;
    conv->padded = gpu_arena_take(&plan->rest, bytes);
    conv->padded_gradients = gpu_arena_take(&plan->rest, bytes);
}

void gpu_conv_free(struct gpu_conv *conv)
{
    if (conv->in)
        (void)cudnnDestroyTensorDescriptor(conv->in);
    if (conv->out)
        (void)cudnnDestroyTensorDescriptor(conv->out);
    if (conv->filter)
        (void)cudnnDestroyFilterDescriptor(conv->filter);
    if (conv->conv)
        (void)cudnnDestroyConvolutionDescriptor(conv->conv);
}

/* ---- Convolution ---- */

enum status gpu_conv_forward(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct gpu_conv *conv = &layer->conv;
    const float *in = gpu_values(plan, index - 1);
    if (conv->is_padded) {
        const struct pad_args pad = {in, conv->padded, conv->pad};
        const enum status status = gpu_check(
            kernel_pad(plan->stream, &pad, padded_count(plan, conv, layer->net)), "padding", err);
        if (status != STATUS_OK)
            return status;
        in = conv->padded;
    }
    return gpu_check_cudnn(cudnnConvolutionForward(plan->cudnn, &ONE, conv->in, in, conv->filter,
                                                   layer->weights, conv->conv, conv->forward,
                                                   plan->workspace, plan->workspace_bytes, &ZERO,
                                                   conv->out, layer->values),
                           layer->net->name, err);
}

static enum status backward_data(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct gpu_conv *conv = &layer->conv;
    float *out = gpu_gradients(plan, index - 1);
    const bool adds = layer->adds_before && !conv->is_padded;
    const enum status status = gpu_check_cudnn(
        cudnnConvolutionBackwardData(plan->cudnn, &ONE, conv->filter, layer->weights, conv->out,
                                     layer->gradients, conv->conv, conv->data, plan->workspace,
                                     plan->workspace_bytes, adds ? &ONE : &ZERO, conv->in,
                                     conv->is_padded ? conv->padded_gradients : out),
        layer->net->name, err);
    if (status != STATUS_OK || !conv->is_padded)
        return status;
    const struct crop_args crop = {conv->padded_gradients, out, conv->pad, layer->adds_before};
    return gpu_check(kernel_crop(plan->stream, &crop, gpu_count(plan, index - 1)), "padding", err);
}

enum status gpu_conv_backward(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct gpu_conv *conv = &layer->conv;
    const float *in = conv->is_padded ? conv->padded : gpu_values(plan, index - 1);
    const enum status status = gpu_check_cudnn(
        cudnnConvolutionBackwardFilter(
            plan->cudnn, &ONE, conv->in, in, conv->out, layer->gradients, conv->conv, conv->weights,
            plan->workspace, plan->workspace_bytes, &ZERO, conv->filter, layer->weight_gradients),
        layer->net->name, err);
    return status == STATUS_OK && gpu_gradients(plan, index - 1) ? backward_data(plan, index, err)
                                                                 : status;
}

/* ---- Fully connected: cuBLAS has columns where we have rows ---- */

enum status gpu_fc_forward(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const int in = (int)shape_size(layer->net->in), out = layer->net->out.c;
    return gpu_check_cublas(cublasSgemm(plan->cublas, CUBLAS_OP_T, CUBLAS_OP_N, out, plan->images,
                                        in, &ONE, layer->weights, in, gpu_values(plan, index - 1),
                                        in, &ZERO, layer->values, out),
                            layer->net->name, err);
}

enum status gpu_fc_backward(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const int in = (int)shape_size(layer->net->in), out = layer->net->out.c;
    float *before = gpu_gradients(plan, index - 1);
    const enum status status =
        gpu_check_cublas(cublasSgemm(plan->cublas, CUBLAS_OP_N, CUBLAS_OP_T, in, out, plan->images,
                                     &ONE, gpu_values(plan, index - 1), in, layer->gradients, out,
                                     &ZERO, layer->weight_gradients, in),
                         layer->net->name, err);
    if (status != STATUS_OK || !before)
        return status;
    return gpu_check_cublas(cublasSgemm(plan->cublas, CUBLAS_OP_N, CUBLAS_OP_N, in, plan->images,
                                        out, &ONE, layer->weights, in, layer->gradients, out,
                                        layer->adds_before ? &ONE : &ZERO, before, in),
                            layer->net->name, err);
}
