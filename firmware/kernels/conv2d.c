// SPDX-License-Identifier: Apache-2.0
/* Convolution without its arithmetic: take rows into the band where there is padding, gather
 * patches tile by tile, hand each tile to the group function. Groups of four channels go from last
 * to first and pixels from first to last: a last group that is not full stores over channels that
 * come later. Where none come later it computes into a word of its own. */
#include "conv2d.h"
#include "band.h"
#include "conv2d_plan.h"
#include "copy.h"
#include <stddef.h>

/* What stays the same throughout a layer. */
struct conv2d {
    const struct kernel_args *args;
    struct conv2d_plan plan;
    uint32_t in_channels, out_channels; /* of one of the convolution's groups */
    uint32_t weight_bytes, param_bytes; /* of the same */
    uint32_t group_bytes;               /* weights of four channels */
    uint32_t piece, pieces;             /* a window's row is gathered in pieces of some bytes */
    uint8_t *tile;
    const uint8_t *ring_end; /* of the band; without one it is never met */
    conv2d_group_fn *compute;
};

static void fill_row(const void *context, int y, uint8_t *slot)
{
    const struct conv2d *conv = context;
    const struct model_buffer *shape = conv->args->in_shape;
    const uint32_t row = (uint32_t)shape->width * shape->channels;
    const uint32_t left = (uint32_t)conv->args->layer->pad_left * shape->channels;

    if (y < 0 || y >= shape->height) {
        zero_chunks(slot, conv->plan.row_bytes);
        return;
    }
    zero_chunks(slot, left);
    copy_chunks(conv->args->in + (uint32_t)y * row, slot + left, row);
    zero_chunks(slot + left + row, (uint32_t)conv->args->layer->pad_right * shape->channels);
}

/* Patches of some pixels of an output row. */
struct gather {
    const uint8_t *row;  /* first row of their windows, from the first window on */
    const uint8_t *wrap; /* where this pointer goes on at the band's first row */
    uint8_t *to;
    uint32_t step, pixels; /* step: bytes of the input from pixel to pixel */
};

/* size is a constant: 4, 5, 6, or a number of words up to 8; other: a variable for longer pieces. */
ALWAYS_INLINE void gather_one(const uint8_t *from, uint8_t *to, unsigned size, uint32_t other)
{
    uint32_t words[8];

    if (!size) {
        copy_chunks(from, to, other);
        return;
    }
#pragma GCC unroll 8
    for (unsigned i = 0; i < size / 4; i++)
        words[i] = load_word(from + 4 * i);
    if (size == 5) {
        const uint8_t last = from[4];

        store_word(to, words[0]);
        to[4] = last;
    } else if (size == 6) {
        const uint16_t last = load_half(from + 4);

        store_word(to, words[0]);
        store_half(to + 4, last);
    } else {
#pragma GCC unroll 8
        for (unsigned i = 0; i < size / 4; i++)
            store_word(to + 4 * i, words[i]);
    }
}

/* A piece of the window's row for each pixel. size as for gather_one(). */
ALWAYS_INLINE void gather_piece(const struct gather *g, const uint8_t *from, uint8_t *to,
                                uint32_t patch_size, unsigned size, uint32_t other)
{
    const uint32_t step = g->step;
    uint32_t left = g->pixels;

    for (; left >= 4 && size && size <= 8; left -= 4) {
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++) {
            gather_one(from, to, size, other);
            from = as_it_stands(from + step);
            to += patch_size;
        }
    }
    for (; left; left--, from += step, to += patch_size)
        gather_one(from, to, size, other);
}

ALWAYS_INLINE void gather_rows(const struct conv2d *conv, struct gather g, unsigned size)
{
    const uint32_t channels = conv->args->in_shape->channels;

    for (unsigned y = conv->args->layer->kernel_h; y; y--) {
        const uint8_t *from = g.row;

        for (uint32_t i = conv->pieces; i; i--, from += channels, g.to += conv->piece)
            gather_piece(&g, from, g.to, conv->plan.patch_size, size, conv->piece);
        g.row += conv->plan.row_bytes;
        if (g.row == g.wrap)
            g.row -= (uint32_t)conv->plan.band_size;
    }
}

static NOINLINE void gather_4(const struct conv2d *conv, const struct gather *g)
{
    gather_rows(conv, *g, 4);
}

static NOINLINE void gather_5(const struct conv2d *conv, const struct gather *g)
{
    gather_rows(conv, *g, 5);
}

static NOINLINE void gather_6(const struct conv2d *conv, const struct gather *g)
{
    gather_rows(conv, *g, 6);
}

static NOINLINE void gather_8(const struct conv2d *conv, const struct gather *g)
{
    gather_rows(conv, *g, 8);
}

static NOINLINE void gather_12(const struct conv2d *conv, const struct gather *g)
{
    gather_rows(conv, *g, 12);
}

static NOINLINE void gather_16(const struct conv2d *conv, const struct gather *g)
{
    gather_rows(conv, *g, 16);
}

static NOINLINE void gather_32(const struct conv2d *conv, const struct gather *g)
{
    gather_rows(conv, *g, 32);
}

static NOINLINE void gather_any(const struct conv2d *conv, const struct gather *g)
{
    gather_rows(conv, *g, 0);
}

typedef void gather_fn(const struct conv2d *conv, const struct gather *g);

static gather_fn *select_gather(uint32_t size)
{
    static gather_fn *const up_to_8[] = {gather_4, gather_5, gather_6, gather_8, gather_8};

    if (size <= 8)
        return up_to_8[size <= 4 ? 0 : size - 4];
    return size <= 12 ? gather_12 : size <= 16 ? gather_16 : size <= 32 ? gather_32 : gather_any;
}

/* A group with lanes channels where words would reach beyond the output, or over channels that were
 * computed before: its last pixels one after the other by way of a word. */
static void compute_last(const struct conv2d *conv, struct conv2d_group group, uint32_t room,
                         uint32_t lanes)
{
    uint32_t left = group.pixels;
    _Alignas(4) uint8_t results[4];
    uint8_t *out;

    group.pixels = room < 4 ? 0 : (room - 4) / group.out_stride + 1;
    if (group.pixels)
        conv->compute(&group);
    left -= group.pixels;
    group.patch += group.pixels * group.patch_size;
    out = group.out + group.pixels * group.out_stride;
    group.out = results;
    for (; left; left--, out += group.out_stride) {
        group.pixels = 1;
        conv->compute(&group);
        copy_exact(results, out, lanes);
        group.patch += group.patch_size;
    }
}

static void compute_partial(const struct conv2d *conv, const struct conv2d_group *group)
{
    const struct kernel_args *args = conv->args;
    const uint32_t reach = (group->pixels - 1) * group->out_stride + 4;
    const uint32_t room = args->layer->groups > 1
                              ? 0
                              : (uint32_t)(args->out + args->out_shape->size_bytes - group->out);

    if (room >= reach)
        conv->compute(group);
    else
        compute_last(conv, *group, room, conv->out_channels % 4);
}

/* All channels of one of the convolution's groups. tile: its first pixel and channel. */
static void compute_tile(const struct conv2d *conv, struct conv2d_group tile)
{
    const uint32_t whole = conv->out_channels / 4;

    tile.weights += whole * conv->group_bytes;
    tile.params += whole * MODEL_GROUP_BYTES;
    tile.out += 4 * whole;
    if (conv->out_channels % 4)
        compute_partial(conv, &tile);
    for (uint32_t g = whole; g; g--) {
        tile.weights -= conv->group_bytes;
        tile.params -= MODEL_GROUP_BYTES;
        tile.out -= 4;
        conv->compute(&tile);
    }
}

static struct conv2d make(const struct kernel_args *args, conv2d_group_fn *compute)
{
    const struct model_layer *layer = args->layer;
    const uint32_t in_channels = (uint32_t)args->in_shape->channels / layer->groups;
    struct conv2d conv = {
        .args = args,
        .plan = conv2d_plan_make(layer, args->in_shape, args->out_shape),
        .in_channels = in_channels,
        .out_channels = (uint32_t)args->out_shape->channels / layer->groups,
        .weight_bytes = layer->weight_bytes / layer->groups,
        .param_bytes = layer->param_bytes / layer->groups,
        .piece = layer->groups > 1 ? in_channels : layer->kernel_w * in_channels,
        .pieces = layer->groups > 1 ? layer->kernel_w : 1,
        .compute = compute,
    };

    conv.group_bytes = conv.weight_bytes / ((conv.out_channels + 3) / 4);
    conv.tile = args->scratch + (uint32_t)conv.plan.band_size;
    conv.ring_end = conv.tile;
    return conv;
}

/* One of the convolution's groups without patches: pixels of a row, or of all rows. */
static void run_direct(const struct conv2d *conv, struct conv2d_group tile, uint32_t first_channel)
{
    const struct kernel_args *args = conv->args;
    const uint32_t height = args->out_shape->height, width = args->out_shape->width;
    const bool whole = args->layer->stride_h == 1 && args->layer->stride_w == 1;

    tile.patch = args->in + first_channel;
    tile.pixels = whole ? height * width : width;
    for (uint32_t y = 0; y < (whole ? 1 : height); y++) {
        compute_tile(conv, tile);
        tile.patch += args->layer->stride_h * conv->plan.row_bytes;
        tile.out += width * tile.out_stride;
    }
}

/* One of the convolution's groups: fills the tile with patches, row after row, and computes it when
 * it is full. */
static void run_group(const struct conv2d *conv, struct conv2d_group tile, uint32_t first_channel)
{
    const struct kernel_args *args = conv->args;
    const struct model_layer *layer = args->layer;
    const uint32_t step = (uint32_t)layer->stride_w * args->in_shape->channels;
    const uint32_t width = args->out_shape->width, room = conv->plan.tile_pixels;
    gather_fn *const gather = select_gather(conv->piece);
    struct band band = band_make(args->scratch, conv->plan.row_bytes, layer->kernel_h);
    struct gather from = {.step = step};

    tile.patch = conv->tile;
    tile.pixels = 0;
    for (uint32_t y = 0; y < args->out_shape->height; y++) {
        const uint32_t top = y * layer->stride_h;
        const uint8_t *row = conv->plan.padded ? band_advance(&band, layer, top, fill_row, conv)
                                               : args->in + top * conv->plan.row_bytes;

        for (uint32_t x = 0, count; x < width; x += count) {
            count = width - x < room - tile.pixels ? width - x : room - tile.pixels;
            from.row = row + first_channel + x * step;
            from.wrap = conv->ring_end + first_channel + x * step;
            from.to = conv->tile + tile.pixels * tile.patch_size;
            from.pixels = count;
            gather(conv, &from);
            tile.pixels += count;
            if (tile.pixels < room)
                continue;
            compute_tile(conv, tile);
            tile.out += tile.pixels * tile.out_stride;
            tile.pixels = 0;
        }
    }
    if (tile.pixels)
        compute_tile(conv, tile);
}

void conv2d_run(const struct kernel_args *args, conv2d_group_fn *compute)
{
    const struct conv2d conv = make(args, compute);
    struct conv2d_group tile = {
        .weights = args->weights,
        .params = args->params,
        .words = model_row_words(args->layer, args->in_shape),
        .patch_size = conv.plan.patch_size,
        .out = args->out,
        .out_stride = args->out_shape->channels,
        .weight_bits = args->layer->weight_bits,
        .is_signed = args->in_shape->is_signed,
    };

    for (uint32_t i = 0; i < args->layer->groups; i++) {
        if (conv.plan.direct)
            run_direct(&conv, tile, i * conv.in_channels);
        else
            run_group(&conv, tile, i * conv.in_channels);
        tile.weights += conv.weight_bytes;
        tile.params += conv.param_bytes;
        tile.out += conv.out_channels;
    }
}
