// SPDX-License-Identifier: Apache-2.0
/* ONNX nodes without weights that become layers: activations and pooling. */
#include <string.h>

#include "onnx/onnx_window.h"

/* The largest binary32, with which exporters say that there is none. */
static const double NO_LIMIT = 3e38;

/* ---- Activations ---- */

/* op between two steps of all values: after.scale * op(before.scale * x + before.shift) +
 * after.shift. */
struct activation {
    enum net_op op;
    struct step {
        double scale, shift;
    } before, after;
};

static enum status take_uniform_step(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                     struct step step)
{
    return step.scale == 1 && step.shift == 0 ? STATUS_OK
                                              : onnx_scale_last(walk, node, step.scale, step.shift);
}

/* Behind a layer of the same kind it changes nothing, but says so once more. */
static enum status put_activation(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                  const struct activation *activation)
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
    const struct net_layer layer = {.op = activation->op, .out = onnx_view_shape(walk, view)};
    status = take_uniform_step(walk, node, activation->before);
    if (status == STATUS_OK)
        status = onnx_settle(walk);
    if (status == STATUS_OK)
        status = onnx_add_layer(walk, node, &layer, &made);
    if (status == STATUS_OK)
        status = take_uniform_step(walk, node, activation->after);
    out.layer = walk->network->layer_count - 1;
    if (status == STATUS_OK)
        return onnx_put_view(walk, node, &out);
    onnx_view_clear(&out);
    return status;
}

static enum status run_relu(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    static const struct activation RELU = {NET_RELU, {1, 0}, {1, 0}};
    return put_activation(walk, node, &RELU);
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

/* From low on: low + relu(x - low). Up to high: high - relu(high - x). Both: a ReLU6 of the values,
 * shifted and stretched so that low .. high becomes 0 .. 6. */
static struct activation make_clip(double low, double high, bool has_low, bool has_high)
{
    const double unit = (high - low) / 6;
    if (!has_high)
        return (struct activation){NET_RELU, {1, -low}, {1, low}};
    if (!has_low)
        return (struct activation){NET_RELU, {-1, high}, {-1, high}};
    return (struct activation){NET_RELU6, {1 / unit, -low / unit}, {unit, low}};
}

static enum status put_clip(struct onnx_walk *walk, const Onnx__NodeProto *node, double low,
                            double high)
{
    const bool has_low = low > -NO_LIMIT, has_high = high < NO_LIMIT;
    const struct onnx_view *view;
    struct onnx_view out;
    if (!(low < high) || low >= NO_LIMIT || high <= -NO_LIMIT)
        return error_set(walk->err, STATUS_INPUT,
                         "it clips to %g .. %g; want a lower limit below the upper one", low, high);
    if (has_low || has_high) {
        const struct activation clip = make_clip(low, high, has_low, has_high);
        return put_activation(walk, node, &clip);
    }
    enum status status = onnx_need_view(walk, node, 0, &view);
    if (status == STATUS_OK)
        status = onnx_view_copy(view, &out, walk->err);
    return status == STATUS_OK ? onnx_put_view(walk, node, &out) : status;
}

static enum status run_clip(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    double low = -NO_LIMIT, high = NO_LIMIT;
    enum status status = get_limit(walk, node, "min", 1, &low);
    if (status == STATUS_OK)
        status = get_limit(walk, node, "max", 2, &high);
    return status == STATUS_OK ? put_clip(walk, node, low, high) : status;
}

/* Keras writes min(relu(x), 6) as two nodes; it becomes one layer. */
static enum status join_relu6(struct onnx_walk *walk, const Onnx__NodeProto *node, bool *joined)
{
    struct onnx_network *network = walk->network;
    const int last = network->layer_count - 1;
    const struct onnx_view *view;
    struct onnx_view out;
    enum status status = onnx_need_view(walk, node, 0, &view);
    *joined = status == STATUS_OK && last >= 0 && view->layer == last && onnx_is_sole(walk, last) &&
              network->layers[last].layer.op == NET_RELU;
    if (!*joined)
        return status;
    network->layers[last].layer.op = NET_RELU6;
    status = onnx_view_copy(view, &out, walk->err);
    return status == STATUS_OK ? onnx_put_view(walk, node, &out) : status;
}

/* Min and Max with one number: one of Clip's limits. */
static enum status run_limit(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const bool is_min = !strcmp(node->op_type, "Min");
    const struct onnx_tensor *limit;
    bool joined = false;
    enum status status = onnx_need_constant(walk, node, 1, &limit);
    if (status == STATUS_OK && (limit->count != 1 || node->n_input != 2))
        status = error_set(walk->err, STATUS_INPUT,
                           "supported are values of the network and one number");
    if (status == STATUS_OK && is_min && limit->values[0] == 6)
        status = join_relu6(walk, node, &joined);
    if (status != STATUS_OK || joined)
        return status;
    return put_clip(walk, node, is_min ? -NO_LIMIT : limit->values[0],
                    is_min ? limit->values[0] : NO_LIMIT);
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
        case NET_BRANCH:
            layer = network->layers[layer].layer.with;
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

static enum status run_max_pool(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    struct onnx_layer *made;
    struct net_layer layer = {.op = NET_MAXPOOL};
    enum status status = need_image(walk, node, &view);
    if (status == STATUS_OK)
        status = onnx_window(walk, node, view, &layer);
    if (status != STATUS_OK)
        return status;
    if (node->n_output > 1 || onnx_attribute_int(node, "storage_order", 0))
        return error_set(walk->err, STATUS_INPUT,
                         "its indices or its storage_order are asked for; not supported");
    if (onnx_view_is_padded(view) && !is_never_negative(walk->network, view->layer))
        return error_set(walk->err, STATUS_INPUT,
                         "the zeros of the Pad before it may be the largest values; supported "
                         "behind a ReLU only");
    layer.out.c = layer.in.c;
    status = onnx_add_layer(walk, node, &layer, &made);
    return status == STATUS_OK ? onnx_put_image(walk, node, view->dims[0], false) : status;
}

/* Zeros that are counted, of a Pad or of the pooling's own, make the mean a sum of products: a
 * depthwise convolution. Zeros that are not counted make it another divisor at the edges. */
static enum status use_padded_mean(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                   const struct onnx_view *view, struct net_layer *layer)
{
    const bool has_own = layer->pad_top > view->pads.top || layer->pad_left > view->pads.left ||
                         layer->pad_bottom > view->pads.bottom ||
                         layer->pad_right > view->pads.right;
    if (has_own && !onnx_attribute_int(node, "count_include_pad", 0))
        return error_set(walk->err, STATUS_INPUT,
                         "padding [%d, %d, %d, %d] that the mean does not count: supported with "
                         "count_include_pad only; export with count_include_pad=True, or without "
                         "padding",
                         layer->pad_top, layer->pad_left, layer->pad_bottom, layer->pad_right);
    layer->op = NET_CONV;
    layer->groups = layer->in.c;
    return STATUS_OK;
}

static enum status run_average_pool(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    struct onnx_layer *made;
    struct net_layer layer = {.op = NET_AVGPOOL};
    enum status status = need_image(walk, node, &view);
    if (status == STATUS_OK)
        status = onnx_window(walk, node, view, &layer);
    if (status == STATUS_OK && has_padding(&layer))
        status = use_padded_mean(walk, node, view, &layer);
    if (status != STATUS_OK)
        return status;
    layer.out.c = layer.in.c;
    status = onnx_add_layer(walk, node, &layer, &made);
    for (size_t i = 0; status == STATUS_OK && i < net_layer_weights(&layer); i++)
        made->weights[i] = 1.0 / (layer.kernel_h * layer.kernel_w);
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
                                                     {"Min", run_limit, false},
                                                     {"Max", run_limit, false},
                                                     {"MaxPool", run_max_pool, false},
                                                     {"AveragePool", run_average_pool, false},
                                                     {"GlobalAveragePool", run_global, false},
                                                     {"GlobalMaxPool", run_global, false},
                                                     {"ReduceMean", run_reduce, false},
                                                     {"ReduceMax", run_reduce, false}};
    return onnx_find_operator(operators, sizeof operators / sizeof *operators, name);
}
