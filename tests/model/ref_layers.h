// SPDX-License-Identifier: Apache-2.0
/* Oracle of the layer operations: naive loops on plain arrays, and the same on the layers of a
 * parsed container. Shares no code with firmware/ and host/; of model.h and model_format.h it
 * takes struct and constant definitions only. Runs on the host and on the core; no allocation,
 * no globals. */
#ifndef MPQ_REF_LAYERS_H
#define MPQ_REF_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model.h"

/* Dense activations [height][width][channels], uint8 or int8. */
struct ref_tensor {
    uint8_t *bytes;
    int height, width, channels;
    bool is_signed;
};

/* Parameters of one output channel. */
struct ref_channel {
    int bias;       /* -128..127 */
    int bias_shift; /* 0..31 */
    int multiplier; /* 0..255 */
    int shift;      /* 0..31 */
};

/* Weighted layer on plain arrays. Convolution: rows in the order (ky, kx, input channel), with the
 * input channels of the output channel's group only. */
struct ref_weights {
    const int8_t *weight; /* [out_count][row_count] */
    const struct ref_channel *channels;
    int out_count, row_count;
    bool relu;              /* results 0..255, else -128..127 */
    int groups;             /* of a convolution; 0 means 1 */
    bool depthwise;         /* more than one group, each of one input and one output channel */
    int kernel_h, kernel_w; /* of a convolution; 0 means 1 */
};

/* Residual addition: ma * a + mb * b, requantized. */
struct ref_add {
    int ma, mb;                 /* 0..127 */
    struct ref_channel channel; /* multiplier and shift; no bias */
    bool relu;
};

struct ref_window {
    int kernel_h, kernel_w, stride_h, stride_w;
    int pad_top, pad_left, pad_bottom, pad_right;
};

/* The value that neur_res makes of an accumulator; acc is reduced to 32 bits first. */
int ref_requantize(int64_t acc, const struct ref_channel *channel, bool relu);

/* Output size of a window operation in one direction. */
int ref_window_count(int size, int kernel, int stride, int pad);

/* All: out has its shape set and bytes to write to; in and out do not overlap, but for ref_add(). */
void ref_conv2d(const struct ref_tensor *in, const struct ref_weights *weights,
                const struct ref_window *window, struct ref_tensor *out);
void ref_fc(const struct ref_tensor *in, const struct ref_weights *weights, struct ref_tensor *out);
void ref_add(const struct ref_tensor *a, const struct ref_tensor *b, const struct ref_add *add,
             struct ref_tensor *out);
void ref_maxpool(const struct ref_tensor *in, const struct ref_window *window,
                 struct ref_tensor *out);
void ref_avgpool(const struct ref_tensor *in, const struct ref_window *window,
                 struct ref_tensor *out);
void ref_relu(const struct ref_tensor *in, struct ref_tensor *out);
void ref_flatten(const struct ref_tensor *in, struct ref_tensor *out);

/* Index of the largest element; the first one wins. */
int ref_argmax(const struct ref_tensor *in);

/* The container's words, bit by bit from the description in model_format.h. weight
 * [out_count][row_count]; packed: ref_packed_bytes(). Packing writes 0 in places of no weight.
 * Unpacking takes the shape from weights and writes to weight. */
size_t ref_packed_bytes(const struct ref_weights *weights, int bits);
void ref_pack_weights(const struct ref_weights *weights, int bits, uint8_t *packed);
void ref_unpack_weights(const struct ref_weights *weights, const uint8_t *packed, int bits,
                        int8_t *weight);

/* Parameter groups, MODEL_GROUP_BYTES for each four channels. */
size_t ref_param_bytes(const struct ref_weights *weights);
void ref_pack_params(const struct ref_weights *weights, int bits, bool in_signed, uint8_t *params);
void ref_unpack_params(const struct ref_weights *weights, const uint8_t *params,
                       struct ref_channel *channels);

/* The parameter group of an addition. */
void ref_pack_add(const struct ref_add *add, uint8_t *params);
void ref_unpack_add(const uint8_t *params, struct ref_add *add);

/* Room for a container layer's decoded parameters. */
struct ref_workspace {
    int8_t *weight;
    size_t weight_room; /* elements */
    struct ref_channel *channels;
    size_t channel_room;
};

/* Runs layer `index` of a parsed container on arena (arena_bytes); writes the out buffer's bytes
 * only. False if the workspace is too small: nothing happened. In place or not. */
bool ref_run_layer(const struct model *model, unsigned index, uint8_t *arena,
                   const struct ref_workspace *workspace);

/* All layers in order with a workspace of its own; host only (ref_model.c). False: no memory. */
bool ref_run_model(const struct model *model, uint8_t *arena);

#endif
