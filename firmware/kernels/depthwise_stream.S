// SPDX-License-Identifier: Apache-2.0
/* Depthwise convolution of four channels with the instructions of version 2: eight pixels at a time, a bank of
 * accumulators for each. The unit keeps the last four words of a row, so that up to four taps of a kernel row are one
 * multiplication for each pixel; wider kernels take a row in two parts, and load their weights row by row. The first
 * tile of a row has the pixels that are over: it jumps into the middle, and banks stay out of use.
 * Shapes   struct depthwise_stream
 * Exact    equal bit for bit to any_pixel() in depthwise_nn.c */
#include "depthwise_stream.h"
#include "nn_insn.h"
#include "saved_registers.h"
#include "stream.h"

#define WALK       a0
#define AT         a1 /* a kernel row's words for the tile */
#define OFFSET     a2 /* of the tile from struct depthwise_stream's rows */
#define LACK       a3 /* bytes of the pixels that the tile lacks */
#define FIRST_LACK a4
#define TILES      a5 /* of a row, yet to do */
#define OUT        a6
#define STRIDE     a7
#define ALL_TILES  s3
#define COUNT      s4 /* rows */
#define ROW_END    s5 /* from behind a row's last tile to the next row */
#define BIAS       s6
#define MODE       s7
#define WEIGHTS    s8 /* kernels that are wider than four */
#define ROWS       s9 /* where the kernel row's place is */
#define ROWS_END   s10
#define KERNEL     s0 /* bytes of a kernel row's weights */
#define SEVEN      s1 /* 0: seven taps, not five */
#define TOP        s2 /* input row of the windows */
#define TOP_STEP   s11
#define ALL_WEIGHTS   t6
#define FIRST_WEIGHTS t5 /* of the kernel rows that lie on the input */
#define FIRST_ROW  t4
#define TEMP       t0
#define ZERO_AT    52 /* in the frame, behind the saved registers */
/* 3x3: its rows are in s0 to s2. */

    /* One part of a kernel row, taps (at most four) from number first on, of all pixels. */
    .macro part name, number, entry, first, taps, stride
    .set i, 0
    .if \taps > \stride
    .rept \taps - \stride
    nn_lda 4*(\first+i), AT
    .set i, i + 1
    .endr
    .endif
    bnez LACK, .Lskip_\name\()_\number
.Lall_\name\()_\number:
    .set p, 0
    .rept STREAM_BANKS
    .if \stride == 2
    nn_lda 4*(2*p+\first+\taps-2), AT
    .endif
    nn_lda_mac p, \entry, 4*(\stride*p+\first+\taps-1), AT
    .set p, p + 1
    .endr
    .endm

    .macro skip name, number
.Lskip_\name\()_\number:
    la TEMP, .Lall_\name\()_\number
    sub AT, AT, LACK
    add TEMP, TEMP, LACK
    jr TEMP
    .endm

    .macro start kernel, stride
    .section .text.depthwise_stream_\kernel\()_\stride, "ax", @progbits
    .option push
    .option norvc
    .option arch, +zicsr
    .balign 4
    .globl depthwise_stream_\kernel\()_\stride
    .type depthwise_stream_\kernel\()_\stride, @function
depthwise_stream_\kernel\()_\stride:
    addi sp, sp, -SAVED_BYTES
    for_saved_registers save
    lw t0, DEPTHWISE_STREAM_PARAMS(WALK)
    lw TILES, DEPTHWISE_STREAM_PIXELS(WALK)
    lw OUT, DEPTHWISE_STREAM_OUT(WALK)
    lw STRIDE, DEPTHWISE_STREAM_OUT_STRIDE(WALK)
    lw COUNT, DEPTHWISE_STREAM_COUNT(WALK)
    lw ROW_END, DEPTHWISE_STREAM_DOWN(WALK)
    lw BIAS, 0(t0)
    lw MODE, 4(t0)
    lw t1, 8(t0)
    lw t2, 12(t0)
    csrw 0x7ce, t1
    csrw 0x7cf, t2
    slli t1, TILES, 1 + \stride
    sub ROW_END, ROW_END, t1
    neg FIRST_LACK, TILES
    andi FIRST_LACK, FIRST_LACK, STREAM_BANKS - 1
    slli FIRST_LACK, FIRST_LACK, 1 + \stride
    addi TILES, TILES, STREAM_BANKS - 1
    srli ALL_TILES, TILES, 3
    li OFFSET, 0
    .endm

    .macro finish kernel, stride
    addi OFFSET, OFFSET, 4 * \stride * STREAM_BANKS
    bnez LACK, .Lstore_some_\kernel\()_\stride
.Lstore_\kernel\()_\stride:
    .irp p, 0, 1, 2, 3, 4, 5, 6, 7
    nn_res_st \p, 0, OUT
    add OUT, OUT, STRIDE
    .endr
    addi TILES, TILES, -1
    bnez TILES, .Ltile_\kernel\()_\stride
    add OFFSET, OFFSET, ROW_END
    addi COUNT, COUNT, -1
    bnez COUNT, .Lrow_\kernel\()_\stride
    for_saved_registers restore
    addi sp, sp, SAVED_BYTES
    ret
.Lstore_some_\kernel\()_\stride:
    sub OFFSET, OFFSET, LACK
    .if \stride == 1
    slli LACK, LACK, 1 /* two instructions a pixel */
    .endif
    la AT, .Lstore_\kernel\()_\stride
    add AT, AT, LACK
    li LACK, 0
    jr AT
    skip \kernel\()_\stride, 0
    skip \kernel\()_\stride, 1
    .ifc \kernel, 3x3
    skip \kernel\()_\stride, 2
    .endif
    .option pop
    .size depthwise_stream_\kernel\()_\stride, . - depthwise_stream_\kernel\()_\stride
    .endm

    .macro kernel_3x3 stride
    start 3x3, \stride
    neur_init BIAS, MODE
    lw t0, DEPTHWISE_STREAM_WEIGHTS(WALK)
    sw zero, ZERO_AT(sp)
    .set row, 0
    .rept 3
    nn_ldw row, 0, ZERO_AT, sp
    nn_ldw row, 1, 12*row, t0
    nn_ldw row, 2, 12*row+4, t0
    nn_ldw row, 3, 12*row+8, t0
    .set row, row + 1
    .endr
    lw s0, DEPTHWISE_STREAM_ROWS(WALK)
    lw s1, DEPTHWISE_STREAM_ROWS + 4(WALK)
    lw s2, DEPTHWISE_STREAM_ROWS + 8(WALK)
.Lrow_3x3_\stride:
    mv LACK, FIRST_LACK
    mv TILES, ALL_TILES
    .balign 4
.Ltile_3x3_\stride:
    neur_init BIAS, MODE
    add AT, s0, OFFSET
    part 3x3_\stride, 0, 0, 0, 3, \stride
    add AT, s1, OFFSET
    part 3x3_\stride, 1, 1, 0, 3, \stride
    add AT, s2, OFFSET
    part 3x3_\stride, 2, 2, 0, 3, \stride
    finish 3x3, \stride
    .endm

    /* Five taps count as seven, of which two are zero. */
    .macro kernel_wide stride
    start wide, \stride
    neur_init BIAS, MODE
    sw zero, ZERO_AT(sp)
    nn_ldw 1, 0, ZERO_AT, sp
    nn_ldw 1, 2, ZERO_AT, sp
    nn_ldw 1, 3, ZERO_AT, sp
    lw KERNEL, DEPTHWISE_STREAM_KERNEL(WALK)
    slli KERNEL, KERNEL, 2
    addi SEVEN, KERNEL, -28
    lw TOP, DEPTHWISE_STREAM_TOP(WALK)
    lw TOP_STEP, DEPTHWISE_STREAM_TOP_STEP(WALK)
    lw ALL_WEIGHTS, DEPTHWISE_STREAM_WEIGHTS(WALK)
.Lrow_wide_\stride:
    mv LACK, FIRST_LACK
    mv TILES, ALL_TILES
    /* Without the kernel rows that lie above and below the input. */
    lw t1, DEPTHWISE_STREAM_HEIGHT(WALK)
    addi FIRST_ROW, WALK, DEPTHWISE_STREAM_ROWS
    add ROWS_END, FIRST_ROW, KERNEL
    mv FIRST_WEIGHTS, ALL_WEIGHTS
    srli t2, KERNEL, 2
    bgez TOP, 3f
    neg t0, TOP
    mul t3, t0, KERNEL
    add FIRST_WEIGHTS, FIRST_WEIGHTS, t3
    slli t0, t0, 2
    add FIRST_ROW, FIRST_ROW, t0
3:
    add t2, t2, TOP
    sub t2, t2, t1
    blez t2, 4f
    slli t2, t2, 2
    sub ROWS_END, ROWS_END, t2
4:
    add TOP, TOP, TOP_STEP
    .balign 4
.Ltile_wide_\stride:
    neur_init BIAS, MODE
    mv WEIGHTS, FIRST_WEIGHTS
    mv ROWS, FIRST_ROW
.Lkernel_row_wide_\stride:
    lw AT, 0(ROWS)
    nn_ldw 0, 0, 0, WEIGHTS
    nn_ldw 0, 1, 4, WEIGHTS
    nn_ldw 0, 2, 8, WEIGHTS
    nn_ldw 0, 3, 12, WEIGHTS
    nn_ldw 1, 1, 16, WEIGHTS
    bnez SEVEN, 2f
    nn_ldw 1, 2, 20, WEIGHTS
    nn_ldw 1, 3, 24, WEIGHTS
2:
    add AT, AT, OFFSET
    part wide_\stride, 0, 0, 0, 4, \stride
    add AT, AT, LACK
    part wide_\stride, 1, 1, 4, 3, \stride
    add WEIGHTS, WEIGHTS, KERNEL
    addi ROWS, ROWS, 4
    bne ROWS, ROWS_END, .Lkernel_row_wide_\stride
    finish wide, \stride
    .endm

    kernel_3x3 1
    kernel_3x3 2
    kernel_wide 1
    kernel_wide 2
