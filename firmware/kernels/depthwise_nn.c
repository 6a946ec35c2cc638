// SPDX-License-Identifier: Apache-2.0
/* Depthwise convolution, neural instructions, weights of any width.
 * Shapes   in [h][w][c], out [oh][ow][c], weights [ceil(c/4)][..] words (model_format.h)
 * Demands  as kernels.h; scratch of model_scratch_bytes()
 * Exact    equal bit for bit to depthwise_rv32() and to the oracle in tests/model/ref_layers.c
 *
 * 3x3: the weights stay in registers, and with stride 1 so does the window, which takes in a column
 * of three words a pixel. 5x5, 7x7: a row of weights at a time is loaded for two pixels, which
 * share the unit in turns. Any other kernel: pixel by pixel. */
#include "depthwise.h"
#include "nn_state.h"

enum { TAPS_3X3 = 9, WIDEST = 7 };

/* The next pixel's place: one pointer, not one for each pixel of an unrolled loop. */
ALWAYS_INLINE uint8_t *step_out(uint8_t *out, uint32_t stride)
{
    out += stride;
    __asm__("" : "+r"(out));
    return out;
}

/* count is a constant up to TAPS_3X3. */
ALWAYS_INLINE void load_words(unsigned count, uint32_t *words, const uint8_t *at)
{
#pragma GCC unroll 9
    for (unsigned i = 0; i < count; i++)
        words[i] = load_here(at + 4 * i);
}

/* Three rows of the band, from first on, at the first pixel's window. */
ALWAYS_INLINE void find_rows(const struct depthwise_rows *row, const uint8_t *first,
                             const uint8_t *rows[3])
{
    rows[0] = first;
    rows[1] = depthwise_next(row, rows[0]);
    rows[2] = depthwise_next(row, rows[1]);
#pragma GCC unroll 3
    for (unsigned ky = 0; ky < 3; ky++)
        rows[ky] += row->offset;
}

/* The window of three columns in registers: column number x in columns[x % 3]. */
ALWAYS_INLINE void load_column(const uint8_t *const rows[3], unsigned x, uint32_t columns[3][3])
{
#pragma GCC unroll 3
    for (unsigned ky = 0; ky < 3; ky++)
        columns[x % 3][ky] = load_here(rows[ky] + 4 * x);
}

/* Adds up pixel number x = 0, 1, 2 from rows. Weights and window take nearly all registers: the
 * operands of neur_init come from memory, through registers that the new column takes then. */
ALWAYS_INLINE void slide(const uint8_t *const rows[3], unsigned x, uint32_t columns[3][3],
                         const uint32_t *weights, const uint32_t *start)
{
    const uint32_t bias = load_here((const uint8_t *)start);
    const uint32_t mode = load_here((const uint8_t *)(start + 1));

    columns[(x + 2) % 3][0] = load_here(rows[0] + 4 * (x + 2));
    neur_init(bias, mode);
    columns[(x + 2) % 3][1] = load_here(rows[1] + 4 * (x + 2));
    columns[(x + 2) % 3][2] = load_here(rows[2] + 4 * (x + 2));
#pragma GCC unroll 3
    for (unsigned kx = 0; kx < 3; kx++) {
#pragma GCC unroll 3
        for (unsigned ky = 0; ky < 3; ky++)
            nn_mac_8b(weights[3 * ky + kx], columns[(x + kx) % 3][ky]);
    }
}

/* A row of output; returns the place behind it. */
ALWAYS_INLINE uint8_t *slide_row(const struct depthwise_rows *row, const uint8_t *first,
                                 const uint32_t *weights, const uint32_t *start, uint8_t *out)
{
    const uint32_t multiplier = load_here(row->params + 8), shift = load_here(row->params + 12);
    const uint32_t stride = row->out_stride;
    uint8_t *const end = out + row->pixels * stride;
    const uint8_t *rows[3];
    uint32_t columns[3][3];

    find_rows(row, first, rows);
    load_column(rows, 0, columns);
    load_column(rows, 1, columns);
    for (;;) {
        slide(rows, 0, columns, weights, start);
        store_word(out, neur_res(multiplier, shift));
        out = step_out(out, stride);
        if (out == end)
            return out;
        slide(rows, 1, columns, weights, start);
        store_word(out, neur_res(multiplier, shift));
        out = step_out(out, stride);
        if (out == end)
            return out;
        slide(rows, 2, columns, weights, start);
        store_word(out, neur_res(multiplier, shift));
        out = step_out(out, stride);
        if (out == end)
            return out;
#pragma GCC unroll 3
        for (unsigned ky = 0; ky < 3; ky++)
            rows[ky] += 12;
    }
}

/* The walk over the rows is kept in memory: the loop over a row needs all registers. */
struct place {
    const uint8_t *first;
    uint32_t left; /* rows */
};

static NOINLINE void rows_3x3_stride_1(const struct depthwise_rows *row)
{
    const uint32_t start[2] = {load_aligned(row->params), load_aligned(row->params + 4)};
    volatile struct place place = {row->first, row->count};
    uint32_t weights[TAPS_3X3];
    uint8_t *out = row->out;

    load_words(TAPS_3X3, weights, row->weights);
    for (; place.left; place.left--) {
        out = slide_row(row, place.first, weights, start, out);
        place.first += row->down;
    }
}

static NOINLINE void rows_3x3(const struct depthwise_rows *row)
{
    const uint32_t bias = load_here(row->params), mode = load_here(row->params + 4);
    const uint32_t multiplier = load_here(row->params + 8), shift = load_here(row->params + 12);
    const uint32_t stride = row->out_stride, step = row->step;
    volatile struct place place = {row->first, row->count};
    uint32_t weights[TAPS_3X3];
    uint8_t *out = row->out;

    load_words(TAPS_3X3, weights, row->weights);
    for (; place.left; place.left--, place.first += row->down) {
        uint8_t *const end = out + row->pixels * stride;
        const uint8_t *rows[3];

        find_rows(row, place.first, rows);
        do {
            neur_init(bias, mode);
#pragma GCC unroll 3
            for (unsigned ky = 0; ky < 3; ky++) {
                const uint32_t a = load_here(rows[ky]), b = load_here(rows[ky] + 4);
                const uint32_t c = load_here(rows[ky] + 8);

                nn_mac_8b(weights[3 * ky], a);
                nn_mac_8b(weights[3 * ky + 1], b);
                nn_mac_8b(weights[3 * ky + 2], c);
                rows[ky] += step;
            }
            store_word(out, neur_res(multiplier, shift));
            out += stride;
        } while (out != end);
    }
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

/* Where a pixel is. */
struct spot {
    const uint8_t *first; /* row of the band */
    uint32_t offset;      /* of the window in its rows */
    uint8_t *out;
};

ALWAYS_INLINE void two_pixels(unsigned width, bool beside, const struct depthwise_rows *row,
                              struct spot spot)
{
    const uint32_t bias = load_here(row->params), mode = load_here(row->params + 4);
    struct pair pair = {.weights = row->weights, .at = spot.first + spot.offset};
    const uint8_t *const wrap = row->ring_end + spot.offset;
    uint32_t ky = row->kernel_h, multiplier, shift, first, second;

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
    if (row->kernel_h & 1) {
        store_word(spot.out, second);
        store_word(spot.out + row->out_stride, first);
    } else {
        store_word(spot.out, first);
        store_word(spot.out + row->out_stride, second);
    }
}

/* One pixel, any kernel. */
static NOINLINE void one_pixel(const struct depthwise_rows *row, const struct spot *spot)
{
    const uint32_t bias = load_here(row->params), mode = load_here(row->params + 4);
    const uint8_t *weights = row->weights, *at = spot->first;

    neur_init(bias, mode);
    for (uint32_t ky = row->kernel_h; ky; ky--) {
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

/* width: 5 or 7 as a constant, or 0 for pixel by pixel; beside as for pair_row(). */
ALWAYS_INLINE void rows_pairs(unsigned width, bool beside, const struct depthwise_rows *row)
{
    const uint32_t step = row->step, stride = row->out_stride;
    struct spot spot = {.first = row->first, .out = row->out};

    for (uint32_t y = row->count; y; y--, spot.first += row->down) {
        uint32_t left = row->pixels;

        spot.offset = row->offset;
        for (; width && left >= 2; left -= 2, spot.offset += 2 * step, spot.out += 2 * stride)
            two_pixels(width, beside, row, spot);
        for (; left; left--, spot.offset += step, spot.out += stride)
            one_pixel(row, &spot);
    }
}

static NOINLINE void rows_5_stride_1(const struct depthwise_rows *row)
{
    rows_pairs(5, true, row);
}

static NOINLINE void rows_5(const struct depthwise_rows *row)
{
    rows_pairs(5, false, row);
}

static NOINLINE void rows_7_stride_1(const struct depthwise_rows *row)
{
    rows_pairs(7, true, row);
}

static NOINLINE void rows_7(const struct depthwise_rows *row)
{
    rows_pairs(7, false, row);
}

static void rows_any(const struct depthwise_rows *row)
{
    rows_pairs(0, false, row);
}

static depthwise_rows_fn *select_rows(const struct kernel_args *args)
{
    const struct model_layer *layer = args->layer;
    const bool stride_1 = layer->stride_w == 1;

    if (layer->kernel_w == 3 && layer->kernel_h == 3)
        return stride_1 ? rows_3x3_stride_1 : rows_3x3;
    if (layer->kernel_w == 5)
        return stride_1 ? rows_5_stride_1 : rows_5;
    if (layer->kernel_w == 7)
        return stride_1 ? rows_7_stride_1 : rows_7;
    return rows_any;
}

void depthwise_nn(const struct kernel_args *args)
{
    depthwise_run(args, select_rows(args));
}
