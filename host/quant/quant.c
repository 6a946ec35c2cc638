// SPDX-License-Identifier: Apache-2.0
/* Quantized layers: their memory, and the choice of bias, multiplier and shift for the core's
 * requantization. */
#include "quant/quant.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MULTIPLIER_TOP = 128, /* scales are taken from the 8-bit multipliers with the top bit set */
    SHIFT_MIN = 2,        /* from here on neur_res rounds half up for negative numbers too */
    SHIFT_MAX = 31,
    MULTIPLIER_MAX = 255,
};

enum status quant_layer_create(int out_count, int row_count, struct quant_layer **out,
                               struct error *err)
{
    *out = NULL;
    const size_t n = (size_t)out_count;
    struct quant_layer *layer = calloc(1, sizeof *layer);
    if (!layer)
        return error_set(err, STATUS_NO_MEMORY, "quantized layer: out of memory");
    layer->out_count = out_count;
    layer->row_count = row_count;
    layer->weight = calloc(n * (size_t)row_count, 1);
    layer->bias = calloc(n, 1);
    layer->bias_shift = calloc(n, 1);
    layer->multiplier = calloc(n, 1);
    layer->shift = calloc(n, 1);
    layer->weight_scale = calloc(n, sizeof *layer->weight_scale);
    if (!layer->weight || !layer->bias || !layer->bias_shift || !layer->multiplier ||
        !layer->shift || !layer->weight_scale) {
        quant_layer_free(layer);
        return error_set(err, STATUS_NO_MEMORY, "quantized layer of %d x %d weights: out of memory",
                         out_count, row_count);
    }
    *out = layer;
    return STATUS_OK;
}

void quant_layer_free(struct quant_layer *layer)
{
    if (!layer)
        return;
    free(layer->weight);
    free(layer->bias);
    free(layer->bias_shift);
    free(layer->multiplier);
    free(layer->shift);
    free(layer->weight_scale);
    free(layer);
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
    free(c->adds);
    free(c);
}

int quant_weight_limit(int bits)
{
    return (1 << (bits - 1)) - 1;
}

float quant_snap_scale(const struct quant_layer *layer, float scale)
{
    const double unit = (double)layer->out_scale / (double)layer->in_scale;
    int exponent;
    const double fraction = frexp((double)scale / unit, &exponent); /* 0.5 <= fraction < 1 */
    const double m = fmin(fmax(nearbyint(fraction * 256), MULTIPLIER_TOP), 256);
    return (float)(ldexp(m, exponent - 8) * unit);
}

/* All positive weights at one end of x's range, all negative ones at the other. */
int64_t quant_worst_sum(const struct quant_layer *layer, int channel)
{
    const int8_t *row = layer->weight + (size_t)channel * (size_t)layer->row_count;
    int sum = 0, magnitude = 0; /* a row has 2^24 weights at most */
#pragma omp simd reduction(+ : sum, magnitude)
    for (int i = 0; i < layer->row_count; i++) {
        sum += row[i];
        magnitude += row[i] < 0 ? -row[i] : row[i];
    }
    const int64_t positive = (magnitude + sum) / 2, negative = (magnitude - sum) / 2;
    if (layer->in_signed)
        return (positive + negative) * 128;
    return (positive > negative ? positive : negative) * 255;
}

/* Smallest shift, hence smallest remainder, with which the bias fits into an int8. The magnitude is
 * held below limit. */
static int64_t set_bias(struct quant_layer *layer, int channel, double bias, int64_t limit)
{
    if (!(fabs(bias) < (double)limit))
        bias = bias < 0 ? -(double)limit : (double)limit;
    int shift = 0;
    double scaled = nearbyint(bias);
    while (scaled < -128 || scaled > 127)
        scaled = nearbyint(ldexp(bias, -++shift));
    while (fabs(ldexp(scaled, shift)) > (double)limit)
        scaled -= scaled > 0 ? 1 : -1;
    layer->bias[channel] = (int8_t)scaled;
    layer->bias_shift[channel] = (uint8_t)shift;
    return llabs((long long)scaled) << shift;
}

/* Nearest multiplier * 2^-shift to ratio, with multiplier <= multiplier_max. */
static void set_ratio(struct quant_layer *layer, int channel, double ratio, int multiplier_max)
{
    int shift = SHIFT_MAX;
    if (ratio > 0) {
        shift = (int)floor(log2((double)multiplier_max / ratio)) +
                1; /* nearest at this one may be too large */
        shift = shift > SHIFT_MAX ? SHIFT_MAX : shift < SHIFT_MIN ? SHIFT_MIN : shift;
        while (shift > SHIFT_MIN && nearbyint(ldexp(ratio, shift)) > multiplier_max)
            shift--;
    }
    const double m = nearbyint(ldexp(ratio, shift));
    layer->multiplier[channel] = (uint8_t)(m > multiplier_max ? multiplier_max : m);
    layer->shift[channel] = (uint8_t)shift;
}

void quant_layer_set_requantization(struct quant_layer *layer, const float *float_bias)
{
    for (int c = 0; c < layer->out_count; c++) {
        const double ratio =
            (double)layer->in_scale * (double)layer->weight_scale[c] / (double)layer->out_scale;
        const int64_t sum = quant_worst_sum(layer, c);
        assert(sum < QUANT_ACC_LIMIT);
        int multiplier_max = MULTIPLIER_MAX;
        int64_t worst;
        do {
            set_ratio(layer, c, ratio, multiplier_max);
            const double effective = ldexp(layer->multiplier[c], -layer->shift[c]);
            const double bias =
                effective > 0 ? (double)float_bias[c] / ((double)layer->out_scale * effective) : 0;
            worst = sum + set_bias(layer, c, bias, QUANT_ACC_LIMIT - 1 - sum);
            multiplier_max = multiplier_max / 2;
        } while (multiplier_max > 0 &&
                 worst * layer->multiplier[c] + ((int64_t)1 << (layer->shift[c] - 1)) > INT32_MAX);
    }
}

enum status quant_model_create(const struct net *net, struct quant_model **out, struct error *err)
{
    *out = NULL;
    struct quant_model *model = calloc(1, sizeof *model);
    struct quant_layer **layers = calloc((size_t)net->weighted_count + 1, sizeof *layers);
    struct quant_add *adds = calloc((size_t)net->layer_count + 1, sizeof *adds);
    if (!model || !layers || !adds) {
        free(model);
        free(layers);
        free(adds);
        return error_set(err, STATUS_NO_MEMORY, "quantized model %s: out of memory", net->name);
    }
    model->net = net;
    model->layers = layers;
    model->adds = adds;
    *out = model;
    return STATUS_OK;
}

void quant_model_set_adds(struct quant_model *model, const struct calibration *calibration)
{
    memcpy(model->adds, calibration->adds, (size_t)model->net->layer_count * sizeof *model->adds);
}

void quant_model_free(struct quant_model *model)
{
    if (!model)
        return;
    for (int i = 0; model->owns_layers && i < model->net->weighted_count; i++)
        quant_layer_free(model->layers[i]);
    free(model->layers);
    free(model->adds);
    free(model);
}
