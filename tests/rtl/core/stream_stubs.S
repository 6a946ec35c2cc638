// SPDX-License-Identifier: Apache-2.0
/* Every operation of the two opcodes of version 2, and every CSR number from 0x7c0 on, as a function of its own, eight
 * bytes long: the instruction, on the address or with the value in a0, and a return. And a call of such a function that
 * shows what it does to the registers. */
    .option arch, +zicsr
    .option norvc

    .globl stream_loads, stream_stores, stream_csr_reads, stream_csr_writes
    .balign 8
stream_loads: /* {funct3, rd} */
    .set operation, 0
    .rept 256
    .word 0x2b | (operation & 31) << 7 | (operation >> 5) << 12 | 10 << 15
    ret
    .set operation, operation + 1
    .endr
stream_stores: /* {funct3, rs2} */
    .set operation, 0
    .rept 256
    .word 0x5b | (operation & 31) << 20 | (operation >> 5) << 12 | 10 << 15
    ret
    .set operation, operation + 1
    .endr
stream_csr_reads:
    .set number, 0x7c0
    .rept 64
    csrr a0, number
    ret
    .set number, number + 1
    .endr
stream_csr_writes:
    .set number, 0x7c0
    .rept 64
    csrw number, a0
    ret
    .set number, number + 1
    .endr

/* void stream_guarded(const void *address, const void *stub, uint32_t registers[32]) */
    .set FRAME, 192
    .globl stream_guarded
stream_guarded:
    addi sp, sp, -FRAME
    sw ra, 0(sp)
    sw gp, 4(sp)
    sw tp, 8(sp)
    sw s0, 12(sp)
    sw s1, 16(sp)
    sw s2, 20(sp)
    sw s3, 24(sp)
    sw s4, 28(sp)
    sw s5, 32(sp)
    sw s6, 36(sp)
    sw s7, 40(sp)
    sw s8, 44(sp)
    sw s9, 48(sp)
    sw s10, 52(sp)
    sw s11, 56(sp)
    sw a2, 60(sp)
    mv t0, a1
    .irp number, 3,4,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    li x\number, 0x5eed0000 + \number
    .endr
    jalr ra, 0(t0)
    .irp number, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sw x\number, 64 + 4 * \number(sp)
    .endr
    lw a2, 60(sp)
    .irp number, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    lw t0, 64 + 4 * \number(sp)
    sw t0, 4 * \number(a2)
    .endr
    lw ra, 0(sp)
    lw gp, 4(sp)
    lw tp, 8(sp)
    lw s0, 12(sp)
    lw s1, 16(sp)
    lw s2, 20(sp)
    lw s3, 24(sp)
    lw s4, 28(sp)
    lw s5, 32(sp)
    lw s6, 36(sp)
    lw s7, 40(sp)
    lw s8, 44(sp)
    lw s9, 48(sp)
    lw s10, 52(sp)
    lw s11, 56(sp)
    addi sp, sp, FRAME
    ret
