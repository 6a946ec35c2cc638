// SPDX-License-Identifier: Apache-2.0
/* Start of the test programs in C, and their traps: registers saved, then trap_dispatch() in trap.c
 * in C. The stack must be good when a trap comes. */
    .option arch, +zicsr

    .section .text.init
vectors:
    .option push
    .option norvc
    .rept 32
    j trap_entry
    .endr
    .option pop

    .globl _start
_start:
    la sp, _stack_top
    la t0, vectors
    csrw mtvec, t0
    call main
    j finish

    .set FRAME, 64
trap_entry:
    addi sp, sp, -FRAME
    sw ra, 0(sp)
    sw t0, 4(sp)
    sw t1, 8(sp)
    sw t2, 12(sp)
    sw t3, 16(sp)
    sw t4, 20(sp)
    sw t5, 24(sp)
    sw t6, 28(sp)
    sw a0, 32(sp)
    sw a1, 36(sp)
    sw a2, 40(sp)
    sw a3, 44(sp)
    sw a4, 48(sp)
    sw a5, 52(sp)
    sw a6, 56(sp)
    sw a7, 60(sp)
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    lw a3, 0(sp)
    call trap_dispatch
    csrw mepc, a0
    lw ra, 0(sp)
    lw t0, 4(sp)
    lw t1, 8(sp)
    lw t2, 12(sp)
    lw t3, 16(sp)
    lw t4, 20(sp)
    lw t5, 24(sp)
    lw t6, 28(sp)
    lw a0, 32(sp)
    lw a1, 36(sp)
    lw a2, 40(sp)
    lw a3, 44(sp)
    lw a4, 48(sp)
    lw a5, 52(sp)
    lw a6, 56(sp)
    lw a7, 60(sp)
    addi sp, sp, FRAME
    mret
