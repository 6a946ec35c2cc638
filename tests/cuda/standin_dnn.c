// SPDX-License-Identifier: Apache-2.0
/* Stand-in for cuDNN: descriptors, convolution, choice of algorithms. To show that the choice matters,
 * the first convolution algorithm that it offers is fast and inexact (as Winograd's is), and the first
 * gradient algorithm adds in an order that changes from call to call. */
#include "standin_dnn.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { WORKSPACE_BYTES = 64 };

size_t cudnnGetVersion(void)
{
    return 90000;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    return status == CUDNN_STATUS_SUCCESS ? "success" : "stand-in error";
}

/* ---- Objects ---- */

static cudnnStatus_t create(void **out, size_t bytes)
{
    *out = calloc(1, bytes);
    return *out ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_INTERNAL_ERROR;
}

static cudnnStatus_t destroy(void *object)
{
    free(object);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *out)
{
    return create((void **)out, sizeof **out);
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    return destroy(handle);
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *out)
{
    return create((void **)out, sizeof **out);
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor)
{
    return destroy(tensor);
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t t, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w)
{
    assert(format == CUDNN_TENSOR_NCHW && type == CUDNN_DATA_FLOAT && n > 0 && c > 0);
    *t = (struct cudnnTensorStruct){n, c, h, w};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *out)
{
    return create((void **)out, sizeof **out);
}

cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter)
{
    return destroy(filter);
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t f, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w)
{
    assert(format == CUDNN_TENSOR_NCHW && type == CUDNN_DATA_FLOAT);
    *f = (struct cudnnFilterStruct){k, c, h, w};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t *out)
{
    return create((void **)out, sizeof **out);
}

cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t conv)
{
    return destroy(conv);
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t conv, int pad_h,
                                              int pad_w, int stride_h, int stride_w, int dilation_h,
                                              int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t type)
{
    assert(dilation_h == 1 && dilation_w == 1 && mode == CUDNN_CROSS_CORRELATION &&
           type == CUDNN_DATA_FLOAT);
    *conv =
        (struct cudnnConvolutionStruct){pad_h, pad_w, stride_h, stride_w, 1, CUDNN_DEFAULT_MATH};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t conv, int groups)
{
    conv->groups = groups;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t conv, cudnnMathType_t math)
{
    conv->math = math;
    return CUDNN_STATUS_SUCCESS;
}

/* ---- Algorithms ---- */

/* Whether the shapes fit together, as cuDNN demands. */
static cudnnStatus_t check(const struct cudnnTensorStruct *in, const struct cudnnFilterStruct *f,
                           const struct cudnnConvolutionStruct *conv,
                           const struct cudnnTensorStruct *out)
{
    const int h = 1 + (in->h + 2 * conv->pad_h - f->h) / conv->stride_h;
    const int w = 1 + (in->w + 2 * conv->pad_w - f->w) / conv->stride_w;
    const int good = in->n == out->n && out->c == f->k && in->c == f->c * conv->groups &&
                     f->k % conv->groups == 0 && out->h == h && out->w == w &&
                     conv->math == CUDNN_FMA_MATH;
    return good ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t in, const cudnnFilterDescriptor_t filter,
    const cudnnConvolutionDescriptor_t conv, const cudnnTensorDescriptor_t out, const int wanted,
    int *count, cudnnConvolutionFwdAlgoPerf_t *found)
{
    assert(handle->stream && wanted >= 2);
    memset(found, 0, 2 * sizeof *found);
    found[0].algo = CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD;
    found[1].algo = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    for (int i = 0; i < 2; i++) {
        found[i].determinism = CUDNN_DETERMINISTIC;
        found[i].mathType = CUDNN_FMA_MATH;
    }
    found[1].memory = WORKSPACE_BYTES;
    *count = 2;
    return check(in, filter, conv, out);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t filter, const cudnnTensorDescriptor_t out,
    const cudnnConvolutionDescriptor_t conv, const cudnnTensorDescriptor_t in, const int wanted,
    int *count, cudnnConvolutionBwdDataAlgoPerf_t *found)
{
    assert(handle->stream && wanted >= 2);
    memset(found, 0, 2 * sizeof *found);
    found[0].algo = CUDNN_CONVOLUTION_BWD_DATA_ALGO_0;
    found[0].status = CUDNN_STATUS_NOT_SUPPORTED; /* as some are for some shapes */
    found[1].algo = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
    found[1].determinism = CUDNN_DETERMINISTIC;
    found[1].memory = WORKSPACE_BYTES;
    *count = 2;
    return check(in, filter, conv, out);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t in, const cudnnTensorDescriptor_t out,
    const cudnnConvolutionDescriptor_t conv, const cudnnFilterDescriptor_t filter, const int wanted,
    int *count, cudnnConvolutionBwdFilterAlgoPerf_t *found)
{
    assert(handle->stream && wanted >= 2);
    memset(found, 0, 2 * sizeof *found);
    found[0].algo = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0;
    found[0].determinism = CUDNN_NON_DETERMINISTIC;
    found[1].algo = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
    found[1].determinism = CUDNN_DETERMINISTIC;
    *count = 2;
    return check(in, filter, conv, out);
}

/* ---- Convolution: one function says which input, weight and output belong together ---- */

struct tap {
    size_t in, weight, out;
};

typedef void tap_fn(void *context, const struct tap *tap);

struct shapes {
    const struct cudnnTensorStruct *in, *out;
    const struct cudnnFilterStruct *filter;
    const struct cudnnConvolutionStruct *conv;
};

static void walk_output(const struct shapes *s, int n, int k, int y, int x, tap_fn *call,
                        void *context)
{
    const int group = k / (s->filter->k / s->conv->groups);
    for (int c = 0; c < s->filter->c; c++)
        for (int fy = 0; fy < s->filter->h; fy++)
            for (int fx = 0; fx < s->filter->w; fx++) {
                const int iy = y * s->conv->stride_h - s->conv->pad_h + fy;
                const int ix = x * s->conv->stride_w - s->conv->pad_w + fx;
                if (iy < 0 || iy >= s->in->h || ix < 0 || ix >= s->in->w)
                    continue;
                const struct tap tap = {
                    tensor_at(s->in, n, group * s->filter->c + c, iy, ix),
                    (size_t)(((k * s->filter->c + c) * s->filter->h + fy) * s->filter->w + fx),
                    tensor_at(s->out, n, k, y, x)};
                call(context, &tap);
            }
}

/* first: the image to begin with. */
static void walk(const struct shapes *s, int first, tap_fn *call, void *context)
{
    for (int i = 0; i < s->in->n; i++)
        for (int k = 0; k < s->out->c; k++)
            for (int y = 0; y < s->out->h; y++)
                for (int x = 0; x < s->out->w; x++)
                    walk_output(s, (first + i) % s->in->n, k, y, x, call, context);
}

struct sums {
    const float *in, *weights, *out;
    double *sums;
    float *float_sums;
};

static void add_to_out(void *context, const struct tap *tap)
{
    const struct sums *s = context;
    s->sums[tap->out] += (double)s->in[tap->in] * (double)s->weights[tap->weight];
}

static void add_to_in(void *context, const struct tap *tap)
{
    const struct sums *s = context;
    s->sums[tap->in] += (double)s->out[tap->out] * (double)s->weights[tap->weight];
}

/* In float: the order shows. */
static void add_to_weights(void *context, const struct tap *tap)
{
    const struct sums *s = context;
    s->float_sums[tap->weight] += s->out[tap->out] * s->in[tap->in];
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                      const cudnnTensorDescriptor_t in_desc, const void *in,
                                      const cudnnFilterDescriptor_t filter, const void *weights,
                                      const cudnnConvolutionDescriptor_t conv,
                                      cudnnConvolutionFwdAlgo_t algorithm, void *workspace,
                                      size_t workspace_bytes, const void *beta,
                                      const cudnnTensorDescriptor_t out_desc, void *out)
{
    const struct shapes shapes = {in_desc, out_desc, filter, conv};
    const size_t count = tensor_count(out_desc);
    const double wrong = algorithm == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD ? 1 + 1e-6 : 1;
    const struct sums s = {.in = in, .weights = weights, .sums = calloc(count, sizeof *s.sums)};
    assert(handle->stream && s.sums && (wrong > 1 || (workspace && workspace_bytes)));
    walk(&shapes, 0, add_to_out, (void *)&s);
    for (size_t i = 0; i < count; i++)
        blend((float *)out + i, s.sums[i] * wrong, alpha, beta);
    free(s.sums);
    return check(in_desc, filter, conv, out_desc);
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha,
                                           const cudnnFilterDescriptor_t filter,
                                           const void *weights,
                                           const cudnnTensorDescriptor_t out_desc, const void *out,
                                           const cudnnConvolutionDescriptor_t conv,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void *workspace,
                                           size_t workspace_bytes, const void *beta,
                                           const cudnnTensorDescriptor_t in_desc, void *in)
{
    const struct shapes shapes = {in_desc, out_desc, filter, conv};
    const size_t count = tensor_count(in_desc);
    const struct sums s = {.out = out, .weights = weights, .sums = calloc(count, sizeof *s.sums)};
    assert(handle->stream && s.sums && algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_1 &&
           workspace && workspace_bytes >= WORKSPACE_BYTES);
    walk(&shapes, 0, add_to_in, (void *)&s);
    for (size_t i = 0; i < count; i++)
        blend((float *)in + i, s.sums[i], alpha, beta);
    free(s.sums);
    return check(in_desc, filter, conv, out_desc);
}

cudnnStatus_t cudnnConvolutionBackwardFilter(
    cudnnHandle_t handle, const void *alpha, const cudnnTensorDescriptor_t in_desc, const void *in,
    const cudnnTensorDescriptor_t out_desc, const void *out,
    const cudnnConvolutionDescriptor_t conv, cudnnConvolutionBwdFilterAlgo_t algorithm,
    void *workspace, size_t workspace_bytes, const void *beta, const cudnnFilterDescriptor_t filter,
    void *weights)
{
    static atomic_int calls;
    const struct shapes shapes = {in_desc, out_desc, filter, conv};
    const size_t count = (size_t)filter->k * (size_t)(filter->c * filter->h * filter->w);
    const struct sums s = {.in = in, .out = out, .float_sums = calloc(count, sizeof *s.float_sums)};
    const int first = algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 ? calls++ : 0;
    assert(handle->stream && s.float_sums && (workspace || !workspace_bytes));
    walk(&shapes, first % in_desc->n, add_to_weights, (void *)&s);
    for (size_t i = 0; i < count; i++)
        blend((float *)weights + i, (double)s.float_sums[i], alpha, beta);
    free(s.float_sums);
    return check(in_desc, filter, conv, out_desc);
}
