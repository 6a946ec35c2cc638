// SPDX-License-Identifier: Apache-2.0
/* The "layers" list of MODEL.json. */
#include "net/net_layers.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DIM = 4096, MAX_KERNEL = 255 };
static const char DEPTHWISE[] = "depthwise", INPUT[] = "input";

static const struct op_name {
    const char *text;
    enum net_op op;
} OP_NAMES[] = {
    {"conv", NET_CONV},       {"fc", NET_FC},           {"relu", NET_RELU},
    {"maxpool", NET_MAXPOOL}, {"avgpool", NET_AVGPOOL}, {"flatten", NET_FLATTEN},
    {"relu6", NET_RELU6},     {"add", NET_ADD},         {"batchnorm", NET_BATCHNORM},
    {"dropout", NET_DROPOUT}, {"branch", NET_BRANCH},   {DEPTHWISE, NET_CONV},
};
enum { OP_NAME_COUNT = sizeof OP_NAMES / sizeof *OP_NAMES };

static const char *kind_text(const struct net_layer *layer)
{
    if (net_is_depthwise(layer))
        return DEPTHWISE;
    for (int i = 0; i < OP_NAME_COUNT; i++)
        if (OP_NAMES[i].op == layer->op)
            return OP_NAMES[i].text;
    return "?";
}

/* Whether the layer's "op" is this text. */
static bool has_op(const cJSON *layer, const char *text)
{
    const cJSON *op = cJSON_GetObjectItemCaseSensitive(layer, "op");
    return cJSON_IsString(op) && !strcmp(op->valuestring, text);
}

/* Monotonic in every value, so that the largest stays the largest: nothing to compute. */
static bool is_softmax(const cJSON *layer)
{
    return has_op(layer, "softmax") || has_op(layer, "log_softmax");
}

static enum status parse_op(const struct json_scope *scope, struct net_layer *layer)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "op");
    const enum status status = json_require(scope, "op");
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < OP_NAME_COUNT; i++)
        if (has_op(scope->object, OP_NAMES[i].text)) {
            layer->op = OP_NAMES[i].op;
            return STATUS_OK;
        }
    if (is_softmax(scope->object))
        return json_complain(scope, "op", "softmax and log_softmax as the last layer only", item);
    return json_complain(scope, "op",
                         "conv, depthwise, fc, relu, relu6, maxpool, avgpool, flatten, add, "
                         "batchnorm, dropout, branch, softmax or log_softmax",
                         item);
}

static enum status check_layer_keys(const struct json_scope *scope, enum net_op op)
{
    static const char *const conv[] = {"op",      "name", "channels", "kernel", "stride",
                                       "padding", "bias", "groups",   NULL};
    static const char *const depthwise[] = {"op",      "name", "kernel", "stride",
                                            "padding", "bias", NULL};
    static const char *const fc[] = {"op", "name", "outputs", "bias", NULL};
    static const char *const maxpool[] = {"op", "name", "kernel", "stride", "padding", NULL};
    static const char *const avgpool[] = {"op", "name", "kernel", "stride", NULL};
    static const char *const add[] = {"op", "name", "with", NULL};
    static const char *const batchnorm[] = {"op", "name", "epsilon", "momentum", NULL};
    static const char *const dropout[] = {"op", "name", "rate", NULL};
    static const char *const branch[] = {"op", "name", "from", NULL};
    static const char *const plain[] = {"op", "name", NULL};
    static const char *const *const keys[] = {
        [NET_CONV] = conv,       [NET_FC] = fc,           [NET_RELU] = plain,
        [NET_MAXPOOL] = maxpool, [NET_AVGPOOL] = avgpool, [NET_FLATTEN] = plain,
        [NET_RELU6] = plain,     [NET_ADD] = add,         [NET_BATCHNORM] = batchnorm,
        [NET_DROPOUT] = dropout, [NET_BRANCH] = branch,
    };
    return json_check_keys(scope, has_op(scope->object, DEPTHWISE) ? depthwise : keys[op]);
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

/* "global" stands for a pooling window as large as the input. */
static enum status parse_kernel(const struct json_scope *scope, struct net_layer *layer)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "kernel");
    const enum status status = json_require(scope, "kernel");
    if (status != STATUS_OK || layer->op == NET_CONV || !cJSON_IsString(item))
        return status == STATUS_OK ? parse_pair(scope, "kernel", &layer->kernel_h, &layer->kernel_w)
                                   : status;
    if (strcmp(item->valuestring, "global") != 0)
        return json_complain(scope, "kernel", "\"global\" or numbers", item);
    if (layer->in.h > MAX_KERNEL || layer->in.w > MAX_KERNEL)
        return json_complain(scope, "kernel", "an input of at most 255 by 255 values", item);
    layer->kernel_h = layer->in.h;
    layer->kernel_w = layer->in.w;
    return STATUS_OK;
}

static enum status parse_window(const struct json_scope *scope, struct net_layer *layer)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "kernel");
    enum status status = parse_kernel(scope, layer);
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

/* "channels" and "groups"; a depthwise layer's are the input's. */
static enum status parse_channels(const struct json_scope *scope, struct net_layer *layer)
{
    const struct json_range range = {1, MAX_DIM};
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "groups");
    char want[80];
    layer->groups = has_op(scope->object, DEPTHWISE) ? layer->in.c : 1;
    if (has_op(scope->object, DEPTHWISE))
        return STATUS_OK;
    enum status status = json_require(scope, "channels");
    if (status == STATUS_OK)
        status = json_get_int(scope, "channels", range, &layer->out.c);
    if (status == STATUS_OK)
        status = json_get_int(scope, "groups", range, &layer->groups);
    if (status != STATUS_OK || (!(layer->in.c % layer->groups) && !(layer->out.c % layer->groups)))
        return status;
    snprintf(want, sizeof want, "a divisor of %d input and %d output channels", layer->in.c,
             layer->out.c);
    return json_complain(scope, "groups", want, item);
}

static enum status parse_conv(const struct json_scope *scope, struct net_layer *layer)
{
    enum status status = parse_window(scope, layer);
    layer->has_bias = true;
    if (status == STATUS_OK)
        status = parse_channels(scope, layer);
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

/* Number of the layer before index that has this name, NET_INPUT for "input", or index if none. */
static int find_layer(const struct net *net, int index, const char *name)
{
    for (int i = 0; i < index; i++)
        if (!strcmp(net->layers[i].name, name))
            return i;
    return strcmp(name, INPUT) ? index : NET_INPUT;
}

/* The layer that member key names, into layer->with. */
static enum status parse_with(const struct json_scope *scope, const char *key, struct net *net,
                              int index)
{
    struct net_layer *layer = &net->layers[index];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    char name[NET_NAME_BYTES] = "";
    enum status status = json_require(scope, key);
    if (status == STATUS_OK)
        status = json_get_text(scope, key, name, sizeof name);
    if (status != STATUS_OK)
        return status;
    layer->with = find_layer(net, index, name);
    if (layer->with == index)
        return json_complain(scope, key, "the name of an earlier layer or \"input\"", item);
    if (layer->with >= 0 && net->layers[layer->with + 1].op == NET_BATCHNORM)
        return json_complain(scope, key, "the name of the batchnorm behind that layer", item);
    return STATUS_OK;
}

static struct shape with_shape(const struct net *net, const struct net_layer *layer)
{
    return layer->with < 0 ? net->input : net->layers[layer->with].out;
}

static enum status parse_add(const struct json_scope *scope, struct net *net, int index)
{
    struct net_layer *layer = &net->layers[index];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "with");
    char want[96];
    const enum status status = parse_with(scope, "with", net, index);
    layer->out = layer->in;
    if (status != STATUS_OK)
        return status;
    const struct shape a = layer->in, b = with_shape(net, layer);
    snprintf(want, sizeof want, "a layer with the shape %dx%dx%d", a.h, a.w, a.c);
    if (a.h != b.h || a.w != b.w || a.c != b.c)
        return json_complain(scope, "with", want, item);
    return STATUS_OK;
}

static enum status parse_branch(const struct json_scope *scope, struct net *net, int index)
{
    struct net_layer *layer = &net->layers[index];
    const enum status status = parse_with(scope, "from", net, index);
    if (status == STATUS_OK)
        layer->out = with_shape(net, layer);
    return status;
}

/* Its shift becomes the bias of the layer before it. */
static enum status parse_batchnorm(const struct json_scope *scope, struct net *net, int index)
{
    struct net_layer *layer = &net->layers[index];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "op");
    layer->out = layer->in;
    layer->epsilon = 1e-5f;
    layer->momentum = 0.9f;
    if (!index || net->layers[index - 1].weighted_index < 0)
        return json_complain(scope, "op", "a conv, depthwise or fc layer right before", item);
    net->layers[index - 1].has_bias = true;
    enum status status =
        json_get_float(scope, "epsilon", (struct json_range){1e-12, 1}, &layer->epsilon);
    if (status == STATUS_OK)
        status =
            json_get_float(scope, "momentum", (struct json_range){0, 0.9999}, &layer->momentum);
    return status;
}

static enum status parse_dropout(const struct json_scope *scope, struct net_layer *layer)
{
    const enum status status = json_require(scope, "rate");
    layer->out = layer->in;
    return status == STATUS_OK
               ? json_get_float(scope, "rate", (struct json_range){0, 0.95}, &layer->drop_rate)
               : status;
}

static enum status parse_shape(const struct json_scope *scope, struct net *net, int index)
{
    struct net_layer *layer = &net->layers[index];
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
    case NET_ADD:
        return parse_add(scope, net, index);
    case NET_BATCHNORM:
        return parse_batchnorm(scope, net, index);
    case NET_DROPOUT:
        return parse_dropout(scope, layer);
    case NET_BRANCH:
        return parse_branch(scope, net, index);
    default:
        layer->out = layer->in;
        return STATUS_OK;
    }
}

/* The user's name or the kind of layer with its number among its kind; unique in the net. */
static enum status parse_name(const struct json_scope *scope, struct net *net, int index)
{
    struct net_layer *layer = &net->layers[index];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "name");
    const char *kind = kind_text(layer);
    int number = 1;
    for (int i = 0; i < index; i++)
        number += !strcmp(kind_text(&net->layers[i]), kind);
    snprintf(layer->name, sizeof layer->name, "%s%d", kind, number);
    const enum status status = json_get_text(scope, "name", layer->name, sizeof layer->name);
    if (status != STATUS_OK)
        return status;
    if (!strcmp(layer->name, INPUT))
        return json_complain(scope, "name", "another name, \"input\" is the network's input", item);
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
        status = parse_shape(scope, net, index);
    if (status == STATUS_OK)
        status = parse_name(scope, net, index);
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

/* Values that a branch leaves behind must be taken up again. */
static enum status check_branches(const struct json_scope *root, const struct net *net)
{
    for (int i = 1; i < net->layer_count; i++) {
        bool taken_up = net->layers[i].op != NET_BRANCH;
        for (int k = i; k < net->layer_count; k++)
            taken_up = taken_up || (net_has_with(&net->layers[k]) && net->layers[k].with == i - 1);
        if (!taken_up)
            return error_set(root->err, STATUS_INPUT,
                             "%s: layers[%d]: no layer behind this branch takes up the values "
                             "before it, those of layers[%d]; add them with an \"add\"",
                             root->label, i, i - 1);
    }
    return STATUS_OK;
}

static enum status check_end(const struct json_scope *root, const struct net *net)
{
    if (!net->weighted_count)
        return error_set(root->err, STATUS_INPUT,
                         "%s: layers: no conv or fc layer; there is nothing to train", root->label);
    const struct net_layer *last = &net->layers[net->layer_count - 1];
    if (shape_size(last->out) != (size_t)net->class_count)
        return error_set(root->err, STATUS_INPUT,
                         "%s: layers[%d]: output %dx%dx%d has %zu values, want one for each of %d "
                         "classes",
                         root->label, net->layer_count - 1, last->out.h, last->out.w, last->out.c,
                         shape_size(last->out), net->class_count);
    return check_branches(root, net);
}

enum status net_layers_parse(const struct json_scope *root, struct net *net)
{
    static const char *const head_keys[] = {"op", "name", NULL};
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root->object, "layers"), *item;
    enum status status = json_require(root, "layers");
    if (status != STATUS_OK)
        return status;
    if (!cJSON_IsArray(list) || !list->child || cJSON_GetArraySize(list) > NET_MAX_LAYERS)
        return json_complain(root, "layers", "a list of 1 to 256 layers", list);
    cJSON_ArrayForEach(item, list)
    {
        struct json_scope scope = *root;
        scope.object = item;
        snprintf(scope.where, sizeof scope.where, "layers[%d]", net->layer_count);
        if (!cJSON_IsObject(item))
            return json_complain(&scope, "", "an object", item);
        const bool left_out = is_softmax(item) && !item->next;
        status = left_out ? json_check_keys(&scope, head_keys)
                          : parse_layer(&scope, net, net->layer_count);
        if (status != STATUS_OK)
            return status;
        net->layer_count += !left_out;
    }
    return check_end(root, net);
}
