// SPDX-License-Identifier: Apache-2.0
/* ONNX import: what is said to graphs that cannot be taken over, and to damaged files. */
#include "host/onnx_graph.h"

#include "onnx/onnx_file.h"
#include "onnx/onnx_tensor.h"

static void check_refused(enum status got, enum status want, const struct error *err,
                          const char *part)
{
    check_contains(err->text, part);
    assert_int_equal(got, want);
}

/* ---- Refusals ---- */

/* Imports a graph that has x [N, 3, 6, 5] and a node op called "bad" on it with that input. */
static void refuses(struct graph g, const char *pattern)
{
    struct float_model *model = NULL;
    struct error err = {""};
    onnx_build_output(g.b, "bad", FLOAT, 2, (const int64_t[]){0, 3});
    check_refused(import_graph(&g, &model, &err), STATUS_INPUT, &err, pattern);
    assert_null(model);
    onnx_builder_free(g.b);
}

static void unsupported_operators_are_named_with_their_node(void **state)
{
    (void)state;
    struct graph g = begin_image(3, 6, 5);
    NODE(&g, "Elu", "bad", "x");
    refuses(g, "t.onnx: node bad (Elu): operator not supported; supported are Conv");
}

static void dilation_is_refused(void **state)
{
    (void)state;
    struct graph g = begin_image(3, 6, 5);
    FLOATS(&g, "w", 0, 4, 3, 2, 2);
    NODE(&g, "Conv", "bad", "x", "w");
    INTS(&g, "dilations", 2, 2);
    refuses(g, "node bad (Conv): attribute dilations: 2; only 1 is supported");
}

static void ceil_mode_is_refused_where_it_changes_the_output(void **state)
{
    (void)state;
    struct graph g = begin_image(3, 6, 5);
    NODE(&g, "MaxPool", "bad", "x");
    INTS(&g, "kernel_shape", 2, 2);
    INTS(&g, "strides", 2, 2);
    onnx_build_int(g.b, "ceil_mode", 1);
    refuses(g, "node bad (MaxPool): attribute ceil_mode");
}

static void a_way_that_leads_nowhere_is_refused(void **state)
{
    (void)state;
    struct graph g = begin_image(3, 6, 5);
    NODE(&g, "Relu", "relu", "x");
    NODE(&g, "Relu", "unused", "x");
    finish(&g, "relu", 90, 3);
    struct float_model *model = NULL;
    struct error err = {""};
    check_refused(import_graph(&g, &model, &err), STATUS_INPUT, &err,
                  "no layer behind this branch takes up the values before it");
    assert_null(model);
    onnx_builder_free(g.b);
}

static void a_missing_initializer_is_named(void **state)
{
    (void)state;
    struct graph g = begin_image(3, 6, 5);
    NODE(&g, "Conv", "bad", "x", "lost");
    refuses(g, "node bad (Conv): its input 'lost' is no initializer");
}

static void an_open_height_is_refused(void **state)
{
    (void)state;
    struct graph g = begin_image(3, 0, 5);
    NODE(&g, "Relu", "bad", "x");
    refuses(g, "input 'x': dimension 2 has no size");
}

static void other_refusals_name_the_cause(void **state)
{
    (void)state;
    struct graph g = begin_image(3, 6, 5);
    scalar(&g, "one", 1);
    scalar(&g, "zero", 0);
    NODE(&g, "Clip", "bad", "x", "one", "zero");
    refuses(g, "node bad (Clip): it clips to 1 .. 0; want a lower limit below the upper one");
    g = begin_image(3, 6, 5);
    NODE(&g, "AveragePool", "bad", "x");
    INTS(&g, "kernel_shape", 3, 3);
    INTS(&g, "pads", 1, 1, 1, 1);
    refuses(g,
            "node bad (AveragePool): padding [1, 1, 1, 1] that the mean does not count: supported "
            "with count_include_pad only");
    g = begin_image(3, 6, 5);
    NODE(&g, "Mul", "bad", "x", "x");
    refuses(g, "node bad (Mul): it joins two results");
    g = begin_image(3, 6, 5);
    scalar(&g, "zero", 0);
    NODE(&g, "Div", "bad", "x", "zero");
    refuses(g, "node bad (Div): it divides by 0");
    g = begin_image(3, 6, 5);
    NODE(&g, "Softmax", "s", "x");
    NODE(&g, "Relu", "bad", "s");
    refuses(g, "node bad (Relu): it stands behind a softmax");
}

/* ---- Tensors and files ---- */

static void external_data_stay_in_the_folder(void **state)
{
    static const char *const locations[] = {"../w.bin", "/etc/w.bin", "a/../../w.bin", ""};
    Onnx__StringStringEntryProto entry = ONNX__STRING_STRING_ENTRY_PROTO__INIT,
                                 *entries[] = {&entry};
    Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
    int64_t dims[] = {2};
    const float values[] = {1.5f, -2};
    struct onnx_tensor out;
    struct error err = {""};
    char key[] = "location", name[] = "w", inside[] = "w.bin", path[32];
    (void)state;
    scratch_write("w.bin", values, sizeof values);
    tensor.name = name;
    tensor.dims = dims;
    tensor.n_dims = 1;
    tensor.data_type = FLOAT;
    tensor.has_data_type = tensor.has_data_location = true;
    tensor.data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    tensor.external_data = entries;
    tensor.n_external_data = 1;
    entry.key = key;
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        snprintf(path, sizeof path, "%s", locations[i]);
        entry.value = path;
        check_refused(onnx_tensor_read(&tensor, ".", &out, &err), STATUS_INPUT, &err,
                      "tensor w: its external data have no usable location");
    }
    entry.value = inside;
    check_ok(onnx_tensor_read(&tensor, ".", &out, &err), &err);
    assert_true(out.values[0] == 1.5 && out.values[1] == -2);
    onnx_tensor_clear(&out);
    dims[0] = 3;
    check_refused(onnx_tensor_read(&tensor, ".", &out, &err), STATUS_INPUT, &err,
                  "tensor w wants 12 bytes from byte 0 on, but the file has 8");
}

/* A graph with a node of every kind of attribute, packed. */
static uint8_t *packed_graph(size_t *size)
{
    struct graph g = small_conv("x", 1, begin_image(3, 6, 5));
    FLOATS(&g, "s", 1, 4);
    NODE(&g, "BatchNormalization", "norm", "conv", "s", "s", "s", "s");
    onnx_build_float(g.b, "epsilon", 0.1f);
    NODE(&g, "Relu", "relu", "norm");
    NODE(&g, "MaxPool", "pool", "relu");
    INTS(&g, "kernel_shape", 2, 2);
    onnx_build_string(g.b, "auto_pad", "VALID");
    finish(&g, "pool", 80, 3);
    const Onnx__ModelProto *model = onnx_builder_model(g.b);
    *size = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    onnx__model_proto__pack(model, bytes);
    onnx_builder_free(g.b);
    return bytes;
}

/* Whatever comes out: no crash, and a text with every failure. */
static enum status try_import(const uint8_t *bytes, size_t size)
{
    const struct onnx_import_options options = {.label = "f.onnx", .folder = "."};
    const struct onnx_model_options make = {.label = "f.json", .name = "f"};
    Onnx__ModelProto *model = NULL;
    struct onnx_network *network = NULL;
    struct float_model *made = NULL;
    struct error err = {""};
    enum status status = onnx_file_parse("f.onnx", bytes, size, &model, &err);
    if (status == STATUS_OK)
        status = onnx_import(model, &options, &network, &err);
    if (status == STATUS_OK)
        status = onnx_model_create(network, &make, &made, &err);
    if (status != STATUS_OK)
        assert_true(strlen(err.text) > 10);
    float_model_free(made);
    onnx_network_free(network);
    onnx_file_free(model);
    return status;
}

static void every_shortened_file_is_refused(void **state)
{
    size_t size;
    uint8_t *bytes = packed_graph(&size);
    (void)state;
    assert_int_equal(try_import(bytes, size), STATUS_OK);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut + 1); /* its own block: the sanitizer sees its end */
        assert_non_null(part);
        memcpy(part, bytes, cut);
        assert_int_not_equal(try_import(part, cut), STATUS_OK);
        free(part);
    }
    free(bytes);
}

static void damaged_files_do_no_harm(void **state)
{
    size_t size;
    uint8_t *bytes = packed_graph(&size);
    struct rng rng;
    (void)state;
    rng_init(&rng, 11, 0);
    for (int round = 0; round < 6000; round++) {
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        for (uint32_t i = 0; i <= (uint32_t)round % 3; i++)
            copy[rng_below(&rng, (uint32_t)size)] = (uint8_t)rng_below(&rng, 256);
        (void)!try_import(copy, size);
        free(copy);
    }
    free(bytes);
}

/* graph { node { attribute { g { node { ... so often round an empty node. */
static enum status parse_nested(int levels)
{
    static const uint8_t tags[] = {0x32, 0x2a, 0x0a}; /* g, attribute, node */
    const int last = 3 * levels + 1;
    const size_t room = 10 * (size_t)(last + 1);
    Onnx__ModelProto *model = NULL;
    struct error err = {""};
    uint8_t *bytes = malloc(room);
    size_t at = room;
    assert_non_null(bytes);
    for (int level = 0; level <= last; level++) {
        size_t inner = room - at, count = 0;
        uint8_t varint[10];
        do
            varint[count++] = (uint8_t)((inner & 0x7f) | (inner > 0x7f ? 0x80 : 0));
        while (inner >>= 7);
        at -= count;
        memcpy(bytes + at, varint, count);
        bytes[--at] = level == last ? 0x3a : tags[(level + 2) % 3];
    }
    const enum status status = onnx_file_parse("f.onnx", bytes + at, room - at, &model, &err);
    onnx_file_free(model);
    free(bytes);
    return status;
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    assert_int_equal(parse_nested(3), STATUS_OK);
    assert_int_equal(parse_nested(10), STATUS_INPUT);
    assert_int_equal(parse_nested(100000), STATUS_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsupported_operators_are_named_with_their_node),
        cmocka_unit_test(dilation_is_refused),
        cmocka_unit_test(ceil_mode_is_refused_where_it_changes_the_output),
        cmocka_unit_test(a_way_that_leads_nowhere_is_refused),
        cmocka_unit_test(a_missing_initializer_is_named),
        cmocka_unit_test(an_open_height_is_refused),
        cmocka_unit_test(other_refusals_name_the_cause),
        cmocka_unit_test(external_data_stay_in_the_folder),
        cmocka_unit_test(every_shortened_file_is_refused),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(deep_nesting_is_refused),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
