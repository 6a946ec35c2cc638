// SPDX-License-Identifier: Apache-2.0
/* oneDNN sums integer-valued floats; requantization and average pooling are done here.
 * Multiplication by multiplier * 2^-shift and rounding are exact in double: |acc| * multiplier is
 * below 2^31 (quant.h), and where bits of a product plus one half are lost it lies far outside the
 * clamping limits. */
#include "qat_pass.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCH = 64 }; /* values that one inner loop works on, at least */

/* Requantization of one layer. The factors of all channels are repeated so that inner loops are
 * long also for few channels. */
struct pass_layer {
    size_t channels, period; /* period: a multiple of channels */
    double *factor;          /* [period] multiplier * 2^-shift */
    float *gradient_factor;  /* the same */
    float *weight, *bias;    /* as given to the plan */
    int low, high;           /* clamping limits */
};

struct qat_pass {
    const struct net *net;
    struct pass_layer layers[NET_MAX_LAYERS]; /* by weighted layer */
    bool fused[NET_MAX_LAYERS];               /* ReLU layers that a requantization includes */
};

static bool create_layer(struct pass_layer *layer, const struct net_layer *net_layer)
{
    layer->channels = (size_t)net_layer->out.c;
    layer->period = layer->channels * ((STRETCH + layer->channels - 1) / layer->channels);
    layer->factor = calloc(layer->period, sizeof *layer->factor);
    layer->gradient_factor = calloc(layer->period, sizeof *layer->gradient_factor);
    layer->weight = calloc(net_layer_weights(net_layer), sizeof *layer->weight);
    layer->bias = calloc(layer->channels, sizeof *layer->bias);
    return layer->factor && layer->gradient_factor && layer->weight && layer->bias;
}

enum status qat_pass_create(const struct net *net, struct qat_pass **out, struct error *err)
{
    *out = NULL;
    struct qat_pass *pass = calloc(1, sizeof *pass);
    bool good = pass != NULL;
    if (good)
        pass->net = net;
    for (int k = 0; good && k < net->weighted_count; k++) {
        const int relu = quant_fused_relu(net, net->weighted[k]);
        good = create_layer(&pass->layers[k], &net->layers[net->weighted[k]]);
        if (relu >= 0)
            pass->fused[relu] = true;
    }
    if (!good) {
        qat_pass_free(pass);
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to train its integers",
                         net->name);
    }
    *out = pass;
    return STATUS_OK;
}

void qat_pass_free(struct qat_pass *pass)
{
    if (!pass)
        return;
    for (int k = 0; k < pass->net->weighted_count; k++) {
        free(pass->layers[k].factor);
        free(pass->layers[k].gradient_factor);
        free(pass->layers[k].weight);
        free(pass->layers[k].bias);
    }
    free(pass);
}

static void load_layer(struct pass_layer *layer, const struct quant_layer *quant)
{
    const size_t count = layer->channels * (size_t)quant->row_count;
    layer->low = quant->relu ? 0 : -128;
    layer->high = quant->relu ? 255 : 127;
    for (size_t i = 0; i < count; i++)
        layer->weight[i] = (float)quant->weight[i];
    for (size_t c = 0; c < layer->channels; c++) {
        assert(quant->shift[c] >= 2); /* from there on the core rounds half up for all numbers */
        layer->bias[c] = ldexpf((float)quant->bias[c], quant->bias_shift[c]);
        layer->factor[c] = ldexp(quant->multiplier[c], -quant->shift[c]);
    }
    for (size_t i = layer->channels; i < layer->period; i++)
        layer->factor[i] = layer->factor[i - layer->channels];
    for (size_t i = 0; i < layer->period; i++)
        layer->gradient_factor[i] = (float)layer->factor[i];
}

enum status qat_pass_load(struct qat_pass *pass, const struct quant_model *model,
                          struct dnn_plan *plan, struct error *err)
{
    enum status status = STATUS_OK;
    for (int k = 0; status == STATUS_OK && k < pass->net->weighted_count; k++) {
        struct pass_layer *layer = &pass->layers[k];
        load_layer(layer, model->layers[k]);
        status = dnn_plan_set_weights(plan, k, layer->weight, layer->bias, err);
    }
    return status;
}

/* ---- Forward ---- */

/* In place: accumulators become what requantize() of quant.h makes of them. The lower limit is
 * moved to 0, where the conversion to int rounds down. */
static void requantize_values(const struct pass_layer *layer, float *values, size_t count)
{
    const double up = 0.5 - layer->low, highest = layer->high - layer->low + 0.5;
    const double *factor = layer->factor;
    const int low = layer->low;
    for (size_t first = 0; first < count; first += layer->period) {
        const size_t left = count - first, n = left < layer->period ? left : layer->period;
        float *v = values + first;
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            double t = (double)v[i] * factor[i] + up;
            t = t > 0 ? t : 0;
            t = t < highest ? t : highest;
            v[i] = (float)((int)t + low);
        }
    }
}

/* Average of one channel vector's window, rounded half up, as in model_format.h. A double quotient
 * cannot reach the next integer by rounding: its distance is at least 1 / (2 n). */
static void average_window(const struct net_layer *l, const float *in, float *out)
{
    const size_t channels = (size_t)l->in.c, row = (size_t)l->in.w * channels;
    const double n = (double)l->kernel_h * l->kernel_w;
    for (size_t c = 0; c < channels; c++)
        out[c] = 0;
    for (int y = 0; y < l->kernel_h; y++)
        for (size_t x = 0; x < (size_t)l->kernel_w * channels; x += channels)
            for (size_t c = 0; c < channels; c++)
                out[c] += in[(size_t)y * row + x + c];
    for (size_t c = 0; c < channels; c++)
        out[c] = (float)floor((2 * (double)out[c] + n) / (2 * n));
}

static void average_pool(const struct net_layer *l, const float *in, float *out, size_t images)
{
    const size_t channels = (size_t)l->in.c;
    for (size_t i = 0; i < images; i++, in += shape_size(l->in))
        for (int y = 0; y < l->out.h; y++)
            for (int x = 0; x < l->out.w; x++, out += channels) {
                const size_t pixel = (size_t)y * (size_t)l->stride_h * (size_t)l->in.w +
                                     (size_t)x * (size_t)l->stride_w;
                average_window(l, in + pixel * channels, out);
            }
}

enum status qat_pass_forward(void *context, struct dnn_shard *shard, struct error *err)
{
    const struct qat_pass *pass = context;
    const struct net *net = pass->net;
    const size_t images = (size_t)dnn_shard_images(shard);
    for (int i = 0; i < net->layer_count; i++) {
        const struct net_layer *l = &net->layers[i];
        float *values = dnn_shard_values(shard, i);
        if (pass->fused[i])
            continue;
        if (l->op == NET_AVGPOOL) {
            average_pool(l, dnn_shard_values(shard, i - 1), values, images);
            continue;
        }
        const enum status status = dnn_shard_forward(shard, i, err);
        if (status != STATUS_OK)
            return status;
        if (l->weighted_index >= 0)
            requantize_values(&pass->layers[l->weighted_index], values,
                              images * shape_size(l->out));
    }
    return STATUS_OK;
}

/* ---- Backward ---- */

/* In place: gradients of the outputs become those of the accumulators. */
static void pass_straight_through(const struct pass_layer *layer, const float *values,
                                  float *gradients, size_t count)
{
    const float low = (float)layer->low, high = (float)layer->high;
    const float *factor = layer->gradient_factor;
    for (size_t first = 0; first < count; first += layer->period) {
        const size_t left = count - first, n = left < layer->period ? left : layer->period;
        const float *v = values + first;
        float *g = gradients + first;
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            g[i] = v[i] > low && v[i] < high ? g[i] * factor[i] : 0;
    }
}

enum status qat_pass_backward(void *context, struct dnn_shard *shard, struct error *err)
{
    const struct qat_pass *pass = context;
    const struct net *net = pass->net;
    const size_t images = (size_t)dnn_shard_images(shard);
    for (int i = net->layer_count - 1; i >= 0; i--) {
        const struct net_layer *l = &net->layers[i];
        if (pass->fused[i])
            continue;
        if (l->weighted_index >= 0)
            pass_straight_through(&pass->layers[l->weighted_index], dnn_shard_values(shard, i),
                                  dnn_shard_gradients(shard, i), images * shape_size(l->out));
        const enum status status = dnn_shard_backward(shard, i, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
