// SPDX-License-Identifier: Apache-2.0
/* The part of a convolution that all widths and tiers share: padding, gathering patches, walking
 * over the output. The arithmetic comes in as a function that computes four output channels of a
 * tile of pixels. */
#ifndef MPQ_CONV2D_H
#define MPQ_CONV2D_H

#include "kernels.h"

/* Four channels of some neighbouring pixels. */
struct conv2d_group {
    const uint8_t *weights; /* of the group */
    const uint8_t *params;  /* of the group, MODEL_GROUP_BYTES */
    const uint8_t *patch;   /* of the first pixel; 4-byte aligned rows of words */
    uint32_t words;         /* of a row */
    uint32_t patch_size;    /* bytes from pixel to pixel */
    uint32_t pixels;
    uint8_t *out;        /* first channel of the group in the first pixel */
    uint32_t out_stride; /* bytes from pixel to pixel */
    uint8_t weight_bits;
    bool is_signed; /* activations are int8 */
};

/* Stores four results for each pixel, in the pixels' order. What it stores beyond the channels that
 * exist lies in the next pixel's place and is overwritten by that later. */
typedef void conv2d_group_fn(const struct conv2d_group *group);

/* The whole layer. */
void conv2d_run(const struct kernel_args *args, conv2d_group_fn *compute);

#endif
