// SPDX-License-Identifier: Apache-2.0
/* ONNX graphs made by hand, with random constants, and their import; for tests of what comes out
 * and of what is refused. */
#ifndef MPQ_TEST_ONNX_GRAPH_H
#define MPQ_TEST_ONNX_GRAPH_H

#include "host/scratch.h"

#include "base/rng.h"
#include "onnx/onnx_build.h"
#include "onnx/onnx_model.h"

enum { FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, INT64 = ONNX__TENSOR_PROTO__DATA_TYPE__INT64 };
enum { GRAPH_MAX_ELEMENTS = 4096 };

/* ---- Making graphs ---- */

struct graph {
    struct onnx_builder *b;
    struct rng rng;
};

static inline struct graph begin(int rank, const int64_t *dims)
{
    struct graph g = {.b = onnx_builder_create("t", 13)};
    assert_non_null(g.b);
    rng_init(&g.rng, 5, 0);
    onnx_build_input(g.b, "x", rank, dims);
    return g;
}

static inline struct graph begin_image(int64_t c, int64_t h, int64_t w)
{
    return begin(4, (const int64_t[]){0, c, h, w});
}

/* Random numbers round middle. */
static inline const char *random_floats(struct graph *g, const char *name, int rank,
                                        const int64_t *dims, double middle)
{
    float values[GRAPH_MAX_ELEMENTS];
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    assert_true(count <= GRAPH_MAX_ELEMENTS);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)middle + 0.3f * rng_normal(&g->rng);
    return onnx_build_tensor(g->b, name, FLOAT, rank, dims, values, count * sizeof *values);
}

#define FLOATS(g, name, middle, ...)                                                               \
    random_floats(g, name, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),              \
                  (const int64_t[]){__VA_ARGS__}, middle)

static inline const char *numbers(struct graph *g, const char *name, int count,
                                  const int64_t *values)
{
    const int64_t n = count;
    return onnx_build_tensor(g->b, name, INT64, 1, &n, values, (size_t)count * sizeof *values);
}

static inline const char *scalar(struct graph *g, const char *name, float value)
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
static inline void finish(struct graph *g, const char *value, int64_t count, int64_t outputs)
{
    const char *flat = NODE(g, "Flatten", "flatten", value);
    const char *w = FLOATS(g, "head_w", 0, outputs, count);
    NODE(g, "Gemm", "head", flat, w);
    onnx_build_int(g->b, "transB", 1);
    onnx_build_output(g->b, "head", FLOAT, 2, (const int64_t[]){0, outputs});
}

/* ---- Running them ---- */

static inline enum status import_with(struct graph *g, const struct onnx_import_options *options,
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

static inline enum status import_graph(struct graph *g, struct float_model **out, struct error *err)
{
    const struct onnx_import_options options = {.label = "t.onnx", .folder = "."};
    return import_with(g, &options, out, err);
}

static inline struct graph small_conv(const char *input, int64_t pad, struct graph g)
{
    FLOATS(&g, "w", 0, 4, 3, 3, 3);
    NODE(&g, "Conv", "conv", input, "w");
    INTS(&g, "pads", pad, pad, pad, pad);
    return g;
}

#endif
