// SPDX-License-Identifier: Apache-2.0
/* ONNX nodes with weights: Conv, Gemm, MatMul. */
#include <string.h>

#include "onnx/onnx_window.h"

enum { CONV_RANK = 4 };

/* Whether the pending step adds something, which zeros of padding would lack. */
static bool pending_shifts(const struct onnx_affine *pending)
{
    for (int c = 0; pending->is_on && c < pending->count; c++)
        if (pending->shift[c] != 0)
            return true;
    return false;
}

/* Moves the pending step into the weights. An FC behind an image takes its channels in turns. */
static void absorb_pending(struct onnx_walk *walk, struct onnx_layer *made)
{
    struct onnx_affine *pending = &walk->pending;
    const struct net_layer *l = &made->layer;
    const size_t rows = net_layer_weights(l) / (size_t)l->out.c;
    const int groups = l->op == NET_CONV ? l->groups : 1;
    if (!pending->is_on)
        return;
    const size_t inputs = (size_t)(l->op == NET_CONV ? l->in.c / groups : pending->count);
    for (int o = 0; o < l->out.c; o++) {
        const size_t first = (size_t)(o / (l->out.c / groups)) * inputs;
        for (size_t i = 0; i < rows; i++) {
            double *weight = made->weights + (size_t)o * rows + i;
            made->bias[o] += *weight * pending->shift[first + i % inputs];
            *weight *= pending->scale[first + i % inputs];
        }
    }
    made->layer.has_bias = made->layer.has_bias || pending_shifts(pending);
    onnx_affine_clear(pending);
}

static enum status set_bias(struct onnx_walk *walk, const struct onnx_tensor *bias, double factor,
                            struct onnx_layer *made)
{
    const size_t count = (size_t)made->layer.out.c;
    if (!bias)
        return STATUS_OK;
    if (bias->count != count && bias->count != 1)
        return error_set(walk->err, STATUS_INPUT, "its bias has %zu numbers, want %zu", bias->count,
                         count);
    for (size_t o = 0; o < count; o++)
        made->bias[o] = factor * bias->values[bias->count == 1 ? 0 : o];
    made->layer.has_bias = true;
    return STATUS_OK;
}

/* ---- Convolution ---- */

/* From [out][in / groups][kernel_h][kernel_w]. */
static void set_kernel(const struct onnx_tensor *from, struct onnx_layer *made)
{
    const struct net_layer *l = &made->layer;
    const int64_t inputs = from->dims[1];
    double *to = made->weights;
    for (int64_t o = 0; o < l->out.c; o++)
        for (int64_t y = 0; y < l->kernel_h; y++)
            for (int64_t x = 0; x < l->kernel_w; x++)
                for (int64_t i = 0; i < inputs; i++) {
                    const int64_t position[CONV_RANK] = {o, i, y, x};
                    *to++ = from->values[onnx_index(CONV_RANK, from->dims, position)];
                }
}

static enum status check_kernel(struct onnx_walk *walk, const struct onnx_tensor *weights,
                                const struct net_layer *layer)
{
    char text[96];
    onnx_dims_text(weights->rank, weights->dims, text, sizeof text);
    if (layer->groups < 1 || layer->in.c % layer->groups || weights->dims[0] % layer->groups)
        return error_set(walk->err, STATUS_INPUT,
                         "attribute group: %d does not divide %d input and %lld output channels",
                         layer->groups, layer->in.c, (long long)weights->dims[0]);
    if (weights->dims[1] != layer->in.c / layer->groups || weights->dims[2] != layer->kernel_h ||
        weights->dims[3] != layer->kernel_w || weights->dims[0] < 1)
        return error_set(walk->err, STATUS_INPUT,
                         "its weights have dimensions %s, want [outputs, %d, %d, %d]", text,
                         layer->in.c / layer->groups, layer->kernel_h, layer->kernel_w);
    return STATUS_OK;
}

static enum status need_image(struct onnx_walk *walk, const Onnx__NodeProto *node,
                              const struct onnx_tensor *weights, const struct onnx_view **view)
{
    char text[96];
    const enum status status = onnx_need_last(walk, node, 0, view);
    if (status != STATUS_OK)
        return status;
    if (weights->rank != CONV_RANK)
        return error_set(walk->err, STATUS_INPUT,
                         "its weights have dimensions %s; only convolutions in two dimensions are "
                         "supported",
                         onnx_dims_text(weights->rank, weights->dims, text, sizeof text));
    if (!onnx_view_is_nchw(walk, *view))
        return error_set(walk->err, STATUS_INPUT,
                         "its input %s is no image in the order N, C, H, W as the layers before it "
                         "make it; a Reshape or Transpose between layers is not supported, and for "
                         "the network's input say --layout",
                         onnx_dims_text((*view)->rank, (*view)->dims, text, sizeof text));
    return STATUS_OK;
}

static enum status run_conv(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_tensor *weights, *bias = NULL;
    const struct onnx_view *view = NULL;
    struct onnx_layer *made;
    enum status status = onnx_need_constant(walk, node, 1, &weights);
    if (status == STATUS_OK)
        bias = onnx_constant(walk, node, 2, &status);
    if (status == STATUS_OK)
        status = need_image(walk, node, weights, &view);
    if (status != STATUS_OK)
        return status;
    const int64_t groups = onnx_attribute_int(node, "group", 1);
    struct net_layer layer = {.op = NET_CONV,
                              .groups = groups > 0 && groups < INT32_MAX ? (int)groups : 0,
                              .kernel_h = (int)weights->dims[2],
                              .kernel_w = (int)weights->dims[3]};
    status = onnx_window(walk, node, view, &layer);
    if (status == STATUS_OK)
        status = check_kernel(walk, weights, &layer);
    if (status == STATUS_OK && pending_shifts(&walk->pending) &&
        (layer.pad_top || layer.pad_left || layer.pad_bottom || layer.pad_right))
        status = onnx_settle(walk);
    layer.out.c = (int)weights->dims[0];
    if (status == STATUS_OK)
        status = onnx_add_layer(walk, node, &layer, &made);
    if (status == STATUS_OK)
        status = set_bias(walk, bias, 1, made);
    if (status != STATUS_OK)
        return status;
    set_kernel(weights, made);
    absorb_pending(walk, made);
    return onnx_put_image(walk, node, view->dims[0], false);
}

/* ---- Fully connected ---- */

/* Constant b, [inputs][outputs] or with transposed [outputs][inputs]. */
struct dense {
    const struct onnx_tensor *b;
    bool transposed;
    double factor;
    int64_t inputs, outputs;
};

static double dense_weight(const struct dense *dense, size_t input, size_t output)
{
    const size_t index = dense->transposed ? output * (size_t)dense->inputs + input
                                           : input * (size_t)dense->outputs + output;
    return dense->factor * dense->b->values[index];
}

/* An FC of every element; a FLATTEN before it tells the reader that it sees the whole image. */
static enum status add_fc(struct onnx_walk *walk, const Onnx__NodeProto *node,
                          const struct dense *dense, const struct onnx_view *view,
                          struct onnx_layer **made)
{
    const struct shape in = onnx_view_shape(walk, view);
    enum status status = STATUS_OK;
    if (in.h * in.w > 1) {
        const struct net_layer flatten = {.op = NET_FLATTEN, .out = {1, 1, (int)shape_size(in)}};
        status = onnx_add_layer(walk, node, &flatten, made);
    }
    const struct net_layer layer = {.op = NET_FC, .out = {1, 1, (int)dense->outputs}};
    if (status == STATUS_OK)
        status = onnx_add_layer(walk, node, &layer, made);
    if (status != STATUS_OK)
        return status;
    const size_t inputs = view->count;
    for (size_t o = 0; o < (size_t)dense->outputs; o++)
        for (size_t i = 0; i < inputs; i++)
            (*made)->weights[o * inputs + view->order[i]] = dense_weight(dense, i, o);
    return STATUS_OK;
}

/* Applied to each pixel of [N, H, W, C]. */
static enum status add_pointwise(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                 const struct dense *dense, const struct onnx_view *view,
                                 struct onnx_layer **made)
{
    const struct shape in = onnx_view_shape(walk, view);
    const struct net_layer layer = {.op = NET_CONV,
                                    .out = {in.h, in.w, (int)dense->outputs},
                                    .groups = 1,
                                    .kernel_h = 1,
                                    .kernel_w = 1,
                                    .stride_h = 1,
                                    .stride_w = 1};
    const enum status status = onnx_add_layer(walk, node, &layer, made);
    for (size_t o = 0; status == STATUS_OK && o < (size_t)dense->outputs; o++)
        for (size_t i = 0; i < (size_t)dense->inputs; i++)
            (*made)->weights[o * (size_t)dense->inputs + i] = dense_weight(dense, i, o);
    return status;
}

static enum status check_dense(struct onnx_walk *walk, const struct dense *dense,
                               const struct onnx_view *view)
{
    char a[96], b[96];
    if (dense->b->rank == 2 && dense->outputs > 0 && !onnx_view_is_padded(view) && view->rank > 1 &&
        view->dims[view->rank - 1] == dense->inputs)
        return STATUS_OK;
    return error_set(walk->err, STATUS_INPUT,
                     "it multiplies %s%s by a constant %s%s; supported are [N, inputs] and "
                     "[inputs, outputs]",
                     onnx_view_is_padded(view) ? "padded " : "",
                     onnx_dims_text(view->rank, view->dims, a, sizeof a),
                     onnx_dims_text(dense->b->rank, dense->b->dims, b, sizeof b),
                     dense->transposed ? " transposed" : "");
}

static enum status run_dense(struct onnx_walk *walk, const Onnx__NodeProto *node,
                             struct dense *dense, const struct onnx_tensor *bias,
                             double bias_factor)
{
    const struct onnx_view *view;
    struct onnx_layer *made;
    struct onnx_view out;
    enum status status = onnx_need_last(walk, node, 0, &view);
    if (status != STATUS_OK)
        return status;
    dense->inputs = dense->b->dims[dense->transposed];
    dense->outputs = dense->b->dims[!dense->transposed];
    status = check_dense(walk, dense, view);
    const bool pointwise = view->count != (size_t)dense->inputs && onnx_view_is_nhwc(walk, view);
    if (status == STATUS_OK && !pointwise && view->count != (size_t)dense->inputs)
        status = error_set(walk->err, STATUS_INPUT,
                           "it multiplies each of %zu rows by the constant; supported is one row, "
                           "or the pixels of [N, H, W, C]",
                           view->count / (size_t)dense->inputs);
    if (status == STATUS_OK)
        status = pointwise ? add_pointwise(walk, node, dense, view, &made)
                           : add_fc(walk, node, dense, view, &made);
    if (status == STATUS_OK)
        status = set_bias(walk, bias, bias_factor, made);
    if (status != STATUS_OK)
        return status;
    absorb_pending(walk, made);
    int64_t dims[ONNX_MAX_RANK];
    memcpy(dims, view->dims, sizeof dims);
    dims[view->rank - 1] = dense->outputs;
    status = onnx_view_create(made->layer.out, walk->network->layer_count - 1, view->rank, dims,
                              true, &out, walk->err);
    return status == STATUS_OK ? onnx_put_view(walk, node, &out) : status;
}

static enum status run_gemm(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    struct dense dense = {.transposed = onnx_attribute_int(node, "transB", 0) != 0,
                          .factor = onnx_attribute_float(node, "alpha", 1)};
    enum status status = onnx_need_constant(walk, node, 1, &dense.b);
    const struct onnx_tensor *bias =
        status == STATUS_OK ? onnx_constant(walk, node, 2, &status) : NULL;
    if (status != STATUS_OK)
        return status;
    if (onnx_attribute_int(node, "transA", 0))
        return error_set(walk->err, STATUS_INPUT, "attribute transA: only 0 is supported");
    return run_dense(walk, node, &dense, bias, onnx_attribute_float(node, "beta", 1));
}

static enum status run_matmul(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    struct dense dense = {.transposed = false, .factor = 1};
    const enum status status = onnx_need_constant(walk, node, 1, &dense.b);
    return status == STATUS_OK ? run_dense(walk, node, &dense, NULL, 0) : status;
}

const struct onnx_operator *onnx_weighted_operator(const char *name)
{
    static const struct onnx_operator operators[] = {
        {"Conv", run_conv, true}, {"Gemm", run_gemm, true}, {"MatMul", run_matmul, true}};
    return onnx_find_operator(operators, sizeof operators / sizeof *operators, name);
}
