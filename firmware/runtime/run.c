// SPDX-License-Identifier: Apache-2.0
/* From a layer of a parsed model to the call of its kernel. */
#include <stddef.h>
#include "run.h"

#ifdef __riscv
_Static_assert(sizeof(struct run_call) == RUN_CALL_BYTES, "the host reckons with another size");
#endif

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

    switch (layer->op) {
    case OP_CONV2D:
        return select_conv2d(args, is_nn);
    case OP_FC:
        return select_fc(args, is_nn);
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

/* The same, and where a kernel would choose another by what this core has, that one. */
static kernel_fn *select_for_core(const struct kernel_args *args, unsigned tier)
{
    static kernel_choose_fn *const fc[] = {fc_w2_nn_choose, fc_w4_nn_choose, fc_w8_nn_choose};

    if (tier == TIER_NN && args->layer->op == OP_FC)
        return fc[width_index(args->layer)](args);
    return kernel_select(args, tier);
}

static void prepare_layer(const struct model *model, uint8_t *arena, unsigned index,
                          struct run_call *out)
{
    const struct model_layer *layer = &model->layers[index];
    const struct model_buffer *in = &model->buffers[layer->in], *to = &model->buffers[layer->out];
    const struct model_buffer *in2 = layer->op == OP_ADD ? &model->buffers[layer->in2] : NULL;

    out->args = (struct kernel_args){
        .layer = layer,
        .in_shape = in,
        .in2_shape = in2,
        .out_shape = to,
        .in = arena + in->arena_offset,
        .in2 = in2 ? arena + in2->arena_offset : NULL,
        .out = arena + to->arena_offset,
        .weights = model->bytes + layer->weight_offset,
        .params = model->bytes + layer->param_offset,
        .scratch = arena + model->scratch_offset,
    };
    for (unsigned tier = 0; tier < RUN_TIERS; tier++)
        out->kernels[tier] = select_for_core(&out->args, tier);
}

void run_prepare(const struct model *model, uint8_t *arena, struct run_call *calls)
{
    for (unsigned i = 0; i < model->layer_count; i++)
        prepare_layer(model, arena, i, &calls[i]);
}

void run_layer(const struct model *model, uint8_t *arena, unsigned layer, unsigned tier)
{
    struct run_call call;

    prepare_layer(model, arena, layer, &call);
    run_call(&call, tier);
}
