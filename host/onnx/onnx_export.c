// SPDX-License-Identifier: Apache-2.0
#include "onnx/onnx_export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include "pack/pack_weights.h"
#include "results/results.h"

enum { OPSET = 13, NAME_ROOM = 64, BITS_BYTES = 4 * NET_MAX_LAYERS };

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* A buffer of the container as the graph has it: integers in binary32. */
struct place {
    const char *value;
    bool is_flat; /* [N, elements] in the buffer's own order, else [N, C, H, W] */
    double scale; /* real value of one step */
};

struct export
{
    struct onnx_builder *builder;
    const struct container *container;
    const struct model *model;
    cJSON *meta;
    struct place *places; /* [buffer_count] */
    int weighted, adds;   /* met so far */
    const char *label;
    struct error *err;
};

/* ---- Small constants and nodes ---- */

static const char *number(struct export *export, const char *name, double value, int type)
{
    const float single = (float)value;
    const bool is_double = type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    return onnx_build_tensor(export->builder, name, type, 0, NULL,
                             is_double ? (const void *)&value : (const void *)&single,
                             is_double ? sizeof value : sizeof single);
}

static const char *unary(struct export *export, const char *op, const char *name, const char *in)
{
    return onnx_build_node(export->builder, op, name, &in, 1);
}

static const char *binary(struct export *export, const char *op, const char *name, const char *a,
                          const char *b)
{
    const char *const inputs[] = {a, b};
    return onnx_build_node(export->builder, op, name, inputs, 2);
}

static const char *cast(struct export *export, const char *name, const char *in, int type)
{
    const char *out = unary(export, "Cast", name, in);
    onnx_build_int(export->builder, "to", type);
    return out;
}

static const char *text(struct export *export, const char *layer, const char *part)
{
    return onnx_build_text(export->builder, "%s.%s", layer, part);
}

/* Names of constants that all layers share. */
static const char ONE[] = "one", HALF[] = "half", LOW[] = "int8_low", HIGH[] = "int8_high",
                  ZERO[] = "uint8_low", TOP[] = "uint8_high";

static void add_shared(struct export *export)
{
    const int type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    number(export, ONE, 1, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    number(export, HALF, 0.5, type);
    number(export, LOW, -128, type);
    number(export, HIGH, 127, type);
    number(export, ZERO, 0, type);
    number(export, TOP, 255, type);
}

/* The integers of a constant as floats. */
static const char *weights_node(struct export *export, const char *name, const char *constant)
{
    return binary(export, "DequantizeLinear", name, constant, ONE);
}

/* ---- Shapes ---- */

static const struct model_buffer *buffer(const struct export *export, unsigned index)
{
    return &export->model->buffers[index];
}

/* [N, elements] in the buffer's order. */
static const char *flat(struct export *export, unsigned index, const char *name)
{
    static const int64_t to_nhwc[] = {0, 2, 3, 1};
    const struct place *place = &export->places[index];
    const char *value = place->value;
    if (place->is_flat)
        return value;
    if (buffer(export, index)->height * buffer(export, index)->width > 1) {
        value = unary(export, "Transpose", text(export, name, "nhwc"), value);
        onnx_build_ints(export->builder, "perm", 4, to_nhwc);
    }
    return unary(export, "Flatten", text(export, name, "flat"), value);
}

/* [N, C, H, W]. */
static const char *image(struct export *export, unsigned index, const char *name)
{
    static const int64_t to_nchw[] = {0, 3, 1, 2};
    const struct place *place = &export->places[index];
    const struct model_buffer *b = buffer(export, index);
    if (!place->is_flat)
        return place->value;
    const int64_t four = 4, dims[] = {0, b->height, b->width, b->channels};
    const char *shape =
        onnx_build_tensor(export->builder, text(export, name, "shape"),
                          ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, &four, dims, sizeof dims);
    const char *value = binary(export, "Reshape", text(export, name, "image"), place->value, shape);
    value = unary(export, "Transpose", text(export, name, "nchw"), value);
    onnx_build_ints(export->builder, "perm", 4, to_nchw);
    return value;
}

static void put(struct export *export, const struct model_layer *layer, const char *value,
                bool is_flat, double scale)
{
    export->places[layer->out] = (struct place){value, is_flat, scale};
}

/* ---- Requantization ---- */

/* floor(sums * factors + 1/2), clamped. factors: a constant in binary64. */
static const char *requantize_node(struct export *export, const char *name, const char *sums,
                                   const char *factors, bool relu)
{
    const int wide = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    const char *value = cast(export, text(export, name, "acc64"), sums, wide);
    value = binary(export, "Mul", text(export, name, "scaled"), value, factors);
    value = binary(export, "Add", text(export, name, "plus_half"), value, HALF);
    value = unary(export, "Floor", text(export, name, "rounded"), value);
    const char *const clip[] = {value, relu ? ZERO : LOW, relu ? TOP : HIGH};
    value = onnx_build_node(export->builder, "Clip", text(export, name, "clipped"), clip, 3);
    return cast(export, name, value, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
}

/* ---- Weighted layers ---- */

/* A layer's numbers, unpacked. */
struct numbers {
    struct pack_layout layout;
    int8_t *weight;  /* [out][row] */
    int8_t *ordered; /* the same, convolutions [out][in][kernel_h][kernel_w] */
    int32_t *bias;   /* [out], shifted */
    double *factor;  /* [out] multiplier / 2^shift */
};

static void numbers_clear(struct numbers *n)
{
    free(n->weight);
    free(n->ordered);
    free(n->bias);
    free(n->factor);
}

/* What is demanded so that floats are exact and halves are rounded up. */
static bool is_exact(const struct numbers *n, int channel, struct unpacked_channel c,
                     bool in_signed)
{
    const int8_t *row = n->weight + (size_t)channel * (size_t)n->layout.row_count;
    const int64_t bias = llabs((long long)c.bias) << c.bias_shift;
    int64_t positive = 0, negative = 0;
    for (int i = 0; i < n->layout.row_count; i++) {
        positive += row[i] > 0 ? row[i] : 0;
        negative -= row[i] < 0 ? row[i] : 0;
    }
    const int64_t larger = positive > negative ? positive : negative;
    const int64_t bound = bias + (in_signed ? (positive + negative) * 128 : larger * 255);
    return bound < QUANT_ACC_LIMIT && c.shift != 1 &&
           bound * c.multiplier + ((int64_t)1 << c.shift >> 1) <= INT32_MAX;
}

static enum status unpack(struct export *export, const struct model_layer *layer, const char *name,
                          struct numbers *n)
{
    const struct model_buffer *in = buffer(export, layer->in), *out = buffer(export, layer->out);
    const uint8_t *bytes = export->model->bytes;
    *n = (struct numbers){.layout = {.out_count = out->channels,
                                     .row_count = (int)model_row_elements(layer, in),
                                     .bits = layer->weight_bits,
                                     .groups = layer->groups > 1 ? layer->groups : 1,
                                     .depthwise = model_is_depthwise(layer, in, out),
                                     .kernel_h = layer->kernel_h ? layer->kernel_h : 1,
                                     .kernel_w = layer->kernel_w ? layer->kernel_w : 1}};
    const size_t outs = out->channels, count = outs * (size_t)n->layout.row_count;
    n->weight = malloc(count + 1);
    n->ordered = malloc(count + 1);
    n->bias = malloc((outs + 1) * sizeof *n->bias);
    n->factor = malloc((outs + 1) * sizeof *n->factor);
    if (!n->weight || !n->ordered || !n->bias || !n->factor)
        return error_set(export->err, STATUS_NO_MEMORY, "%s: not enough memory", export->label);
    unpack_layout_weights(&n->layout, bytes + layer->weight_offset, n->weight);
    memcpy(n->ordered, n->weight, count);
    for (int c = 0; c < n->layout.out_count; c++) {
        const struct unpacked_channel p =
            unpack_layout_channel(&n->layout, bytes + layer->param_offset, c);
        if (!is_exact(n, c, p, in->is_signed))
            return error_set(export->err, STATUS_INPUT,
                             "%s: layer %s, channel %d: sums may exceed 2^24, where floats are not "
                             "exact; quantize the network anew with mpq quantize",
                             export->label, name, c);
        n->bias[c] = (int32_t)p.bias * ((int32_t)1 << p.bias_shift);
        n->factor[c] = ldexp(p.multiplier, -p.shift);
    }
    return STATUS_OK;
}

/* [out][kernel_h][kernel_w][in] to [out][in][kernel_h][kernel_w]. */
static void order_kernel(const struct model_layer *layer, int inputs, struct numbers *n)
{
    const int area = layer->kernel_h * layer->kernel_w;
    const int8_t *from = n->weight;
    for (int o = 0; o < n->layout.out_count; o++)
        for (int t = 0; t < area; t++)
            for (int i = 0; i < inputs; i++)
                n->ordered[((size_t)o * (size_t)inputs + (size_t)i) * (size_t)area + (size_t)t] =
                    *from++;
}

static void set_window(struct export *export, const struct model_layer *layer)
{
    const int64_t kernel[] = {layer->kernel_h, layer->kernel_w};
    const int64_t strides[] = {layer->stride_h, layer->stride_w};
    const int64_t pads[] = {layer->pad_top, layer->pad_left, layer->pad_bottom, layer->pad_right};
    onnx_build_ints(export->builder, "kernel_shape", 2, kernel);
    onnx_build_ints(export->builder, "strides", 2, strides);
    onnx_build_ints(export->builder, "pads", 4, pads);
}

static const char *conv_node(struct export *export, const struct model_layer *layer,
                             const char *name, const char *weight, const char *bias)
{
    const char *const inputs[] = {image(export, layer->in, name), weight, bias};
    const char *sums =
        onnx_build_node(export->builder, "Conv", text(export, name, "acc"), inputs, bias ? 3 : 2);
    set_window(export, layer);
    return sums;
}

static double meta_number(const cJSON *list, int index)
{
    const cJSON *item = cJSON_GetArrayItem(list, index);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static double meta_scale(const struct export *export, const char *key, int index)
{
    return meta_number(cJSON_GetObjectItemCaseSensitive(export->meta, key), index);
}

static void emit_weighted(struct export *export, const struct model_layer *layer, const char *name,
                          const struct numbers *n)
{
    struct onnx_builder *builder = export->builder;
    const bool conv = layer->op == OP_CONV2D;
    const int inputs = conv ? buffer(export, layer->in)->channels / n->layout.groups : 1;
    const int64_t outs = n->layout.out_count, rows = n->layout.row_count;
    const int64_t kernel[] = {outs, inputs, layer->kernel_h, layer->kernel_w},
                  matrix[] = {outs, rows}, channels[] = {1, outs, 1, 1};
    const char *weight = onnx_build_tensor(
        builder, text(export, name, "weight"), ONNX__TENSOR_PROTO__DATA_TYPE__INT8, conv ? 4 : 2,
        conv ? kernel : matrix, n->ordered, (size_t)(outs * rows));
    const char *bias =
        onnx_build_tensor(builder, text(export, name, "bias"), ONNX__TENSOR_PROTO__DATA_TYPE__INT32,
                          1, &outs, n->bias, (size_t)outs * sizeof *n->bias);
    const char *factor = onnx_build_tensor(
        builder, text(export, name, "factor"), ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, conv ? 4 : 1,
        conv ? channels : &outs, n->factor, (size_t)outs * sizeof *n->factor);
    weight = weights_node(export, text(export, name, "weight_f"), weight);
    bias = weights_node(export, text(export, name, "bias_f"), bias);
    const char *sums;
    if (conv) {
        sums = conv_node(export, layer, name, weight, bias);
        onnx_build_int(builder, "group", n->layout.groups);
    } else {
        const char *const gemm[] = {flat(export, layer->in, name), weight, bias};
        sums = onnx_build_node(builder, "Gemm", text(export, name, "acc"), gemm, 3);
        onnx_build_int(builder, "transB", 1);
    }
    put(export, layer, requantize_node(export, name, sums, factor, layer->relu), !conv,
        meta_scale(export, "out_scale", export->weighted++));
}

static enum status export_weighted(struct export *export, const struct model_layer *layer,
                                   const char *name)
{
    struct numbers n;
    const enum status status = unpack(export, layer, name, &n);
    if (status == STATUS_OK && layer->op == OP_CONV2D)
        order_kernel(layer, buffer(export, layer->in)->channels / n.layout.groups, &n);
    if (status == STATUS_OK)
        emit_weighted(export, layer, name, &n);
    numbers_clear(&n);
    return status;
}

/* ---- The others ---- */

static void export_maxpool(struct export *export, const struct model_layer *layer, const char *name)
{
    const char *value = unary(export, "MaxPool", name, image(export, layer->in, name));
    set_window(export, layer);
    put(export, layer, value, false, export->places[layer->in].scale);
}

/* floor((2 sum + n) / (2 n)): the quotient of two whole numbers below 2^26 is correctly rounded, and
 * whole exactly where it should be. */
static enum status export_avgpool(struct export *export, const struct model_layer *layer,
                                  const char *name)
{
    struct onnx_builder *builder = export->builder;
    const int64_t channels = buffer(export, layer->in)->channels;
    const int64_t dims[] = {channels, 1, layer->kernel_h, layer->kernel_w};
    const int wide = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    const int area = layer->kernel_h * layer->kernel_w;
    const size_t count = (size_t)channels * (size_t)area;
    int8_t *ones = malloc(count + 1);
    if (!ones)
        return error_set(export->err, STATUS_NO_MEMORY, "%s: not enough memory", export->label);
    memset(ones, 1, count);
    const char *weight =
        onnx_build_tensor(builder, text(export, name, "ones"), ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
                          4, dims, ones, count);
    free(ones);
    weight = weights_node(export, text(export, name, "ones_f"), weight);
    const char *value = conv_node(export, layer, name, weight, NULL);
    onnx_build_int(builder, "group", channels);
    value = cast(export, text(export, name, "sum64"), value, wide);
    value = binary(export, "Add", text(export, name, "twice"), value, value);
    value = binary(export, "Add", text(export, name, "plus_count"), value,
                   number(export, text(export, name, "count"), area, wide));
    value = binary(export, "Div", text(export, name, "quotient"), value,
                   number(export, text(export, name, "twice_count"), 2 * area, wide));
    value = unary(export, "Floor", text(export, name, "rounded"), value);
    value = cast(export, name, value, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    put(export, layer, value, false, export->places[layer->in].scale);
    return STATUS_OK;
}

static void export_add(struct export *export, const struct model_layer *layer, const char *name)
{
    const struct quant_add add = unpack_add(export->model->bytes + layer->param_offset);
    const int single = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    const char *a = binary(export, "Mul", text(export, name, "a"), image(export, layer->in, name),
                           number(export, text(export, name, "factor_a"), add.ma, single));
    const char *second = text(export, name, "second");
    const char *b =
        binary(export, "Mul", text(export, name, "b"), image(export, layer->in2, second),
               number(export, text(export, name, "factor_b"), add.mb, single));
    const char *sums = binary(export, "Add", text(export, name, "acc"), a, b);
    const char *factor =
        number(export, text(export, name, "factor"), ldexp(add.multiplier, -add.shift),
               ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE);
    const cJSON *scales = cJSON_GetArrayItem(
        cJSON_GetObjectItemCaseSensitive(export->meta, "add_scale"), export->adds++);
    put(export, layer, requantize_node(export, name, sums, factor, add.relu), false,
        meta_number(scales, 2));
}

static enum status export_layer(struct export *export, unsigned index)
{
    const struct model_layer *layer = &export->model->layers[index];
    char name[NAME_ROOM];
    container_layer_name(export->container, index, name, sizeof name);
    switch (layer->op) {
    case OP_MAXPOOL:
        export_maxpool(export, layer, name);
        return STATUS_OK;
    case OP_AVGPOOL:
        return export_avgpool(export, layer, name);
    case OP_ADD:
        export_add(export, layer, name);
        return STATUS_OK;
    case OP_RELU:
        put(export, layer, unary(export, "Relu", name, export->places[layer->in].value),
            export->places[layer->in].is_flat, export->places[layer->in].scale);
        return STATUS_OK;
    case OP_FLATTEN:
        put(export, layer, flat(export, layer->in, name), true, export->places[layer->in].scale);
        return STATUS_OK;
    case OP_ARGMAX:
        return STATUS_OK; /* below */
    default:
        return export_weighted(export, layer, name);
    }
}

/* ---- Both ends ---- */

static double input_scale(const struct export *export)
{
    for (unsigned i = 0; i < export->model->layer_count; i++) {
        const struct model_layer *layer = &export->model->layers[i];
        if (layer->op == OP_ADD)
            return meta_number(
                cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(export->meta, "add_scale"), 0),
                0);
        if (layer->weight_bits)
            break;
    }
    return meta_scale(export, "in_scale", 0);
}

static void export_input(struct export *export, double scale)
{
    const struct model_buffer *in = buffer(export, export->model->input);
    const int64_t dims[] = {0, in->channels, in->height, in->width};
    const int type =
        in->is_signed ? ONNX__TENSOR_PROTO__DATA_TYPE__INT8 : ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
    const uint8_t zero = 0;
    onnx_build_input(export->builder, "input", 4, dims);
    const char *zero_point =
        onnx_build_tensor(export->builder, "input.zero_point", type, 0, NULL, &zero, 1);
    const char *const inputs[] = {
        "input", number(export, "input.scale", scale, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT),
        zero_point};
    const char *value =
        onnx_build_node(export->builder, "QuantizeLinear", "input.quantized", inputs, 3);
    value = weights_node(export, "input.integers", value);
    export->places[export->model->input] = (struct place){value, false, scale};
}

static void export_output(struct export *export)
{
    const unsigned out = export->model->output;
    const struct model_buffer *b = buffer(export, out);
    const int64_t dims[] = {0, (int64_t)b->size_bytes};
    const char *values = flat(export, out, "output");
    const char *best = unary(export, "ArgMax", "class", values); /* the first one wins */
    onnx_build_int(export->builder, "axis", 1);
    onnx_build_int(export->builder, "keepdims", 0);
    const char *integers = cast(export, "output.quantized", values,
                                b->is_signed ? ONNX__TENSOR_PROTO__DATA_TYPE__INT8
                                             : ONNX__TENSOR_PROTO__DATA_TYPE__UINT8);
    const char *logits = binary(export, "DequantizeLinear", "logits", integers,
                                number(export, "output.scale", export->places[out].scale,
                                       ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT));
    onnx_build_output(export->builder, logits, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 2, dims);
    onnx_build_output(export->builder, best, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, dims);
}

static void export_meta(struct export *export, const struct model_file *file, double scale)
{
    char bits[BITS_BYTES];
    struct onnx_builder *builder = export->builder;
    results_bits_text(file->meta.bits, file->meta.layer_count, bits, sizeof bits);
    onnx_build_meta(builder, "bits", bits);
    onnx_build_meta(builder, "input_scale", onnx_build_text(builder, "%.9g", scale));
    onnx_build_meta(builder, "output_scale",
                    onnx_build_text(builder, "%.9g", export->places[export->model->output].scale));
}

static enum status export_graph(struct export *export, const struct model_file *file)
{
    const double scale = input_scale(export);
    enum status status = STATUS_OK;
    add_shared(export);
    export_input(export, scale);
    for (unsigned i = 0; i < export->model->layer_count && status == STATUS_OK; i++)
        status = export_layer(export, i);
    if (status != STATUS_OK)
        return status;
    if (!(scale > 0) || !(export->places[export->model->output].scale > 0))
        return error_set(export->err, STATUS_INPUT,
                         "%s: its metadata lack scales; make it anew with mpq quantize",
                         export->label);
    export_output(export);
    export_meta(export, file, scale);
    return onnx_builder_model(export->builder)
               ? STATUS_OK
               : error_set(export->err, STATUS_NO_MEMORY, "%s: not enough memory", export->label);
}

enum status onnx_export(const struct model_file *file, const char *label, struct onnx_builder **out,
                        struct error *err)
{
    const struct model *model = file->container->model;
    struct export export = {
        .container = file->container, .model = model, .label = label, .err = err};
    enum status status = STATUS_OK;
    *out = NULL;
    export.builder = onnx_builder_create(file->net->name, OPSET);
    export.meta = cJSON_Parse(file->container->meta_json ? file->container->meta_json : "{}");
    export.places = calloc((size_t)model->buffer_count + 1, sizeof *export.places);
    if (!export.builder || !export.meta || !export.places)
        status = error_set(err, STATUS_NO_MEMORY, "%s: not enough memory", label);
    else
        status = export_graph(&export, file);
    cJSON_Delete(export.meta);
    free(export.places);
    if (status == STATUS_OK)
        *out = export.builder;
    else
        onnx_builder_free(export.builder);
    return status;
}
