// SPDX-License-Identifier: Apache-2.0
/* 3x3 depthwise convolution of four channels, strides 1 and 2: the weights stay in registers, and so
 * does the window of three columns, which takes in one or two columns of three words a pixel.
 * Shapes   struct depthwise_3x3 (depthwise_3x3.h)
 * Exact    equal bit for bit to any_pixel() in depthwise_nn.c
 * All registers but sp, gp and tp are in use; a load stands at least two before its use. */
#include "depthwise_3x3.h"
#include "nn_insn.h"
#include "saved_registers.h"

/* The window's place in the three rows; output; operands of neur_init and neur_res. */
#define ROW0        a1
#define ROW1        a2
#define ROW2        a3
#define OUT         a4
#define STRIDE      a5
#define END         a0 /* value of OUT behind the row */
#define BIAS        t0
#define MODE        t1
#define MULTIPLIER  t2
#define SHIFT       ra
/* Weights: s0 to s8, in memory order. Three columns of the window: */
#define C00         s9
#define C01         s10
#define C02         s11
#define C10         t3
#define C11         t4
#define C12         t5
#define C20         t6
#define C21         a6
#define C22         a7
/* Between rows the columns are free. */
#define WALK        C20
#define TEMP        C21
#define TEMP2       C22

    /* Column number x of the window, seen from ROW0 to ROW2. */
    .macro column x, c0, c1, c2
    lw \c0, 4 * \x(ROW0)
    lw \c1, 4 * \x(ROW1)
    lw \c2, 4 * \x(ROW2)
    .endm

    /* One pixel, whose window is columns a, b, c from left to right; x: number of c. Column a, and
     * with stride 2 b too, makes room afterwards. */
    .macro pixel stride, x, a0, a1, a2, b0, b1, b2, c0, c1, c2
    .if \stride == 2
    column (\x - 1), \b0, \b1, \b2
    .endif
    column \x, \c0, \c1, \c2
    neur_init BIAS, MODE
    nn_mac_8b s0, \a0
    nn_mac_8b s3, \a1
    nn_mac_8b s6, \a2
    nn_mac_8b s1, \b0
    nn_mac_8b s4, \b1
    nn_mac_8b s7, \b2
    nn_mac_8b s2, \c0
    nn_mac_8b s5, \c1
    nn_mac_8b s8, \c2
    neur_res \a0, MULTIPLIER, SHIFT
    sw \a0, 0(OUT)
    add OUT, OUT, STRIDE
    .endm

    .macro rows stride
    .section .fallback.depthwise_nn_3x3_stride_\stride, "ax", @progbits
    .balign 4
    .globl depthwise_nn_3x3_stride_\stride
    .type depthwise_nn_3x3_stride_\stride, @function
depthwise_nn_3x3_stride_\stride:
    addi sp, sp, -SAVED_BYTES
    for_saved_registers save
    sw a0, 52(sp)
    mv WALK, a0
    lw TEMP, DEPTHWISE_3X3_WEIGHTS(WALK)
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8
    lw s\i, 4 * \i(TEMP)
    .endr
    lw TEMP, DEPTHWISE_3X3_PARAMS(WALK)
    lw OUT, DEPTHWISE_3X3_OUT(WALK)
    lw STRIDE, DEPTHWISE_3X3_OUT_STRIDE(WALK)
    lw BIAS, 0(TEMP)
    lw MODE, 4(TEMP)
    lw MULTIPLIER, 8(TEMP)
    lw SHIFT, 12(TEMP)

.Lrow_\stride:
    lw WALK, 52(sp)
    lw TEMP2, DEPTHWISE_3X3_DOWN(WALK)
    lw TEMP, DEPTHWISE_3X3_COUNT(WALK)
    lw ROW0, DEPTHWISE_3X3_FIRST(WALK)
    lw ROW1, DEPTHWISE_3X3_TO_SECOND(WALK)
    beqz TEMP, .Ldone_\stride
    lw ROW2, DEPTHWISE_3X3_TO_THIRD(WALK)
    addi TEMP, TEMP, -1
    sw TEMP, DEPTHWISE_3X3_COUNT(WALK)
    lw END, DEPTHWISE_3X3_OUT_ROW(WALK)
    add TEMP2, TEMP2, ROW0
    sw TEMP2, DEPTHWISE_3X3_FIRST(WALK)
    add ROW1, ROW1, ROW0
    add ROW2, ROW2, ROW0
    add END, END, OUT
    column 0, C00, C01, C02
    .if \stride == 1
    column 1, C10, C11, C12
    .endif
    .balign 4
.Lpixels_\stride:
    pixel \stride, 2, C00, C01, C02, C10, C11, C12, C20, C21, C22
    beq OUT, END, .Lrow_\stride
    .if \stride == 1
    pixel \stride, 3, C10, C11, C12, C20, C21, C22, C00, C01, C02
    beq OUT, END, .Lrow_\stride
    pixel \stride, 4, C20, C21, C22, C00, C01, C02, C10, C11, C12
    .else
    pixel \stride, 4, C20, C21, C22, C00, C01, C02, C10, C11, C12
    beq OUT, END, .Lrow_\stride
    pixel \stride, 6, C10, C11, C12, C20, C21, C22, C00, C01, C02
    .endif
    addi ROW0, ROW0, 12 * \stride
    addi ROW1, ROW1, 12 * \stride
    addi ROW2, ROW2, 12 * \stride
    bne OUT, END, .Lpixels_\stride
    j .Lrow_\stride

.Ldone_\stride:
    for_saved_registers restore
    addi sp, sp, SAVED_BYTES
    ret
    .size depthwise_nn_3x3_stride_\stride, . - depthwise_nn_3x3_stride_\stride
    .endm

    rows 1
    rows 2
