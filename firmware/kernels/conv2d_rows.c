// SPDX-License-Identifier: Apache-2.0
/* Patches in columns of pieces, each piece a pixel's channels, from the input itself or, where there is padding, from a
 * band of its rows with zeros round them; and patches that are pixels, all of one row. The packed weights have the same
 * order. A last group that is not full comes first, as in conv2d.c.
 * Exact    equal bit for bit to conv2d_rv32() */
#include "conv2d_rows.h"
#include "conv2d_jit.h"
#include "conv2d_plan.h"
#include "conv2d_plane.h"
#include "copy.h"

#ifdef __riscv
ALWAYS_INLINE void zero_part(uint8_t *row, uint32_t from, uint32_t to)
{
    for (; from < to; from += 4)
        store_word(row + from, 0);
}

void conv2d_fill_band(const struct kernel_args *args, struct conv2d_band band, int y,
                      uint32_t count)
{
    const struct model_buffer *shape = args->in_shape;
    const uint32_t size = (uint32_t)shape->width * shape->channels;

    for (; count; count--, y++, band.bytes += band.row_bytes) {
        if (y < 0 || y >= shape->height) {
            zero_part(band.bytes, 0, band.row_bytes);
            continue;
        }
        zero_part(band.bytes, 0, band.margin);
        zero_part(band.bytes, (band.margin + size) & ~3u, band.row_bytes);
        copy_long(args->in + (uint32_t)y * size, band.bytes + band.margin, size);
    }
}

/* All channels of a row of output. */
static void run_row(conv2d_groups_fn *run, const struct conv2d_group *group, uint32_t channels)
{
    const uint32_t whole = channels / 4;

    if (channels % 4) {
        uint8_t *const end = group->out + group->pixels * channels;
        const uint32_t behind = load_word(end); /* over which the last word reaches */

        run(group, whole, 1);
        store_word(end, behind);
    }
    if (whole)
        run(group, whole - 1, whole);
}

static void set_up(const struct kernel_args *args, struct conv2d_group *group)
{
    const struct model_layer *layer = args->layer;

    group->weights = args->weights;
    group->params = args->params;
    group->patch = args->in;
    group->words = model_row_words(layer, args->in_shape);
    group->patch_size = layer->stride_w * args->in_shape->channels;
    group->pixels = args->out_shape->width;
    group->out = args->out;
    group->out_stride = args->out_shape->channels;
    group->group_bytes = group->words * 2 * layer->weight_bits;
    group->weight_bits = layer->weight_bits;
    group->is_signed = args->in_shape->is_signed;
    group->pieces = NULL;
    group->rows = NULL;
}

/* Rows from number y on that a band is for. Returns the end. */
static uint32_t next_band(const struct kernel_args *args, const struct conv2d_rows_plan *plan,
                          uint32_t y)
{
    const struct conv2d_band band = {args->scratch, plan->margin, plan->row_bytes};
    const struct model_layer *layer = args->layer;
    const uint32_t left = args->out_shape->height - y, rows = left < plan->rows ? left : plan->rows;

    conv2d_fill_band(args, band, (int)(y * layer->stride_h) - layer->pad_top,
                     (rows - 1) * layer->stride_h + layer->kernel_h);
    return y + rows;
}

/* Of one group. A 1x1 layer has one row, of all pixels. False: nothing done, as the shape is none for it, or the code would
 * be too long. */
static bool run_rows(const struct kernel_args *args)
{
    const struct model_layer *layer = args->layer;
    const bool is_one_row = conv2d_is_one_row(layer);
    const uint32_t channels = args->in_shape->channels;
    uint32_t height = args->out_shape->height;
    struct conv2d_rows_plan plan;
    struct conv2d_pieces pieces;
    struct conv2d_group group;
    conv2d_groups_fn *run;

    if (is_one_row)
        plan.row_bytes = plan.band_size = 0;
    else
        plan = conv2d_rows_plan_make(layer, args->in_shape, args->out_shape);
    if (!is_one_row && !plan.fits)
        return false;
    set_up(args, &group);
    if (is_one_row) {
        group.pixels *= height;
        height = 1;
    } else {
        pieces = (struct conv2d_pieces){channels / 4, layer->kernel_h, plan.row_bytes,
                                        layer->kernel_w, channels};
        group.pieces = &pieces;
    }
    run = conv2d_jit_make(&group, height * ((group.out_stride + 3) / 4));
    if (!run)
        return false;
    for (uint32_t y = 0, end = plan.band_size ? 0 : height; y < height; y++) {
        if (y == end) {
            end = next_band(args, &plan, y);
            group.patch = args->scratch;
        }
        run_row(run, &group, group.out_stride);
        group.patch += layer->stride_h * plan.row_bytes;
        group.out += group.pixels * group.out_stride;
    }
    return true;
}

void conv2d_stream(const struct kernel_args *args)
{
    const bool plane = args->layer->kernel_h > 1 && conv2d_plane(args);

    if (!plane && (args->layer->groups > 1 || !run_rows(args)))
        conv2d_run(args, conv2d_rv32_group, conv2d_jit_make);
}
#else
void conv2d_stream(const struct kernel_args *args)
{
    conv2d_run(args, conv2d_rv32_group, NULL);
}
#endif
