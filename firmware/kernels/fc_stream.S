// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer with the instructions of version 2: up to eight groups of four channels, a bank of accumulators
 * for each. A word of activations stays in the unit while the weights of all groups come. Fewer groups use the last
 * banks, and jump over the others; words that do not fill a turn of the loop come first, and jump into its middle.
 * Shapes   struct fc_stream
 * Exact    equal bit for bit to fc_nn() (fc_nn.h) */
#include "fc_stream.h"
#include "nn_insn.h"
#include "saved_registers.h"
#include "stream.h"

/* Rows of the groups: s0 to s7. */
#define IN        a1
#define PARAMS    a2 /* what the first bank's would be */
#define OUT       a3
#define TURNS     a4
#define BANKS     a5 /* where the banks that are in use start in the code of a turn's first word */
#define LACK      a6 /* groups that are missing */
#define WORD      a7 /* where the first turn starts */
#define WEIGHTS   s8 /* of the first bank */
#define SIZE      s9 /* of a row */
#define PASSES    s10
#define FIRST_IN  t5
#define ALL_TURNS t6
#define TEMP      t0
#define ZERO_AT   52 /* in the frame, behind the saved registers */
/* Before the first pass: */
#define CODE      s0 /* of a turn */
#define BYTES     s1 /* of a group's weights for a word of activations */
#define LOG_UNROLLED s2 /* words of a turn */
#define SOME      s3 /* code of a turn that leaves out banks */

    /* A turn; load: instructions that load a group's weights for a word; jump: to the banks that are
     * in use. */
    .macro turn bits, load, unrolled, jump
    .set m, 0
    .rept \unrolled
    nn_lda 4*m, IN
    .if \jump
    jalr x0, 4 * m * (2 + STREAM_BANKS * \load)(BANKS)
    .endif
    .irp p, 0, 1, 2, 3, 4, 5, 6, 7
    .set i, 0
    .rept \load - 1
    nn_ldw STREAM_ENTRIES-1, i*4/\load, 4*(m*\load+i), s\p
    .set i, i + 1
    .endr
    nn_ldw_mac \p, i*4/\load, 4*(m*\load+i), s\p
    .endr
    .set m, m + 1
    .endr
    addi TURNS, TURNS, -1
    addi IN, IN, 4 * \unrolled
    .irp p, 0, 1, 2, 3, 4, 5, 6, 7
    addi s\p, s\p, 4 * \unrolled * \load
    .endr
    .endm

    .macro width bits, load, log_unrolled
    .section .text.fc_stream_w\bits, "ax", @progbits
    .option norvc
    .balign 4
.Lall_w\bits:
    turn \bits, \load, (1 << \log_unrolled), 0
    bnez TURNS, .Lall_w\bits
    j .Ldone_w\bits
.Lsome_w\bits:
    turn \bits, \load, (1 << \log_unrolled), 1
    bnez TURNS, .Lsome_w\bits
.Ldone_w\bits:
    la TEMP, .Lresults
    jr TEMP
    .globl fc_stream_w\bits
    .type fc_stream_w\bits, @function
fc_stream_w\bits:
    addi sp, sp, -SAVED_BYTES
    for_saved_registers save
    la CODE, .Lall_w\bits
    la SOME, .Lsome_w\bits
    li BYTES, 4 * \load
    li LOG_UNROLLED, \log_unrolled
    tail fc_stream
    .size fc_stream_w\bits, . - fc_stream_w\bits
    .endm
    width 8, 4, 2
    width 4, 2, 3
    width 2, 1, 4

    .section .text.fc_stream, "ax", @progbits
    .option arch, +zicsr
    .balign 4
fc_stream:
    lw LACK, FC_STREAM_COUNT(a0)
    lw ALL_TURNS, FC_STREAM_WORDS(a0)
    lw SIZE, FC_STREAM_SIZE(a0)
    lw FIRST_IN, FC_STREAM_IN(a0)
    lw WEIGHTS, FC_STREAM_WEIGHTS(a0)
    lw PARAMS, FC_STREAM_PARAMS(a0)
    lw OUT, FC_STREAM_OUT(a0)
    addi PASSES, LACK, STREAM_BANKS - 1
    srli PASSES, PASSES, 3
    neg LACK, LACK
    andi LACK, LACK, STREAM_BANKS - 1
    beqz LACK, 1f
    mv CODE, SOME
1:
    mul BANKS, LACK, BYTES /* one instruction a word of weights */
    add BANKS, BANKS, CODE
    addi BANKS, BANKS, 8
    slli t2, LACK, 4
    sub PARAMS, PARAMS, t2
    slli t2, LACK, 2
    sub OUT, OUT, t2
    mul t2, LACK, SIZE
    sub WEIGHTS, WEIGHTS, t2
    /* words that the first turn lacks */
    li t3, 1
    sll t3, t3, LOG_UNROLLED
    addi t3, t3, -1
    neg t2, ALL_TURNS
    and t2, t2, t3
    add ALL_TURNS, ALL_TURNS, t3
    srl ALL_TURNS, ALL_TURNS, LOG_UNROLLED
    slli WORD, BYTES, 3
    addi WORD, WORD, 4
    beqz LACK, 1f
    addi WORD, WORD, 4
1:
    mul WORD, WORD, t2
    add WORD, WORD, CODE
    slli t3, t2, 2
    sub FIRST_IN, FIRST_IN, t3
    mul t3, t2, BYTES
    sub WEIGHTS, WEIGHTS, t3
    sw zero, ZERO_AT(sp)

.Lpass:
    mv IN, FIRST_IN
    mv TURNS, ALL_TURNS
    mv s0, WEIGHTS
    add s1, s0, SIZE
    add s2, s1, SIZE
    add s3, s2, SIZE
    add s4, s3, SIZE
    add s5, s4, SIZE
    add s6, s5, SIZE
    add s7, s6, SIZE
    add WEIGHTS, s7, SIZE

    /* Each bank starts with its group's biases: weights that are multiplied by zero. */
    nn_lda ZERO_AT, sp
    beqz LACK, .Lstart
    slli t3, LACK, 4
    slli t4, LACK, 3
    add t3, t3, t4
    la TEMP, .Lstart
    add TEMP, TEMP, t3
    jr TEMP
.Lstart:
    .irp p, 0, 1, 2, 3, 4, 5, 6, 7
    lw t1, 16 * \p(PARAMS)
    lw t2, 16 * \p + 4(PARAMS)
    li t3, (1 << \p) - 1
    neur_init t1, t2
    csrw 0x7cd, t3
    nn_ldw_mac \p, 0, ZERO_AT, sp
    .endr
    jr WORD

.Lresults:
    beqz LACK, .Lscale
    slli t3, LACK, 4
    slli t4, LACK, 2
    add t3, t3, t4
    la TEMP, .Lscale
    add TEMP, TEMP, t3
    jr TEMP
.Lscale:
    .irp p, 0, 1, 2, 3, 4, 5, 6, 7
    lw t1, 16 * \p + 8(PARAMS)
    lw t2, 16 * \p + 12(PARAMS)
    csrw 0x7ce, t1
    csrw 0x7cf, t2
    nn_res_st \p, 4*\p, OUT
    .endr
    addi PARAMS, PARAMS, 16 * STREAM_BANKS
    addi OUT, OUT, 4 * STREAM_BANKS
    addi PASSES, PASSES, -1
    bnez PASSES, .Lpass
    for_saved_registers restore
    addi sp, sp, SAVED_BYTES
    ret
    .size fc_stream, . - fc_stream
