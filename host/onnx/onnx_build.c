// SPDX-License-Identifier: Apache-2.0
#include "onnx/onnx_build.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IR_VERSION = 8 };

/* Everything that was allocated, newest first. */
struct block {
    struct block *next;
    max_align_t bytes[];
};

struct onnx_builder {
    struct block *blocks;
    bool failed;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__NodeProto *latest;
};

static void *keep(struct onnx_builder *builder, size_t size)
{
    struct block *block = calloc(1, sizeof *block + size);
    if (!block) {
        builder->failed = true;
        return NULL;
    }
    block->next = builder->blocks;
    builder->blocks = block;
    return block->bytes;
}

static void *keep_copy(struct onnx_builder *builder, const void *bytes, size_t size)
{
    void *copy = keep(builder, size + 1);
    if (copy && size)
        memcpy(copy, bytes, size);
    return copy;
}

static char *keep_text(struct onnx_builder *builder, const char *text)
{
    return keep_copy(builder, text, strlen(text));
}

/* Room for one more pointer behind count; NULL leaves the list as it was. */
static void *grow(struct onnx_builder *builder, void *list, size_t count)
{
    if (count & (count - 1)) /* the list has room up to the next power of two */
        return list;
    void *larger = keep(builder, (count ? 2 * count : 1) * sizeof(void *));
    if (larger && count)
        memcpy(larger, list, count * sizeof(void *));
    return larger;
}

struct onnx_builder *onnx_builder_create(const char *name, int64_t opset)
{
    struct onnx_builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        return NULL;
    onnx__model_proto__init(&builder->model);
    onnx__graph_proto__init(&builder->graph);
    onnx__operator_set_id_proto__init(&builder->opset);
    builder->opset.has_version = true;
    builder->opset.version = opset;
    builder->opset.domain = keep_text(builder, "");
    builder->opsets[0] = &builder->opset;
    builder->graph.name = keep_text(builder, name);
    builder->model.has_ir_version = true;
    builder->model.ir_version = IR_VERSION;
    builder->model.producer_name = keep_text(builder, "mpq");
    builder->model.producer_version = keep_text(builder, MPQ_VERSION);
    builder->model.graph = &builder->graph;
    builder->model.opset_import = builder->opsets;
    builder->model.n_opset_import = 1;
    return builder;
}

void onnx_builder_free(struct onnx_builder *builder)
{
    if (!builder)
        return;
    while (builder->blocks) {
        struct block *block = builder->blocks;
        builder->blocks = block->next;
        free(block);
    }
    free(builder);
}

Onnx__ModelProto *onnx_builder_model(struct onnx_builder *builder)
{
    return builder->failed ? NULL : &builder->model;
}

const char *onnx_build_text(struct onnx_builder *builder, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = keep_text(builder, text);
    return kept ? kept : "";
}

/* ---- Inputs and outputs ---- */

static void set_dim(struct onnx_builder *builder, Onnx__TensorShapeProto__Dimension *dim,
                    int64_t size)
{
    onnx__tensor_shape_proto__dimension__init(dim);
    dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    dim->dim_value = size;
    if (size)
        return;
    dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    dim->dim_param = keep_text(builder, "N");
}

static Onnx__ValueInfoProto *make_info(struct onnx_builder *builder, const char *name, int type,
                                       int rank, const int64_t *dims)
{
    struct {
        Onnx__ValueInfoProto info;
        Onnx__TypeProto type;
        Onnx__TypeProto__Tensor tensor;
        Onnx__TensorShapeProto shape;
    } *made = keep(builder, sizeof *made);
    const size_t n = (size_t)rank;
    Onnx__TensorShapeProto__Dimension *sizes = keep(builder, (n + 1) * sizeof *sizes);
    Onnx__TensorShapeProto__Dimension **list = keep(builder, (n + 1) * sizeof *list);
    if (!made || !sizes || !list)
        return NULL;
    onnx__value_info_proto__init(&made->info);
    onnx__type_proto__init(&made->type);
    onnx__type_proto__tensor__init(&made->tensor);
    onnx__tensor_shape_proto__init(&made->shape);
    for (size_t i = 0; i < n; i++) {
        set_dim(builder, sizes + i, dims[i]);
        list[i] = sizes + i;
    }
    made->shape.n_dim = n;
    made->shape.dim = list;
    made->tensor.has_elem_type = true;
    made->tensor.elem_type = type;
    made->tensor.shape = &made->shape;
    made->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    made->type.tensor_type = &made->tensor;
    made->info.name = keep_text(builder, name);
    made->info.type = &made->type;
    return &made->info;
}

void onnx_build_input(struct onnx_builder *builder, const char *name, int rank, const int64_t *dims)
{
    Onnx__GraphProto *graph = &builder->graph;
    void *list = grow(builder, graph->input, graph->n_input);
    Onnx__ValueInfoProto *info =
        make_info(builder, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, rank, dims);
    if (!list || !info)
        return;
    graph->input = list;
    graph->input[graph->n_input++] = info;
}

void onnx_build_output(struct onnx_builder *builder, const char *name, int type, int rank,
                       const int64_t *dims)
{
    Onnx__GraphProto *graph = &builder->graph;
    void *list = grow(builder, graph->output, graph->n_output);
    Onnx__ValueInfoProto *info = make_info(builder, name, type, rank, dims);
    if (!list || !info)
        return;
    graph->output = list;
    graph->output[graph->n_output++] = info;
}

/* ---- Constants ---- */

const char *onnx_build_tensor(struct onnx_builder *builder, const char *name, int type, int rank,
                              const int64_t *dims, const void *bytes, size_t size)
{
    Onnx__GraphProto *graph = &builder->graph;
    Onnx__TensorProto *tensor = keep(builder, sizeof *tensor);
    void *list = grow(builder, graph->initializer, graph->n_initializer);
    if (!tensor || !list)
        return "";
    onnx__tensor_proto__init(tensor);
    tensor->name = keep_text(builder, name);
    tensor->n_dims = (size_t)rank;
    tensor->dims = keep_copy(builder, dims, (size_t)rank * sizeof *dims);
    tensor->has_data_type = true;
    tensor->data_type = type;
    tensor->has_raw_data = true;
    tensor->raw_data.len = size;
    tensor->raw_data.data = keep_copy(builder, bytes, size);
    graph->initializer = list;
    graph->initializer[graph->n_initializer++] = tensor;
    return tensor->name ? tensor->name : "";
}

/* ---- Nodes ---- */

const char *onnx_build_node(struct onnx_builder *builder, const char *op, const char *name,
                            const char *const *inputs, size_t count)
{
    Onnx__GraphProto *graph = &builder->graph;
    Onnx__NodeProto *node = keep(builder, sizeof *node);
    char **texts = keep(builder, (count + 1) * sizeof *texts);
    void *list = grow(builder, graph->node, graph->n_node);
    builder->latest = NULL;
    if (!node || !texts || !list)
        return "";
    onnx__node_proto__init(node);
    for (size_t i = 0; i < count; i++)
        texts[i] = keep_text(builder, inputs[i]);
    texts[count] = keep_text(builder, name); /* the output */
    node->op_type = keep_text(builder, op);
    node->name = keep_text(builder, name);
    node->input = texts;
    node->n_input = count;
    node->output = texts + count;
    node->n_output = 1;
    graph->node = list;
    graph->node[graph->n_node++] = node;
    builder->latest = node;
    return texts[count] ? texts[count] : "";
}

static Onnx__AttributeProto *add_attribute(struct onnx_builder *builder, const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__NodeProto *node = builder->latest;
    Onnx__AttributeProto *attribute = keep(builder, sizeof *attribute);
    void *list = node ? grow(builder, node->attribute, node->n_attribute) : NULL;
    if (!attribute || !list)
        return NULL;
    onnx__attribute_proto__init(attribute);
    attribute->name = keep_text(builder, name);
    attribute->has_type = true;
    attribute->type = type;
    node->attribute = list;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void onnx_build_int(struct onnx_builder *builder, const char *attribute, int64_t value)
{
    Onnx__AttributeProto *made =
        add_attribute(builder, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!made)
        return;
    made->has_i = true;
    made->i = value;
}

void onnx_build_float(struct onnx_builder *builder, const char *attribute, float value)
{
    Onnx__AttributeProto *made =
        add_attribute(builder, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!made)
        return;
    made->has_f = true;
    made->f = value;
}

void onnx_build_string(struct onnx_builder *builder, const char *attribute, const char *value)
{
    Onnx__AttributeProto *made =
        add_attribute(builder, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (!made)
        return;
    made->has_s = true;
    made->s.len = strlen(value);
    made->s.data = keep_copy(builder, value, made->s.len);
}

void onnx_build_ints(struct onnx_builder *builder, const char *attribute, int count,
                     const int64_t *values)
{
    Onnx__AttributeProto *made =
        add_attribute(builder, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    if (!made)
        return;
    made->n_ints = (size_t)count;
    made->ints = keep_copy(builder, values, (size_t)count * sizeof *values);
}

void onnx_build_meta(struct onnx_builder *builder, const char *key, const char *value)
{
    Onnx__ModelProto *model = &builder->model;
    Onnx__StringStringEntryProto *entry = keep(builder, sizeof *entry);
    void *list = grow(builder, model->metadata_props, model->n_metadata_props);
    if (!entry || !list)
        return;
    onnx__string_string_entry_proto__init(entry);
    entry->key = keep_text(builder, key);
    entry->value = keep_text(builder, value);
    model->metadata_props = list;
    model->metadata_props[model->n_metadata_props++] = entry;
}
