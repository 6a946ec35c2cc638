// SPDX-License-Identifier: Apache-2.0
/* oneDNN sums integer-valued floats; requantization, addition and average pooling are done here.
 * Multiplication by multiplier * 2^-shift and rounding are exact in double: |acc| * multiplier is
 * below 2^31 (quant.h), and where bits of a product plus one half are lost it lies far outside the
 * clamping limits. */
#include "qat/qat_pass.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/vector.h"
#include "train/dnn_device.h"

enum { STRETCH = 64 }; /* values that one inner loop works on, at least */

/* Requantization of one layer. The factors of all channels are repeated so that inner loops are
 * long also for few channels. */
struct pass_layer {
    size_t channels, period; /* period: a multiple of channels; an addition has one channel */
    double *factor; /* [period] multiplier * 2^-shift; NULL: the layer has none of all this */
    float *gradient_factor; /* the same */
    float *weight, *bias;   /* as given to the plan; NULL for an addition */
    float ma, mb;           /* of an addition */
    int low, high;          /* clamping limits */
};

struct qat_pass {
    const struct net *net;
    struct pass_layer layers[NET_MAX_LAYERS]; /* by layer */
    bool fused[NET_MAX_LAYERS];               /* ReLU layers that a requantization includes */
};

static bool create_factors(struct pass_layer *layer, size_t channels)
{
    layer->channels = channels;
    layer->period = channels * ((STRETCH + channels - 1) / channels);
    layer->factor = calloc(layer->period, sizeof *layer->factor);
    layer->gradient_factor = calloc(layer->period, sizeof *layer->gradient_factor);
    return layer->factor && layer->gradient_factor;
}

static bool create_layer(struct qat_pass *pass, int index)
{
    const struct net_layer *net_layer = &pass->net->layers[index];
    struct pass_layer *layer = &pass->layers[index];
    const bool is_add = quant_is_add(pass->net, index);
    if (net_layer->weighted_index < 0 && !is_add)
        return true;
    const int relu = quant_fused_relu(pass->net, index);
    if (relu >= 0 && net_layer->op != NET_RELU6)
        pass->fused[relu] = true;
    if (is_add)
        return create_factors(layer, 1);
    layer->weight = calloc(net_layer_weights(net_layer), sizeof *layer->weight);
    layer->bias = calloc((size_t)net_layer->out.c, sizeof *layer->bias);
    return layer->weight && layer->bias && create_factors(layer, (size_t)net_layer->out.c);
}

enum status qat_pass_create(const struct net *net, struct qat_pass **out, struct error *err)
{
    *out = NULL;
    struct qat_pass *pass = calloc(1, sizeof *pass);
    bool good = pass != NULL;
    if (good)
        pass->net = net;
    for (int i = 0; good && i < net->layer_count; i++)
        good = create_layer(pass, i);
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
    for (int i = 0; i < pass->net->layer_count; i++) {
        free(pass->layers[i].factor);
        free(pass->layers[i].gradient_factor);
        free(pass->layers[i].weight);
        free(pass->layers[i].bias);
    }
    free(pass);
}

static void set_limits(struct pass_layer *layer, bool relu)
{
    layer->low = relu ? 0 : -128;
    layer->high = relu ? 255 : 127;
}

/* From there on the core rounds half up for all numbers. */
static double make_factor(uint8_t multiplier, uint8_t shift)
{
    assert(shift >= 2);
    return ldexp(multiplier, -shift);
}

/* The first channels' factors are set. */
static void repeat_factors(struct pass_layer *layer)
{
    for (size_t i = layer->channels; i < layer->period; i++)
        layer->factor[i] = layer->factor[i - layer->channels];
    for (size_t i = 0; i < layer->period; i++)
        layer->gradient_factor[i] = (float)layer->factor[i];
}

static void load_layer(struct pass_layer *layer, const struct quant_layer *quant)
{
    const size_t count = layer->channels * (size_t)quant->row_count;
    set_limits(layer, quant->relu);
    for (size_t i = 0; i < count; i++)
        layer->weight[i] = (float)quant->weight[i];
    for (size_t c = 0; c < layer->channels; c++) {
        layer->bias[c] = ldexpf((float)quant->bias[c], quant->bias_shift[c]);
        layer->factor[c] = make_factor(quant->multiplier[c], quant->shift[c]);
    }
    repeat_factors(layer);
}

static void load_add(struct pass_layer *layer, const struct quant_add *add)
{
    set_limits(layer, add->relu);
    layer->ma = add->ma;
    layer->mb = add->mb;
    layer->factor[0] = make_factor(add->multiplier, add->shift);
    repeat_factors(layer);
}

/* A device does the requantization itself. */
static void tell_device(const struct pass_layer *layer, int index, struct dnn_plan *plan)
{
    const struct device_requantize requantize = {layer->factor, layer->ma, layer->mb, layer->low,
                                                 layer->high};
    if (dnn_on_device(plan))
        dnn_device_set_requantize(plan, index, &requantize);
}

enum status qat_pass_load(struct qat_pass *pass, const struct quant_model *model,
                          struct dnn_plan *plan, struct error *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < pass->net->layer_count; i++) {
        struct pass_layer *layer = &pass->layers[i];
        const int k = pass->net->layers[i].weighted_index;
        if (k >= 0) {
            load_layer(layer, model->layers[k]);
            status = dnn_plan_set_weights(plan, k, layer->weight, layer->bias, err);
        } else if (layer->factor) {
            load_add(layer, &model->adds[i]);
        }
        if (layer->factor)
            tell_device(layer, i, plan);
    }
    return status;
}

/* ---- Forward ---- */

/* In place: accumulators become what requantize() of quant.h makes of them. The lower limit is
 * moved to 0, where the conversion to int rounds down. */
VECTOR_CLONES
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

/* Sums of n values to their averages, rounded half up as in model_format.h, which is the integer below
 * (2 sum + n) / (2 n). A half more leaves that as it is, and no rounding error reaches an integer from
 * there. Sums are moved up so that conversion to int rounds down. */
VECTOR_CLONES
static void round_averages(float *values, int n, size_t count)
{
    enum { UP = 128 }; /* values are -128 or more */
    const double factor = 0.5 / n, add = n + 0.5 + 2.0 * UP * n;
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        values[i] = (float)((int)((2 * (double)values[i] + add) * factor) - UP);
}

static void average_pool(const struct net_layer *l, const float *in, float *out, size_t images)
{
    dnn_avgpool_sums(l, in, out, images);
    round_averages(out, l->kernel_h * l->kernel_w, images * shape_size(l->out));
}

/* Sums are below 2^17. */
static void add_values(const struct pass_layer *layer, const float *a, const float *b, float *out,
                       size_t count)
{
    const float ma = layer->ma, mb = layer->mb;
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        out[i] = ma * a[i] + mb * b[i];
}

static void copy_values(const float *in, float *out, size_t count)
{
    if (in != out)
        memcpy(out, in, count * sizeof *out);
}

/* Layer index but for its requantization. */
static enum status forward_layer(const struct qat_pass *pass, struct dnn_shard *shard, int index,
                                 struct error *err)
{
    const struct net_layer *l = &pass->net->layers[index];
    const struct pass_layer *layer = &pass->layers[index];
    const size_t images = (size_t)dnn_shard_images(shard), count = images * shape_size(l->out);
    const float *in = dnn_shard_values(shard, index - 1);
    float *out = dnn_shard_values(shard, index);
    const bool is_add = layer->factor && l->weighted_index < 0;
    if (pass->fused[index])
        copy_values(in, out, count);
    else if (is_add)
        add_values(layer, in, l->op == NET_ADD ? dnn_shard_values(shard, l->with) : in, out, count);
    else if (l->op == NET_AVGPOOL)
        average_pool(l, in, out, images);
    else
        return dnn_shard_forward(shard, index, err);
    return STATUS_OK;
}

enum status qat_pass_forward(void *context, struct dnn_shard *shard, struct error *err)
{
    const struct qat_pass *pass = context;
    const size_t images = (size_t)dnn_shard_images(shard);
    enum status status = STATUS_OK;
    for (int i = 0; i < pass->net->layer_count && status == STATUS_OK; i++) {
        status = forward_layer(pass, shard, i, err);
        if (status == STATUS_OK && pass->layers[i].factor)
            requantize_values(&pass->layers[i], dnn_shard_values(shard, i),
                              images * shape_size(pass->net->layers[i].out));
    }
    return status;
}

/* ---- Backward ---- */

/* In place: gradients of the outputs become those of the accumulators. */
VECTOR_CLONES
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
    const size_t images = (size_t)dnn_shard_images(shard);
    enum status status = STATUS_OK;
    for (int i = pass->net->layer_count - 1; i >= 0 && status == STATUS_OK; i--) {
        const struct net_layer *l = &pass->net->layers[i];
        const struct pass_layer *layer = &pass->layers[i];
        float *gradients = dnn_shard_gradients(shard, i);
        if (layer->factor && gradients)
            pass_straight_through(layer, dnn_shard_values(shard, i), gradients,
                                  images * shape_size(l->out));
        if (l->op == NET_ADD)
            dnn_shard_backward_add(shard, i, layer->ma, layer->mb);
        else if (layer->factor && l->weighted_index < 0)
            dnn_shard_backward_scale(shard, i, layer->ma);
        else if (!pass->fused[i])
            status = dnn_shard_backward(shard, i, err);
    }
    return status;
}
