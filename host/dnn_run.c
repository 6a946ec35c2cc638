// SPDX-License-Identifier: Apache-2.0
/* Running a plan: weights in, layers forward and backward, gradients out. Buffers of ReLU and
 * flatten layers are those of the layer before them. */
#include <stdlib.h>
#include <string.h>
#include "dnn_plan.h"

/* Memory objects of one layer in a shard; NULL where not needed. */
struct shard_layer {
    float *values, *gradients; /* behind the layer */
    bool owns_values, owns_gradients;
    dnnl_memory_t in, out, in_gradient, out_gradient, workspace, weights_gradient, bias_gradient;
    float *workspace_buffer, *weights_gradient_buffer, *bias_gradient_buffer;
};

struct dnn_shard {
    struct dnn_plan *plan;
    dnnl_stream_t stream;
    dnnl_memory_t scratch;
    float *scratch_buffer;
    float *input;
    struct shard_layer layers[NET_MAX_LAYERS];
};

static bool works_in_place(enum net_op op)
{
    return op == NET_RELU || op == NET_FLATTEN;
}

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

enum status dnn_plan_set_weights(struct dnn_plan *plan, int k, const float *weights,
                                 const float *bias, struct error *err)
{
    struct dnn_layer *layer = &plan->layers[plan->net->weighted[k]];
    /* oneDNN takes no const handles; a reorder only reads its source. */
    dnnl_status_t result =
        dnnl_memory_set_data_handle(layer->plain_memory, (void *)(size_t)weights);
    if (result == dnnl_success)
        result = reorder(plan, &layer->to_forward, layer->plain_memory, layer->forward_weights);
    if (result == dnnl_success && layer->to_backward_data.primitive)
        result = reorder(plan, &layer->to_backward_data, layer->plain_memory,
                         layer->backward_data_weights);
    memcpy(layer->bias_buffer, bias, (size_t)layer->net->out.c * sizeof *bias);
    return dnn_check(result, layer->net, "its weights", err);
}

static void add(float *sum, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += values[i];
}

enum status dnn_sum_gradients(struct dnn_shard *const *shards, int shard_count, int k,
                              float *weights, float *bias, struct error *err)
{
    struct dnn_plan *plan = shards[0]->plan;
    const int index = plan->net->weighted[k];
    struct dnn_layer *layer = &plan->layers[index];
    struct shard_layer *first = &shards[0]->layers[index];
    const size_t count = dnnl_memory_desc_get_size(
                             dnn_op_desc(&layer->backward_weights, dnnl_query_diff_weights_md)) /
                         sizeof(float);
    const size_t bias_count = (size_t)layer->net->out.c;
    memcpy(bias, first->bias_gradient_buffer, bias_count * sizeof *bias);
    for (int s = 1; s < shard_count; s++) {
        add(first->weights_gradient_buffer, shards[s]->layers[index].weights_gradient_buffer,
            count);
        add(bias, shards[s]->layers[index].bias_gradient_buffer, bias_count);
    }
    dnnl_status_t result = dnnl_memory_set_data_handle(layer->plain_memory, weights);
    if (result == dnnl_success)
        result = reorder(plan, &layer->from_gradient, first->weights_gradient, layer->plain_memory);
    return dnn_check(result, layer->net, "its gradients", err);
}

/* ---- Shards ---- */

/* A memory object over buffer; over a new buffer of its own size if *buffer is NULL. */
static dnnl_status_t bind(struct dnn_shard *shard, const dnnl_memory_desc_t *desc, float **buffer,
                          dnnl_memory_t *memory)
{
    if (!*buffer)
        *buffer = dnn_alloc(dnnl_memory_desc_get_size(desc));
    if (!*buffer)
        return dnnl_out_of_memory;
    return dnnl_memory_create(memory, desc, shard->plan->engine, *buffer);
}

/* Buffers behind layer index: the layer before's, or new ones. */
static dnnl_status_t create_buffers(struct dnn_shard *shard, int index)
{
    const struct dnn_plan *plan = shard->plan;
    const struct dnn_layer *layer = &plan->layers[index];
    struct shard_layer *own = &shard->layers[index];
    const size_t bytes = dnnl_memory_desc_get_size(&layer->out);
    const bool wants_gradient =
        plan->training && (layer->needs_gradient || layer->net->weighted_index >= 0);
    if (works_in_place(layer->net->op)) {
        own->values = dnn_shard_values(shard, index - 1);
        own->gradients = dnn_shard_gradients(shard, index - 1);
        return dnnl_success;
    }
    own->owns_values = own->owns_gradients = true;
    own->values = dnn_alloc(bytes);
    if (wants_gradient)
        own->gradients = dnn_alloc(bytes);
    return own->values && (own->gradients || !wants_gradient) ? dnnl_success : dnnl_out_of_memory;
}

static dnnl_status_t create_shard_layer(struct dnn_shard *shard, int index)
{
    struct dnn_layer *layer = &shard->plan->layers[index];
    struct shard_layer *own = &shard->layers[index];
    float *in = dnn_shard_values(shard, index - 1), *in_gradient;
    dnnl_status_t result = create_buffers(shard, index);
    if (result != dnnl_success || !layer->forward.primitive)
        return result;
    result = bind(shard, &layer->in, &in, &own->in);
    if (result == dnnl_success)
        result = bind(shard, &layer->out, &own->values, &own->out);
    const dnnl_memory_desc_t *workspace = dnn_op_desc(&layer->forward, dnnl_query_workspace_md);
    if (result == dnnl_success && workspace && dnnl_memory_desc_get_size(workspace))
        result = bind(shard, workspace, &own->workspace_buffer, &own->workspace);
    if (result == dnnl_success && own->gradients)
        result = bind(shard, &layer->out, &own->gradients, &own->out_gradient);
    if (result == dnnl_success && layer->backward_data.primitive) {
        in_gradient = dnn_shard_gradients(shard, index - 1);
        result = bind(shard, &layer->in, &in_gradient, &own->in_gradient);
    }
    if (result == dnnl_success && layer->backward_weights.primitive)
        result = bind(shard, dnn_op_desc(&layer->backward_weights, dnnl_query_diff_weights_md),
                      &own->weights_gradient_buffer, &own->weights_gradient);
    if (result == dnnl_success && layer->backward_weights.primitive)
        result = bind(shard, &layer->bias_desc, &own->bias_gradient_buffer, &own->bias_gradient);
    return result;
}

static dnnl_status_t create_scratch(struct dnn_shard *shard)
{
    dnnl_memory_desc_t desc;
    const dnnl_dims_t dims = {(dnnl_dim_t)shard->plan->scratch_bytes + 1};
    dnnl_status_t result = dnnl_memory_desc_init_by_tag(&desc, 1, dims, dnnl_u8, dnnl_a);
    if (result == dnnl_success)
        result = bind(shard, &desc, &shard->scratch_buffer, &shard->scratch);
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

static void shard_layer_free(struct shard_layer *own)
{
    const dnnl_memory_t memories[] = {own->in,           own->out,       own->in_gradient,
                                      own->out_gradient, own->workspace, own->weights_gradient,
                                      own->bias_gradient};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
    if (own->owns_values)
        free(own->values);
    if (own->owns_gradients)
        free(own->gradients);
    free(own->workspace_buffer);
    free(own->weights_gradient_buffer);
    free(own->bias_gradient_buffer);
}

void dnn_shard_free(struct dnn_shard *shard)
{
    if (!shard)
        return;
    for (int i = 0; i < shard->plan->net->layer_count; i++)
        shard_layer_free(&shard->layers[i]);
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

/* ---- Execution ---- */

static size_t value_count(const struct dnn_shard *shard, int layer)
{
    return (size_t)shard->plan->images * shape_size(shard->plan->net->layers[layer].out);
}

static void relu_forward(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = values[i] < 0.0f ? 0.0f : values[i]; /* NaN stays: the loss must show it */
}

static void relu_backward(const float *values, float *gradients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gradients[i] = values[i] > 0.0f ? gradients[i] : 0.0f;
}

static dnnl_status_t execute(struct dnn_shard *shard, const struct dnn_op *op,
                             const dnnl_exec_arg_t *args, int count)
{
    dnnl_status_t result = dnnl_primitive_execute(op->primitive, shard->stream, count, args);
    if (result == dnnl_success)
        result = dnnl_stream_wait(shard->stream);
    return result;
}

enum status dnn_shard_forward(struct dnn_shard *shard, int index, struct error *err)
{
    const struct dnn_layer *layer = &shard->plan->layers[index];
    const struct shard_layer *own = &shard->layers[index];
    if (layer->net->op == NET_RELU)
        relu_forward(own->values, value_count(shard, index));
    if (!layer->forward.primitive)
        return STATUS_OK;
    int count = 3;
    dnnl_exec_arg_t args[6] = {
        {DNNL_ARG_SRC, own->in}, {DNNL_ARG_DST, own->out}, {DNNL_ARG_SCRATCHPAD, shard->scratch}};
    if (layer->forward_weights) {
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, layer->forward_weights};
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, layer->bias};
    }
    if (own->workspace)
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_WORKSPACE, own->workspace};
    return dnn_check(execute(shard, &layer->forward, args, count), layer->net, "its forward pass",
                     err);
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
    return execute(shard, &layer->backward_data, args, count);
}

enum status dnn_shard_backward(struct dnn_shard *shard, int index, struct error *err)
{
    const struct dnn_layer *layer = &shard->plan->layers[index];
    const struct shard_layer *own = &shard->layers[index];
    dnnl_status_t result = dnnl_success;
    if (layer->net->op == NET_RELU && own->gradients)
        relu_backward(own->values, own->gradients, value_count(shard, index));
    if (layer->backward_weights.primitive) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, own->in},
                                        {DNNL_ARG_DIFF_DST, own->out_gradient},
                                        {DNNL_ARG_DIFF_WEIGHTS, own->weights_gradient},
                                        {DNNL_ARG_DIFF_BIAS, own->bias_gradient},
                                        {DNNL_ARG_SCRATCHPAD, shard->scratch}};
        result = execute(shard, &layer->backward_weights, args, 5);
    }
    if (result == dnnl_success && layer->backward_data.primitive)
        result = backward_data(shard, layer, own);
    return dnn_check(result, layer->net, "its backward pass", err);
}
