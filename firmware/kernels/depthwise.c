// SPDX-License-Identifier: Apache-2.0
/* Depthwise convolution without its arithmetic. Groups of four channels go from last to first, for
 * the reason given in conv2d.c. */
#include "depthwise.h"
#include "band.h"
#include "conv2d_plan.h"
#include "copy.h"
#include "widen.h"

/* What band filling needs to know. */
struct source {
    const struct model_layer *layer;
    const struct model_buffer *shape;
    const uint8_t *in; /* first channel of the group */
    uint32_t row_bytes;
};

/* Four channels of count pixels, step bytes from one to the next, as words. count is a constant. */
ALWAYS_INLINE const uint8_t *copy_some(const uint8_t *from, uint32_t step, uint8_t *to,
                                       uint32_t count)
{
    uint32_t words[8];

#pragma GCC unroll 8
    for (uint32_t i = 0; i < count; i++) {
        words[i] = load_word(from);
        from = as_it_stands(from + step);
    }
#pragma GCC unroll 8
    for (uint32_t i = 0; i < count; i++)
        store_word(to + 4 * i, words[i]);
    return from;
}

/* Rows of the input on their way into the band: four channels of width pixels, as words. */
struct rows {
    const uint8_t *from;
    uint8_t *to;
    uint32_t from_step, from_row; /* bytes from pixel to pixel, from row to row */
    uint32_t to_row;
    uint32_t width, count;
};

/* Fewer than eight pixels. */
ALWAYS_INLINE void copy_rest(const uint8_t *from, uint32_t step, uint8_t *to, uint32_t count)
{
    if (count & 4) {
        from = copy_some(from, step, to, 4);
        to += 16;
    }
    if (count & 2) {
        from = copy_some(from, step, to, 2);
        to += 8;
    }
    if (count & 1)
        copy_some(from, step, to, 1);
}

static NOINLINE void copy_narrow_rows(struct rows rows)
{
    for (; rows.count; rows.count--, rows.from += rows.from_row, rows.to += rows.to_row)
        copy_rest(rows.from, rows.from_step, rows.to, rows.width);
}

static NOINLINE void copy_wide_rows(struct rows rows)
{
    const uint32_t step = rows.from_step, over = rows.width % 8, whole = 4 * (rows.width - over);

    for (; rows.count; rows.count--, rows.from += rows.from_row, rows.to += rows.to_row) {
        const uint8_t *from = rows.from;
        uint8_t *to = rows.to;

        for (const uint8_t *const end = to + whole; to != end; to += 32)
            from = copy_some(from, step, to, 8);
        if (over)
            copy_rest(from, step, to, over);
    }
}

static void copy_rows(struct rows rows)
{
    if (rows.width < 8)
        copy_narrow_rows(rows);
    else
        copy_wide_rows(rows);
}

/* count rows of the input from number y on; to: the first pixel of the first one. */
static struct rows rows_of(const struct source *source, uint32_t y, uint8_t *to, uint32_t count)
{
    const uint32_t step = source->shape->channels, width = source->shape->width;

    return (struct rows){.from = source->in + y * width * step,
                         .to = to,
                         .from_step = step,
                         .from_row = width * step,
                         .to_row = source->row_bytes,
                         .width = width,
                         .count = count};
}

static void fill_row(const void *context, int y, uint8_t *slot)
{
    const struct source *source = context;
    uint8_t *const to = slot + 4u * source->layer->pad_left;

    if (y < 0 || y >= source->shape->height) {
        zero_words(slot, source->row_bytes);
        return;
    }
    zero_words(slot, 4u * source->layer->pad_left);
    copy_rows(rows_of(source, (uint32_t)y, to, 1));
    zero_words(to + 4 * source->shape->width, 4u * source->layer->pad_right);
}

/* The whole plane but its padding, which depthwise_run() has set to zero. */
static void fill_plane(const struct source *source, uint8_t *plane)
{
    uint8_t *to = plane + source->layer->pad_top * source->row_bytes + 4u * source->layer->pad_left;

    copy_rows(rows_of(source, 0, to, source->shape->height));
}

const uint8_t *depthwise_widen(const uint8_t *packed, unsigned bits, uint32_t taps,
                               uint8_t *scratch)
{
    if (bits == 8)
        return packed;
    for (uint32_t t = 0; t < taps; t++) {
        const uint32_t word =
            bits == 4 ? widen_nibbles(load_half(packed + 2 * t)) : widen_pairs(packed[t]);

        store_word(scratch + 4 * t, word);
    }
    return scratch;
}

/* The walk over the output. */
struct walk {
    const struct kernel_args *args;
    depthwise_rows_fn *compute;
    struct depthwise_rows row;
    uint8_t *slots;       /* of the band */
    uint32_t group_bytes; /* weights of a group */
    uint32_t reach;       /* bytes from a row's first result to the end of its last word */
    bool whole;           /* the band is the whole plane */
};

/* A row of a group that is not full, where its last words would reach beyond the output: the last
 * pixels one after the other by way of a word. */
static void compute_last(const struct walk *walk, uint32_t room, uint32_t lanes)
{
    struct depthwise_rows row = walk->row;
    _Alignas(4) uint8_t results[4];
    uint8_t *out;

    row.pixels = room < 4 ? 0 : (room - 4) / row.out_stride + 1;
    if (row.pixels)
        walk->compute(&row);
    row.offset += row.pixels * row.step;
    out = row.out + row.pixels * row.out_stride;
    row.out = results;
    for (uint32_t n = walk->row.pixels - row.pixels; n; n--, out += row.out_stride) {
        row.pixels = 1;
        walk->compute(&row);
        copy_exact(results, out, lanes);
        row.offset += row.step;
    }
}

/* The whole plane, and all rows of output at once but the last ones that compute_last() has to do.
 * Returns how many. room: bytes of the output from the first result on. */
static uint32_t run_plane(struct walk *walk, const struct source *source, uint32_t room)
{
    struct depthwise_rows *row = &walk->row;
    const uint32_t out_row = row->pixels * row->out_stride;
    uint32_t count = walk->args->out_shape->height;

    fill_plane(source, walk->slots);
    while (count && room - (count - 1) * out_row < walk->reach)
        count--;
    row->first = row->ring;
    row->top = -walk->args->layer->pad_top;
    row->count = count;
    if (count)
        walk->compute(row);
    row->count = 1;
    row->out += count * out_row;
    return count;
}

/* Channels 4g.. of the layer. */
static void run_group(struct walk *walk, uint32_t g)
{
    const struct kernel_args *args = walk->args;
    const struct model_layer *layer = args->layer;
    const struct model_buffer *shape = args->out_shape;
    struct depthwise_rows *row = &walk->row;
    const struct source source = {layer, args->in_shape, args->in + 4 * g, row->row_bytes};
    const uint8_t *const end = args->out + shape->size_bytes;
    struct band band = band_make(walk->slots, row->row_bytes, layer->kernel_h);
    uint32_t y = 0;

    row->weights = depthwise_widen(args->weights + g * walk->group_bytes, layer->weight_bits,
                                   row->kernel_h * row->kernel_w, args->scratch);
    row->params = args->params + g * MODEL_GROUP_BYTES;
    row->out = args->out + 4 * g;
    if (walk->whole)
        y = run_plane(walk, &source, (uint32_t)(end - row->out));
    for (; y < shape->height; y++, row->out += row->pixels * row->out_stride) {
        const uint32_t room = (uint32_t)(end - row->out);

        row->top = (int)(y * layer->stride_h) - layer->pad_top;
        row->first = walk->whole
                         ? row->ring + y * row->down
                         : band_advance(&band, layer, y * layer->stride_h, fill_row, &source);
        if (room >= walk->reach)
            walk->compute(row);
        else
            compute_last(walk, room, shape->channels % 4);
    }
}

void depthwise_run(const struct kernel_args *args, depthwise_rows_fn *compute)
{
    const struct depthwise_plan plan = depthwise_plan_make(args->layer, args->in_shape);
    const uint32_t channels = args->out_shape->channels, groups = (channels + 3) / 4;
    struct walk walk; /* an initializer would clear it with memset() first: 400 cycles */
    struct depthwise_rows *const row = &walk.row;

    walk.args = args;
    walk.compute = compute;
    walk.whole = plan.whole;
    walk.slots = args->scratch + plan.weight_size;
    walk.group_bytes = args->layer->weight_bytes / groups;
    walk.reach = (args->out_shape->width - 1u) * channels + 4;
    row->ring = walk.slots;
    row->ring_end = walk.slots + plan.band_size;
    row->row_bytes = plan.row_bytes;
    row->kernel_h = args->layer->kernel_h;
    row->kernel_w = args->layer->kernel_w;
    row->in_height = args->in_shape->height;
    row->top_step = args->layer->stride_h;
    row->count = 1;
    row->down = args->layer->stride_h * plan.row_bytes;
    row->step = 4u * args->layer->stride_w;
    row->offset = 0;
    row->pixels = args->out_shape->width;
    row->out_stride = channels;
    row->is_signed = args->in_shape->is_signed;
    if (plan.whole)
        zero_words(walk.slots, plan.band_size);
    for (uint32_t g = groups; g-- > 0;)
        run_group(&walk, g);
}
