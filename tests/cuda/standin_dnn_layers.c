// SPDX-License-Identifier: Apache-2.0
/* Stand-in for cuDNN: batch normalization and pooling. */
#include "standin_dnn.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* ---- Batch normalization, over all images and places of a channel ---- */

struct moments {
    double mean, variance, count;
};

static struct moments channel_moments(const struct cudnnTensorStruct *t, const float *values, int c)
{
    const size_t plane = (size_t)t->h * (size_t)t->w;
    struct moments m = {0, 0, (double)t->n * (double)plane};
    for (int pass = 0; pass < 2; pass++)
        for (int n = 0; n < t->n; n++)
            for (size_t i = 0; i < plane; i++) {
                const double v = (double)values[tensor_at(t, n, c, 0, 0) + i];
                if (pass == 0)
                    m.mean += v / m.count;
                else
                    m.variance += (v - m.mean) * (v - m.mean) / m.count;
            }
    return m;
}

cudnnStatus_t cudnnBatchNormalizationForwardTraining(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void *alpha, const void *beta,
    const cudnnTensorDescriptor_t in_desc, const void *in, const cudnnTensorDescriptor_t out_desc,
    void *out, const cudnnTensorDescriptor_t channels, const void *scale, const void *shift,
    double factor, void *running_mean, void *running_variance, double epsilon, void *saved_mean,
    void *saved_inverse)
{
    const size_t plane = (size_t)in_desc->h * (size_t)in_desc->w;
    float *mean = running_mean, *variance = running_variance;
    assert(handle->stream && mode == CUDNN_BATCHNORM_SPATIAL && factor >= 1 && factor <= 1);
    assert(channels->c == in_desc->c && channels->n == 1 &&
           tensor_count(channels) == (size_t)in_desc->c &&
           tensor_count(out_desc) == tensor_count(in_desc));
    for (int c = 0; c < in_desc->c; c++) {
        const struct moments m = channel_moments(in_desc, in, c);
        const double inverse = 1 / sqrt(m.variance + epsilon);
        const double a = (double)((const float *)scale)[c], b = (double)((const float *)shift)[c];
        mean[c] = (float)m.mean;
        variance[c] = (float)(m.variance * m.count / (m.count - 1));
        ((float *)saved_mean)[c] = (float)m.mean;
        ((float *)saved_inverse)[c] = (float)inverse;
        for (int n = 0; n < in_desc->n; n++)
            for (size_t i = 0; i < plane; i++) {
                const size_t at = tensor_at(in_desc, n, c, 0, 0) + i;
                const double v = ((double)((const float *)in)[at] - m.mean) * inverse;
                blend((float *)out + at, v * a + b, alpha, beta);
            }
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBatchNormalizationBackward(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void *data_alpha, const void *data_beta,
    const void *alpha, const void *beta, const cudnnTensorDescriptor_t in_desc, const void *in,
    const cudnnTensorDescriptor_t out_desc, const void *out, const cudnnTensorDescriptor_t dx_desc,
    void *dx, const cudnnTensorDescriptor_t channels, const void *scale, void *scale_gradients,
    void *shift_gradients, double epsilon, const void *saved_mean, const void *saved_inverse)
{
    const size_t plane = (size_t)in_desc->h * (size_t)in_desc->w;
    const float *x = in, *dy = out;
    assert(handle->stream && mode == CUDNN_BATCHNORM_SPATIAL && epsilon > 0);
    assert(tensor_count(out_desc) == tensor_count(dx_desc) && channels->c == in_desc->c);
    for (int c = 0; c < in_desc->c; c++) {
        const double mean = (double)((const float *)saved_mean)[c];
        const double inverse = (double)((const float *)saved_inverse)[c];
        const double count = (double)in_desc->n * (double)plane;
        double sum = 0, product = 0;
        for (int n = 0; n < in_desc->n; n++)
            for (size_t i = 0; i < plane; i++) {
                const size_t at = tensor_at(in_desc, n, c, 0, 0) + i;
                sum += (double)dy[at];
                product += (double)dy[at] * ((double)x[at] - mean) * inverse;
            }
        blend((float *)scale_gradients + c, product, alpha, beta);
        blend((float *)shift_gradients + c, sum, alpha, beta);
        for (int n = 0; n < in_desc->n; n++)
            for (size_t i = 0; i < plane; i++) {
                const size_t at = tensor_at(in_desc, n, c, 0, 0) + i;
                const double normal = ((double)x[at] - mean) * inverse;
                const double g = (double)dy[at] - sum / count - normal * product / count;
                blend((float *)dx + at, g * inverse * (double)((const float *)scale)[c], data_alpha,
                      data_beta);
            }
    }
    return CUDNN_STATUS_SUCCESS;
}

/* ---- Pooling ---- */

cudnnStatus_t cudnnCreatePoolingDescriptor(cudnnPoolingDescriptor_t *out)
{
    *out = calloc(1, sizeof **out);
    return *out ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_INTERNAL_ERROR;
}

cudnnStatus_t cudnnDestroyPoolingDescriptor(cudnnPoolingDescriptor_t pool)
{
    free(pool);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t pool, cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t nan, int h, int w, int pad_h,
                                          int pad_w, int stride_h, int stride_w)
{
    assert(nan == CUDNN_PROPAGATE_NAN);
    *pool = (struct cudnnPoolingStruct){mode, h, w, pad_h, pad_w, stride_h, stride_w};
    return CUDNN_STATUS_SUCCESS;
}

/* What a window gives: its average, or its maximum and where that stands. */
struct pooled {
    double value;
    size_t place;
};

typedef void pool_fn(void *context, size_t place);

static void walk_window(const struct cudnnPoolingStruct *pool, const struct cudnnTensorStruct *in,
                        const int at[4], pool_fn *call, void *context)
{
    for (int fy = 0; fy < pool->h; fy++)
        for (int fx = 0; fx < pool->w; fx++) {
            const int y = at[2] * pool->stride_h - pool->pad_h + fy;
            const int x = at[3] * pool->stride_w - pool->pad_w + fx;
            if (y >= 0 && y < in->h && x >= 0 && x < in->w)
                call(context, tensor_at(in, at[0], at[1], y, x));
        }
}

struct reader {
    const float *in;
    bool is_max, any;
    struct pooled result;
};

static void read_place(void *context, size_t place)
{
    struct reader *r = context;
    const double v = (double)r->in[place];
    if (!r->is_max) {
        r->result.value += v;
    } else if (!r->any || v > r->result.value) {
        r->result = (struct pooled){v, place};
    }
    r->any = true;
}

static struct pooled read_window(const struct cudnnPoolingStruct *pool,
                                 const struct cudnnTensorStruct *in_desc, const int at[4],
                                 const float *in)
{
    struct reader r = {.in = in, .is_max = pool->mode == CUDNN_POOLING_MAX_DETERMINISTIC};
    walk_window(pool, in_desc, at, read_place, &r);
    if (!r.is_max)
        r.result.value /= (double)(pool->h * pool->w);
    return r.result;
}

static void check_shapes(const struct cudnnPoolingStruct *pool, const struct cudnnTensorStruct *in,
                         const struct cudnnTensorStruct *out)
{
    assert(out->h == 1 + (in->h + 2 * pool->pad_h - pool->h) / pool->stride_h);
    assert(out->w == 1 + (in->w + 2 * pool->pad_w - pool->w) / pool->stride_w);
    assert(in->n == out->n && in->c == out->c);
}

cudnnStatus_t cudnnPoolingForward(cudnnHandle_t handle, const cudnnPoolingDescriptor_t pool,
                                  const void *alpha, const cudnnTensorDescriptor_t in_desc,
                                  const void *in, const void *beta,
                                  const cudnnTensorDescriptor_t out_desc, void *out)
{
    int at[4];
    assert(handle->stream);
    check_shapes(pool, in_desc, out_desc);
    for (at[0] = 0; at[0] < out_desc->n; at[0]++)
        for (at[1] = 0; at[1] < out_desc->c; at[1]++)
            for (at[2] = 0; at[2] < out_desc->h; at[2]++)
                for (at[3] = 0; at[3] < out_desc->w; at[3]++)
                    blend((float *)out + tensor_at(out_desc, at[0], at[1], at[2], at[3]),
                          read_window(pool, in_desc, at, in).value, alpha, beta);
    return CUDNN_STATUS_SUCCESS;
}

struct spreader {
    double *sums, value;
};

static void spread(void *context, size_t place)
{
    const struct spreader *s = context;
    s->sums[place] += s->value;
}

static void pass_back(const struct cudnnPoolingStruct *pool,
                      const struct cudnnTensorStruct *in_desc, const int at[4], const float *in,
                      struct spreader *s)
{
    if (pool->mode == CUDNN_POOLING_MAX_DETERMINISTIC) {
        s->sums[read_window(pool, in_desc, at, in).place] += s->value;
        return;
    }
    s->value /= (double)(pool->h * pool->w);
    walk_window(pool, in_desc, at, spread, s);
}

cudnnStatus_t cudnnPoolingBackward(cudnnHandle_t handle, const cudnnPoolingDescriptor_t pool,
                                   const void *alpha, const cudnnTensorDescriptor_t out_desc,
                                   const void *out, const cudnnTensorDescriptor_t dy_desc,
                                   const void *dy, const cudnnTensorDescriptor_t in_desc,
                                   const void *in, const void *beta,
                                   const cudnnTensorDescriptor_t dx_desc, void *dx)
{
    const size_t count = tensor_count(in_desc);
    double *sums = calloc(count, sizeof *sums);
    int at[4];
    assert(handle->stream && sums && out && tensor_count(dx_desc) == count);
    check_shapes(pool, in_desc, out_desc);
    for (at[0] = 0; at[0] < out_desc->n; at[0]++)
        for (at[1] = 0; at[1] < out_desc->c; at[1]++)
            for (at[2] = 0; at[2] < out_desc->h; at[2]++)
                for (at[3] = 0; at[3] < out_desc->w; at[3]++) {
                    const size_t i = tensor_at(dy_desc, at[0], at[1], at[2], at[3]);
                    struct spreader s = {sums, (double)((const float *)dy)[i]};
                    pass_back(pool, in_desc, at, in, &s);
                }
    for (size_t i = 0; i < count; i++)
        blend((float *)dx + i, sums[i], alpha, beta);
    free(sums);
    return CUDNN_STATUS_SUCCESS;
}
