// SPDX-License-Identifier: Apache-2.0
/* Second-order rounding of weights; see the header. No globals; everything is in a fixed order. */
#include "quant/quant_round.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DESCENT_SWEEPS = 20 };
static const double NOISE =
    1e-4; /* relative to mean squares; times the damping, 10 float epsilons */

struct ranked {
    float variance;
    int element;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->variance != y->variance)
        return x->variance < y->variance ? -1 : 1;
    return x->element - y->element;
}

static float covariance(const float *gram, const float *mean, int count, int i, int j)
{
    return gram[(size_t)i * (size_t)count + (size_t)j] - mean[i] * mean[j];
}

/* Fills order and matrix. Inputs that hardly vary leave differences of rounding errors only: the
 * damping is large against these. */
static bool arrange(struct round_metric *metric, const float *gram, const float *mean,
                    float damping)
{
    const int n = metric->count;
    struct ranked *ranked = malloc((size_t)n * sizeof *ranked);
    double trace = 0, squares = 0;
    if (!ranked)
        return false;
    for (int i = 0; i < n; i++) {
        ranked[i].variance = fmaxf(covariance(gram, mean, n, i, i), 0);
        ranked[i].element = i;
        trace += (double)ranked[i].variance;
        squares += (double)gram[(size_t)i * (size_t)n + (size_t)i];
    }
    qsort(ranked, (size_t)n, sizeof *ranked, compare_ranked);
    for (int i = 0; i < n; i++)
        metric->order[i] = ranked[i].element;
    free(ranked);
    const float added = fmaxf((float)(fmax(trace, squares * NOISE) / n) * damping, 1e-12f);
    for (int i = 0; i < n; i++) {
        float *row = metric->matrix + (size_t)i * (size_t)n;
        for (int j = 0; j < n; j++)
            row[j] = covariance(gram, mean, n, metric->order[i], metric->order[j]);
        row[i] = fmaxf(row[i], 0) + added;
    }
    return true;
}

/* R with H = R^T R, R upper, rows then divided by their diagonal element. False if H is not
 * positive definite. */
static bool factorize(struct round_metric *metric)
{
    const size_t n = (size_t)metric->count;
    float *r = metric->factor;
    memcpy(r, metric->matrix, n * n * sizeof *r);
    for (size_t k = 0; k < n; k++) {
        float *row = r + k * n;
        if (!(row[k] > 0))
            return false;
        const float root = sqrtf(row[k]);
        for (size_t j = k; j < n; j++)
            row[j] /= root;
#pragma omp parallel for schedule(static, 16) if (n - k > 256)
        for (size_t i = k + 1; i < n; i++) {
            const float f = row[i];
            float *below = r + i * n;
#pragma omp simd
            for (size_t j = i; j < n; j++)
                below[j] -= f * row[j];
        }
    }
    for (size_t k = 0; k < n; k++) {
        const float diagonal = r[k * n + k];
        for (size_t j = k; j < n; j++)
            r[k * n + j] /= diagonal;
    }
    return true;
}

static bool fill_metric(struct round_metric *metric, const float *gram, const float *mean,
                        float damping)
{
    const size_t n = (size_t)metric->count;
    metric->matrix = malloc(n * n * sizeof *metric->matrix);
    metric->factor = malloc(n * n * sizeof *metric->factor);
    if (!metric->matrix || !metric->factor)
        return false;
    /* Rounding errors may leave a nearly singular matrix indefinite: damp harder. */
    bool ready = false;
    for (int i = 0; i < 8 && !ready; i++, damping *= 10)
        ready = arrange(metric, gram, mean, damping) && factorize(metric);
    return ready;
}

static bool fill_identity(struct round_metric *metric)
{
    for (int i = 0; i < metric->count; i++)
        metric->order[i] = i;
    return true;
}

enum status round_metric_create(const float *gram, const float *mean, int count, float damping,
                                struct round_metric **out, struct error *err)
{
    *out = NULL;
    const size_t n = (size_t)count;
    struct round_metric *metric = calloc(1, sizeof *metric);
    if (!metric)
        return error_set(err, STATUS_NO_MEMORY, "rounding: out of memory");
    metric->count = count;
    metric->order = calloc(n, sizeof *metric->order);
    if (!metric->order ||
        !(gram ? fill_metric(metric, gram, mean, damping) : fill_identity(metric))) {
        round_metric_free(metric);
        return error_set(err, STATUS_NO_MEMORY,
                         "rounding %d weights a channel: out of memory or not a covariance", count);
    }
    *out = metric;
    return STATUS_OK;
}

void round_metric_free(struct round_metric *metric)
{
    if (!metric)
        return;
    free(metric->order);
    free(metric->matrix);
    free(metric->factor);
    free(metric);
}

/* out = H v */
static void multiply(const struct round_metric *metric, const float *v, float *out)
{
    const int n = metric->count;
    if (!metric->matrix) {
        memcpy(out, v, (size_t)n * sizeof *out);
        return;
    }
    for (int i = 0; i < n; i++) {
        const float *row = metric->matrix + (size_t)i * (size_t)n;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int j = 0; j < n; j++)
            sum += row[j] * v[j];
        out[i] = sum;
    }
}

static double dot(const float *a, const float *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* error[place] = s q - w */
static void rounding_error(const struct round_metric *metric, const float *w, float scale,
                           const int8_t *q, float *error)
{
    for (int i = 0; i < metric->count; i++) {
        const int at = metric->order[i];
        error[i] = scale * (float)q[at] - w[at];
    }
}

double round_error(const struct round_metric *metric, const float *w, float scale, const int8_t *q,
                   float *work)
{
    const int n = metric->count;
    rounding_error(metric, w, scale, q, work);
    multiply(metric, work, work + n);
    return dot(work, work + n, n);
}

static int8_t nearest(float value, int limit)
{
    const float rounded = nearbyintf(value);
    return (int8_t)(rounded > (float)limit    ? (float)limit
                    : rounded < (float)-limit ? (float)-limit
                                              : rounded);
}

void round_nearest(const float *w, int count, float scale, int limit, int8_t *q)
{
    for (int i = 0; i < count; i++)
        q[i] = nearest(w[i] / scale, limit);
}

void round_compensated(const struct round_metric *metric, const float *w, float scale, int limit,
                       int8_t *q, float *work)
{
    const int n = metric->count;
    float *left = work; /* w - s q of the elements that are done */
    if (!metric->factor) {
        round_nearest(w, n, scale, limit, q);
        return;
    }
    for (int i = n - 1; i >= 0; i--) {
        const float *row = metric->factor + (size_t)i * (size_t)n;
        const int at = metric->order[i];
        float carried = 0;
#pragma omp simd reduction(+ : carried)
        for (int j = i + 1; j < n; j++)
            carried += row[j] * left[j];
        q[at] = nearest((w[at] + carried) / scale, limit);
        left[i] = w[at] - scale * (float)q[at];
    }
}

double round_descend(const struct round_metric *metric, const float *w, float scale, int limit,
                     int8_t *q, float *work)
{
    const int n = metric->count;
    float *gradient = work + n; /* H (s q - w), kept up to date */
    rounding_error(metric, w, scale, q, work);
    multiply(metric, work, gradient);
    bool changed = metric->matrix != NULL;
    for (int sweep = 0; changed && sweep < DESCENT_SWEEPS; sweep++) {
        changed = false;
        for (int i = n - 1; i >= 0; i--) {
            const int at = metric->order[i];
            const float *row = metric->matrix + (size_t)i * (size_t)n;
            const int step = gradient[i] > 0 ? -1 : 1;
            const float move = scale * (float)step;
            if (abs(q[at] + step) > limit || 2 * move * gradient[i] + move * move * row[i] >= 0)
                continue;
            q[at] = (int8_t)(q[at] + step);
            changed = true;
#pragma omp simd
            for (int j = 0; j < n; j++)
                gradient[j] += move * row[j];
        }
    }
    return round_error(metric, w, scale, q, work);
}

float round_best_scale(const struct round_metric *metric, const float *w, const int8_t *q,
                       float *work)
{
    const int n = metric->count;
    float *integers = work, *product = work + n, *weights = work + 2 * n;
    for (int i = 0; i < n; i++) {
        integers[i] = (float)q[metric->order[i]];
        weights[i] = w[metric->order[i]];
    }
    multiply(metric, integers, product);
    const double square = dot(integers, product, n);
    return square > 0 ? (float)(dot(weights, product, n) / square) : 0;
}
