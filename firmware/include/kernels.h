// SPDX-License-Identifier: Apache-2.0
/* The kernels: one operation each, in two tiers with equal results bit for bit. nn: the neural
 * instructions; rv32: plain RV32IMC C. Shapes, layouts and arithmetic: model_format.h. No
 * allocation, no checks: model_parse() has done them all. On a host without the instructions the nn
 * tier is built on an emulation (nn_insn.h, NN_EMULATE). */
#ifndef MPQ_KERNELS_H
#define MPQ_KERNELS_H

#include <stdint.h>
#include "model.h"

/* What a kernel works on. in, in2 and out are the buffers' bytes, 16-byte aligned; weights and
 * params 4-byte aligned; scratch is 16-byte aligned and has model_scratch_bytes(). in, out and
 * scratch overlap nothing, except in == out for ReLU and flatten, and in == out or in2 == out for
 * add. */
struct kernel_args {
    const struct model_layer *layer;
    const struct model_buffer *in_shape, *in2_shape, *out_shape;
    const uint8_t *in, *in2; /* in2 and its shape: add only, else NULL */
    uint8_t *out;
    const uint8_t *weights, *params;
    uint8_t *scratch;
};

typedef void kernel_fn(const struct kernel_args *args);

/* By weight width. */
kernel_fn conv2d_w8_nn, conv2d_w4_nn, conv2d_w2_nn;
kernel_fn fc_w8_nn, fc_w4_nn, fc_w2_nn;
/* Those that take the weights of any width, or none. avgpool_nn and maxpool_nn: layers that
 * avgpool_nn_fits() and maxpool_nn_fits() let through. */
kernel_fn depthwise_nn, add_nn, avgpool_nn, maxpool_nn;
kernel_fn conv2d_rv32, fc_rv32, depthwise_rv32, add_rv32, avgpool_rv32;
/* The others use no neural instruction; both tiers have them. */
kernel_fn maxpool, relu, flatten, argmax;

bool avgpool_nn_fits(const struct model_layer *layer);
bool maxpool_nn_fits(const struct model_layer *layer, const struct model_buffer *in);

/* What fc_w*_nn() would call for a layer on this core: who runs the layer often asks once. */
typedef kernel_fn *kernel_choose_fn(const struct kernel_args *args);
kernel_choose_fn fc_w8_nn_choose, fc_w4_nn_choose, fc_w2_nn_choose;

/* The kernel of a layer in a tier (enum proto_tier); NULL cannot happen for a parsed layer. */
kernel_fn *kernel_select(const struct kernel_args *args, unsigned tier);

#endif
