// SPDX-License-Identifier: Apache-2.0
/* Making one instruction or a few, and many of them fast. */
#include "jit.h"

void jit_put_runs(struct jit *jit, struct jit_runs runs)
{
    const uint32_t step = runs.step;
    uint32_t *at = jit->at;

    for (; runs.runs; runs.runs--, runs.first += runs.run_step) {
        uint32_t *const end = at + runs.count;
        uint32_t next = runs.first;

        for (; end - at >= 4; at += 4) {
            const uint32_t second = next + step, third = second + step, fourth = third + step;

            at[0] = next;
            at[1] = second;
            at[2] = third;
            at[3] = fourth;
            next = fourth + step;
        }
        for (; at != end; next += step)
            *at++ = next;
    }
    jit->at = at;
}

void jit_put_shifted(struct jit *jit, uint32_t count, uint32_t step, uint32_t times)
{
    uint32_t *at = jit->at, *const end = at + count * times;
    const uint32_t *from = at - count;

    for (; end - at >= 4 && count >= 4; at += 4, from += 4) {
        const uint32_t a = from[0], b = from[1], c = from[2], d = from[3];

        at[0] = a + step;
        at[1] = b + step;
        at[2] = c + step;
        at[3] = d + step;
    }
    while (at != end)
        *at++ = *from++ + step;
    jit->at = at;
}

void jit_put_again(struct jit *jit, const uint32_t *from, const uint32_t *steps, uint32_t count)
{
    uint32_t *at = jit->at, *const end = at + count;

    for (; end - at >= 4; at += 4, from += 4, steps += 4) {
        const uint32_t a = from[0], b = from[1], c = from[2], d = from[3];
        const uint32_t e = steps[0], f = steps[1], g = steps[2], h = steps[3];

        at[0] = a + e;
        at[1] = b + f;
        at[2] = c + g;
        at[3] = d + h;
    }
    for (; at != end; at++)
        *at = *from++ + *steps++;
    jit->at = at;
}

void jit_put_stores(struct jit *jit, unsigned base, int32_t offset, int32_t step, uint32_t count)
{
    /* An offset has two places in an instruction; ones between them carry from one to the other. */
    const uint32_t places = nn_encode_s(0, 0, -1, 0);
    const uint32_t by = nn_encode_s(0, 0, step, 0);
    const uint32_t bank = NN_RES_ST(1, 0, 0) - NN_RES_ST(0, 0, 0);
    uint32_t at = nn_encode_s(0, 0, offset, 0), rest = NN_RES_ST(0, 0, base);

    for (; count; count--, at = (at | ~places) + by, rest += bank)
        jit_put(jit, (at & places) | rest);
}

void jit_put_params(struct jit *jit, unsigned params)
{
    enum { MULTIPLIERS = 0x7ce, SHIFTS = 0x7cf };

    jit_put(jit, jit_lw(JIT_T1, 0, params));
    jit_put(jit, jit_lw(JIT_T2, 4, params));
    jit_put(jit, jit_lw(JIT_T5, 8, params));
    jit_put(jit, jit_lw(JIT_T6, 12, params));
    jit_put(jit, jit_csrw(MULTIPLIERS, JIT_T5));
    jit_put(jit, jit_csrw(SHIFTS, JIT_T6));
}

void jit_set(struct jit *jit, unsigned rd, int32_t value)
{
    const int32_t low = (int32_t)((uint32_t)value << 20) >> 20;
    const uint32_t high = (uint32_t)value - (uint32_t)low;

    if (high)
        jit_put(jit, high | rd << 7 | 0x37);
    if (low || !high)
        jit_put(jit, jit_addi(rd, high ? rd : JIT_ZERO, low));
}

void jit_move(struct jit *jit, unsigned rd, int32_t value)
{
    if (value > JIT_OFFSET_MAX || value < -JIT_OFFSET_MAX) {
        jit_put(jit, jit_addi(rd, rd, value / 2));
        value -= value / 2;
    }
    if (value)
        jit_put(jit, jit_addi(rd, rd, value));
}

void jit_loop(struct jit *jit, unsigned count, const uint32_t *loop)
{
    if (jit->at - loop > JIT_BRANCH_WORDS) {
        jit_put(jit, jit_branch(JIT_BEQ, count, JIT_ZERO, jit->at, jit->at + 2));
        jit_put(jit, jit_jump(jit->at, loop));
    } else {
        jit_put(jit, jit_branch(JIT_BNE, count, JIT_ZERO, jit->at, loop));
    }
}
