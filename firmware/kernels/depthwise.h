// SPDX-License-Identifier: Apache-2.0
/* The part of a depthwise convolution that both tiers share: widening the weights, the band of four
 * channels, walking over the output. The arithmetic comes in as a function that computes four
 * channels of some rows of output. */
#ifndef MPQ_DEPTHWISE_H
#define MPQ_DEPTHWISE_H

#include "kernels.h"

struct depthwise_rows {
    const uint8_t *weights; /* a word a tap, byte i: channel 4g+i, int8 */
    const uint8_t *params;  /* of the group, MODEL_GROUP_BYTES */
    /* The band: kernel_h rows from first on, after the last one before ring_end goes on at ring. A
     * word a pixel, byte i: channel 4g+i. */
    const uint8_t *first, *ring, *ring_end;
    uint32_t row_bytes;
    uint32_t kernel_h, kernel_w;
    uint32_t in_height;
    int top;         /* input row that first stands for; padding above is negative */
    int top_step;    /* from output row to output row */
    uint32_t count;  /* of output rows; more than one only where first + kernel rows never wrap */
    uint32_t down;   /* bytes of the band from row to row */
    uint32_t step;   /* bytes of the band from pixel to pixel */
    uint32_t offset; /* of the first pixel's window in its rows */
    uint32_t pixels;
    uint8_t *out;        /* first channel of the group in the first pixel */
    uint32_t out_stride; /* bytes from pixel to pixel */
    bool is_signed;      /* activations are int8 */
};

static inline const uint8_t *depthwise_next(const struct depthwise_rows *rows, const uint8_t *at)
{
    at += rows->row_bytes;
    return at >= rows->ring_end ? at - (rows->ring_end - rows->ring) : at;
}

/* Stores four results for each pixel, in the pixels' order, as conv2d_group_fn does. */
typedef void depthwise_rows_fn(const struct depthwise_rows *rows);

/* The weights of a group as words of four int8: where they are, or in scratch. */
const uint8_t *depthwise_widen(const uint8_t *packed, unsigned bits, uint32_t taps,
                               uint8_t *scratch);

/* The whole layer. */
void depthwise_run(const struct kernel_args *args, depthwise_rows_fn *compute);

#endif
