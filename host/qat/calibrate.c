// SPDX-License-Identifier: Apache-2.0
/* What a float model's activations look like on calibration images: ranges and, for every weighted
 * layer, the mean and the second moments of its inputs (moments.h). From the ranges follow the
 * scales of all values between layers. Deterministic for any number of threads. */
#include "qat/calibrate.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qat/moments.h"
#include "train/train.h"

enum {
    HISTOGRAM_BINS = 4096,
    SCALE_STEPS = 160, /* clipping points tried, from an eighth of the range to all of it */
};

/* Magnitudes of one tensor in equal bins; the range doubles when a value does not fit. */
struct histogram {
    double range;
    float largest, smallest;
    bool has_negative;
    uint64_t bins[HISTOGRAM_BINS];
};

struct observer {
    const struct net *net;
    struct calibration *out;
    /* [layer_count] of the layers with a scale of their own, behind a fused ReLU; else NULL */
    struct histogram **histograms;
    struct moments **moments; /* [weighted_count] */
};

static void histogram_widen(struct histogram *h, double largest)
{
    if (h->range <= 0)
        h->range = largest;
    while (h->range < largest) {
        for (int i = 0; i < HISTOGRAM_BINS / 2; i++)
            h->bins[i] = h->bins[2 * i] + h->bins[2 * i + 1];
        memset(h->bins + HISTOGRAM_BINS / 2, 0, sizeof h->bins / 2);
        h->range *= 2;
    }
}

static void histogram_add(struct histogram *h, const float *values, size_t count)
{
    float largest = 0, smallest = 0;
    for (size_t i = 0; i < count; i++) {
        largest = values[i] > largest ? values[i] : largest;
        smallest = values[i] < smallest ? values[i] : smallest;
    }
    h->largest = largest > h->largest ? largest : h->largest;
    h->smallest = smallest < h->smallest ? smallest : h->smallest;
    const float magnitude = largest > -smallest ? largest : -smallest;
    if (magnitude <= 0)
        return;
    histogram_widen(h, (double)magnitude);
    const float per_unit = (float)(HISTOGRAM_BINS / h->range);
    for (size_t i = 0; i < count; i++) {
        const int bin = (int)(fabsf(values[i]) * per_unit);
        h->bins[bin < HISTOGRAM_BINS ? bin : HISTOGRAM_BINS - 1]++;
    }
}

/* Mean squared error of rounding to multiples of scale up to steps * scale, over the histogram. */
static double clipping_error(const struct histogram *h, double scale, int steps)
{
    const double width = h->range / HISTOGRAM_BINS;
    double error = 0;
    for (int i = 1; i < HISTOGRAM_BINS; i++) {
        if (!h->bins[i])
            continue;
        const double value = (i + 0.5) * width;
        double q = nearbyint(value / scale);
        q = q > steps ? steps : q;
        /* Inside a bin the values spread evenly: their own variance is added for steps finer than a
         * bin. */
        const double rounding = scale * scale / 12;
        const double e = value - q * scale;
        error += (double)h->bins[i] * (q < steps && scale < 2 * width ? rounding : e * e);
    }
    return error;
}

/* The scale of least mean squared error (clipping against rounding). */
static float choose_scale(const struct histogram *h, int steps)
{
    const double largest = fmax((double)h->largest, -(double)h->smallest);
    if (largest <= 0)
        return 1.0f / (float)steps;
    double best = largest / steps, best_error = DBL_MAX;
    for (int i = SCALE_STEPS; i >= SCALE_STEPS / 8; i--) {
        const double scale = largest * i / SCALE_STEPS / steps;
        const double error = clipping_error(h, scale, steps);
        if (error < best_error) {
            best_error = error;
            best = scale;
        }
    }
    return (float)best;
}

/* Logits are compared, not summed: the largest must not be clipped, very negative ones may. */
static float choose_logit_scale(const struct histogram *h)
{
    const float largest = fmaxf(h->largest, -h->smallest / 4);
    return largest > 0 ? largest / 127.0f : 1.0f / 127.0f;
}

/* The layer behind which values of layer index's scale are to be seen. */
static int observed_layer(const struct net *net, int index)
{
    const int relu = quant_fused_relu(net, index);
    return relu >= 0 ? relu : index;
}

static void on_layer(void *context, int layer, const float *values, size_t count,
                     struct shape shape)
{
    struct observer *o = context;
    const struct net *net = o->net;
    for (int i = 0; i < net->layer_count; i++) {
        if (o->histograms[i] && layer == observed_layer(net, i))
            histogram_add(o->histograms[i], values, count * shape_size(shape));
        if (net->layers[i].weighted_index >= 0 && layer == i - 1)
            moments_add(o->moments[net->layers[i].weighted_index], values, count);
    }
}

/* Scale of layer index's results. No value behind a ReLU6 is above 6, nor is 255 times the scale: the
 * core's clamp at 255 is the ReLU6, or lies below it if that is better. */
static float output_scale(const struct observer *o, int index, bool relu)
{
    const struct histogram *h = o->histograms[index];
    int last = o->net->layer_count - 1;
    while (!o->histograms[last])
        last--;
    if (index == last && !relu)
        return choose_logit_scale(h);
    return choose_scale(h, relu ? 255 : 127);
}

/* All: scales of the values before a layer, to that of the values behind it. */
static float finish_weighted(struct observer *o, int index, float scale)
{
    struct calibration *c = o->out;
    const int k = o->net->layers[index].weighted_index;
    c->relu[k] = quant_fused_relu(o->net, index) >= 0;
    c->in_signed[k] = quant_is_signed(o->net, index - 1);
    c->in_scale[k] = scale;
    c->out_scale[k] = output_scale(o, index, c->relu[k]);
    moments_finish(o->moments[k], c->in_mean[k], c->in_gram[k]);
    return c->out_scale[k];
}

static float finish_add(struct observer *o, int index, float a_scale, float b_scale)
{
    const struct net_layer *l = &o->net->layers[index];
    struct quant_add *add = &o->out->adds[index];
    add->relu = !quant_is_signed(o->net, index);
    add->a_signed = quant_is_signed(o->net, index - 1);
    add->b_signed = l->op == NET_ADD ? quant_is_signed(o->net, l->with) : add->a_signed;
    add->a_scale = a_scale;
    add->b_scale = b_scale;
    add->out_scale = output_scale(o, index, add->relu);
    quant_add_set(add, l->op == NET_ADD);
    return add->out_scale;
}

static void finish(struct observer *o, float input_scale)
{
    const struct net *net = o->net;
    float scales[NET_MAX_LAYERS + 1] = {input_scale}; /* [layer + 1] */
    for (int i = 0; i < net->layer_count; i++) {
        const struct net_layer *l = &net->layers[i];
        const float scale = scales[i];
        if (l->weighted_index >= 0)
            scales[i + 1] = finish_weighted(o, i, scale);
        else if (l->op == NET_BRANCH)
            scales[i + 1] = scales[l->with + 1];
        else if (quant_is_add(net, i))
            scales[i + 1] = finish_add(o, i, scale, l->op == NET_ADD ? scales[l->with + 1] : scale);
        else
            scales[i + 1] = scale;
    }
    o->out->logit_scale = scales[net->layer_count];
}

static bool allocate_calibration(struct calibration *c, const struct net *net)
{
    const size_t n = (size_t)net->weighted_count;
    c->weighted_count = net->weighted_count;
    c->layer_count = net->layer_count;
    c->in_scale = calloc(n, sizeof *c->in_scale);
    c->out_scale = calloc(n, sizeof *c->out_scale);
    c->in_signed = calloc(n, sizeof *c->in_signed);
    c->relu = calloc(n, sizeof *c->relu);
    c->in_mean = calloc(n, sizeof *c->in_mean);
    c->in_gram = calloc(n, sizeof *c->in_gram);
    c->adds = calloc((size_t)net->layer_count, sizeof *c->adds);
    bool good = c->in_scale && c->out_scale && c->in_signed && c->relu && c->in_mean &&
                c->in_gram && c->adds;
    for (int k = 0; good && k < net->weighted_count; k++) {
        const struct net_layer *l = &net->layers[net->weighted[k]];
        const size_t elements = moments_elements(l);
        c->in_mean[k] = calloc(elements, sizeof **c->in_mean);
        if (moments_has_gram(l))
            c->in_gram[k] = calloc(elements * moments_row(l), sizeof **c->in_gram);
        good = c->in_mean[k] && (c->in_gram[k] || !moments_has_gram(l));
    }
    return good;
}

/* images: that will be seen. */
static enum status allocate(struct observer *o, size_t images, struct error *err)
{
    const struct net *net = o->net;
    const size_t n = (size_t)net->layer_count;
    o->histograms = calloc(n, sizeof(struct histogram *));
    o->moments = calloc((size_t)net->weighted_count, sizeof(struct moments *));
    bool good = o->out && o->histograms && o->moments && allocate_calibration(o->out, net);
    for (int i = 0; good && i < net->layer_count; i++) {
        if (net->layers[i].weighted_index >= 0 || quant_is_add(net, i)) {
            o->histograms[i] = calloc(1, sizeof **o->histograms);
            good = o->histograms[i];
        }
    }
    if (!good)
        return error_set(err, STATUS_NO_MEMORY, "calibration of %s: out of memory", net->name);
    enum status status = STATUS_OK;
    for (int k = 0; status == STATUS_OK && k < net->weighted_count; k++)
        status = moments_create(&net->layers[net->weighted[k]], images, &o->moments[k], err);
    return status;
}

static void release(struct observer *o)
{
    for (int i = 0; o->histograms && i < o->net->layer_count; i++)
        free(o->histograms[i]);
    for (int k = 0; o->moments && k < o->net->weighted_count; k++)
        moments_free(o->moments[k]);
    free(o->histograms);
    free(o->moments);
}

enum status calibrate(const struct float_model *model, const struct dataset *data, size_t count,
                      struct calibration **out, struct error *err)
{
    *out = NULL;
    if (!count || !data->count)
        return error_set(err, STATUS_INPUT,
                         "calibration: want at least one image; check the training data");
    const size_t images = count < data->count ? count : data->count;
    struct calibration *calibration = calloc(1, sizeof *calibration);
    struct observer observer = {.net = model->net, .out = calibration};
    enum status status = allocate(&observer, images, err);
    if (status == STATUS_OK)
        status = train_observe(model, data, images, on_layer, &observer, err);
    if (status == STATUS_OK) {
        finish(&observer, data->scale);
        *out = calibration;
        calibration = NULL;
    }
    release(&observer);
    calibration_free(calibration);
    return status;
}
