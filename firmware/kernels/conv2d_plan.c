// SPDX-License-Identifier: Apache-2.0
/* Whether a convolution can do without columns, and its scratch then. */
#include "conv2d_plan.h"

/* Rows of results that a band of CONV2D_BAND bytes is for, or fewer, so that all bands have as many. */
static uint32_t conv2d_band_rows(const struct model_layer *layer, uint32_t row_bytes,
                                 uint32_t out_height)
{
    const uint32_t most = (CONV2D_BAND / row_bytes - layer->kernel_h) / layer->stride_h + 1;
    const uint32_t bands = (out_height + most - 1) / most;

    return (out_height + bands - 1) / bands;
}

struct conv2d_rows_plan conv2d_rows_plan_make(const struct model_layer *layer,
                                              const struct model_buffer *in,
                                              const struct model_buffer *out)
{
    const uint32_t step = layer->stride_w * in->channels;
    struct conv2d_rows_plan plan; /* field by field: an initializer calls memset() */

    plan.fits = false;
    plan.margin = plan.row_bytes = plan.rows = plan.band_size = 0;
    if (layer->kernel_h == 1 || layer->groups > 1 || in->channels % 4)
        return plan;
    plan.margin = layer->pad_left * in->channels;
    plan.row_bytes = ((uint32_t)in->width + layer->pad_left + layer->pad_right) * in->channels;
    plan.fits = plan.row_bytes <= CONV2D_REACH && /* the product has 32 bits */
                CONV2D_TILE_PIXELS * step + (layer->kernel_h - 1) * plan.row_bytes +
                        layer->kernel_w * in->channels <=
                    CONV2D_REACH;
    plan.rows = out->height;
    if (plan.fits && model_is_padded(layer)) {
        plan.rows = conv2d_band_rows(layer, plan.row_bytes, out->height);
        plan.band_size = ((plan.rows - 1) * layer->stride_h + layer->kernel_h) * plan.row_bytes;
    }
    return plan;
}

struct conv2d_plane_plan conv2d_plane_plan_make(const struct model_layer *layer,
                                                const struct model_buffer *in,
                                                const struct model_buffer *out)
{
    const uint32_t channels = in->channels, step = layer->stride_w * channels;
    const uint32_t width = ((uint32_t)in->width + layer->pad_left + layer->pad_right) * channels;
    struct conv2d_plane_plan plan;

    plan.fits = false;
    plan.piece_words = plan.rows = plan.band_size = 0;
    plan.lead = -(layer->pad_left * channels) & 3;
    plan.margin = plan.lead + layer->pad_left * channels;
    plan.period = step % 4 == 0 ? 1 : step % 2 == 0 ? 2 : 4;
    plan.row_bytes = (plan.lead + width + 3) & ~3u;
    for (uint32_t i = 0; i < plan.period; i++) {
        const uint32_t over = (plan.lead + i * step) % 4;
        const uint32_t words = (over + layer->kernel_w * channels + 3) / 4;

        plan.piece_words = words > plan.piece_words ? words : plan.piece_words;
    }
    plan.group_bytes = 16 * plan.piece_words * layer->kernel_h;
    plan.weight_size = CONV2D_PLANE_LEAD + (out->channels + 3u) / 4 * plan.group_bytes;
    if (layer->kernel_h == 1 || layer->groups > 1 || out->channels < 4 ||
        plan.piece_words * layer->kernel_h > CONV2D_PLANE_WORDS || out->width < 4 * plan.period ||
        plan.weight_size > CONV2D_PLANE_WEIGHTS ||
        CONV2D_TILE_PIXELS * plan.period * step + (layer->kernel_h - 1) * plan.row_bytes +
                4 * plan.piece_words >
            CONV2D_REACH)
        return plan;
    plan.fits = true;
    plan.rows = conv2d_band_rows(layer, plan.row_bytes, out->height);
    plan.band_size = ((plan.rows - 1) * layer->stride_h + layer->kernel_h) * plan.row_bytes;
    return plan;
}
