// SPDX-License-Identifier: Apache-2.0
/* What follows from a layer's shape and place alone; part of the library for GPUs too. */
#include "net/net.h"

size_t net_layer_weights(const struct net_layer *layer)
{
    if (layer->op == NET_CONV)
        return (size_t)layer->out.c * (size_t)layer->kernel_h * (size_t)layer->kernel_w *
               (size_t)(layer->in.c / layer->groups);
    return layer->op == NET_FC ? (size_t)layer->out.c * shape_size(layer->in) : 0;
}

size_t net_layer_macs(const struct net_layer *layer)
{
    const size_t pixels = (size_t)layer->out.h * (size_t)layer->out.w;
    return layer->op == NET_CONV ? pixels * net_layer_weights(layer) : net_layer_weights(layer);
}

int net_batchnorm(const struct net *net, int layer)
{
    const int next = layer + 1;
    return next < net->layer_count && net->layers[next].op == NET_BATCHNORM ? next : -1;
}
