// SPDX-License-Identifier: Apache-2.0
/* From a layer of a parsed model to the call of its kernel. */
#include <stddef.h>
#include "kernels.h"
#include "protocol.h"
#include "run.h"

static kernel_fn *select_weighted(const struct model_layer *layer, unsigned tier)
{
    static kernel_fn *const kernels[2][2][3] = {
        [TIER_NN] = {{conv2d_w8_nn, conv2d_w4_nn, conv2d_w2_nn}, {fc_w8_nn, fc_w4_nn, fc_w2_nn}},
        [TIER_RV32] = {{conv2d_w8_rv32, conv2d_w4_rv32, conv2d_w2_rv32},
                       {fc_w8_rv32, fc_w4_rv32, fc_w2_rv32}},
    };
    const unsigned width = layer->weight_bits == 8 ? 0 : layer->weight_bits == 4 ? 1 : 2;

    return kernels[tier == TIER_RV32][layer->op == OP_FC][width];
}

kernel_fn *kernel_select(const struct model_layer *layer, unsigned tier)
{
    switch (layer->op) {
    case OP_CONV2D:
    case OP_FC:
        return select_weighted(layer, tier);
    case OP_MAXPOOL:
        return maxpool;
    case OP_AVGPOOL:
        return avgpool;
    case OP_RELU:
        return relu;
    case OP_FLATTEN:
        return flatten;
    case OP_ARGMAX:
        return argmax;
    default:
        return NULL;
    }
}

void run_layer(const struct model *model, uint8_t *arena, unsigned index, unsigned tier)
{
    const struct model_layer *layer = &model->layers[index];
    const struct model_buffer *in = &model->buffers[layer->in], *out = &model->buffers[layer->out];
    const struct kernel_args args = {
        .layer = layer,
        .in_shape = in,
        .out_shape = out,
        .in = arena + in->arena_offset,
        .in2 = NULL,
        .out = arena + out->arena_offset,
        .weights = model->bytes + layer->weight_offset,
        .params = model->bytes + layer->param_offset,
        .scratch = arena + model->scratch_offset,
    };

    kernel_select(layer, tier)(&args);
}
