// SPDX-License-Identifier: Apache-2.0
/* Vector table, entry point and start of C. Ibex fetches first from the table's address + 0x80 and
 * always takes vectored traps; the table is the first thing in RAM. */
    .option arch, +zicsr

    .section .vectors, "ax"
    .option push
    .option norvc               /* each entry is one 4-byte jump */
    .globl vectors
vectors:
    .rept 32
    j trap_entry
    .endr
    .option pop

    .globl _start
_start:
    .option push
    .option norelax             /* gp is not set yet */
    la gp, __global_pointer$
    .option pop
    csrw mstatus, zero
    csrw mie, zero
    la t0, vectors
    csrw mtvec, t0
    la sp, stack_top

    la t0, data_image           /* initial values: a restart finds the old ones in place */
    la t1, data_start
    la t2, data_end
    beq t1, t2, 2f
1:  lw t3, 0(t0)
    sw t3, 0(t1)
    addi t0, t0, 4
    addi t1, t1, 4
    bltu t1, t2, 1b

2:  la t1, bss_start
    la t2, bss_end
    beq t1, t2, 4f
3:  sw zero, 0(t1)
    addi t1, t1, 4
    bltu t1, t2, 3b
4:  call main
5:  j 5b

/* Every trap ends the program: nothing is saved, and the stack may be the cause. */
trap_entry:
    la sp, trap_stack_top
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    j trap_report
