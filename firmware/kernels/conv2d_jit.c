// SPDX-License-Identifier: Apache-2.0
/* Convolution by code that is made for the layer: four channels of tiles of up to eight pixels, a bank of accumulators
 * for each, and no instruction for a tile but its multiplications, its stores and a few more. Rows of up to sixteen
 * words load their weights once; longer ones are chunks of sixteen, and load them for each tile. Where that would be too
 * much code, or offsets do not reach so far, the chunks are a loop. The tiles of a row are equal; the first one may
 * start before the row, and skips the pixels there.
 * Exact    equal bit for bit to conv2d_rv32() */
#include "conv2d_jit.h"
#include "jit.h"
#include "stream.h"

#ifdef __riscv

enum {
    PATCH = JIT_A0,
    OUT = JIT_A1,
    WEIGHTS = JIT_A2,
    PARAMS = JIT_A3,
    GROUPS = JIT_A4, /* yet to do, as TILES, ROWS and CHUNKS */
    ROW_COUNT = JIT_A5,
    FIRST = JIT_A6, /* what TILES is at the first tile of a row, where that lacks pixels */
    /* What PATCH and OUT begin with in a group, where an offset does not reach back. */
    GROUP_PATCH = JIT_T3,
    GROUP_OUT = JIT_T4,
    /* jit_put_params() overwrites these two. */
    TILES = JIT_T5,
    ROWS = JIT_T6,
    CHUNK_PATCH = ROW_COUNT, /* no loop of chunks is in a loop of rows */
    CHUNK_WEIGHTS = JIT_A7,
    CHUNKS = ROWS,
    TEMP = JIT_T0,
    BIAS = JIT_T1,
    MODE = JIT_T2,
};

/* A word of a patch that is not one piece. */
struct place {
    uint32_t word, piece, column; /* of the piece; of the column; bytes of the column */
};

struct maker {
    struct jit code;
    const struct conv2d_group *shape;
    const struct conv2d_rows *rows; /* NULL: one */
    uint32_t tiles, tile;           /* of a row; pixels of a tile */
    uint32_t lack;                  /* pixels of the first tile before the row */
    uint32_t loads;                 /* words of weights for a word of activations */
    uint32_t chunks, chunk_words;   /* rounds of the loop, 0: there is none; sixteen, or a column */
    const struct conv2d_pieces *pieces; /* NULL: a patch is one; else */
    struct place place;                 /* the next word */
    uint32_t patch, weights;            /* registers: where the chunk's pixels and weights are */
    int32_t patch_middle, out_middle,
        weights_middle; /* JIT_MIDDLE where offsets are long, else 0 */
};

static void put_move(struct maker *m, unsigned pointer, int32_t by)
{
    if (by >= -2 * JIT_OFFSET_MAX && by <= 2 * JIT_OFFSET_MAX) {
        jit_move(&m->code, pointer, by);
    } else {
        jit_set(&m->code, TEMP, by);
        jit_put(&m->code, jit_add(pointer, pointer, TEMP));
    }
}

/* Widened weights: those of a word's four activations stand in these' order, not in that of the lanes. */
static void put_wide_weights(struct maker *m, uint32_t count)
{
    const uint32_t zero = NN_LDW(0, 0, 0, 0);

    jit_put_runs(&m->code, (struct jit_runs){.first = NN_LDW(0, 3, 0, m->weights),
                                             .step = NN_LDW(0, 0, 4, 0) - NN_LDW(0, 1, 0, 0),
                                             .count = 4,
                                             .run_step = NN_LDW(1, 0, 16, 0) - zero,
                                             .runs = count});
}

/* Words first .. first + count - 1 of a row: their weights into the entries from 0 on. */
static void put_weights(struct maker *m, uint32_t first, uint32_t count)
{
    const int32_t offset = (int32_t)(4 * m->loads * first) - m->weights_middle;
    const uint32_t step = NN_LDW(0, 4 / m->loads, 4, 0) - NN_LDW(0, 0, 0, 0);

    jit_put_runs(&m->code, (struct jit_runs){.first = NN_LDW(0, 0, offset, m->weights),
                                             .step = step,
                                             .count = count * m->loads,
                                             .runs = 1});
}

/* The next count words of each pixel, piece by piece. Returns where those of the first tile begin. */
static uint32_t *put_piece_macs(struct maker *m, uint32_t count)
{
    const struct conv2d_pieces *const pieces = m->pieces;
    const uint32_t zero = NN_LDA_MAC(0, 0, 0, 0), step = NN_LDA_MAC(0, 1, 4, 0) - zero;
    uint32_t *const start = m->code.at;
    uint32_t instruction = NN_LDA_MAC(0, 0, -m->patch_middle, m->patch);

    for (uint32_t left = count; left;) {
        struct place *const at = &m->place;
        const uint32_t rest = pieces->words - at->word, words = rest < left ? rest : left;
        const uint32_t offset = at->column + at->piece * pieces->step + 4 * at->word;

        jit_put_runs(&m->code, (struct jit_runs){.first = instruction + (offset << 20),
                                                 .step = step,
                                                 .count = words,
                                                 .runs = 1});
        instruction += NN_LDA_MAC(0, words, 0, 0) - zero;
        left -= words;
        at->word += words;
        if (at->word < pieces->words)
            break;
        at->word = 0;
        if (++at->piece == pieces->count) {
            at->piece = 0;
            at->column += pieces->column_step;
        }
    }
    jit_put_shifted(&m->code, count, NN_LDA_MAC(1, 0, (int32_t)m->shape->patch_size, 0) - zero,
                    m->tile - 1);
    return start + m->lack * count;
}

/* Words first .. first + count - 1 of each pixel. Returns where those of the first tile begin. */
static uint32_t *put_macs(struct maker *m, uint32_t first, uint32_t count)
{
    const int32_t patch_size = (int32_t)m->shape->patch_size;
    const int32_t offset = (int32_t)(4 * first) - m->patch_middle;
    const uint32_t zero = NN_LDA_MAC(0, 0, 0, 0);
    uint32_t *const start = m->code.at;

    if (m->pieces)
        return put_piece_macs(m, count);
    jit_put_runs(&m->code, (struct jit_runs){.first = NN_LDA_MAC(0, 0, offset, m->patch),
                                             .step = NN_LDA_MAC(0, 1, 4, 0) - zero,
                                             .count = count,
                                             .run_step = NN_LDA_MAC(1, 0, patch_size, 0) - zero,
                                             .runs = m->tile});
    return start + m->lack * count;
}

/* Weights and multiplications of words first .. end - 1 of a row. */
static void put_chunks(struct maker *m, uint32_t first, uint32_t end)
{
    for (; first < end; first += STREAM_ENTRIES) {
        const uint32_t left = end - first, count = left < STREAM_ENTRIES ? left : STREAM_ENTRIES;
        uint32_t *skip;
        const uint32_t *to;

        put_weights(m, first, count);
        skip = m->code.at;
        m->code.at += m->lack != 0;
        to = put_macs(m, first, count);
        if (m->lack)
            *skip = jit_branch(JIT_BEQ, TILES, FIRST, skip, to);
    }
}

/* All of a tile's chunks by a loop, but the last one if it is not whole. */
static void put_chunk_loop(struct maker *m)
{
    const uint32_t words = m->chunk_words;
    const uint32_t *loop;

    m->patch = CHUNK_PATCH;
    m->weights = CHUNK_WEIGHTS;
    jit_put(&m->code, jit_addi(CHUNK_PATCH, PATCH, 0));
    jit_put(&m->code, jit_addi(CHUNK_WEIGHTS, WEIGHTS, 0));
    jit_set(&m->code, CHUNKS, (int32_t)m->chunks);
    loop = m->code.at;
    jit_put(&m->code, jit_addi(CHUNKS, CHUNKS, -1));
    put_chunks(m, 0, words);
    put_move(m, CHUNK_PATCH, (int32_t)(m->pieces ? m->pieces->column_step : 4 * words));
    put_move(m, CHUNK_WEIGHTS, (int32_t)(4 * words * m->loads));
    jit_loop(&m->code, CHUNKS, loop);
    put_chunks(m, 0, m->shape->words - m->chunks * words);
}

/* What comes after a tile's multiplications: bytes to the next one, and the register that counts them, if any. */
struct next {
    int32_t patch, out;
    unsigned count;
};

/* Stores, and goes on to the next tile. The results are ready four instructions after the last multiplication. Tiles are
 * counted behind the stores if the first one lacks pixels. */
static void put_results(struct maker *m, struct next next)
{
    const int32_t stride = (int32_t)m->shape->out_stride;
    const bool reaches = next.out <= JIT_REACH;
    const int32_t offset = m->out_middle - (reaches ? next.out : 0);

    put_move(m, PATCH, next.patch);
    if (reaches)
        put_move(m, OUT, next.out);
    if (m->lack)
        jit_put(&m->code, jit_branch(JIT_BEQ, TILES, FIRST, m->code.at, m->code.at + 1 + m->lack));
    else if (next.count)
        jit_put(&m->code, jit_addi(next.count, next.count, -1));
    jit_put_stores(&m->code, OUT, offset, stride, m->tile);
    if (!reaches)
        put_move(m, OUT, next.out);
    if (m->lack)
        jit_put(&m->code, jit_addi(TILES, TILES, -1));
}

/* To the first tile. */
static void put_pointers(struct maker *m)
{
    const int32_t lack = (int32_t)m->lack;

    put_move(m, WEIGHTS, m->weights_middle);
    put_move(m, PATCH, m->patch_middle - lack * (int32_t)m->shape->patch_size);
    put_move(m, OUT, -m->out_middle - lack * (int32_t)m->shape->out_stride);
    if (lack)
        jit_set(&m->code, FIRST, (int32_t)m->tiles);
}

/* The tiles of a row whose weights are in the unit. Returns where the next row begins. */
static const uint32_t *put_resident_tiles(struct maker *m, struct next next)
{
    uint32_t *enter;
    const uint32_t *loop, *first;

    if (m->rows)
        put_wide_weights(m, m->shape->words);
    else
        put_weights(m, 0, m->shape->words);
    enter = m->code.at;
    m->code.at += m->lack != 0;
    loop = m->code.at;
    first = put_macs(m, 0, m->shape->words);
    if (m->lack)
        *enter = jit_jump(enter, first);
    put_results(m, next);
    if (m->tiles > 1) {
        jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
        jit_loop(&m->code, TILES, loop);
    }
    return enter;
}

/* The tiles of a row that is longer. */
static void put_tiles(struct maker *m, struct next next)
{
    const uint32_t *const loop = m->code.at;

    if (m->chunks)
        put_chunk_loop(m);
    else
        put_chunks(m, 0, m->shape->words);
    put_results(m, next);
    if (m->tiles > 1) {
        jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
        jit_loop(&m->code, TILES, loop);
    }
}

/* What a row of pixels begins with. */
static void put_row_start(struct maker *m)
{
    if (m->tiles > 1)
        jit_set(&m->code, TILES, (int32_t)m->tiles);
    jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
}

/* All rows of a plane. */
static void put_rows(struct maker *m, struct next tile)
{
    const int32_t patch_step = (int32_t)m->rows->patch_step, out_step = (int32_t)m->rows->out_step;
    const uint32_t *row;

    jit_put(&m->code, jit_andi(MODE, MODE, ~3)); /* weights are widened */
    jit_put(&m->code, jit_addi(ROWS, ROW_COUNT, 0));
    put_row_start(m);
    if (m->tiles == 1) {
        row = put_resident_tiles(m, (struct next){patch_step, out_step, ROWS});
    } else {
        row = put_resident_tiles(m, tile);
        put_move(m, PATCH, patch_step - (int32_t)m->tiles * tile.patch);
        put_move(m, OUT, out_step - (int32_t)m->tiles * tile.out);
        jit_put(&m->code, jit_addi(ROWS, ROWS, -1));
    }
    put_row_start(m);
    jit_loop(&m->code, ROWS, row);
}

/* One row of pixels. */
static void put_row(struct maker *m, struct next tile)
{
    put_row_start(m);
    if (m->shape->words <= STREAM_ENTRIES)
        put_resident_tiles(m, tile);
    else
        put_tiles(m, tile);
}

static void make(struct maker *m)
{
    const struct next tile = {(int32_t)(m->tile * m->shape->patch_size),
                              (int32_t)(m->tile * m->shape->out_stride), m->tiles > 1 ? TILES : 0};
    const int32_t patch = (int32_t)m->tiles * tile.patch, out = (int32_t)m->tiles * tile.out + 4;
    const bool far = m->rows || patch > JIT_OFFSET_MAX || out > JIT_OFFSET_MAX;
    const uint32_t *group;

    m->code.at = jit_code;
    m->patch = PATCH;
    m->weights = WEIGHTS;
    put_pointers(m);
    if (far) {
        jit_put(&m->code, jit_addi(GROUP_PATCH, PATCH, 0));
        jit_put(&m->code, jit_addi(GROUP_OUT, OUT, 0));
    }
    group = m->code.at;
    jit_put_params(&m->code, PARAMS);
    if (m->rows)
        put_rows(m, tile);
    else
        put_row(m, tile);
    if (far) {
        jit_put(&m->code, jit_addi(GROUP_OUT, GROUP_OUT, -4));
        jit_put(&m->code, jit_addi(PATCH, GROUP_PATCH, 0));
        jit_put(&m->code, jit_addi(OUT, GROUP_OUT, 0));
    } else {
        jit_put(&m->code, jit_addi(PATCH, PATCH, -patch));
        jit_put(&m->code, jit_addi(OUT, OUT, -out));
    }
    put_move(m, WEIGHTS, -(int32_t)m->shape->group_bytes);
    jit_put(&m->code, jit_addi(PARAMS, PARAMS, -MODEL_GROUP_BYTES));
    jit_put(&m->code, jit_addi(GROUPS, GROUPS, -1));
    jit_loop(&m->code, GROUPS, group);
    jit_put(&m->code, jit_ret());
    jit_done();
}

/* As few tiles as there are, and these as small as they may be. most: pixels of a tile. */
static void choose_tiles(struct maker *m, uint32_t most)
{
    const uint32_t pixels = m->shape->pixels;

    m->tiles = most == STREAM_BANKS ? (pixels + STREAM_BANKS - 1) / STREAM_BANKS
                                    : (pixels + most - 1) / most;
    m->tile = most;
    while ((m->tile - 1) * m->tiles >= pixels) /* sooner done than a division */
        m->tile--;
    m->lack = m->tiles * m->tile - pixels;
}

/* For offsets up to reach. */
static int32_t middle(uint32_t reach)
{
    return reach <= JIT_OFFSET_MAX || reach > JIT_REACH ? 0 : JIT_MIDDLE;
}

/* Bytes from a tile's first word to behind its last one. words: of a patch, or of a round of the loop. */
static uint32_t patch_reach(const struct maker *m, uint32_t tile, uint32_t words)
{
    const struct conv2d_pieces *const pieces = m->pieces;
    uint32_t patch = 4 * words;

    if (m->pieces) {
        patch = (pieces->count - 1) * pieces->step + 4 * pieces->words;
        if (words == m->shape->words)
            patch += (pieces->columns - 1) * pieces->column_step;
    }
    return (tile - 1) * m->shape->patch_size + patch;
}

/* Bytes that OUT moves by before a tile's stores. */
static uint32_t out_reach(const struct maker *m)
{
    return m->rows && m->tiles == 1 ? m->rows->out_step : m->tile * m->shape->out_stride;
}

/* A bound on the code's length, without the loop or with it. */
static uint32_t length(const struct maker *m, uint32_t words)
{
    enum { ROUND_CHUNKS = 70 };

    return words * (m->tile + m->loads) + words / STREAM_ENTRIES + 1 + m->tile + ROUND_CHUNKS;
}

/* Whether the code may be without the loop, and is so much faster then that it pays to make it: some three cycles an
 * instruction, and for each round eight. */
static bool is_unrolled(const struct maker *m, uint32_t rounds, uint32_t calls)
{
    const uint32_t words = m->shape->words, room = (uint32_t)(jit_code_end - jit_code);

    return words <= STREAM_ENTRIES ||
           (patch_reach(m, m->tile, words) <= JIT_REACH && 4 * m->loads * words <= JIT_REACH &&
            length(m, words) <= room && 8 * rounds * m->tiles * calls > 3 * length(m, words));
}

static void run(const struct conv2d_group *first, uint32_t last, uint32_t count)
{
    jit_function(jit_code)(
        first->patch, first->out + 4 * last, first->weights + last * first->group_bytes,
        first->params + last * MODEL_GROUP_BYTES, count, first->rows ? first->rows->count : 1);
}

conv2d_groups_fn *conv2d_jit_make(const struct conv2d_group *shape, uint32_t calls)
{
    const uint32_t words = shape->words;
    uint32_t most = STREAM_BANKS, rounds = words / STREAM_ENTRIES;
    struct maker m;

    m.shape = shape;
    m.rows = shape->rows;
    m.pieces = shape->pieces;
    m.place = (struct place){0, 0, 0};
    m.loads = shape->weight_bits / 2u;
    m.chunk_words = words < STREAM_ENTRIES ? words : STREAM_ENTRIES;
    if (m.pieces) {
        rounds = m.pieces->columns;
        m.chunk_words = m.pieces->count * m.pieces->words;
    }
    while (most > 1 && (patch_reach(&m, most, m.chunk_words) > JIT_REACH ||
                        most * shape->out_stride > JIT_REACH))
        most--;
    choose_tiles(&m, most);
    /* To the next row may be farther than stores reach; over a tile is not. */
    if (m.rows && m.tiles == 1 && m.rows->out_step > JIT_REACH)
        choose_tiles(&m, m.tile - 1);
    m.chunks = is_unrolled(&m, rounds + 1, calls) ? 0 : rounds;
    if (m.pieces &&
        (patch_reach(&m, m.tile, m.chunks ? m.chunk_words : words) > JIT_REACH ||
         (m.chunks && (4 * m.loads * m.chunk_words > JIT_OFFSET_MAX ||
                       length(&m, m.chunk_words) > (uint32_t)(jit_code_end - jit_code)))))
        return NULL;
    m.patch_middle = middle(patch_reach(&m, m.tile, m.chunks ? m.chunk_words : words));
    m.weights_middle = m.chunks ? 0 : middle(4 * m.loads * words);
    m.out_middle = middle(out_reach(&m));
    make(&m);
    return run;
}

#else
conv2d_groups_fn *conv2d_jit_make(const struct conv2d_group *shape, uint32_t calls)
{
    (void)shape;
    (void)calls;
    return NULL;
}
#endif
