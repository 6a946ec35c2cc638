// SPDX-License-Identifier: Apache-2.0
/* Sums over patches: the inputs of one output position, group after group. */
#include "qat/moments.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROW_MAX = 2048, /* elements of a row with second moments */
    PATCHES = 256,  /* of the work matrix from which they are summed */
    OVERHEAD = 32,  /* of an element in a patch, in units of a multiplication */
};
static const double WORK_MAX = 4e9; /* multiplications for one layer */

struct moments {
    const struct net_layer *layer;
    size_t row, elements;
    size_t step, skip; /* one of step positions is used; so many are left out before the next one */
    double *sum, *gram; /* [elements], [elements][row] or NULL */
    uint64_t samples;
    float *patches; /* [PATCHES][elements] */
};

static size_t group_count(const struct net_layer *layer)
{
    return layer->op == NET_CONV ? (size_t)layer->groups : 1;
}

size_t moments_row(const struct net_layer *layer)
{
    return net_layer_weights(layer) / (size_t)layer->out.c;
}

size_t moments_elements(const struct net_layer *layer)
{
    return moments_row(layer) * group_count(layer);
}

bool moments_has_gram(const struct net_layer *layer)
{
    return moments_row(layer) <= ROW_MAX;
}

static size_t position_count(const struct net_layer *layer)
{
    return layer->op == NET_FC ? 1 : (size_t)layer->out.h * (size_t)layer->out.w;
}

static size_t common_divisor(size_t a, size_t b)
{
    while (b) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Without a common divisor with the positions of an image every position is used. */
static size_t choose_step(const struct net_layer *layer, size_t images)
{
    const size_t positions = position_count(layer), row = moments_row(layer);
    const double products = OVERHEAD + (moments_has_gram(layer) ? (double)row / 2 : 0);
    const double work =
        (double)images * (double)positions * (double)moments_elements(layer) * products;
    size_t step = 1 + (size_t)(work / WORK_MAX);
    while (common_divisor(positions, step) != 1)
        step++;
    return step;
}

enum status moments_create(const struct net_layer *layer, size_t images, struct moments **out,
                           struct error *err)
{
    *out = NULL;
    struct moments *m = calloc(1, sizeof *m);
    if (!m)
        return error_set(err, STATUS_NO_MEMORY, "layer %s: calibration: out of memory",
                         layer->name);
    m->layer = layer;
    m->row = moments_row(layer);
    m->elements = moments_elements(layer);
    m->step = choose_step(layer, images);
    m->sum = calloc(m->elements, sizeof *m->sum);
    m->patches = malloc(PATCHES * m->elements * sizeof *m->patches);
    if (moments_has_gram(layer))
        m->gram = calloc(m->elements * m->row, sizeof *m->gram);
    if (!m->sum || !m->patches || (moments_has_gram(layer) && !m->gram)) {
        moments_free(m);
        return error_set(err, STATUS_NO_MEMORY, "layer %s: calibration: out of memory",
                         layer->name);
    }
    *out = m;
    return STATUS_OK;
}

void moments_free(struct moments *m)
{
    if (!m)
        return;
    free(m->sum);
    free(m->gram);
    free(m->patches);
    free(m);
}

/* One tap of the window: pixel's channels, or zeros, to their groups' rows. */
static void put_tap(const struct moments *m, const float *pixel, size_t tap, float *patch)
{
    const size_t groups = group_count(m->layer), channels = (size_t)m->layer->in.c / groups;
    patch += tap * channels;
    for (size_t g = 0; g < groups; g++, patch += m->row) {
        if (channels == 1)
            *patch = pixel ? pixel[g] : 0;
        else if (pixel)
            memcpy(patch, pixel + g * channels, channels * sizeof *patch);
        else
            memset(patch, 0, channels * sizeof *patch);
    }
}

/* One output position's inputs; padding is 0. */
static void gather_patch(const struct moments *m, const float *image, size_t position, float *patch)
{
    const struct net_layer *l = m->layer;
    if (l->op == NET_FC) {
        memcpy(patch, image, m->elements * sizeof *patch);
        return;
    }
    const int top = (int)position / l->out.w * l->stride_h - l->pad_top;
    const int left = (int)position % l->out.w * l->stride_w - l->pad_left;
    for (int tap = 0; tap < l->kernel_h * l->kernel_w; tap++) {
        const int y = top + tap / l->kernel_w, x = left + tap % l->kernel_w;
        const bool inside = y >= 0 && y < l->in.h && x >= 0 && x < l->in.w;
        const size_t pixel = inside ? (size_t)y * (size_t)l->in.w + (size_t)x : 0;
        put_tap(m, inside ? image + pixel * (size_t)l->in.c : NULL, (size_t)tap, patch);
    }
}

/* Adds element i's products with itself and the elements behind it in its row. */
static void sum_element(struct moments *m, size_t i, size_t count)
{
    const size_t at = i % m->row, rest = m->row - at;
    float products[ROW_MAX], total = 0;
    if (m->gram)
        memset(products, 0, rest * sizeof *products);
    for (size_t p = 0; p < count; p++) {
        const float *x = m->patches + p * m->elements + i, value = *x;
        total += value;
        if (!m->gram || !(value < 0 || value > 0))
            continue;
#pragma omp simd
        for (size_t j = 0; j < rest; j++)
            products[j] += value * x[j];
    }
    m->sum[i] += (double)total;
    for (size_t j = 0; m->gram && j < rest; j++)
        m->gram[i * m->row + at + j] += (double)products[j];
}

/* Every element's sums are made by one thread in a fixed order. */
static void sum_patches(struct moments *m, size_t count)
{
#pragma omp parallel for schedule(dynamic, 8)
    for (size_t i = 0; i < m->elements; i++)
        sum_element(m, i, count);
    m->samples += count;
}

void moments_add(struct moments *m, const float *values, size_t images)
{
    const size_t positions = position_count(m->layer), total = images * positions;
    const size_t image_size = shape_size(m->layer->in);
    size_t count = 0, at = m->skip;
    for (; at < total; at += m->step) {
        gather_patch(m, values + at / positions * image_size, at % positions,
                     m->patches + count * m->elements);
        if (++count == PATCHES) {
            sum_patches(m, count);
            count = 0;
        }
    }
    if (count)
        sum_patches(m, count);
    m->skip = at - total;
}

void moments_finish(const struct moments *m, float *mean, float *gram)
{
    const double n = m->samples ? (double)m->samples : 1;
    for (size_t i = 0; i < m->elements; i++)
        mean[i] = (float)(m->sum[i] / n);
    for (size_t i = 0; m->gram && i < m->elements; i++) {
        const size_t first = i - i % m->row; /* of this row's group */
        for (size_t j = i % m->row; j < m->row; j++) {
            const float value = (float)(m->gram[i * m->row + j] / n);
            gram[i * m->row + j] = value;
            gram[(first + j) * m->row + i % m->row] = value;
        }
    }
}
