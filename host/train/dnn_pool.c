// SPDX-License-Identifier: Apache-2.0
/* Maximum pooling on [image][h][w][c]: memory sets its speed, and oneDNN's takes several times that
 * for this layout. Of equal values the first one of the window wins, NaN wins over all. */
#include <string.h>
#include "base/vector.h"
#include "train/dnn_plan.h"

enum { MAX_WINDOW = 255 }; /* positions that a byte tells apart */

bool dnn_maxpool_is_ours(const struct net_layer *layer)
{
    return layer->op == NET_MAXPOOL && layer->kernel_h * layer->kernel_w <= MAX_WINDOW;
}

/* The window of one output pixel, as far as it lies in the image. */
struct view {
    int top, left; /* of the whole window, may be negative */
    int first_y, end_y, first_x, end_x;
};

static struct view view_of(const struct net_layer *l, int y, int x)
{
    const int top = y * l->stride_h - l->pad_top, left = x * l->stride_w - l->pad_left;
    const int bottom = top + l->kernel_h, right = left + l->kernel_w;
    return (struct view){.top = top,
                         .left = left,
                         .first_y = top < 0 ? 0 : top,
                         .end_y = bottom > l->in.h ? l->in.h : bottom,
                         .first_x = left < 0 ? 0 : left,
                         .end_x = right > l->in.w ? l->in.w : right};
}

static size_t pixel_at(const struct net_layer *l, int y, int x)
{
    return ((size_t)y * (size_t)l->in.w + (size_t)x) * (size_t)l->in.c;
}

static uint8_t position_of(const struct net_layer *l, const struct view *v, int y, int x)
{
    return (uint8_t)((y - v->top) * l->kernel_w + x - v->left);
}

static inline void take_larger(const float *restrict in, uint8_t position, float *restrict out,
                               uint8_t *restrict choice, size_t channels)
{
#pragma omp simd
    for (size_t c = 0; c < channels; c++) {
        const bool better = in[c] > out[c] || in[c] != in[c];
        out[c] = better ? in[c] : out[c];
        choice[c] = better ? position : choice[c];
    }
}

static inline void pool_pixel(const struct net_layer *l, const struct view *v, const float *in,
                              float *out, uint8_t *choice)
{
    const size_t channels = (size_t)l->in.c;
    memcpy(out, in + pixel_at(l, v->first_y, v->first_x), channels * sizeof *out);
    memset(choice, position_of(l, v, v->first_y, v->first_x), channels);
    for (int y = v->first_y; y < v->end_y; y++)
        for (int x = v->first_x; x < v->end_x; x++)
            take_larger(in + pixel_at(l, y, x), position_of(l, v, y, x), out, choice, channels);
}

VECTOR_CLONES
void dnn_maxpool_forward(struct dnn_shard *shard, int index)
{
    const struct net_layer *l = shard->plan->layers[index].net;
    const float *in = dnn_shard_values(shard, index - 1);
    float *out = dnn_shard_values(shard, index);
    uint8_t *choice = shard->layers[index].choices;
    for (int i = 0; i < shard->plan->images; i++, in += shape_size(l->in))
        for (int y = 0; y < l->out.h; y++)
            for (int x = 0; x < l->out.w; x++, out += l->out.c, choice += l->out.c) {
                const struct view v = view_of(l, y, x);
                pool_pixel(l, &v, in, out, choice);
            }
}

/* What came from this position of the window; is_only: no other window gives it a gradient. */
static inline void give_back(const float *restrict gradient, const uint8_t *restrict choice,
                             uint8_t position, bool is_only, float *restrict in, size_t channels)
{
    if (is_only) {
#pragma omp simd
        for (size_t c = 0; c < channels; c++)
            in[c] = choice[c] == position ? gradient[c] : 0.0f;
        return;
    }
#pragma omp simd
    for (size_t c = 0; c < channels; c++)
        in[c] += choice[c] == position ? gradient[c] : 0.0f;
}

bool dnn_pool_is_tiling(const struct net_layer *l)
{
    return l->stride_h == l->kernel_h && l->stride_w == l->kernel_w && !l->pad_top &&
           !l->pad_left && l->out.h * l->stride_h == l->in.h && l->out.w * l->stride_w == l->in.w;
}

VECTOR_CLONES
void dnn_maxpool_backward(struct dnn_shard *shard, int index)
{
    const struct net_layer *l = shard->plan->layers[index].net;
    const bool tiling = dnn_pool_is_tiling(l);
    const size_t channels = (size_t)l->out.c;
    float *in = dnn_shard_gradients(shard, index - 1);
    const float *gradient = dnn_shard_gradients(shard, index);
    const uint8_t *choice = shard->layers[index].choices;
    if (!shard->plan->layers[index].needs_gradient)
        return;
    if (!tiling)
        memset(in, 0, dnn_value_count(shard, index - 1) * sizeof *in);
    for (int i = 0; i < shard->plan->images; i++, in += shape_size(l->in))
        for (int p = 0; p < l->out.h * l->out.w; p++, gradient += channels, choice += channels) {
            const struct view v = view_of(l, p / l->out.w, p % l->out.w);
            for (int y = v.first_y; y < v.end_y; y++)
                for (int x = v.first_x; x < v.end_x; x++)
                    give_back(gradient, choice, position_of(l, &v, y, x), tiling,
                              in + pixel_at(l, y, x), channels);
        }
}
