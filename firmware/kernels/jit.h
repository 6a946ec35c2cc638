// SPDX-License-Identifier: Apache-2.0
/* Code that a kernel makes for its layer and then runs: shapes become offsets and unrolled loops, so that a pixel costs
 * its multiplications and its store, and no pointer moves. Only on cores with the instructions of version 2: the place
 * for it is where other cores have code that these never run (linker/firmware.ld). It lasts until the next kernel makes
 * some. Who makes code checks first, by a bound on its length, that it has room, or needs less than 4 KiB, which are always
 * there. */
#ifndef MPQ_JIT_H
#define MPQ_JIT_H

#include <stdbool.h>
#include "nn_insn.h"
#include "words.h"

/* By their numbers; a function gives sp and those with s back. */
enum jit_register {
    JIT_ZERO = 0,
    JIT_RA = 1,
    JIT_SP = 2,
    JIT_T0 = 5,
    JIT_T1,
    JIT_T2,
    JIT_S0,
    JIT_S1,
    JIT_A0,
    JIT_A1,
    JIT_A2,
    JIT_A3,
    JIT_A4,
    JIT_A5,
    JIT_A6,
    JIT_A7,
    JIT_S2,
    JIT_S3,
    JIT_S4,
    JIT_S5,
    JIT_S6,
    JIT_S7,
    JIT_S8,
    JIT_S9,
    JIT_T3 = 28,
    JIT_T4,
    JIT_T5,
    JIT_T6,
};

#ifdef __riscv
extern uint32_t jit_code[], jit_code_end[]; /* from the linker script */
#endif

enum {
    JIT_OFFSET_MAX = 2047,   /* of an instruction */
    JIT_BRANCH_WORDS = 1023, /* the farthest that a branch goes */
    /* What a pointer is moved by where offsets from 0 on are too long: offsets count from the
     * middle of JIT_REACH bytes. */
    JIT_MIDDLE = 2044,
    JIT_REACH = JIT_MIDDLE + JIT_OFFSET_MAX + 1,
};

enum jit_branch { JIT_BEQ = 0, JIT_BNE = 1, JIT_BLT = 4 };

/* Where the next instruction goes. */
struct jit {
    uint32_t *at;
};

ALWAYS_INLINE void jit_put(struct jit *jit, uint32_t instruction)
{
    *jit->at++ = instruction;
}

/* Each returns an instruction (The RISC-V Instruction Set Manual, volume I, chapter 2). */
ALWAYS_INLINE uint32_t jit_addi(unsigned rd, unsigned rs1, int32_t value)
{
    return nn_encode_i(0x13, rd, value, rs1);
}

ALWAYS_INLINE uint32_t jit_andi(unsigned rd, unsigned rs1, int32_t value)
{
    return nn_encode_i(0x13, 7u << 5 | rd, value, rs1);
}

ALWAYS_INLINE uint32_t jit_add(unsigned rd, unsigned rs1, unsigned rs2)
{
    return rs2 << 20 | rs1 << 15 | rd << 7 | 0x33;
}

ALWAYS_INLINE uint32_t jit_lw(unsigned rd, int32_t offset, unsigned base)
{
    return nn_encode_i(0x03, 2u << 5 | rd, offset, base);
}

ALWAYS_INLINE uint32_t jit_sw(unsigned rs2, int32_t offset, unsigned base)
{
    return nn_encode_s(0x23, 2u << 5 | rs2, offset, base);
}

ALWAYS_INLINE uint32_t jit_csrw(unsigned csr, unsigned rs1)
{
    return csr << 20 | rs1 << 15 | 1u << 12 | 0x73;
}

ALWAYS_INLINE uint32_t jit_ret(void)
{
    return nn_encode_i(0x67, 0, 0, JIT_RA);
}

/* rs1 and rs2 as 1 << 15 and 1 << 20 count them. */
ALWAYS_INLINE uint32_t jit_branch(enum jit_branch when, unsigned rs1, unsigned rs2,
                                  const uint32_t *from, const uint32_t *to)
{
    const uint32_t by = (uint32_t)((const uint8_t *)to - (const uint8_t *)from);

    return (by >> 12 & 1) << 31 | (by >> 5 & 63) << 25 | rs2 << 20 | rs1 << 15 |
           (uint32_t)when << 12 | (by >> 1 & 15) << 8 | (by >> 11 & 1) << 7 | 0x63;
}

ALWAYS_INLINE uint32_t jit_jump(const uint32_t *from, const uint32_t *to)
{
    const uint32_t by = (uint32_t)((const uint8_t *)to - (const uint8_t *)from);

    return (by >> 20 & 1) << 31 | (by >> 1 & 1023) << 21 | (by >> 11 & 1) << 20 |
           (by >> 12 & 255) << 12 | 0x6f;
}

/* Back to loop unless the register is 0, however far: one instruction or two. */
void jit_loop(struct jit *jit, unsigned count, const uint32_t *loop);

/* rd = value: one instruction or two. */
void jit_set(struct jit *jit, unsigned rd, int32_t value);

/* rd += value, at most 2 * JIT_OFFSET_MAX either way: no instruction, one or two. */
void jit_move(struct jit *jit, unsigned rd, int32_t value);

/* The parameters of a group of four channels (MODEL_GROUP_BYTES) at a register: operands of neur_init into t1 and t2,
 * multipliers and shifts into their CSRs by way of t5 and t6. */
void jit_put_params(struct jit *jit, unsigned params);

/* Instructions that differ by a step: runs of count, each the one before and step; the first of a run is that of the one
 * before and run_step. */
struct jit_runs {
    uint32_t first, step, count, run_step, runs;
};

void jit_put_runs(struct jit *jit, struct jit_runs runs);

/* The last count instructions once more, each and the same step; times: how often, each time from the ones before. */
void jit_put_shifted(struct jit *jit, uint32_t count, uint32_t step, uint32_t times);

/* The count instructions that stand at from, each and its step. */
void jit_put_again(struct jit *jit, const uint32_t *from, const uint32_t *steps, uint32_t count);

/* nn_res_st of the banks from 0 on; offset: of the first one; step: from one to the next. */
void jit_put_stores(struct jit *jit, unsigned base, int32_t offset, int32_t step, uint32_t count);

/* What was made is what the core fetches from here on. */
ALWAYS_INLINE void jit_done(void)
{
#ifdef __riscv
    __asm__ volatile(".option push; .option arch, +zifencei; fence.i; .option pop" ::: "memory");
#endif
}

/* Code finds these in a0 to a5. in and out: first pixel; weights, params: of a group; groups: of four channels; rows: of
 * pixels, where the code is not made for a number of them. */
typedef void jit_fn(const uint8_t *in, uint8_t *out, const uint8_t *weights, const uint8_t *params,
                    uint32_t groups, uint32_t rows);

ALWAYS_INLINE jit_fn *jit_function(const uint32_t *code)
{
    return (jit_fn *)(uintptr_t)code;
}

#endif
