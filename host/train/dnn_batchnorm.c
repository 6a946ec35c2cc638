// SPDX-License-Identifier: Apache-2.0
/* Batch normalization of a shard's values with their own statistics. */
#include <assert.h>
#include <string.h>
#include "train/dnn_plan.h"

enum status dnn_batchnorm_create(struct dnn_plan *plan, struct dnn_layer *layer, struct error *err)
{
    dnnl_batch_normalization_desc_t desc;
    dnnl_memory_desc_t both;
    const dnnl_dims_t dims = {2, layer->net->out.c};
    dnnl_status_t result = dnnl_batch_normalization_forward_desc_init(
        &desc, dnnl_forward_training, &layer->in, layer->net->epsilon, dnnl_use_scaleshift);
    if (result == dnnl_success)
        result = dnnl_memory_desc_init_by_tag(&both, 2, dims, dnnl_f32, dnnl_nc);
    if (result == dnnl_success)
        result = dnn_bind(plan, &both, &layer->scale_shift_buffer, &layer->scale_shift);
    enum status status = dnn_check(result, layer->net, "this normalization", err);
    if (status == STATUS_OK)
        status = dnn_op_create(plan, layer, &desc, &layer->forward, err);
    if (status != STATUS_OK)
        return status;
    for (int c = 0; c < layer->net->out.c; c++)
        layer->scale_shift_buffer[c] = 1;
    result = dnnl_batch_normalization_backward_desc_init(
        &desc, dnnl_backward, &layer->in, &layer->in, layer->net->epsilon, dnnl_use_scaleshift);
    status = dnn_check(result, layer->net, "this normalization's gradient", err);
    if (status == STATUS_OK)
        status = dnn_op_create(plan, layer, &desc, &layer->backward_data, err);
    return status;
}

dnnl_status_t dnn_batchnorm_create_shard(struct dnn_shard *shard, int index)
{
    struct dnn_plan *plan = shard->plan;
    struct dnn_layer *layer = &plan->layers[index];
    struct shard_layer *own = &shard->layers[index];
    const dnnl_memory_desc_t *statistics =
        dnnl_primitive_desc_query_md(layer->forward.desc, dnnl_query_dst_md, 1);
    const dnnl_memory_desc_t *both =
        dnnl_primitive_desc_query_md(layer->forward.desc, dnnl_query_weights_md, 0);
    dnnl_status_t result = dnn_bind(plan, statistics, &own->mean_buffer, &own->mean);
    if (result == dnnl_success)
        result = dnn_bind(plan, statistics, &own->variance_buffer, &own->variance);
    if (result == dnnl_success)
        result =
            dnn_bind(plan, both, &own->scale_shift_gradient_buffer, &own->scale_shift_gradient);
    return result;
}

dnnl_status_t dnn_batchnorm_forward(struct dnn_shard *shard, int index)
{
    const struct dnn_layer *layer = &shard->plan->layers[index];
    const struct shard_layer *own = &shard->layers[index];
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, own->in},
        {DNNL_ARG_DST, own->out},
        {DNNL_ARG_MEAN, own->mean},
        {DNNL_ARG_VARIANCE, own->variance},
        {DNNL_ARG_SCALE_SHIFT, layer->scale_shift},
        {DNNL_ARG_SCRATCHPAD, shard->scratch},
    };
    return dnn_execute(shard, &layer->forward, args, sizeof args / sizeof *args);
}

dnnl_status_t dnn_batchnorm_backward(struct dnn_shard *shard, int index)
{
    const struct dnn_layer *layer = &shard->plan->layers[index];
    const struct shard_layer *own = &shard->layers[index];
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, own->in},
        {DNNL_ARG_MEAN, own->mean},
        {DNNL_ARG_VARIANCE, own->variance},
        {DNNL_ARG_SCALE_SHIFT, layer->scale_shift},
        {DNNL_ARG_DIFF_DST, own->out_gradient},
        {DNNL_ARG_DIFF_SRC, own->in_gradient},
        {DNNL_ARG_DIFF_SCALE_SHIFT, own->scale_shift_gradient},
        {DNNL_ARG_SCRATCHPAD, shard->scratch},
    };
    return dnn_execute(shard, &layer->backward_data, args, sizeof args / sizeof *args);
}

/* Number of the BATCHNORM behind weighted layer k. */
static int behind(const struct dnn_plan *plan, int k)
{
    const int index = net_batchnorm(plan->net, plan->net->weighted[k]);
    assert(plan->use == DNN_TRAIN && index >= 0);
    return index;
}

void dnn_plan_set_scale(struct dnn_plan *plan, int k, const float *scale)
{
    struct dnn_layer *layer = &plan->layers[behind(plan, k)];
    if (plan->on_device) {
        plan->table->set_scale(plan->on_device, k, scale);
        return;
    }
    memcpy(layer->scale_shift_buffer, scale, (size_t)layer->net->out.c * sizeof *scale);
}

void dnn_sum_scale_gradients(struct dnn_shard *const *shards, int shard_count, int k, float *scale)
{
    const struct dnn_plan *plan = shards[0]->plan;
    if (plan->on_device) {
        plan->table->scale_gradients(plan->on_device, k, scale);
        return;
    }
    const int index = behind(plan, k);
    const size_t count = (size_t)plan->layers[index].net->out.c;
    memset(scale, 0, count * sizeof *scale);
    for (int s = 0; s < shard_count; s++)
        dnn_add(scale, shards[s]->layers[index].scale_shift_gradient_buffer, count);
}

void dnn_shard_statistics(const struct dnn_shard *shard, int k, const float **mean,
                          const float **variance)
{
    const struct shard_layer *own = &shard->layers[behind(shard->plan, k)];
    if (shard->plan->on_device) {
        shard->plan->table->statistics(shard->plan->on_device, k, shard->ghost, mean, variance);
        return;
    }
    *mean = own->mean_buffer;
    *variance = own->variance_buffer;
}
