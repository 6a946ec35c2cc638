// SPDX-License-Identifier: Apache-2.0
/* 3x3 depthwise convolution of four channels: what depthwise_3x3_nn.S and its caller agree on. */
#ifndef MPQ_DEPTHWISE_3X3_H
#define MPQ_DEPTHWISE_3X3_H

/* Fields of struct depthwise_3x3. */
#define DEPTHWISE_3X3_WEIGHTS    0
#define DEPTHWISE_3X3_PARAMS     4
#define DEPTHWISE_3X3_FIRST      8
#define DEPTHWISE_3X3_TO_SECOND  12
#define DEPTHWISE_3X3_TO_THIRD   16
#define DEPTHWISE_3X3_DOWN       20
#define DEPTHWISE_3X3_COUNT      24
#define DEPTHWISE_3X3_OUT        28
#define DEPTHWISE_3X3_OUT_STRIDE 32
#define DEPTHWISE_3X3_OUT_ROW    36

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* Used up by the call. */
struct depthwise_3x3 {
    const uint8_t *weights;       /* nine words */
    const uint8_t *params;        /* MODEL_GROUP_BYTES */
    const uint8_t *first;         /* first window, a word a pixel */
    uint32_t to_second, to_third; /* bytes from its first row to the other two */
    uint32_t down;                /* bytes to the first window of the next row of output */
    uint32_t count;               /* of output rows */
    uint8_t *out;                 /* the four channels in the first pixel */
    uint32_t out_stride, out_row; /* bytes from pixel to pixel, in a row; pixels > 0 */
};

#ifdef __riscv
_Static_assert(offsetof(struct depthwise_3x3, weights) == DEPTHWISE_3X3_WEIGHTS &&
                   offsetof(struct depthwise_3x3, params) == DEPTHWISE_3X3_PARAMS &&
                   offsetof(struct depthwise_3x3, first) == DEPTHWISE_3X3_FIRST &&
                   offsetof(struct depthwise_3x3, to_second) == DEPTHWISE_3X3_TO_SECOND &&
                   offsetof(struct depthwise_3x3, to_third) == DEPTHWISE_3X3_TO_THIRD &&
                   offsetof(struct depthwise_3x3, down) == DEPTHWISE_3X3_DOWN &&
                   offsetof(struct depthwise_3x3, count) == DEPTHWISE_3X3_COUNT &&
                   offsetof(struct depthwise_3x3, out) == DEPTHWISE_3X3_OUT &&
                   offsetof(struct depthwise_3x3, out_stride) == DEPTHWISE_3X3_OUT_STRIDE &&
                   offsetof(struct depthwise_3x3, out_row) == DEPTHWISE_3X3_OUT_ROW,
               "assembly knows other places");
#endif

/* Stores four results for each pixel, in the pixels' order. Stride: of the window, both ways. */
void depthwise_nn_3x3_stride_1(struct depthwise_3x3 *walk);
void depthwise_nn_3x3_stride_2(struct depthwise_3x3 *walk);
#endif

#endif
