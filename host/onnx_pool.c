// SPDX-License-Identifier: Apache-2.0
/* ONNX nodes without weights that become layers: activations and pooling. */
#include <string.h>

#include "onnx_window.h"

/* ---- Activations ---- */

/* Behind a layer of the same kind it changes nothing, but says so once more. */
static enum status put_activation(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                  enum net_op op)
{
    const struct onnx_view *view;
    struct onnx_view out;
    struct onnx_layer *made;
    enum status status = onnx_need_last(walk, node, 0, &view);
    if (status == STATUS_OK && onnx_view_is_padded(view))
        status = error_set(walk->err, STATUS_INPUT, "it follows a Pad; only Conv and pooling may");
    if (status == STATUS_OK)
        status = onnx_view_copy(view, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    const struct net_layer layer = {.op = op, .out = onnx_view_shape(walk, view)};
    status = onnx_add_layer(walk, node, &layer, &made);
    out.layer = walk->network->layer_count - 1;
    if (status == STATUS_OK)
        return onnx_put_view(walk, node, &out);
    onnx_view_clear(&out);
    return status;
}

static enum status run_relu(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    return put_activation(walk, node, NET_RELU);
}

/* A limit: an attribute in old versions, a constant in new ones. */
static enum status get_limit(struct onnx_walk *walk, const Onnx__NodeProto *node, const char *name,
                             size_t input, double *out)
{
    enum status status = STATUS_OK;
    *out = onnx_attribute_float(node, name, *out);
    if (onnx_attribute(node, name))
        return STATUS_OK;
    const struct onnx_tensor *tensor = onnx_constant(walk, node, input, &status);
    if (!tensor)
        return status;
    if (tensor->count != 1)
        return error_set(walk->err, STATUS_INPUT, "its %s: want one number", name);
    *out = tensor->values[0];
    return STATUS_OK;
}

static enum status run_clip(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    static const double NONE = 3e38;
    double low = -NONE, high = NONE;
    enum status status = get_limit(walk, node, "min", 1, &low);
    if (status == STATUS_OK)
        status = get_limit(walk, node, "max", 2, &high);
    if (status != STATUS_OK)
        return status;
    if (low == 0 && high >= NONE)
        return put_activation(walk, node, NET_RELU);
    if (low == 0 && high == 6)
        return put_activation(walk, node, NET_RELU6);
    return error_set(walk->err, STATUS_INPUT,
                     "it clips to %g .. %g; supported are 0 .. 6 (ReLU6) and 0 without an upper "
                     "limit (ReLU)",
                     low, high);
}

/* Keras writes min(relu(x), 6) as two nodes. */
static enum status run_min(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    struct onnx_network *network = walk->network;
    const struct onnx_tensor *limit;
    const struct onnx_view *view;
    struct onnx_view out;
    enum status status = onnx_need_constant(walk, node, 1, &limit);
    if (status == STATUS_OK)
        status = onnx_need_last(walk, node, 0, &view);
    if (status != STATUS_OK)
        return status;
    const int last = network->layer_count - 1;
    if (limit->count != 1 || limit->values[0] != 6 || last < 0 || !onnx_is_sole(walk, last) ||
        network->layers[last].layer.op != NET_RELU)
        return error_set(walk->err, STATUS_INPUT,
                         "supported is the minimum with 6 right behind a Relu (ReLU6)");
    network->layers[last].layer.op = NET_RELU6;
    status = onnx_view_copy(view, &out, walk->err);
    return status == STATUS_OK ? onnx_put_view(walk, node, &out) : status;
}

/* ---- Windows ---- */

/* Whether all values behind a layer are >= 0, so that zeros of padding never are the largest. */
static bool is_never_negative(const struct onnx_network *network, int layer)
{
    while (layer >= 0) {
        switch (network->layers[layer].layer.op) {
        case NET_RELU:
        case NET_RELU6:
            return true;
        case NET_MAXPOOL:
        case NET_AVGPOOL:
        case NET_FLATTEN:
            layer--;
            break;
        default:
            return false;
        }
    }
    return false;
}

static enum status need_image(struct onnx_walk *walk, const Onnx__NodeProto *node,
                              const struct onnx_view **view)
{
    char text[96];
    const enum status status = onnx_need_last(walk, node, 0, view);
    if (status != STATUS_OK || onnx_view_is_nchw(walk, *view))
        return status;
    return error_set(
        walk->err, STATUS_INPUT,
        "its input %s is no image in the order N, C, H, W as the layers before it make "
        "it",
        onnx_dims_text((*view)->rank, (*view)->dims, text, sizeof text));
}

static bool has_padding(const struct net_layer *layer)
{
    return layer->pad_top || layer->pad_left || layer->pad_bottom || layer->pad_right;
}

static enum status run_pool(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const bool is_max = !strcmp(node->op_type, "MaxPool");
    const struct onnx_view *view;
    struct onnx_layer *made;
    struct net_layer layer = {.op = is_max ? NET_MAXPOOL : NET_AVGPOOL};
    enum status status = need_image(walk, node, &view);
    if (status == STATUS_OK)
        status = onnx_window(walk, node, view, &layer);
    if (status != STATUS_OK)
        return status;
    if (is_max && (node->n_output > 1 || onnx_attribute_int(node, "storage_order", 0)))
        return error_set(walk->err, STATUS_INPUT,
                         "its indices or its storage_order are asked for; not supported");
    if (!is_max && has_padding(&layer))
        return error_set(walk->err, STATUS_INPUT,
                         "padding [%d, %d, %d, %d]: average pooling is supported without padding "
                         "only",
                         layer.pad_top, layer.pad_left, layer.pad_bottom, layer.pad_right);
    if (onnx_view_is_padded(view) && !is_never_negative(walk->network, view->layer))
        return error_set(walk->err, STATUS_INPUT,
                         "the zeros of the Pad before it may be the largest values; supported "
                         "behind a ReLU only");
    layer.out.c = layer.in.c;
    status = onnx_add_layer(walk, node, &layer, &made);
    return status == STATUS_OK ? onnx_put_image(walk, node, view->dims[0], false) : status;
}

/* ---- Whole images ---- */

static enum status add_global(struct onnx_walk *walk, const Onnx__NodeProto *node, bool is_max,
                              const struct onnx_view *view)
{
    struct onnx_layer *made;
    const struct shape s = onnx_view_shape(walk, view);
    const struct net_layer layer = {.op = is_max ? NET_MAXPOOL : NET_AVGPOOL,
                                    .out = {1, 1, s.c},
                                    .kernel_h = s.h,
                                    .kernel_w = s.w,
                                    .stride_h = s.h,
                                    .stride_w = s.w};
    if (onnx_view_is_padded(view))
        return error_set(walk->err, STATUS_INPUT, "it follows a Pad; not supported");
    return s.h * s.w > 1 ? onnx_add_layer(walk, node, &layer, &made) : STATUS_OK;
}

static enum status run_global(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    enum status status = need_image(walk, node, &view);
    if (status == STATUS_OK)
        status = add_global(walk, node, !strcmp(node->op_type, "GlobalMaxPool"), view);
    return status == STATUS_OK ? onnx_put_image(walk, node, view->dims[0], false) : status;
}

/* Which dimensions a Reduce node takes away; false if it takes the batch or one that is not there.
 */
static bool mark_axes(const struct onnx_view *view, const int64_t *axes, int count,
                      bool reduced[ONNX_MAX_RANK])
{
    for (int i = 0; i < count; i++) {
        const int64_t axis = axes[i] < 0 ? axes[i] + view->rank : axes[i];
        if (axis < 1 || axis >= view->rank)
            return false;
        reduced[axis] = true;
    }
    return count > 0;
}

/* The view of what is left of the channels: out->order[i] is the channel of element i. False if the
 * node does not reduce whole images, channel by channel. */
static bool reduce_view(const struct onnx_view *view, const bool reduced[ONNX_MAX_RANK],
                        int channels, bool keep, struct onnx_view *out)
{
    int64_t position[ONNX_MAX_RANK] = {0}, dims[ONNX_MAX_RANK], kept[ONNX_MAX_RANK];
    bool good = true;
    out->count = 1;
    out->rank = 0;
    for (int d = 0; d < view->rank; d++) {
        dims[d] = d ? view->dims[d] : 1;
        kept[d] = reduced[d] ? 1 : dims[d];
        out->count *= (size_t)kept[d];
        if (keep || !reduced[d])
            out->dims[out->rank++] = d ? kept[d] : view->dims[0];
    }
    if (out->count != (size_t)channels)
        return false;
    for (size_t i = 0; good && i < view->count; i++) {
        int64_t to[ONNX_MAX_RANK];
        bool first = true;
        for (int d = 0; d < view->rank; d++) {
            to[d] = reduced[d] ? 0 : position[d];
            first = first && (!reduced[d] || position[d] == 0);
        }
        uint32_t *channel = out->order + onnx_index(view->rank, kept, to);
        const uint32_t got = view->order[i] % (uint32_t)channels;
        *channel = first ? got : *channel;
        good = *channel == got;
        onnx_step(view->rank, dims, position);
    }
    return good;
}

static enum status run_reduce(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    struct onnx_view out;
    int64_t axes[ONNX_MAX_RANK];
    bool reduced[ONNX_MAX_RANK] = {false};
    int count = 0;
    enum status status = onnx_get_ints(walk, node, "axes", 1, ONNX_MAX_RANK, axes, &count);
    if (status == STATUS_OK)
        status = onnx_need_last(walk, node, 0, &view);
    if (status == STATUS_OK)
        status = onnx_view_copy(view, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    if (!mark_axes(view, axes, count, reduced) ||
        !reduce_view(view, reduced, onnx_view_shape(walk, view).c,
                     onnx_attribute_int(node, "keepdims", 1) != 0, &out))
        status = error_set(walk->err, STATUS_INPUT,
                           "supported is reduction over height and width of an image");
    if (status == STATUS_OK)
        status = add_global(walk, node, !strcmp(node->op_type, "ReduceMax"), view);
    out.layer = walk->network->layer_count - 1;
    if (status == STATUS_OK)
        return onnx_put_view(walk, node, &out);
    onnx_view_clear(&out);
    return status;
}

const struct onnx_operator *onnx_elementwise_operator(const char *name)
{
    static const struct onnx_operator operators[] = {{"Relu", run_relu, false},
                                                     {"Clip", run_clip, false},
                                                     {"Min", run_min, false},
                                                     {"MaxPool", run_pool, false},
                                                     {"AveragePool", run_pool, false},
                                                     {"GlobalAveragePool", run_global, false},
                                                     {"GlobalMaxPool", run_global, false},
                                                     {"ReduceMean", run_reduce, false},
                                                     {"ReduceMax", run_reduce, false}};
    return onnx_find_operator(operators, sizeof operators / sizeof *operators, name);
}
