// SPDX-License-Identifier: Apache-2.0
/* What each of our kernels does for one index: plain functions, which nvcc runs in a thread each
 * (kernels.cu) and gcc in a loop (the tests' stand-in). No index writes what another one reads or
 * writes, so that the order does not matter and nothing is added atomically.
 *
 * Tensors are [image][c][h][w], dense. `plane` is h * w, `add`: the result is added to what is there. */
#ifndef MPQ_CUDA_ELEMENTS_H
#define MPQ_CUDA_ELEMENTS_H

#include "data/augment_pixel.h"
#include "train/cross_entropy.h"
#include "train/dropout.h"

/* Every kernel; a struct NAME_args and an element_NAME() each. */
#define CUDA_KERNELS(X)                                                                            \
    X(gather)                                                                                      \
    X(bias)                                                                                        \
    X(relu)                                                                                        \
    X(relu_back)                                                                                   \
    X(combine)                                                                                     \
    X(scale)                                                                                       \
    X(draw)                                                                                        \
    X(drop)                                                                                        \
    X(flatten)                                                                                     \
    X(pad)                                                                                         \
    X(crop)                                                                                        \
    X(pool)                                                                                        \
    X(pool_back)                                                                                   \
    X(requantize)                                                                                  \
    X(straight)                                                                                    \
    X(partial_sums)                                                                                \
    X(sums)                                                                                        \
    X(loss)                                                                                        \
    X(correct)

enum { SUM_PARTS = 256 }; /* of a channel's sum */

ON_DEVICE void put(float *to, float value, bool add)
{
    *to = add ? *to + value : value;
}

/* ---- Input: one index a place and pixel ---- */

struct gather_args {
    const uint8_t *images; /* [..][h][w][c] */
    const uint32_t *order; /* [filled] numbers of the images; NULL: from `first` on */
    size_t first;
    const struct augment_draw *draws; /* NULL: none */
    size_t filled;                    /* places with an image; the others become 0 */
    struct shape shape;
    bool is_signed;
    float scale;
    float *out;
};

ON_DEVICE void element_gather(const struct gather_args *a, size_t i)
{
    const size_t plane = (size_t)a->shape.h * (size_t)a->shape.w, place = i / plane;
    const size_t size = plane * (size_t)a->shape.c, pixel = i % plane;
    float *out = a->out + place * size + pixel;
    if (place >= a->filled) {
        for (int c = 0; c < a->shape.c; c++)
            out[(size_t)c * plane] = 0;
        return;
    }
    struct augment_draw draw = {0, 0, false, 0, 0, 0, 0, 1, 1, 0, 0, 0};
    if (a->draws)
        draw = a->draws[place];
    const size_t image = a->order ? a->order[place] : a->first + place;
    const struct augment_source from = {a->images + image * size, a->shape, a->is_signed, a->scale};
    augment_pixel(&draw, &from, (int)(pixel / (size_t)a->shape.w),
                  (int)(pixel % (size_t)a->shape.w), out, plane);
}

/* ---- One index a value ---- */

struct bias_args {
    float *values;
    const float *bias; /* [channels] */
    size_t plane, channels;
};

ON_DEVICE void element_bias(const struct bias_args *a, size_t i)
{
    a->values[i] += a->bias[i / a->plane % a->channels];
}

struct relu_args {
    const float *in;
    float *out;
    bool six; /* ReLU6 */
};

/* NaN stays. */
ON_DEVICE void element_relu(const struct relu_args *a, size_t i)
{
    const float low = a->in[i] < 0.0f ? 0.0f : a->in[i];
    a->out[i] = a->six && low > 6.0f ? 6.0f : low;
}

struct relu_back_args {
    const float *values, *gradients; /* behind the layer */
    float *out;
    bool six, add;
};

ON_DEVICE void element_relu_back(const struct relu_back_args *a, size_t i)
{
    const bool active = a->values[i] > 0.0f && (!a->six || a->values[i] < 6.0f);
    put(&a->out[i], active ? a->gradients[i] : 0.0f, a->add);
}

struct combine_args { /* out = ma a + mb b */
    const float *a, *b;
    float ma, mb;
    float *out;
};

ON_DEVICE void element_combine(const struct combine_args *a, size_t i)
{
    a->out[i] = a->ma * a->a[i] + a->mb * a->b[i];
}

struct scale_args {
    const float *in;
    float factor;
    float *out;
    bool add;
};

ON_DEVICE void element_scale(const struct scale_args *a, size_t i)
{
    put(&a->out[i], a->factor * a->in[i], a->add);
}

struct flatten_args { /* [c][h][w] in, [h][w][c] out; back: the other way round */
    const float *in;
    float *out;
    size_t channels, plane;
    bool back, add;
};

ON_DEVICE void element_flatten(const struct flatten_args *a, size_t i)
{
    const size_t size = a->channels * a->plane, at = i % size, image = i - at;
    const size_t spatial = image + at % a->plane * a->channels + at / a->plane;
    if (a->back)
        put(&a->out[i], a->in[spatial], a->add);
    else
        a->out[spatial] = a->in[i];
}

/* ---- Dropout ---- */

struct draw_args {     /* one index a place, whose numbers come one after the other */
    uint64_t *numbers; /* [count][images] */
    size_t images, count;
    uint64_t seed, step;
    int layer;
};

ON_DEVICE void element_draw(const struct draw_args *a, size_t i)
{
    struct rng rng = dropout_rng(a->seed, a->step, (uint32_t)i, a->layer);
    for (size_t j = 0; j < a->count; j++)
        a->numbers[j * a->images + i] = rng_draw(&rng);
}

struct drop_args { /* one index a value */
    const float *in;
    const uint64_t *numbers;
    float *out;
    size_t images, channels, plane;
    struct dropout dropout;
    bool add;
};

ON_DEVICE void element_drop(const struct drop_args *a, size_t i)
{
    const size_t size = a->channels * a->plane, image = i / size, at = i % size;
    const size_t j = at % a->plane * a->channels + at / a->plane; /* in [h][w][c] */
    const uint64_t number = a->numbers[j / DROPOUT_VALUES * a->images + image];
    put(&a->out[i], a->in[i] * dropout_factor(&a->dropout, number, j % DROPOUT_VALUES), a->add);
}

/* ---- Windows ---- */

struct window {
    int in_h, in_w, out_h, out_w;
    int kernel_h, kernel_w, stride_h, stride_w, top, left;
};

struct pad_args { /* in [in_h][in_w] into the middle of out [out_h][out_w], index of out */
    const float *in;
    float *out;
    struct window w;
};

ON_DEVICE void element_pad(const struct pad_args *a, size_t i)
{
    const struct window *w = &a->w;
    const size_t plane = (size_t)w->out_h * (size_t)w->out_w;
    const int y = (int)(i % plane) / w->out_w - w->top;
    const int x = (int)(i % plane) % w->out_w - w->left;
    const bool inside = y >= 0 && y < w->in_h && x >= 0 && x < w->in_w;
    const size_t from = i / plane * (size_t)(w->in_h * w->in_w);
    a->out[i] = inside ? a->in[from + (size_t)(y * w->in_w + x)] : 0.0f;
}

struct crop_args { /* the other way: index of [in_h][in_w] */
    const float *padded;
    float *out;
    struct window w;
    bool add;
};

ON_DEVICE void element_crop(const struct crop_args *a, size_t i)
{
    const struct window *w = &a->w;
    const size_t plane = (size_t)w->in_h * (size_t)w->in_w;
    const int y = (int)(i % plane) / w->in_w + w->top;
    const int x = (int)(i % plane) % w->in_w + w->left;
    const size_t from = i / plane * (size_t)(w->out_h * w->out_w);
    put(&a->out[i], a->padded[from + (size_t)(y * w->out_w + x)], a->add);
}

enum pool_kind { POOL_MAX, POOL_AVERAGE, POOL_ROUNDED /* average, half up, as the core does */ };

struct pool_args { /* index of out; padding counts as 0 in an average and not at all in a maximum */
    const float *in;
    float *out;
    struct window w;
    enum pool_kind kind;
};

/* Where the maximum of output (y, x) stands in its plane: the first one. */
ON_DEVICE int pool_argmax(const struct window *w, const float *in, int y, int x)
{
    int best = -1;
    for (int ky = 0; ky < w->kernel_h; ky++)
        for (int kx = 0; kx < w->kernel_w; kx++) {
            const int iy = y * w->stride_h - w->top + ky, ix = x * w->stride_w - w->left + kx;
            const int at = iy * w->in_w + ix;
            if (iy >= 0 && iy < w->in_h && ix >= 0 && ix < w->in_w)
                best = best < 0 || in[at] > in[best] ? at : best;
        }
    return best;
}

ON_DEVICE float pool_sum(const struct window *w, const float *in, int y, int x)
{
    float sum = 0;
    for (int ky = 0; ky < w->kernel_h; ky++)
        for (int kx = 0; kx < w->kernel_w; kx++) {
            const int iy = y * w->stride_h - w->top + ky, ix = x * w->stride_w - w->left + kx;
            if (iy >= 0 && iy < w->in_h && ix >= 0 && ix < w->in_w)
                sum += in[iy * w->in_w + ix];
        }
    return sum;
}

ON_DEVICE void element_pool(const struct pool_args *a, size_t i)
{
    const struct window *w = &a->w;
    const size_t plane = (size_t)w->out_h * (size_t)w->out_w;
    const float *in = a->in + i / plane * (size_t)(w->in_h * w->in_w);
    const int y = (int)(i % plane) / w->out_w, x = (int)(i % plane) % w->out_w;
    const float n = (float)(w->kernel_h * w->kernel_w);
    if (a->kind == POOL_MAX)
        a->out[i] = in[pool_argmax(w, in, y, x)];
    else if (a->kind == POOL_AVERAGE)
        a->out[i] = pool_sum(w, in, y, x) / n;
    else
        a->out[i] = (float)floor((2 * (double)pool_sum(w, in, y, x) + (double)n) / (2 * (double)n));
}

struct pool_back_args { /* index of in; averages pass on alike, rounded or not */
    const float *in, *gradients;
    float *out;
    struct window w;
    bool is_max, add;
};

/* First and last output whose window holds place `at` of a row or column of `size` outputs. */
ON_DEVICE int pool_first(int at, int before, int kernel, int stride)
{
    const int first = at + before - kernel + 1;
    return first <= 0 ? 0 : (first + stride - 1) / stride;
}

ON_DEVICE int pool_last(int at, int before, int stride, int size)
{
    const int last = (at + before) / stride;
    return last < size ? last : size - 1;
}

ON_DEVICE void element_pool_back(const struct pool_back_args *a, size_t i)
{
    const struct window *w = &a->w;
    const size_t plane = (size_t)w->in_h * (size_t)w->in_w;
    const float *in = a->in + i / plane * plane;
    const float *gradients = a->gradients + i / plane * (size_t)(w->out_h * w->out_w);
    const int at = (int)(i % plane), iy = at / w->in_w, ix = at % w->in_w;
    float sum = 0;
    for (int y = pool_first(iy, w->top, w->kernel_h, w->stride_h);
         y <= pool_last(iy, w->top, w->stride_h, w->out_h); y++)
        for (int x = pool_first(ix, w->left, w->kernel_w, w->stride_w);
             x <= pool_last(ix, w->left, w->stride_w, w->out_w); x++)
            if (!a->is_max || pool_argmax(w, in, y, x) == at)
                sum += gradients[y * w->out_w + x];
    put(&a->out[i], a->is_max ? sum : sum / (float)(w->kernel_h * w->kernel_w), a->add);
}

/* ---- The core's arithmetic: one index a value, in place; see qat_pass.c ---- */

struct requantize_args {
    float *values;        /* sums, without bias */
    const float *bias;    /* [channels]; NULL: none */
    const double *factor; /* [channels] */
    size_t plane, channels;
    int low, high;
};

ON_DEVICE void element_requantize(const struct requantize_args *a, size_t i)
{
    const size_t c = i / a->plane % a->channels;
    const double sum = (double)(a->bias ? a->values[i] + a->bias[c] : a->values[i]);
    const double highest = a->high - a->low + 0.5;
    double t = sum * a->factor[c] + (0.5 - a->low);
    t = t > 0 ? t : 0;
    t = t < highest ? t : highest;
    a->values[i] = (float)((int)t + a->low);
}

struct straight_args { /* the straight-through estimator */
    const float *values;
    float *gradients;
    const double *factor; /* [channels] */
    size_t plane, channels;
    float low, high;
};

ON_DEVICE void element_straight(const struct straight_args *a, size_t i)
{
    const bool inside = a->values[i] > a->low && a->values[i] < a->high;
    const float factor = (float)a->factor[i / a->plane % a->channels];
    a->gradients[i] = inside ? a->gradients[i] * factor : 0.0f;
}

/* ---- Sums of each channel, in two steps of fixed order ---- */

struct partial_sums_args { /* index [channel][part] */
    const float *values;
    float *parts; /* [channels][SUM_PARTS] */
    size_t images, channels, plane;
};

ON_DEVICE void element_partial_sums(const struct partial_sums_args *a, size_t i)
{
    const size_t channel = i / SUM_PARTS, count = a->images * a->plane;
    float sum = 0;
    for (size_t j = i % SUM_PARTS; j < count; j += SUM_PARTS)
        sum += a->values[(j / a->plane * a->channels + channel) * a->plane + j % a->plane];
    a->parts[i] = sum;
}

struct sums_args { /* index: channel */
    const float *parts;
    float *out;
};

ON_DEVICE void element_sums(const struct sums_args *a, size_t i)
{
    float sum = 0;
    for (size_t j = 0; j < SUM_PARTS; j++)
        sum += a->parts[i * SUM_PARTS + j];
    a->out[i] = sum;
}

/* ---- Loss and answers: one index a place ---- */

struct loss_args {
    const float *values; /* [places][classes] */
    float *gradients;
    double *losses;           /* [places] */
    const uint16_t *labels;   /* of the data */
    const uint32_t *order;    /* [counted] */
    size_t counted;           /* the others get no gradient */
    struct cross_entropy how; /* its name is taken by the function */
};

ON_DEVICE void element_loss(const struct loss_args *a, size_t i)
{
    const size_t first = i * (size_t)a->how.classes;
    a->losses[i] = 0;
    if (i < a->counted) {
        a->losses[i] =
            cross_entropy(&a->how, a->values + first, a->labels[a->order[i]], a->gradients + first);
        return;
    }
    for (int c = 0; c < a->how.classes; c++)
        a->gradients[first + (size_t)c] = 0;
}

struct correct_args {
    const float *values;
    const uint16_t *labels; /* of place 0 and following */
    uint8_t *correct;       /* the same */
    int classes;
};

ON_DEVICE void element_correct(const struct correct_args *a, size_t i)
{
    const float *values = a->values + i * (size_t)a->classes;
    int best = 0;
    for (int c = 1; c < a->classes; c++)
        best = values[c] > values[best] ? c : best;
    a->correct[i] = best == a->labels[i];
}

#endif
