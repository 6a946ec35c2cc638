// SPDX-License-Identifier: Apache-2.0
/* One of each neural instruction on both opcodes, and the unit's CSRs, for the tracer to name. */
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
    li a0, 0
    ret
