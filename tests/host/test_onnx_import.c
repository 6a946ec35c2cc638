// SPDX-License-Identifier: Apache-2.0
/* ONNX import: operators against loops written down from their definition, and against each other. */
#include "host/onnx_graph.h"

#include <math.h>

#include "host/naive_net.h"

enum { MAX_OUT = 16 };

/* ---- Running them ---- */

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
    static float values[GRAPH_MAX_ELEMENTS];
    struct rng rng;
    rng_init(&rng, 9, 0);
    for (int i = 0; i < GRAPH_MAX_ELEMENTS; i++)
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

/* Zeros of padding [1, 0, 2, 1] count; windows of 3 by 2, stride 2 by 1. */
static void a_mean_that_counts_its_padding_is_what_it_is_defined_as(void **state)
{
    enum { ROWS = 4, COLUMNS = 5, MEANS = 3 * 5 };
    const float *x = some_input();
    struct graph g = begin_image(2, ROWS, COLUMNS);
    double want[2] = {0}, got[MAX_OUT];
    (void)state;
    NODE(&g, "AveragePool", "mean", "x");
    INTS(&g, "kernel_shape", 3, 2);
    INTS(&g, "strides", 2, 1);
    INTS(&g, "pads", 1, 0, 2, 1);
    onnx_build_int(g.b, "count_include_pad", 1);
    finish(&g, "mean", 2 * MEANS, 2);
    for (int i = 0; i < 2 * MEANS; i++) {
        double mean = 0;
        for (int k = 0; k < 6; k++) {
            const int row = 2 * (i / 5 % 3) - 1 + k / 2, column = i % 5 + k % 2;
            if (row >= 0 && row < ROWS && column < COLUMNS)
                mean += (double)x[i / MEANS * ROWS * COLUMNS + row * COLUMNS + column] / 6;
        }
        for (int k = 0; k < 2; k++)
            want[k] += mean * (double)constant(&g, "head_w")[k * 2 * MEANS + i];
    }
    assert_int_equal(run(&g, x, got), 2);
    check_equal(got, want, 2);
}

/* x to 3 channels by a norm behind a convolution, and by a convolution of its own, as ResNet has it;
 * weights of 1 by 1 pixels. first: the shortcut's node comes first. */
static void check_projection(bool first)
{
    enum { IN = 2, MID = 3, AREA = 4 * 4, SMALL = 2 * 2 };
    const float *x = some_input();
    struct graph g = begin_image(IN, 4, 4);
    double want[2] = {0}, got[MAX_OUT];
    FLOATS(&g, "w", 0, MID, IN, 1, 1);
    FLOATS(&g, "p", 0, MID, IN, 1, 1);
    FLOATS(&g, "scale", 1, MID);
    FLOATS(&g, "zero", 0, MID);
    FLOATS(&g, "one", 2, MID);
    for (int i = 0; i < 2; i++) {
        NODE(&g, "Conv", i == first ? "main" : "short", "x", i == first ? "w" : "p");
        INTS(&g, "strides", 2, 2);
    }
    NODE(&g, "BatchNormalization", "norm", "main", "scale", "zero", "zero", "one");
    NODE(&g, "Add", "sum", "norm", "short");
    NODE(&g, "Relu", "relu", "sum");
    finish(&g, "relu", MID * SMALL, 2);
    for (int i = 0; i < MID * SMALL; i++) {
        const int o = i / SMALL, pixel = i % SMALL / 2 * 2 * 4 + i % 2 * 2;
        double main = 0, aside = 0;
        for (int c = 0; c < IN; c++) {
            main += (double)constant(&g, "w")[o * IN + c] * (double)x[c * AREA + pixel];
            aside += (double)constant(&g, "p")[o * IN + c] * (double)x[c * AREA + pixel];
        }
        const double zero = (double)constant(&g, "zero")[o];
        const double norm = (main - zero) / sqrt((double)constant(&g, "one")[o] + 1e-5) *
                                (double)constant(&g, "scale")[o] +
                            zero;
        for (int k = 0; k < 2; k++)
            want[k] += fmax(norm + aside, 0) * (double)constant(&g, "head_w")[k * MID * SMALL + i];
    }
    assert_int_equal(run(&g, x, got), 2);
    check_equal(got, want, 2);
}

static void a_shortcut_with_a_convolution_is_what_it_is_defined_as(void **state)
{
    (void)state;
    check_projection(false);
    check_projection(true);
}

/* ---- Against each other ---- */

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

static void a_pad_node_counts_in_a_mean(void **state)
{
    (void)state;
    struct graph a = begin_image(3, 6, 5), b = begin_image(3, 6, 5);
    numbers(&a, "pads", 8, (const int64_t[]){0, 0, 1, 1, 0, 0, 1, 1});
    NODE(&a, "Pad", "pad", "x", "pads");
    NODE(&a, "AveragePool", "mean", "pad");
    INTS(&a, "kernel_shape", 2, 3);
    NODE(&b, "AveragePool", "mean", "x");
    INTS(&b, "kernel_shape", 2, 3);
    INTS(&b, "pads", 1, 1, 1, 1);
    onnx_build_int(b.b, "count_include_pad", 1);
    finish(&a, "mean", 3 * 7 * 5, 3);
    finish(&b, "mean", 3 * 7 * 5, 3);
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

/* clip(m) of a MatMul m, or m + clip(m), where m must stay as it is; NAN: no limit. */
static void check_clip(double low, double high, bool with_shortcut, bool as_max_and_min)
{
    double got[MAX_OUT], want[3] = {0};
    const float *x = some_input();
    struct graph g = begin(2, (const int64_t[]){0, 4});
    FLOATS(&g, "w", 0, 4, 4);
    scalar(&g, "low", (float)low);
    scalar(&g, "high", (float)high);
    NODE(&g, "MatMul", "m", "x", "w");
    if (as_max_and_min) {
        NODE(&g, "Max", "at_least", "m", "low");
        NODE(&g, "Min", "clip", "at_least", "high");
    } else {
        NODE(&g, "Clip", "clip", "m", isnan(low) ? "" : "low", isnan(high) ? "" : "high");
    }
    if (with_shortcut)
        NODE(&g, "Add", "sum", "m", "clip");
    finish(&g, with_shortcut ? "sum" : "clip", 4, 3);
    for (int o = 0; o < 4; o++) {
        double m = 0;
        for (int i = 0; i < 4; i++)
            m += (double)x[i] * (double)constant(&g, "w")[i * 4 + o];
        const double v = fmin(fmax(m, low), high) + (with_shortcut ? m : 0);
        for (int k = 0; k < 3; k++)
            want[k] += v * (double)constant(&g, "head_w")[k * 4 + o];
    }
    assert_int_equal(run(&g, x, got), 3);
    check_equal(got, want, 3);
}

static void clips_to_any_limits_are_what_they_say(void **state)
{
    static const struct {
        double low, high;
    } table[] = {{0, 6},
                 {0, 0.25},
                 {-0.25, 0.125},
                 {0.125, 1},
                 {-0.125, (double)NAN},
                 {(double)NAN, 0.125},
                 {(double)NAN, (double)NAN},
                 {0, (double)INFINITY},
                 {(double)-INFINITY, 0.125}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        check_clip(table[i].low, table[i].high, false, false);
        check_clip(table[i].low, table[i].high, true, false);
        if (isfinite(table[i].low) && isfinite(table[i].high))
            check_clip(table[i].low, table[i].high, true, true);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grouped_convolution_norm_and_gemm_are_what_they_are_defined_as),
        cmocka_unit_test(pooling_and_residual_are_what_they_are_defined_as),
        cmocka_unit_test(a_mean_that_counts_its_padding_is_what_it_is_defined_as),
        cmocka_unit_test(a_shortcut_with_a_convolution_is_what_it_is_defined_as),
        cmocka_unit_test(a_pad_node_is_padding_of_the_convolution),
        cmocka_unit_test(a_pad_node_counts_in_a_mean),
        cmocka_unit_test(same_padding_is_what_it_says),
        cmocka_unit_test(four_ways_to_the_mean_of_an_image),
        cmocka_unit_test(nodes_that_do_nothing_do_nothing),
        cmocka_unit_test(a_shape_may_be_computed),
        cmocka_unit_test(matmul_and_add_are_a_gemm),
        cmocka_unit_test(a_keras_graph_takes_its_own_order),
        cmocka_unit_test(three_ways_to_normalize_the_input),
        cmocka_unit_test(clip_0_6_is_a_relu6),
        cmocka_unit_test(clips_to_any_limits_are_what_they_say),
        cmocka_unit_test(a_shortcut_keeps_its_values_from_before_a_norm),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
