// SPDX-License-Identifier: Apache-2.0
/* RISC-V instruction encodings for the generator of random programs. Immediates are in bytes and
 * must fit. */
#ifndef MPQ_TEST_RV_ENCODE_H
#define MPQ_TEST_RV_ENCODE_H

#include <stdint.h>

enum {
    RV_LOAD = 0x03,
    RV_OP_IMM = 0x13,
    RV_AUIPC = 0x17,
    RV_STORE = 0x23,
    RV_OP = 0x33,
    RV_LUI = 0x37,
    RV_BRANCH = 0x63,
    RV_JALR = 0x67,
    RV_JAL = 0x6f,
    RV_SYSTEM = 0x73,
};

static inline uint32_t rv_r(unsigned opcode, unsigned funct3, unsigned funct7, unsigned rd,
                            unsigned rs1, unsigned rs2)
{
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static inline uint32_t rv_i(unsigned opcode, unsigned funct3, unsigned rd, unsigned rs1, int imm)
{
    return ((uint32_t)imm & 0xfff) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static inline uint32_t rv_s(unsigned funct3, unsigned rs2, unsigned rs1, int imm)
{
    uint32_t u = (uint32_t)imm;
    return (u >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (u & 31) << 7 | RV_STORE;
}

static inline uint32_t rv_b(unsigned funct3, unsigned rs1, unsigned rs2, int offset)
{
    uint32_t u = (uint32_t)offset;
    return (u >> 12 & 1) << 31 | (u >> 5 & 0x3f) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 |
           (u >> 1 & 15) << 8 | (u >> 11 & 1) << 7 | RV_BRANCH;
}

static inline uint32_t rv_u(unsigned opcode, unsigned rd, uint32_t value)
{
    return (value & 0xfffff000u) | rd << 7 | opcode;
}

static inline uint32_t rv_jal(unsigned rd, int offset)
{
    uint32_t u = (uint32_t)offset;
    return (u >> 20 & 1) << 31 | (u >> 1 & 0x3ff) << 21 | (u >> 11 & 1) << 20 |
           (u >> 12 & 0xff) << 12 | rd << 7 | RV_JAL;
}

static inline uint32_t rv_addi(unsigned rd, unsigned rs1, int imm)
{
    return rv_i(RV_OP_IMM, 0, rd, rs1, imm);
}

static inline uint32_t rv_lw(unsigned rd, unsigned rs1, int imm)
{
    return rv_i(RV_LOAD, 2, rd, rs1, imm);
}

static inline uint32_t rv_sw(unsigned rs2, unsigned rs1, int imm)
{
    return rv_s(2, rs2, rs1, imm);
}

static inline uint32_t rv_csrw(unsigned csr, unsigned rs1)
{
    return csr << 20 | rs1 << 15 | 1u << 12 | RV_SYSTEM;
}

static inline uint32_t rv_csrr(unsigned rd, unsigned csr)
{
    return csr << 20 | 2u << 12 | rd << 7 | RV_SYSTEM;
}

/* Compressed instructions; prime registers are x8..x15. */
static inline uint16_t rvc_ci(unsigned funct3, unsigned quadrant, unsigned rd, int imm)
{
    uint32_t u = (uint32_t)imm;
    return (uint16_t)(funct3 << 13 | (u >> 5 & 1) << 12 | rd << 7 | (u & 31) << 2 | quadrant);
}

static inline uint16_t rvc_cr(unsigned funct4, unsigned rd, unsigned rs2)
{
    return (uint16_t)(funct4 << 12 | rd << 7 | rs2 << 2 | 2);
}

/* c.sub 0, c.xor 1, c.or 2, c.and 3 */
static inline uint16_t rvc_ca(unsigned funct2, unsigned rd_prime, unsigned rs2_prime)
{
    return (uint16_t)(4u << 13 | 3u << 10 | (rd_prime - 8) << 7 | funct2 << 5 |
                      (rs2_prime - 8) << 2 | 1);
}

/* c.srli 0, c.srai 1, c.andi 2 */
static inline uint16_t rvc_cb(unsigned funct2, unsigned rd_prime, int imm)
{
    uint32_t u = (uint32_t)imm;
    return (uint16_t)(4u << 13 | (u >> 5 & 1) << 12 | funct2 << 10 | (rd_prime - 8) << 7 |
                      (u & 31) << 2 | 1);
}

static inline uint16_t rvc_lwsp(unsigned rd, unsigned offset)
{
    return (uint16_t)(2u << 13 | (offset >> 5 & 1) << 12 | rd << 7 | (offset >> 2 & 7) << 4 |
                      (offset >> 6 & 3) << 2 | 2);
}

static inline uint16_t rvc_swsp(unsigned rs2, unsigned offset)
{
    return (uint16_t)(6u << 13 | (offset >> 2 & 15) << 9 | (offset >> 6 & 3) << 7 | rs2 << 2 | 2);
}

/* c.beqz 6, c.bnez 7 */
static inline uint16_t rvc_branch(unsigned funct3, unsigned rs1_prime, int offset)
{
    uint32_t u = (uint32_t)offset;
    return (uint16_t)(funct3 << 13 | (u >> 8 & 1) << 12 | (u >> 3 & 3) << 10 |
                      (rs1_prime - 8) << 7 | (u >> 6 & 3) << 5 | (u >> 1 & 3) << 3 |
                      (u >> 5 & 1) << 2 | 1);
}

static inline uint16_t rvc_j(int offset)
{
    uint32_t u = (uint32_t)offset;
    return (uint16_t)(5u << 13 | (u >> 11 & 1) << 12 | (u >> 4 & 1) << 11 | (u >> 8 & 3) << 9 |
                      (u >> 10 & 1) << 8 | (u >> 6 & 1) << 7 | (u >> 7 & 1) << 6 |
                      (u >> 1 & 7) << 3 | (u >> 5 & 1) << 2 | 1);
}

#endif
