// SPDX-License-Identifier: Apache-2.0
/* Running a plan: weights in, layers forward and backward, gradients out. */
#include <stdlib.h>
#include <string.h>
#include "train/dnn_plan.h"

/* ---- Weights ---- */

static dnnl_status_t reorder(struct dnn_plan *plan, const struct dnn_op *op, dnnl_memory_t from,
                             dnnl_memory_t to)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_status_t result = dnnl_primitive_execute(op->primitive, plan->stream, 2, args);
    if (result == dnnl_success)
        result = dnnl_stream_wait(plan->stream);
    return result;
}

/* In training to where the normalization behind adds it. */
static void set_bias(struct dnn_plan *plan, int index, const float *bias)
{
    struct dnn_layer *layer = &plan->layers[index];
    const int behind = net_batchnorm(plan->net, index);
    const size_t count = (size_t)layer->net->out.c;
    if (plan->training && behind >= 0) {
        memset(layer->bias_buffer, 0, count * sizeof *bias);
        memcpy(plan->layers[behind].scale_shift_buffer + count, bias, count * sizeof *bias);
    } else {
        memcpy(layer->bias_buffer, bias, count * sizeof *bias);
    }
}

enum status dnn_plan_set_weights(struct dnn_plan *plan, int k, const float *weights,
                                 const float *bias, struct error *err)
{
    struct dnn_layer *layer = &plan->layers[plan->net->weighted[k]];
    if (plan->on_device) {
        plan->table->set_weights(plan->on_device, k, weights, bias);
        return STATUS_OK;
    }
    /* oneDNN takes no const handles; a reorder only reads its source. */
    dnnl_status_t result =
        dnnl_memory_set_data_handle(layer->plain_memory, (void *)(size_t)weights);
    if (result == dnnl_success)
        result = reorder(plan, &layer->to_forward, layer->plain_memory, layer->forward_weights);
    if (result == dnnl_success && layer->to_backward_data.primitive)
        result = reorder(plan, &layer->to_backward_data, layer->plain_memory,
                         layer->backward_data_weights);
    set_bias(plan, plan->net->weighted[k], bias);
    return dnn_check(result, layer->net, "its weights", err);
}

/* Gradients of the bias, or of the shift that stands for it. */
static const float *bias_gradients(const struct dnn_shard *shard, int index)
{
    const int behind = net_batchnorm(shard->plan->net, index);
    if (shard->plan->use != DNN_TRAIN || behind < 0)
        return shard->layers[index].bias_gradient_buffer;
    return shard->layers[behind].scale_shift_gradient_buffer +
           shard->plan->net->layers[index].out.c;
}

enum status dnn_sum_gradients(struct dnn_shard *const *shards, int shard_count, int k,
                              float *weights, float *bias, struct error *err)
{
    struct dnn_plan *plan = shards[0]->plan;
    if (plan->on_device) {
        plan->table->gradients(plan->on_device, k, weights, bias);
        return STATUS_OK;
    }
    const int index = plan->net->weighted[k];
    struct dnn_layer *layer = &plan->layers[index];
    struct shard_layer *first = &shards[0]->layers[index];
    const size_t count = dnnl_memory_desc_get_size(
                             dnn_op_desc(&layer->backward_weights, dnnl_query_diff_weights_md)) /
                         sizeof(float);
    const size_t bias_count = (size_t)layer->net->out.c;
    memcpy(bias, bias_gradients(shards[0], index), bias_count * sizeof *bias);
    for (int s = 1; s < shard_count; s++) {
        dnn_add(first->weights_gradient_buffer, shards[s]->layers[index].weights_gradient_buffer,
                count);
        dnn_add(bias, bias_gradients(shards[s], index), bias_count);
    }
    dnnl_status_t result = dnnl_memory_set_data_handle(layer->plain_memory, weights);
    if (result == dnnl_success)
        result = reorder(plan, &layer->from_gradient, first->weights_gradient, layer->plain_memory);
    return dnn_check(result, layer->net, "its gradients", err);
}

/* ---- Shards ---- */

/* Buffers behind layer index: the layer before's, or new ones. */
static dnnl_status_t create_buffers(struct dnn_shard *shard, int index)
{
    const struct dnn_plan *plan = shard->plan;
    const struct dnn_layer *layer = &plan->layers[index];
    struct shard_layer *own = &shard->layers[index];
    const size_t bytes = dnn_value_count(shard, index) * sizeof(float);
    const bool wants_gradient =
        plan->use != DNN_INFER && (layer->needs_gradient || layer->net->weighted_index >= 0);
    own->values = layer->values_in_place ? dnn_shard_values(shard, index - 1) : dnn_alloc(bytes);
    if (layer->gradients_in_place)
        own->gradients = dnn_shard_gradients(shard, index - 1);
    else if (wants_gradient)
        own->gradients = dnn_alloc(bytes);
    if (wants_gradient && layer->is_source)
        own->passed_back = dnn_alloc(bytes);
    if (dnn_maxpool_is_ours(layer->net) &&
        !(own->choices = dnn_alloc(dnn_value_count(shard, index))))
        return dnnl_out_of_memory;
    return own->values && (!wants_gradient || own->gradients) &&
                   (!wants_gradient || !layer->is_source || own->passed_back)
               ? dnnl_success
               : dnnl_out_of_memory;
}

/* Gradients of the layer's weights. */
static dnnl_status_t create_weight_gradients(struct dnn_shard *shard, int index)
{
    struct dnn_layer *layer = &shard->plan->layers[index];
    struct shard_layer *own = &shard->layers[index];
    const dnnl_memory_desc_t *desc =
        dnn_op_desc(&layer->backward_weights, dnnl_query_diff_weights_md);
    dnnl_status_t result =
        dnn_bind(shard->plan, desc, &own->weights_gradient_buffer, &own->weights_gradient);
    if (result == dnnl_success)
        result = dnn_bind(shard->plan, &layer->bias_desc, &own->bias_gradient_buffer,
                          &own->bias_gradient);
    return result;
}

static dnnl_status_t create_shard_layer(struct dnn_shard *shard, int index)
{
    struct dnn_plan *plan = shard->plan;
    struct dnn_layer *layer = &plan->layers[index];
    struct shard_layer *own = &shard->layers[index];
    float *in = dnn_shard_values(shard, index - 1), *in_gradient;
    dnnl_status_t result = create_buffers(shard, index);
    if (result != dnnl_success || !layer->forward.primitive)
        return result;
    result = dnn_bind(plan, &layer->in, &in, &own->in);
    if (result == dnnl_success)
        result = dnn_bind(plan, &layer->out, &own->values, &own->out);
    const dnnl_memory_desc_t *workspace = dnn_op_desc(&layer->forward, dnnl_query_workspace_md);
    if (result == dnnl_success && workspace && dnnl_memory_desc_get_size(workspace))
        result = dnn_bind(plan, workspace, &own->workspace_buffer, &own->workspace);
    if (result == dnnl_success && own->gradients)
        result = dnn_bind(plan, &layer->out, &own->gradients, &own->out_gradient);
    if (result == dnnl_success && layer->backward_data.primitive) {
        in_gradient = dnn_shard_gradients(shard, index - 1);
        result = dnn_bind(plan, &layer->in, &in_gradient, &own->in_gradient);
    }
    if (result == dnnl_success && layer->backward_weights.primitive)
        result = create_weight_gradients(shard, index);
    if (result == dnnl_success && layer->net->op == NET_BATCHNORM)
        result = dnn_batchnorm_create_shard(shard, index);
    return result;
}

static dnnl_status_t create_scratch(struct dnn_shard *shard)
{
    dnnl_memory_desc_t desc;
    const dnnl_dims_t dims = {(dnnl_dim_t)shard->plan->scratch_bytes + 1};
    dnnl_status_t result = dnnl_memory_desc_init_by_tag(&desc, 1, dims, dnnl_u8, dnnl_a);
    if (result == dnnl_success)
        result = dnn_bind(shard->plan, &desc, &shard->scratch_buffer, &shard->scratch);
    return result;
}

enum status dnn_shard_create(struct dnn_plan *plan, struct dnn_shard **out, struct error *err)
{
    const struct net *net = plan->net;
    *out = NULL;
    struct dnn_shard *shard = calloc(1, sizeof *shard);
    if (!shard)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory for activations", net->name);
    shard->plan = plan;
    if (plan->on_device) {
        shard->ghost = plan->ghosts++;
        *out = shard;
        return STATUS_OK;
    }
    shard->input = dnn_alloc((size_t)plan->images * shape_size(net->input) * sizeof(float));
    dnnl_status_t result = shard->input ? create_scratch(shard) : dnnl_out_of_memory;
    if (result == dnnl_success)
        result = dnnl_stream_create(&shard->stream, plan->engine, dnnl_stream_default_flags);
    int failed = 0;
    for (int i = 0; result == dnnl_success && i < net->layer_count; i++) {
        result = create_shard_layer(shard, i);
        failed = i;
    }
    const enum status status = dnn_check(result, &net->layers[failed], "its activations", err);
    if (status == STATUS_OK)
        *out = shard;
    else
        dnn_shard_free(shard);
    return status;
}

static void shard_layer_free(const struct dnn_layer *layer, struct shard_layer *own)
{
    const dnnl_memory_t memories[] = {own->in,
                                      own->out,
                                      own->in_gradient,
                                      own->out_gradient,
                                      own->workspace,
                                      own->weights_gradient,
                                      own->bias_gradient,
                                      own->mean,
                                      own->variance,
                                      own->scale_shift_gradient};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
    if (!layer->values_in_place)
        free(own->values);
    if (!layer->gradients_in_place)
        free(own->gradients);
    free(own->passed_back);
    free(own->choices);
    free(own->workspace_buffer);
    free(own->weights_gradient_buffer);
    free(own->bias_gradient_buffer);
    free(own->mean_buffer);
    free(own->variance_buffer);
    free(own->scale_shift_gradient_buffer);
}

void dnn_shard_free(struct dnn_shard *shard)
{
    if (!shard)
        return;
    for (int i = 0; i < shard->plan->net->layer_count; i++)
        shard_layer_free(&shard->plan->layers[i], &shard->layers[i]);
    if (shard->scratch)
        dnnl_memory_destroy(shard->scratch);
    if (shard->stream)
        dnnl_stream_destroy(shard->stream);
    free(shard->scratch_buffer);
    free(shard->input);
    free(shard);
}

const struct net *dnn_shard_net(const struct dnn_shard *shard)
{
    return shard->plan->net;
}

int dnn_shard_images(const struct dnn_shard *shard)
{
    return shard->plan->images;
}

float *dnn_shard_values(struct dnn_shard *shard, int layer)
{
    return layer < 0 ? shard->input : shard->layers[layer].values;
}

float *dnn_shard_gradients(struct dnn_shard *shard, int layer)
{
    return layer < 0 ? NULL : shard->layers[layer].gradients;
}

void dnn_shard_set_draw(struct dnn_shard *shard, uint64_t seed, uint64_t step, uint32_t first)
{
    shard->draw_seed = seed;
    shard->draw_step = step;
    shard->draw_first = first;
}

/* ---- Execution ---- */

dnnl_status_t dnn_execute(struct dnn_shard *shard, const struct dnn_op *op,
                          const dnnl_exec_arg_t *args, int count)
{
    dnnl_status_t result = dnnl_primitive_execute(op->primitive, shard->stream, count, args);
    if (result == dnnl_success)
        result = dnnl_stream_wait(shard->stream);
    return result;
}

/* Convolution, fully connected, pooling. */
static dnnl_status_t forward_primitive(struct dnn_shard *shard, int index)
{
    const struct dnn_layer *layer = &shard->plan->layers[index];
    const struct shard_layer *own = &shard->layers[index];
    int count = 3;
    dnnl_exec_arg_t args[6] = {
        {DNNL_ARG_SRC, own->in}, {DNNL_ARG_DST, own->out}, {DNNL_ARG_SCRATCHPAD, shard->scratch}};
    if (layer->forward_weights) {
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, layer->forward_weights};
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, layer->bias};
    }
    if (own->workspace)
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_WORKSPACE, own->workspace};
    return dnn_execute(shard, &layer->forward, args, count);
}

enum status dnn_shard_forward(struct dnn_shard *shard, int index, struct error *err)
{
    const struct net_layer *layer = shard->plan->layers[index].net;
    dnnl_status_t result = dnnl_success;
    switch (layer->op) {
    case NET_RELU:
    case NET_RELU6:
        dnn_relu_forward(shard, index);
        break;
    case NET_ADD:
        dnn_add_forward(shard, index);
        break;
    case NET_BRANCH:
        dnn_branch_forward(shard, index);
        break;
    case NET_DROPOUT:
        if (shard->plan->training)
            dnn_dropout_forward(shard, index);
        else
            dnn_copy_forward(shard, index);
        break;
    case NET_BATCHNORM:
        if (shard->plan->training)
            result = dnn_batchnorm_forward(shard, index);
        else
            dnn_copy_forward(shard, index);
        break;
    case NET_MAXPOOL:
        if (dnn_maxpool_is_ours(layer))
            dnn_maxpool_forward(shard, index);
        else
            result = forward_primitive(shard, index);
        break;
    case NET_AVGPOOL:
        dnn_avgpool_forward(shard, index);
        break;
    case NET_FLATTEN:
        break;
    default:
        result = forward_primitive(shard, index);
    }
    return dnn_check(result, layer, "its forward pass", err);
}

static dnnl_status_t backward_data(struct dnn_shard *shard, const struct dnn_layer *layer,
                                   const struct shard_layer *own)
{
    int count = 3;
    dnnl_exec_arg_t args[5] = {{DNNL_ARG_DIFF_SRC, own->in_gradient},
                               {DNNL_ARG_DIFF_DST, own->out_gradient},
                               {DNNL_ARG_SCRATCHPAD, shard->scratch}};
    if (layer->forward_weights)
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, layer->backward_data_weights
                                                                ? layer->backward_data_weights
                                                                : layer->forward_weights};
    if (own->workspace)
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_WORKSPACE, own->workspace};
    return dnn_execute(shard, &layer->backward_data, args, count);
}

static dnnl_status_t backward_weights(struct dnn_shard *shard, const struct dnn_layer *layer,
                                      const struct shard_layer *own)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, own->in},
                                    {DNNL_ARG_DIFF_DST, own->out_gradient},
                                    {DNNL_ARG_DIFF_WEIGHTS, own->weights_gradient},
                                    {DNNL_ARG_DIFF_BIAS, own->bias_gradient},
                                    {DNNL_ARG_SCRATCHPAD, shard->scratch}};
    return dnn_execute(shard, &layer->backward_weights, args, sizeof args / sizeof *args);
}

static dnnl_status_t backward_primitives(struct dnn_shard *shard, int index)
{
    const struct dnn_layer *layer = &shard->plan->layers[index];
    const struct shard_layer *own = &shard->layers[index];
    dnnl_status_t result = dnnl_success;
    if (layer->backward_weights.primitive)
        result = backward_weights(shard, layer, own);
    if (result == dnnl_success && layer->backward_data.primitive)
        result = backward_data(shard, layer, own);
    return result;
}

enum status dnn_shard_backward(struct dnn_shard *shard, int index, struct error *err)
{
    const struct net_layer *layer = shard->plan->layers[index].net;
    dnnl_status_t result = dnnl_success;
    switch (layer->op) {
    case NET_RELU:
    case NET_RELU6:
        dnn_relu_backward(shard, index);
        break;
    case NET_ADD:
        dnn_shard_backward_add(shard, index, 1, 1);
        return STATUS_OK;
    case NET_BRANCH:
        dnn_branch_backward(shard, index);
        break;
    case NET_DROPOUT:
        if (shard->plan->training)
            dnn_dropout_backward(shard, index);
        break;
    case NET_BATCHNORM:
        if (shard->plan->training)
            result = dnn_batchnorm_backward(shard, index);
        break;
    case NET_MAXPOOL:
        if (dnn_maxpool_is_ours(layer))
            dnn_maxpool_backward(shard, index);
        else
            result = backward_primitives(shard, index);
        break;
    case NET_AVGPOOL:
        dnn_avgpool_backward(shard, index);
        break;
    case NET_FLATTEN:
        break;
    default:
        result = backward_primitives(shard, index);
    }
    dnn_take_passed_back(shard, index);
    return dnn_check(result, layer, "its backward pass", err);
}
