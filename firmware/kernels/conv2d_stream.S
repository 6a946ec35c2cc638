// SPDX-License-Identifier: Apache-2.0
/* Convolution with the instructions of version 2: four channels of eight pixels at a time, a bank
 * of accumulators for each pixel. Sixteen words of activations make a chunk: its weights are loaded
 * into the unit's sixteen entries, and then each pixel's activations pass. Rows of one chunk load
 * their weights once. What is over comes first, and jumps into the middle: of a chunk's words, with
 * pointers that start so much earlier, and of the eight pixels, with banks that stay out of use.
 * Shapes   struct conv2d_group
 * Exact    equal bit for bit to conv2d_nn_single() (conv2d_nn.h)
 * All registers but sp, gp and tp are in use. */
#include "conv2d.h"
#include "nn_insn.h"
#include "saved_registers.h"
#include "stream.h"

/* Rows of the eight pixels: s0 to s7. */
#define LACK          a0 /* pixels that the tile lacks */
#define WEIGHTS       a1 /* of the chunk */
#define PART          a2 /* where a pixel enters the macs of the part, pixel by pixel */
#define PART_WORDS    a3 /* the same, word by word: all pixels */
#define PART_LOADS    a4 /* 0: there is no part of a chunk */
#define OUT           a6
#define STRIDE        a7
#define CHUNKS        s8 /* whole ones */
#define TO_NEXT       s10 /* from a row's end to the same pixel of the next tile */
#define BASE          s11 /* of the weights */
#define LOADS         t0 /* of a chunk's weights */
#define BIAS          t1
#define MODE          t2
#define COUNT         t3
#define TILES         t4
#define CHUNK_BYTES   t5
#define TEMP          t6
#define TEMP2         a5
#define PART_SIZE     4 * (STREAM_ENTRIES + 1) /* of a pixel's macs and jump */
#define FULL_SIZE     4 * STREAM_ENTRIES

    /* All activation words of a pixel. */
    .macro pixel_macs pixel
    .set m, 0
    .rept STREAM_ENTRIES
    nn_lda_mac \pixel, m, 4*m, s\pixel
    .set m, m + 1
    .endr
    .endm

    .macro move_rows by
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7
    addi s\i, s\i, \by
    .endr
    .endm

    /* step: activations of a word of weights. */
    .macro start_width width, shift, step
    .section .text.conv2d_stream_w\width, "ax", @progbits
    .option norvc
    .balign 4
.Lloads_w\width:
    .set m, 0
    .rept STREAM_ENTRIES
    .set first, 0
    .rept 4 / \step
    nn_ldw m, first, (m<<\shift)+4*(first/\step), WEIGHTS
    .set first, first + \step
    .endr
    .set m, m + 1
    .endr
    jr ra
    .globl conv2d_stream_w\width
    .type conv2d_stream_w\width, @function
conv2d_stream_w\width:
    la LOADS, .Lloads_w\width
    li CHUNK_BYTES, \shift
    tail conv2d_stream
    .size conv2d_stream_w\width, . - conv2d_stream_w\width
    .endm
    start_width 8, 4, 1
    start_width 4, 3, 2
    start_width 2, 2, 4

    .section .text.conv2d_stream, "ax", @progbits
    .option arch, +zicsr
    .balign 4
    /* LOADS; CHUNK_BYTES: log2 of an activation word's bytes of weights. */
conv2d_stream:
    addi sp, sp, -SAVED_BYTES
    for_saved_registers save
    lw TEMP, CONV2D_GROUP_PARAMS(a0)
    lw BASE, CONV2D_GROUP_WEIGHTS(a0)
    lw s0, CONV2D_GROUP_PATCH(a0)
    lw s1, CONV2D_GROUP_PATCH_SIZE(a0)
    lw COUNT, CONV2D_GROUP_WORDS(a0)
    lw TILES, CONV2D_GROUP_PIXELS(a0)
    lw OUT, CONV2D_GROUP_OUT(a0)
    lw STRIDE, CONV2D_GROUP_OUT_STRIDE(a0)
    lw s2, 8(TEMP)
    lw s3, 12(TEMP)
    lw BIAS, 0(TEMP)
    lw MODE, 4(TEMP)
    csrw 0x7ce, s2
    csrw 0x7cf, s3

    neg LACK, TILES
    andi LACK, LACK, STREAM_BANKS - 1
    addi TILES, TILES, STREAM_BANKS - 1
    srli TILES, TILES, 3
    mul TEMP, LACK, s1
    sub s0, s0, TEMP
    slli TO_NEXT, s1, 3

    srli CHUNKS, COUNT, 4
    slli TEMP, CHUNKS, 6
    li PART_LOADS, 0
    andi COUNT, COUNT, STREAM_ENTRIES - 1
    beqz COUNT, 1f
    addi TEMP, TEMP, 64
    addi s3, COUNT, -STREAM_ENTRIES /* words that the part lacks, negative */
    slli COUNT, s3, 2
    add s0, s0, COUNT
    la PART, .Lpart
    sub PART, PART, COUNT
    slli COUNT, s3, 5
    la PART_WORDS, .Lpart_words
    sub PART_WORDS, PART_WORDS, COUNT
    sll s3, s3, CHUNK_BYTES
    add BASE, BASE, s3
    sub PART_LOADS, LOADS, s3
1:
    mv COUNT, s1
    add s1, s0, COUNT
    add s2, s1, COUNT
    add s3, s2, COUNT
    add s4, s3, COUNT
    add s5, s4, COUNT
    add s6, s5, COUNT
    add s7, s6, COUNT
    li COUNT, STREAM_ENTRIES
    sll CHUNK_BYTES, COUNT, CHUNK_BYTES
    bnez CHUNKS, 2f
    neur_init BIAS, MODE
    mv WEIGHTS, BASE
    jalr PART_LOADS
    j .Ltile
2:
    sub TO_NEXT, TO_NEXT, TEMP

.Ltile:
    neur_init BIAS, MODE
    beqz CHUNKS, .Lpart_macs
    mv WEIGHTS, BASE
    beqz PART_LOADS, .Lchunks
    jalr PART_LOADS
    add WEIGHTS, WEIGHTS, CHUNK_BYTES
.Lpart_macs:
    bnez LACK, .Lpart_some
    jr PART_WORDS
.Lpart_words:
    .set n, 0
    .rept STREAM_ENTRIES
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7
    nn_lda_mac \i, n, 4*n, s\i
    .endr
    .set n, n + 1
    .endr
.Lpart_end:
    beqz CHUNKS, .Lresults
    move_rows FULL_SIZE
.Lchunks:
    mv COUNT, CHUNKS
.Lchunk:
    jalr LOADS
    add WEIGHTS, WEIGHTS, CHUNK_BYTES
    bnez LACK, .Lfull_some
.Lfull:
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7
    pixel_macs \i
    .endr
    move_rows FULL_SIZE
    addi COUNT, COUNT, -1
    bnez COUNT, .Lchunk

.Lresults:
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7
    add s\i, s\i, TO_NEXT
    .endr
    bnez LACK, .Lstore_some
.Lstore:
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7
    nn_res_st \i, 0, OUT
    add OUT, OUT, STRIDE
    .endr
    addi TILES, TILES, -1
    bnez TILES, .Ltile
    for_saved_registers restore
    addi sp, sp, SAVED_BYTES
    ret

.Lpart_some:
    li TEMP, PART_SIZE
    mul TEMP, TEMP, LACK
    add TEMP, TEMP, PART
    jr TEMP
.Lpart:
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7
    pixel_macs \i
    .if \i < 7
    jalr x0, PART_SIZE * (\i + 1)(PART)
    .endif
    .endr
    j .Lpart_end
.Lfull_some:
    slli TEMP2, LACK, 6
    la TEMP, .Lfull
    add TEMP, TEMP, TEMP2
    jr TEMP
.Lstore_some:
    slli TEMP2, LACK, 3
    la TEMP, .Lstore
    add TEMP, TEMP, TEMP2
    li LACK, 0
    jr TEMP
    .size conv2d_stream, . - conv2d_stream
