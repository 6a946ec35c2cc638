// SPDX-License-Identifier: Apache-2.0
/* The walk: what the graph's names stand for, its input, node after node, and what comes out. */
#include "onnx/onnx_import.h"

#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_file.h"
#include "onnx/onnx_walk.h"

enum { MAX_INPUT_DIM = 4096, OLDEST_OPSET = 7 };

/* ---- Names ---- */

static struct onnx_value *add_name(struct onnx_walk *walk, const char *name)
{
    struct onnx_value *value = onnx_find(walk, name);
    if (value || walk->value_count == walk->value_room)
        return value;
    value = &walk->values[walk->value_count++];
    *value = (struct onnx_value){.name = name};
    return value;
}

static void count_use(struct onnx_walk *walk, const char *name)
{
    struct onnx_value *value = *name ? add_name(walk, name) : NULL;
    if (value)
        value->uses++;
}

/* Room for every name first: handlers keep pointers to values. */
static enum status collect_names(struct onnx_walk *walk)
{
    const Onnx__GraphProto *graph = walk->graph;
    walk->value_room = graph->n_initializer + graph->n_input + graph->n_output;
    for (size_t i = 0; i < graph->n_node; i++)
        walk->value_room += graph->node[i]->n_input + graph->node[i]->n_output;
    walk->values = calloc(walk->value_room + 1, sizeof *walk->values);
    if (!walk->values)
        return error_set(walk->err, STATUS_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < graph->n_node; i++) {
        for (size_t k = 0; k < graph->node[i]->n_input; k++)
            count_use(walk, graph->node[i]->input[k]);
        for (size_t k = 0; k < graph->node[i]->n_output; k++)
            if (*graph->node[i]->output[k])
                add_name(walk, graph->node[i]->output[k]);
    }
    for (size_t i = 0; i < graph->n_output; i++)
        if (graph->output[i]->name)
            count_use(walk, graph->output[i]->name);
    return STATUS_OK;
}

static enum status load_initializers(struct onnx_walk *walk)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < walk->graph->n_initializer; i++) {
        const Onnx__TensorProto *from = walk->graph->initializer[i];
        struct onnx_value *value = from->name && *from->name ? add_name(walk, from->name) : NULL;
        if (!value)
            continue;
        if (value->kind != ONNX_UNKNOWN)
            return error_set(walk->err, STATUS_INPUT, "initializer '%s' comes twice", value->name);
        if (!value->uses)
            continue;
        status = onnx_tensor_read(from, walk->options->folder, &value->constant, walk->err);
        value->kind = status == STATUS_OK ? ONNX_CONSTANT : ONNX_UNKNOWN;
    }
    return status;
}

/* ---- The input ---- */

/* The one graph input that is no initializer. */
static enum status find_input(struct onnx_walk *walk, const Onnx__ValueInfoProto **out)
{
    *out = NULL;
    for (size_t i = 0; i < walk->graph->n_input; i++) {
        const Onnx__ValueInfoProto *input = walk->graph->input[i];
        const struct onnx_value *value = input->name ? onnx_find(walk, input->name) : NULL;
        if (value && value->kind == ONNX_CONSTANT)
            continue;
        if (*out)
            return error_set(walk->err, STATUS_INPUT,
                             "it has several inputs, '%s' and '%s'; only one is supported",
                             (*out)->name ? (*out)->name : "", input->name ? input->name : "");
        *out = input;
    }
    if (!*out || !(*out)->name || !*(*out)->name)
        return error_set(walk->err, STATUS_INPUT, "it has no input");
    return STATUS_OK;
}

static enum status read_input_dims(struct onnx_walk *walk, const Onnx__ValueInfoProto *input,
                                   int64_t *dims, int *rank)
{
    const Onnx__TypeProto *type = input->type;
    const bool is_tensor = type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE &&
                           type->tensor_type && type->tensor_type->shape;
    const Onnx__TensorShapeProto *shape = is_tensor ? type->tensor_type->shape : NULL;
    if (!shape || shape->n_dim < 2 || shape->n_dim > 4)
        return error_set(walk->err, STATUS_INPUT,
                         "input '%s': want a tensor of 2 to 4 dimensions, the batch first, with "
                         "their sizes",
                         input->name);
    *rank = (int)shape->n_dim;
    for (int i = 0; i < *rank; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = shape->dim[i];
        const bool known =
            dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
            dim->dim_value > 0;
        if (i && (!known || dim->dim_value > MAX_INPUT_DIM))
            return error_set(walk->err, STATUS_INPUT,
                             "input '%s': dimension %d has no size, or more than %d; export the "
                             "network for inputs of one size (only the batch may be open)",
                             input->name, i, MAX_INPUT_DIM);
        dims[i] = known && dim->dim_value <= INT32_MAX ? dim->dim_value : 1;
    }
    return STATUS_OK;
}

/* The first node that reads a value, or NULL. */
static const Onnx__NodeProto *find_reader(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_input; k++)
            if (!strcmp(graph->node[i]->input[k], name))
                return graph->node[i];
    return NULL;
}

static bool is_shape(struct shape shape, int64_t h, int64_t w, int64_t c)
{
    return shape.h == h && shape.w == w && shape.c == c;
}

/* What is likely where no node tells: as the data lie, or few channels behind a large image. */
static bool looks_like_nhwc(struct shape data, const int64_t *dims)
{
    if (is_shape(data, dims[2], dims[3], dims[1]))
        return false;
    return is_shape(data, dims[1], dims[2], dims[3]) ||
           (dims[3] <= 4 && dims[1] > 4 && dims[2] > 4);
}

/* Keras networks take N, H, W, C and begin with a Transpose, or with a Reshape if there is but one
 * channel; elementwise nodes may come before. */
static bool begins_as_nhwc(const Onnx__GraphProto *graph, const char *name, bool by_size)
{
    for (size_t steps = 0; steps < graph->n_node; steps++) {
        const Onnx__NodeProto *node = find_reader(graph, name);
        if (!node || !node->op_type || !node->n_output)
            return by_size;
        if (!strcmp(node->op_type, "Transpose")) {
            const Onnx__AttributeProto *perm = onnx_attribute(node, "perm");
            return perm && perm->n_ints == 4 && perm->ints[1] == 3;
        }
        if (!strcmp(node->op_type, "Conv") || strstr(node->op_type, "Pool"))
            return false;
        if (strcmp(node->op_type, "Mul") != 0 && strcmp(node->op_type, "Add") != 0 &&
            strcmp(node->op_type, "Sub") != 0 && strcmp(node->op_type, "Div") != 0 &&
            strcmp(node->op_type, "Cast") != 0 && strcmp(node->op_type, "Identity") != 0)
            return by_size;
        name = node->output[0];
    }
    return by_size;
}

static enum status make_input(struct onnx_walk *walk)
{
    const Onnx__ValueInfoProto *input;
    const struct onnx_import_options *options = walk->options;
    struct shape *shape = &walk->network->input;
    int64_t dims[4];
    int rank = 0;
    enum status status = find_input(walk, &input);
    if (status == STATUS_OK)
        status = read_input_dims(walk, input, dims, &rank);
    if (status != STATUS_OK)
        return status;
    bool nhwc = options->layout == ONNX_LAYOUT_NHWC;
    if (rank == 4 && options->layout == ONNX_LAYOUT_AUTO)
        nhwc = begins_as_nhwc(walk->graph, input->name, looks_like_nhwc(options->shape, dims));
    if (rank == 4)
        *shape = nhwc ? (struct shape){(int)dims[1], (int)dims[2], (int)dims[3]}
                      : (struct shape){(int)dims[2], (int)dims[3], (int)dims[1]};
    else if (rank == 3)
        *shape = (struct shape){(int)dims[1], (int)dims[2], 1};
    else if (options->shape.h && shape_size(options->shape) == (size_t)dims[1])
        *shape = options->shape;
    else
        *shape = (struct shape){1, 1, (int)dims[1]};
    if (shape_size(*shape) > NET_MAX_ELEMENTS)
        return error_set(walk->err, STATUS_INPUT, "input '%s' has more than %d values", input->name,
                         NET_MAX_ELEMENTS);
    struct onnx_view view;
    struct onnx_value *value = add_name(walk, input->name);
    if (!value)
        return error_set(walk->err, STATUS_INPUT, "input '%s' is used by no node", input->name);
    status = onnx_view_create(*shape, NET_INPUT, rank, dims, nhwc, &view, walk->err);
    if (status != STATUS_OK)
        return status;
    value->kind = ONNX_VIEW;
    value->view = view;
    return STATUS_OK;
}

/* (x - mean) / deviation, as training did outside of the graph. */
static enum status normalize_input(struct onnx_walk *walk)
{
    const struct onnx_import_options *options = walk->options;
    struct onnx_affine *pending = &walk->pending;
    const int channels = walk->network->input.c;
    if (!options->channel_count)
        return STATUS_OK;
    if (options->channel_count != 1 && options->channel_count != channels)
        return error_set(
            walk->err, STATUS_USAGE,
            "--mean, --std: %d numbers for an input of %d channels; give one for each, "
            "or one for all",
            options->channel_count, channels);
    *pending = (struct onnx_affine){.is_on = true, .count = channels, .node = "input"};
    pending->scale = calloc((size_t)channels, sizeof *pending->scale);
    pending->shift = calloc((size_t)channels, sizeof *pending->shift);
    if (!pending->scale || !pending->shift)
        return error_set(walk->err, STATUS_NO_MEMORY, "out of memory");
    for (int c = 0; c < channels; c++) {
        const int from = options->channel_count == 1 ? 0 : c;
        pending->scale[c] = 1 / options->deviation[from];
        pending->shift[c] = -options->mean[from] / options->deviation[from];
    }
    return STATUS_OK;
}

/* ---- Nodes ---- */

static bool all_constant(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_input; i++)
        if (*node->input[i] && !onnx_is_constant(walk, node, i))
            return false;
    return true;
}

static const struct onnx_operator *find_operator(struct onnx_walk *walk,
                                                 const Onnx__NodeProto *node)
{
    static const struct onnx_operator *(*const tables[])(const char *) = {
        onnx_weighted_operator, onnx_affine_operator, onnx_elementwise_operator,
        onnx_shape_operator};
    const struct onnx_operator *found = NULL;
    if (node->domain && *node->domain && strcmp(node->domain, "ai.onnx") != 0)
        return NULL;
    if (all_constant(walk, node))
        found = onnx_constant_operator(node->op_type);
    for (size_t i = 0; !found && i < sizeof tables / sizeof *tables; i++)
        found = tables[i](node->op_type);
    return found;
}

/* What no later node needs. */
static void release_inputs(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_input; i++) {
        struct onnx_value *value = onnx_find(walk, node->input[i]);
        if (!value || value->uses > 0)
            continue;
        onnx_view_clear(&value->view);
        onnx_tensor_clear(&value->constant);
        value->kind = ONNX_UNKNOWN;
    }
}

static enum status run_node(struct onnx_walk *walk, const Onnx__NodeProto *node)
{
    const struct onnx_operator *op = find_operator(walk, node);
    enum status status = STATUS_OK;
    if (!op)
        return error_set(
            walk->err, STATUS_INPUT,
            "operator not supported; supported are Conv, Gemm, MatMul, Add, "
            "BatchNormalization, Relu, Clip, Min, Max, MaxPool, AveragePool, global "
            "pooling, ReduceMean, Flatten, Reshape, Transpose, Pad, Dropout, Identity, "
            "(Log)Softmax; Sub, Mul, Div with constants");
    for (size_t i = 0; i < node->n_input; i++) {
        struct onnx_value *value = onnx_find(walk, node->input[i]);
        if (value)
            value->uses--;
    }
    if (walk->pending.is_on &&
        (!op->keeps_pending || !onnx_is_sole(walk, walk->network->layer_count - 1)) &&
        !all_constant(walk, node))
        status = onnx_settle(walk);
    if (status == STATUS_OK)
        status = op->run(walk, node);
    release_inputs(walk, node);
    return status;
}

static enum status run_nodes(struct onnx_walk *walk)
{
    for (size_t i = 0; i < walk->graph->n_node; i++) {
        const Onnx__NodeProto *node = walk->graph->node[i];
        char name[ONNX_NODE_BYTES];
        if (!node->op_type)
            return error_set(walk->err, STATUS_INPUT, "node %zu names no operator", i);
        const enum status status = run_node(walk, node);
        onnx_node_text(node, name, sizeof name);
        if (status != STATUS_OK)
            return error_wrap(walk->err, status, "node %s (%.32s)", name, node->op_type);
    }
    return STATUS_OK;
}

/* ---- The output ---- */

static enum status check_output(struct onnx_walk *walk)
{
    const Onnx__GraphProto *graph = walk->graph;
    if (graph->n_output != 1 || !graph->output[0]->name)
        return error_set(walk->err, STATUS_INPUT, "it has %zu outputs; only one is supported",
                         graph->n_output);
    struct onnx_value *value = onnx_find(walk, graph->output[0]->name);
    if (!value || value->kind != ONNX_VIEW)
        return error_set(walk->err, STATUS_INPUT, "output '%s' is made by no node",
                         graph->output[0]->name);
    value->uses = 0;
    const enum status status = onnx_settle(walk);
    if (status != STATUS_OK)
        return status;
    if (value->view.layer != walk->network->layer_count - 1 || onnx_view_is_padded(&value->view))
        return error_set(walk->err, STATUS_INPUT,
                         "output '%s' does not come from the last layer, %s", value->name,
                         walk->network->layer_count
                             ? walk->network->layers[walk->network->layer_count - 1].node
                             : "the input");
    for (size_t i = 0; i < value->view.count; i++)
        if (value->view.order[i] != i)
            return error_set(walk->err, STATUS_INPUT,
                             "output '%s' is an image; want one number for each class",
                             value->name);
    return STATUS_OK;
}

/* Before version 7, Add and its like broadcast by an attribute, and test mode was one. */
static enum status check_opset(const Onnx__ModelProto *model, struct error *err)
{
    const int64_t opset = onnx_file_opset(model);
    if (opset >= OLDEST_OPSET)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "operator set %lld; supported are version %d and later, export the network "
                     "again",
                     (long long)opset, OLDEST_OPSET);
}

void onnx_network_free(struct onnx_network *network)
{
    if (!network)
        return;
    for (int i = 0; i < network->layer_count; i++) {
        free(network->layers[i].weights);
        free(network->layers[i].bias);
    }
    free(network);
}

static void walk_clear(struct onnx_walk *walk)
{
    for (size_t i = 0; i < walk->value_count; i++) {
        onnx_view_clear(&walk->values[i].view);
        onnx_tensor_clear(&walk->values[i].constant);
    }
    free(walk->values);
    onnx_affine_clear(&walk->pending);
}

enum status onnx_import(const Onnx__ModelProto *model, const struct onnx_import_options *options,
                        struct onnx_network **out, struct error *err)
{
    struct onnx_walk walk = {.graph = model->graph, .options = options, .err = err};
    *out = NULL;
    walk.network = calloc(1, sizeof *walk.network);
    if (!walk.network)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory", options->label);
    enum status status = check_opset(model, err);
    if (status == STATUS_OK)
        status = collect_names(&walk);
    if (status == STATUS_OK)
        status = load_initializers(&walk);
    if (status == STATUS_OK)
        status = make_input(&walk);
    if (status == STATUS_OK)
        status = normalize_input(&walk);
    if (status == STATUS_OK)
        status = run_nodes(&walk);
    if (status == STATUS_OK)
        status = check_output(&walk);
    walk_clear(&walk);
    if (status == STATUS_OK) {
        *out = walk.network;
        return STATUS_OK;
    }
    onnx_network_free(walk.network);
    return status == STATUS_USAGE ? status : error_wrap(err, status, "%s", options->label);
}
