// SPDX-License-Identifier: Apache-2.0
/* Environment of the RISC-V project's instruction tests on our system: machine mode only; a test
 * ends by finish() with 0 if it passed, else with the number of the case that failed. An unexpected
 * trap ends with 255. Assembly: the formatter stays away. */
#ifndef MPQ_TEST_RISCV_TEST_H
#define MPQ_TEST_RISCV_TEST_H

#define TESTNUM gp

#define RVTEST_RV32U
#define RVTEST_RV64U RVTEST_RV32U

// clang-format off
#define RVTEST_CODE_BEGIN                                                                          \
    .section .text.init;                                                                           \
trap_vectors:                                                                                      \
    .option push;                                                                                  \
    .option norvc;                                                                                 \
    .rept 32;                                                                                      \
    j unexpected_trap;                                                                             \
    .endr;                                                                                         \
    .option pop;                                                                                   \
    .globl _start;                                                                                 \
_start:                                                                                            \
    la t0, trap_vectors;                                                                           \
    csrw mtvec, t0;                                                                                \
    j test_begin;                                                                                  \
unexpected_trap:                                                                                   \
    li TESTNUM, 255;                                                                               \
test_end:                                                                                          \
    mv a0, TESTNUM;                                                                                \
    la sp, _stack_top;                                                                             \
    j finish;                                                                                      \
test_begin:                                                                                        \
    li TESTNUM, 0;
// clang-format on

#define RVTEST_CODE_END
#define RVTEST_PASS                                                                                \
    li TESTNUM, 0;                                                                                 \
    j test_end;
#define RVTEST_FAIL j test_end;

#define RVTEST_DATA_BEGIN
#define RVTEST_DATA_END

#endif
