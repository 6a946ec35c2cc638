// SPDX-License-Identifier: Apache-2.0
/* The walk over a network's layers.
 *
 * ReLU: a weighted layer or ADD with a fused one leaves uint8; every ReLU behind it, up to the next
 * of those, then changes nothing and is dropped (max pooling and flatten between them commute with
 * it, average pooling keeps the sign). On int8 values it stays a layer of its own. A ReLU6 that is
 * not fused rescales: an ADD of the values alone.
 * FLATTEN: memory holds NHWC order before and after it. It is a layer only if an operation that
 * sees the shape follows, and works in place even then.
 * BATCHNORM, DROPOUT: change nothing, the weights are folded.
 * BRANCH: no layer; the operations behind it read the buffer of its source. */
#include "pack/pack_layers.h"

#include <stdio.h>
#include <string.h>

#include "nn_insn.h"

enum { ELEMENTS_MAX = 1 << 24, SCRATCH_BYTES_MAX = 1 << 28, CLASS_BYTES = 2 };

/* Where the values behind a layer of the network are. */
struct place {
    uint16_t buffer;
    int flatten; /* the FLATTEN that gives them their shape and was left out; NO_FLATTEN: none */
};
enum { NO_FLATTEN = -1 };

struct walk {
    const struct quant_model *model;
    struct model *plan;
    int *source;
    struct place at;                         /* of the values so far */
    struct place places[NET_MAX_LAYERS + 1]; /* [layer + 1] */
    struct error *err;
};

/* The next operation's result; it becomes the values so far. */
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
    walk->at = (struct place){plan->buffer_count++, NO_FLATTEN};
    plan->buffers[walk->at.buffer] = (struct model_buffer){
        .height = (uint16_t)shape.h,
        .width = (uint16_t)shape.w,
        .channels = (uint16_t)shape.c,
        .is_signed = is_signed,
        .size_bytes = (uint32_t)shape_size(shape),
    };
    return STATUS_OK;
}

/* Appends an operation on layer.in and layer.in2. source: its layer of the network. */
static enum status add_layer(struct walk *walk, struct model_layer layer, struct shape out,
                             bool is_signed, int source)
{
    const char *name = source == PACK_NO_SOURCE ? "argmax" : walk->model->net->layers[source].name;
    struct model *plan = walk->plan;
    if (plan->layer_count == MODEL_MAX_LAYERS)
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: more than %d layers in a container; use fewer", name,
                         MODEL_MAX_LAYERS);
    const enum status status = add_buffer(walk, out, is_signed, name);
    if (status != STATUS_OK)
        return status;
    layer.out = walk->at.buffer;
    walk->source[plan->layer_count] = source;
    plan->layers[plan->layer_count++] = layer;
    return STATUS_OK;
}

static struct shape buffer_shape(const struct model_buffer *buffer)
{
    return (struct shape){buffer->height, buffer->width, buffer->channels};
}

static bool is_signed_at(const struct walk *walk, struct place place)
{
    return walk->plan->buffers[place.buffer].is_signed;
}

/* Makes the FLATTEN that was left out a layer; the operation behind it sees the shape. */
static enum status shape_values(struct walk *walk, struct place *place)
{
    const int source = place->flatten;
    if (source == NO_FLATTEN)
        return STATUS_OK;
    const struct model_layer flatten = {.op = OP_FLATTEN, .in = place->buffer, .in2 = MODEL_NONE};
    const struct place before = walk->at;
    const enum status status = add_layer(walk, flatten, walk->model->net->layers[source].out,
                                         is_signed_at(walk, *place), source);
    const struct place made = walk->at;
    walk->at = before;
    *place = made;
    return status;
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
    const bool is_signed = is_signed_at(walk, walk->at);
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

/* Of the last layer: no sum of sizes in the arena may pass 32 bits. */
static enum status check_scratch(const struct walk *walk)
{
    const struct model *plan = walk->plan;
    const int index = plan->layer_count - 1;
    const struct model_layer *layer = &plan->layers[index];
    const uint32_t bytes =
        model_scratch_bytes(layer, &plan->buffers[layer->in], &plan->buffers[layer->out]);
    if (bytes <= SCRATCH_BYTES_MAX)
        return STATUS_OK;
    return error_set(walk->err, STATUS_INPUT,
                     "layer %s: needs %u bytes of work space on the core, at most %d; use smaller "
                     "activations or a smaller kernel",
                     walk->model->net->layers[walk->source[index]].name, bytes, SCRATCH_BYTES_MAX);
}

static enum status walk_weighted(struct walk *walk, int index)
{
    const struct net_layer *layer = &walk->model->net->layers[index];
    const struct quant_layer *q = walk->model->layers[layer->weighted_index];
    struct model_layer made = {.op = layer->op == NET_CONV ? OP_CONV2D : OP_FC};
    enum status status = STATUS_OK;
    if (layer->op == NET_CONV) { /* FC takes any shape */
        copy_window(layer, &made);
        made.groups = (uint16_t)layer->groups;
        status = shape_values(walk, &walk->at);
    }
    if (status == STATUS_OK)
        status = check_weighted(walk, layer, q);
    if (status != STATUS_OK)
        return status;
    made.in = walk->at.buffer;
    made.in2 = MODEL_NONE;
    made.weight_bits = (uint8_t)q->bits;
    made.relu = q->relu;
    status = add_layer(walk, made, layer->out, !q->relu, index);
    return status == STATUS_OK ? check_scratch(walk) : status;
}

static enum status walk_pool(struct walk *walk, int index)
{
    const struct net_layer *layer = &walk->model->net->layers[index];
    struct model_layer made = {.op = layer->op == NET_MAXPOOL ? OP_MAXPOOL : OP_AVGPOOL,
                               .in2 = MODEL_NONE};
    copy_window(layer, &made);
    const enum status status = shape_values(walk, &walk->at);
    if (status != STATUS_OK)
        return status;
    made.in = walk->at.buffer;
    return add_layer(walk, made, layer->out, is_signed_at(walk, walk->at), index);
}

static enum status check_add(const struct walk *walk, int index, struct place a, struct place b)
{
    const struct net *net = walk->model->net;
    const struct quant_add *add = &walk->model->adds[index];
    const char *name = net->layers[index].name;
    if (!add->multiplier)
        return error_set(walk->err, STATUS_INPUT, "layer %s: not quantized", name);
    if (add->a_signed != is_signed_at(walk, a) || add->b_signed != is_signed_at(walk, b))
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: quantized for %s and %s inputs, but they are %s and %s", name,
                         add->a_signed ? "int8" : "uint8", add->b_signed ? "int8" : "uint8",
                         is_signed_at(walk, a) ? "int8" : "uint8",
                         is_signed_at(walk, b) ? "int8" : "uint8");
    if (add->relu && net->layers[index].op == NET_ADD && quant_fused_relu(net, index) < 0)
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: quantized with a ReLU that does not follow it", name);
    if (add->ma > 127 || add->mb > 127 || add->shift > 31)
        return error_set(walk->err, STATUS_INPUT,
                         "layer %s: factors %d, %d or shift %d out of range", name, add->ma,
                         add->mb, add->shift);
    return STATUS_OK;
}

/* ADD, or a ReLU6 on its own. */
static enum status walk_add(struct walk *walk, int index)
{
    const struct net_layer *layer = &walk->model->net->layers[index];
    const struct quant_add *add = &walk->model->adds[index];
    enum status status = shape_values(walk, &walk->at);
    struct place b = walk->at;
    if (layer->op == NET_ADD) {
        b = walk->places[layer->with + 1];
        if (status == STATUS_OK)
            status = shape_values(walk, &b);
    }
    if (status == STATUS_OK)
        status = check_add(walk, index, walk->at, b);
    if (status != STATUS_OK)
        return status;
    const struct model_layer made = {
        .op = OP_ADD, .relu = add->relu, .in = walk->at.buffer, .in2 = b.buffer};
    return add_layer(walk, made, layer->out, !add->relu, index);
}

/* The values stay int8: that is what the quantizer takes the next layer's input for. */
static enum status walk_relu(struct walk *walk, int index)
{
    if (!is_signed_at(walk, walk->at))
        return STATUS_OK;
    const int flatten = walk->at.flatten;
    const struct model_layer made = {.op = OP_RELU, .in = walk->at.buffer, .in2 = MODEL_NONE};
    const struct shape shape = buffer_shape(&walk->plan->buffers[walk->at.buffer]);
    const enum status status = add_layer(walk, made, shape, true, index);
    walk->at.flatten = flatten;
    return status;
}

static enum status walk_layer(struct walk *walk, int index)
{
    if (quant_is_add(walk->model->net, index))
        return walk_add(walk, index);
    switch (walk->model->net->layers[index].op) {
    case NET_CONV:
    case NET_FC:
        return walk_weighted(walk, index);
    case NET_MAXPOOL:
    case NET_AVGPOOL:
        return walk_pool(walk, index);
    case NET_RELU:
        return walk_relu(walk, index);
    case NET_FLATTEN:
        walk->at.flatten = index;
        return STATUS_OK;
    case NET_BRANCH:
        walk->at = walk->places[walk->model->net->layers[index].with + 1];
        return STATUS_OK;
    default: /* RELU6 is fused, BATCHNORM and DROPOUT change nothing */
        return STATUS_OK;
    }
}

enum status pack_layers(const struct quant_model *model, struct model *plan, int *source,
                        struct error *err)
{
    const struct net *net = model->net;
    struct walk walk = {.model = model, .plan = plan, .source = source, .err = err};
    *plan = (struct model){
        .isa_version = NN_ISA_VERSION, .buffers = plan->buffers, .layers = plan->layers};
    snprintf(plan->name, sizeof plan->name, "%.*s", MODEL_NAME_BYTES, net->name);
    enum status status = add_buffer(&walk, net->input, net->input_signed, "input");
    plan->input = walk.at.buffer;
    walk.places[0] = walk.at;
    for (int i = 0; i < net->layer_count && status == STATUS_OK; i++) {
        status = walk_layer(&walk, i);
        walk.places[i + 1] = walk.at;
    }
    plan->output = walk.at.buffer;
    const struct model_layer argmax = {.op = OP_ARGMAX, .in = walk.at.buffer, .in2 = MODEL_NONE};
    if (status == STATUS_OK)
        status = add_layer(&walk, argmax, (struct shape){1, 1, CLASS_BYTES}, false, PACK_NO_SOURCE);
    plan->class_out = walk.at.buffer;
    return status;
}
