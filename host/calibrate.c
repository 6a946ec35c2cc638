// SPDX-License-Identifier: Apache-2.0
/* What a float model's activations look like on calibration images: ranges and, for every weighted
 * layer, the mean and the second moments of its inputs. Deterministic for any number of threads. */
#include "quant.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train.h"

enum {
    HISTOGRAM_BINS = 4096,
    GRAM_ROW_MAX = 2048, /* longer rows keep no second moments: memory and time grow with the square
                            and the cube */
    PATCHES = 256,       /* rows of the work matrix from which second moments are summed */
    SCALE_STEPS = 160,   /* clipping points tried, from an eighth of the range to all of it */
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
    float input_scale; /* real value of one step of the network's input */
    struct calibration *out;
    struct histogram
        *histograms;      /* [weighted_count], of each layer's output, behind a fused ReLU */
    double **gram, **sum; /* [weighted_count]; sums over samples[] rows */
    uint64_t *samples;
    float *patches; /* [PATCHES][longest row] */
};

static int row_elements(const struct net_layer *layer)
{
    return layer->op == NET_FC ? (int)shape_size(layer->in)
                               : layer->kernel_h * layer->kernel_w * layer->in.c;
}

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

/* One output position's inputs, in the order of its weights; padding is 0. */
static void gather_patch(const struct net_layer *l, const float *image, int y, int x, float *patch)
{
    const size_t pixel = (size_t)l->in.c * sizeof *patch;
    for (int ky = 0; ky < l->kernel_h; ky++) {
        const int in_y = y * l->stride_h - l->pad_top + ky;
        for (int kx = 0; kx < l->kernel_w; kx++, patch += l->in.c) {
            const int in_x = x * l->stride_w - l->pad_left + kx;
            if (in_y < 0 || in_y >= l->in.h || in_x < 0 || in_x >= l->in.w)
                memset(patch, 0, pixel);
            else
                memcpy(patch,
                       image + ((size_t)in_y * (size_t)l->in.w + (size_t)in_x) * (size_t)l->in.c,
                       pixel);
        }
    }
}

/* Adds count rows to the sums; every row of the result is summed by one thread in a fixed order. */
static void add_patches(struct observer *o, int index, int count, int k)
{
    const float *patches = o->patches;
    double *gram = o->gram[index], *sum = o->sum[index];
#pragma omp parallel for schedule(dynamic, 8)
    for (int i = 0; i < k; i++) {
        float row[GRAM_ROW_MAX], total = 0;
        memset(row, 0, sizeof row);
        for (int p = 0; p < count; p++) {
            const float *x = patches + (size_t)p * (size_t)k, value = x[i];
            total += value;
            if (!gram || value == 0)
                continue;
#pragma omp simd
            for (int j = i; j < k; j++)
                row[j] += value * x[j];
        }
        sum[i] += (double)total;
        for (int j = i; gram && j < k; j++)
            gram[(size_t)i * (size_t)k + (size_t)j] += (double)row[j];
    }
    o->samples[index] += (uint64_t)count;
}

static void observe_inputs(struct observer *o, int index, const float *values, size_t images)
{
    const struct net_layer *l = &o->net->layers[o->net->weighted[index]];
    const int k = row_elements(l), width = l->op == NET_FC ? 1 : l->out.w;
    const size_t positions = l->op == NET_FC ? 1 : (size_t)l->out.h * (size_t)l->out.w;
    const size_t image_size = shape_size(l->in), total = images * positions;
    for (size_t start = 0; start < total; start += PATCHES) {
        const int count = (int)(total - start < PATCHES ? total - start : PATCHES);
        for (int p = 0; p < count; p++) {
            const size_t image = (start + (size_t)p) / positions,
                         at = (start + (size_t)p) % positions;
            float *patch = o->patches + (size_t)p * (size_t)k;
            if (l->op == NET_FC)
                memcpy(patch, values + image * image_size, image_size * sizeof *patch);
            else
                gather_patch(l, values + image * image_size, (int)at / width, (int)at % width,
                             patch);
        }
        add_patches(o, index, count, k);
    }
}

static void on_layer(void *context, int layer, const float *values, size_t count,
                     struct shape shape)
{
    struct observer *o = context;
    const struct net *net = o->net;
    for (int i = 0; i < net->weighted_count; i++) {
        const int relu = quant_fused_relu(net, net->weighted[i]);
        if (layer == (relu >= 0 ? relu : net->weighted[i]))
            histogram_add(&o->histograms[i], values, count * shape_size(shape));
        if (layer == net->weighted[i] - 1)
            observe_inputs(o, i, values, count);
    }
}

/* A value that only max pooling or flatten separate from its producer or consumer keeps its sign;
 * only ReLU makes it unsigned. */
static bool layer_input_signed(const struct net *net, int layer)
{
    for (int i = layer - 1; i >= 0; i--) {
        if (net->layers[i].op == NET_CONV || net->layers[i].op == NET_FC)
            return quant_fused_relu(net, i) < 0;
    }
    return net->input_signed;
}

static void finish_moments(struct observer *o, int index)
{
    struct calibration *c = o->out;
    const size_t k = (size_t)row_elements(&o->net->layers[o->net->weighted[index]]);
    const double n = o->samples[index] ? (double)o->samples[index] : 1;
    for (size_t i = 0; i < k; i++)
        c->in_mean[index][i] = (float)(o->sum[index][i] / n);
    for (size_t i = 0; o->gram[index] && i < k; i++) {
        for (size_t j = i; j < k; j++) {
            const float value = (float)(o->gram[index][i * k + j] / n);
            c->in_gram[index][i * k + j] = value;
            c->in_gram[index][j * k + i] = value;
        }
    }
}

static void finish(struct observer *o)
{
    struct calibration *c = o->out;
    const int last = c->weighted_count - 1;
    for (int i = 0; i <= last; i++) {
        const struct histogram *h = &o->histograms[i];
        c->relu[i] = quant_fused_relu(o->net, o->net->weighted[i]) >= 0;
        c->in_signed[i] = layer_input_signed(o->net, o->net->weighted[i]);
        c->in_scale[i] = i ? c->out_scale[i - 1] : o->input_scale;
        if (i == last && !c->relu[i])
            c->out_scale[i] = choose_logit_scale(h);
        else
            c->out_scale[i] = choose_scale(h, c->relu[i] ? 255 : 127);
        finish_moments(o, i);
    }
}

static bool allocate_layer(struct observer *o, int index)
{
    const size_t k = (size_t)row_elements(&o->net->layers[o->net->weighted[index]]);
    o->out->in_mean[index] = calloc(k, sizeof(float));
    o->sum[index] = calloc(k, sizeof(double));
    if (!o->out->in_mean[index] || !o->sum[index])
        return false;
    if (k > GRAM_ROW_MAX)
        return true;
    o->out->in_gram[index] = calloc(k * k, sizeof(float));
    o->gram[index] = calloc(k * k, sizeof(double));
    return o->out->in_gram[index] && o->gram[index];
}

static bool allocate_calibration(struct calibration *c, size_t n)
{
    c->weighted_count = (int)n;
    c->in_scale = calloc(n, sizeof *c->in_scale);
    c->out_scale = calloc(n, sizeof *c->out_scale);
    c->in_signed = calloc(n, sizeof *c->in_signed);
    c->relu = calloc(n, sizeof *c->relu);
    c->in_mean = calloc(n, sizeof *c->in_mean);
    c->in_gram = calloc(n, sizeof *c->in_gram);
    return c->in_scale && c->out_scale && c->in_signed && c->relu && c->in_mean && c->in_gram;
}

static bool allocate(struct observer *o, const struct net *net)
{
    const size_t n = (size_t)net->weighted_count;
    size_t longest = 0;
    o->net = net;
    o->histograms = calloc(n, sizeof *o->histograms);
    o->gram = calloc(n, sizeof *o->gram);
    o->sum = calloc(n, sizeof *o->sum);
    o->samples = calloc(n, sizeof *o->samples);
    if (!o->histograms || !o->gram || !o->sum || !o->samples || !allocate_calibration(o->out, n))
        return false;
    for (int i = 0; i < net->weighted_count; i++) {
        const size_t k = (size_t)row_elements(&net->layers[net->weighted[i]]);
        longest = k > longest ? k : longest;
        if (!allocate_layer(o, i))
            return false;
    }
    o->patches = malloc(PATCHES * longest * sizeof *o->patches);
    return o->patches != NULL;
}

static void release(struct observer *o)
{
    for (int i = 0; i < o->net->weighted_count; i++) {
        if (o->gram)
            free(o->gram[i]);
        if (o->sum)
            free(o->sum[i]);
    }
    free(o->histograms);
    free(o->gram);
    free(o->sum);
    free(o->samples);
    free(o->patches);
}

enum status calibrate(const struct float_model *model, const struct dataset *data, size_t count,
                      struct calibration **out, struct error *err)
{
    *out = NULL;
    if (!count || !data->count)
        return error_set(err, STATUS_INPUT,
                         "calibration: want at least one image; check the training data");
    struct observer observer = {.net = model->net, .input_scale = data->scale};
    enum status status;
    struct calibration *calibration = calloc(1, sizeof *calibration);
    observer.out = calibration;
    if (!calibration || !allocate(&observer, model->net)) {
        status =
            error_set(err, STATUS_NO_MEMORY, "calibration of %s: out of memory", model->net->name);
        goto out;
    }
    status = train_observe(model, data, count < data->count ? count : data->count, on_layer,
                           &observer, err);
    if (status)
        goto out;
    finish(&observer);
    *out = calibration;
    calibration = NULL;
out:
    release(&observer);
    calibration_free(calibration);
    return status;
}

void calibration_free(struct calibration *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->weighted_count; i++) {
        if (c->in_mean)
            free(c->in_mean[i]);
        if (c->in_gram)
            free(c->in_gram[i]);
    }
    free(c->in_scale);
    free(c->out_scale);
    free(c->in_signed);
    free(c->relu);
    free(c->in_mean);
    free(c->in_gram);
    free(c);
}
