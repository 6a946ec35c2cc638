// SPDX-License-Identifier: Apache-2.0
/* Values, views, attributes and layers for the operators of an ONNX graph. */
#include "onnx/onnx_walk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct onnx_operator *onnx_find_operator(const struct onnx_operator *operators, size_t count,
                                               const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(operators[i].name, name))
            return &operators[i];
    return NULL;
}

/* ---- Values ---- */

struct onnx_value *onnx_find(struct onnx_walk *walk, const char *name)
{
    for (size_t i = 0; i < walk->value_count; i++)
        if (!strcmp(walk->values[i].name, name))
            return &walk->values[i];
    return NULL;
}

static const char *input_name(const Onnx__NodeProto *node, size_t i)
{
    return i < node->n_input ? node->input[i] : "";
}

static enum status find_made(struct onnx_walk *walk, const char *name, struct onnx_value **out)
{
    *out = onnx_find(walk, name);
    if (*out && (*out)->kind != ONNX_UNKNOWN)
        return STATUS_OK;
    return error_set(walk->err, STATUS_INPUT,
                     "its input '%s' is no initializer, nor made by a node before it; export the "
                     "network again",
                     name);
}

const struct onnx_tensor *onnx_constant(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                        size_t i, enum status *status)
{
    struct onnx_value *value;
    const char *name = input_name(node, i);
    *status = STATUS_OK;
    if (!*name)
        return NULL;
    *status = find_made(walk, name, &value);
    if (*status != STATUS_OK)
        return NULL;
    if (value->kind == ONNX_CONSTANT)
        return &value->constant;
    *status = error_set(walk->err, STATUS_INPUT,
                        "its input %zu, '%s', depends on the network's input; only a constant is "
                        "supported there",
                        i, name);
    return NULL;
}

enum status onnx_need_constant(struct onnx_walk *walk, const Onnx__NodeProto *node, size_t i,
                               const struct onnx_tensor **out)
{
    enum status status;
    *out = onnx_constant(walk, node, i, &status);
    if (status == STATUS_OK && !*out)
        status = error_set(walk->err, STATUS_INPUT, "its input %zu is missing", i);
    return status;
}

bool onnx_is_constant(struct onnx_walk *walk, const Onnx__NodeProto *node, size_t i)
{
    const struct onnx_value *value = onnx_find(walk, input_name(node, i));
    return value && value->kind == ONNX_CONSTANT;
}

enum status onnx_need_view(struct onnx_walk *walk, const Onnx__NodeProto *node, size_t i,
                           const struct onnx_view **out)
{
    struct onnx_value *value;
    *out = NULL;
    if (!*input_name(node, i))
        return error_set(walk->err, STATUS_INPUT, "its input %zu is missing", i);
    const enum status status = find_made(walk, input_name(node, i), &value);
    if (status != STATUS_OK)
        return status;
    if (value->kind != ONNX_VIEW)
        return error_set(walk->err, STATUS_INPUT,
                         "its input %zu, '%s', is a constant; want values of the network", i,
                         value->name);
    *out = &value->view;
    return STATUS_OK;
}

/* The network goes on from the view's values; what waits for the last ones' affine step gets it. */
static enum status add_branch(struct onnx_walk *walk, const Onnx__NodeProto *node,
                              const struct onnx_view *view)
{
    struct onnx_layer *made;
    const enum status status = onnx_settle(walk);
    const struct net_layer layer = {
        .op = NET_BRANCH, .out = onnx_view_shape(walk, view), .with = view->layer};
    return status == STATUS_OK ? onnx_add_layer(walk, node, &layer, &made) : status;
}

enum status onnx_need_last(struct onnx_walk *walk, const Onnx__NodeProto *node, size_t i,
                           const struct onnx_view **out)
{
    const enum status status = onnx_need_view(walk, node, i, out);
    return status != STATUS_OK || (*out)->layer == walk->network->layer_count - 1
               ? status
               : add_branch(walk, node, *out);
}

static enum status put(struct onnx_walk *walk, const Onnx__NodeProto *node, struct onnx_value made)
{
    struct onnx_value *value =
        node->n_output && *node->output[0] ? onnx_find(walk, node->output[0]) : NULL;
    enum status status = STATUS_OK;
    if (value && value->kind == ONNX_UNKNOWN) {
        value->kind = made.kind;
        value->constant = made.constant;
        value->view = made.view;
        return STATUS_OK;
    }
    if (value)
        status = error_set(walk->err, STATUS_INPUT,
                           "its output '%s' is made twice; export the network again", value->name);
    onnx_tensor_clear(&made.constant);
    onnx_view_clear(&made.view);
    return status; /* no name: nothing can use it */
}

enum status onnx_put_constant(struct onnx_walk *walk, const Onnx__NodeProto *node,
                              struct onnx_tensor *constant)
{
    const struct onnx_value made = {.kind = ONNX_CONSTANT, .constant = *constant};
    *constant = (struct onnx_tensor){.values = NULL};
    return put(walk, node, made);
}

enum status onnx_put_view(struct onnx_walk *walk, const Onnx__NodeProto *node,
                          struct onnx_view *view)
{
    const struct onnx_value made = {.kind = ONNX_VIEW, .view = *view};
    *view = (struct onnx_view){.order = NULL};
    return put(walk, node, made);
}

bool onnx_is_sole(const struct onnx_walk *walk, int layer)
{
    for (size_t i = 0; i < walk->value_count; i++) {
        const struct onnx_value *value = &walk->values[i];
        if (value->kind == ONNX_VIEW && value->view.layer == layer && value->uses > 0)
            return false;
    }
    return true;
}

/* ---- Views ---- */

void onnx_view_clear(struct onnx_view *view)
{
    free(view->order);
    *view = (struct onnx_view){.order = NULL};
}

enum status onnx_view_copy(const struct onnx_view *from, struct onnx_view *out, struct error *err)
{
    *out = *from;
    out->order = malloc((from->count + 1) * sizeof *out->order);
    if (!out->order)
        return error_set(err, STATUS_NO_MEMORY, "out of memory");
    memcpy(out->order, from->order, from->count * sizeof *out->order);
    return STATUS_OK;
}

static uint32_t channels_first_place(struct shape shape, size_t i)
{
    const size_t area = (size_t)shape.h * (size_t)shape.w;
    return (uint32_t)(i % area * (size_t)shape.c + i / area);
}

enum status onnx_view_create(struct shape shape, int layer, int rank, const int64_t *dims,
                             bool nhwc, struct onnx_view *out, struct error *err)
{
    *out = (struct onnx_view){.layer = layer, .rank = rank, .count = shape_size(shape)};
    memcpy(out->dims, dims, (size_t)rank * sizeof *dims);
    out->order = malloc((out->count + 1) * sizeof *out->order);
    if (!out->order)
        return error_set(err, STATUS_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < out->count; i++)
        out->order[i] = nhwc ? (uint32_t)i : channels_first_place(shape, i);
    return STATUS_OK;
}

struct shape onnx_view_shape(const struct onnx_walk *walk, const struct onnx_view *view)
{
    return onnx_layer_shape(walk->network, view->layer);
}

bool onnx_view_is_nchw(const struct onnx_walk *walk, const struct onnx_view *view)
{
    const struct shape s = onnx_view_shape(walk, view);
    bool same =
        view->rank == 4 && view->dims[1] == s.c && view->dims[2] == s.h && view->dims[3] == s.w;
    for (size_t i = 0; same && i < view->count; i++)
        same = view->order[i] == channels_first_place(s, i);
    return same;
}

bool onnx_view_is_nhwc(const struct onnx_walk *walk, const struct onnx_view *view)
{
    const struct shape s = onnx_view_shape(walk, view);
    bool same =
        view->rank == 4 && view->dims[1] == s.h && view->dims[2] == s.w && view->dims[3] == s.c;
    for (size_t i = 0; same && i < view->count; i++)
        same = view->order[i] == i;
    return same;
}

bool onnx_view_is_padded(const struct onnx_view *view)
{
    return view->pads.top || view->pads.left || view->pads.bottom || view->pads.right;
}

/* ---- Attributes ---- */

const Onnx__AttributeProto *onnx_attribute(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (node->attribute[i]->name && !strcmp(node->attribute[i]->name, name))
            return node->attribute[i];
    return NULL;
}

int64_t onnx_attribute_int(const Onnx__NodeProto *node, const char *name, int64_t missing)
{
    const Onnx__AttributeProto *attribute = onnx_attribute(node, name);
    return attribute && attribute->has_i ? attribute->i : missing;
}

double onnx_attribute_float(const Onnx__NodeProto *node, const char *name, double missing)
{
    const Onnx__AttributeProto *attribute = onnx_attribute(node, name);
    return attribute && attribute->has_f ? (double)attribute->f : missing;
}

bool onnx_attribute_is(const Onnx__NodeProto *node, const char *name, const char *text)
{
    const Onnx__AttributeProto *attribute = onnx_attribute(node, name);
    return attribute && attribute->has_s && attribute->s.len == strlen(text) &&
           !memcmp(attribute->s.data, text, attribute->s.len);
}

enum status onnx_tensor_ints(const struct onnx_tensor *tensor, const char *what, int max,
                             int64_t *out, int *count, struct error *err)
{
    if (tensor->count > (size_t)max)
        return error_set(err, STATUS_INPUT, "%s has %zu numbers; at most %d are supported", what,
                         tensor->count, max);
    for (size_t i = 0; i < tensor->count; i++) {
        const double value = tensor->values[i];
        /* The end of a Slice may be the largest 64-bit number. */
        out[i] = value >= INT32_MAX ? INT32_MAX : value <= INT32_MIN ? INT32_MIN : (int64_t)value;
        if (isnan(value))
            return error_set(err, STATUS_INPUT, "%s is not a number", what);
    }
    *count = (int)tensor->count;
    return STATUS_OK;
}

enum status onnx_get_ints(struct onnx_walk *walk, const Onnx__NodeProto *node, const char *name,
                          size_t input, int max, int64_t *out, int *count)
{
    const Onnx__AttributeProto *attribute = onnx_attribute(node, name);
    enum status status = STATUS_OK;
    *count = 0;
    if (!attribute) {
        const struct onnx_tensor *tensor = onnx_constant(walk, node, input, &status);
        return tensor ? onnx_tensor_ints(tensor, name, max, out, count, walk->err) : status;
    }
    if (attribute->n_ints > (size_t)max)
        return error_set(walk->err, STATUS_INPUT,
                         "attribute %s has %zu numbers; at most %d are supported", name,
                         attribute->n_ints, max);
    for (size_t i = 0; i < attribute->n_ints; i++) {
        out[i] = attribute->ints[i];
        if (out[i] > INT32_MAX || out[i] < INT32_MIN)
            return error_set(walk->err, STATUS_INPUT, "attribute %s: %lld is out of range", name,
                             (long long)out[i]);
    }
    *count = (int)attribute->n_ints;
    return STATUS_OK;
}

/* ---- Layers ---- */

void onnx_node_text(const Onnx__NodeProto *node, char *out, size_t size)
{
    const char *name = node->name && *node->name           ? node->name
                       : node->n_output && node->output[0] ? node->output[0]
                                                           : "without a name";
    snprintf(out, size, "%s", name);
}

struct shape onnx_layer_shape(const struct onnx_network *network, int layer)
{
    return layer < 0 ? network->input : network->layers[layer].layer.out;
}

enum status onnx_add_layer(struct onnx_walk *walk, const Onnx__NodeProto *node,
                           const struct net_layer *layer, struct onnx_layer **out)
{
    struct onnx_network *network = walk->network;
    *out = NULL;
    if (network->softmax != ONNX_NO_SOFTMAX)
        return error_set(walk->err, STATUS_INPUT,
                         "it stands behind a softmax; that is supported as the last node only");
    if (network->layer_count == NET_MAX_LAYERS)
        return error_set(walk->err, STATUS_INPUT, "more than %d layers", NET_MAX_LAYERS);
    struct onnx_layer *made = &network->layers[network->layer_count];
    *made = (struct onnx_layer){.layer = *layer};
    made->layer.in = onnx_layer_shape(network, network->layer_count - 1);
    if (shape_size(made->layer.out) > NET_MAX_ELEMENTS)
        return error_set(walk->err, STATUS_INPUT, "it makes %zu values; at most %d are supported",
                         shape_size(made->layer.out), NET_MAX_ELEMENTS);
    onnx_node_text(node, made->node, sizeof made->node);
    if (layer->op == NET_CONV || layer->op == NET_FC) {
        made->weights = calloc(net_layer_weights(&made->layer) + 1, sizeof *made->weights);
        made->bias = calloc((size_t)layer->out.c + 1, sizeof *made->bias);
        if (!made->weights || !made->bias) {
            free(made->weights);
            free(made->bias);
            return error_set(walk->err, STATUS_NO_MEMORY, "out of memory");
        }
    }
    network->layer_count++;
    *out = made;
    return STATUS_OK;
}
