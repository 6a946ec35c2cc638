// SPDX-License-Identifier: Apache-2.0
/* Average pooling on [image][h][w][c], whose windows lie inside the image: oneDNN's takes several times
 * as long for few channels. A window is summed in the order of its elements. */
#include <string.h>
#include "base/vector.h"
#include "train/dnn_plan.h"

/* Floats from pixel to pixel and row to row of the input, and from window to window. */
struct steps {
    size_t channels, row, window_row, window;
};

static struct steps steps_of(const struct net_layer *l)
{
    const size_t channels = (size_t)l->in.c, row = (size_t)l->in.w * channels;
    return (struct steps){channels, row, (size_t)l->stride_h * row, (size_t)l->stride_w * channels};
}

static inline void sum_window(const float *restrict in, const struct steps *steps, int height,
                              int width, float *restrict out)
{
    const size_t channels = steps->channels;
    memcpy(out, in, channels * sizeof *out);
    for (int y = 0; y < height; y++, in += steps->row)
        for (int x = y == 0; x < width; x++)
#pragma omp simd
            for (size_t c = 0; c < channels; c++)
                out[c] += in[(size_t)x * channels + c];
}

/* The usual window: the sum stays in registers. */
static inline void sum_window_2x2(const float *restrict in, const struct steps *steps,
                                  float *restrict out)
{
    const size_t channels = steps->channels;
    const float *restrict below = in + steps->row;
#pragma omp simd
    for (size_t c = 0; c < channels; c++)
        out[c] = in[c] + in[channels + c] + below[c] + below[channels + c];
}

VECTOR_CLONES
void dnn_avgpool_sums(const struct net_layer *l, const float *in, float *out, size_t images)
{
    const struct steps steps = steps_of(l);
    const bool is_2x2 = l->kernel_h == 2 && l->kernel_w == 2;
    for (size_t i = 0; i < images; i++, in += shape_size(l->in))
        for (int y = 0; y < l->out.h; y++) {
            const float *window = in + (size_t)y * steps.window_row;
            for (int x = 0; x < l->out.w; x++, window += steps.window, out += steps.channels) {
                if (is_2x2)
                    sum_window_2x2(window, &steps, out);
                else
                    sum_window(window, &steps, l->kernel_h, l->kernel_w, out);
            }
        }
}

VECTOR_CLONES
static void divide(float *values, float divisor, size_t count)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        values[i] /= divisor;
}

static float window_size(const struct net_layer *l)
{
    return (float)(l->kernel_h * l->kernel_w);
}

void dnn_avgpool_forward(struct dnn_shard *shard, int index)
{
    const struct net_layer *l = shard->plan->layers[index].net;
    float *out = dnn_shard_values(shard, index);
    dnn_avgpool_sums(l, dnn_shard_values(shard, index - 1), out, (size_t)shard->plan->images);
    divide(out, window_size(l), dnn_value_count(shard, index));
}

/* A row of output pixels: their gradients to one row of their windows. */
VECTOR_CLONES
static void add_to_row(const struct net_layer *l, const struct steps *steps,
                       const float *restrict gradient, float *restrict in)
{
    const size_t channels = steps->channels;
    for (int x = 0; x < l->out.w; x++, gradient += channels, in += steps->window)
        for (size_t column = 0; column < (size_t)l->kernel_w * channels; column += channels)
#pragma omp simd
            for (size_t c = 0; c < channels; c++)
                in[column + c] += gradient[c];
}

/* The same where no other window gives these a gradient. */
static void copy_to_row(const struct net_layer *l, const struct steps *steps, const float *gradient,
                        float *in)
{
    for (int x = 0; x < l->out.w; x++, gradient += steps->channels)
        for (int column = 0; column < l->kernel_w; column++, in += steps->channels)
            memcpy(in, gradient, steps->channels * sizeof *in);
}

/* A row of output pixels: their gradients to all rows of their windows. */
static void spread_row(const struct net_layer *l, const struct steps *steps, bool is_tiling,
                       const float *gradient, float *in)
{
    if (!is_tiling) {
        for (int y = 0; y < l->kernel_h; y++)
            add_to_row(l, steps, gradient, in + (size_t)y * steps->row);
        return;
    }
    copy_to_row(l, steps, gradient, in);
    for (int y = 1; y < l->kernel_h; y++)
        memcpy(in + (size_t)y * steps->row, in, steps->row * sizeof *in);
}

void dnn_avgpool_backward(struct dnn_shard *shard, int index)
{
    const struct net_layer *l = shard->plan->layers[index].net;
    const struct steps steps = steps_of(l);
    const bool tiling = dnn_pool_is_tiling(l);
    float *gradient = dnn_shard_gradients(shard, index);
    float *in = dnn_shard_gradients(shard, index - 1);
    if (!shard->plan->layers[index].needs_gradient)
        return;
    divide(gradient, window_size(l), dnn_value_count(shard, index));
    if (!tiling)
        memset(in, 0, dnn_value_count(shard, index - 1) * sizeof *in);
    for (int i = 0; i < shard->plan->images; i++, in += shape_size(l->in))
        for (int y = 0; y < l->out.h; y++, gradient += (size_t)l->out.w * steps.channels)
            spread_row(l, &steps, tiling, gradient, in + (size_t)y * steps.window_row);
}
