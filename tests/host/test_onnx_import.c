// SPDX-License-Identifier: Apache-2.0
/* ONNX import: operators against loops written down from their definition, against each other, and
 * what is said to graphs that cannot be taken over; damaged files. */
#include "host/scratch.h"

#include <math.h>

#include "host/naive_net.h"
#include "onnx_build.h"
#include "onnx_file.h"
#include "onnx_model.h"
#include "onnx_tensor.h"
#include "rng.h"

enum { FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, INT64 = ONNX__TENSOR_PROTO__DATA_TYPE__INT64 };
enum { MAX_OUT = 16, MAX_ELEMENTS = 4096 };

static void check_refused(enum status got, enum status want, const struct error *err,
                          const char *part)
{
    check_contains(err->text, part);
    assert_int_equal(got, want);
}

/* ---- Making graphs ---- */

struct graph {
    struct onnx_builder *b;
    struct rng rng;
};

static struct graph begin(int rank, const int64_t *dims)
{
    struct graph g = {.b = onnx_builder_create("t", 13)};
    assert_non_null(g.b);
    rng_init(&g.rng, 5, 0);
    onnx_build_input(g.b, "x", rank, dims);
    return g;
}

static struct graph begin_image(int64_t c, int64_t h, int64_t w)
{
    return begin(4, (const int64_t[]){0, c, h, w});
}

/* Random numbers round middle. */
static const char *random_floats(struct graph *g, const char *name, int rank, const int64_t *dims,
                                 double middle)
{
    float values[MAX_ELEMENTS];
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    assert_true(count <= MAX_ELEMENTS);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)middle + 0.3f * rng_normal(&g->rng);
    return onnx_build_tensor(g->b, name, FLOAT, rank, dims, values, count * sizeof *values);
}

#define FLOATS(g, name, middle, ...)                                                               \
    random_floats(g, name, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),              \
                  (const int64_t[]){__VA_ARGS__}, middle)

static const char *numbers(struct graph *g, const char *name, int count, const int64_t *values)
{
    const int64_t n = count;
    return onnx_build_tensor(g->b, name, INT64, 1, &n, values, (size_t)count * sizeof *values);
}

static const char *scalar(struct graph *g, const char *name, float value)
{
    return onnx_build_tensor(g->b, name, FLOAT, 0, NULL, &value, sizeof value);
}

#define NODE(g, op, name, ...)                                                                     \
    onnx_build_node((g)->b, op, name, (const char *const[]){__VA_ARGS__},                          \
                    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
#define INTS(g, name, ...)                                                                         \
    onnx_build_ints((g)->b, name, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),       \
                    (const int64_t[]){__VA_ARGS__})

/* Flatten, and a Gemm of count inputs to outputs; its output is the graph's. */
static void finish(struct graph *g, const char *value, int64_t count, int64_t outputs)
{
    const char *flat = NODE(g, "Flatten", "flatten", value);
    const char *w = FLOATS(g, "head_w", 0, outputs, count);
    NODE(g, "Gemm", "head", flat, w);
    onnx_build_int(g->b, "transB", 1);
    onnx_build_output(g->b, "head", FLOAT, 2, (const int64_t[]){0, outputs});
}

/* ---- Running them ---- */

static enum status import_with(struct graph *g, const struct onnx_import_options *options,
                               struct float_model **out, struct error *err)
{
    struct onnx_network *network = NULL;
    Onnx__ModelProto *model = onnx_builder_model(g->b);
    assert_non_null(model);
    *out = NULL;
    enum status status = onnx_import(model, options, &network, err);
    const struct onnx_model_options make = {.label = "t.json", .name = "t"};
    if (status == STATUS_OK)
        status = onnx_model_create(network, &make, out, err);
    onnx_network_free(network);
    return status;
}

static enum status import_graph(struct graph *g, struct float_model **out, struct error *err)
{
    const struct onnx_import_options options = {.label = "t.onnx", .folder = "."};
    return import_with(g, &options, out, err);
}

/* input [c][h][w], or as the graph has it with nhwc; frees graph and model. */
static size_t run_model(struct graph *g, struct float_model *model, const float *input, bool nhwc,
                        double *out)
{
    const struct shape s = model->net->input;
    float *image = malloc(shape_size(s) * sizeof *image);
    assert_non_null(image);
    for (int c = 0; c < s.c; c++)
        for (int p = 0; p < s.h * s.w; p++)
            image[p * s.c + c] = nhwc ? input[p * s.c + c] : input[c * s.h * s.w + p];
    struct naive_net *naive = naive_net_run(model, NULL, 1, image);
    const size_t count = (size_t)model->net->class_count;
    assert_true(count <= MAX_OUT);
    memcpy(out, naive->values[model->net->layer_count - 1], count * sizeof *out);
    naive_net_free(naive);
    free(image);
    float_model_free(model);
    onnx_builder_free(g->b);
    return count;
}

static size_t run(struct graph *g, const float *input, double *out)
{
    struct float_model *model = NULL;
    struct error err = {""};
    check_ok(import_graph(g, &model, &err), &err);
    return run_model(g, model, input, false, out);
}

static const float *some_input(void)
{
    static float values[MAX_ELEMENTS];
    struct rng rng;
    rng_init(&rng, 9, 0);
    for (int i = 0; i < MAX_ELEMENTS; i++)
        values[i] = rng_normal(&rng);
    return values;
}

static void check_equal(const double *got, const double *want, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - want[i]) <= 1e-4))
            fail_msg("output %zu: got %.9g, want %.9g", i, got[i], want[i]);
}

/* Both graphs say the same to the same input. */
static void check_same(struct graph *a, struct graph *b)
{
    double got[MAX_OUT], want[MAX_OUT];
    const size_t count = run(b, some_input(), want);
    assert_int_equal(run(a, some_input(), got), count);
    check_equal(got, want, count);
}

/* ---- Against the definition ---- */

enum { C = 4, H = 7, W = 6, OUT = 6, OH = 4, OW = 4, GROUPS = 2 };

static const float *constant(struct graph *g, const char *name)
{
    const Onnx__GraphProto *graph = onnx_builder_model(g->b)->graph;
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (!strcmp(graph->initializer[i]->name, name))
            return (const float *)(const void *)graph->initializer[i]->raw_data.data;
    fail_msg("no constant %s", name);
    return NULL;
}

/* Stride 2 by 1, padding 1, 0, 2, 1 (top, left, bottom, right), kernel 3 by 4, two groups. */
static double conv_at(struct graph *g, const float *x, int o, int y, int z)
{
    const float *w = constant(g, "w");
    double sum = (double)constant(g, "b")[o];
    for (int i = 0; i < C / GROUPS; i++)
        for (int ky = 0; ky < 3; ky++)
            for (int kx = 0; kx < 4; kx++) {
                const int c = o / (OUT / GROUPS) * (C / GROUPS) + i, r = 2 * y - 1 + ky, s = z + kx;
                if (r >= 0 && r < H && s < W)
                    sum += (double)w[((o * (C / GROUPS) + i) * 3 + ky) * 4 + kx] *
                           (double)x[(c * H + r) * W + s];
            }
    return sum;
}

static void grouped_convolution_norm_and_gemm_are_what_they_are_defined_as(void **state)
{
    const float *x = some_input();
    struct graph g = begin_image(C, H, W);
    double want[5] = {0}, got[MAX_OUT];
    (void)state;
    FLOATS(&g, "w", 0, OUT, C / GROUPS, 3, 4);
    FLOATS(&g, "b", 0, OUT);
    FLOATS(&g, "scale", 1, OUT);
    FLOATS(&g, "shift", 0, OUT);
    FLOATS(&g, "mean", 0, OUT);
    FLOATS(&g, "variance", 2, OUT);
    NODE(&g, "Conv", "conv", "x", "w", "b");
    INTS(&g, "strides", 2, 1);
    INTS(&g, "pads", 1, 0, 2, 1);
    onnx_build_int(g.b, "group", GROUPS);
    NODE(&g, "BatchNormalization", "norm", "conv", "scale", "shift", "mean", "variance");
    onnx_build_float(g.b, "epsilon", 0.01f);
    NODE(&g, "Relu", "relu", "norm");
    finish(&g, "relu", OUT * OH * OW, 5);
    for (int i = 0; i < OUT * OH * OW; i++) {
        const int o = i / (OH * OW);
        double v = conv_at(&g, x, o, i / OW % OH, i % OW);
        v = (v - (double)constant(&g, "mean")[o]) /
                sqrt((double)constant(&g, "variance")[o] + 0.01) *
                (double)constant(&g, "scale")[o] +
            (double)constant(&g, "shift")[o];
        for (int k = 0; k < 5; k++)
            want[k] += (v > 0 ? v : 0) * (double)constant(&g, "head_w")[k * OUT * OH * OW + i];
    }
    assert_int_equal(run(&g, x, got), 5);
    check_equal(got, want, 5);
}

static void pooling_and_residual_are_what_they_are_defined_as(void **state)
{
    const float *x = some_input();
    struct graph g = begin_image(2, 4, 4);
    double want[2] = {0}, got[MAX_OUT];
    (void)state;
    NODE(&g, "Relu", "relu", "x");
    NODE(&g, "Add", "sum", "x", "relu");
    NODE(&g, "MaxPool", "max", "sum");
    INTS(&g, "kernel_shape", 2, 2);
    INTS(&g, "strides", 1, 2);
    NODE(&g, "AveragePool", "mean", "max");
    INTS(&g, "kernel_shape", 3, 1);
    finish(&g, "mean", 4, 2);
    for (int i = 0; i < 4; i++) {
        double mean = 0;
        for (int y = 0; y < 3; y++) {
            double largest = -1e9;
            for (int k = 0; k < 4; k++) {
                const double v = (double)x[i / 2 * 16 + (y + k / 2) * 4 + 2 * (i % 2) + k % 2];
                largest = fmax(largest, v + fmax(v, 0));
            }
            mean += largest / 3;
        }
        for (int k = 0; k < 2; k++)
            want[k] += mean * (double)constant(&g, "head_w")[k * 4 + i];
    }
    assert_int_equal(run(&g, x, got), 2);
    check_equal(got, want, 2);
}

/* ---- Against each other ---- */

static struct graph small_conv(const char *input, int64_t pad, struct graph g)
{
    FLOATS(&g, "w", 0, 4, 3, 3, 3);
    NODE(&g, "Conv", "conv", input, "w");
    INTS(&g, "pads", pad, pad, pad, pad);
    return g;
}

static void a_pad_node_is_padding_of_the_convolution(void **state)
{
    (void)state;
    struct graph a = begin_image(3, 6, 5), b = small_conv("x", 1, begin_image(3, 6, 5));
    numbers(&a, "pads", 8, (const int64_t[]){0, 0, 1, 1, 0, 0, 1, 1});
    NODE(&a, "Pad", "pad", "x", "pads");
    a = small_conv("pad", 0, a);
    finish(&a, "conv", 120, 3);
    finish(&b, "conv", 120, 3);
    check_same(&a, &b);
}

static void same_padding_is_what_it_says(void **state)
{
    static const int64_t upper[] = {0, 0, 1, 1}, lower[] = {1, 1, 0, 0};
    (void)state;
    for (int is_lower = 0; is_lower < 2; is_lower++) {
        struct graph a = begin_image(3, 6, 6), b = begin_image(3, 6, 6);
        FLOATS(&a, "w", 0, 4, 3, 3, 3);
        FLOATS(&b, "w", 0, 4, 3, 3, 3);
        NODE(&a, "Conv", "conv", "x", "w");
        onnx_build_string(a.b, "auto_pad", is_lower ? "SAME_LOWER" : "SAME_UPPER");
        INTS(&a, "strides", 2, 2);
        NODE(&b, "Conv", "conv", "x", "w");
        onnx_build_ints(b.b, "pads", 4, is_lower ? lower : upper);
        INTS(&b, "strides", 2, 2);
        finish(&a, "conv", 36, 3);
        finish(&b, "conv", 36, 3);
        check_same(&a, &b);
    }
}

static void four_ways_to_the_mean_of_an_image(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct graph a = small_conv("x", 0, begin_image(3, 6, 5));
        struct graph b = small_conv("x", 0, begin_image(3, 6, 5));
        NODE(&a, "GlobalAveragePool", "mean", "conv");
        if (way == 0) {
            NODE(&b, "ReduceMean", "mean", "conv");
            INTS(&b, "axes", 2, 3);
        } else if (way == 1) {
            NODE(&b, "ReduceMean", "mean", "conv");
            INTS(&b, "axes", -1, -2);
            onnx_build_int(b.b, "keepdims", 0);
        } else {
            NODE(&b, "AveragePool", "mean", "conv");
            INTS(&b, "kernel_shape", 4, 3);
        }
        finish(&a, "mean", 4, 3);
        finish(&b, "mean", 4, 3);
        check_same(&a, &b);
    }
}

/* Each changes only names and shapes. */
static void nodes_that_do_nothing_do_nothing(void **state)
{
    (void)state;
    struct graph a = small_conv("x", 0, begin_image(3, 6, 5));
    struct graph b = small_conv("x", 0, begin_image(3, 6, 5));
    NODE(&a, "Identity", "i", "conv");
    NODE(&a, "Dropout", "d", "i");
    NODE(&a, "Transpose", "t", "d");
    INTS(&a, "perm", 0, 2, 3, 1);
    NODE(&a, "Transpose", "t2", "t");
    INTS(&a, "perm", 0, 3, 1, 2);
    numbers(&a, "axes", 1, (const int64_t[]){1});
    NODE(&a, "Unsqueeze", "u", "t2", "axes");
    NODE(&a, "Squeeze", "s", "u", "axes");
    numbers(&a, "shape", 3, (const int64_t[]){0, -1, 12});
    NODE(&a, "Reshape", "r", "s", "shape");
    finish(&a, "r", 48, 3);
    finish(&b, "conv", 48, 3);
    check_same(&a, &b);
}

static void a_shape_may_be_computed(void **state)
{
    (void)state;
    struct graph a = small_conv("x", 0, begin_image(3, 6, 5));
    struct graph b = small_conv("x", 0, begin_image(3, 6, 5));
    const int64_t zero = 0, minus = -1;
    onnx_build_tensor(a.b, "zero", INT64, 0, NULL, &zero, sizeof zero);
    numbers(&a, "axes", 1, &zero);
    numbers(&a, "rest", 1, &minus);
    NODE(&a, "Shape", "shape", "conv");
    NODE(&a, "Gather", "batch", "shape", "zero");
    NODE(&a, "Unsqueeze", "list", "batch", "axes");
    NODE(&a, "Concat", "to", "list", "rest");
    onnx_build_int(a.b, "axis", 0);
    NODE(&a, "Reshape", "r", "conv", "to");
    finish(&a, "r", 48, 3);
    finish(&b, "conv", 48, 3);
    check_same(&a, &b);
}

static void matmul_and_add_are_a_gemm(void **state)
{
    (void)state;
    struct graph a = begin(2, (const int64_t[]){0, 10}), b = begin(2, (const int64_t[]){0, 10});
    FLOATS(&a, "w", 0, 10, 4);
    FLOATS(&b, "w", 0, 10, 4);
    FLOATS(&a, "b", 0, 4);
    FLOATS(&b, "b", 0, 4);
    NODE(&a, "MatMul", "m", "x", "w");
    NODE(&a, "Add", "y", "b", "m");
    NODE(&a, "Softmax", "out", "y");
    NODE(&b, "Gemm", "out", "x", "w", "b");
    onnx_build_output(a.b, "out", FLOAT, 2, (const int64_t[]){0, 4});
    onnx_build_output(b.b, "out", FLOAT, 2, (const int64_t[]){0, 4});
    check_same(&a, &b);
}

/* The same image, outside in the order N, H, W, C. */
static void a_keras_graph_takes_its_own_order(void **state)
{
    struct float_model *model = NULL;
    struct error err = {""};
    double got[MAX_OUT], want[MAX_OUT];
    float image[90];
    (void)state;
    struct graph a = begin(4, (const int64_t[]){0, 6, 5, 3});
    struct graph b = small_conv("x", 1, begin_image(3, 6, 5));
    NODE(&a, "Transpose", "t", "x");
    INTS(&a, "perm", 0, 3, 1, 2);
    a = small_conv("t", 1, a);
    finish(&a, "conv", 120, 3);
    finish(&b, "conv", 120, 3);
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < 30; p++)
            image[p * 3 + c] = some_input()[c * 30 + p];
    check_ok(import_graph(&a, &model, &err), &err);
    run_model(&a, model, image, true, got);
    run(&b, some_input(), want);
    check_equal(got, want, 3);
}

/* Scaling in the graph, before a convolution with and without padding, and by --mean and --std. */
static void three_ways_to_normalize_the_input(void **state)
{
    (void)state;
    for (int64_t pad = 0; pad < 2; pad++) {
        struct graph a = begin_image(3, 6, 5), b = small_conv("x", pad, begin_image(3, 6, 5));
        struct float_model *model = NULL;
        struct error err = {""};
        double got[MAX_OUT], want[MAX_OUT];
        const struct onnx_import_options options = {.label = "t.onnx",
                                                    .folder = ".",
                                                    .channel_count = 1,
                                                    .mean = {0.5},
                                                    .deviation = {0.25}};
        scalar(&a, "mean", 0.5f);
        scalar(&a, "deviation", 0.25f);
        NODE(&a, "Sub", "centered", "x", "mean");
        NODE(&a, "Div", "normal", "centered", "deviation");
        a = small_conv("normal", pad, a);
        finish(&a, "conv", pad ? 120 : 48, 3);
        finish(&b, "conv", pad ? 120 : 48, 3);
        check_ok(import_graph(&a, &model, &err), &err);
        assert_int_equal(model->net->weighted_count, 2 + pad); /* padding wants a layer before it */
        run_model(&a, model, some_input(), false, got);
        check_ok(import_with(&b, &options, &model, &err), &err);
        run_model(&b, model, some_input(), false, want);
        check_equal(got, want, 3);
    }
}

static void clip_0_6_is_a_relu6(void **state)
{
    struct float_model *model = NULL;
    struct error err = {""};
    (void)state;
    struct graph g = begin_image(3, 6, 5);
    scalar(&g, "low", 0);
    scalar(&g, "high", 6);
    NODE(&g, "Clip", "clip", "x", "low", "high");
    finish(&g, "clip", 90, 3);
    check_ok(import_graph(&g, &model, &err), &err);
    assert_int_equal(model->net->layers[0].op, NET_RELU6);
    float_model_free(model);
    onnx_builder_free(g.b);
}

/* A value that an Add still needs is not changed by what stands behind it. */
static void a_shortcut_keeps_its_values_from_before_a_norm(void **state)
{
    double got[MAX_OUT], want[3] = {0};
    const float *x = some_input();
    (void)state;
    struct graph g = begin(2, (const int64_t[]){0, 4});
    FLOATS(&g, "w", 0, 4, 4);
    FLOATS(&g, "k", 2, 4);
    NODE(&g, "MatMul", "m", "x", "w");
    NODE(&g, "Mul", "scaled", "m", "k");
    NODE(&g, "Add", "sum", "m", "scaled");
    finish(&g, "sum", 4, 3);
    for (int o = 0; o < 4; o++) {
        double v = 0;
        for (int i = 0; i < 4; i++)
            v += (double)x[i] * (double)constant(&g, "w")[i * 4 + o];
        v += v * (double)constant(&g, "k")[o];
        for (int k = 0; k < 3; k++)
            want[k] += v * (double)constant(&g, "head_w")[k * 4 + o];
    }
    assert_int_equal(run(&g, x, got), 3);
    check_equal(got, want, 3);
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

static void a_branch_with_layers_is_refused(void **state)
{
    (void)state;
    struct graph g = begin_image(3, 6, 5);
    NODE(&g, "Relu", "relu", "x");
    FLOATS(&g, "w", 0, 3, 3, 1, 1);
    NODE(&g, "Conv", "bad", "x", "w");
    refuses(g, "node bad (Conv): it branches off behind the input; a network here is a chain");
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
    NODE(&g, "Clip", "bad", "x", "zero", "one");
    refuses(g, "node bad (Clip): it clips to 0 .. 1; supported are");
    g = begin_image(3, 6, 5);
    NODE(&g, "AveragePool", "bad", "x");
    INTS(&g, "kernel_shape", 3, 3);
    INTS(&g, "pads", 1, 1, 1, 1);
    refuses(g,
            "node bad (AveragePool): padding [1, 1, 1, 1]: average pooling is supported without");
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
        cmocka_unit_test(grouped_convolution_norm_and_gemm_are_what_they_are_defined_as),
        cmocka_unit_test(pooling_and_residual_are_what_they_are_defined_as),
        cmocka_unit_test(a_pad_node_is_padding_of_the_convolution),
        cmocka_unit_test(same_padding_is_what_it_says),
        cmocka_unit_test(four_ways_to_the_mean_of_an_image),
        cmocka_unit_test(nodes_that_do_nothing_do_nothing),
        cmocka_unit_test(a_shape_may_be_computed),
        cmocka_unit_test(matmul_and_add_are_a_gemm),
        cmocka_unit_test(a_keras_graph_takes_its_own_order),
        cmocka_unit_test(three_ways_to_normalize_the_input),
        cmocka_unit_test(clip_0_6_is_a_relu6),
        cmocka_unit_test(a_shortcut_keeps_its_values_from_before_a_norm),
        cmocka_unit_test(unsupported_operators_are_named_with_their_node),
        cmocka_unit_test(dilation_is_refused),
        cmocka_unit_test(ceil_mode_is_refused_where_it_changes_the_output),
        cmocka_unit_test(a_branch_with_layers_is_refused),
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
