// SPDX-License-Identifier: Apache-2.0
/* One of each neural instruction, on both opcodes where there are two, and the unit's CSRs, for the tracer to name. */
#include "nn_insn.h"

    .option arch, +zicsr
    .globl main
main:
    .insn r 0x0b, 1, 0x00, x0, a1, a2
    .insn r 0x0b, 2, 0x08, x0, a3, a4
    .insn r 0x0b, 2, 0x04, x0, a3, a4
    .insn r 0x0b, 2, 0x02, x0, a3, a4
    .insn r 0x0b, 4, 0x00, a5, a1, a2
    .insn r 0x47, 1, 0x00, x0, a1, a2
    .insn r 0x47, 2, 0x08, x0, a3, a4
    .insn r 0x47, 2, 0x04, x0, a3, a4
    .insn r 0x47, 2, 0x02, x0, a3, a4
    .insn r 0x47, 4, 0x00, a5, a1, a2
    csrr t0, 0x7c8
    csrr t0, 0x7c9
    csrr t0, 0x7ca
    csrr t0, 0x7cb
    csrw 0x7cc, t0
    csrr t0, 0x7cd
    csrr t0, 0x7ce
    csrw 0x7cf, t0
    csrr t0, 0x7e5
    la a0, word
    nn_lda_mac 5, 9, 0, a0
    nn_ldw 14, 2, -4, a0
    nn_lda 4, a0
    nn_ldw_mac 6, 1, 0, a0
    nn_res_st 7, -4, a0
    li a0, 0
    ret
    .data
    .balign 4
    .word 0
word:
    .word 0, 0
