// SPDX-License-Identifier: Apache-2.0
/* Rows of the input are copied into a band, with zeros round them, and a patch is pieces of kernel_h of its rows. A piece
 * of one to three channels begins at any byte of a word, and a load there takes a cycle more; so it is read from the word
 * in which it begins, by weights that are moved on by as many activations. Pixels whose pieces begin at the same byte
 * share them: every pixel, every second or every fourth, which are a pass over the band.
 *
 * Weights of a group, widened: a word of four int8 for each activation of a patch, zeros behind each piece. Moved on by up
 * to three activations, a piece begins with the zeros of the one before.
 *
 * A last group that is not full stores over the next pixel's first channels, so it comes before all others; with less than
 * four channels there are none.
 * Exact    equal bit for bit to conv2d_rv32() */
#include "conv2d_plane.h"
#include "conv2d_jit.h"
#include "conv2d_plan.h"
#include "conv2d_rows.h"
#include "copy.h"
#include "jit.h"
#include "stream.h"
#include "widen.h"

#ifdef __riscv
_Static_assert(STREAM_ENTRIES == CONV2D_PLANE_WORDS && STREAM_BANKS == CONV2D_TILE_PIXELS &&
                   (int)JIT_REACH == (int)CONV2D_REACH,
               "conv2d_plan.h knows other limits");

/* What stays the same throughout a layer. */
struct plane {
    const struct kernel_args *args;
    struct conv2d_plane_plan plan;
    struct conv2d_pieces pieces;
    struct conv2d_rows rows;
    struct conv2d_group group;
    const uint8_t *weights; /* widened */
    struct conv2d_band band;
    uint8_t *out;          /* first row of results of the band */
    uint32_t pixel_bytes;  /* from a pixel's patch to that of its neighbour */
    conv2d_groups_fn *run; /* made for so many pixels: */
    uint32_t made;
};

/* Element e of a group's packed weights. */
ALWAYS_INLINE uint32_t wide_weight(const uint8_t *weights, unsigned bits, uint32_t e)
{
    if (bits == 8)
        return load_aligned(weights + 4 * (e ^ 3));
    if (bits == 4)
        return widen_nibbles(load_half(weights + 2 * (e ^ 2)));
    return widen_pairs(weights[e]);
}

/* Those of one group; to: zeros. */
static void widen_group(const struct kernel_args *args, const uint8_t *packed, uint32_t piece_bytes,
                        uint8_t *to)
{
    const struct model_layer *layer = args->layer;
    const uint32_t channels = args->in_shape->channels;
    const uint32_t column = model_column_elements(layer->kernel_h, channels);

    for (uint32_t kx = 0; kx < layer->kernel_w; kx++) {
        uint32_t e = kx * column;

        for (uint32_t ky = 0; ky < layer->kernel_h; ky++) {
            uint8_t *at = to + ky * piece_bytes + 4 * kx * channels;

            for (uint32_t c = 0; c < channels; c++, e++, at += 4)
                store_word(at, wide_weight(packed, layer->weight_bits, e));
        }
    }
}

static void widen(struct plane *p, uint32_t groups)
{
    const struct kernel_args *args = p->args;
    const uint32_t packed = args->layer->weight_bytes / groups;
    uint8_t *to = args->scratch;

    zero_words(to, p->plan.weight_size);
    to += CONV2D_PLANE_LEAD;
    p->weights = to;
    for (uint32_t g = 0; g < groups; g++, to += p->plan.group_bytes)
        widen_group(args, args->weights + g * packed, 16 * p->plan.piece_words, to);
    p->band.bytes = args->scratch + p->plan.weight_size;
    p->band.margin = p->plan.margin;
    p->band.row_bytes = p->plan.row_bytes;
}

/* Every so many pixels of the band from number first on. */
static void run_pass(struct plane *p, uint32_t first, uint32_t last, uint32_t count)
{
    const uint32_t at = p->plan.lead + first * p->pixel_bytes, over = at % 4;

    p->group.pixels = (p->args->out_shape->width - first + p->plan.period - 1) / p->plan.period;
    if (p->group.pixels != p->made) {
        p->made = p->group.pixels;
        p->run = conv2d_jit_make(&p->group, 1);
    }
    p->group.patch = p->band.bytes + at - over;
    p->group.weights = p->weights - 4 * over;
    p->group.out = p->out + first * p->args->out_shape->channels;
    p->run(&p->group, last, count);
}

static void run_band(struct plane *p)
{
    const uint32_t whole = p->args->out_shape->channels / 4u;

    if (p->args->out_shape->channels % 4) {
        uint8_t *const end = p->out + p->rows.count * p->rows.out_step;
        const uint32_t behind = load_word(end); /* over which the last word reaches */

        for (uint32_t first = 0; first < p->plan.period; first++)
            run_pass(p, first, whole, 1);
        store_word(end, behind);
    }
    for (uint32_t first = whole ? p->plan.period : 0; first-- > 0;)
        run_pass(p, first, whole - 1, whole);
}

static void set_up(struct plane *p)
{
    const struct kernel_args *args = p->args;
    const struct model_layer *layer = args->layer;
    const uint32_t period = p->plan.period, channels = args->out_shape->channels;

    p->pixel_bytes = (uint32_t)layer->stride_w * args->in_shape->channels;
    p->rows.patch_step = layer->stride_h * p->plan.row_bytes;
    p->rows.out_step = args->out_shape->width * channels;
    p->group.params = args->params;
    p->group.words = layer->kernel_h * p->plan.piece_words;
    p->group.patch_size = period * p->pixel_bytes;
    p->group.out_stride = period * channels;
    p->group.group_bytes = p->plan.group_bytes;
    p->group.weight_bits = 8;
    p->group.is_signed = args->in_shape->is_signed;
    p->pieces =
        (struct conv2d_pieces){p->plan.piece_words, layer->kernel_h, p->plan.row_bytes, 1, 0};
    p->group.pieces = &p->pieces;
    p->group.rows = &p->rows;
    p->out = args->out;
    p->made = 0;
}

bool conv2d_plane(const struct kernel_args *args)
{
    const struct model_layer *layer = args->layer;
    struct plane p; /* field by field: an initializer clears it first */

    p.args = args;
    p.plan = conv2d_plane_plan_make(layer, args->in_shape, args->out_shape);
    if (!p.plan.fits)
        return false;
    set_up(&p);
    widen(&p, (args->out_shape->channels + 3u) / 4);
    for (uint32_t y = 0; y < args->out_shape->height; y += p.rows.count) {
        const uint32_t left = args->out_shape->height - y;

        p.rows.count = left < p.plan.rows ? left : p.plan.rows;
        conv2d_fill_band(args, p.band, (int)(y * layer->stride_h) - layer->pad_top,
                         (p.rows.count - 1) * layer->stride_h + layer->kernel_h);
        run_band(&p);
        p.out += p.rows.count * p.rows.out_step;
    }
    return true;
}
#endif
