// SPDX-License-Identifier: Apache-2.0
/* Environment of the RISC-V architecture tests (riscv-arch-test) on our system: a test computes a signature in memory, which
 * arch_end() prints. With ARCH_LINUX it is written to the standard output of a Linux process instead, for the golden
 * signatures (arch_golden.sh). Assembly: the formatter stays away. */
#ifndef MPQ_TEST_MODEL_TEST_H
#define MPQ_TEST_MODEL_TEST_H

// clang-format off
#define RVMODEL_BOOT .globl _start; _start:

#ifdef ARCH_LINUX
#define RVMODEL_HALT                                                                               \
    li a0, 1;                                                                                      \
    la a1, begin_signature;                                                                        \
    la a2, end_signature;                                                                          \
    sub a2, a2, a1;                                                                                \
    li a7, 64; /* write */                                                                         \
    ecall;                                                                                         \
    li a0, 0;                                                                                      \
    li a7, 93; /* exit */                                                                          \
    ecall;
#else
#define RVMODEL_HALT                                                                               \
    la sp, _stack_top;                                                                             \
    la a0, begin_signature;                                                                        \
    la a1, end_signature;                                                                          \
    la a2, arch_end;                                                                               \
    jr a2;
#endif

#define RVMODEL_DATA_BEGIN .align 4; .global begin_signature; begin_signature:
#define RVMODEL_DATA_END .align 4; .global end_signature; end_signature:

#define RVMODEL_IO_INIT
#define RVMODEL_IO_WRITE_STR(reg, text)
#define RVMODEL_IO_CHECK()
#define RVMODEL_IO_ASSERT_GPR_EQ(sp, reg, value)
#define RVMODEL_IO_ASSERT_SFPR_EQ(sp, reg, value)
#define RVMODEL_IO_ASSERT_DFPR_EQ(sp, reg, value)
#define RVMODEL_SET_MSW_INT
#define RVMODEL_CLEAR_MSW_INT
#define RVMODEL_CLEAR_MTIMER_INT
#define RVMODEL_CLEAR_MEXT_INT
// clang-format on

#endif
