// SPDX-License-Identifier: Apache-2.0
/* From plain arguments to what the kernels take. */
#include <stddef.h>
#include "csr.h"
#include "layers.h"

struct layer_time layer_times[LAYERS_MAX];
unsigned layer_count;

void layers_restart(void)
{
    layer_count = 0;
}

static void run(const char *name, kernel_fn *kernel, const struct kernel_args *args)
{
    const uint32_t start = CSR_READ(CSR_MCYCLE);
    uint32_t cycles;

    kernel(args);
    cycles = CSR_READ(CSR_MCYCLE) - start;
    if (layer_count < LAYERS_MAX)
        layer_times[layer_count++] = (struct layer_time){name, cycles};
}

/* window and weights: NULL where the layer has none. */
static struct model_layer make_layer(uint8_t op, const struct window *window,
                                     const struct weights *weights)
{
    struct model_layer layer = {.op = op};

    if (window) {
        layer.groups = window->groups;
        layer.kernel_h = window->kernel[0];
        layer.kernel_w = window->kernel[1];
        layer.stride_h = window->stride[0];
        layer.stride_w = window->stride[1];
        layer.pad_top = window->padding[0];
        layer.pad_left = window->padding[1];
        layer.pad_bottom = window->padding[2];
        layer.pad_right = window->padding[3];
    }
    if (weights) {
        layer.weight_bits = weights->bits;
        layer.relu = weights->relu;
        layer.weight_bytes = weights->words_bytes;
        layer.param_bytes = weights->params_bytes;
    }
    return layer;
}

static struct kernel_args make_args(const struct model_layer *layer, const struct tensor *in,
                                    const struct tensor *out, const struct weights *weights)
{
    return (struct kernel_args){
        .layer = layer,
        .in_shape = &in->shape,
        .out_shape = &out->shape,
        .in = in->bytes,
        .out = out->bytes,
        .weights = weights ? (const uint8_t *)weights->words : NULL,
        .params = weights ? (const uint8_t *)weights->params : NULL,
        .scratch = layer_scratch,
    };
}

void layer_conv2d(const char *name, kernel_fn *kernel, const struct tensor *in,
                  const struct tensor *out, const struct window *window,
                  const struct weights *weights)
{
    const struct model_layer layer = make_layer(OP_CONV2D, window, weights);
    const struct kernel_args args = make_args(&layer, in, out, weights);

    run(name, kernel, &args);
}

void layer_fc(const char *name, kernel_fn *kernel, const struct tensor *in,
              const struct tensor *out, const struct weights *weights)
{
    const struct model_layer layer = make_layer(OP_FC, NULL, weights);
    const struct kernel_args args = make_args(&layer, in, out, weights);

    run(name, kernel, &args);
}

void layer_add(const char *name, kernel_fn *kernel, const struct tensor *a, const struct tensor *b,
               const struct tensor *out, const struct weights *params)
{
    const struct model_layer layer = make_layer(OP_ADD, NULL, params);
    struct kernel_args args = make_args(&layer, a, out, params);

    args.in2 = b->bytes;
    args.in2_shape = &b->shape;
    run(name, kernel, &args);
}

void layer_maxpool(const char *name, kernel_fn *kernel, const struct tensor *in,
                   const struct tensor *out, const struct window *window)
{
    const struct model_layer layer = make_layer(OP_MAXPOOL, window, NULL);
    const struct kernel_args args = make_args(&layer, in, out, NULL);

    run(name, kernel, &args);
}

void layer_avgpool(const char *name, kernel_fn *kernel, const struct tensor *in,
                   const struct tensor *out, const struct window *window)
{
    const struct model_layer layer = make_layer(OP_AVGPOOL, window, NULL);
    const struct kernel_args args = make_args(&layer, in, out, NULL);

    run(name, kernel, &args);
}

void layer_relu(const char *name, kernel_fn *kernel, const struct tensor *in,
                const struct tensor *out)
{
    const struct model_layer layer = make_layer(OP_RELU, NULL, NULL);
    const struct kernel_args args = make_args(&layer, in, out, NULL);

    run(name, kernel, &args);
}

void layer_flatten(const char *name, kernel_fn *kernel, const struct tensor *in,
                   const struct tensor *out)
{
    const struct model_layer layer = make_layer(OP_FLATTEN, NULL, NULL);
    const struct kernel_args args = make_args(&layer, in, out, NULL);

    run(name, kernel, &args);
}

void layer_argmax(const char *name, kernel_fn *kernel, const struct tensor *in,
                  const struct tensor *out)
{
    const struct model_layer layer = make_layer(OP_ARGMAX, NULL, NULL);
    const struct kernel_args args = make_args(&layer, in, out, NULL);

    run(name, kernel, &args);
}
