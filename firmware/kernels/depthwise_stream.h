// SPDX-License-Identifier: Apache-2.0
/* Depthwise convolution with the instructions of version 2: what depthwise_stream.S and its caller
 * agree on. */
#ifndef MPQ_DEPTHWISE_STREAM_H
#define MPQ_DEPTHWISE_STREAM_H

/* Fields of struct depthwise_stream. */
#define DEPTHWISE_STREAM_WEIGHTS    0
#define DEPTHWISE_STREAM_PARAMS     4
#define DEPTHWISE_STREAM_OUT        8
#define DEPTHWISE_STREAM_OUT_STRIDE 12
#define DEPTHWISE_STREAM_PIXELS     16
#define DEPTHWISE_STREAM_COUNT      20
#define DEPTHWISE_STREAM_DOWN       24
#define DEPTHWISE_STREAM_KERNEL     28
#define DEPTHWISE_STREAM_TOP        32
#define DEPTHWISE_STREAM_TOP_STEP   36
#define DEPTHWISE_STREAM_HEIGHT     40
#define DEPTHWISE_STREAM_ROWS       44

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

enum { DEPTHWISE_STREAM_WIDEST = 7 };

struct depthwise_stream {
    const uint8_t *weights; /* a word a tap */
    const uint8_t *params;  /* MODEL_GROUP_BYTES */
    uint8_t *out;           /* the four channels in the first pixel */
    uint32_t out_stride;    /* bytes from pixel to pixel; a row follows the other */
    uint32_t pixels;        /* of a row, > 0 */
    uint32_t count;         /* of output rows, > 0 */
    uint32_t down;          /* bytes from a row's windows to the next one's */
    uint32_t kernel;        /* 3, 5 or 7: rows and taps of a row */
    int32_t top;            /* input row of the first window; padding above is negative */
    uint32_t top_step;      /* from output row to output row */
    uint32_t in_height;     /* kernel rows on padding add nothing and may be left out */
    const uint8_t *rows[DEPTHWISE_STREAM_WIDEST]; /* of the first window, a word a pixel */
};

#ifdef __riscv
_Static_assert(offsetof(struct depthwise_stream, weights) == DEPTHWISE_STREAM_WEIGHTS &&
                   offsetof(struct depthwise_stream, params) == DEPTHWISE_STREAM_PARAMS &&
                   offsetof(struct depthwise_stream, out) == DEPTHWISE_STREAM_OUT &&
                   offsetof(struct depthwise_stream, out_stride) == DEPTHWISE_STREAM_OUT_STRIDE &&
                   offsetof(struct depthwise_stream, pixels) == DEPTHWISE_STREAM_PIXELS &&
                   offsetof(struct depthwise_stream, count) == DEPTHWISE_STREAM_COUNT &&
                   offsetof(struct depthwise_stream, down) == DEPTHWISE_STREAM_DOWN &&
                   offsetof(struct depthwise_stream, kernel) == DEPTHWISE_STREAM_KERNEL &&
                   offsetof(struct depthwise_stream, top) == DEPTHWISE_STREAM_TOP &&
                   offsetof(struct depthwise_stream, top_step) == DEPTHWISE_STREAM_TOP_STEP &&
                   offsetof(struct depthwise_stream, in_height) == DEPTHWISE_STREAM_HEIGHT &&
                   offsetof(struct depthwise_stream, rows) == DEPTHWISE_STREAM_ROWS,
               "assembly knows other places");
#endif

/* Kernels of 3x3, and of 5x5 and 7x7; the number behind it is the stride. Stores four results for
 * each pixel, in the pixels' order. Reads up to two words behind a kernel row's last window. */
typedef void depthwise_stream_fn(const struct depthwise_stream *walk);
depthwise_stream_fn depthwise_stream_3x3_1, depthwise_stream_3x3_2;
depthwise_stream_fn depthwise_stream_wide_1, depthwise_stream_wide_2;
#endif

#endif
