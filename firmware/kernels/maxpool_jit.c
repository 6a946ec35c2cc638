// SPDX-License-Identifier: Apache-2.0
/* Max pooling, windows of 2x2 on uint8, by code that is made for the layer: up to eight words of a pixel at a time, a
 * bank of accumulators for each. The larger of two bytes is y + max(x - y, 0), and the unit makes both sums of words in
 * memory, in depthwise mode. Of a window a, b, c, d, four steps, the words between them in the output's place r:
 *     r = max(a - b, 0)    r = max(b + r - c, 0)    r = max(c + r - d, 0)    r = d + r
 * Exact    equal bit for bit to maxpool() */
#include "maxpool_jit.h"
#include "jit.h"
#include "stream.h"

#ifdef __riscv

enum {
    UPPER = JIT_A0,
    OUT = JIT_A1,
    LOWER = JIT_A2,
    DOWN = JIT_A3, /* bytes from behind a row's last window to the next row */
    PIXELS = JIT_A4,
    ROWS = JIT_A5,
    PASSES = JIT_A6, /* of eight words, yet to do */
    CONSTANTS = JIT_T0,
    BIAS = JIT_T1,
    MODE = JIT_T2,
};

enum { MODE_DEPTHWISE = 1, RELU = 1, ONES = 0x01010101 };

/* The constants, as words at jit_code. */
enum { ZERO, ONE, MINUS_ONE, CONSTANT_COUNT };
static const uint32_t constants[CONSTANT_COUNT] = {0, ONES, 0xffffffff};

/* Weights of the entries, for the oldest word of the window first. */
enum { DIFFERENCE, SUM_DIFFERENCE, SUM, ENTRY_COUNT };
static const uint8_t weights[ENTRY_COUNT][4] = {
    {ZERO, ZERO, ONE, MINUS_ONE},
    {ZERO, ONE, ONE, MINUS_ONE},
    {ZERO, ZERO, ONE, ONE},
};

/* As jit_run() wants them. */
static const uint32_t params[4] = {0, MODE_DEPTHWISE, ONES, RELU};

struct maker {
    struct jit code;
    const struct model_layer *layer;
    uint32_t channels, row; /* row: bytes of the input */
    uint32_t width, height; /* of the output */
};

/* A word for each bank: where the first one is. */
struct operand {
    unsigned base;
    uint32_t offset;
};

static void put_step(struct maker *m, const struct operand *operands, uint32_t last, uint32_t entry,
                     uint32_t words)
{
    for (uint32_t i = 0; i < words; i++) {
        for (uint32_t k = 0; k < last; k++)
            jit_put(&m->code, NN_LDA((int32_t)(operands[k].offset + 4 * i), operands[k].base));
        jit_put(&m->code, NN_LDA_MAC(i, entry, (int32_t)(operands[last].offset + 4 * i),
                                     operands[last].base));
    }
    for (uint32_t i = 0; i < words; i++)
        jit_put(&m->code, NN_RES_ST(i, (int32_t)(4 * i), (uint32_t)OUT));
    jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
}

static void put_words(struct maker *m, uint32_t words)
{
    const struct operand a = {UPPER, 0}, b = {UPPER, m->channels}, r = {OUT, 0};
    const struct operand c = {LOWER, 0}, d = {LOWER, m->channels};

    if (!words)
        return;
    put_step(m, (const struct operand[]){a, b}, 1, DIFFERENCE, words);
    put_step(m, (const struct operand[]){b, r, c}, 2, SUM_DIFFERENCE, words);
    put_step(m, (const struct operand[]){c, r, d}, 2, SUM_DIFFERENCE, words);
    put_step(m, (const struct operand[]){d, r}, 1, SUM, words);
}

static void put_moves(struct maker *m, int32_t in_bytes, int32_t out_bytes)
{
    jit_move(&m->code, UPPER, in_bytes);
    jit_move(&m->code, LOWER, in_bytes);
    jit_move(&m->code, OUT, out_bytes);
}

static void put_pixel(struct maker *m)
{
    const uint32_t words = (m->channels + 3) / 4, passes = words / STREAM_BANKS;
    const int32_t passed = (int32_t)(4 * STREAM_BANKS * passes);

    if (passes) {
        const uint32_t *pass;

        jit_set(&m->code, PASSES, (int32_t)passes);
        pass = m->code.at;
        jit_put(&m->code, jit_addi(PASSES, PASSES, -1));
        put_words(m, STREAM_BANKS);
        put_moves(m, 4 * STREAM_BANKS, 4 * STREAM_BANKS);
        jit_loop(&m->code, PASSES, pass);
    }
    put_words(m, words % STREAM_BANKS);
    put_moves(m, (int32_t)(m->layer->stride_w * m->channels) - passed,
              (int32_t)m->channels - passed);
    jit_put(&m->code, jit_addi(PIXELS, PIXELS, -1));
}

static void put_constants(struct maker *m)
{
    for (uint32_t entry = 0; entry < ENTRY_COUNT; entry++)
        for (uint32_t i = 0; i < 4; i++)
            jit_put(&m->code, NN_LDW(entry, i, 4 * weights[entry][i], (uint32_t)CONSTANTS));
}

static void make(struct maker *m)
{
    const uint32_t step = m->layer->stride_w * m->channels;
    const uint32_t *row, *pixel;

    m->code.at = jit_code;
    for (uint32_t i = 0; i < CONSTANT_COUNT; i++)
        jit_put(&m->code, constants[i]);
    jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
    put_constants(m);
    jit_set(&m->code, DOWN, (int32_t)m->row);
    jit_put(&m->code, jit_add(LOWER, UPPER, DOWN));
    jit_set(&m->code, DOWN, (int32_t)(m->layer->stride_h * m->row - m->width * step));
    jit_set(&m->code, ROWS, (int32_t)m->height);
    jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
    row = m->code.at;
    jit_set(&m->code, PIXELS, (int32_t)m->width);
    pixel = m->code.at;
    put_pixel(m);
    jit_loop(&m->code, PIXELS, pixel);
    jit_put(&m->code, jit_add(UPPER, UPPER, DOWN));
    jit_put(&m->code, jit_add(LOWER, LOWER, DOWN));
    jit_put(&m->code, jit_addi(ROWS, ROWS, -1));
    jit_loop(&m->code, ROWS, row);
    jit_put(&m->code, jit_ret());
    jit_done();
}

bool maxpool_jit(const struct kernel_args *args)
{
    uint8_t *const end = args->out + args->out_shape->size_bytes;
    uint32_t behind;
    struct maker m;

    m.layer = args->layer;
    m.channels = args->in_shape->channels;
    m.row = args->in_shape->width * m.channels;
    m.width = args->out_shape->width;
    m.height = args->out_shape->height;
    if (m.channels + 4 * STREAM_BANKS > JIT_OFFSET_MAX || m.layer->stride_w > 2)
        return false;
    behind = load_word(end); /* over which the last word reaches where channels are not in fours */
    make(&m);
    jit_run(args->in, args->out, NULL, (const uint8_t *)params, jit_code + CONSTANT_COUNT);
    store_word(end, behind);
    return true;
}
#else
bool maxpool_jit(const struct kernel_args *args)
{
    (void)args;
    return false;
}
#endif
