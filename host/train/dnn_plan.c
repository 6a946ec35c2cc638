// SPDX-License-Identifier: Apache-2.0
/* Choice of oneDNN primitives for a network's layers. Activations are nhwc; weights take the layout
 * that each primitive picks, for plain ones fall back to slow code. Scratch memory is the shard's,
 * so that threads can share primitives. */
#include "train/dnn_plan.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

int dnn_threads_enter(void)
{
    const int saved = omp_get_max_threads();
    omp_set_num_threads(1);
    return saved;
}

void dnn_threads_leave(int saved)
{
    omp_set_num_threads(saved);
}

int dnn_thread_count(int wanted, int limit)
{
    const int threads = wanted > 0 ? wanted : omp_get_num_procs();
    return threads < limit ? threads : limit;
}

void *dnn_alloc(size_t bytes)
{
    const size_t size = (bytes / ALIGN + 1) * ALIGN;
    void *memory = aligned_alloc(ALIGN, size);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

enum status dnn_check(dnnl_status_t result, const struct net_layer *layer, const char *what,
                      struct error *err)
{
    if (result == dnnl_success)
        return STATUS_OK;
    if (result == dnnl_out_of_memory)
        return error_set(err, STATUS_NO_MEMORY, "layer %s: not enough memory for %s", layer->name,
                         what);
    return error_set(err, STATUS_INPUT,
                     "layer %s: oneDNN cannot do %s (its status %d); change the layer's shape",
                     layer->name, what, (int)result);
}

const dnnl_memory_desc_t *dnn_op_desc(const struct dnn_op *op, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(op->desc, what, 0);
}

static void op_free(struct dnn_op *op)
{
    if (op->primitive)
        dnnl_primitive_destroy(op->primitive);
    if (op->desc)
        dnnl_primitive_desc_destroy(op->desc);
}

/* oneDNN's reference code is there for comparison, far too slow for training: it comes last in
 * oneDNN's order, so that getting it means that there is nothing else. */
enum status dnn_op_create(struct dnn_plan *plan, struct dnn_layer *layer, const_dnnl_op_desc_t desc,
                          struct dnn_op *op, struct error *err)
{
    const char *name = "";
    const dnnl_primitive_desc_t hint = op == &layer->forward ? NULL : layer->forward.desc;
    const bool rectified = layer->is_rectified && op == &layer->forward;
    dnnl_status_t result = dnnl_primitive_desc_create(
        &op->desc, desc, rectified ? plan->rectified_attr : plan->attr, plan->engine, hint);
    if (result == dnnl_success)
        result = dnnl_primitive_desc_query(op->desc, dnnl_query_impl_info_str, 0, (void *)&name);
    if (result == dnnl_success && layer->net->weighted_index >= 0 && !strncmp(name, "ref", 3))
        plan->slow_layer = layer->net;
    if (result == dnnl_success)
        result = dnnl_primitive_create(&op->primitive, op->desc);
    const enum status status = dnn_check(result, layer->net, "this operation", err);
    if (status != STATUS_OK)
        return status;
    const size_t scratch = dnnl_memory_desc_get_size(dnn_op_desc(op, dnnl_query_scratchpad_md));
    plan->scratch_bytes = scratch > plan->scratch_bytes ? scratch : plan->scratch_bytes;
    return STATUS_OK;
}

struct window {
    dnnl_dims_t stride, kernel, before, after;
};

static struct window window_of(const struct net_layer *l)
{
    return (struct window){.stride = {l->stride_h, l->stride_w},
                           .kernel = {l->kernel_h, l->kernel_w},
                           .before = {l->pad_top, l->pad_left},
                           .after = {l->pad_bottom, l->pad_right}};
}

static dnnl_memory_desc_t describe(struct shape s, int images)
{
    dnnl_memory_desc_t desc;
    const dnnl_dims_t dims = {images, s.c, s.h, s.w};
    if (dnnl_memory_desc_init_by_tag(&desc, 4, dims, dnnl_f32, dnnl_nhwc) != dnnl_success)
        memset(&desc, 0, sizeof desc);
    return desc;
}

/* Weights as the caller has them, [out][h][w][in / groups], and as "any". Those of a convolution in
 * groups have five dimensions, the first one the group. */
static dnnl_status_t describe_weights(struct dnn_layer *layer, dnnl_memory_desc_t *any)
{
    const struct net_layer *l = layer->net;
    const int groups = l->op == NET_CONV ? l->groups : 1, skip = groups > 1 ? 0 : 1;
    const dnnl_dim_t dims[] = {groups, l->out.c / groups, l->in.c / groups,
                               l->op == NET_CONV ? l->kernel_h : l->in.h,
                               l->op == NET_CONV ? l->kernel_w : l->in.w};
    const dnnl_dims_t bias_dims = {l->out.c};
    dnnl_dims_t used = {0};
    memcpy(used, dims + skip, sizeof dims - (size_t)skip * sizeof *dims);
    dnnl_status_t result = dnnl_memory_desc_init_by_tag(&layer->plain, 5 - skip, used, dnnl_f32,
                                                        skip ? dnnl_acdb : dnnl_abdec);
    if (result == dnnl_success)
        result = dnnl_memory_desc_init_by_tag(any, 5 - skip, used, dnnl_f32, dnnl_format_tag_any);
    if (result == dnnl_success)
        result = dnnl_memory_desc_init_by_tag(&layer->bias_desc, 1, bias_dims, dnnl_f32, dnnl_a);
    return result;
}

static enum status create_conv(struct dnn_plan *plan, struct dnn_layer *layer, struct error *err)
{
    const struct window w = window_of(layer->net);
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    const dnnl_prop_kind_t kind =
        plan->use == DNN_INFER ? dnnl_forward_inference : dnnl_forward_training;
    dnnl_convolution_desc_t desc;
    dnnl_memory_desc_t any;
    dnnl_status_t result = describe_weights(layer, &any);
    if (result == dnnl_success)
        result = dnnl_convolution_forward_desc_init(&desc, kind, direct, &layer->in, &any,
                                                    &layer->bias_desc, &layer->out, w.stride,
                                                    w.before, w.after);
    enum status status = dnn_check(result, layer->net, "this convolution", err);
    if (status == STATUS_OK)
        status = dnn_op_create(plan, layer, &desc, &layer->forward, err);
    if (status == STATUS_OK && layer->needs_gradient) {
        result = dnnl_convolution_backward_data_desc_init(&desc, direct, &layer->in, &any,
                                                          &layer->out, w.stride, w.before, w.after);
        status = dnn_check(result, layer->net, "this convolution's input gradient", err);
        if (status == STATUS_OK)
            status = dnn_op_create(plan, layer, &desc, &layer->backward_data, err);
    }
    if (status == STATUS_OK && plan->use != DNN_INFER) {
        result = dnnl_convolution_backward_weights_desc_init(&desc, direct, &layer->in, &any,
                                                             &layer->bias_desc, &layer->out,
                                                             w.stride, w.before, w.after);
        status = dnn_check(result, layer->net, "this convolution's weight gradient", err);
        if (status == STATUS_OK)
            status = dnn_op_create(plan, layer, &desc, &layer->backward_weights, err);
    }
    return status;
}

static enum status create_fc(struct dnn_plan *plan, struct dnn_layer *layer, struct error *err)
{
    const dnnl_prop_kind_t kind =
        plan->use == DNN_INFER ? dnnl_forward_inference : dnnl_forward_training;
    dnnl_inner_product_desc_t desc;
    dnnl_memory_desc_t any;
    const dnnl_dims_t out_dims = {plan->images, layer->net->out.c};
    dnnl_status_t result = describe_weights(layer, &any);
    if (result == dnnl_success)
        result = dnnl_memory_desc_init_by_tag(&layer->out, 2, out_dims, dnnl_f32, dnnl_nc);
    if (result == dnnl_success)
        result = dnnl_inner_product_forward_desc_init(&desc, kind, &layer->in, &any,
                                                      &layer->bias_desc, &layer->out);
    enum status status = dnn_check(result, layer->net, "this layer", err);
    if (status == STATUS_OK)
        status = dnn_op_create(plan, layer, &desc, &layer->forward, err);
    if (status == STATUS_OK && layer->needs_gradient) {
        result = dnnl_inner_product_backward_data_desc_init(&desc, &layer->in, &any, &layer->out);
        status = dnn_check(result, layer->net, "this layer's input gradient", err);
        if (status == STATUS_OK)
            status = dnn_op_create(plan, layer, &desc, &layer->backward_data, err);
    }
    if (status == STATUS_OK && plan->use != DNN_INFER) {
        result = dnnl_inner_product_backward_weights_desc_init(&desc, &layer->in, &any,
                                                               &layer->bias_desc, &layer->out);
        status = dnn_check(result, layer->net, "this layer's weight gradient", err);
        if (status == STATUS_OK)
            status = dnn_op_create(plan, layer, &desc, &layer->backward_weights, err);
    }
    return status;
}

/* Windows that ours are too small for. */
static enum status create_maxpool(struct dnn_plan *plan, struct dnn_layer *layer, struct error *err)
{
    const struct window w = window_of(layer->net);
    const dnnl_alg_kind_t kind = dnnl_pooling_max;
    const dnnl_prop_kind_t prop =
        plan->use == DNN_INFER ? dnnl_forward_inference : dnnl_forward_training;
    dnnl_pooling_desc_t desc;
    dnnl_status_t result = dnnl_pooling_forward_desc_init(
        &desc, prop, kind, &layer->in, &layer->out, w.stride, w.kernel, w.before, w.after);
    enum status status = dnn_check(result, layer->net, "this pooling", err);
    if (status == STATUS_OK)
        status = dnn_op_create(plan, layer, &desc, &layer->forward, err);
    if (status != STATUS_OK || !layer->needs_gradient)
        return status;
    result = dnnl_pooling_backward_desc_init(&desc, kind, &layer->in, &layer->out, w.stride,
                                             w.kernel, w.before, w.after);
    status = dnn_check(result, layer->net, "this pooling's gradient", err);
    if (status == STATUS_OK)
        status = dnn_op_create(plan, layer, &desc, &layer->backward_data, err);
    return status;
}

/* Reorders run on the plan's own thread only, so they may keep scratch memory of their own. */
static dnnl_status_t create_reorder(struct dnn_plan *plan, const dnnl_memory_desc_t *from,
                                    const dnnl_memory_desc_t *to, struct dnn_op *op)
{
    const dnnl_status_t result =
        dnnl_reorder_primitive_desc_create(&op->desc, from, plan->engine, to, plan->engine, NULL);
    return result == dnnl_success ? dnnl_primitive_create(&op->primitive, op->desc) : result;
}

dnnl_status_t dnn_bind(struct dnn_plan *plan, const dnnl_memory_desc_t *desc, float **buffer,
                       dnnl_memory_t *memory)
{
    if (!*buffer)
        *buffer = dnn_alloc(dnnl_memory_desc_get_size(desc));
    if (!*buffer)
        return dnnl_out_of_memory;
    return dnnl_memory_create(memory, desc, plan->engine, *buffer);
}

/* Room for the weights in the layouts that the primitives chose. */
static enum status create_weights(struct dnn_plan *plan, struct dnn_layer *layer, struct error *err)
{
    const dnnl_memory_desc_t *forward = dnn_op_desc(&layer->forward, dnnl_query_weights_md);
    dnnl_status_t result =
        dnnl_memory_create(&layer->plain_memory, &layer->plain, plan->engine, DNNL_MEMORY_NONE);
    if (result == dnnl_success)
        result = dnn_bind(plan, forward, &layer->forward_buffer, &layer->forward_weights);
    if (result == dnnl_success)
        result = dnn_bind(plan, &layer->bias_desc, &layer->bias_buffer, &layer->bias);
    if (result == dnnl_success)
        result = create_reorder(plan, &layer->plain, forward, &layer->to_forward);
    if (result == dnnl_success && layer->backward_data.primitive) {
        const dnnl_memory_desc_t *backward =
            dnn_op_desc(&layer->backward_data, dnnl_query_weights_md);
        if (!dnnl_memory_desc_equal(forward, backward)) {
            result = dnn_bind(plan, backward, &layer->backward_data_buffer,
                              &layer->backward_data_weights);
            if (result == dnnl_success)
                result = create_reorder(plan, &layer->plain, backward, &layer->to_backward_data);
        }
    }
    if (result == dnnl_success && layer->backward_weights.primitive)
        result =
            create_reorder(plan, dnn_op_desc(&layer->backward_weights, dnnl_query_diff_weights_md),
                           &layer->plain, &layer->from_gradient);
    return dnn_check(result, layer->net, "its weights' layout", err);
}

static enum status create_layer(struct dnn_plan *plan, int index, bool needs_gradient,
                                struct error *err)
{
    struct dnn_layer *layer = &plan->layers[index];
    enum status status = STATUS_OK;
    layer->net = &plan->net->layers[index];
    layer->needs_gradient = needs_gradient && plan->use != DNN_INFER;
    layer->in = describe(layer->net->in, plan->images);
    layer->out = describe(layer->net->out, plan->images);
    switch (layer->net->op) {
    case NET_CONV:
        status = create_conv(plan, layer, err);
        break;
    case NET_FC:
        status = create_fc(plan, layer, err);
        break;
    case NET_MAXPOOL:
        return dnn_maxpool_is_ours(layer->net) ? STATUS_OK : create_maxpool(plan, layer, err);
    case NET_BATCHNORM:
        return plan->use == DNN_TRAIN ? dnn_batchnorm_create(plan, layer, err) : STATUS_OK;
    default:
        return STATUS_OK;
    }
    return status == STATUS_OK ? create_weights(plan, layer, err) : status;
}

static dnnl_status_t create_attributes(struct dnn_plan *plan)
{
    dnnl_post_ops_t relu;
    dnnl_status_t result = dnnl_primitive_attr_create(&plan->attr);
    if (result == dnnl_success)
        result = dnnl_primitive_attr_set_scratchpad_mode(plan->attr, dnnl_scratchpad_mode_user);
    if (result == dnnl_success)
        result = dnnl_primitive_attr_clone(&plan->rectified_attr, plan->attr);
    if (result == dnnl_success)
        result = dnnl_post_ops_create(&relu);
    if (result != dnnl_success)
        return result;
    result = dnnl_post_ops_append_eltwise(relu, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
    if (result == dnnl_success)
        result = dnnl_primitive_attr_set_post_ops(plan->rectified_attr, relu);
    dnnl_post_ops_destroy(relu);
    return result;
}

enum status dnn_plan_create(const struct net *net, int images, enum dnn_use use,
                            struct dnn_plan **out, struct error *err)
{
    bool needs_gradient = false;
    *out = NULL;
    struct dnn_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory for its layers", net->name);
    plan->net = net;
    plan->images = images;
    plan->use = use;
    plan->training = use == DNN_TRAIN;
    dnn_layout(plan);
    dnnl_status_t result = dnnl_engine_create(&plan->engine, dnnl_cpu, 0);
    if (result == dnnl_success)
        result = dnnl_stream_create(&plan->stream, plan->engine, dnnl_stream_default_flags);
    if (result == dnnl_success)
        result = create_attributes(plan);
    enum status status = dnn_check(result, &net->layers[0], "its start", err);
    for (int i = 0; status == STATUS_OK && i < net->layer_count; i++) {
        status = create_layer(plan, i, needs_gradient, err);
        needs_gradient = needs_gradient || net->layers[i].weighted_index >= 0;
    }
    if (status == STATUS_OK)
        *out = plan;
    else
        dnn_plan_free(plan);
    return status;
}

void dnn_plan_set_training(struct dnn_plan *plan, bool on)
{
    plan->training = on && plan->use == DNN_TRAIN;
    if (plan->on_device)
        plan->table->set_training(plan->on_device, plan->training);
}

const char *dnn_plan_slow_layer(const struct dnn_plan *plan)
{
    return plan->slow_layer ? plan->slow_layer->name : NULL;
}

static void layer_free(struct dnn_layer *layer)
{
    struct dnn_op *const ops[] = {&layer->forward,          &layer->backward_data,
                                  &layer->backward_weights, &layer->to_forward,
                                  &layer->to_backward_data, &layer->from_gradient};
    const dnnl_memory_t memories[] = {layer->plain_memory, layer->forward_weights,
                                      layer->backward_data_weights, layer->bias,
                                      layer->scale_shift};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        op_free(ops[i]);
    free(layer->forward_buffer);
    free(layer->backward_data_buffer);
    free(layer->bias_buffer);
    free(layer->scale_shift_buffer);
}

void dnn_plan_free(struct dnn_plan *plan)
{
    if (!plan)
        return;
    for (int i = 0; i < plan->net->layer_count; i++)
        layer_free(&plan->layers[i]);
    if (plan->on_device)
        plan->table->plan_free(plan->on_device);
    if (plan->attr)
        dnnl_primitive_attr_destroy(plan->attr);
    if (plan->rectified_attr)
        dnnl_primitive_attr_destroy(plan->rectified_attr);
    if (plan->stream)
        dnnl_stream_destroy(plan->stream);
    if (plan->engine)
        dnnl_engine_destroy(plan->engine);
    free(plan);
}
