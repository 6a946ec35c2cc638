// SPDX-License-Identifier: Apache-2.0
/* ONNX nodes that scale and shift channels: BatchNormalization, and Add, Sub, Mul, Div with a
 * constant. Add of two activations is here as well. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_walk.h"

/* ---- The pending step ---- */

void onnx_affine_clear(struct onnx_affine *affine)
{
    free(affine->scale);
    free(affine->shift);
    *affine = (struct onnx_affine){.scale = NULL};
}

static enum status affine_create(int count, struct onnx_affine *out, struct error *err)
{
    *out = (struct onnx_affine){.is_on = true, .count = count};
    out->scale = calloc((size_t)count + 1, sizeof *out->scale);
    out->shift = calloc((size_t)count + 1, sizeof *out->shift);
    if (out->scale && out->shift)
        return STATUS_OK;
    onnx_affine_clear(out);
    return error_set(err, STATUS_NO_MEMORY, "out of memory");
}

/* A 1x1 depthwise convolution. */
static enum status add_step_layer(struct onnx_walk *walk)
{
    const struct onnx_affine *step = &walk->pending;
    const struct shape shape = onnx_layer_shape(walk->network, walk->network->layer_count - 1);
    const struct net_layer layer = {.op = NET_CONV,
                                    .out = shape,
                                    .groups = shape.c,
                                    .kernel_h = 1,
                                    .kernel_w = 1,
                                    .stride_h = 1,
                                    .stride_w = 1,
                                    .has_bias = true};
    Onnx__NodeProto node = ONNX__NODE_PROTO__INIT;
    struct onnx_layer *made;
    node.name = (char *)step->node;
    const enum status status = onnx_add_layer(walk, &node, &layer, &made);
    if (status != STATUS_OK)
        return status;
    memcpy(made->weights, step->scale, (size_t)shape.c * sizeof *step->scale);
    memcpy(made->bias, step->shift, (size_t)shape.c * sizeof *step->shift);
    onnx_affine_clear(&walk->pending);
    return STATUS_OK;
}

enum status onnx_settle(struct onnx_walk *walk)
{
    const int before = walk->network->layer_count - 1;
    const enum status status = walk->pending.is_on ? add_step_layer(walk) : STATUS_OK;
    if (walk->network->layer_count - 1 == before)
        return status;
    for (size_t i = 0; i < walk->value_count; i++)
        if (walk->values[i].kind == ONNX_VIEW && walk->values[i].view.layer == before)
            walk->values[i].view.layer = before + 1;
    return STATUS_OK;
}

static void fold_into(struct onnx_layer *layer, const struct onnx_affine *step)
{
    const size_t rows = net_layer_weights(&layer->layer) / (size_t)layer->layer.out.c;
    for (int o = 0; o < layer->layer.out.c; o++) {
        for (size_t i = 0; i < rows; i++)
            layer->weights[(size_t)o * rows + i] *= step->scale[o];
        layer->bias[o] = layer->bias[o] * step->scale[o] + step->shift[o];
        layer->layer.has_bias = layer->layer.has_bias || layer->bias[o] != 0;
    }
}

/* Hands the step to where it costs nothing, or leaves it pending. */
static enum status take_step(struct onnx_walk *walk, const Onnx__NodeProto *node,
                             struct onnx_affine *step)
{
    const int last = walk->network->layer_count - 1;
    struct onnx_affine *pending = &walk->pending;
    if (pending->is_on) {
        for (int c = 0; c < step->count; c++) {
            pending->shift[c] = pending->shift[c] * step->scale[c] + step->shift[c];
            pending->scale[c] *= step->scale[c];
        }
        onnx_affine_clear(step);
        return STATUS_OK;
    }
    if (last >= 0 && onnx_is_sole(walk, last) && walk->network->layers[last].weights) {
        fold_into(&walk->network->layers[last], step);
        onnx_affine_clear(step);
        return STATUS_OK;
    }
    *pending = *step;
    *step = (struct onnx_affine){.scale = NULL};
    onnx_node_text(node, pending->node, sizeof pending->node);
    return STATUS_OK;
}

/* A step that others must not see becomes a layer at once: the values before it stay, under the
 * number of the layer before. */
static enum status step_last(struct onnx_walk *walk, const Onnx__NodeProto *node,
                             struct onnx_affine *step)
{
    const bool sole = onnx_is_sole(walk, walk->network->layer_count - 1);
    const enum status status = take_step(walk, node, step);
    return status == STATUS_OK && !sole ? add_step_layer(walk) : status;
}

enum status onnx_scale_last(struct onnx_walk *walk, const Onnx__NodeProto *node, double scale,
                            double shift)
{
    const int last = walk->network->layer_count - 1;
    struct onnx_affine step;
    enum status status = affine_create(onnx_layer_shape(walk->network, last).c, &step, walk->err);
    if (status != STATUS_OK)
        return status;
    for (int c = 0; c < step.count; c++) {
        step.scale[c] = scale;
        step.shift[c] = shift;
    }
    status = step_last(walk, node, &step);
    onnx_affine_clear(&step);
    return status;
}

/* What the node makes of these values. */
static enum status apply_step(struct onnx_walk *walk, const Onnx__NodeProto *node,
                              const struct onnx_view *from, struct onnx_affine *step)
{
    struct onnx_view out;
    enum status status = onnx_view_copy(from, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    status = step_last(walk, node, step);
    out.layer = walk->network->layer_count - 1;
    if (status == STATUS_OK)
        return onnx_put_view(walk, node, &out);
    onnx_view_clear(&out);
    return status;
}

/* ---- From constants to channels ---- */

/* Index in a constant of the element that stands at position of dims, by the rules of broadcasting;
 * false if the constant does not fit. */
static bool broadcast_index(const struct onnx_tensor *constant, int rank, const int64_t *position,
                            const int64_t *dims, size_t *index)
{
    const int first = rank - constant->rank;
    *index = 0;
    for (int i = 0; i < constant->rank; i++) {
        const int64_t size = constant->dims[i];
        if (first + i < 0 ? size != 1 : size != 1 && size != dims[first + i])
            return false;
        *index = *index * (size_t)size + (size_t)(size == 1 ? 0 : position[first + i]);
    }
    return constant->count > 0;
}

/* The constant's number for each channel; it must not differ inside of a channel. */
static enum status by_channel(struct onnx_walk *walk, const struct onnx_view *view,
                              const struct onnx_tensor *constant, double *out)
{
    const int channels = onnx_view_shape(walk, view).c;
    int64_t position[ONNX_MAX_RANK] = {0}, dims[ONNX_MAX_RANK];
    char a[96], b[96];
    size_t index = 0;
    bool good = true;
    memcpy(dims, view->dims, sizeof dims);
    dims[0] = 1;
    for (int c = 0; c < channels; c++)
        out[c] = (double)NAN;
    for (size_t i = 0; good && i < view->count; i++) {
        double *channel = out + view->order[i] % (uint32_t)channels;
        good = broadcast_index(constant, view->rank, position, dims, &index);
        good = good && (isnan(*channel) || *channel == constant->values[index]);
        if (good)
            *channel = constant->values[index];
        onnx_step(view->rank, dims, position);
    }
    for (int c = 0; good && c < channels; c++)
        good = isfinite(out[c]);
    if (good)
        return STATUS_OK;
    return error_set(walk->err, STATUS_INPUT,
                     "its constant of dimensions %s on values %s: supported are finite numbers, "
                     "one for each channel or one for all",
                     onnx_dims_text(constant->rank, constant->dims, a, sizeof a),
                     onnx_dims_text(view->rank, view->dims, b, sizeof b));
}

/* ---- Add, Sub, Mul, Div ---- */

static enum status run_residual(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *a, *b;
    struct onnx_layer *made;
    struct onnx_view out;
    enum status status = onnx_settle(walk);
    if (status == STATUS_OK)
        status = onnx_need_view(walk, node, 0, &a);
    if (status == STATUS_OK)
        status = onnx_need_view(walk, node, 1, &b);
    if (status == STATUS_OK && a->layer != walk->network->layer_count - 1)
        status = onnx_need_last(walk, node, 1, &b);
    if (status != STATUS_OK)
        return status;
    const struct onnx_view *last = a->layer == walk->network->layer_count - 1 ? a : b;
    const struct onnx_view *other = last == a ? b : a;
    const struct shape s = onnx_view_shape(walk, last), t = onnx_view_shape(walk, other);
    if (s.h != t.h || s.w != t.w || s.c != t.c || a->rank != b->rank ||
        memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) != 0 ||
        memcmp(a->order, b->order, a->count * sizeof *a->order) != 0 || onnx_view_is_padded(a) ||
        onnx_view_is_padded(b))
        return error_set(walk->err, STATUS_INPUT,
                         "it adds values of different shapes; only equal ones are supported");
    const struct net_layer layer = {.op = NET_ADD, .out = s, .with = other->layer};
    status = onnx_view_copy(last, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    status = onnx_add_layer(walk, node, &layer, &made);
    out.layer = walk->network->layer_count - 1;
    if (status == STATUS_OK)
        return onnx_put_view(walk, node, &out);
    onnx_view_clear(&out);
    return status;
}

/* The node's step on x, from the constant's number k: x op k, or with swapped k op x. */
static void set_channel(struct onnx_affine *step, int c, const char *op, double k, bool swapped)
{
    step->scale[c] = 1;
    if (!strcmp(op, "Add"))
        step->shift[c] = k;
    else if (!strcmp(op, "Mul"))
        step->scale[c] = k;
    else if (!strcmp(op, "Div"))
        step->scale[c] = 1 / k;
    else
        step->shift[c] = swapped ? k : -k;
    if (swapped && !strcmp(op, "Sub"))
        step->scale[c] = -1;
}

static enum status run_arithmetic(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const bool swapped = onnx_is_constant(walk, node, 0);
    const struct onnx_tensor *constant;
    const struct onnx_view *view;
    struct onnx_affine step = {.scale = NULL};
    if (!swapped && !onnx_is_constant(walk, node, 1)) {
        if (!strcmp(node->op_type, "Add"))
            return run_residual(walk, node);
        return error_set(walk->err, STATUS_INPUT,
                         "it joins two results of the network; supported is one with a constant, "
                         "and Add of two");
    }
    if (swapped && !strcmp(node->op_type, "Div"))
        return error_set(walk->err, STATUS_INPUT, "it divides a constant; not supported");
    enum status status = onnx_need_constant(walk, node, !swapped, &constant);
    if (status == STATUS_OK)
        status = onnx_need_last(walk, node, swapped, &view);
    if (status == STATUS_OK && onnx_view_is_padded(view))
        status = error_set(walk->err, STATUS_INPUT, "it follows a Pad; only Conv and pooling may");
    if (status == STATUS_OK)
        status = affine_create(onnx_view_shape(walk, view).c, &step, walk->err);
    if (status == STATUS_OK)
        status = by_channel(walk, view, constant, step.shift);
    for (int c = 0; status == STATUS_OK && c < step.count; c++) {
        const double k = step.shift[c];
        step.shift[c] = 0;
        set_channel(&step, c, node->op_type, k, swapped);
        if (!isfinite(step.scale[c]))
            status = error_set(walk->err, STATUS_INPUT, "it divides by 0");
    }
    if (status == STATUS_OK)
        status = apply_step(walk, node, view, &step);
    onnx_affine_clear(&step);
    return status;
}

/* ---- BatchNormalization ---- */

/* One number for each channel, along the second dimension of the values. */
static enum status channel_constant(struct onnx_walk *walk, const Onnx__NodeProto *node, size_t i,
                                    const struct onnx_view *view, double *out)
{
    const struct onnx_tensor *constant;
    const enum status status = onnx_need_constant(walk, node, i, &constant);
    if (status != STATUS_OK)
        return status;
    if (constant->rank != 1 || view->rank < 2)
        return error_set(walk->err, STATUS_INPUT, "its input %zu: want one number for each channel",
                         i);
    struct onnx_tensor along = *constant; /* borrowed */
    along.rank = view->rank - 1;
    for (int d = 1; d < along.rank; d++)
        along.dims[d] = 1;
    return by_channel(walk, view, &along, out);
}

static enum status set_normalization(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                     const struct onnx_view *view, struct onnx_affine *step)
{
    const double epsilon = onnx_attribute_float(node, "epsilon", 1e-5);
    struct onnx_affine moments = {.scale = NULL}; /* mean, variance */
    enum status status = affine_create(step->count, &moments, walk->err);
    if (status == STATUS_OK)
        status = channel_constant(walk, node, 1, view, step->scale);
    if (status == STATUS_OK)
        status = channel_constant(walk, node, 2, view, step->shift);
    if (status == STATUS_OK)
        status = channel_constant(walk, node, 3, view, moments.scale);
    if (status == STATUS_OK)
        status = channel_constant(walk, node, 4, view, moments.shift);
    for (int c = 0; status == STATUS_OK && c < step->count; c++) {
        step->scale[c] /= sqrt(moments.shift[c] + epsilon);
        step->shift[c] -= moments.scale[c] * step->scale[c];
        if (!isfinite(step->scale[c]) || !isfinite(step->shift[c]))
            status = error_set(walk->err, STATUS_INPUT,
                               "channel %d has no finite scale; its variance is %g", c,
                               moments.shift[c]);
    }
    onnx_affine_clear(&moments);
    return status;
}

static enum status run_batchnorm(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    struct onnx_affine step = {.scale = NULL};
    enum status status = onnx_need_last(walk, node, 0, &view);
    if (status != STATUS_OK)
        return status;
    if (onnx_attribute_int(node, "training_mode", 0) || node->n_output > 1)
        return error_set(walk->err, STATUS_INPUT,
                         "it is in training mode; export the network for inference (eval())");
    if (onnx_view_is_padded(view))
        return error_set(walk->err, STATUS_INPUT, "it follows a Pad; only Conv and pooling may");
    status = affine_create(onnx_view_shape(walk, view).c, &step, walk->err);
    if (status == STATUS_OK)
        status = set_normalization(walk, node, view, &step);
    if (status == STATUS_OK)
        status = apply_step(walk, node, view, &step);
    onnx_affine_clear(&step);
    return status;
}

const struct onnx_operator *onnx_affine_operator(const char *name)
{
    static const struct onnx_operator operators[] = {{"Add", run_arithmetic, true},
                                                     {"Sub", run_arithmetic, true},
                                                     {"Mul", run_arithmetic, true},
                                                     {"Div", run_arithmetic, true},
                                                     {"BatchNormalization", run_batchnorm, true}};
    return onnx_find_operator(operators, sizeof operators / sizeof *operators, name);
}
