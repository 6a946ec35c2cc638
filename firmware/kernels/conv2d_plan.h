// SPDX-License-Identifier: Apache-2.0
/* How convolutions use their scratch. Shared by the kernels and by the scratch planner; knows no
 * arithmetic.
 *
 * Convolution: the band, kernel_h rows of the padded input (only with padding), then a tile of
 * patches. A patch is the row of K bytes that one output pixel sees; a tile is some pixels that
 * follow one another in the output.
 * Depthwise: the weights of four channels as words of four int8, one a tap; then these channels, one
 * word a pixel: the whole padded plane if it is small, else a band. */
#ifndef MPQ_CONV2D_PLAN_H
#define MPQ_CONV2D_PLAN_H

#include <stdbool.h>
#include "model.h"

enum {
    CONV2D_TILE_BYTES = 2048, /* a tile holds at least one patch, and no more than fit into this */
    CONV2D_SLACK = 16,        /* behind each row and patch, for copies that overshoot */
    DEPTHWISE_PLANE_BYTES = 8192, /* the largest plane that is copied whole */
};

struct conv2d_plan {
    bool padded;         /* rows are copied into the band */
    bool direct;         /* 1x1 kernel on whole words: patches are the input itself */
    uint32_t row_bytes;  /* from one row of the (padded) input to the next */
    uint64_t band_size;  /* bytes of scratch; 0 if not padded */
    uint32_t patch_size; /* bytes from one patch of a tile to the next */
    uint32_t tile_pixels;
    uint32_t tile_size; /* bytes of scratch */
};

static inline struct conv2d_plan conv2d_plan_make(const struct model_layer *layer,
                                                  const struct model_buffer *in,
                                                  const struct model_buffer *out)
{
    struct conv2d_plan plan = {0};
    const uint32_t width = (uint32_t)in->width + layer->pad_left + layer->pad_right;
    const bool whole_words = in->channels % (4u * layer->groups) == 0;

    plan.padded = layer->pad_top || layer->pad_left || layer->pad_bottom || layer->pad_right;
    plan.direct = !plan.padded && layer->kernel_h == 1 && layer->kernel_w == 1 && whole_words;
    plan.row_bytes = width * in->channels;
    if (plan.padded)
        plan.row_bytes = (plan.row_bytes + CONV2D_SLACK + 15) & ~15u;
    plan.band_size = plan.padded ? (uint64_t)layer->kernel_h * plan.row_bytes : 0;
    if (plan.direct) {
        plan.patch_size = (uint32_t)layer->stride_w * in->channels;
        plan.tile_pixels = out->width;
        return plan;
    }
    plan.patch_size = model_row_words(layer, in) * 4 + CONV2D_SLACK;
    plan.tile_pixels = CONV2D_TILE_BYTES / plan.patch_size;
    if (plan.tile_pixels < 1)
        plan.tile_pixels = 1;
    if (plan.tile_pixels > (uint32_t)out->height * out->width)
        plan.tile_pixels = (uint32_t)out->height * out->width;
    plan.tile_size = plan.tile_pixels * plan.patch_size;
    return plan;
}

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
