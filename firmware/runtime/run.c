// SPDX-License-Identifier: Apache-2.0
/* From a layer of a parsed model to the call of its kernel. */
#include <stddef.h>
#include "kernels.h"
#include "protocol.h"
#include "run.h"

/* By weight width: 2, 4, 8 bits. */
static unsigned width_index(const struct model_layer *layer)
{
    return layer->weight_bits / 4;
}

static kernel_fn *select_conv2d(const struct kernel_args *args, bool is_nn)
{
    static kernel_fn *const nn[] = {conv2d_w2_nn, conv2d_w4_nn, conv2d_w8_nn};

    if (model_is_depthwise(args->layer, args->in_shape, args->out_shape))
        return is_nn ? depthwise_nn : depthwise_rv32;
    return is_nn ? nn[width_index(args->layer)] : conv2d_rv32;
}

static kernel_fn *select_fc(const struct kernel_args *args, bool is_nn)
{
    static kernel_fn *const nn[] = {fc_w2_nn, fc_w4_nn, fc_w8_nn};

    return is_nn ? nn[width_index(args->layer)] : fc_rv32;
}

kernel_fn *kernel_select(const struct kernel_args *args, unsigned tier)
{
    const struct model_layer *layer = args->layer;
    const bool is_nn = tier == TIER_NN;

    if (layer->op == OP_FC) /* first: small networks are made of these */
        return select_fc(args, is_nn);
    switch (layer->op) {
    case OP_CONV2D:
        return select_conv2d(args, is_nn);
    case OP_MAXPOOL:
        return is_nn && maxpool_nn_fits(layer, args->in_shape) ? maxpool_nn : maxpool;
    case OP_AVGPOOL:
        return is_nn && avgpool_nn_fits(layer) ? avgpool_nn : avgpool_rv32;
    case OP_RELU:
        return relu;
    case OP_FLATTEN:
        return flatten;
    case OP_ARGMAX:
        return argmax;
    case OP_ADD:
        return is_nn ? add_nn : add_rv32;
    default:
        return NULL;
    }
}

void run_layer(const struct model *model, uint8_t *arena, unsigned index, unsigned tier)
{
    const struct model_layer *layer = &model->layers[index];
    const struct model_buffer *in = &model->buffers[layer->in], *out = &model->buffers[layer->out];
    const struct model_buffer *in2 = layer->op == OP_ADD ? &model->buffers[layer->in2] : NULL;
    const struct kernel_args args = {
        .layer = layer,
        .in_shape = in,
        .in2_shape = in2,
        .out_shape = out,
        .in = arena + in->arena_offset,
        .in2 = in2 ? arena + in2->arena_offset : NULL,
        .out = arena + out->arena_offset,
        .weights = model->bytes + layer->weight_offset,
        .params = model->bytes + layer->param_offset,
        .scratch = arena + model->scratch_offset,
    };

    kernel_select(&args, tier)(&args);
}
