// SPDX-License-Identifier: Apache-2.0
/* Post-training quantization of one layer. For every channel: a scale that the core's multiplier
 * reproduces exactly, integer weights by second-order rounding (quant_round.h), and a bias that
 * makes up for the mean error (bias correction, Nagel et al. 2019, section 4.2). Channels are
 * independent: threads do not change the result. */
#include "quant/quant.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "quant/quant_round.h"

enum {
    SCALES_MAX = 24,
    REFITS = 4, /* rounds of "best scale for the integers, then descend again" */
    COMPENSATED_SCALES =
        4, /* of the tried scales, those best by plain rounding get the full treatment */
};
#define DAMPING 0.01f

struct channel_work {
    float *floats;   /* [3 * row_count] */
    int8_t *q, *try; /* [row_count] */
};

/* One candidate of the search. */
struct trial {
    float scale;
    double error;
};

static float largest_magnitude(const float *w, int count)
{
    float largest = 0;
    for (int i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(w[i]));
    return largest;
}

/* Clipping points worth a try, relative to the largest weight: few bits clip more. */
static int list_scales(const struct quant_layer *layer, float largest, struct trial *trials)
{
    const int limit = quant_weight_limit(layer->bits);
    const float lowest = layer->bits == 8 ? 0.7f : layer->bits == 4 ? 0.35f : 0.12f;
    const int count = layer->bits == 8 ? 7 : SCALES_MAX;
    for (int i = 0; i < count; i++) {
        const float part = 1.0f - (1.0f - lowest) * (float)i / (float)(count - 1);
        trials[i].scale = quant_snap_scale(layer, part * largest / (float)limit);
    }
    return count;
}

static int compare_trials(const void *a, const void *b)
{
    const struct trial *x = a, *y = b;
    if (x->error != y->error)
        return x->error < y->error ? -1 : 1;
    return (x->scale < y->scale) - (x->scale > y->scale);
}

/* Rounds with compensation, then improves integers and scale in turns. Leaves the best in
 * work->try. */
static struct trial refine(const struct quant_layer *layer, const struct round_metric *metric,
                           const float *w, float scale, const struct channel_work *work,
                           int8_t *best_q)
{
    const int limit = quant_weight_limit(layer->bits), n = layer->row_count;
    struct trial best = {.scale = scale, .error = DBL_MAX};
    round_compensated(metric, w, scale, limit, work->try, work->floats);
    for (int i = 0; i <= REFITS; i++) {
        const double error = round_descend(metric, w, scale, limit, work->try, work->floats);
        if (error >= best.error)
            break;
        best = (struct trial){.scale = scale, .error = error};
        memcpy(best_q, work->try, (size_t)n);
        const float refit = round_best_scale(metric, w, work->try, work->floats);
        if (!(refit > 0))
            break;
        scale = quant_snap_scale(layer, refit);
    }
    return best;
}

static void quantize_channel(struct quant_layer *layer, const struct round_metric *metric,
                             const float *w, int channel, const struct channel_work *work)
{
    const int limit = quant_weight_limit(layer->bits), n = layer->row_count;
    int8_t *out = layer->weight + (size_t)channel * (size_t)n;
    const float largest = largest_magnitude(w, n);
    struct trial trials[SCALES_MAX];
    if (largest <= 0) { /* no weights: the scale serves the bias alone */
        layer->weight_scale[channel] =
            quant_snap_scale(layer, layer->out_scale / layer->in_scale / 256.0f);
        return;
    }
    const int count = list_scales(layer, largest, trials);
    for (int i = 0; i < count; i++) {
        round_nearest(w, n, trials[i].scale, limit, work->try);
        trials[i].error = round_error(metric, w, trials[i].scale, work->try, work->floats);
    }
    qsort(trials, (size_t)count, sizeof *trials, compare_trials);
    struct trial best = trials[0];
    round_nearest(w, n, best.scale, limit, out);
    for (int i = 0; i < COMPENSATED_SCALES && i < count; i++) {
        const struct trial t = refine(layer, metric, w, trials[i].scale, work, work->q);
        if (t.error < best.error) {
            best = t;
            memcpy(out, work->q, (size_t)n);
        }
    }
    layer->weight_scale[channel] = best.scale;
}

/* Long rows could exceed the accumulator's range in the worst case: a coarser scale then, plain
 * rounding. */
static void limit_accumulator(struct quant_layer *layer, const float *w, int channel)
{
    int8_t *q = layer->weight + (size_t)channel * (size_t)layer->row_count;
    const int limit = quant_weight_limit(layer->bits);
    while (!quant_channel_fits(layer, channel)) {
        layer->weight_scale[channel] = quant_snap_scale(layer, layer->weight_scale[channel] * 1.1f);
        round_nearest(w, layer->row_count, layer->weight_scale[channel], limit, q);
    }
}

/* The rounding changes the mean of the sum by (s q - w) . mean; the bias takes that back. */
static float corrected_bias(const struct quant_layer *layer, const float *w, const float *mean,
                            int channel, float bias)
{
    const int8_t *q = layer->weight + (size_t)channel * (size_t)layer->row_count;
    double shift = 0;
    for (int i = 0; i < layer->row_count; i++)
        shift += ((double)layer->weight_scale[channel] * q[i] - (double)w[i]) * (double)mean[i];
    return (float)((double)bias - shift);
}

struct job {
    struct quant_layer *layer;
    const float *weights, *mean, *gram; /* mean, gram: [groups]..., gram or NULL */
    int group_count, group_channels;
};

static bool work_create(struct channel_work *work, size_t count)
{
    *work = (struct channel_work){
        .floats = malloc(3 * count * sizeof(float)), .q = malloc(count), .try = malloc(count)};
    return work->floats && work->q && work->try;
}

static void work_free(struct channel_work *work)
{
    free(work->floats);
    free(work->q);
    free(work->try);
}

static void fill_channel(const struct job *job, const struct round_metric *metric, int channel,
                         const struct channel_work *work)
{
    const float *w = job->weights + (size_t)channel * (size_t)job->layer->row_count;
    quantize_channel(job->layer, metric, w, channel, work);
    limit_accumulator(job->layer, w, channel);
}

static enum status create_metric(const struct job *job, int group, struct round_metric **out,
                                 struct error *err)
{
    const size_t n = (size_t)job->layer->row_count, g = (size_t)group;
    return round_metric_create(job->gram ? job->gram + g * n * n : NULL, job->mean + g * n,
                               job->layer->row_count, DAMPING, out, err);
}

/* One group: its channels on all threads. */
static enum status fill_channels(const struct job *job, struct error *err)
{
    struct round_metric *metric;
    bool ready = true;
    const enum status status = create_metric(job, 0, &metric, err);
    if (status != STATUS_OK)
        return status;
#pragma omp parallel reduction(&& : ready)
    {
        struct channel_work work;
        ready = work_create(&work, (size_t)job->layer->row_count);
#pragma omp for schedule(dynamic, 1)
        for (int c = 0; c < job->group_channels; c++)
            if (ready)
                fill_channel(job, metric, c, &work);
        work_free(&work);
    }
    round_metric_free(metric);
    return ready ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "quantization: out of memory");
}

static enum status fill_group(const struct job *job, int group, struct error *err)
{
    struct channel_work work;
    struct round_metric *metric = NULL;
    enum status status = create_metric(job, group, &metric, err);
    if (!work_create(&work, (size_t)job->layer->row_count) && status == STATUS_OK)
        status = error_set(err, STATUS_NO_MEMORY, "quantization: out of memory");
    for (int c = 0; c < job->group_channels && status == STATUS_OK; c++)
        fill_channel(job, metric, group * job->group_channels + c, &work);
    work_free(&work);
    round_metric_free(metric);
    return status;
}

/* Several groups: whole ones on each thread. */
static enum status fill_groups(const struct job *job, struct error *err)
{
    enum status status = STATUS_OK;
#pragma omp parallel for schedule(dynamic, 1)
    for (int g = 0; g < job->group_count; g++) {
        struct error own;
        const enum status result = fill_group(job, g, &own);
        if (result != STATUS_OK)
#pragma omp critical
        {
            status = result;
            *err = own;
        }
    }
    return status;
}

static enum status fill_layer(const struct job *job, const float *float_bias, struct error *err)
{
    struct quant_layer *layer = job->layer;
    const size_t rows = (size_t)layer->row_count;
    float *bias = malloc((size_t)layer->out_count * sizeof *bias);
    if (!bias)
        return error_set(err, STATUS_NO_MEMORY, "quantization: out of memory");
    const enum status status =
        job->group_count > 1 ? fill_groups(job, err) : fill_channels(job, err);
    for (int c = 0; c < layer->out_count && status == STATUS_OK; c++) {
        const float *mean = job->mean + (size_t)(c / job->group_channels) * rows;
        bias[c] = corrected_bias(layer, job->weights + (size_t)c * rows, mean, c, float_bias[c]);
    }
    if (status == STATUS_OK)
        quant_layer_set_requantization(layer, bias);
    free(bias);
    return status;
}

enum status quant_layer_ptq(const struct float_model *model, const struct calibration *calibration,
                            int weighted_index, int bits, struct quant_layer **out,
                            struct error *err)
{
    *out = NULL;
    const struct net_layer *l = &model->net->layers[model->net->weighted[weighted_index]];
    const int rows = (int)(net_layer_weights(l) / (size_t)l->out.c);
    struct quant_layer *layer;
    enum status status = quant_layer_create(l->out.c, rows, &layer, err);
    if (status)
        return error_wrap(err, status, "%s", l->name);
    layer->bits = bits;
    layer->relu = calibration->relu[weighted_index];
    layer->in_signed = calibration->in_signed[weighted_index];
    layer->in_scale = calibration->in_scale[weighted_index];
    layer->out_scale = calibration->out_scale[weighted_index];
    const int groups = l->op == NET_CONV ? l->groups : 1;
    const struct job job = {.layer = layer,
                            .weights = model->weights[weighted_index],
                            .mean = calibration->in_mean[weighted_index],
                            .gram = calibration->in_gram[weighted_index],
                            .group_count = groups,
                            .group_channels = l->out.c / groups};
    status = fill_layer(&job, model->biases[weighted_index], err);
    if (status) {
        quant_layer_free(layer);
        return error_wrap(err, status, "%s", l->name);
    }
    *out = layer;
    return STATUS_OK;
}
