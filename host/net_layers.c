// SPDX-License-Identifier: Apache-2.0
/* The "layers" list of MODEL.json. */
#include "net_layers.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DIM = 4096, MAX_KERNEL = 255 };

static const struct op_name {
    const char *text;
    enum net_op op;
} OP_NAMES[] = {
    {"conv", NET_CONV},       {"fc", NET_FC},           {"relu", NET_RELU},
    {"maxpool", NET_MAXPOOL}, {"avgpool", NET_AVGPOOL}, {"flatten", NET_FLATTEN},
};
enum { OP_NAME_COUNT = sizeof OP_NAMES / sizeof *OP_NAMES };

static const char *op_text(enum net_op op)
{
    for (int i = 0; i < OP_NAME_COUNT; i++)
        if (OP_NAMES[i].op == op)
            return OP_NAMES[i].text;
    return "?";
}

static enum status parse_op(const struct json_scope *scope, struct net_layer *layer)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "op");
    const enum status status = json_require(scope, "op");
    if (status != STATUS_OK)
        return status;
    for (int i = 0; cJSON_IsString(item) && i < OP_NAME_COUNT; i++)
        if (!strcmp(item->valuestring, OP_NAMES[i].text)) {
            layer->op = OP_NAMES[i].op;
            return STATUS_OK;
        }
    return json_complain(scope, "op", "conv, fc, relu, maxpool, avgpool or flatten", item);
}

static enum status check_layer_keys(const struct json_scope *scope, enum net_op op)
{
    static const char *const conv[] = {"op",     "name",    "channels", "kernel",
                                       "stride", "padding", "bias",     NULL};
    static const char *const fc[] = {"op", "name", "outputs", "bias", NULL};
    static const char *const maxpool[] = {"op", "name", "kernel", "stride", "padding", NULL};
    static const char *const avgpool[] = {"op", "name", "kernel", "stride", NULL};
    static const char *const plain[] = {"op", "name", NULL};
    switch (op) {
    case NET_CONV:
        return json_check_keys(scope, conv);
    case NET_FC:
        return json_check_keys(scope, fc);
    case NET_MAXPOOL:
        return json_check_keys(scope, maxpool);
    case NET_AVGPOOL:
        return json_check_keys(scope, avgpool);
    default:
        return json_check_keys(scope, plain);
    }
}

/* One number for both directions, or [h, w]. */
static enum status parse_pair(const struct json_scope *scope, const char *key, int *h, int *w)
{
    double values[2];
    int count = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    const enum status status =
        json_get_doubles(scope, key, (struct json_range){1, 1e9}, values, 2, &count);
    if (status != STATUS_OK || !count)
        return status;
    if (cJSON_IsArray(item) && count != 2)
        return json_complain(scope, key, "a number or [height, width]", item);
    for (int i = 0; i < count; i++)
        if (values[i] > MAX_KERNEL || values[i] != (int)values[i])
            return json_complain(scope, key, "whole numbers up to 255", item);
    *h = (int)values[0];
    *w = (int)values[count - 1];
    return STATUS_OK;
}

/* Zeros round the input so that the output has ceil(size / stride) elements. */
static void pad_same(int size, int kernel, int stride, int *before, int *after)
{
    const int out = (size + stride - 1) / stride, need = (out - 1) * stride + kernel - size;
    const int total = need > 0 ? need : 0;
    *before = total / 2;
    *after = total - total / 2;
}

static enum status parse_padding_numbers(const struct json_scope *scope, struct net_layer *layer)
{
    double v[4];
    int count = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "padding");
    const enum status status =
        json_get_doubles(scope, "padding", (struct json_range){0, MAX_KERNEL - 1}, v, 4, &count);
    if (status != STATUS_OK || !count)
        return status;
    if (count != 1 && count != 4)
        return json_complain(scope, "padding", "a number or [top, left, bottom, right]", item);
    for (int i = 0; i < count; i++)
        if (v[i] != (int)v[i])
            return json_complain(scope, "padding", "whole numbers", item);
    for (int i = count; i < 4; i++)
        v[i] = v[0];
    layer->pad_top = (int)v[0];
    layer->pad_left = (int)v[1];
    layer->pad_bottom = (int)v[2];
    layer->pad_right = (int)v[3];
    return STATUS_OK;
}

static enum status parse_padding(const struct json_scope *scope, struct net_layer *layer)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "padding");
    enum status status = STATUS_OK;
    if (cJSON_IsString(item) && !strcmp(item->valuestring, "same")) {
        pad_same(layer->in.h, layer->kernel_h, layer->stride_h, &layer->pad_top,
                 &layer->pad_bottom);
        pad_same(layer->in.w, layer->kernel_w, layer->stride_w, &layer->pad_left,
                 &layer->pad_right);
    } else if (cJSON_IsString(item) && strcmp(item->valuestring, "valid") != 0) {
        return json_complain(scope, "padding", "\"same\", \"valid\" or numbers", item);
    } else if (!cJSON_IsString(item)) {
        status = parse_padding_numbers(scope, layer);
    }
    if (status != STATUS_OK)
        return status;
    if (layer->pad_top >= layer->kernel_h || layer->pad_bottom >= layer->kernel_h ||
        layer->pad_left >= layer->kernel_w || layer->pad_right >= layer->kernel_w)
        return json_complain(scope, "padding", "less than the kernel", item);
    return STATUS_OK;
}

static enum status parse_window(const struct json_scope *scope, struct net_layer *layer)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "kernel");
    enum status status = json_require(scope, "kernel");
    if (status == STATUS_OK)
        status = parse_pair(scope, "kernel", &layer->kernel_h, &layer->kernel_w);
    layer->stride_h = layer->op == NET_CONV ? 1 : layer->kernel_h;
    layer->stride_w = layer->op == NET_CONV ? 1 : layer->kernel_w;
    if (status == STATUS_OK)
        status = parse_pair(scope, "stride", &layer->stride_h, &layer->stride_w);
    if (status == STATUS_OK)
        status = parse_padding(scope, layer);
    if (status != STATUS_OK)
        return status;
    const int h = layer->in.h + layer->pad_top + layer->pad_bottom - layer->kernel_h;
    const int w = layer->in.w + layer->pad_left + layer->pad_right - layer->kernel_w;
    char want[96];
    snprintf(want, sizeof want, "at most the padded input, %d by %d", h + layer->kernel_h,
             w + layer->kernel_w);
    if (h < 0 || w < 0)
        return json_complain(scope, "kernel", want, item);
    layer->out.h = h / layer->stride_h + 1;
    layer->out.w = w / layer->stride_w + 1;
    layer->out.c = layer->in.c;
    return STATUS_OK;
}

static enum status parse_conv(const struct json_scope *scope, struct net_layer *layer)
{
    const struct json_range range = {1, MAX_DIM};
    enum status status = parse_window(scope, layer);
    layer->has_bias = true;
    if (status == STATUS_OK)
        status = json_require(scope, "channels");
    if (status == STATUS_OK)
        status = json_get_int(scope, "channels", range, &layer->out.c);
    if (status == STATUS_OK)
        status = json_get_bool(scope, "bias", &layer->has_bias);
    return status;
}

static enum status parse_fc(const struct json_scope *scope, struct net_layer *layer)
{
    const struct json_range range = {1, MAX_DIM};
    enum status status = json_require(scope, "outputs");
    layer->has_bias = true;
    layer->out = (struct shape){1, 1, 0};
    if (status == STATUS_OK)
        status = json_get_int(scope, "outputs", range, &layer->out.c);
    if (status == STATUS_OK)
        status = json_get_bool(scope, "bias", &layer->has_bias);
    return status;
}

static enum status parse_shape(const struct json_scope *scope, struct net_layer *layer)
{
    switch (layer->op) {
    case NET_CONV:
        return parse_conv(scope, layer);
    case NET_FC:
        return parse_fc(scope, layer);
    case NET_MAXPOOL:
    case NET_AVGPOOL:
        return parse_window(scope, layer);
    case NET_FLATTEN:
        layer->out = (struct shape){1, 1, (int)shape_size(layer->in)};
        return STATUS_OK;
    default:
        layer->out = layer->in;
        return STATUS_OK;
    }
}

/* The user's name or the operation with its number among its kind; unique in the net. */
static enum status parse_name(const struct json_scope *scope, struct net *net, int index)
{
    struct net_layer *layer = &net->layers[index];
    int number = 1;
    for (int i = 0; i < index; i++)
        number += net->layers[i].op == layer->op;
    snprintf(layer->name, sizeof layer->name, "%s%d", op_text(layer->op), number);
    const enum status status = json_get_text(scope, "name", layer->name, sizeof layer->name);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < index; i++)
        if (!strcmp(net->layers[i].name, layer->name))
            return error_set(scope->err, STATUS_INPUT,
                             "%s: %s.name: layers[%d] is called \"%s\" too; names are unique",
                             scope->label, scope->where, i, layer->name);
    return STATUS_OK;
}

static enum status parse_layer(const struct json_scope *scope, struct net *net, int index)
{
    struct net_layer *layer = &net->layers[index];
    layer->in = index ? net->layers[index - 1].out : net->input;
    layer->weighted_index = -1;
    enum status status = parse_op(scope, layer);
    if (status == STATUS_OK)
        status = check_layer_keys(scope, layer->op);
    if (status == STATUS_OK)
        status = parse_name(scope, net, index);
    if (status == STATUS_OK)
        status = parse_shape(scope, layer);
    if (status != STATUS_OK)
        return status;
    if (shape_size(layer->out) > NET_MAX_ELEMENTS)
        return error_set(scope->err, STATUS_INPUT,
                         "%s: %s: output has %zu elements, at most %d are possible", scope->label,
                         scope->where, shape_size(layer->out), NET_MAX_ELEMENTS);
    if (layer->op == NET_CONV || layer->op == NET_FC) {
        layer->weighted_index = net->weighted_count;
        net->weighted[net->weighted_count++] = index;
    }
    return STATUS_OK;
}

static enum status check_end(const struct json_scope *root, const struct net *net)
{
    const struct net_layer *last = &net->layers[net->layer_count - 1];
    if (!net->weighted_count)
        return error_set(root->err, STATUS_INPUT,
                         "%s: layers: no conv or fc layer; there is nothing to train", root->label);
    if (shape_size(last->out) != (size_t)net->class_count)
        return error_set(root->err, STATUS_INPUT,
                         "%s: layers[%d]: output %dx%dx%d has %zu values, want one for each of %d "
                         "classes",
                         root->label, net->layer_count - 1, last->out.h, last->out.w, last->out.c,
                         shape_size(last->out), net->class_count);
    return STATUS_OK;
}

enum status net_layers_parse(const struct json_scope *root, struct net *net)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root->object, "layers"), *item;
    enum status status = json_require(root, "layers");
    if (status != STATUS_OK)
        return status;
    if (!cJSON_IsArray(list) || !list->child || cJSON_GetArraySize(list) > NET_MAX_LAYERS)
        return json_complain(root, "layers", "a list of 1 to 128 layers", list);
    cJSON_ArrayForEach(item, list)
    {
        struct json_scope scope = *root;
        scope.object = item;
        snprintf(scope.where, sizeof scope.where, "layers[%d]", net->layer_count);
        if (!cJSON_IsObject(item))
            return json_complain(&scope, "", "an object", item);
        status = parse_layer(&scope, net, net->layer_count);
        if (status != STATUS_OK)
            return status;
        net->layer_count++;
    }
    return check_end(root, net);
}
