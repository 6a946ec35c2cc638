// SPDX-License-Identifier: Apache-2.0
/* Rounding with straight-through gradients. */
#include "qat/qat_layer.h"

#include <math.h>
#include <stdlib.h>

enum { START_SCALES = 40 };
static const float START_STEP = 0.95f; /* down to an eighth of the largest weight */

/* Nearest integers, ties to even. Adding 1.5 * 2^23 leaves no bits behind the point. */
static void round_row(const float *w, int count, float scale, float limit, int8_t *q)
{
    const float inverse = 1.0f / scale, magic = 0x1.8p23f;
#pragma omp simd
    for (int i = 0; i < count; i++) {
        float t = w[i] * inverse;
        t = t > -limit ? t : -limit;
        t = t < limit ? t : limit;
        q[i] = (int8_t)(int)((t + magic) - magic);
    }
}

/* The scale of least squared error for a row. For given integers q the best one is (w q) / (q q),
 * and the error falls with (w q)^2 / (q q): the integers of START_SCALES scales from the largest
 * weight down are compared. q: room for count integers. 0 without weights. */
static float fit_scale(const float *w, int count, int limit, int8_t *q)
{
    float largest = 0, best = 0, best_gain = 0;
    for (int i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(w[i]));
    float scale = largest / (float)limit;
    for (int i = 0; scale > 0 && i < START_SCALES; i++, scale *= START_STEP) {
        float product = 0, square = 0;
        round_row(w, count, scale, (float)limit, q);
        for (int j = 0; j < count; j++) {
            product += w[j] * (float)q[j];
            square += (float)q[j] * (float)q[j];
        }
        if (product * product / square > best_gain) {
            best_gain = product * product / square;
            best = product / square;
        }
    }
    return best;
}

static void fill_quant(struct quant_layer *quant, const struct calibration *calibration, int k,
                       int bits)
{
    quant->bits = bits;
    quant->relu = calibration->relu[k];
    quant->in_signed = calibration->in_signed[k];
    quant->in_scale = calibration->in_scale[k];
    quant->out_scale = calibration->out_scale[k];
}

/* A row without weights: the scale serves the bias alone. */
static void start_scales(struct qat_layer *layer)
{
    const struct quant_layer *quant = layer->quant;
    const size_t n = (size_t)quant->row_count;
    const float unused = quant->out_scale / quant->in_scale / 256.0f;
    for (int c = 0; c < quant->out_count; c++) {
        const float scale = fit_scale(layer->weights + (size_t)c * n, quant->row_count,
                                      quant_weight_limit(quant->bits), quant->weight);
        layer->log_scale[c] = logf(scale > 0 ? scale : unused);
    }
}

enum status qat_layer_create(const struct float_model *model, const struct calibration *calibration,
                             int k, int bits, struct qat_layer **out, struct error *err)
{
    *out = NULL;
    struct qat_layer *layer = calloc(1, sizeof *layer);
    if (!layer)
        return error_set(err, STATUS_NO_MEMORY, "quantization-aware training: out of memory");
    const struct net_layer *l = &model->net->layers[model->net->weighted[k]];
    const size_t n = (size_t)l->out.c, rows = net_layer_weights(l) / n;
    enum status status = quant_layer_create((int)n, (int)rows, &layer->quant, err);
    if (status != STATUS_OK)
        goto out;
    layer->log_scale = calloc(n, sizeof *layer->log_scale);
    layer->scale_gradient = calloc(n, sizeof *layer->scale_gradient);
    layer->weights = model->weights[k];
    layer->bias = model->biases[k];
    if (!layer->log_scale || !layer->scale_gradient) {
        status = error_set(err, STATUS_NO_MEMORY, "quantization-aware training: out of memory");
        goto out;
    }
    fill_quant(layer->quant, calibration, k, bits);
    start_scales(layer);
    *out = layer;
    layer = NULL;
out:
    qat_layer_free(layer);
    return status;
}

void qat_layer_free(struct qat_layer *layer)
{
    if (!layer)
        return;
    quant_layer_free(layer->quant);
    free(layer->log_scale);
    free(layer->scale_gradient);
    free(layer);
}

static void quantize_channel(struct qat_layer *layer, int channel)
{
    struct quant_layer *quant = layer->quant;
    const size_t first = (size_t)channel * (size_t)quant->row_count;
    const float limit = (float)quant_weight_limit(quant->bits);
    float scale = expf(layer->log_scale[channel]);
    for (;;) {
        scale = quant_snap_scale(quant, scale);
        round_row(layer->weights + first, quant->row_count, scale, limit, quant->weight + first);
        if (quant_channel_fits(quant, channel))
            break;
        scale *= 1.1f;
    }
    quant->weight_scale[channel] = scale;
}

void qat_layer_quantize(struct qat_layer *layer)
{
    for (int c = 0; c < layer->quant->out_count; c++)
        quantize_channel(layer, c);
    quant_layer_set_requantization(layer->quant, layer->bias);
}

/* One row's gradients by LSQ's formulas. Returns that of the scale's logarithm. */
static float convert_row(const float *w, const int8_t *q, int count, float inverse, float limit,
                         float *gradients)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < count; i++) {
        const float t = w[i] * inverse;
        sum += gradients[i] * ((float)q[i] - (fabsf(t) < limit ? t : 0));
    }
#pragma omp simd
    for (int i = 0; i < count; i++)
        gradients[i] = fabsf(w[i] * inverse) < limit ? gradients[i] * inverse : 0;
    return sum;
}

void qat_layer_convert(struct qat_layer *layer, float *weight_gradients, float *bias_gradients)
{
    const struct quant_layer *quant = layer->quant;
    const float limit = (float)quant_weight_limit(quant->bits);
    for (int c = 0; c < quant->out_count; c++) {
        const size_t first = (size_t)c * (size_t)quant->row_count;
        const float inverse = 1.0f / quant->weight_scale[c];
        layer->scale_gradient[c] =
            convert_row(layer->weights + first, quant->weight + first, quant->row_count, inverse,
                        limit, weight_gradients + first);
        bias_gradients[c] *= inverse / quant->in_scale;
    }
}
