// SPDX-License-Identifier: Apache-2.0
/* How a convolution uses its scratch: the zero-padded input plane (only with padding), then a tile
 * of patches. A patch is the row of K bytes that one output pixel sees; a tile is some pixels of
 * one output row. Shared by the kernels and by the scratch planner; knows no arithmetic. */
#ifndef MPQ_CONV2D_PLAN_H
#define MPQ_CONV2D_PLAN_H

#include <stdbool.h>
#include "model.h"

enum {
    CONV2D_TILE_BYTES = 4096, /* a tile holds at least one patch, and no more than fit into this */
    CONV2D_PATCH_SLACK = 16,  /* behind each patch, for copies that overshoot */
};

struct conv2d_plan {
    bool padded;         /* the plane is a copy with zero borders */
    bool direct;         /* 1x1 kernel on whole words: patches are the input itself */
    uint32_t plane_row;  /* bytes of a row of the plane */
    uint32_t plane_size; /* bytes of the copy, 16-byte multiple with slack; 0 if not padded */
    uint32_t patch_size; /* bytes from one patch of a tile to the next */
    uint32_t tile_pixels;
    uint32_t tile_size; /* bytes of scratch */
};

/* Fits 32 bits for every shape that model_parse() lets through: it refuses larger planes. */
static inline struct conv2d_plan conv2d_plan_make(const struct model_layer *layer,
                                                  const struct model_buffer *in,
                                                  const struct model_buffer *out)
{
    struct conv2d_plan plan = {0};
    const uint32_t height = (uint32_t)in->height + layer->pad_top + layer->pad_bottom;
    const uint32_t width = (uint32_t)in->width + layer->pad_left + layer->pad_right;

    plan.padded = layer->pad_top || layer->pad_left || layer->pad_bottom || layer->pad_right;
    plan.direct =
        !plan.padded && layer->kernel_h == 1 && layer->kernel_w == 1 && in->channels % 4 == 0;
    plan.plane_row = width * in->channels;
    plan.plane_size = plan.padded ? (height * plan.plane_row + MODEL_SLACK + 15) & ~15u : 0;
    if (plan.direct) {
        plan.patch_size = (uint32_t)layer->stride_w * in->channels;
        plan.tile_pixels = out->width;
        return plan;
    }
    plan.patch_size = model_row_words(layer, in) * 4 + CONV2D_PATCH_SLACK;
    plan.tile_pixels = CONV2D_TILE_BYTES / plan.patch_size;
    if (plan.tile_pixels < 1)
        plan.tile_pixels = 1;
    if (plan.tile_pixels > out->width)
        plan.tile_pixels = out->width;
    plan.tile_size = plan.tile_pixels * plan.patch_size;
    return plan;
}

#endif
