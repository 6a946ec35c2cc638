// SPDX-License-Identifier: Apache-2.0
#include "onnx/onnx_model.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net_data.h"

enum { NAME_ROOM = 48 };

/* ---- Names: as net_layers.c would give them ---- */

static const char *kind_of(const struct net_layer *layer)
{
    static const char *const names[] = {
        [NET_CONV] = "conv",       [NET_FC] = "fc",           [NET_RELU] = "relu",
        [NET_MAXPOOL] = "maxpool", [NET_AVGPOOL] = "avgpool", [NET_FLATTEN] = "flatten",
        [NET_RELU6] = "relu6",     [NET_ADD] = "add",         [NET_BRANCH] = "branch",
    };
    return net_is_depthwise(layer) ? "depthwise" : names[layer->op];
}

static void layer_name(const struct onnx_network *network, int index, char out[NAME_ROOM])
{
    const char *kind = index < 0 ? "input" : kind_of(&network->layers[index].layer);
    int number = 1;
    for (int i = 0; i < index; i++)
        number += !strcmp(kind_of(&network->layers[i].layer), kind);
    if (index < 0)
        snprintf(out, NAME_ROOM, "%s", kind);
    else
        snprintf(out, NAME_ROOM, "%s%d", kind, number);
}

static bool is_referenced(const struct onnx_network *network, int index)
{
    for (int i = index + 1; i < network->layer_count; i++)
        if (net_has_with(&network->layers[i].layer) && network->layers[i].layer.with == index)
            return true;
    return false;
}

/* ---- Layers ---- */

static void print_pair(FILE *to, const char *key, int h, int w)
{
    if (h == w)
        fprintf(to, ", \"%s\": %d", key, h);
    else
        fprintf(to, ", \"%s\": [%d, %d]", key, h, w);
}

static void print_window(FILE *to, const struct net_layer *l)
{
    print_pair(to, "kernel", l->kernel_h, l->kernel_w);
    print_pair(to, "stride", l->stride_h, l->stride_w);
    if (l->pad_top == l->pad_left && l->pad_top == l->pad_bottom && l->pad_top == l->pad_right &&
        l->pad_top)
        fprintf(to, ", \"padding\": %d", l->pad_top);
    else if (l->pad_top || l->pad_left || l->pad_bottom || l->pad_right)
        fprintf(to, ", \"padding\": [%d, %d, %d, %d]", l->pad_top, l->pad_left, l->pad_bottom,
                l->pad_right);
}

static void print_layer(FILE *to, const struct onnx_network *network, int index)
{
    const struct net_layer *l = &network->layers[index].layer;
    char name[NAME_ROOM];
    fprintf(to, "    {\"op\": \"%s\"", kind_of(l));
    if (is_referenced(network, index)) {
        layer_name(network, index, name);
        fprintf(to, ", \"name\": \"%s\"", name);
    }
    if (l->op == NET_FC)
        fprintf(to, ", \"outputs\": %d", l->out.c);
    if (l->op == NET_CONV && !net_is_depthwise(l))
        fprintf(to, ", \"channels\": %d", l->out.c);
    if (l->kernel_h)
        print_window(to, l);
    if (l->op == NET_CONV && l->groups > 1 && !net_is_depthwise(l))
        fprintf(to, ", \"groups\": %d", l->groups);
    if ((l->op == NET_CONV || l->op == NET_FC) && !l->has_bias)
        fputs(", \"bias\": false", to);
    if (net_has_with(l)) {
        layer_name(network, l->with, name);
        fprintf(to, ", \"%s\": \"%s\"", l->op == NET_ADD ? "with" : "from", name);
    }
    fputs("}", to);
}

static void print_layers(FILE *to, const struct onnx_network *network)
{
    fputs("  \"layers\": [\n", to);
    for (int i = 0; i < network->layer_count; i++) {
        print_layer(to, network, i);
        fputs(i + 1 < network->layer_count || network->softmax ? ",\n" : "\n", to);
    }
    if (network->softmax)
        fprintf(to, "    {\"op\": \"%s\"}\n",
                network->softmax == ONNX_SOFTMAX ? "softmax" : "log_softmax");
    fputs("  ]", to);
}

/* ---- The other sections ---- */

/* A text as JSON writes it. */
static void print_text(FILE *to, const char *text)
{
    cJSON *item = cJSON_CreateString(text);
    char *printed = item ? cJSON_PrintUnformatted(item) : NULL;
    fputs(printed ? printed : "\"\"", to);
    free(printed);
    cJSON_Delete(item);
}

static void print_input(FILE *to, const struct onnx_network *network,
                        const struct onnx_model_options *options)
{
    const struct shape s = network->input;
    fprintf(to, "  \"input\": {\"shape\": [%d, %d, %d]", s.h, s.w, s.c);
    if (options->input_signed)
        fputs(", \"signed\": true", to);
    if (options->input_scale > 0)
        fprintf(to, ", \"scale\": %.9g", options->input_scale);
    fputs("},\n", to);
}

static void print_stub(FILE *to)
{
    fprintf(
        to,
        "  \"data\": {\n    \"format\": \"npy\",\n    \"train_images\": \"%s/train_images.npy\",\n"
        "    \"train_labels\": \"%s/train_labels.npy\",\n"
        "    \"test_images\": \"%s/test_images.npy\",\n"
        "    \"test_labels\": \"%s/test_labels.npy\"\n  },\n",
        NET_DATA_STUB, NET_DATA_STUB, NET_DATA_STUB, NET_DATA_STUB);
}

static void print_section(FILE *to, const cJSON *like, const char *key, bool is_last)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(like, key);
    char *text = item ? cJSON_Print(item) : NULL;
    if (text)
        fprintf(to, "%s  \"%s\": %s%s", is_last ? ",\n" : "", key, text, is_last ? "" : ",\n");
    free(text);
}

/* The caller frees; NULL: no memory. */
static char *write_text(const struct onnx_network *network,
                        const struct onnx_model_options *options)
{
    char *text = NULL, name[NET_NAME_BYTES];
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    const struct shape out = onnx_network_output(network);
    snprintf(name, sizeof name, "%.*s", NET_NAME_BYTES - 1, options->name);
    fputs("{\n  \"name\": ", to);
    print_text(to, name);
    fputs(",\n", to);
    print_input(to, network, options);
    fprintf(to, "  \"classes\": %zu,\n", shape_size(out));
    if (options->like)
        print_section(to, options->like, "data", false);
    else
        print_stub(to);
    print_layers(to, network);
    print_section(to, options->like, "train", true);
    print_section(to, options->like, "calibration", true);
    print_section(to, options->like, "qat", true);
    fputs("\n}\n", to);
    const bool good = !ferror(to);
    if (!fclose(to) && good)
        return text;
    free(text);
    return NULL;
}

/* ---- Weights ---- */

static enum status copy_weights(const struct onnx_network *network, struct float_model *model,
                                const char *label, struct error *err)
{
    int k = 0;
    for (int i = 0; i < network->layer_count; i++) {
        const struct onnx_layer *from = &network->layers[i];
        if (!from->weights)
            continue;
        const struct net_layer *layer = &model->net->layers[model->net->weighted[k]];
        const size_t count = net_layer_weights(&from->layer);
        assert(net_layer_weights(layer) == count && layer->out.c == from->layer.out.c);
        bool good = true;
        for (size_t w = 0; w < count; w++) {
            model->weights[k][w] = (float)from->weights[w];
            good = good && isfinite(model->weights[k][w]);
        }
        for (int c = 0; c < layer->out.c; c++) {
            model->biases[k][c] = (float)from->bias[c];
            good = good && isfinite(model->biases[k][c]);
        }
        if (!good)
            return error_set(err, STATUS_INPUT, "%s: weights of layer %s (node %s) are not finite",
                             label, layer->name, from->node);
        k++;
    }
    return STATUS_OK;
}

enum status onnx_model_create(const struct onnx_network *network,
                              const struct onnx_model_options *options, struct float_model **out,
                              struct error *err)
{
    struct net *net = NULL;
    struct float_model *model = NULL;
    char *text = write_text(network, options);
    *out = NULL;
    if (!text)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory", options->label);
    enum status status = net_parse(text, options->label, &net, err);
    free(text);
    if (status == STATUS_OK)
        status = float_model_create(net, &model, err);
    if (status == STATUS_OK)
        status = copy_weights(network, model, options->label, err);
    if (status == STATUS_OK)
        *out = model;
    else
        float_model_free(model);
    return status;
}
