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
    GROUPS = JIT_A4, /* yet to do, as TILES and CHUNKS */
    TILES = JIT_A5,
    FIRST = JIT_A6, /* not 0: this is the first tile, and lacks pixels */
    CHUNKS = JIT_A7,
    CHUNK_PATCH = JIT_T3,
    CHUNK_WEIGHTS = JIT_T4,
    TEMP = JIT_T0,
    BIAS = JIT_T1,
    MODE = JIT_T2,
};

struct maker {
    struct jit code;
    const struct conv2d_group *shape;
    uint32_t tiles, tile;    /* of a row; pixels of a tile */
    uint32_t lack;           /* pixels of the first tile before the row */
    uint32_t loads;          /* words of weights for a word of activations */
    uint32_t chunks;         /* of the loop; 0: there is none */
    uint32_t patch, weights; /* registers: where the chunk's pixels and weights are */
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

/* The same words of each pixel. Returns where those of the first tile begin. */
static uint32_t *put_macs(struct maker *m, uint32_t first, uint32_t count)
{
    const int32_t patch_size = (int32_t)m->shape->patch_size;
    const int32_t offset = (int32_t)(4 * first) - m->patch_middle;
    const uint32_t zero = NN_LDA_MAC(0, 0, 0, 0);
    uint32_t *const start = m->code.at;

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
            *skip = jit_branch(JIT_BNE, FIRST, JIT_ZERO, skip, to);
    }
}

/* All of a tile's chunks by a loop, but the last one if it is not whole. */
static void put_chunk_loop(struct maker *m)
{
    const uint32_t *loop;

    m->patch = CHUNK_PATCH;
    m->weights = CHUNK_WEIGHTS;
    jit_put(&m->code, jit_addi(CHUNK_PATCH, PATCH, 0));
    jit_put(&m->code, jit_addi(CHUNK_WEIGHTS, WEIGHTS, 0));
    jit_set(&m->code, CHUNKS, (int32_t)m->chunks);
    loop = m->code.at;
    jit_put(&m->code, jit_addi(CHUNKS, CHUNKS, -1));
    put_chunks(m, 0, STREAM_ENTRIES);
    jit_put(&m->code, jit_addi(CHUNK_PATCH, CHUNK_PATCH, 4 * STREAM_ENTRIES));
    jit_put(&m->code,
            jit_addi(CHUNK_WEIGHTS, CHUNK_WEIGHTS, (int32_t)(4 * STREAM_ENTRIES * m->loads)));
    jit_loop(&m->code, CHUNKS, loop);
    put_chunks(m, 0, m->shape->words % STREAM_ENTRIES);
}

/* Stores, and goes on to the next tile. The results are ready three instructions after the last multiplication. */
static void put_results(struct maker *m)
{
    const int32_t stride = (int32_t)m->shape->out_stride, bytes = (int32_t)m->tile * stride;
    const bool reaches = bytes <= JIT_REACH;
    int32_t offset = reaches ? m->out_middle - bytes : 0;

    put_move(m, PATCH, (int32_t)(m->tile * m->shape->patch_size));
    if (reaches)
        put_move(m, OUT, bytes);
    if (m->tiles > 1)
        jit_put(&m->code, jit_addi(TILES, TILES, -1));
    if (m->lack)
        jit_put(&m->code,
                jit_branch(JIT_BNE, FIRST, JIT_ZERO, m->code.at, m->code.at + 1 + m->lack));
    for (uint32_t p = 0; p < m->tile; p++, offset += stride)
        jit_put(&m->code, NN_RES_ST(p, offset, (uint32_t)OUT));
    if (!reaches) /* one pixel a tile */
        put_move(m, OUT, bytes);
    if (m->lack)
        jit_set(&m->code, FIRST, 0);
}

/* To the first tile; they come back there with each group. */
static void put_pointers(struct maker *m)
{
    const int32_t lack = (int32_t)m->lack;

    put_move(m, WEIGHTS, m->weights_middle);
    put_move(m, PATCH, m->patch_middle - lack * (int32_t)m->shape->patch_size);
    put_move(m, OUT, -m->out_middle - lack * (int32_t)m->shape->out_stride);
}

static void put_tiles(struct maker *m)
{
    const uint32_t words = m->shape->words;
    const uint32_t *loop;

    m->patch = PATCH;
    m->weights = WEIGHTS;
    if (words <= STREAM_ENTRIES) {
        uint32_t *enter;
        const uint32_t *first;

        put_weights(m, 0, words);
        enter = m->code.at;
        m->code.at += m->lack != 0;
        loop = m->code.at;
        first = put_macs(m, 0, words);
        if (m->lack)
            *enter = jit_jump(enter, first);
    } else {
        loop = m->code.at;
        if (m->chunks)
            put_chunk_loop(m);
        else
            put_chunks(m, 0, words);
    }
    put_results(m);
    if (m->tiles > 1) {
        jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
        jit_loop(&m->code, TILES, loop);
    }
}

static void make(struct maker *m)
{
    const int32_t pixels = (int32_t)(m->tiles * m->tile);
    const uint32_t *group;

    m->code.at = jit_code;
    put_pointers(m);
    group = m->code.at;
    jit_put_params(&m->code, PARAMS);
    if (m->tiles > 1)
        jit_set(&m->code, TILES, (int32_t)m->tiles);
    if (m->lack)
        jit_set(&m->code, FIRST, 1);
    jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
    put_tiles(m);
    put_move(m, PATCH, -pixels * (int32_t)m->shape->patch_size);
    put_move(m, OUT, -pixels * (int32_t)m->shape->out_stride - 4);
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

    m->tiles = pixels <= most ? 1 : (pixels + most - 1) / most;
    m->tile = m->tiles == 1 ? pixels : (pixels + m->tiles - 1) / m->tiles;
    m->lack = m->tiles * m->tile - pixels;
}

/* For offsets up to reach. */
static int32_t middle(uint32_t reach)
{
    return reach <= JIT_OFFSET_MAX || reach > JIT_REACH ? 0 : JIT_MIDDLE;
}

/* Bytes from a tile's first word to behind its last one. */
static uint32_t patch_reach(const struct maker *m, uint32_t tile, uint32_t words)
{
    return (tile - 1) * m->shape->patch_size + 4 * words;
}

/* Whether the code may be without the loop, and is so much faster then that it pays to make it: some three cycles an
 * instruction, and for each chunk eight. */
static bool is_unrolled(const struct maker *m, uint32_t calls)
{
    enum { ROUND_CHUNKS = 50 };
    const uint32_t words = m->shape->words, chunks = words / STREAM_ENTRIES + 1;
    const uint32_t length = words * (m->tile + m->loads) + chunks + m->tile + ROUND_CHUNKS;

    return words <= STREAM_ENTRIES ||
           (patch_reach(m, m->tile, words) <= JIT_REACH && 4 * m->loads * words <= JIT_REACH &&
            length <= (uint32_t)(jit_code_end - jit_code) &&
            8 * chunks * m->tiles * calls > 3 * length);
}

static void run(const struct conv2d_group *first, uint32_t last, uint32_t count)
{
    jit_function(jit_code)(first->patch, first->out + 4 * last,
                           first->weights + last * first->group_bytes,
                           first->params + last * MODEL_GROUP_BYTES, count);
}

conv2d_groups_fn *conv2d_jit_make(const struct conv2d_group *shape, uint32_t calls)
{
    const uint32_t words = shape->words, count = words < STREAM_ENTRIES ? words : STREAM_ENTRIES;
    uint32_t most = STREAM_BANKS;
    struct maker m;

    m.shape = shape;
    while (most > 1 &&
           (patch_reach(&m, most, count) > JIT_REACH || most * shape->out_stride > JIT_REACH))
        most--;
    m.loads = shape->weight_bits / 2u;
    choose_tiles(&m, most);
    m.chunks = is_unrolled(&m, calls) ? 0 : words / STREAM_ENTRIES;
    m.patch_middle = middle(patch_reach(&m, m.tile, m.chunks ? count : words));
    m.weights_middle = m.chunks ? 0 : middle(4 * m.loads * words);
    m.out_middle = middle(m.tile * shape->out_stride);
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
