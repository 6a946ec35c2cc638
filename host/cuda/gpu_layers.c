// SPDX-License-Identifier: Apache-2.0
/* One layer, forward and backward. A layer that changes nothing has its owner's values and nothing to
 * do. Backward, a layer's gradients are complete when it comes to its turn. */
#include "cuda/gpu.h"

static size_t plane_of(const struct net_layer *l)
{
    return (size_t)(l->out.h * l->out.w);
}

static enum status copy(struct device_plan *plan, const float *from, float *to, size_t count,
                        struct error *err)
{
    return gpu_check(
        cudaMemcpyAsync(to, from, count * sizeof *to, cudaMemcpyDeviceToDevice, plan->stream),
        "a copy", err);
}

static bool has_own_bias(const struct device_plan *plan, int index)
{
    return !plan->training || net_batchnorm(plan->net, index) < 0;
}

/* ---- Forward ---- */

static enum status requantize(struct device_plan *plan, int index, const float *bias,
                              struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct gpu_requantize *r = &layer->requantize;
    const struct requantize_args args = {layer->values, bias,   r->factor, plane_of(layer->net),
                                         r->channels,   r->low, r->high};
    return gpu_check(kernel_requantize(plan->stream, &args, gpu_count(plan, index)),
                     layer->net->name, err);
}

static enum status forward_weighted(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct bias_args args = {layer->values, layer->bias, plane_of(layer->net),
                                   (size_t)layer->net->out.c};
    const enum status status = layer->net->op == NET_CONV ? gpu_conv_forward(plan, index, err)
                                                          : gpu_fc_forward(plan, index, err);
    if (status != STATUS_OK)
        return status;
    if (layer->requantize.on)
        return requantize(plan, index, layer->bias, err);
    if (!has_own_bias(plan, index))
        return STATUS_OK;
    return gpu_check(kernel_bias(plan->stream, &args, gpu_count(plan, index)), layer->net->name,
                     err);
}

/* ADD, and RELU6 as an addition. */
static enum status forward_sum(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct gpu_requantize *r = &layer->requantize;
    const float *before = gpu_values(plan, index - 1);
    const float *with = layer->net->op == NET_ADD ? gpu_values(plan, layer->net->with) : before;
    const struct combine_args args = {before, with, r->on ? r->ma : 1, r->on ? r->mb : 1,
                                      layer->values};
    const enum status status = gpu_check(
        kernel_combine(plan->stream, &args, gpu_count(plan, index)), layer->net->name, err);
    return status == STATUS_OK && r->on ? requantize(plan, index, NULL, err) : status;
}

static enum status forward_relu(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct relu_args args = {gpu_values(plan, index - 1), layer->values,
                                   layer->net->op == NET_RELU6};
    if (layer->requantize.on)
        return forward_sum(plan, index, err);
    return gpu_check(kernel_relu(plan->stream, &args, gpu_count(plan, index)), layer->net->name,
                     err);
}

static enum status flatten(struct device_plan *plan, int index, bool back, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct shape s = layer->net->in;
    const struct flatten_args args = {
        back ? layer->gradients : gpu_values(plan, index - 1),
        back ? gpu_gradients(plan, index - 1) : layer->values,
        (size_t)s.c,
        (size_t)(s.h * s.w),
        back,
        back && layer->adds_before,
    };
    return gpu_check(kernel_flatten(plan->stream, &args, gpu_count(plan, index)), layer->net->name,
                     err);
}

/* Draws what is kept in this step. */
static enum status draw(struct device_plan *plan, int index, uint64_t seed, uint64_t step,
                        struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct draw_args args = {
        layer->numbers, (size_t)plan->images, gpu_random_count(layer->net), seed, step, index};
    return gpu_check(kernel_draw(plan->stream, &args, (size_t)plan->images), layer->net->name, err);
}

static enum status drop(struct device_plan *plan, int index, const float *in, float *out, bool add,
                        struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct net_layer *l = layer->net;
    const struct drop_args args = {
        in,          layer->numbers,           out, (size_t)plan->images, (size_t)l->out.c,
        plane_of(l), dropout_of(l->drop_rate), add};
    return gpu_check(kernel_drop(plan->stream, &args, gpu_count(plan, index)), l->name, err);
}

static enum status forward_dropout(struct device_plan *plan, int index, uint64_t seed,
                                   uint64_t step, struct error *err)
{
    const enum status status = draw(plan, index, seed, step, err);
    return status == STATUS_OK ? drop(plan, index, gpu_values(plan, index - 1),
                                      plan->layers[index].values, false, err)
                               : status;
}

enum status gpu_layer_forward(struct device_plan *plan, int index, uint64_t seed, uint64_t step,
                              struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const float *in = gpu_values(plan, index - 1);
    if (layer->owner != index)
        return STATUS_OK;
    switch (layer->net->op) {
    case NET_CONV:
    case NET_FC:
        return forward_weighted(plan, index, err);
    case NET_RELU:
    case NET_RELU6:
        return forward_relu(plan, index, err);
    case NET_MAXPOOL:
    case NET_AVGPOOL:
        return gpu_pool_forward(plan, index, err);
    case NET_FLATTEN:
        return flatten(plan, index, false, err);
    case NET_ADD:
        return forward_sum(plan, index, err);
    case NET_BRANCH:
        return copy(plan, gpu_values(plan, layer->net->with), layer->values, gpu_count(plan, index),
                    err);
    case NET_BATCHNORM:
        if (plan->training)
            return gpu_norm_forward(plan, index, err);
        break;
    case NET_DROPOUT:
        if (plan->training)
            return forward_dropout(plan, index, seed, step, err);
        break;
    }
    return copy(plan, in, layer->values, gpu_count(plan, index), err);
}

/* ---- Backward ---- */

/* factor * the layer's gradients to those of another one. */
static enum status pass(struct device_plan *plan, int index, float *to, float factor, bool add,
                        struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct scale_args args = {layer->gradients, factor, to, add};
    if (!to)
        return STATUS_OK;
    return gpu_check(kernel_scale(plan->stream, &args, gpu_count(plan, index)), layer->net->name,
                     err);
}

static enum status straight_through(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct gpu_requantize *r = &layer->requantize;
    const struct straight_args args = {layer->values,        layer->gradients, r->factor,
                                       plane_of(layer->net), r->channels,      (float)r->low,
                                       (float)r->high};
    return gpu_check(kernel_straight(plan->stream, &args, gpu_count(plan, index)), layer->net->name,
                     err);
}

static enum status bias_gradients(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const size_t channels = (size_t)layer->net->out.c;
    const struct partial_sums_args parts = {layer->gradients, plan->parts, (size_t)plan->images,
                                            channels, plane_of(layer->net)};
    const struct sums_args sums = {plan->parts, layer->bias_gradients};
    cudaError_t result = kernel_partial_sums(plan->stream, &parts, channels * SUM_PARTS);
    if (result == cudaSuccess)
        result = kernel_sums(plan->stream, &sums, channels);
    return gpu_check(result, layer->net->name, err);
}

static enum status backward_weighted(struct device_plan *plan, int index, struct error *err)
{
    const enum status status =
        has_own_bias(plan, index) ? bias_gradients(plan, index, err) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    return plan->net->layers[index].op == NET_CONV ? gpu_conv_backward(plan, index, err)
                                                   : gpu_fc_backward(plan, index, err);
}

static enum status backward_relu(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    float *to = gpu_gradients(plan, index - 1);
    const struct relu_back_args args = {layer->values, layer->gradients, to,
                                        layer->net->op == NET_RELU6, layer->adds_before};
    if (layer->requantize.on)
        return pass(plan, index, to, layer->requantize.ma, layer->adds_before, err);
    return gpu_check(kernel_relu_back(plan->stream, &args, gpu_count(plan, index)),
                     layer->net->name, err);
}

static enum status backward_add(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    const struct gpu_requantize *r = &layer->requantize;
    const enum status status = pass(plan, index, gpu_gradients(plan, index - 1), r->on ? r->ma : 1,
                                    layer->adds_before, err);
    if (status != STATUS_OK)
        return status;
    return pass(plan, index, gpu_gradients(plan, layer->net->with), r->on ? r->mb : 1,
                layer->adds_with, err);
}

static enum status backward_op(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    float *before = gpu_gradients(plan, index - 1);
    if (layer->net->op == NET_CONV || layer->net->op == NET_FC)
        return backward_weighted(plan, index, err);
    if (layer->net->op == NET_ADD)
        return backward_add(plan, index, err);
    if (layer->net->op == NET_BRANCH)
        return pass(plan, index, gpu_gradients(plan, layer->net->with), 1, layer->adds_with, err);
    if (!before)
        return STATUS_OK;
    switch (layer->net->op) {
    case NET_RELU:
    case NET_RELU6:
        return backward_relu(plan, index, err);
    case NET_MAXPOOL:
    case NET_AVGPOOL:
        return gpu_pool_backward(plan, index, err);
    case NET_FLATTEN:
        return flatten(plan, index, true, err);
    case NET_BATCHNORM:
        return gpu_norm_backward(plan, index, err);
    default:
        return drop(plan, index, layer->gradients, before, layer->adds_before, err);
    }
}

enum status gpu_layer_backward(struct device_plan *plan, int index, struct error *err)
{
    const struct gpu_layer *layer = &plan->layers[index];
    if (layer->owner != index || !layer->gradients)
        return STATUS_OK;
    const enum status status =
        layer->requantize.on ? straight_through(plan, index, err) : STATUS_OK;
    return status == STATUS_OK ? backward_op(plan, index, err) : status;
}
