// SPDX-License-Identifier: Apache-2.0
/* Which layers of a plan work in place: on values that nobody needs any more. */
#include "train/dnn_plan.h"

/* The layer that owns the memory behind a layer, -1 the input's. Layers before are laid out. */
static int root_of(const struct dnn_plan *plan, int layer)
{
    while (layer >= 0 && plan->layers[layer].values_in_place)
        layer--;
    return layer;
}

static bool is_relu(enum net_op op)
{
    return op == NET_RELU || op == NET_RELU6;
}

/* Whether one of the values that share memory with those before index is an output of ReLU from
 * which its backward pass sees where it was active. */
static bool hides_relu(const struct dnn_plan *plan, int index, bool relu6_only)
{
    for (int i = index - 1; i >= 0; i--) {
        const enum net_op op = plan->net->layers[i].op;
        if (op == NET_RELU6 || (op == NET_RELU && !relu6_only))
            return true;
        if (!plan->layers[i].values_in_place)
            break;
    }
    return false;
}

/* Whether an ADD or BRANCH layer reads the memory before index, from index on. */
static bool is_read_later(const struct dnn_plan *plan, int index)
{
    const int root = root_of(plan, index - 1);
    for (int i = index; i < plan->net->layer_count; i++) {
        const struct net_layer *l = &plan->net->layers[i];
        if (net_has_with(l) && l->with < index && root_of(plan, l->with) == root)
            return true;
    }
    return false;
}

static bool values_in_place(const struct dnn_plan *plan, int index)
{
    const enum net_op op = plan->net->layers[index].op;
    if (op == NET_FLATTEN)
        return true;
    if (op == NET_BATCHNORM || (op == NET_DROPOUT && plan->use != DNN_TRAIN))
        return plan->use != DNN_TRAIN;
    if (!is_relu(op) && op != NET_ADD && op != NET_DROPOUT)
        return false;
    if (op == NET_ADD && (plan->use == DNN_FOLDED || hides_relu(plan, index, false)))
        return false; /* FOLDED: integers, which show where they were clamped (qat_pass.c) */
    if (op == NET_DROPOUT && hides_relu(plan, index, true))
        return false; /* what is kept grows and would look cut off */
    return !is_read_later(plan, index);
}

void dnn_layout(struct dnn_plan *plan)
{
    const struct net *net = plan->net;
    for (int i = 0; i < net->layer_count; i++) {
        struct dnn_layer *layer = &plan->layers[i];
        const enum net_op op = net->layers[i].op;
        layer->values_in_place = values_in_place(plan, i);
        layer->gradients_in_place = is_relu(op) || op == NET_FLATTEN || op == NET_ADD ||
                                    op == NET_BATCHNORM || op == NET_DROPOUT;
    }
    for (int i = 1; i < net->layer_count && plan->use == DNN_TRAIN; i++)
        plan->layers[i - 1].is_rectified = net->layers[i].op == NET_RELU &&
                                           net->layers[i - 1].op == NET_CONV &&
                                           plan->layers[i].values_in_place;
    for (int i = net->layer_count - 1; i >= 0; i--) {
        if (!net_has_with(&net->layers[i]) || net->layers[i].with < 0)
            continue;
        struct dnn_layer *source = &plan->layers[net->layers[i].with];
        plan->layers[i].is_last_reader = !source->is_source;
        source->is_source = true;
    }
}
