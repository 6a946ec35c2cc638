// SPDX-License-Identifier: Apache-2.0
/* The part of a convolution that all widths and tiers share: padding, making patches, walking
 * over the output. The arithmetic comes in as a function that computes four output channels of a
 * tile of pixels. */
#ifndef MPQ_CONV2D_H
#define MPQ_CONV2D_H

/* Fields of struct conv2d_group for assembly. */
#define CONV2D_GROUP_WEIGHTS    0
#define CONV2D_GROUP_PARAMS     4
#define CONV2D_GROUP_PATCH      8
#define CONV2D_GROUP_WORDS      12
#define CONV2D_GROUP_PATCH_SIZE 16
#define CONV2D_GROUP_PIXELS     20
#define CONV2D_GROUP_OUT        24
#define CONV2D_GROUP_OUT_STRIDE 28

#ifndef __ASSEMBLER__
#include <stddef.h>
#include "kernels.h"

/* How the words of a patch lie in rows of the input: columns, each of pieces, each of words that follow one another. Only
 * code that is made knows of it; for all other functions a patch is one piece. */
struct conv2d_pieces {
    uint32_t words;       /* of a piece */
    uint32_t count, step; /* of a column; bytes from one to the next */
    uint32_t columns, column_step;
};

/* Rows of pixels that are computed at once, their weights widened (conv2d_plane.h). Patches have one column. */
struct conv2d_rows {
    uint32_t count;
    uint32_t patch_step, out_step; /* bytes from row to row */
};

/* Four channels of some neighbouring pixels. */
struct conv2d_group {
    const uint8_t *weights; /* of the group */
    const uint8_t *params;  /* of the group, MODEL_GROUP_BYTES */
    const uint8_t *patch;   /* of the first pixel, at any address */
    uint32_t words;         /* of a row */
    uint32_t patch_size;    /* bytes from pixel to pixel */
    uint32_t pixels;
    uint8_t *out;         /* first channel of the group in the first pixel */
    uint32_t out_stride;  /* bytes from pixel to pixel */
    uint32_t group_bytes; /* of weights */
    uint8_t weight_bits;
    bool is_signed;                     /* activations are int8 */
    const struct conv2d_pieces *pieces; /* NULL: a patch is one */
    const struct conv2d_rows *rows;     /* NULL: there is one */
};

#ifdef __riscv
_Static_assert(offsetof(struct conv2d_group, weights) == CONV2D_GROUP_WEIGHTS &&
                   offsetof(struct conv2d_group, params) == CONV2D_GROUP_PARAMS &&
                   offsetof(struct conv2d_group, patch) == CONV2D_GROUP_PATCH &&
                   offsetof(struct conv2d_group, words) == CONV2D_GROUP_WORDS &&
                   offsetof(struct conv2d_group, patch_size) == CONV2D_GROUP_PATCH_SIZE &&
                   offsetof(struct conv2d_group, pixels) == CONV2D_GROUP_PIXELS &&
                   offsetof(struct conv2d_group, out) == CONV2D_GROUP_OUT &&
                   offsetof(struct conv2d_group, out_stride) == CONV2D_GROUP_OUT_STRIDE,
               "assembly knows other places");
#endif

/* Stores four results for each pixel, in the pixels' order. What it stores beyond the channels that
 * exist lies in the next pixel's place and is overwritten by that later. */
typedef void conv2d_group_fn(const struct conv2d_group *group);

/* Plain C. */
conv2d_group_fn conv2d_rv32_group;

/* The group number last of those that start with first, and count - 1 before it, down. */
typedef void conv2d_groups_fn(const struct conv2d_group *first, uint32_t last, uint32_t count);

/* Prepares for groups of this shape: of a group all but weights, params, patch and out counts. calls: how many of them
 * come. Returns what computes them until the next preparation, or NULL: nothing is there for such pieces. */
typedef conv2d_groups_fn *conv2d_make_fn(const struct conv2d_group *shape, uint32_t calls);

/* The whole layer. make_row: NULL, or for groups of whole rows. */
void conv2d_run(const struct kernel_args *args, conv2d_group_fn *compute, conv2d_make_fn *make_row);

#endif
#endif
