// SPDX-License-Identifier: Apache-2.0
/* Depthwise convolution, neural instructions, weights of any width.
 * Shapes   in [h][w][c], out [oh][ow][c], weights [ceil(c/4)][..] words (model_format.h)
 * Demands  as kernels.h; scratch of model_scratch_bytes()
 * Exact    equal bit for bit to depthwise_rv32() and to the oracle in tests/model/ref_layers.c
 *
 * With the instructions of version 2: 3x3, 5x5 and 7x7 with stride 1 or 2, depthwise_jit.c. Without:
 * 3x3 with stride 1 or 2: depthwise_3x3_nn.S. Rows of 5 and 7 taps: a row of weights at a time is loaded
 * for two pixels, which share the unit in turns; kernel rows on padding are left out. Any other
 * kernel, and 3x3 on the host: pixel by pixel. */
#include "depthwise.h"
#include "depthwise_3x3.h"
#include "depthwise_jit.h"
#include "nn_state.h"
#include "stream.h"

enum { WIDEST = 7 };

/* count is a constant up to WIDEST + 1. */
ALWAYS_INLINE void load_words(unsigned count, uint32_t *words, const uint8_t *at)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < count; i++)
        words[i] = load_here(at + 4 * i);
}

/* A row of the kernel; width is a constant up to WIDEST. */
ALWAYS_INLINE void mac_words(unsigned width, const uint32_t *weights, const uint32_t *words)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < width; i++)
        nn_mac_8b(weights[i], words[i]);
}

/* Two pixels side by side. */
struct pair {
    const uint8_t *weights, *at; /* row of the kernel, of the band at the left pixel's window */
    struct nn_acc sums;          /* of the pixel that is not in the unit */
};

/* A row of the kernel for both pixels, first the one that the unit holds. left_first: which one
 * that is; beside: a constant, the stride is 1 and they share their loads; step: bytes from one to
 * the other. */
ALWAYS_INLINE void pair_row(unsigned width, bool beside, struct pair *pair, uint32_t step,
                            bool left_first)
{
    uint32_t weights[WIDEST], words[WIDEST + 1];

    load_words(width, weights, pair->weights);
    if (beside) {
        load_words(width + 1, words, pair->at);
        mac_words(width, weights, words + !left_first);
        pair->sums = nn_exchange(pair->sums);
        mac_words(width, weights, words + left_first);
    } else {
        const uint8_t *right = as_it_stands(pair->at + step);

        load_words(width, words, left_first ? pair->at : right);
        mac_words(width, weights, words);
        pair->sums = nn_exchange(pair->sums);
        load_words(width, words, left_first ? right : pair->at);
        mac_words(width, weights, words);
    }
    pair->weights += 4 * width;
}

/* Where a pixel is, and the part of the kernel that lies on the input's rows. */
struct spot {
    const uint8_t *first;   /* row of the band */
    uint32_t offset;        /* of the window in its rows */
    const uint8_t *weights; /* for this row */
    uint32_t kernel_rows;
    uint8_t *out;
};

ALWAYS_INLINE void two_pixels(unsigned width, bool beside, const struct depthwise_rows *row,
                              struct spot spot)
{
    const uint32_t bias = load_here(row->params), mode = load_here(row->params + 4);
    struct pair pair = {.weights = spot.weights, .at = spot.first + spot.offset};
    const uint8_t *const wrap = row->ring_end + spot.offset;
    uint32_t ky = spot.kernel_rows, multiplier, shift, first, second;

    neur_init(bias, mode);
    pair.sums = nn_read_acc();
    for (;;) {
        pair_row(width, beside, &pair, row->step, true);
        if (!--ky)
            break;
        pair.at += row->row_bytes;
        if (pair.at == wrap)
            pair.at = row->ring + spot.offset;
        pair_row(width, beside, &pair, row->step, false);
        if (!--ky)
            break;
        pair.at += row->row_bytes;
        if (pair.at == wrap)
            pair.at = row->ring + spot.offset;
    }
    multiplier = load_here(row->params + 8);
    shift = load_here(row->params + 12);
    first = neur_res(multiplier, shift);
    nn_exchange(pair.sums);
    second = neur_res(multiplier, shift);
    if (spot.kernel_rows & 1) {
        store_word(spot.out, second);
        store_word(spot.out + row->out_stride, first);
    } else {
        store_word(spot.out, first);
        store_word(spot.out + row->out_stride, second);
    }
}

/* One pixel; width is a constant up to WIDEST. */
ALWAYS_INLINE void one_pixel(unsigned width, const struct depthwise_rows *row,
                             const struct spot *spot)
{
    const uint32_t bias = load_here(row->params), mode = load_here(row->params + 4);
    const uint8_t *weights = spot->weights, *at = spot->first + spot->offset;
    const uint8_t *const wrap = row->ring_end + spot->offset;
    uint32_t w[WIDEST], words[WIDEST];

    neur_init(bias, mode);
    for (uint32_t ky = spot->kernel_rows; ky; ky--) {
        load_words(width, w, weights);
        load_words(width, words, at);
        mac_words(width, w, words);
        weights += 4 * width;
        at += row->row_bytes;
        if (at == wrap)
            at = row->ring + spot->offset;
    }
    store_word(spot->out, neur_res(load_aligned(row->params + 8), load_aligned(row->params + 12)));
}

/* One pixel, any kernel. */
static NOINLINE void any_pixel(const struct depthwise_rows *row, const struct spot *spot)
{
    const uint32_t bias = load_here(row->params), mode = load_here(row->params + 4);
    const uint8_t *weights = spot->weights, *at = spot->first;

    neur_init(bias, mode);
    for (uint32_t ky = spot->kernel_rows; ky; ky--) {
        const uint8_t *words = at + spot->offset;

#pragma GCC unroll 4
        for (const uint8_t *end = words + 4 * row->kernel_w; words < end; words += 4) {
            const uint32_t w = load_here(weights), a = load_here(words);

            weights += 4;
            nn_mac_8b(w, a);
        }
        at = depthwise_next(row, at);
    }
    store_word(spot->out, neur_res(load_aligned(row->params + 8), load_aligned(row->params + 12)));
}

/* Leaves out the kernel's rows that lie above and below the input. top: the window's first row. */
static void clip(const struct depthwise_rows *row, int top, const uint8_t *first, struct spot *spot)
{
    const int above = top < 0 ? -top : 0;
    const int below = top + (int)row->kernel_h - (int)row->in_height;

    spot->first = first;
    for (int i = above; i; i--)
        spot->first = depthwise_next(row, spot->first);
    spot->weights = row->weights + 4u * (uint32_t)above * row->kernel_w;
    spot->kernel_rows = row->kernel_h - (uint32_t)above - (below > 0 ? (uint32_t)below : 0);
}

/* width: 5 or 7 as a constant, or 0 for pixel by pixel; beside as for pair_row(). */
ALWAYS_INLINE void rows_pairs(unsigned width, bool beside, const struct depthwise_rows *row)
{
    const uint32_t step = row->step, stride = row->out_stride;
    const uint8_t *first = row->first;
    struct spot spot = {.out = row->out};
    int top = row->top;

    for (uint32_t y = row->count; y; y--, first += row->down, top += row->top_step) {
        uint32_t left = row->pixels;

        clip(row, top, first, &spot);
        spot.offset = row->offset;
        for (; width && left >= 2; left -= 2, spot.offset += 2 * step, spot.out += 2 * stride)
            two_pixels(width, beside, row, spot);
        for (; left; left--, spot.offset += step, spot.out += stride) {
            if (width)
                one_pixel(width, row, &spot);
            else
                any_pixel(row, &spot);
        }
    }
}

STREAM_FALLBACK static NOINLINE void rows_5_stride_1(const struct depthwise_rows *row)
{
    rows_pairs(5, true, row);
}

STREAM_FALLBACK static NOINLINE void rows_5(const struct depthwise_rows *row)
{
    rows_pairs(5, false, row);
}

STREAM_FALLBACK static NOINLINE void rows_7_stride_1(const struct depthwise_rows *row)
{
    rows_pairs(7, true, row);
}

STREAM_FALLBACK static NOINLINE void rows_7(const struct depthwise_rows *row)
{
    rows_pairs(7, false, row);
}

static void rows_any(const struct depthwise_rows *row)
{
    rows_pairs(0, false, row);
}

#ifdef __riscv
static void run_3x3(const struct depthwise_rows *row, void (*run)(struct depthwise_3x3 *walk))
{
    const uint8_t *const second = depthwise_next(row, row->first);
    struct depthwise_3x3 walk = {
        .weights = row->weights,
        .params = row->params,
        .first = row->first + row->offset,
        .to_second = (uint32_t)(second - row->first),
        .to_third = (uint32_t)(depthwise_next(row, second) - row->first),
        .down = row->down,
        .count = row->count,
        .out = row->out,
        .out_stride = row->out_stride,
        .out_row = row->pixels * row->out_stride,
    };

    run(&walk);
}

static void rows_3x3_stride_1(const struct depthwise_rows *row)
{
    run_3x3(row, depthwise_nn_3x3_stride_1);
}

static void rows_3x3_stride_2(const struct depthwise_rows *row)
{
    run_3x3(row, depthwise_nn_3x3_stride_2);
}
#else
#define rows_3x3_stride_1 rows_any
#define rows_3x3_stride_2 rows_any
#endif

static depthwise_rows_fn *select_rows(const struct kernel_args *args)
{
    const struct model_layer *layer = args->layer;

    if (stream_is_there())
        return rows_any;
    if (layer->kernel_w == 3 && layer->kernel_h == 3 && layer->stride_w <= 2)
        return layer->stride_w == 1 ? rows_3x3_stride_1 : rows_3x3_stride_2;
    if (layer->kernel_w == 5)
        return layer->stride_w == 1 ? rows_5_stride_1 : rows_5;
    if (layer->kernel_w == 7)
        return layer->stride_w == 1 ? rows_7_stride_1 : rows_7;
    return rows_any;
}

void depthwise_nn(const struct kernel_args *args)
{
    if (!stream_is_there() || !depthwise_jit(args))
        depthwise_run(args, select_rows(args));
}
