// SPDX-License-Identifier: Apache-2.0
#include "onnx/onnx_window.h"

#include <string.h>

enum { MAX_KERNEL = 255 };

static enum status read_pair(struct onnx_walk *walk, const Onnx__NodeProto *node, const char *name,
                             int *h, int *w)
{
    int64_t values[2];
    int count = 0;
    const enum status status = onnx_get_ints(walk, node, name, SIZE_MAX, 2, values, &count);
    if (status != STATUS_OK || !count)
        return status;
    if (count != 2 || values[0] < 1 || values[1] < 1 || values[0] > MAX_KERNEL ||
        values[1] > MAX_KERNEL)
        return error_set(walk->err, STATUS_INPUT,
                         "attribute %s: want 2 numbers from 1 to %d; windows have two dimensions",
                         name, MAX_KERNEL);
    *h = (int)values[0];
    *w = (int)values[1];
    return STATUS_OK;
}

/* ceil(size / stride) outputs; an odd row of zeros goes to the end, or with lower to the begin. */
static void pad_same(int size, int kernel, int stride, bool lower, int *before, int *after)
{
    const int need = ((size + stride - 1) / stride - 1) * stride + kernel - size;
    const int total = need > 0 ? need : 0;
    *before = (total + lower) / 2;
    *after = total - *before;
}

static enum status read_pads(struct onnx_walk *walk, const Onnx__NodeProto *node,
                             struct net_layer *layer)
{
    int64_t pads[4] = {0, 0, 0, 0};
    int count = 0;
    const bool lower = onnx_attribute_is(node, "auto_pad", "SAME_LOWER");
    if (lower || onnx_attribute_is(node, "auto_pad", "SAME_UPPER")) {
        pad_same(layer->in.h, layer->kernel_h, layer->stride_h, lower, &layer->pad_top,
                 &layer->pad_bottom);
        pad_same(layer->in.w, layer->kernel_w, layer->stride_w, lower, &layer->pad_left,
                 &layer->pad_right);
        return STATUS_OK;
    }
    const enum status status = onnx_get_ints(walk, node, "pads", SIZE_MAX, 4, pads, &count);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < 4; i++)
        if ((count && count != 4) || pads[i] < 0 || pads[i] > MAX_KERNEL)
            return error_set(walk->err, STATUS_INPUT,
                             "attribute pads: want 4 numbers from 0 to %d; windows have two "
                             "dimensions",
                             MAX_KERNEL);
    layer->pad_top = (int)pads[0];
    layer->pad_left = (int)pads[1];
    layer->pad_bottom = (int)pads[2];
    layer->pad_right = (int)pads[3];
    return STATUS_OK;
}

static enum status check_dilations(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    int64_t values[4];
    int count = 0;
    const enum status status = onnx_get_ints(walk, node, "dilations", SIZE_MAX, 4, values, &count);
    for (int i = 0; i < count; i++)
        if (values[i] != 1)
            return error_set(walk->err, STATUS_INPUT,
                             "attribute dilations: %lld; only 1 is supported",
                             (long long)values[i]);
    return status;
}

/* The number of windows; false if ceil_mode would add one. */
static bool count_windows(int size, int kernel, int stride, bool ceiling, int *out)
{
    *out = size < kernel ? 0 : (size - kernel) / stride + 1;
    return !ceiling || size < kernel || (size - kernel) % stride == 0;
}

static enum status count_outputs(struct onnx_walk *walk, const Onnx__NodeProto *node,
                                 struct net_layer *layer)
{
    const int h = layer->in.h + layer->pad_top + layer->pad_bottom;
    const int w = layer->in.w + layer->pad_left + layer->pad_right;
    const bool ceiling = onnx_attribute_int(node, "ceil_mode", 0) != 0;
    const bool rows = count_windows(h, layer->kernel_h, layer->stride_h, ceiling, &layer->out.h);
    const bool columns = count_windows(w, layer->kernel_w, layer->stride_w, ceiling, &layer->out.w);
    if (!layer->out.h || !layer->out.w)
        return error_set(walk->err, STATUS_INPUT,
                         "its window of %d by %d is larger than the padded image of %d by %d",
                         layer->kernel_h, layer->kernel_w, h, w);
    if (!rows || !columns)
        return error_set(walk->err, STATUS_INPUT,
                         "attribute ceil_mode: windows that reach beyond the padded image of %d by "
                         "%d are not supported; export with ceil_mode=False",
                         h, w);
    return STATUS_OK;
}

enum status onnx_window(struct onnx_walk *walk, const Onnx__NodeProto *node,
                        const struct onnx_view *view, struct net_layer *layer)
{
    layer->in = onnx_view_shape(walk, view);
    layer->stride_h = layer->stride_w = 1;
    enum status status = check_dilations(walk, node);
    if (status == STATUS_OK)
        status = read_pair(walk, node, "kernel_shape", &layer->kernel_h, &layer->kernel_w);
    if (status == STATUS_OK)
        status = read_pair(walk, node, "strides", &layer->stride_h, &layer->stride_w);
    layer->in.h += view->pads.top + view->pads.bottom;
    layer->in.w += view->pads.left + view->pads.right;
    if (status == STATUS_OK)
        status = read_pads(walk, node, layer);
    layer->in = onnx_view_shape(walk, view);
    layer->pad_top += view->pads.top;
    layer->pad_left += view->pads.left;
    layer->pad_bottom += view->pads.bottom;
    layer->pad_right += view->pads.right;
    if (status != STATUS_OK)
        return status;
    if (layer->pad_top >= layer->kernel_h || layer->pad_bottom >= layer->kernel_h ||
        layer->pad_left >= layer->kernel_w || layer->pad_right >= layer->kernel_w)
        return error_set(walk->err, STATUS_INPUT,
                         "padding [%d, %d, %d, %d]: only less than the kernel, %d by %d, is "
                         "supported",
                         layer->pad_top, layer->pad_left, layer->pad_bottom, layer->pad_right,
                         layer->kernel_h, layer->kernel_w);
    return count_outputs(walk, node, layer);
}

enum status onnx_put_image(struct onnx_walk *walk, const Onnx__NodeProto *node, int64_t batch,
                           bool nhwc)
{
    const int last = walk->network->layer_count - 1;
    const struct shape s = onnx_layer_shape(walk->network, last);
    const int64_t nchw_dims[4] = {batch, s.c, s.h, s.w}, nhwc_dims[4] = {batch, s.h, s.w, s.c};
    struct onnx_view view;
    const enum status status =
        onnx_view_create(s, last, 4, nhwc ? nhwc_dims : nchw_dims, nhwc, &view, walk->err);
    return status == STATUS_OK ? onnx_put_view(walk, node, &view) : status;
}
