// SPDX-License-Identifier: Apache-2.0
#include "train/dnn_device.h"

#include <stdlib.h>
#include "quant/quant.h"
#include "train/dnn_plan.h"

/* Layers that change nothing: ReLU layers that a requantization includes, and with folded weights
 * BATCHNORM and DROPOUT. */
static void find_identity(const struct dnn_device_use *use, bool identity[NET_MAX_LAYERS])
{
    const struct net *net = use->net;
    for (int i = 0; i < net->layer_count; i++) {
        const enum net_op op = net->layers[i].op;
        identity[i] = !use->training && (op == NET_BATCHNORM || op == NET_DROPOUT);
    }
    for (int i = 0; use->integers && i < net->layer_count; i++) {
        const bool requantizes = net->layers[i].weighted_index >= 0 || quant_is_add(net, i);
        const int relu = requantizes ? quant_fused_relu(net, i) : -1;
        if (relu >= 0 && net->layers[i].op != NET_RELU6)
            identity[relu] = true;
    }
}

enum status dnn_device_plan_create(struct device *device, const struct dnn_device_use *use,
                                   struct dnn_plan **out, struct error *err)
{
    bool identity[NET_MAX_LAYERS] = {false};
    *out = NULL;
    struct dnn_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory for its layers",
                         use->net->name);
    find_identity(use, identity);
    const struct device_plan_setup setup = {
        use->net, use->images * use->shards, use->shards, use->training, use->integers, identity};
    plan->net = use->net;
    plan->images = use->images;
    plan->use = use->training ? DNN_TRAIN : DNN_FOLDED;
    plan->training = use->training;
    plan->table = device->table;
    const enum status status =
        device->table->plan_create(device->state, &setup, &plan->on_device, err);
    if (status == STATUS_OK)
        *out = plan;
    else
        dnn_plan_free(plan);
    return status;
}

bool dnn_on_device(const struct dnn_plan *plan)
{
    return plan->on_device != NULL;
}

void dnn_device_set_requantize(struct dnn_plan *plan, int layer,
                               const struct device_requantize *requantize)
{
    plan->table->set_requantize(plan->on_device, layer, requantize);
}

enum status dnn_device_step(struct dnn_plan *plan, const struct device_batch *batch, double *loss,
                            struct error *err)
{
    return plan->table->step(plan->on_device, batch, loss, err);
}

enum status dnn_device_count_correct(struct dnn_plan *plan, const struct dataset *data,
                                     float input_scale, size_t *correct, struct error *err)
{
    return plan->table->count_correct(plan->on_device, data, input_scale, correct, err);
}

enum status dnn_device_read(struct dnn_plan *plan, int layer, bool gradients, float *out,
                            struct error *err)
{
    return plan->table->read(plan->on_device, layer, gradients, out, err);
}
