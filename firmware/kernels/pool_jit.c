// SPDX-License-Identifier: Apache-2.0
/* Pooling, windows of 2x2 without padding, by code that is made for the layer: eight words at a time, a bank of
 * accumulators for each, of one pixel or of some neighbours. All in depthwise mode, where four words of a window are one
 * multiplication. Of a window a, b, c, d the average is one step, with weights of 1. The larger of two bytes is y +
 * max(x - y, 0), so the maximum takes four, and the words between them lie in the output's place r:
 *     r = max(a - b, 0)    r = max(b + r - c, 0)    r = max(c + r - d, 0)    r = d + r
 * Exact    equal bit for bit to maxpool() and avgpool_rv32() */
#include "pool_jit.h"
#include "jit.h"
#include "stream.h"

#ifdef __riscv

enum {
    UPPER = JIT_A0,
    OUT = JIT_A1,
    LOWER = JIT_A2,
    PARAMS = JIT_A3, /* before DOWN comes */
    DOWN = JIT_A3,   /* bytes from behind a row's last window to the next row */
    PIXELS = JIT_A4, /* yet to do, as ROWS and PASSES */
    ROWS = JIT_A5,
    PASSES = JIT_A6, /* of eight words */
    CONSTANTS = JIT_T0,
    BIAS = JIT_T1,
    MODE = JIT_T2,
};

enum { MODE_DEPTHWISE = 1, RELU = 1, ONES = 0x01010101 };

/* The constants, as words at jit_code. */
enum { ZERO, ONE, MINUS_ONE, CONSTANT_COUNT };
static const uint32_t constants[CONSTANT_COUNT] = {0, ONES, 0xffffffff};

/* Weights of the entries, for the oldest word of the window first. */
enum { DIFFERENCE, SUM_DIFFERENCE, SUM, SUM_OF_FOUR, ENTRY_COUNT };
static const uint8_t weights[ENTRY_COUNT][4] = {
    {ZERO, ZERO, ONE, MINUS_ONE},
    {ZERO, ONE, ONE, MINUS_ONE},
    {ZERO, ZERO, ONE, ONE},
    {ONE, ONE, ONE, ONE},
};

struct maker {
    struct jit code;
    const struct model_layer *layer;
    uint32_t channels, row, step; /* bytes of a row of the input, and from window to window */
    uint32_t width, height;       /* of the output */
    bool is_max;
};

/* A word for each bank: where the first one is. */
struct operand {
    unsigned base;
    uint32_t offset;
};

/* Instructions for words of some pixels. */
struct words {
    uint32_t first, word_step, pixel_step;
    uint32_t pixels, words, spacing; /* spacing: places in the code from one to the next */
};

static void put_words(struct words w, uint32_t *at)
{
    for (; w.pixels; w.pixels--, w.first += w.pixel_step) {
        uint32_t instruction = w.first;

        for (uint32_t i = w.words; i; i--, at += w.spacing, instruction += w.word_step)
            *at = instruction;
    }
}

/* operands: last is the newest one. The words of some pixels, with the weights of an entry. */
static void put_step(struct maker *m, const struct operand *operands, uint32_t last, uint32_t entry,
                     uint32_t pixels, uint32_t words)
{
    const uint32_t bank = NN_LDA_MAC(1, 0, 0, 0) - NN_LDA_MAC(0, 0, 0, 0), count = pixels * words;

    for (uint32_t k = 0; k <= last; k++) {
        const unsigned base = operands[k].base;
        const int32_t offset = (int32_t)operands[k].offset;
        struct words w;

        w.first = k < last ? NN_LDA(offset, base) : NN_LDA_MAC(0, entry, offset, base);
        w.word_step = (4u << 20) + (k < last ? 0 : bank);
        w.pixel_step =
            ((base == OUT ? m->channels : m->step) << 20) + (k < last ? 0 : words * bank);
        w.pixels = pixels;
        w.words = words;
        w.spacing = last + 1;
        put_words(w, m->code.at + k);
    }
    m->code.at += count * (last + 1);
    for (uint32_t p = 0, n = 0; p < pixels; p++)
        for (uint32_t w = 0; w < words; w++, n++)
            jit_put(&m->code, NN_RES_ST(n, (int32_t)(p * m->channels + 4 * w), (uint32_t)OUT));
    jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
}

/* And goes on behind them. */
static void put_pass(struct maker *m, uint32_t pixels, uint32_t words, int32_t in_bytes,
                     int32_t out_bytes)
{
    const struct operand a = {UPPER, 0}, b = {UPPER, m->channels}, r = {OUT, 0};
    const struct operand c = {LOWER, 0}, d = {LOWER, m->channels};

    if (words && m->is_max) {
        put_step(m, (const struct operand[]){a, b}, 1, DIFFERENCE, pixels, words);
        put_step(m, (const struct operand[]){b, r, c}, 2, SUM_DIFFERENCE, pixels, words);
        put_step(m, (const struct operand[]){c, r, d}, 2, SUM_DIFFERENCE, pixels, words);
        put_step(m, (const struct operand[]){d, r}, 1, SUM, pixels, words);
    } else if (words) {
        put_step(m, (const struct operand[]){a, b, c, d}, 3, SUM_OF_FOUR, pixels, words);
    }
    jit_move(&m->code, UPPER, in_bytes);
    jit_move(&m->code, LOWER, in_bytes);
    jit_move(&m->code, OUT, out_bytes);
}

static void put_passes(struct maker *m, uint32_t count, uint32_t pixels, uint32_t words,
                       int32_t in_bytes, int32_t out_bytes)
{
    const uint32_t *pass;

    if (!count)
        return;
    jit_set(&m->code, PASSES, (int32_t)count);
    pass = m->code.at;
    jit_put(&m->code, jit_addi(PASSES, PASSES, -1));
    put_pass(m, pixels, words, in_bytes, out_bytes);
    jit_loop(&m->code, PASSES, pass);
}

/* Pixels of more than eight words, one after the other. */
static void put_wide_pixels(struct maker *m, uint32_t words)
{
    const int32_t bytes = 4 * STREAM_BANKS, passed = (int32_t)(words / STREAM_BANKS) * bytes;
    const uint32_t *pixel;

    jit_set(&m->code, PIXELS, (int32_t)m->width);
    pixel = m->code.at;
    put_passes(m, words / STREAM_BANKS, 1, STREAM_BANKS, bytes, bytes);
    put_pass(m, 1, words % STREAM_BANKS, (int32_t)m->step - passed, (int32_t)m->channels - passed);
    jit_put(&m->code, jit_addi(PIXELS, PIXELS, -1));
    jit_loop(&m->code, PIXELS, pixel);
}

/* Neighbours that share a pass. On small planes that gains less than the second pass for the rest costs. */
static uint32_t choose_pixels(const struct maker *m, uint32_t words)
{
    enum { SMALL = 256 };

    return m->width * m->height * words < SMALL ? 1 : STREAM_BANKS / words;
}

static void put_row(struct maker *m)
{
    const uint32_t words = (m->channels + 3) / 4;

    if (words > STREAM_BANKS) {
        put_wide_pixels(m, words);
    } else {
        const uint32_t pixels = choose_pixels(m, words), rest = m->width % pixels;

        put_passes(m, m->width / pixels, pixels, words, (int32_t)(pixels * m->step),
                   (int32_t)(pixels * m->channels));
        if (rest)
            put_pass(m, rest, words, (int32_t)(rest * m->step), (int32_t)(rest * m->channels));
    }
}

static void put_weights(struct maker *m)
{
    const uint32_t first = m->is_max ? 0 : SUM_OF_FOUR, end = m->is_max ? SUM_OF_FOUR : ENTRY_COUNT;

    for (uint32_t entry = first; entry < end; entry++)
        for (uint32_t i = 0; i < 4; i++)
            jit_put(&m->code, NN_LDW(entry, i, 4 * weights[entry][i], (uint32_t)CONSTANTS));
}

/* A jit_fn at jit_code + CONSTANT_COUNT. */
static void make(struct maker *m)
{
    const uint32_t *row;

    m->code.at = jit_code;
    for (uint32_t i = 0; i < CONSTANT_COUNT; i++)
        jit_put(&m->code, constants[i]);
    jit_put_params(&m->code, PARAMS);
    jit_put(&m->code, NEUR_INIT((uint32_t)BIAS, MODE));
    jit_set(&m->code, CONSTANTS, (int32_t)(uintptr_t)jit_code);
    put_weights(m);
    jit_set(&m->code, DOWN, (int32_t)m->row);
    jit_put(&m->code, jit_add(LOWER, UPPER, DOWN));
    jit_set(&m->code, DOWN, (int32_t)(m->layer->stride_h * m->row - m->width * m->step));
    jit_set(&m->code, ROWS, (int32_t)m->height);
    row = m->code.at;
    put_row(m);
    jit_put(&m->code, jit_add(UPPER, UPPER, DOWN));
    jit_put(&m->code, jit_add(LOWER, LOWER, DOWN));
    jit_put(&m->code, jit_addi(ROWS, ROWS, -1));
    jit_loop(&m->code, ROWS, row);
    jit_put(&m->code, jit_ret());
    jit_done();
}

/* Two passes of fifteen words at most are far less than there always is. */
static bool run(const struct kernel_args *args, const uint32_t params[4], bool is_max)
{
    uint8_t *const end = args->out + args->out_shape->size_bytes;
    uint32_t behind;
    struct maker m;

    m.layer = args->layer;
    m.channels = args->in_shape->channels;
    m.row = args->in_shape->width * m.channels;
    m.step = m.layer->stride_w * m.channels;
    m.width = args->out_shape->width;
    m.height = args->out_shape->height;
    m.is_max = is_max;
    if (m.channels + STREAM_BANKS * 4 > JIT_OFFSET_MAX || m.layer->stride_w > 2)
        return false;
    make(&m);
    behind = load_word(end); /* over which the last word reaches */
    jit_function(jit_code + CONSTANT_COUNT)(args->in, args->out, NULL, (const uint8_t *)params, 1,
                                            0);
    if (m.channels % 4)
        store_word(end, behind);
    return true;
}

bool pool_jit_max(const struct kernel_args *args)
{
    static const uint32_t params[4] = {0, MODE_DEPTHWISE, ONES, RELU};

    return run(args, params, true);
}

bool pool_jit_average(const struct kernel_args *args, const uint32_t params[4])
{
    return run(args, params, false);
}
#else
bool pool_jit_max(const struct kernel_args *args)
{
    (void)args;
    return false;
}

bool pool_jit_average(const struct kernel_args *args, const uint32_t params[4])
{
    (void)args;
    (void)params;
    return false;
}
#endif
