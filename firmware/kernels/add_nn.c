// SPDX-License-Identifier: Apache-2.0
/* Residual addition, neural instructions, four elements at a time in depthwise mode.
 * Shapes   in, in2 and out alike, each its own sign; in or in2 may lie in place of out
 * Exact    equal bit for bit to add_rv32() and to the oracle in tests/model/ref_layers.c
 *
 * The unit takes both operands as signed or both as unsigned. Where they differ, the unsigned one
 * is made signed by flipping its top bits, which takes 128 away from it; the accumulators start at
 * 128 times its factor instead of 0. Where they do not, and the core has the instructions of version 2: add_stream.S. */
#include "add.h"
#include "nn_insn.h"
#include "stream.h"
#include "words.h"

enum { MODE_DEPTHWISE = 1, MODE_SIGNED = 4, FLIP = (int)0x80808080 };
enum { SHIFTS_OF_7 = 7 << 27 | 7 << 20 | 7 << 13 | 7 << 6 };

#ifdef __riscv
/* Words from a and b on, both of mode's sign, up to out's end; a multiple of STREAM_BANKS. params: of the layer. */
void add_stream(const uint8_t *a, const uint8_t *b, uint8_t *out, uint8_t *end,
                const uint8_t *params, uint32_t mode);
#else
#define add_stream(a, b, out, end, params, mode) (void)(out)
#endif

struct add {
    struct add_params params;
    uint32_t bias, mode;     /* operands of neur_init */
    uint32_t flip_a, flip_b; /* 0 or FLIP */
};

static struct add make(const struct kernel_args *args)
{
    const bool a_signed = args->in_shape->is_signed, b_signed = args->in2_shape->is_signed;
    struct add add = {.params = add_load(args->params), .mode = MODE_DEPTHWISE};

    if (!a_signed && !b_signed)
        return add;
    add.mode |= MODE_SIGNED;
    if (a_signed && b_signed)
        return add;
    add.mode |= (uint32_t)SHIFTS_OF_7;
    add.bias = a_signed ? add.params.mb : add.params.ma;
    add.flip_a = a_signed ? 0 : (uint32_t)FLIP;
    add.flip_b = b_signed ? 0 : (uint32_t)FLIP;
    return add;
}

ALWAYS_INLINE uint32_t add_word(const struct add *add, uint32_t a, uint32_t b)
{
    neur_init(add->bias, add->mode);
    nn_mac_8b(add->params.ma, a ^ add->flip_a);
    nn_mac_8b(add->params.mb, b ^ add->flip_b);
    return neur_res(add->params.multiplier, add->params.shift);
}

void add_nn(const struct kernel_args *args)
{
    const struct add add = make(args);
    const uint32_t size = args->out_shape->size_bytes;
    const uint8_t *a = args->in, *b = args->in2;
    uint8_t *out = args->out, *const end = out + size, *const whole = out + (size & ~7u);

    if (!(add.flip_a | add.flip_b) && stream_is_there()) {
        const uint32_t streamed = size & ~(4u * STREAM_BANKS - 1);

        if (streamed)
            add_stream(a, b, out, out + streamed, args->params, add.mode);
        a += streamed;
        b += streamed;
        out += streamed;
    }
    for (; out < whole; a += 8, b += 8, out += 8) {
        const uint32_t a0 = load_here(a), b0 = load_here(b);
        const uint32_t a1 = load_here(a + 4), b1 = load_here(b + 4);

        store_word(out, add_word(&add, a0, b0));
        store_word(out + 4, add_word(&add, a1, b1));
    }
    for (; out < end; a += 4, b += 4, out += 4)
        store_results(out, end, add_word(&add, load_here(a), load_here(b)));
}
