// SPDX-License-Identifier: Apache-2.0
/* Convolution without its arithmetic: pad once, gather patches tile by tile, hand each tile to the
 * group function. Groups go from last to first and pixels from first to last: a last group that is
 * not full stores over channels that come later, and only at the end of the buffer it must not. */
#include "conv2d.h"
#include "conv2d_plan.h"
#include "words.h"

enum {
    CHUNK_BYTES = 16, /* copies go up to the next chunk: less than MODEL_SLACK behind their end */
};

static void copy_chunks(const uint8_t *from, uint8_t *to, uint32_t size)
{
    for (const uint8_t *end = from + size; from < end; from += CHUNK_BYTES, to += CHUNK_BYTES) {
        const uint32_t a = load_word(from), b = load_word(from + 4);
        const uint32_t c = load_word(from + 8), d = load_word(from + 12);

        store_word(to, a);
        store_word(to + 4, b);
        store_word(to + 8, c);
        store_word(to + 12, d);
    }
}

static void zero_chunks(uint8_t *to, uint32_t size)
{
    for (const uint8_t *end = to + size; to < end; to += CHUNK_BYTES) {
        store_word(to, 0);
        store_word(to + 4, 0);
        store_word(to + 8, 0);
        store_word(to + 12, 0);
    }
}

static void copy_exact(const uint8_t *from, uint8_t *to, uint32_t size)
{
    for (; size >= 4; size -= 4, from += 4, to += 4)
        store_word(to, load_word(from));
    for (; size; size--)
        *to++ = *from++;
}

/* The input with its zero borders: a copy in scratch, or the input itself if it has none. */
static const uint8_t *make_plane(const struct kernel_args *args, const struct conv2d_plan *plan)
{
    const struct model_layer *layer = args->layer;
    const uint32_t row = (uint32_t)args->in_shape->width * args->in_shape->channels;
    const uint8_t *from = args->in;
    uint8_t *to = args->scratch + layer->pad_top * plan->plane_row +
                  (uint32_t)layer->pad_left * args->in_shape->channels;

    if (!plan->padded)
        return args->in;
    zero_chunks(args->scratch, plan->plane_size);
    for (unsigned y = 0; y < args->in_shape->height; y++, from += row, to += plan->plane_row)
        copy_exact(from, to, row);
    return args->scratch;
}

/* One row of the kernel's window for each pixel of a tile. */
struct gather {
    const uint8_t *from;
    uint8_t *to;
    uint32_t from_step, to_step, pixels;
};

/* size is a constant up to 8. */
ALWAYS_INLINE void gather_short(struct gather g, unsigned size)
{
#pragma GCC unroll 4
    for (; g.pixels; g.pixels--, g.from += g.from_step, g.to += g.to_step) {
        const uint32_t a = load_word(g.from);

        if (size <= 4) {
            store_word(g.to, a);
        } else if (size == 5) {
            const uint8_t b = g.from[4];

            store_word(g.to, a);
            g.to[4] = b;
        } else if (size == 6) {
            const uint16_t b = load_half(g.from + 4);

            store_word(g.to, a);
            store_half(g.to + 4, b);
        } else {
            const uint32_t b = load_word(g.from + 4);

            store_word(g.to, a);
            store_word(g.to + 4, b);
        }
    }
}

static void gather_row(struct gather g, uint32_t size)
{
    if (size <= 4)
        gather_short(g, 4);
    else if (size == 5)
        gather_short(g, 5);
    else if (size == 6)
        gather_short(g, 6);
    else if (size <= 8)
        gather_short(g, 8);
    else
        for (; g.pixels; g.pixels--, g.from += g.from_step, g.to += g.to_step)
            copy_chunks(g.from, g.to, size);
}

/* Patches of pixels output pixels whose window starts at from. */
static void gather_tile(const struct kernel_args *args, const struct conv2d_plan *plan,
                        const uint8_t *from, uint32_t pixels)
{
    const uint32_t channels = args->in_shape->channels;
    const uint32_t size = args->layer->kernel_w * channels;
    struct gather g = {from, args->scratch + plan->plane_size, args->layer->stride_w * channels,
                       plan->patch_size, pixels};

    for (unsigned y = 0; y < args->layer->kernel_h; y++) {
        gather_row(g, size);
        g.from += plan->plane_row;
        g.to += size;
    }
}

static void compute_tile(const struct kernel_args *args, struct conv2d_group *group,
                         conv2d_group_fn *compute, uint8_t *out)
{
    const uint32_t groups = (args->out_shape->channels + 3u) / 4;
    const uint32_t group_bytes = args->layer->weight_bytes / groups;

    for (uint32_t g = groups; g-- > 0;) {
        group->weights = args->weights + g * group_bytes;
        group->params = args->params + g * MODEL_GROUP_BYTES;
        group->out = out + 4 * g;
        compute(group);
    }
}

void conv2d_run(const struct kernel_args *args, conv2d_group_fn *compute)
{
    const struct model_layer *layer = args->layer;
    const struct model_buffer *shape = args->out_shape;
    const struct conv2d_plan plan = conv2d_plan_make(layer, args->in_shape, shape);
    const uint32_t step = (uint32_t)layer->stride_w * args->in_shape->channels;
    const uint8_t *plane = make_plane(args, &plan);
    struct conv2d_group group = {
        .words = model_row_words(layer, args->in_shape),
        .patch_size = plan.patch_size,
        .out_end = args->out + shape->size_bytes,
        .out_stride = shape->channels,
        .is_signed = args->in_shape->is_signed,
    };
    uint8_t *out = args->out;

    for (unsigned y = 0; y < shape->height; y++, plane += layer->stride_h * plan.plane_row) {
        for (uint32_t x = 0; x < shape->width; x += group.pixels) {
            const uint8_t *from = plane + x * step;
            const uint32_t left = shape->width - x;

            group.pixels = left < plan.tile_pixels ? left : plan.tile_pixels;
            group.patch = plan.direct ? from : args->scratch + plan.plane_size;
            if (!plan.direct)
                gather_tile(args, &plan, from, group.pixels);
            compute_tile(args, &group, compute, out);
            out += group.pixels * group.out_stride;
        }
    }
}
