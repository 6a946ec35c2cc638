// SPDX-License-Identifier: Apache-2.0
/* ONNX export: what is in the file. That onnxruntime computes the same from it is shown by
 * tests/system/slow_onnx.sh. */
#include "host/scratch.h"

#include <math.h>

#include "host/made_up_quant.h"
#include "onnx/onnx_export.h"
#include "onnx/onnx_file.h"
#include "onnx/onnx_tensor.h"
#include "pack/quant_meta.h"

enum { LAYERS = 4 };
static const int BITS[LAYERS] = {2, 4, 8, 4};

static void write_quant(const char *path)
{
    struct made_up made;
    struct error err = {""};
    struct quant_meta meta = {
        .layer_count = LAYERS, .seed = 1, .val_accuracy = (double)NAN, .accuracy = (double)NAN};
    memcpy(meta.bits, BITS, sizeof BITS);
    made_up_small(&made, BITS, 3);
    struct container *container = made_up_pack(&made);
    check_ok(quant_meta_write(container, &meta, &err), &err);
    check_ok(container_save(container, path, &err), &err);
    container_free(container);
    made_up_free(&made);
}

static const Onnx__TensorProto *find(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (!strcmp(graph->initializer[i]->name, name))
            return graph->initializer[i];
    return NULL;
}

static Onnx__ModelProto *export_and_read(void)
{
    struct model_file file;
    struct error err = {""};
    struct onnx_builder *builder = NULL;
    Onnx__ModelProto *model = NULL;
    write_quant("small.quant");
    check_ok(model_file_open_quant("small.quant", &file, &err), &err);
    check_ok(onnx_export(&file, "small.quant", &builder, &err), &err);
    check_ok(onnx_file_save("small.onnx", onnx_builder_model(builder), &err), &err);
    check_ok(onnx_file_load("small.onnx", &model, &err), &err);
    onnx_builder_free(builder);
    model_file_close(&file);
    return model;
}

static void weights_are_int8_within_their_width(void **state)
{
    Onnx__ModelProto *model = export_and_read();
    int seen = 0;
    (void)state;
    for (size_t i = 0; i < model->graph->n_initializer; i++) {
        const Onnx__TensorProto *from = model->graph->initializer[i];
        struct onnx_tensor tensor;
        struct error err = {""};
        const size_t size = strlen(from->name);
        if (size < 7 || strcmp(from->name + size - 7, ".weight") != 0)
            continue;
        assert_true(seen < LAYERS);
        const double high = (1 << (BITS[seen] - 1)) - 1;
        assert_int_equal(from->data_type, ONNX__TENSOR_PROTO__DATA_TYPE__INT8);
        check_ok(onnx_tensor_read(from, ".", &tensor, &err), &err);
        for (size_t k = 0; k < tensor.count; k++)
            if (tensor.values[k] > high || tensor.values[k] < -high - 1)
                fail_msg("%s[%zu]: got %g, want %d bits", from->name, k, tensor.values[k],
                         BITS[seen]);
        onnx_tensor_clear(&tensor);
        seen++;
    }
    assert_int_equal(seen, LAYERS);
    onnx_file_free(model);
}

/* In order: whatever a node takes was made before it. */
static void every_node_takes_what_is_there(void **state)
{
    Onnx__ModelProto *model = export_and_read();
    const Onnx__GraphProto *graph = model->graph;
    (void)state;
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_input; k++) {
            const char *name = graph->node[i]->input[k];
            bool found = !strcmp(name, graph->input[0]->name) || find(graph, name);
            for (size_t j = 0; j < i; j++)
                found = found || !strcmp(graph->node[j]->output[0], name);
            if (!found)
                fail_msg("node %s takes %s, which no node before it makes", graph->node[i]->name,
                         name);
        }
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t j = 0; j < i; j++)
            if (!strcmp(graph->node[i]->name, graph->node[j]->name))
                fail_msg("two nodes are called %s", graph->node[i]->name);
    onnx_file_free(model);
}

static void the_ends_are_logits_and_class_of_real_values(void **state)
{
    Onnx__ModelProto *model = export_and_read();
    const Onnx__GraphProto *graph = model->graph;
    (void)state;
    assert_int_equal(onnx_file_opset(model), 13);
    assert_int_equal(graph->n_input, 1);
    assert_string_equal(graph->input[0]->name, "input");
    assert_int_equal(graph->n_output, 2);
    assert_string_equal(graph->output[0]->name, "logits");
    assert_string_equal(graph->output[1]->name, "class");
    assert_string_equal(graph->node[0]->op_type, "QuantizeLinear");
    assert_string_equal(model->metadata_props[0]->key, "bits");
    assert_string_equal(model->metadata_props[0]->value, "2-4-8-4");
    onnx_file_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_int8_within_their_width),
        cmocka_unit_test(every_node_takes_what_is_there),
        cmocka_unit_test(the_ends_are_logits_and_class_of_real_values),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
