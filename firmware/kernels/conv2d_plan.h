// SPDX-License-Identifier: Apache-2.0
/* How convolutions use their scratch. Shared by the kernels and by the scratch planner; knows no
 * arithmetic.
 *
 * Convolution: what one row of output sees, by columns of the padded input: kernel_h * channels
 * bytes each, filled up as the columns of weights are, one after the other. The patch of an output pixel is kernel_w of them, the next
 * pixel's starts stride_w columns later. In groups: the channels of one. Or a band of rows of the padded input; on a
 * plane widened weights in front of it.
 * Depthwise: the weights of four channels as words of four int8, one a tap; then these channels, one
 * word a pixel: the whole padded plane if it is small, else a band. */
#ifndef MPQ_CONV2D_PLAN_H
#define MPQ_CONV2D_PLAN_H

#include <stdbool.h>
#include "model.h"

enum {
    CONV2D_SLACK = 16,            /* behind the last column, for words of the last patch */
    DEPTHWISE_PLANE_BYTES = 8192, /* the largest plane that is copied whole */

    /* Of code that is made (conv2d_jit.c): pixels of a tile, and within how many bytes their patches must lie. */
    CONV2D_TILE_PIXELS = 8,
    CONV2D_REACH = 4092,
    CONV2D_BAND = 8192, /* the largest band of rows */

    /* Of convolutions on a plane (conv2d_plane.c): words of a patch, zeros in front of the weights, their bytes. */
    CONV2D_PLANE_WORDS = 16,
    CONV2D_PLANE_LEAD = 16,
    CONV2D_PLANE_WEIGHTS = 4096,
};

/* Whether pixels of neighbouring rows follow one another in the input, so that all count as one row. */
static inline bool conv2d_is_one_row(const struct model_layer *layer)
{
    return layer->kernel_h == 1 && layer->kernel_w == 1 && layer->stride_h == 1 &&
           layer->stride_w == 1 && !model_is_padded(layer);
}

struct conv2d_plan {
    bool direct;           /* patches are the input as it stands */
    uint32_t column_bytes; /* from column to column */
    uint32_t patch_size;   /* bytes from one pixel's patch to the next */
    uint64_t size;         /* bytes of scratch, a multiple of 16 */
};

static inline struct conv2d_plan conv2d_plan_make(const struct model_layer *layer,
                                                  const struct model_buffer *in)
{
    struct conv2d_plan plan = {0};
    const uint32_t width = (uint32_t)in->width + layer->pad_left + layer->pad_right;

    plan.direct = !model_is_padded(layer) && layer->kernel_h == 1 &&
                  (layer->kernel_w == 1 || layer->groups == 1);
    plan.column_bytes =
        model_column_elements(layer->kernel_h, model_group_part(layer, in->channels));
    if (plan.direct) {
        plan.patch_size = (uint32_t)layer->stride_w * in->channels;
    } else {
        plan.patch_size = layer->stride_w * plan.column_bytes;
        plan.size = ((uint64_t)width * plan.column_bytes + CONV2D_SLACK + 15) & ~15ull;
    }
    return plan;
}

/* Bands of rows of the padded input as they stand, with patches in pieces of them. */
struct conv2d_rows_plan {
    bool fits;
    uint32_t margin;    /* bytes of padding in front of a row */
    uint32_t row_bytes; /* a multiple of 4 */
    uint32_t rows;      /* of results that a band is for */
    uint32_t band_size; /* bytes of scratch, a multiple of 4; 0: no padding, the input itself */
};

/* For patches of whole words. */
struct conv2d_rows_plan conv2d_rows_plan_make(const struct model_layer *layer,
                                              const struct model_buffer *in,
                                              const struct model_buffer *out);

struct conv2d_plane_plan {
    bool fits;
    uint32_t period;    /* pixels after which patches begin at the same byte of a word: 1, 2, 4 */
    uint32_t lead;      /* bytes in front of a row's padding, so that the input begins at a word */
    uint32_t margin;    /* lead and padding */
    uint32_t row_bytes; /* a multiple of 4 */
    uint32_t piece_words; /* of a kernel row, wherever it begins */
    uint32_t group_bytes; /* widened weights of a group */
    uint32_t weight_size; /* bytes of scratch, a multiple of 16 */
    uint32_t rows;        /* of results that a band is for */
    uint32_t band_size;   /* bytes of scratch behind the weights, a multiple of 4 */
};

struct conv2d_plane_plan conv2d_plane_plan_make(const struct model_layer *layer,
                                                const struct model_buffer *in,
                                                const struct model_buffer *out);

struct depthwise_plan {
    uint32_t taps;
    uint32_t weight_size; /* bytes of scratch */
    uint32_t row_bytes;   /* of the band or plane */
    bool whole;           /* the plane */
    uint32_t band_size;   /* bytes of scratch */
};

static inline struct depthwise_plan depthwise_plan_make(const struct model_layer *layer,
                                                        const struct model_buffer *in)
{
    const uint32_t width = (uint32_t)in->width + layer->pad_left + layer->pad_right;
    const uint32_t height = (uint32_t)in->height + layer->pad_top + layer->pad_bottom;
    struct depthwise_plan plan;

    plan.taps = (uint32_t)layer->kernel_h * layer->kernel_w;
    plan.weight_size = (4 * plan.taps + 15) & ~15u;
    plan.row_bytes = 4 * width;
    plan.whole = height * plan.row_bytes <= DEPTHWISE_PLANE_BYTES;
    plan.band_size = (plan.whole ? height : layer->kernel_h) * plan.row_bytes;
    return plan;
}

#endif
