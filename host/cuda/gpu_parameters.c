// SPDX-License-Identifier: Apache-2.0
/* Parameters go into the host's copy of the inbox, gradients come from that of the outbox. The CPU has
 * rows of weights as [h][w][c], the device as [c][h][w]. */
#include "cuda/gpu.h"

#include <string.h>

void gpu_set_training(struct device_plan *plan, bool on)
{
    plan->training = on && plan->can_train;
}

static int norm_behind(const struct device_plan *plan, int index)
{
    return plan->can_train ? net_batchnorm(plan->net, index) : -1;
}

/* Rows of a layer's weights. */
struct rows {
    size_t count, channels, plane;
};

static struct rows rows_of(const struct net_layer *l)
{
    if (l->op == NET_CONV)
        return (struct rows){(size_t)l->out.c, (size_t)(l->in.c / l->groups),
                             (size_t)(l->kernel_h * l->kernel_w)};
    return (struct rows){(size_t)l->out.c, (size_t)l->in.c, (size_t)(l->in.h * l->in.w)};
}

static void to_device(const struct net_layer *l, const float *from, float *to)
{
    const struct rows r = rows_of(l);
    for (size_t o = 0; o < r.count; o++, from += r.channels * r.plane)
        for (size_t c = 0; c < r.channels; c++)
            for (size_t p = 0; p < r.plane; p++)
                *to++ = from[p * r.channels + c];
}

static void from_device(const struct net_layer *l, const float *from, float *to)
{
    const struct rows r = rows_of(l);
    for (size_t o = 0; o < r.count; o++, from += r.channels * r.plane)
        for (size_t p = 0; p < r.plane; p++)
            for (size_t c = 0; c < r.channels; c++)
                *to++ = from[c * r.plane + p];
}

/* In training the shift of a BATCHNORM behind stands for the bias. */
void gpu_set_weights(struct device_plan *plan, int k, const float *weights, const float *bias)
{
    const int index = plan->net->weighted[k], behind = norm_behind(plan, index);
    const struct gpu_layer *layer = &plan->layers[index];
    const size_t bytes = (size_t)layer->net->out.c * sizeof(float);
    float *to = gpu_host(plan, layer->bias);
    to_device(layer->net, weights, gpu_host(plan, layer->weights));
    if (plan->training && behind >= 0) {
        memset(to, 0, bytes);
        to = gpu_host(plan, plan->layers[behind].norm.shift);
    }
    memcpy(to, bias, bytes);
    plan->dirty = true;
}

void gpu_set_scale(struct device_plan *plan, int k, const float *scale)
{
    const struct gpu_layer *layer = &plan->layers[norm_behind(plan, plan->net->weighted[k])];
    memcpy(gpu_host(plan, layer->norm.scale), scale, (size_t)layer->net->out.c * sizeof(float));
    plan->dirty = true;
}

void gpu_set_requantize(struct device_plan *plan, int layer,
                        const struct device_requantize *requantize)
{
    struct gpu_requantize *own = &plan->layers[layer].requantize;
    const bool is_weighted = plan->net->layers[layer].weighted_index >= 0;
    own->on = true;
    own->channels = is_weighted ? (size_t)plan->net->layers[layer].out.c : 1;
    own->ma = requantize->ma;
    own->mb = requantize->mb;
    own->low = requantize->low;
    own->high = requantize->high;
    memcpy(gpu_host(plan, own->factor), requantize->factor, own->channels * sizeof *own->factor);
    plan->dirty = true;
}

/* out[channels]: sums over the ghosts' [channels]. */
static void sum_ghosts(const struct device_plan *plan, const float *on_device, size_t channels,
                       float *out)
{
    const float *values = gpu_host(plan, on_device);
    memset(out, 0, channels * sizeof *out);
    for (int g = 0; g < plan->ghosts; g++)
        for (size_t c = 0; c < channels; c++)
            out[c] += values[(size_t)g * channels + c];
}

void gpu_get_gradients(const struct device_plan *plan, int k, float *weights, float *bias)
{
    const int index = plan->net->weighted[k], behind = norm_behind(plan, index);
    const struct gpu_layer *layer = &plan->layers[index];
    const size_t channels = (size_t)layer->net->out.c;
    from_device(layer->net, gpu_host(plan, layer->weight_gradients), weights);
    if (behind >= 0)
        sum_ghosts(plan, plan->layers[behind].norm.shift_gradients, channels, bias);
    else
        memcpy(bias, gpu_host(plan, layer->bias_gradients), channels * sizeof *bias);
}

void gpu_get_scale_gradients(const struct device_plan *plan, int k, float *scale)
{
    const struct gpu_layer *layer = &plan->layers[norm_behind(plan, plan->net->weighted[k])];
    sum_ghosts(plan, layer->norm.scale_gradients, (size_t)layer->net->out.c, scale);
}

void gpu_get_statistics(const struct device_plan *plan, int k, int ghost, const float **mean,
                        const float **variance)
{
    const struct gpu_layer *layer = &plan->layers[norm_behind(plan, plan->net->weighted[k])];
    const size_t first = (size_t)ghost * (size_t)layer->net->out.c;
    *mean = (const float *)gpu_host(plan, layer->norm.mean) + first;
    *variance = (const float *)gpu_host(plan, layer->norm.variance) + first;
}
