// SPDX-License-Identifier: Apache-2.0
/* Many rows of equal length against one row of which the last words stay in registers; those before
 * them are loaded each time. The loads are unrolled; a shorter row jumps into the middle, with
 * pointers that start so much earlier.
 * Convolution: the weights of four channels stay, sixteen words of them, and each pixel's
 * activations come. Longer rows: sixteen weight words at a time are loaded for two pixels, which
 * share the unit in turns. Fully connected layer of 2-bit weights: sixteen words of activations stay
 * and each group's weights come; longer rows repeat the unrolled loads.
 * Shapes   struct conv2d_group, struct fc_rows; lengths: rows_nn.h
 * Exact    equal bit for bit to conv2d_nn_single() (conv2d_nn.h) and fc_nn() (fc_nn.h)
 * All registers but sp, gp and tp are in use; a load stands at least two before its use. */
#include "conv2d.h"
#include "rows_nn.h"
#include "nn_insn.h"
#include "saved_registers.h"

/* The row that comes; what is loaded of the one that stays; parameters; output. */
#define ROW         a1
#define STREAM      a2
#define PARAMS      ra
#define OUT         a6
#define ROW_SIZE    t0 /* bytes from row to row */
#define OUT_STRIDE  a7 /* convolution */
#define LAST        a7 /* fully connected: value of STREAM in the last turn */
#define END         t1 /* value of ROW behind the last one */
#define ENTRY       t2 /* where a row starts in the unrolled loads */
#define SKIP        t2 /* before: activation words that the rows are shorter than the longest */
/* Two words of ROW, two of STREAM. */
#define A0          a3
#define A1          a4
#define T0          a5
#define T1          a0
#define STREAM_AT   52(sp)

    /* Multiply one activation word with its weight words, all in registers. */
    .macro mac width, a, w0, w1, w2, w3
    .if \width == 8
    nn_mac_8b \w0, \a
    nn_mac_8b \w1, \a
    nn_mac_8b \w2, \a
    nn_mac_8b \w3, \a
    .elseif \width == 4
    nn_mac_4b \w0, \a
    nn_mac_4b \w1, \a
    .elseif activations_stay
    nn_mac_2b \a, \w0
    .else
    nn_mac_2b \w0, \a
    .endif
    .endm

    /* Activation word number \m with weights from memory; at 2 bits this one and the next. Each of
     * them takes the same number of bytes. */
    .macro stream width, m
    .if \width == 8
    lw A0, 4 * \m(ROW)
    lw T0, 16 * \m(STREAM)
    lw T1, 16 * \m + 4(STREAM)
    nn_mac_8b T0, A0
    lw T0, 16 * \m + 8(STREAM)
    nn_mac_8b T1, A0
    lw T1, 16 * \m + 12(STREAM)
    nn_mac_8b T0, A0
    nn_mac_8b T1, A0
    .elseif \width == 4
    lw A0, 4 * \m(ROW)
    lw T0, 8 * \m(STREAM)
    lw T1, 8 * \m + 4(STREAM)
    nn_mac_4b T0, A0
    nn_mac_4b T1, A0
    .else
    lw A0, 4 * \m(ROW)
    lw T0, 4 * \m(STREAM)
    lw A1, 4 * \m + 4(ROW) /* rows of an odd number of words start here, with T0 = 0 */
    lw T1, 4 * \m + 4(STREAM)
    mac 2, A0, T0
    mac 2, A1, T1
    .endif
    .endm

    /* ENTRY = start of the loads + what SKIP words take. */
    .macro find_entry width, start
    .if \width == 8
    li T0, 36
    mul T0, T0, SKIP
    .elseif \width == 4
    li T0, 20
    mul T0, T0, SKIP
    .else
    li T0, 12
    mul T0, T0, SKIP
    andi T1, SKIP, 1
    slli T1, T1, 2
    sub T0, T0, T1
    .endif
    la ENTRY, \start
    add ENTRY, ENTRY, T0
    .endm

    /* Sixteen words of STREAM. */
    .macro load_resident from
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    lw s\i, \from + 4 * \i(STREAM)
    .endr
    .irp i, 3, 4, 5, 6
    lw t\i, \from + 36 + 4 * \i(STREAM)
    .endr
    .endm

    /* The unrolled loads; step: activation words that stream takes at a time. */
    .macro stream_all width, streamed, step
    .set m, 0
    .rept \streamed / \step
    stream \width, m
    .set m, m + \step
    .endr
    .endm

    .macro start_function name, frame_bytes=SAVED_BYTES
    .section .fallback.\name, "ax", @progbits
    .balign 4
    .globl \name
    .type \name, @function
\name:
    addi sp, sp, -\frame_bytes
    for_saved_registers save
    .endm
    .macro end_function name, frame_bytes=SAVED_BYTES
    for_saved_registers restore
    addi sp, sp, \frame_bytes
    ret
    .size \name, . - \name
    .endm

    /* resident, streamed: activation words; shift: log2 of an activation word's bytes of weights;
     * step: as for stream_all. */
    .macro conv2d_function width, resident, streamed, shift, step
    start_function conv2d_nn_medium_w\width
    lw SKIP, CONV2D_GROUP_WORDS(a0)
    lw ROW, CONV2D_GROUP_PATCH(a0)
    lw STREAM, CONV2D_GROUP_WEIGHTS(a0)
    lw PARAMS, CONV2D_GROUP_PARAMS(a0)
    lw OUT, CONV2D_GROUP_OUT(a0)
    lw OUT_STRIDE, CONV2D_GROUP_OUT_STRIDE(a0)
    lw ROW_SIZE, CONV2D_GROUP_PATCH_SIZE(a0)
    lw END, CONV2D_GROUP_PIXELS(a0)
    li T0, \resident + \streamed
    sub SKIP, T0, SKIP
    slli T0, SKIP, 2
    sub ROW, ROW, T0
    slli T0, SKIP, \shift
    sub STREAM, STREAM, T0
    mul END, END, ROW_SIZE
    add END, END, ROW
    sub OUT, OUT, OUT_STRIDE
    find_entry \width, .Lstream_w\width
    load_resident \streamed << \shift

    .balign 4
.Lpixel_w\width:
    lw T0, 0(PARAMS)
    lw T1, 4(PARAMS)
    add OUT, OUT, OUT_STRIDE
    neur_init T0, T1
    .if \width == 2
    li T0, 0
    .endif
    jr ENTRY
    .option push
    .option norvc
    .balign 4
.Lstream_w\width:
    stream_all \width, \streamed, \step
    .option pop
    resident_w\width ROW, 4 * \streamed
    lw T0, 8(PARAMS)
    lw T1, 12(PARAMS)
    add ROW, ROW, ROW_SIZE
    neur_res T0, T0, T1
    sw T0, 0(OUT)
    bne ROW, END, .Lpixel_w\width
    end_function conv2d_nn_medium_w\width
    .endm

    .macro resident_w8 row, at
    lw A0, \at(\row)
    lw A1, \at + 4(\row)
    mac 8, A0, s0, s1, s2, s3
    lw A0, \at + 8(\row)
    mac 8, A1, s4, s5, s6, s7
    lw A1, \at + 12(\row)
    mac 8, A0, s8, s9, s10, s11
    mac 8, A1, t3, t4, t5, t6
    .endm

    .macro resident_w4 row, at
    lw A0, \at(\row)
    lw A1, \at + 4(\row)
    mac 4, A0, s0, s1
    lw A0, \at + 8(\row)
    mac 4, A1, s2, s3
    lw A1, \at + 12(\row)
    mac 4, A0, s4, s5
    lw A0, \at + 16(\row)
    mac 4, A1, s6, s7
    lw A1, \at + 20(\row)
    mac 4, A0, s8, s9
    lw A0, \at + 24(\row)
    mac 4, A1, s10, s11
    lw A1, \at + 28(\row)
    mac 4, A0, t3, t4
    mac 4, A1, t5, t6
    .endm

    .macro resident_w2 row, at
    lw A0, \at(\row)
    lw A1, \at + 4(\row)
    mac 2, A0, s0
    lw A0, \at + 8(\row)
    mac 2, A1, s1
    lw A1, \at + 12(\row)
    mac 2, A0, s2
    lw A0, \at + 16(\row)
    mac 2, A1, s3
    lw A1, \at + 20(\row)
    mac 2, A0, s4
    lw A0, \at + 24(\row)
    mac 2, A1, s5
    lw A1, \at + 28(\row)
    mac 2, A0, s6
    lw A0, \at + 32(\row)
    mac 2, A1, s7
    lw A1, \at + 36(\row)
    mac 2, A0, s8
    lw A0, \at + 40(\row)
    mac 2, A1, s9
    lw A1, \at + 44(\row)
    mac 2, A0, s10
    lw A0, \at + 48(\row)
    mac 2, A1, s11
    lw A1, \at + 52(\row)
    mac 2, A0, t3
    lw A0, \at + 56(\row)
    mac 2, A1, t4
    lw A1, \at + 60(\row)
    mac 2, A0, t5
    mac 2, A1, t6
    .endm

    .set activations_stay, 0
    conv2d_function 8, 4, CONV2D_NN_STREAMED_W8, 4, 1
    conv2d_function 4, 8, CONV2D_NN_STREAMED_W4, 3, 1
    conv2d_function 2, 16, CONV2D_NN_STREAMED_W2, 2, 2

    /* Two pixels in turns: the other's sums are in S0 to S3. */
#define S0          t0
#define S1          t1
#define S2          t2
#define S3          a7
#define OTHER       a6 /* row of the second pixel; ROW: of the first */
#define STREAM_END  a5
    /* Frame behind the saved registers, what a pair starts with. Pointers are those of the chunks:
     * sixteen weight words, and so many activations, before the first one. */
#define FIRST_AT    52(sp) /* row of the first pixel */
#define PAIR_OUT_AT 56(sp)
#define PAIRS_AT    60(sp)
#define PARAMS_AT   64(sp)
#define WEIGHTS_AT  68(sp)
#define END_AT      72(sp)
#define CHUNKS_AT   76(sp) /* where the first chunk starts */
#define REST_AT     80(sp) /* where the words before the chunks start; 0: there are none */
#define BIAS_AT     84(sp) /* row of those words - row of the chunks */
#define EARLIER_AT  88(sp) /* from the first pixel's row to that which gets them first, second */
#define LATER_AT    92(sp)
#define STRIDE_AT   96(sp) /* bytes from pixel to pixel, of rows and of the output */
#define OUT_STEP_AT 100(sp)
#define PAIRS_BYTES 112

    .macro exchange
    csrrw S0, 0x7c8, S0
    csrrw S1, 0x7c9, S1
    csrrw S2, 0x7ca, S2
    csrrw S3, 0x7cb, S3
    .endm

    /* chunk: activation words of sixteen weight words; shift: log2 of an activation word's bytes of
     * weights. */
    .macro pairs_function width, chunk, shift, step
    .option push
    .option arch, +zicsr
    start_function conv2d_nn_pairs_w\width, PAIRS_BYTES
    lw t0, CONV2D_GROUP_WORDS(a0)
    lw s0, CONV2D_GROUP_PATCH(a0)
    lw s1, CONV2D_GROUP_WEIGHTS(a0)
    lw s2, CONV2D_GROUP_PATCH_SIZE(a0)
    lw s3, CONV2D_GROUP_OUT_STRIDE(a0)
    lw s4, CONV2D_GROUP_PIXELS(a0)
    lw s5, CONV2D_GROUP_OUT(a0)
    lw s6, CONV2D_GROUP_PARAMS(a0)
    andi t1, t0, \chunk - 1 /* words before the chunks */
    sub t0, t0, t1
    addi SKIP, t1, -\chunk
    slli s7, SKIP, 2
    add s0, s0, s7
    slli s7, SKIP, \shift
    add s1, s1, s7
    slli s7, t0, \shift
    add s7, s7, s1 /* end of STREAM */
    neg SKIP, SKIP
    andi s8, t0, \chunk /* an odd number of chunks starts in the middle of the loop */
    la s9, .Lfirst_w\width
    li s10, 0
    mv s11, s2
    li a1, 0
    beqz s8, 1f
    la s9, .Lsecond_w\width
    li s10, 4 * \chunk
    li s11, 0
    mv a1, s2
    addi s0, s0, -4 * \chunk
    addi s1, s1, -64
1:
    sw s11, EARLIER_AT
    sw a1, LATER_AT
    sw s10, BIAS_AT
    sw s9, CHUNKS_AT
    sw s0, FIRST_AT
    sw s1, WEIGHTS_AT
    sw s7, END_AT
    srli s4, s4, 1
    sw s4, PAIRS_AT
    sw s5, PAIR_OUT_AT
    sw s6, PARAMS_AT
    sw s2, STRIDE_AT
    sw s3, OUT_STEP_AT
    li s0, 0
    beqz t1, 2f
    find_entry \width, .Lrest_w\width
    mv s0, ENTRY
2:
    sw s0, REST_AT

    .balign 4
.Lpair_w\width:
    lw s0, PARAMS_AT
    lw s3, REST_AT
    lw T0, 0(s0)
    lw T1, 4(s0)
    lw s1, FIRST_AT
    lw STREAM, WEIGHTS_AT
    neur_init T0, T1
    csrr S0, 0x7c8
    csrr S1, 0x7c9
    csrr S2, 0x7ca
    csrr S3, 0x7cb
    beqz s3, .Lchunks_w\width
    lw s4, BIAS_AT
    lw s5, EARLIER_AT
    lw s6, LATER_AT
    add s1, s1, s4
    slli s4, s4, \shift - 2
    add STREAM, STREAM, s4
    add ROW, s1, s5
    li T0, 0
    jalr s3
    exchange
    add ROW, s1, s6
    li T0, 0
    jalr s3
.Lchunks_w\width:
    lw s0, CHUNKS_AT
    lw ROW, FIRST_AT
    lw OTHER, STRIDE_AT
    lw STREAM, WEIGHTS_AT
    lw STREAM_END, END_AT
    add OTHER, OTHER, ROW
    jr s0
    .balign 4
.Lfirst_w\width:
    load_resident 64
    resident_w\width ROW, 4 * \chunk
    exchange
    resident_w\width OTHER, 4 * \chunk
.Lsecond_w\width:
    load_resident 128
    resident_w\width OTHER, 8 * \chunk
    exchange
    resident_w\width ROW, 8 * \chunk
    addi STREAM, STREAM, 128
    addi ROW, ROW, 8 * \chunk
    addi OTHER, OTHER, 8 * \chunk
    bne STREAM, STREAM_END, .Lfirst_w\width

    lw s0, PARAMS_AT
    lw s1, PAIR_OUT_AT
    lw T0, 8(s0)
    lw T1, 12(s0)
    lw s2, OUT_STEP_AT
    neur_res A0, T0, T1
    csrw 0x7c8, S0
    csrw 0x7c9, S1
    csrw 0x7ca, S2
    csrw 0x7cb, S3
    neur_res A1, T0, T1
    sw A0, 0(s1)
    add s1, s1, s2
    sw A1, 0(s1)
    lw s3, FIRST_AT
    lw s4, STRIDE_AT
    lw s5, PAIRS_AT
    add s1, s1, s2
    sw s1, PAIR_OUT_AT
    slli s4, s4, 1
    add s3, s3, s4
    sw s3, FIRST_AT
    addi s5, s5, -1
    sw s5, PAIRS_AT
    bnez s5, .Lpair_w\width
    end_function conv2d_nn_pairs_w\width, PAIRS_BYTES

    .option norvc
    .balign 4
.Lrest_w\width:
    stream_all \width, \chunk, \step
    ret
    .option pop
    .endm

    pairs_function 8, 4, 4, 1
    pairs_function 4, 8, 3, 1
    pairs_function 2, 16, 2, 2

    .set activations_stay, 1
    start_function fc_nn_rows_w2
    lw SKIP, FC_ROWS_SKIP(a0)
    lw ROW, FC_ROWS_WEIGHTS(a0)
    lw STREAM, FC_ROWS_IN(a0)
    lw PARAMS, FC_ROWS_PARAMS(a0)
    lw OUT, FC_ROWS_OUT(a0)
    lw ROW_SIZE, FC_ROWS_SIZE(a0)
    lw END, FC_ROWS_COUNT(a0)
    lw LAST, FC_ROWS_TURN_BYTES(a0)
    slli T0, SKIP, 2
    sub ROW, ROW, T0
    sub STREAM, STREAM, T0
    sw STREAM, STREAM_AT
    mul END, END, ROW_SIZE
    add END, END, ROW
    sub ROW_SIZE, ROW_SIZE, LAST
    add LAST, LAST, STREAM
    find_entry 2, .Lstream_fc
    mv STREAM, LAST
    load_resident 4 * FC_NN_STREAMED

    .balign 4
.Lrow_fc:
    lw T0, 0(PARAMS)
    lw T1, 4(PARAMS)
    lw STREAM, STREAM_AT
    neur_init T0, T1
    li T0, 0
    jr ENTRY
    .option push
    .option norvc
    .balign 4
.Lturn_fc:
    addi ROW, ROW, 4 * FC_NN_STREAMED
    addi STREAM, STREAM, 4 * FC_NN_STREAMED
.Lstream_fc:
    stream_all 2, FC_NN_STREAMED, 2
    .option pop
    bne STREAM, LAST, .Lturn_fc
    resident_w2 ROW, 4 * FC_NN_STREAMED
    lw T0, 8(PARAMS)
    lw T1, 12(PARAMS)
    addi PARAMS, PARAMS, 16
    neur_res T0, T0, T1
    add ROW, ROW, ROW_SIZE
    sw T0, 0(OUT)
    addi OUT, OUT, 4
    bne ROW, END, .Lrow_fc
    end_function fc_nn_rows_w2
