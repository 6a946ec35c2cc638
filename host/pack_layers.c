// SPDX-License-Identifier: Apache-2.0
/* The walk over a network's layers.
 *
 * ReLU: a weighted layer with a fused one leaves uint8; every ReLU behind it, up to the next
 * weighted layer, then changes nothing and is dropped (max pooling and flatten between them commute
 * with it, average pooling keeps the sign). On int8 values it stays a layer of its own.
 * FLATTEN: memory holds NHWC order before and after it. It is a layer only if an operation that
 * sees the shape follows, and works in place even then. */
#include "pack_layers.h"

#include <stdio.h>
#include <string.h>

#include "nn_insn.h"

enum { ELEMENTS_MAX = 1 << 24, PLANE_BYTES_MAX = 1 << 28, CLASS_BYTES = 2, NO_FLATTEN = -1 };

struct walk {
    const struct quant_model *model;
    struct model *plan;
    int *source;
    uint16_t at;    /* buffer of the values so far */
    int flattening; /* the last FLATTEN that was left out, NO_FLATTEN if none is pending */
    struct error *err;
};

static enum status add_buffer(struct walk *walk, struct shape shape, bool is_signed,
                              const char *name)
{
    struct model *plan = walk->plan;
    if (plan->buffer_count == MODEL_MAX_BUFFERS)
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: more than %d activations; use fewer layers", name,
                         MODEL_MAX_BUFFERS);
    if (shape.h > MODEL_MAX_DIM || shape.w > MODEL_MAX_DIM || shape.c > MODEL_MAX_DIM ||
        shape_size(shape) > ELEMENTS_MAX)
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: activations of %dx%dx%d; a container holds at most %d in each "
                         "direction and %d in all",
                         name, shape.h, shape.w, shape.c, MODEL_MAX_DIM, ELEMENTS_MAX);
    walk->at = plan->buffer_count++;
    plan->buffers[walk->at] = (struct model_buffer){
        .height = (uint16_t)shape.h,
        .width = (uint16_t)shape.w,
        .channels = (uint16_t)shape.c,
        .is_signed = is_signed,
        .size_bytes = (uint32_t)shape_size(shape),
    };
    return STATUS_OK;
}

/* Appends an operation on the values so far. source: its layer of the network. */
static enum status add_layer(struct walk *walk, struct model_layer layer, struct shape out,
                             bool is_signed, int source)
{
    const char *name = source == PACK_NO_SOURCE ? "argmax" : walk->model->net->layers[source].name;
    struct model *plan = walk->plan;
    if (plan->layer_count == MODEL_MAX_LAYERS)
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: more than %d layers in a container; use fewer", name,
                         MODEL_MAX_LAYERS);
    layer.in = walk->at;
    layer.in2 = MODEL_NONE;
    const enum status status = add_buffer(walk, out, is_signed, name);
    if (status != STATUS_OK)
        return status;
    layer.out = walk->at;
    walk->source[plan->layer_count] = source;
    plan->layers[plan->layer_count++] = layer;
    return STATUS_OK;
}

static struct shape buffer_shape(const struct model_buffer *buffer)
{
    return (struct shape){buffer->height, buffer->width, buffer->channels};
}

/* Makes the FLATTEN that was left out a layer; the operation behind it sees the shape. */
static enum status flush_flatten(struct walk *walk)
{
    const int source = walk->flattening;
    if (source == NO_FLATTEN)
        return STATUS_OK;
    walk->flattening = NO_FLATTEN;
    return add_layer(walk, (struct model_layer){.op = OP_FLATTEN},
                     walk->model->net->layers[source].out, walk->plan->buffers[walk->at].is_signed,
                     source);
}

static void copy_window(const struct net_layer *from, struct model_layer *to)
{
    to->kernel_h = (uint8_t)from->kernel_h;
    to->kernel_w = (uint8_t)from->kernel_w;
    to->stride_h = (uint8_t)from->stride_h;
    to->stride_w = (uint8_t)from->stride_w;
    to->pad_top = (uint8_t)from->pad_top;
    to->pad_left = (uint8_t)from->pad_left;
    to->pad_bottom = (uint8_t)from->pad_bottom;
    to->pad_right = (uint8_t)from->pad_right;
}

/* The first weight that does not fit the layer's width. */
static const int8_t *find_misfit(const struct quant_layer *q)
{
    const int high = (1 << (q->bits - 1)) - 1, low = -high - 1;
    const size_t count = (size_t)q->out_count * (size_t)q->row_count;
    for (size_t i = 0; i < count; i++)
        if (q->weight[i] < low || q->weight[i] > high)
            return q->weight + i;
    return NULL;
}

/* The quantizer's layer against the network's. A contradiction would give a container that the
 * core takes and that computes something else. */
static enum status check_weighted(const struct walk *walk, const struct net_layer *layer,
                                  const struct quant_layer *q)
{
    const int index = walk->model->net->weighted[layer->weighted_index];
    const size_t rows = net_layer_weights(layer) / (size_t)layer->out.c;
    const bool is_signed = walk->plan->buffers[walk->at].is_signed;
    if (!q)
        return error_set(walk->err, STATUS_INPUT, "layer %s: not quantized", layer->name);
    if (q->bits != 8 && q->bits != 4 && q->bits != 2)
        return error_set(walk->err, STATUS_INPUT, "layer %s: weight bits: want 8, 4 or 2, got %d",
                         layer->name, q->bits);
    if (q->out_count != layer->out.c || (size_t)q->row_count != rows)
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: quantized weights: want %d x %zu, got %d x %d", layer->name,
                         layer->out.c, rows, q->out_count, q->row_count);
    if (q->in_signed != is_signed)
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: quantized for %s inputs, but they are %s", layer->name,
                         q->in_signed ? "int8" : "uint8", is_signed ? "int8" : "uint8");
    if (q->relu && quant_fused_relu(walk->model->net, index) < 0)
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: quantized with a ReLU that does not follow it", layer->name);
    const int8_t *misfit = find_misfit(q);
    if (misfit)
        return error_set(walk->err, STATUS_INPUT, "layer %s: weight %zu: %d does not fit %d bits",
                         layer->name, (size_t)(misfit - q->weight), *misfit, q->bits);
    for (int c = 0; c < q->out_count; c++)
        if (q->shift[c] > 31 || q->bias_shift[c] > 31)
            return error_set(walk->err, STATUS_INPUT, "layer %s: channel %d: shift above 31",
                             layer->name, c);
    return STATUS_OK;
}

/* The core pads a convolution's input in its scratch memory. */
static enum status check_plane(const struct walk *walk, const struct net_layer *layer)
{
    const uint64_t height = (uint64_t)(layer->in.h + layer->pad_top + layer->pad_bottom);
    const uint64_t width = (uint64_t)(layer->in.w + layer->pad_left + layer->pad_right);
    const uint64_t bytes = height * width * (uint64_t)layer->in.c;
    if (bytes <= PLANE_BYTES_MAX)
        return STATUS_OK;
    return error_set(walk->err, STATUS_INPUT, "layer %s: padded input of %llu bytes, at most %d",
                     layer->name, (unsigned long long)bytes, PLANE_BYTES_MAX);
}

static enum status walk_weighted(struct walk *walk, int index)
{
    const struct net_layer *layer = &walk->model->net->layers[index];
    const struct quant_layer *q = walk->model->layers[layer->weighted_index];
    struct model_layer made = {.op = layer->op == NET_CONV ? OP_CONV2D : OP_FC};
    enum status status = STATUS_OK;
    if (layer->op == NET_CONV) {
        copy_window(layer, &made);
        status = check_plane(walk, layer);
        if (status == STATUS_OK)
            status = flush_flatten(walk);
    }
    walk->flattening = NO_FLATTEN; /* FC takes any shape */
    if (status == STATUS_OK)
        status = check_weighted(walk, layer, q);
    if (status != STATUS_OK)
        return status;
    made.weight_bits = (uint8_t)q->bits;
    made.relu = q->relu;
    return add_layer(walk, made, layer->out, !q->relu, index);
}

static enum status walk_pool(struct walk *walk, int index)
{
    const struct net_layer *layer = &walk->model->net->layers[index];
    struct model_layer made = {.op = layer->op == NET_MAXPOOL ? OP_MAXPOOL : OP_AVGPOOL};
    copy_window(layer, &made);
    const enum status status = flush_flatten(walk);
    if (status != STATUS_OK)
        return status;
    return add_layer(walk, made, layer->out, walk->plan->buffers[walk->at].is_signed, index);
}

/* The values stay int8: that is what the quantizer takes the next layer's input for. */
static enum status walk_relu(struct walk *walk, int index)
{
    const struct model_buffer *in = &walk->plan->buffers[walk->at];
    if (!in->is_signed)
        return STATUS_OK;
    return add_layer(walk, (struct model_layer){.op = OP_RELU}, buffer_shape(in), true, index);
}

static enum status walk_layer(struct walk *walk, int index)
{
    switch (walk->model->net->layers[index].op) {
    case NET_CONV:
    case NET_FC:
        return walk_weighted(walk, index);
    case NET_MAXPOOL:
    case NET_AVGPOOL:
        return walk_pool(walk, index);
    case NET_RELU:
        return walk_relu(walk, index);
    default:
        walk->flattening = index;
        return STATUS_OK;
    }
}

enum status pack_layers(const struct quant_model *model, struct model *plan, int *source,
                        struct error *err)
{
    const struct net *net = model->net;
    struct walk walk = {model, plan, source, 0, NO_FLATTEN, err};
    memset(plan, 0, sizeof *plan);
    plan->isa_version = NN_ISA_VERSION;
    snprintf(plan->name, sizeof plan->name, "%.*s", MODEL_NAME_BYTES, net->name);
    enum status status = add_buffer(&walk, net->input, net->input_signed, "input");
    plan->input = walk.at;
    for (int i = 0; i < net->layer_count && status == STATUS_OK; i++)
        status = walk_layer(&walk, i);
    plan->output = walk.at;
    if (status == STATUS_OK)
        status = add_layer(&walk, (struct model_layer){.op = OP_ARGMAX},
                           (struct shape){1, 1, CLASS_BYTES}, false, PACK_NO_SOURCE);
    plan->class_out = walk.at;
    return status;
}
