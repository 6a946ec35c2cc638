// SPDX-License-Identifier: Apache-2.0
/* Depthwise convolution by code that is made for the layer: 3x3, 5x5 and 7x7. Works on the input as it stands. A row of
 * output is tiles of up to eight pixels, without a loop: of each kernel row up to four taps at a time, the words that
 * the pixels see go through the unit's window once, and each pixel has a multiplication. Words of padding are a zero
 * that lies in memory; kernel rows on padding are jumped over. Where a row is too long for that, pointers move from tile
 * to tile, and tiles that see no padding are a loop; where the plane has few rows, they are no loop.
 * Exact    equal bit for bit to depthwise_rv32() */
#include "depthwise_jit.h"
#include "depthwise.h"
#include "jit.h"
#include "stream.h"

#ifdef __riscv

enum {
    TAPS_MAX = 4,
    KERNEL_MAX = 7,
    EDGE_MAX = 3,
    WORDS_MAX = 2 * (TAPS_MAX + 2 * STREAM_BANKS), /* of a tile in a kernel row */
};

/* Registers of the code. From FIRST_ROW on: the input rows that the kernel's rows see, or, without a loop, all of them. */
enum {
    FIRST_ROW = JIT_A0, /* to a6 */
    OUT = JIT_A7,
    ZEROS = JIT_T0,
    BIAS = JIT_T1,
    MODE = JIT_T2,
    ABOVE = JIT_T3, /* kernel rows above the input, if positive */
    BELOW = JIT_T4,
    ONE = JIT_T5,
    TWO = JIT_T6,
    FIRST_SAVED = JIT_S2,
    ROWS = JIT_S2,  /* of output, yet to do, as TILES and GROUPS */
    DOWN = JIT_S3,  /* bytes from a row's windows to the next one's */
    TILES = JIT_S4, /* of the loop */
    /* Of the group. */
    GROUP_IN = JIT_S5,
    GROUP_OUT = JIT_S6,
    WEIGHTS = JIT_S7,
    PARAMS = JIT_S8,
    GROUPS = JIT_S9,
    LAST_SAVED = GROUPS,
};
/* Comparands of ABOVE and BELOW. */
static const uint8_t numbers[EDGE_MAX] = {JIT_ZERO, ONE, TWO};

struct maker {
    struct jit code;
    int kernel, stride_w, stride_h, pad_left, pad_top;
    int channels, in_width, in_height, out_width, out_height;
    int in_middle, out_middle; /* where offsets are long, about JIT_MIDDLE, else 0 */
    int parts;                 /* of a kernel row */
    int most_below;            /* kernel rows below the input, of the last row of output */
    int tiles, tile; /* of a row of output; pixels of a tile, but the last one may have fewer */
    bool moves;      /* pointers move from tile to tile */
    bool loops;      /* over the rows of output */
};

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Instructions, each for a word of a row. */
struct words {
    uint32_t first, step; /* the first one with offset and base 0; from one to the next */
    uint32_t row_step;    /* to those of the next kernel row, base aside */
    int column, column_step;
    int count, spacing; /* places in the code from one to the next */
};

/* Code of a kernel row, and what it has to be added for the next one, which sees the next register's row. */
struct block {
    uint32_t *code, *steps;
};

static struct block put_words(const struct maker *m, struct words w, unsigned row, int offset,
                              struct block at)
{
    const uint32_t step = w.step + ((uint32_t)(w.column_step * m->channels) << 20);
    uint32_t padding = w.first + ((uint32_t)ZEROS << 15);
    uint32_t word = w.first + (row << 15) + ((uint32_t)(w.column * m->channels + offset) << 20);

    for (; w.count > 0; w.count--) {
        const bool inside = (uint32_t)w.column < (uint32_t)m->in_width;

        *at.code = inside ? word : padding;
        *at.steps = inside ? w.row_step + (1u << 15) : w.row_step;
        at.code += w.spacing;
        at.steps += w.spacing;
        w.column += w.column_step;
        word += step;
        padding += w.step;
    }
    return at;
}

/* Part of a row of output. */
struct tile {
    int first, pixels;
    int base; /* the pixel for which pointers stand */
};

/* One part of the first kernel row that a tile sees, which is number ky and sees the row of a register. */
static struct block put_part(const struct maker *m, struct tile tile, int part, int ky,
                             unsigned row, struct block at)
{
    const int taps = smaller(m->kernel - TAPS_MAX * part, TAPS_MAX);
    const int between = taps > 1 ? m->stride_w - 1 : 0; /* words that the next pixel only loads */
    const int offset = -tile.base * m->stride_w * m->channels - m->in_middle;
    struct words w;
    struct block next;

    w.first = NN_LDA(0, 0);
    w.step = w.row_step = 0;
    w.column = tile.first * m->stride_w - m->pad_left + part * TAPS_MAX;
    w.column_step = w.spacing = 1;
    w.count = taps - 1 - between;
    at = put_words(m, w, row, offset, at);
    w.column += taps - 1 - between;
    w.column_step = m->stride_w;
    w.count = tile.pixels;
    w.spacing = 1 + between;
    if (between) {
        put_words(m, w, row, offset, at);
        w.column++;
    }
    w.first = NN_LDA_MAC(0, (uint32_t)(m->parts * ky + part), 0, 0);
    w.step = NN_LDA_MAC(1, 0, 0, 0) - NN_LDA_MAC(0, 0, 0, 0);
    w.row_step = NN_LDA_MAC(0, (uint32_t)m->parts, 0, 0) - NN_LDA_MAC(0, 0, 0, 0);
    next = put_words(m, w, row, offset, (struct block){at.code + between, at.steps + between});
    return (struct block){next.code - between, next.steps - between};
}

/* count kernel rows from number ky on, which see the rows of registers from row on. In a loop they are jumped over where
 * they lie above or below the input. */
static void put_kernel_rows(struct maker *m, struct tile tile, int ky, unsigned row, int count)
{
    uint32_t steps[WORDS_MAX], *first = NULL;
    uint32_t length = 0;

    for (const int end = ky + count; ky < end; ky++) {
        const int from_end = m->kernel - 1 - ky;
        const bool above = m->loops && ky < m->pad_top,
                   below = m->loops && from_end < m->most_below;
        uint32_t *const skip_above = m->code.at, *const skip_below = m->code.at + above;

        m->code.at += above + below;
        if (first) {
            jit_put_again(&m->code, first, steps, length);
            first = m->code.at - length;
        } else {
            struct block at = {m->code.at, steps};

            for (int part = 0; part < m->parts; part++)
                at = put_part(m, tile, part, ky, row, at);
            first = m->code.at;
            length = (uint32_t)(at.code - first);
            m->code.at = at.code;
        }
        if (above)
            *skip_above = jit_branch(JIT_BLT, numbers[ky], ABOVE, skip_above, m->code.at);
        if (below)
            *skip_below = jit_branch(JIT_BLT, numbers[from_end], BELOW, skip_below, m->code.at);
    }
}

/* To the next row of output, but for OUT. */
static void put_next_row(struct maker *m)
{
    for (unsigned row = FIRST_ROW; row < FIRST_ROW + (unsigned)m->kernel; row++)
        jit_put(&m->code, jit_add(row, row, DOWN));
    jit_put(&m->code, jit_addi(ROWS, ROWS, -1));
    if (m->pad_top)
        jit_put(&m->code, jit_addi(ABOVE, ABOVE, -m->stride_h));
    if (m->most_below > 0)
        jit_put(&m->code, jit_addi(BELOW, BELOW, m->stride_h));
}

/* y: row of output, if there is no loop. Pointers move before the stores: results are ready three instructions after
 * the last multiplication. */
static void put_tile(struct maker *m, struct tile tile, int y)
{
    const bool last = tile.first + tile.pixels == m->out_width;
    const int offset = (tile.first - tile.base) * m->channels - m->out_middle;

    if (m->loops) {
        put_kernel_rows(m, tile, 0, FIRST_ROW, m->kernel);
    } else {
        const int top = y * m->stride_h - m->pad_top, ky = top < 0 ? -top : 0;

        put_kernel_rows(m, tile, ky, (unsigned)(FIRST_ROW + top + ky),
                        smaller(m->kernel, m->in_height - top) - ky);
    }
    if (last && m->loops)
        put_next_row(m);
    else if (m->moves)
        for (unsigned row = FIRST_ROW; row < FIRST_ROW + (unsigned)m->kernel; row++)
            jit_move(&m->code, row, m->tile * m->stride_w * m->channels);
    jit_put_stores(&m->code, OUT, offset, m->channels, (uint32_t)tile.pixels);
    if (last)
        jit_move(&m->code, OUT, (m->out_width - tile.base) * m->channels);
    else if (m->moves)
        jit_move(&m->code, OUT, m->tile * m->channels);
    jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
}

/* Whole tiles from pixel first on that see no padding to the left or right. */
static int inner_tiles(const struct maker *m, int first)
{
    const int column = first * m->stride_w - m->pad_left;
    int count = 0;

    if (column < 0)
        return 0;
    while (first + (count + 1) * m->tile <= m->out_width &&
           column + ((count + 1) * m->tile - 1) * m->stride_w + m->kernel <= m->in_width)
        count++;
    return count;
}

static void put_row(struct maker *m, int y)
{
    struct tile tile = {0};

    while (tile.first < m->out_width) {
        /* The last tile of a row is never part of the loop. */
        const int inner = m->moves ? inner_tiles(m, tile.first) - 1 : 0;

        tile.pixels = smaller(m->tile, m->out_width - tile.first);
        tile.base = m->moves ? tile.first : 0;
        if (inner > 1) {
            const uint32_t *loop;

            jit_set(&m->code, TILES, inner);
            loop = m->code.at;
            jit_put(&m->code, jit_addi(TILES, TILES, -1));
            put_tile(m, tile, y);
            jit_loop(&m->code, TILES, loop);
            tile.first += inner * m->tile;
        } else {
            put_tile(m, tile, y);
            tile.first += tile.pixels;
        }
    }
}

/* What entries lack: their last weights are taps, the others zeros for good. */
static void put_zeros(struct maker *m)
{
    const int taps = m->kernel - TAPS_MAX * (m->parts - 1); /* of the last part */

    for (int ky = 1; ky <= m->kernel; ky++)
        for (int i = 0; i < TAPS_MAX - taps; i++)
            jit_put(&m->code,
                    NN_LDW((uint32_t)(m->parts * ky - 1), (uint32_t)i, 0, (uint32_t)ZEROS));
}

static void put_weights(struct maker *m)
{
    const uint32_t zero = NN_LDW(0, 0, 0, 0);

    for (int part = 0; part < m->parts; part++) {
        const int taps = smaller(m->kernel - TAPS_MAX * part, TAPS_MAX);

        jit_put_runs(
            &m->code,
            (struct jit_runs){.first = NN_LDW((uint32_t)part, (uint32_t)(TAPS_MAX - taps),
                                              4 * TAPS_MAX * part, (uint32_t)WEIGHTS),
                              .step = NN_LDW(0, 1, 4, 0) - zero,
                              .count = (uint32_t)taps,
                              .run_step = NN_LDW((uint32_t)m->parts, 0, 4 * m->kernel, 0) - zero,
                              .runs = (uint32_t)m->kernel});
    }
}

static void put_pointers(struct maker *m)
{
    const int row = m->in_width * m->channels, top = m->loops ? m->pad_top : 0;
    const int moved = m->moves ? (m->tiles - 1) * m->tile : 0; /* pixels, before the last tile */

    jit_put(&m->code, jit_addi(OUT, GROUP_OUT, m->out_middle));
    jit_set(&m->code, DOWN, m->in_middle - top * row);
    jit_put(&m->code, jit_add(FIRST_ROW, GROUP_IN, DOWN));
    jit_set(&m->code, DOWN, row);
    for (int i = 1; i < (m->loops ? m->kernel : m->in_height); i++)
        jit_put(&m->code, jit_add(FIRST_ROW + (unsigned)i, FIRST_ROW + (unsigned)i - 1, DOWN));
    if (!m->loops)
        return;
    jit_set(&m->code, DOWN, m->stride_h * row - moved * m->stride_w * m->channels);
    jit_set(&m->code, ROWS, m->out_height);
    jit_set(&m->code, ABOVE, m->pad_top);
    jit_set(&m->code, BELOW, m->most_below - (m->out_height - 1) * m->stride_h);
    jit_set(&m->code, ONE, 1);
    jit_set(&m->code, TWO, 2);
}

enum { SAVED = LAST_SAVED - FIRST_SAVED + 1, SAVED_BYTES = 4 * SAVED };

/* Registers that a function must give back, on their way to the stack or from there. step: from one to the next. */
static void put_saved(struct maker *m, uint32_t first, uint32_t step)
{
    jit_put_runs(&m->code,
                 (struct jit_runs){.first = first, .step = step, .count = SAVED, .runs = 1});
}

/* jit_code[0] is the word of zeros. */
static void put_start(struct maker *m)
{
    jit_put(&m->code, jit_addi(JIT_SP, JIT_SP, -(int32_t)SAVED_BYTES));
    put_saved(m, jit_sw(FIRST_SAVED, 0, JIT_SP), jit_sw(1, 4, 0) - jit_sw(0, 0, 0));
    for (unsigned i = 0; i < 5; i++)
        jit_put(&m->code, jit_addi(GROUP_IN + i, JIT_A0 + i, 0));
    jit_set(&m->code, ZEROS, (int32_t)(uintptr_t)jit_code);
    put_zeros(m);
}

static void put_next_group(struct maker *m, const uint32_t *group, int weight_bytes)
{
    jit_put(&m->code, jit_addi(GROUP_IN, GROUP_IN, -4));
    jit_put(&m->code, jit_addi(GROUP_OUT, GROUP_OUT, -4));
    jit_put(&m->code, jit_addi(WEIGHTS, WEIGHTS, -weight_bytes));
    jit_put(&m->code, jit_addi(PARAMS, PARAMS, -MODEL_GROUP_BYTES));
    jit_put(&m->code, jit_addi(GROUPS, GROUPS, -1));
    jit_loop(&m->code, GROUPS, group);
}

/* A jit_fn at jit_code + 1, for groups from the last one to the first. */
static void make(struct maker *m)
{
    const uint32_t *group, *loop;

    m->code.at = jit_code;
    jit_put(&m->code, 0);
    put_start(m);
    group = m->code.at;
    jit_put_params(&m->code, PARAMS);
    jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
    put_weights(m);
    put_pointers(m);
    loop = m->code.at;
    for (int y = 0; y < (m->loops ? 1 : m->out_height); y++)
        put_row(m, y);
    if (m->loops)
        jit_loop(&m->code, ROWS, loop);
    put_next_group(m, group, 4 * m->kernel * m->kernel);
    put_saved(m, jit_lw(FIRST_SAVED, 0, JIT_SP), jit_lw(1, 4, 0) - jit_lw(0, 0, 0));
    jit_put(&m->code, jit_addi(JIT_SP, JIT_SP, SAVED_BYTES));
    jit_put(&m->code, jit_ret());
    jit_done();
}

/* The most words that make() may put for so many tiles of a row. */
static int length(const struct maker *m, int tiles)
{
    /* A kernel row: two branches, two to move on; words before the first pixel; for each pixel up to stride_w words
     * in each part. */
    const int row = 4 + m->kernel + m->parts * m->stride_w * m->tile;

    return tiles * (m->kernel * row + m->tile + 8) + m->kernel * (m->kernel + 6) + 80;
}

static bool is_long(int bytes)
{
    return bytes > JIT_OFFSET_MAX;
}

/* Whether offsets reach over whole rows, and the code has room. */
static bool choose_whole_rows(struct maker *m)
{
    const int in_bytes = m->in_width * m->channels, out_bytes = m->out_width * m->channels;

    m->moves = false;
    m->tiles = (m->out_width + STREAM_BANKS - 1) / STREAM_BANKS;
    m->tile = (m->out_width + m->tiles - 1) / m->tiles;
    m->in_middle = is_long(in_bytes) ? JIT_MIDDLE : 0;
    m->out_middle = is_long(out_bytes) ? JIT_MIDDLE : 0;
    return in_bytes <= JIT_REACH && out_bytes <= JIT_REACH &&
           length(m, m->tiles) <= jit_code_end - jit_code;
}

/* Whether a register for each input row suffices, and the code has room. Code that is longer takes longer to make. */
static bool choose_no_loop(struct maker *m)
{
    enum { LEAST_GROUPS = 16 };

    m->loops = false;
    return m->in_height <= KERNEL_MAX && m->channels >= 4 * LEAST_GROUPS && choose_whole_rows(m) &&
           length(m, m->tiles * m->out_height) <= jit_code_end - jit_code;
}

/* With pointers that move, and as many pixels as offsets reach over. Not in the loop are up to six tiles: the first
 * one, one before the last, and those that see padding to the right. */
static bool choose_moving(struct maker *m)
{
    enum { SINGLE_TILES = 6, LEAST = 4 };

    m->moves = true;
    m->in_middle = JIT_MIDDLE - m->pad_left * m->channels;
    m->out_middle = JIT_MIDDLE;
    for (m->tile = STREAM_BANKS; m->tile >= LEAST; m->tile--) {
        const int columns = m->tile * m->stride_w + m->kernel;

        m->tiles = (m->out_width + m->tile - 1) / m->tile;
        if (columns * m->channels <= JIT_REACH && m->pad_left <= m->tile &&
            length(m, smaller(m->tiles, SINGLE_TILES + 1)) <= jit_code_end - jit_code)
            return true;
    }
    return false;
}

static bool fits(const struct kernel_args *args, struct maker *m)
{
    const struct model_layer *layer = args->layer;

    m->kernel = layer->kernel_h;
    m->stride_w = layer->stride_w;
    m->stride_h = layer->stride_h;
    m->pad_left = layer->pad_left;
    m->pad_top = layer->pad_top;
    m->channels = args->in_shape->channels;
    m->in_width = args->in_shape->width;
    m->in_height = args->in_shape->height;
    m->out_width = args->out_shape->width;
    m->out_height = args->out_shape->height;
    m->parts = m->kernel > TAPS_MAX ? 2 : 1;
    m->most_below = (m->out_height - 1) * m->stride_h - m->pad_top + m->kernel - m->in_height;
    if (layer->kernel_w != m->kernel || (m->kernel != 3 && m->kernel != 5 && m->kernel != 7) ||
        m->stride_w > 2 || m->pad_top > EDGE_MAX || m->most_below > EDGE_MAX)
        return false;
    if (choose_no_loop(m))
        return true;
    m->loops = true;
    return choose_whole_rows(m) || choose_moving(m);
}

/* count groups, from number last down. Weights of less than eight bits are widened for one at a time. */
static void run(const struct kernel_args *args, uint32_t last, uint32_t count)
{
    const struct model_layer *layer = args->layer;
    const uint32_t groups = (args->in_shape->channels + 3u) / 4;
    const uint32_t taps = (uint32_t)layer->kernel_h * layer->kernel_w;
    const uint8_t *const packed = args->weights + last * (layer->weight_bytes / groups);

    jit_function(jit_code + 1)(args->in + 4 * last, args->out + 4 * last,
                               depthwise_widen(packed, layer->weight_bits, taps, args->scratch),
                               args->params + last * MODEL_GROUP_BYTES, count, 0);
}

bool depthwise_jit(const struct kernel_args *args)
{
    const uint32_t channels = args->in_shape->channels;
    uint32_t left = channels / 4;
    struct maker maker;

    if (!fits(args, &maker))
        return false;
    make(&maker);
    if (channels % 4) {
        uint8_t *const end = args->out + args->out_shape->size_bytes;
        const uint32_t behind = load_word(end); /* over which the last word reaches */

        run(args, left, 1);
        store_word(end, behind);
    }
    if (args->layer->weight_bits == 8) {
        if (left)
            run(args, left - 1, left);
    } else {
        for (; left; left--)
            run(args, left - 1, 1);
    }
    return true;
}
#else
bool depthwise_jit(const struct kernel_args *args)
{
    (void)args;
    return false;
}
#endif
