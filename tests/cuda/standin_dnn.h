// SPDX-License-Identifier: Apache-2.0
/* Stand-in for cuDNN: what its opaque types hold. */
#ifndef MPQ_STANDIN_DNN_H
#define MPQ_STANDIN_DNN_H

#include <assert.h>
#include <cudnn.h>
#include <stddef.h>

struct cudnnContext {
    cudaStream_t stream;
};
struct cudnnTensorStruct {
    int n, c, h, w;
};
struct cudnnFilterStruct {
    int k, c, h, w;
};
struct cudnnConvolutionStruct {
    int pad_h, pad_w, stride_h, stride_w, groups;
    cudnnMathType_t math;
};
struct cudnnPoolingStruct {
    cudnnPoolingMode_t mode;
    int h, w, pad_h, pad_w, stride_h, stride_w;
};

static inline size_t tensor_at(const struct cudnnTensorStruct *t, int n, int c, int y, int x)
{
    assert(n < t->n && c < t->c && y >= 0 && y < t->h && x >= 0 && x < t->w);
    return (((size_t)n * (size_t)t->c + (size_t)c) * (size_t)t->h + (size_t)y) * (size_t)t->w +
           (size_t)x;
}

static inline size_t tensor_count(const struct cudnnTensorStruct *t)
{
    return (size_t)t->n * (size_t)t->c * (size_t)t->h * (size_t)t->w;
}

/* alpha * value + beta * old; with beta 0 the old one is not read. */
static inline void blend(float *out, double value, const void *alpha, const void *beta)
{
    const float a = *(const float *)alpha, b = *(const float *)beta;
    *out = (float)((double)a * value) + (b < 0 || b > 0 ? b * *out : 0);
}

#endif
