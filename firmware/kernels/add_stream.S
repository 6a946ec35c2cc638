// SPDX-License-Identifier: Apache-2.0
/* Residual addition with the instructions of version 2: eight words at a time, a bank of accumulators for each. In
 * depthwise mode the two newest words of the window are the operands, and the weights their factors.
 * Shapes   add_nn.c; out may lie in place of a or b
 * Exact    equal bit for bit to add_word() in add_nn.c */
#include "nn_insn.h"
#include "stream.h"

#define A      a0
#define B      a1
#define OUT    a2
#define END    a3
#define PARAMS a4
#define MODE   a5
#define BYTES  4 * STREAM_BANKS

    .section .rodata.add_stream, "a", @progbits
    .balign 4
.Lzero:
    .word 0

    .section .text.add_stream, "ax", @progbits
    .option norvc
    .option arch, +zicsr
    .balign 4
    .globl add_stream
    .type add_stream, @function
add_stream:
    lw t0, 8(PARAMS)
    lw t1, 12(PARAMS)
    la t2, .Lzero
    neur_init x0, MODE
    nn_ldw 0, 0, 0, t2
    nn_ldw 0, 1, 0, t2
    nn_ldw 0, 2, 0, PARAMS
    nn_ldw 0, 3, 4, PARAMS
    csrw 0x7ce, t0
    csrw 0x7cf, t1
.Lwords:
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7
    nn_lda 4*\i, A
    nn_lda_mac \i, 0, 4*\i, B
    .endr
    addi A, A, BYTES
    addi B, B, BYTES
    addi OUT, OUT, BYTES
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7
    nn_res_st \i, 4*\i-BYTES, OUT
    .endr
    neur_init x0, MODE
    bne OUT, END, .Lwords
    ret
    .size add_stream, . - add_stream
