// SPDX-License-Identifier: Apache-2.0
/* ONNX nodes on constants: computed at once. Exporters use them for shapes and for weights that are
 * stored in another layout. */
#include <math.h>
#include <string.h>

#include "onnx/onnx_walk.h"

static enum status run_constant(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    struct onnx_tensor out = {.values = NULL};
    const Onnx__AttributeProto *a = node->n_attribute == 1 ? node->attribute[0] : NULL;
    enum status status = STATUS_OK;
    if (a && a->t) {
        status = onnx_tensor_read(a->t, walk->options->folder, &out, walk->err);
        return status == STATUS_OK ? onnx_put_constant(walk, node, &out) : status;
    }
    const size_t listed = a ? a->n_ints + a->n_floats : 0;
    if (!a || !a->name || (!listed && !a->has_i && !a->has_f))
        return error_set(walk->err, STATUS_INPUT,
                         "want one attribute: value, value_int(s) or value_float(s)");
    const int64_t count = (int64_t)(listed ? listed : 1);
    status = onnx_tensor_create(listed ? 1 : 0, &count, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    out.is_integer = a->n_ints || a->has_i;
    for (size_t i = 0; i < a->n_ints; i++)
        out.values[i] = (double)a->ints[i];
    for (size_t i = 0; i < a->n_floats; i++)
        out.values[a->n_ints + i] = (double)a->floats[i];
    if (!listed)
        out.values[0] = a->has_i ? (double)a->i : (double)a->f;
    return onnx_put_constant(walk, node, &out);
}

/* Also a Cast to integers of whole numbers, as in shapes. */
static enum status run_copy(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_tensor *from;
    struct onnx_tensor out;
    enum status status = onnx_need_constant(walk, node, 0, &from);
    if (status == STATUS_OK)
        status = onnx_tensor_copy(from, &out, walk->err);
    return status == STATUS_OK ? onnx_put_constant(walk, node, &out) : status;
}

static enum status put_dims(struct onnx_walk *walk, const Onnx__NodeProto *node,
                            const struct onnx_tensor *from, int rank, const int64_t *dims)
{
    struct onnx_tensor out;
    enum status status = onnx_tensor_create(rank, dims, &out, walk->err);
    if (status == STATUS_OK && out.count != from->count) {
        onnx_tensor_clear(&out);
        status = error_set(walk->err, STATUS_INPUT, "its constant has %zu numbers, want %zu",
                           from->count, out.count);
    }
    if (status != STATUS_OK)
        return status;
    memcpy(out.values, from->values, from->count * sizeof *out.values);
    out.is_integer = from->is_integer;
    return onnx_put_constant(walk, node, &out);
}

static enum status run_reshape(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_tensor *from;
    int64_t dims[ONNX_MAX_RANK], known = 1;
    int rank = 0, open = -1;
    enum status status = onnx_need_constant(walk, node, 0, &from);
    if (status == STATUS_OK)
        status = onnx_get_ints(walk, node, "shape", 1, ONNX_MAX_RANK, dims, &rank);
    for (int i = 0; status == STATUS_OK && i < rank; i++) {
        if (dims[i] == 0 && i < from->rank)
            dims[i] = from->dims[i];
        if (dims[i] == -1)
            open = i;
        else if (dims[i] < 1 || known > (int64_t)from->count)
            status = error_set(walk->err, STATUS_INPUT, "its shape does not fit the constant");
        else
            known *= dims[i];
    }
    if (status != STATUS_OK)
        return status;
    if (open >= 0)
        dims[open] = (int64_t)from->count / known;
    return put_dims(walk, node, from, rank, dims);
}

/* Squeeze and Unsqueeze of lists and single numbers. */
static enum status run_squeeze(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_tensor *from;
    const bool adds = !strcmp(node->op_type, "Unsqueeze");
    const enum status status = onnx_need_constant(walk, node, 0, &from);
    if (status != STATUS_OK)
        return status;
    const int64_t count = (int64_t)from->count;
    if (from->rank > 1 || (adds && from->rank) || (!adds && count != 1))
        return error_set(walk->err, STATUS_INPUT,
                         "on constants it is supported for single numbers only");
    return put_dims(walk, node, from, adds ? 1 : 0, &count);
}

static enum status run_transpose(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_tensor *from;
    struct onnx_tensor out;
    int64_t perm[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], source[ONNX_MAX_RANK];
    int64_t position[ONNX_MAX_RANK] = {0};
    int count = 0;
    enum status status = onnx_need_constant(walk, node, 0, &from);
    if (status == STATUS_OK)
        status = onnx_get_ints(walk, node, "perm", SIZE_MAX, ONNX_MAX_RANK, perm, &count);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; !count && i < from->rank; i++)
        perm[i] = from->rank - 1 - i;
    unsigned seen = 0;
    for (int i = 0; i < from->rank; i++)
        seen |= perm[i] >= 0 && perm[i] < from->rank ? 1u << perm[i] : 0;
    if ((count && count != from->rank) || seen + 1 != 1u << from->rank)
        return error_set(walk->err, STATUS_INPUT,
                         "attribute perm: want an order of the %d dimensions", from->rank);
    for (int i = 0; i < from->rank; i++)
        dims[i] = from->dims[perm[i]];
    status = onnx_tensor_create(from->rank, dims, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    out.is_integer = from->is_integer;
    for (size_t i = 0; i < out.count; i++) {
        for (int d = 0; d < from->rank; d++)
            source[perm[d]] = position[d];
        out.values[i] = from->values[onnx_index(from->rank, from->dims, source)];
        onnx_step(from->rank, dims, position);
    }
    return onnx_put_constant(walk, node, &out);
}

/* ---- Lists ---- */

static enum status need_list(struct onnx_walk *walk, const Onnx__NodeProto *node, size_t i,
                             const struct onnx_tensor **out)
{
    const enum status status = onnx_need_constant(walk, node, i, out);
    if (status != STATUS_OK || (*out)->rank == 1)
        return status;
    return error_set(walk->err, STATUS_INPUT, "on constants it is supported for lists only");
}

static enum status run_gather(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_tensor *from, *index;
    struct onnx_tensor out;
    enum status status = need_list(walk, node, 0, &from);
    if (status == STATUS_OK)
        status = onnx_need_constant(walk, node, 1, &index);
    if (status == STATUS_OK)
        status = onnx_tensor_create(index->rank, index->dims, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    out.is_integer = from->is_integer;
    for (size_t i = 0; i < index->count; i++) {
        const double at = index->values[i] + (index->values[i] < 0 ? (double)from->count : 0);
        if (!(at >= 0 && at < (double)from->count)) {
            onnx_tensor_clear(&out);
            return error_set(walk->err, STATUS_INPUT, "its index %g is outside of the list",
                             index->values[i]);
        }
        out.values[i] = from->values[(size_t)at];
    }
    return onnx_put_constant(walk, node, &out);
}

static enum status run_concat(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_tensor *from;
    struct onnx_tensor out;
    int64_t count = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < node->n_input; i++) {
        status = need_list(walk, node, i, &from);
        count += status == STATUS_OK ? (int64_t)from->count : 0;
    }
    if (status == STATUS_OK)
        status = onnx_tensor_create(1, &count, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    size_t used = 0;
    for (size_t i = 0; status == STATUS_OK && i < node->n_input; i++) {
        status = need_list(walk, node, i, &from);
        if (status != STATUS_OK)
            break;
        memcpy(out.values + used, from->values, from->count * sizeof *out.values);
        used += from->count;
        out.is_integer = from->is_integer;
    }
    if (status == STATUS_OK)
        return onnx_put_constant(walk, node, &out);
    onnx_tensor_clear(&out);
    return status;
}

/* Which elements of each dimension a Slice takes. */
struct slice {
    int64_t first[ONNX_MAX_RANK], step[ONNX_MAX_RANK], count[ONNX_MAX_RANK];
};

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void set_slice(struct slice *slice, int axis, int64_t size, int64_t start, int64_t end,
                      int64_t step)
{
    start = start < 0 ? start + size : start;
    end = end < 0 ? end + size : end;
    start = step > 0 ? clamp(start, 0, size) : clamp(start, -1, size - 1);
    end = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
    slice->first[axis] = start;
    slice->step[axis] = step;
    slice->count[axis] =
        step > 0 ? (end - start + step - 1) / step : (start - end - step - 1) / -step;
    if (slice->count[axis] < 0)
        slice->count[axis] = 0;
}

static enum status read_slice(struct onnx_walk *walk, const Onnx__NodeProto *node,
                              const struct onnx_tensor *from, struct slice *slice)
{
    int64_t start[ONNX_MAX_RANK], end[ONNX_MAX_RANK], axes[ONNX_MAX_RANK], step[ONNX_MAX_RANK];
    int starts = 0, ends = 0, axis_count = 0, steps = 0;
    enum status status = onnx_get_ints(walk, node, "starts", 1, ONNX_MAX_RANK, start, &starts);
    if (status == STATUS_OK)
        status = onnx_get_ints(walk, node, "ends", 2, ONNX_MAX_RANK, end, &ends);
    if (status == STATUS_OK)
        status = onnx_get_ints(walk, node, "axes", 3, ONNX_MAX_RANK, axes, &axis_count);
    if (status == STATUS_OK)
        status = onnx_get_ints(walk, node, "steps", 4, ONNX_MAX_RANK, step, &steps);
    for (int d = 0; d < from->rank; d++)
        set_slice(slice, d, from->dims[d], 0, from->dims[d], 1);
    for (int i = 0; status == STATUS_OK && i < starts; i++) {
        int64_t axis = axis_count ? axes[i] : i;
        axis = axis < 0 ? axis + from->rank : axis;
        const int64_t stride = steps ? step[i] : 1;
        if (ends != starts || (axis_count && axis_count != starts) || (steps && steps != starts) ||
            axis < 0 || axis >= from->rank || !stride)
            return error_set(walk->err, STATUS_INPUT,
                             "its starts, ends, axes and steps do not fit");
        set_slice(slice, (int)axis, from->dims[axis], start[i], end[i], stride);
    }
    return status;
}

static enum status run_slice(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_tensor *from;
    struct onnx_tensor out;
    struct slice slice;
    int64_t position[ONNX_MAX_RANK] = {0}, source[ONNX_MAX_RANK];
    enum status status = onnx_need_constant(walk, node, 0, &from);
    if (status == STATUS_OK)
        status = read_slice(walk, node, from, &slice);
    if (status == STATUS_OK)
        status = onnx_tensor_create(from->rank, slice.count, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    out.is_integer = from->is_integer;
    for (size_t i = 0; i < out.count; i++) {
        for (int d = 0; d < from->rank; d++)
            source[d] = slice.first[d] + position[d] * slice.step[d];
        out.values[i] = from->values[onnx_index(from->rank, from->dims, source)];
        onnx_step(from->rank, slice.count, position);
    }
    return onnx_put_constant(walk, node, &out);
}

static enum status run_constant_of_shape(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    struct onnx_tensor out, value = {.values = NULL};
    int64_t dims[ONNX_MAX_RANK];
    int rank = 0;
    const Onnx__AttributeProto *attribute = onnx_attribute(node, "value");
    enum status status = onnx_get_ints(walk, node, "shape", 0, ONNX_MAX_RANK, dims, &rank);
    for (int d = 0; status == STATUS_OK && d < rank; d++)
        if (dims[d] < 0)
            status = error_set(walk->err, STATUS_INPUT, "its shape has a negative dimension");
    if (status == STATUS_OK)
        status = onnx_tensor_create(rank, dims, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    if (attribute && attribute->t)
        status = onnx_tensor_read(attribute->t, walk->options->folder, &value, walk->err);
    for (size_t i = 0; value.count && i < out.count; i++)
        out.values[i] = value.values[0];
    out.is_integer = value.is_integer;
    onnx_tensor_clear(&value);
    if (status == STATUS_OK)
        return onnx_put_constant(walk, node, &out);
    onnx_tensor_clear(&out);
    return status;
}

/* ---- Arithmetic ---- */

static double compute(const char *op, double a, double b)
{
    if (!strcmp(op, "Add"))
        return a + b;
    if (!strcmp(op, "Sub"))
        return a - b;
    return !strcmp(op, "Mul") ? a * b : a / b;
}

/* Equal shapes, or one of the two a single number. */
static enum status run_arithmetic(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_tensor *a, *b;
    struct onnx_tensor out;
    enum status status = onnx_need_constant(walk, node, 0, &a);
    if (status == STATUS_OK)
        status = onnx_need_constant(walk, node, 1, &b);
    if (status != STATUS_OK)
        return status;
    const struct onnx_tensor *shape = a->count >= b->count ? a : b;
    if (a->count != b->count && a->count != 1 && b->count != 1)
        return error_set(walk->err, STATUS_INPUT,
                         "constants of %zu and %zu numbers; supported are equal numbers", a->count,
                         b->count);
    status = onnx_tensor_create(shape->rank, shape->dims, &out, walk->err);
    if (status != STATUS_OK)
        return status;
    out.is_integer = a->is_integer && b->is_integer;
    for (size_t i = 0; i < out.count; i++) {
        const double value = compute(node->op_type, a->values[a->count == 1 ? 0 : i],
                                     b->values[b->count == 1 ? 0 : i]);
        out.values[i] = out.is_integer ? trunc(value) : value;
    }
    return onnx_put_constant(walk, node, &out);
}

const struct onnx_operator *onnx_constant_operator(const char *name)
{
    static const struct onnx_operator operators[] = {
        {"Constant", run_constant, true},   {"Identity", run_copy, true},
        {"Cast", run_copy, true},           {"Reshape", run_reshape, true},
        {"Squeeze", run_squeeze, true},     {"Unsqueeze", run_squeeze, true},
        {"Transpose", run_transpose, true}, {"Gather", run_gather, true},
        {"Concat", run_concat, true},       {"ConstantOfShape", run_constant_of_shape, true},
        {"Slice", run_slice, true},         {"Add", run_arithmetic, true},
        {"Sub", run_arithmetic, true},      {"Mul", run_arithmetic, true},
        {"Div", run_arithmetic, true}};
    return onnx_find_operator(operators, sizeof operators / sizeof *operators, name);
}
