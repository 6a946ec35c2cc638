// SPDX-License-Identifier: Apache-2.0
/* Convolution without its arithmetic: for each row of output, copies the input that it sees into
 * columns, of which patches that overlap are made, and hands them to the group function. Groups of
 * four channels go from last to first and pixels from first to last: a last group that is not full
 * stores over channels that come later. */
#include "conv2d.h"
#include "conv2d_plan.h"
#include "copy.h"
#include <stddef.h>

enum { CONV2D_SHIFTED_CHANNELS = 8 /* the most with which columns are moved */ };

/* What stays the same throughout a layer. */
struct conv2d {
    const struct kernel_args *args;
    struct conv2d_plan plan;
    uint32_t in_channels, out_channels; /* of one of the convolution's groups */
    uint32_t weight_bytes, param_bytes; /* of the same */
    conv2d_group_fn *compute;           /* any number of pixels */
    conv2d_groups_fn *compute_row;      /* NULL, or as many as the layer's rows have */
};

/* A row of the input on its way into the columns: count pieces of size bytes. from NULL: zeros. */
struct pieces {
    const uint8_t *from;
    uint8_t *to;
    uint32_t from_step, to_step, count, size;
};

static NOINLINE void copy_bytes(struct pieces p)
{
    for (; p.count >= 4; p.count -= 4) {
        const uint8_t *second = as_it_stands(p.from + p.from_step);
        const uint8_t *third = as_it_stands(second + p.from_step);
        const uint8_t *fourth = as_it_stands(third + p.from_step);
        const uint8_t a = *p.from, b = *second, c = *third, d = *fourth;

        p.from = fourth + p.from_step;
        *p.to = a;
        *(p.to += p.to_step) = b;
        *(p.to += p.to_step) = c;
        *(p.to += p.to_step) = d;
        p.to += p.to_step;
    }
    for (; p.count; p.count--, p.from += p.from_step, p.to += p.to_step)
        *p.to = *p.from;
}

/* size is a constant, 2 or 3. */
ALWAYS_INLINE void copy_half(const uint8_t *from, uint8_t *to, uint32_t size)
{
    const uint16_t half = load_half(from);

    if (size == 3) {
        const uint8_t byte = from[2];

        store_half(to, half);
        to[2] = byte;
    } else {
        store_half(to, half);
    }
}

static NOINLINE void copy_halves(struct pieces p)
{
    if (p.size == 2) {
        for (; p.count; p.count--, p.from += p.from_step, p.to += p.to_step)
            copy_half(p.from, p.to, 2);
        return;
    }
    for (; p.count >= 2; p.count -= 2) {
        copy_half(p.from, p.to, 3);
        p.from = as_it_stands(p.from + p.from_step);
        p.to += p.to_step;
        copy_half(p.from, p.to, 3);
        p.from = as_it_stands(p.from + p.from_step);
        p.to += p.to_step;
    }
    if (p.count)
        copy_half(p.from, p.to, 3);
}

/* Up to eight bytes as two words that overlap. */
static NOINLINE void copy_two_words(struct pieces p)
{
    const uint32_t last = p.size - 4;

    for (; p.count; p.count--, p.from += p.from_step, p.to += p.to_step) {
        const uint32_t a = load_word(p.from), b = load_word(p.from + last);

        store_word(p.to, a);
        store_word(p.to + last, b);
    }
}

/* Eight bytes or more; the last words may overlap. */
static NOINLINE void copy_words(struct pieces p)
{
    for (; p.count; p.count--, p.from += p.from_step, p.to += p.to_step) {
        const uint8_t *from = p.from, *const end = from + p.size;
        uint8_t *to = p.to;

        for (; end - from >= 16; from += 16, to += 16) {
            const uint32_t a = load_word(from), b = load_word(from + 4);
            const uint32_t c = load_word(from + 8), d = load_word(from + 12);

            store_word(to, a);
            store_word(to + 4, b);
            store_word(to + 8, c);
            store_word(to + 12, d);
        }
        for (; end - from > 4; from += 4, to += 4)
            store_word(to, load_word(from));
        store_word(p.to + p.size - 4, load_word(end - 4));
    }
}

static NOINLINE void zero_pieces(struct pieces p)
{
    for (; p.count; p.count--, p.to += p.to_step) {
        if (p.size < 4) {
            p.to[0] = p.to[p.size / 2] = p.to[p.size - 1] = 0;
            continue;
        }
        for (uint32_t i = 0; i < p.size - 4; i += 4)
            store_word(p.to + i, 0);
        store_word(p.to + p.size - 4, 0);
    }
}

static void copy_pieces(struct pieces p)
{
    if (!p.from)
        zero_pieces(p);
    else if (p.size == 1)
        copy_bytes(p);
    else if (p.size < 4)
        copy_halves(p);
    else if (p.size <= 8)
        copy_two_words(p);
    else
        copy_words(p);
}

/* Moves the columns down by the input rows that the next output row does not see, where pieces are
 * so small that copying them all again takes longer. What comes in at their ends is to be written
 * anew; behind the ends, where columns are filled up, it meets weights of zero. Returns how many rows of the columns are right then. */
static int shift_columns(const struct conv2d *conv)
{
    const struct model_layer *layer = conv->args->layer;
    const uint32_t left = layer->stride_h * conv->in_channels;
    const int kept = layer->kernel_h - layer->stride_h;
    uint8_t *const columns = conv->args->scratch;

    if (kept <= 0 || conv->in_channels > CONV2D_SHIFTED_CHANNELS)
        return 0;
    copy_chunks(columns + left, columns, (uint32_t)conv->plan.size - CONV2D_SLACK - left);
    if (layer->pad_left) {
        uint8_t *const end = columns + layer->pad_left * conv->plan.column_bytes;

        for (uint8_t *p = end - left; p < end; p++)
            *p = 0;
    }
    return kept;
}

/* The columns of output row y, from channel first_channel on; those of the padding at both ends are
 * zero already. */
static void fill_columns(const struct conv2d *conv, uint32_t y, uint32_t first_channel)
{
    const struct model_layer *layer = conv->args->layer;
    const struct model_buffer *shape = conv->args->in_shape;
    const uint32_t row = (uint32_t)shape->width * shape->channels;
    const int top = (int)(y * layer->stride_h) - layer->pad_top;
    const int kept = y ? shift_columns(conv) : 0;
    struct pieces pieces = {
        .to = conv->args->scratch + layer->pad_left * conv->plan.column_bytes +
              (uint32_t)kept * conv->in_channels,
        .from_step = shape->channels,
        .to_step = conv->plan.column_bytes,
        .count = shape->width,
        .size = conv->in_channels,
    };

    for (int ky = kept; ky < layer->kernel_h; ky++, pieces.to += pieces.size) {
        const bool inside = top + ky >= 0 && top + ky < shape->height;

        pieces.from = inside ? conv->args->in + (uint32_t)(top + ky) * row + first_channel : NULL;
        copy_pieces(pieces);
    }
}

static struct conv2d_group group_of(const struct conv2d_group *first, uint32_t number)
{
    struct conv2d_group group = *first;

    group.weights += number * first->group_bytes;
    group.params += number * MODEL_GROUP_BYTES;
    group.out += 4 * number;
    return group;
}

/* conv2d_groups_fn. */
static void compute_groups(const struct conv2d *conv, const struct conv2d_group *first,
                           uint32_t last, uint32_t count)
{
    struct conv2d_group group;

    if (conv->compute_row) {
        conv->compute_row(first, last, count);
        return;
    }
    group = group_of(first, last);
    for (; count; count--) {
        conv->compute(&group);
        group.weights -= group.group_bytes;
        group.params -= MODEL_GROUP_BYTES;
        group.out -= 4;
    }
}

/* Some channels of the last word of a pixel, where the others belong to another of the convolution's groups: pixels one
 * after the other by way of a word. */
static void compute_singly(const struct conv2d *conv, struct conv2d_group group, uint32_t lanes)
{
    uint32_t left = group.pixels;
    uint8_t *out = group.out;
    _Alignas(4) uint8_t results[4];

    group.pixels = 1;
    group.out = results;
    for (; left; left--, out += group.out_stride) {
        conv->compute(&group);
        copy_exact(results, out, lanes);
        group.patch += group.patch_size;
    }
}

/* All channels of one of the convolution's groups. first: their first group of four. */
static void compute_tile(const struct conv2d *conv, const struct conv2d_group *first)
{
    const struct kernel_args *args = conv->args;
    const uint32_t over = conv->out_channels % 4, whole = conv->out_channels / 4;

    if (over && args->layer->groups > 1) {
        compute_singly(conv, group_of(first, whole), over);
    } else if (over) {
        uint8_t *const end = args->out + args->out_shape->size_bytes;
        const uint32_t behind = load_word(end); /* over which the last word reaches */

        compute_groups(conv, first, whole, 1);
        store_word(end, behind);
    }
    if (whole)
        compute_groups(conv, first, whole - 1, whole);
}

/* Field by field, as an initializer clears it first. */
static void set_up(struct conv2d *conv, const struct kernel_args *args, conv2d_group_fn *compute)
{
    const struct model_layer *layer = args->layer;

    conv->args = args;
    conv->plan = conv2d_plan_make(layer, args->in_shape);
    conv->in_channels = model_group_part(layer, args->in_shape->channels);
    conv->out_channels = model_group_part(layer, args->out_shape->channels);
    conv->weight_bytes = model_group_part(layer, layer->weight_bytes);
    conv->param_bytes = model_group_part(layer, layer->param_bytes);
    conv->compute = compute;
    conv->compute_row = NULL;
}

/* One of the convolution's groups on the input as it stands. Moves tile on to the end. */
static void run_direct(const struct conv2d *conv, struct conv2d_group *tile, uint32_t rows,
                       uint32_t first_channel)
{
    const struct kernel_args *args = conv->args;
    const uint32_t row = (uint32_t)args->in_shape->width * args->in_shape->channels;

    tile->patch = args->in + first_channel;
    for (; rows; rows--) {
        compute_tile(conv, tile);
        tile->patch += args->layer->stride_h * row;
        tile->out += tile->pixels * tile->out_stride;
    }
}

/* One of the convolution's groups by way of columns; the same. */
static void run_columns(const struct conv2d *conv, struct conv2d_group *tile, uint32_t rows,
                        uint32_t first_channel)
{
    tile->patch = conv->args->scratch;
    for (uint32_t y = 0; y < rows; y++) {
        fill_columns(conv, y, first_channel);
        compute_tile(conv, tile);
        tile->out += tile->pixels * tile->out_stride;
    }
}

void conv2d_run(const struct kernel_args *args, conv2d_group_fn *compute, conv2d_make_fn *make_row)
{
    uint32_t rows = args->out_shape->height, groups; /* groups: of four channels */
    struct conv2d conv;
    struct conv2d_group tile;

    set_up(&conv, args, compute);
    groups = (conv.out_channels + 3) / 4;
    tile.weights = args->weights;
    tile.params = args->params;
    tile.words = model_row_words(args->layer, args->in_shape);
    tile.patch_size = conv.plan.patch_size;
    tile.pixels = args->out_shape->width;
    tile.out_stride = args->out_shape->channels;
    tile.group_bytes = tile.words * 2 * args->layer->weight_bits;
    tile.weight_bits = args->layer->weight_bits;
    tile.is_signed = args->in_shape->is_signed;
    tile.pieces = NULL;
    tile.rows = NULL;
    if (conv2d_is_one_row(args->layer)) {
        tile.pixels *= rows;
        rows = 1;
    }
    if (make_row)
        conv.compute_row = make_row(&tile, rows * args->layer->groups * groups);
    if (!conv.plan.direct)
        zero_chunks(args->scratch, (uint32_t)conv.plan.size);
    for (uint32_t i = 0; i < args->layer->groups; i++) {
        tile.out = args->out + i * conv.out_channels;
        if (conv.plan.direct)
            run_direct(&conv, &tile, rows, i * conv.in_channels);
        else
            run_columns(&conv, &tile, rows, i * conv.in_channels);
        tile.weights += conv.weight_bytes;
        tile.params += conv.param_bytes;
    }
}
