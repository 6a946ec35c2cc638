// SPDX-License-Identifier: Apache-2.0
/* Average pooling, windows of 2x2, with the instructions of version 2: up to eight groups of four channels of a pixel, a
 * bank of accumulators for each. A window's four words are the unit's window; in depthwise mode one multiplication by
 * weights of 1 adds them up. Fewer groups use the last banks: the code of the others is jumped over.
 * Shapes   struct avgpool_stream
 * Exact    equal bit for bit to average_2x2() in avgpool_nn.c */
#include "avgpool_stream.h"
#include "nn_insn.h"
#include "stream.h"

#define WALK       a0
#define UPPER      a1 /* the window's words for what would be the first bank */
#define UPPER_NEXT a2
#define LOWER      a3
#define LOWER_NEXT a4
#define OUT        a5
#define CHANNELS   a6
#define STEP       a7
#define LOADS      t0 /* where the banks that are in use start */
#define STORES     t1
#define MODE       t2
#define DOWN       t3 /* from behind a row's last window to the next row */
#define ALL_PIXELS t4
#define PIXELS     t5
#define COUNT      t6
#define LACK       PIXELS /* before the first row: groups that are missing */
#define TEMP       COUNT

    .macro move_windows by
    add UPPER, UPPER, \by
    add UPPER_NEXT, UPPER_NEXT, \by
    add LOWER, LOWER, \by
    add LOWER_NEXT, LOWER_NEXT, \by
    .endm

    .section .rodata.avgpool_stream_2x2, "a", @progbits
    .balign 4
.Lones:
    .word 0x01010101

    .section .text.avgpool_stream_2x2, "ax", @progbits
    .option norvc
    .option arch, +zicsr
    .balign 4
    .globl avgpool_stream_2x2
    .type avgpool_stream_2x2, @function
avgpool_stream_2x2:
    lw MODE, AVGPOOL_STREAM_MODE(WALK)
    neur_init x0, MODE
    la TEMP, .Lones
    .irp j, 0, 1, 2, 3
    nn_ldw 0, \j, 0, TEMP
    .endr
    lw TEMP, AVGPOOL_STREAM_MULTIPLIERS(WALK)
    csrw 0x7ce, TEMP
    lw TEMP, AVGPOOL_STREAM_SHIFTS(WALK)
    csrw 0x7cf, TEMP
    lw LACK, AVGPOOL_STREAM_GROUPS(WALK)
    neg LACK, LACK
    andi LACK, LACK, STREAM_BANKS - 1
    slli LACK, LACK, 2
    la STORES, .Lstores
    add STORES, STORES, LACK
    slli TEMP, LACK, 2 /* four instructions that load for one that stores */
    la LOADS, .Lloads
    add LOADS, LOADS, TEMP
    lw UPPER, AVGPOOL_STREAM_IN(WALK)
    lw TEMP, AVGPOOL_STREAM_ROW(WALK)
    sub UPPER, UPPER, LACK
    add LOWER, UPPER, TEMP
    lw CHANNELS, AVGPOOL_STREAM_CHANNELS(WALK)
    lw OUT, AVGPOOL_STREAM_OUT(WALK)
    add UPPER_NEXT, UPPER, CHANNELS
    add LOWER_NEXT, LOWER, CHANNELS
    sub OUT, OUT, LACK
    lw STEP, AVGPOOL_STREAM_STEP(WALK)
    lw ALL_PIXELS, AVGPOOL_STREAM_PIXELS(WALK)
    lw DOWN, AVGPOOL_STREAM_DOWN(WALK)
    mul TEMP, ALL_PIXELS, STEP
    sub DOWN, DOWN, TEMP
    lw COUNT, AVGPOOL_STREAM_COUNT(WALK)
.Lrow:
    mv PIXELS, ALL_PIXELS
.Lpixel:
    neur_init x0, MODE
    jr LOADS
.Lloads:
    .irp p, 0, 1, 2, 3, 4, 5, 6, 7
    nn_lda 4*\p, UPPER
    nn_lda 4*\p, UPPER_NEXT
    nn_lda 4*\p, LOWER
    nn_lda_mac \p, 0, 4*\p, LOWER_NEXT
    .endr
    move_windows STEP /* the banks are not ready yet */
    jr STORES
.Lstores:
    .irp p, 0, 1, 2, 3, 4, 5, 6, 7
    nn_res_st \p, 4*\p, OUT
    .endr
    add OUT, OUT, CHANNELS
    addi PIXELS, PIXELS, -1
    bnez PIXELS, .Lpixel
    move_windows DOWN
    addi COUNT, COUNT, -1
    bnez COUNT, .Lrow
    ret
    .size avgpool_stream_2x2, . - avgpool_stream_2x2
