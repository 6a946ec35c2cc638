// SPDX-License-Identifier: Apache-2.0
/* The layers of a network as plain calls of the kernels (runtime/include/kernels.h), each one timed. Shapes are
 * height, width, channels; values are dense bytes in that order. Nothing is checked: mpq codegen has written the calls
 * from a model that it checked. */
#ifndef LAYERS_H
#define LAYERS_H

#include "kernels.h"

struct tensor {
    uint8_t *bytes; /* 16-byte aligned */
    struct model_buffer shape;
};

/* Geometry of a convolution or a pooling; pairs are height, width. */
struct window {
    uint8_t kernel[2], stride[2];
    uint8_t padding[4]; /* top, left, bottom, right */
    uint16_t groups;    /* of a convolution; as many as channels: depthwise */
};

/* Blocks as runtime/include/model_format.h defines them. */
struct weights {
    const uint32_t *words, *params;
    uint32_t words_bytes, params_bytes;
    uint8_t bits; /* 8, 4, 2; 0 for an addition, which has parameters only */
    bool relu;
};

enum { NO_RELU = 0, RELU = 1 };

/* The blocks NAME_weights of weights.h and NAME_params of scales.h. */
#define WEIGHTS(name, weight_bits, with_relu)                                                      \
    (&(const struct weights){name##_weights, name##_params, sizeof name##_weights,                 \
                             sizeof name##_params, weight_bits, with_relu})
#define PARAMS(name, with_relu)                                                                    \
    (&(const struct weights){(const uint32_t *)0, name##_params, 0, sizeof name##_params, 0,       \
                             with_relu})

#define TENSOR(address, h, w, c, with_sign)                                                        \
    (&(const struct tensor){address,                                                               \
                            {.height = h,                                                          \
                             .width = w,                                                           \
                             .channels = c,                                                        \
                             .is_signed = with_sign,                                               \
                             .size_bytes = (uint32_t)(h) * (w) * (c)}})
#define UINT8(address, h, w, c) TENSOR(address, h, w, c, false)
#define INT8(address, h, w, c)  TENSOR(address, h, w, c, true)
#define WINDOW(...)             (&(const struct window){__VA_ARGS__})

void layer_conv2d(const char *name, kernel_fn *kernel, const struct tensor *in,
                  const struct tensor *out, const struct window *window,
                  const struct weights *weights);
void layer_fc(const char *name, kernel_fn *kernel, const struct tensor *in,
              const struct tensor *out, const struct weights *weights);
void layer_maxpool(const char *name, kernel_fn *kernel, const struct tensor *in,
                   const struct tensor *out, const struct window *window);
void layer_avgpool(const char *name, kernel_fn *kernel, const struct tensor *in,
                   const struct tensor *out, const struct window *window);
/* out = a + b, each with its own scale. */
void layer_add(const char *name, kernel_fn *kernel, const struct tensor *a, const struct tensor *b,
               const struct tensor *out, const struct weights *params);
void layer_relu(const char *name, kernel_fn *kernel, const struct tensor *in,
                const struct tensor *out);
void layer_flatten(const char *name, kernel_fn *kernel, const struct tensor *in,
                   const struct tensor *out);
/* out: the number of the largest value, two bytes, little-endian. */
void layer_argmax(const char *name, kernel_fn *kernel, const struct tensor *in,
                  const struct tensor *out);

/* Scratch memory of the kernels: defined by the network. */
extern uint8_t *const layer_scratch;

/* Cycles of the layers that ran since layers_restart(). */
enum { LAYERS_MAX = MODEL_MAX_LAYERS };
struct layer_time {
    const char *name;
    uint32_t cycles;
};
extern struct layer_time layer_times[LAYERS_MAX];
extern unsigned layer_count;

void layers_restart(void);

#endif
