// SPDX-License-Identifier: Apache-2.0
/* ONNX nodes that move or rename values without computing: shapes, Transpose, Pad, and what does
 * nothing in inference. */
#include <string.h>

#include "onnx/onnx_walk.h"

/* ---- Nothing ---- */

static enum status run_identity(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    struct onnx_view out;
    enum status status = onnx_need_view(walk, node, 0, &view);
    if (status == STATUS_OK)
        status = onnx_view_copy(view, &out, walk->err);
    return status == STATUS_OK ? onnx_put_view(walk, node, &out) : status;
}

static enum status run_softmax(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    const enum status status = onnx_need_last(walk, node, 0, &view);
    if (status != STATUS_OK)
        return status;
    walk->network->softmax = !strcmp(node->op_type, "Softmax") ? ONNX_SOFTMAX : ONNX_LOG_SOFTMAX;
    return run_identity(walk, node);
}

/* ---- Shapes ---- */

/* The same elements in the same order under other dims. */
static enum status put_dims(struct onnx_walk *walk, const Onnx__NodeProto *node,
                            const struct onnx_view *view, int rank, const int64_t *dims)
{
    char from[96], to[96];
    struct onnx_view out;
    size_t count = 1;
    bool good = rank > 0 && dims[0] == view->dims[0] && !onnx_view_is_padded(view);
    for (int i = 1; i < rank; i++) {
        good = good && dims[i] > 0;
        count = good && count <= view->count ? count * (size_t)dims[i] : 0;
    }
    if (!good || count != view->count)
        return error_set(walk->err, STATUS_INPUT,
                         "it makes %s of %s%s; the first dimension, the batch, must stay, and all "
                         "elements",
                         onnx_dims_text(rank, dims, to, sizeof to),
                         onnx_view_is_padded(view) ? "padded " : "",
                         onnx_dims_text(view->rank, view->dims, from, sizeof from));
    const enum status status = onnx_view_copy(view, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    out.rank = rank;
    memcpy(out.dims, dims, (size_t)rank * sizeof *dims);
    return onnx_put_view(walk, node, &out);
}

static enum status run_flatten(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    const enum status status = onnx_need_view(walk, node, 0, &view);
    if (status != STATUS_OK)
        return status;
    const int64_t axis = onnx_attribute_int(node, "axis", 1);
    const int64_t dims[2] = {view->dims[0], (int64_t)view->count};
    if (axis != 1 && axis + view->rank != 1)
        return error_set(walk->err, STATUS_INPUT, "attribute axis: only 1 is supported");
    return put_dims(walk, node, view, 2, dims);
}

/* Replaces the 0 (as before) and the -1 (what is left) of a Reshape. */
static bool resolve_dims(const struct onnx_view *view, bool allow_zero, int rank, int64_t *dims)
{
    int64_t known = 1;
    const int64_t all = view->dims[0] * (int64_t)view->count;
    int open = -1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 0 && !allow_zero && i < view->rank)
            dims[i] = view->dims[i];
        if (dims[i] == -1 && open >= 0)
            return false;
        if (dims[i] == -1)
            open = i;
        else if (dims[i] < 1 || dims[i] > all)
            return false;
        else
            known *= dims[i];
        if (known > all)
            return false;
    }
    if (open >= 0)
        dims[open] = all / known;
    return true;
}

static enum status run_reshape(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    int64_t dims[ONNX_MAX_RANK];
    int rank = 0;
    enum status status = onnx_need_view(walk, node, 0, &view);
    if (status == STATUS_OK)
        status = onnx_get_ints(walk, node, "shape", 1, ONNX_MAX_RANK, dims, &rank);
    if (status != STATUS_OK)
        return status;
    if (!resolve_dims(view, onnx_attribute_int(node, "allowzero", 0) != 0, rank, dims))
        return error_set(walk->err, STATUS_INPUT, "its shape does not fit %zu elements",
                         view->count);
    return put_dims(walk, node, view, rank, dims);
}

/* Marks the dims of a Squeeze, or of an Unsqueeze's result. */
static enum status mark_axes(struct onnx_walk *walk, const Onnx__NodeProto *node, int rank,
                             bool marked[ONNX_MAX_RANK], int *count)
{
    int64_t axes[ONNX_MAX_RANK];
    const enum status status = onnx_get_ints(walk, node, "axes", 1, ONNX_MAX_RANK, axes, count);
    for (int i = 0; status == STATUS_OK && i < *count; i++) {
        const int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank || axis >= ONNX_MAX_RANK || marked[axis])
            return error_set(walk->err, STATUS_INPUT, "attribute axes: %lld does not fit",
                             (long long)axes[i]);
        marked[axis] = true;
    }
    return status;
}

static enum status run_squeeze(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    bool marked[ONNX_MAX_RANK] = {false};
    int64_t dims[ONNX_MAX_RANK];
    int rank = 0, count = 0;
    enum status status = onnx_need_view(walk, node, 0, &view);
    if (status == STATUS_OK)
        status = mark_axes(walk, node, view->rank, marked, &count);
    if (status != STATUS_OK)
        return status;
    for (int d = 0; d < view->rank; d++) {
        const bool goes = count ? marked[d] : d > 0 && view->dims[d] == 1;
        if (goes && view->dims[d] != 1)
            return error_set(walk->err, STATUS_INPUT, "dimension %d is %lld, want 1", d,
                             (long long)view->dims[d]);
        if (!goes)
            dims[rank++] = view->dims[d];
    }
    return put_dims(walk, node, view, rank, dims);
}

static enum status run_unsqueeze(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    bool marked[ONNX_MAX_RANK] = {false};
    int64_t dims[ONNX_MAX_RANK], axes[ONNX_MAX_RANK];
    int count = 0, from = 0;
    enum status status = onnx_need_view(walk, node, 0, &view);
    if (status == STATUS_OK)
        status = onnx_get_ints(walk, node, "axes", 1, ONNX_MAX_RANK, axes, &count);
    if (status == STATUS_OK && view->rank + count > ONNX_MAX_RANK)
        status =
            error_set(walk->err, STATUS_INPUT, "it makes more than %d dimensions", ONNX_MAX_RANK);
    if (status != STATUS_OK)
        return status;
    const int rank = view->rank + count;
    status = mark_axes(walk, node, rank, marked, &count);
    if (status != STATUS_OK)
        return status;
    for (int d = 0; d < rank; d++)
        dims[d] = marked[d] ? 1 : view->dims[from++];
    return put_dims(walk, node, view, rank, dims);
}

/* The dims as a constant. */
static enum status run_shape(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    struct onnx_tensor out;
    enum status status = onnx_need_view(walk, node, 0, &view);
    if (status != STATUS_OK)
        return status;
    int64_t start = onnx_attribute_int(node, "start", 0);
    int64_t end = onnx_attribute_int(node, "end", view->rank);
    start = start < 0 ? start + view->rank : start;
    end = end < 0 ? end + view->rank : end;
    if (start < 0 || end > view->rank || start > end || onnx_view_is_padded(view))
        return error_set(walk->err, STATUS_INPUT, "dimensions %lld .. %lld are not there",
                         (long long)start, (long long)end);
    const int64_t count = end - start;
    status = onnx_tensor_create(1, &count, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    out.is_integer = true;
    for (int64_t i = 0; i < count; i++)
        out.values[i] = (double)view->dims[start + i];
    return onnx_put_constant(walk, node, &out);
}

/* ---- Transpose ---- */

/* to's dims are from's in the order perm; both unpadded. */
static void transpose(const struct onnx_view *from, const int64_t *perm, struct onnx_view *to)
{
    int64_t position[ONNX_MAX_RANK] = {0}, source[ONNX_MAX_RANK], from_dims[ONNX_MAX_RANK],
            to_dims[ONNX_MAX_RANK];
    for (int d = 0; d < from->rank; d++) {
        to->dims[d] = from->dims[perm[d]];
        from_dims[d] = d ? from->dims[d] : 1;
        to_dims[d] = d ? to->dims[d] : 1;
    }
    for (size_t i = 0; i < from->count; i++) {
        for (int d = 0; d < from->rank; d++)
            source[perm[d]] = position[d];
        to->order[i] = from->order[onnx_index(from->rank, from_dims, source)];
        onnx_step(from->rank, to_dims, position);
    }
}

static enum status run_transpose(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    struct onnx_view out;
    int64_t perm[ONNX_MAX_RANK];
    int count = 0;
    enum status status = onnx_need_view(walk, node, 0, &view);
    if (status == STATUS_OK)
        status = onnx_get_ints(walk, node, "perm", SIZE_MAX, ONNX_MAX_RANK, perm, &count);
    if (status != STATUS_OK)
        return status;
    unsigned seen = 0;
    for (int i = 0; i < count; i++)
        seen |= perm[i] >= 0 && perm[i] < view->rank ? 1u << perm[i] : 0;
    if (count != view->rank || seen + 1 != 1u << view->rank || perm[0] != 0)
        return error_set(walk->err, STATUS_INPUT,
                         "attribute perm: want an order of the %d dimensions, the first one, the "
                         "batch, in place",
                         view->rank);
    status = onnx_view_copy(view, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    transpose(view, perm, &out);
    return onnx_put_view(walk, node, &out);
}

/* ---- Pad ---- */

static enum status check_pad(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    enum status status = STATUS_OK;
    const struct onnx_tensor *value = onnx_constant(walk, node, 2, &status);
    if (status != STATUS_OK)
        return status;
    const double fill =
        value && value->count ? value->values[0] : onnx_attribute_float(node, "value", 0);
    if (fill != 0 || (onnx_attribute(node, "mode") && !onnx_attribute_is(node, "mode", "constant")))
        return error_set(walk->err, STATUS_INPUT, "only padding with the constant 0 is supported");
    return STATUS_OK;
}

/* The pads of all dims, before and after, zeros for those that the node does not name. */
static enum status read_pads(struct onnx_walk *walk, const Onnx__NodeProto *node, int rank,
                             int64_t before[ONNX_MAX_RANK], int64_t after[ONNX_MAX_RANK])
{
    int64_t pads[2 * ONNX_MAX_RANK], axes[ONNX_MAX_RANK];
    int count = 0, axis_count = 0;
    enum status status = onnx_get_ints(walk, node, "pads", 1, 2 * ONNX_MAX_RANK, pads, &count);
    if (status == STATUS_OK)
        status = onnx_get_ints(walk, node, "axes", 3, ONNX_MAX_RANK, axes, &axis_count);
    if (status != STATUS_OK)
        return status;
    if (!axis_count) {
        axis_count = rank;
        for (int i = 0; i < rank; i++)
            axes[i] = i;
    }
    if (count != 2 * axis_count)
        return error_set(walk->err, STATUS_INPUT, "its pads are %d numbers, want %d", count,
                         2 * axis_count);
    for (int i = 0; i < axis_count; i++) {
        const int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank || pads[i] < 0 || pads[axis_count + i] < 0 || pads[i] > 255 ||
            pads[axis_count + i] > 255)
            return error_set(walk->err, STATUS_INPUT, "its pads: want 0 to 255 for each dimension");
        before[axis] = pads[i];
        after[axis] = pads[axis_count + i];
    }
    return STATUS_OK;
}

static enum status run_pad(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_view *view;
    struct onnx_view out;
    int64_t before[ONNX_MAX_RANK] = {0}, after[ONNX_MAX_RANK] = {0};
    enum status status = onnx_need_last(walk, node, 0, &view);
    if (status == STATUS_OK)
        status = check_pad(walk, node);
    if (status == STATUS_OK)
        status = read_pads(walk, node, view->rank, before, after);
    if (status != STATUS_OK)
        return status;
    const bool nchw = onnx_view_is_nchw(walk, view);
    const int h = nchw ? 2 : 1, w = h + 1, c = nchw ? 1 : 3;
    bool any = false;
    for (int d = 0; d < view->rank; d++)
        any = any || before[d] || after[d];
    if (any && ((!nchw && !onnx_view_is_nhwc(walk, view)) || before[0] || after[0] || before[c] ||
                after[c]))
        return error_set(walk->err, STATUS_INPUT,
                         "supported is padding of height and width of an image");
    status = onnx_view_copy(view, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    if (any) {
        out.pads.top += (int)before[h];
        out.pads.left += (int)before[w];
        out.pads.bottom += (int)after[h];
        out.pads.right += (int)after[w];
    }
    return onnx_put_view(walk, node, &out);
}

const struct onnx_operator *onnx_shape_operator(const char *name)
{
    static const struct onnx_operator operators[] = {
        {"Identity", run_identity, true},   {"Dropout", run_identity, true},
        {"Cast", run_identity, true},       {"Softmax", run_softmax, false},
        {"LogSoftmax", run_softmax, false}, {"Flatten", run_flatten, true},
        {"Reshape", run_reshape, true},     {"Squeeze", run_squeeze, true},
        {"Unsqueeze", run_unsqueeze, true}, {"Shape", run_shape, true},
        {"Transpose", run_transpose, true}, {"Pad", run_pad, true}};
    return onnx_find_operator(operators, sizeof operators / sizeof *operators, name);
}
