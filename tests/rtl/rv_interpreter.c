// SPDX-License-Identifier: Apache-2.0
/* Interpreter of the random programs. Straight from the RISC-V unprivileged manual, volume I,
 * chapters RV32I, M and C; of C only what the generator emits. Anything else makes it stuck. */
#include "rv_interpreter.h"

#include "address_map.h"
#include "nn_csr.h"

static uint32_t field(uint32_t word, int high, int low)
{
    return (uint32_t)((uint64_t)word >> low) & (uint32_t)((2ull << (high - low)) - 1);
}

static uint32_t sign_extend(uint32_t value, int width)
{
    uint32_t sign = 1u << (width - 1);
    return (value ^ sign) - sign;
}

static void set_x(struct rv *rv, uint32_t rd, uint32_t value)
{
    if (rd != 0)
        rv->x[rd] = value;
}

static bool in_ram(const struct rv *rv, uint32_t address, uint32_t size)
{
    return address >= rv->ram_base && address - rv->ram_base <= rv->ram_bytes - size;
}

static uint32_t ram_read(const struct rv *rv, uint32_t address, uint32_t size)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < size; i++)
        value |= (uint32_t)rv->ram[address - rv->ram_base + i] << 8 * i;
    return value;
}

static void ram_write(struct rv *rv, uint32_t address, uint32_t size, uint32_t value)
{
    for (uint32_t i = 0; i < size; i++)
        rv->ram[address - rv->ram_base + i] = (uint8_t)(value >> 8 * i);
}

/* The handler counts and goes on behind the instruction. */
static void trap(struct rv *rv)
{
    rv->traps++;
    ram_write(rv, rv->trap_counter_address, 4, rv->traps);
}

static void load(struct rv *rv, uint32_t funct3, uint32_t rd, uint32_t address)
{
    uint32_t size = 1u << funct3 % 4;
    if (!in_ram(rv, address, size)) {
        trap(rv);
        return;
    }
    uint32_t value = ram_read(rv, address, size);
    if (funct3 < 2)
        value = sign_extend(value, (int)(8 * size));
    set_x(rv, rd, value);
}

static void store(struct rv *rv, uint32_t funct3, uint32_t address, uint32_t value)
{
    uint32_t size = 1u << funct3;
    if (in_ram(rv, address, size)) {
        ram_write(rv, address, size, value);
    } else if (address == UART_DATA) {
        if (rv->uart_size < rv->uart_capacity)
            rv->uart[rv->uart_size++] = (uint8_t)value;
        else
            rv->stuck = "more UART output than there is room for";
    } else if (address == SYSCTL_EXIT) {
        rv->exited = true;
        rv->exit_code = value;
    } else if (address < TIMER_BASE || address >= TIMER_BASE + TIMER_SIZE) {
        trap(rv);
    }
}

static uint32_t alu(uint32_t funct3, bool alternate, uint32_t a, uint32_t b)
{
    switch (funct3) {
    case 0:
        return alternate ? a - b : a + b;
    case 1:
        return a << b % 32;
    case 2:
        return (int32_t)a < (int32_t)b;
    case 3:
        return a < b;
    case 4:
        return a ^ b;
    case 5:
        return alternate ? (uint32_t)((int64_t)(int32_t)a >> b % 32) : a >> b % 32;
    case 6:
        return a | b;
    default:
        return a & b;
    }
}

static uint32_t divide(uint32_t funct3, uint32_t a, uint32_t b)
{
    int64_t sa = (int32_t)a, sb = (int32_t)b;
    switch (funct3) {
    case 4:
        return sb == 0 ? UINT32_MAX : (uint32_t)(sa / sb);
    case 5:
        return b == 0 ? UINT32_MAX : a / b;
    case 6:
        return sb == 0 ? a : (uint32_t)(sa % sb);
    default:
        return b == 0 ? a : a % b;
    }
}

static uint32_t multiply_divide(uint32_t funct3, uint32_t a, uint32_t b)
{
    int64_t sa = (int32_t)a, sb = (int32_t)b;
    switch (funct3) {
    case 0:
        return a * b;
    case 1:
        return (uint32_t)((uint64_t)(sa * sb) >> 32);
    case 2:
        return (uint32_t)((uint64_t)(sa * (int64_t)b) >> 32);
    case 3:
        return (uint32_t)((uint64_t)a * b >> 32);
    default:
        return divide(funct3, a, b);
    }
}

static bool branch_taken(uint32_t funct3, uint32_t a, uint32_t b)
{
    switch (funct3) {
    case 0:
        return a == b;
    case 1:
        return a != b;
    case 4:
        return (int32_t)a < (int32_t)b;
    case 5:
        return (int32_t)a >= (int32_t)b;
    case 6:
        return a < b;
    default:
        return a >= b;
    }
}

static void neural(struct rv *rv, uint32_t insn)
{
    uint32_t a = rv->x[field(insn, 19, 15)], b = rv->x[field(insn, 24, 20)];
    uint32_t funct3 = field(insn, 14, 12), funct7 = field(insn, 31, 25);
    rv->nn_instructions++;
    if (funct3 == 1 && funct7 == 0)
        nn_stream_model_init(&rv->nn, a, b);
    else if (funct3 == 2 && (funct7 == 8 || funct7 == 4 || funct7 == 2))
        nn_model_mac(&rv->nn.five, a, b);
    else if (funct3 == 4 && funct7 == 0)
        set_x(rv, field(insn, 11, 7), nn_model_res(&rv->nn.five, a, b));
    else
        trap(rv);
}

/* A word into the unit, or out of it */
static void neural_load(struct rv *rv, uint32_t operation, uint32_t address)
{
    rv->nn_instructions++;
    if (rv->stream && nn_stream_model_is_load(operation) && in_ram(rv, address, 4))
        nn_stream_model_load(&rv->nn, operation, ram_read(rv, address, 4));
    else
        trap(rv);
}

static void neural_store(struct rv *rv, uint32_t operation, uint32_t address)
{
    rv->nn_instructions++;
    if (rv->stream && nn_stream_model_is_store(operation))
        store(rv, 2, address, nn_stream_model_store(&rv->nn, operation));
    else
        trap(rv);
}

static bool is_nn_csr(const struct rv *rv, uint32_t csr)
{
    return rv->stream ? nn_stream_model_is_csr(csr) : csr >= NN_CSR_ACC0 && csr <= NN_CSR_STATE;
}

/* The unit's CSRs; other ones are set up by the prologue only, where nothing depends on them. */
static void system_instruction(struct rv *rv, uint32_t insn)
{
    uint32_t csr = field(insn, 31, 20), funct3 = field(insn, 14, 12);
    uint32_t operand = rv->x[field(insn, 19, 15)];
    if (insn == 0x73) {
        trap(rv);
    } else if (is_nn_csr(rv, csr) && (funct3 == 1 || funct3 == 2)) {
        uint32_t old = nn_stream_model_read_csr(&rv->nn, csr);
        if (funct3 == 1)
            nn_stream_model_write_csr(&rv->nn, csr, operand);
        else if (field(insn, 19, 15) != 0)
            nn_stream_model_write_csr(&rv->nn, csr, old | operand);
        set_x(rv, field(insn, 11, 7), old);
    } else if (funct3 != 1 || field(insn, 11, 7) != 0) {
        rv->stuck = "system instruction";
    }
}

static void jump_or_branch(struct rv *rv, uint32_t insn, uint32_t pc)
{
    uint32_t rs1 = rv->x[field(insn, 19, 15)], rs2 = rv->x[field(insn, 24, 20)];
    uint32_t offset;
    switch (field(insn, 6, 0)) {
    case 0x63:
        offset = field(insn, 31, 31) << 12 | field(insn, 7, 7) << 11 | field(insn, 30, 25) << 5 |
                 field(insn, 11, 8) << 1;
        if (branch_taken(field(insn, 14, 12), rs1, rs2))
            rv->pc = pc + sign_extend(offset, 13);
        return;
    case 0x67:
        rv->pc = (rs1 + sign_extend(field(insn, 31, 20), 12)) & ~1u;
        break;
    default:
        offset = field(insn, 31, 31) << 20 | field(insn, 19, 12) << 12 | field(insn, 20, 20) << 11 |
                 field(insn, 30, 21) << 1;
        rv->pc = pc + sign_extend(offset, 21);
    }
    set_x(rv, field(insn, 11, 7), pc + 4);
}

static void execute(struct rv *rv, uint32_t insn, uint32_t pc)
{
    uint32_t rd = field(insn, 11, 7), funct3 = field(insn, 14, 12), funct7 = field(insn, 31, 25);
    uint32_t a = rv->x[field(insn, 19, 15)], b = rv->x[field(insn, 24, 20)];
    uint32_t imm = sign_extend(field(insn, 31, 20), 12);
    switch (field(insn, 6, 0)) {
    case 0x03:
        load(rv, funct3, rd, a + imm);
        break;
    case 0x0b:
    case 0x47:
        neural(rv, insn);
        break;
    case 0x13:
        set_x(rv, rd, alu(funct3, funct3 == 5 && field(insn, 30, 30), a, imm));
        break;
    case 0x17:
        set_x(rv, rd, pc + (insn & 0xfffff000u));
        break;
    case 0x23:
        store(rv, funct3, a + sign_extend(funct7 << 5 | rd, 12), b);
        break;
    case 0x2b:
        neural_load(rv, funct3 << 5 | rd, a + imm);
        break;
    case 0x5b:
        neural_store(rv, funct3 << 5 | field(insn, 24, 20), a + sign_extend(funct7 << 5 | rd, 12));
        break;
    case 0x33:
        set_x(rv, rd, funct7 == 1 ? multiply_divide(funct3, a, b) : alu(funct3, funct7 != 0, a, b));
        break;
    case 0x37:
        set_x(rv, rd, insn & 0xfffff000u);
        break;
    case 0x63:
    case 0x67:
    case 0x6f:
        jump_or_branch(rv, insn, pc);
        break;
    case 0x73:
        system_instruction(rv, insn);
        break;
    default:
        rv->stuck = "unknown opcode";
    }
}

/* c.sub, c.xor, c.or, c.and, c.srli, c.srai, c.andi */
static void execute_compressed_alu(struct rv *rv, uint32_t insn)
{
    uint32_t rd = 8 + field(insn, 9, 7), value = rv->x[rd], rs2 = rv->x[8 + field(insn, 4, 2)];
    uint32_t imm = field(insn, 12, 12) << 5 | field(insn, 6, 2);
    switch (field(insn, 11, 10)) {
    case 0:
        set_x(rv, rd, alu(5, false, value, imm));
        break;
    case 1:
        set_x(rv, rd, alu(5, true, value, imm));
        break;
    case 2:
        set_x(rv, rd, value & sign_extend(imm, 6));
        break;
    default: {
        static const uint32_t funct3[4] = {0, 4, 6, 7};
        set_x(rv, rd, alu(funct3[field(insn, 6, 5)], true, value, rs2));
    }
    }
}

static void compressed_jump(struct rv *rv, uint32_t insn, uint32_t pc)
{
    uint32_t value = rv->x[8 + field(insn, 9, 7)];
    uint32_t offset = field(insn, 12, 12) << 8 | field(insn, 6, 5) << 6 | field(insn, 2, 2) << 5 |
                      field(insn, 11, 10) << 3 | field(insn, 4, 3) << 1;
    uint32_t jump = field(insn, 12, 12) << 11 | field(insn, 8, 8) << 10 | field(insn, 10, 9) << 8 |
                    field(insn, 6, 6) << 7 | field(insn, 7, 7) << 6 | field(insn, 2, 2) << 5 |
                    field(insn, 11, 11) << 4 | field(insn, 5, 3) << 1;
    uint32_t funct3 = field(insn, 15, 13);
    if (funct3 == 5)
        rv->pc = pc + sign_extend(jump, 12);
    else if ((value == 0) == (funct3 == 6))
        rv->pc = pc + sign_extend(offset, 9);
}

static void execute_quadrant2(struct rv *rv, uint32_t insn)
{
    uint32_t rd = field(insn, 11, 7), rs2 = field(insn, 6, 2);
    uint32_t load_offset =
        field(insn, 3, 2) << 6 | field(insn, 12, 12) << 5 | field(insn, 6, 4) << 2;
    uint32_t store_offset = field(insn, 8, 7) << 6 | field(insn, 12, 9) << 2;
    switch (field(insn, 15, 13)) {
    case 0:
        set_x(rv, rd, rv->x[rd] << rs2);
        break;
    case 2:
        load(rv, 2, rd, rv->x[2] + load_offset);
        break;
    case 4:
        set_x(rv, rd, field(insn, 12, 12) ? rv->x[rd] + rv->x[rs2] : rv->x[rs2]);
        break;
    case 6:
        store(rv, 2, rv->x[2] + store_offset, rv->x[rs2]);
        break;
    default:
        rv->stuck = "unknown compressed instruction";
    }
}

static void execute_compressed(struct rv *rv, uint32_t insn, uint32_t pc)
{
    uint32_t rd = field(insn, 11, 7);
    uint32_t imm = sign_extend(field(insn, 12, 12) << 5 | field(insn, 6, 2), 6);
    if (field(insn, 1, 0) == 2) {
        execute_quadrant2(rv, insn);
        return;
    }
    switch (field(insn, 15, 13) | (field(insn, 1, 0) == 1 ? 0 : 8)) {
    case 0:
        set_x(rv, rd, rv->x[rd] + imm);
        break;
    case 2:
        set_x(rv, rd, imm);
        break;
    case 4:
        execute_compressed_alu(rv, insn);
        break;
    case 5:
    case 6:
    case 7:
        compressed_jump(rv, insn, pc);
        break;
    default:
        rv->stuck = "unknown compressed instruction";
    }
}

bool rv_run(struct rv *rv, uint64_t max_instructions)
{
    for (uint64_t i = 0; i < max_instructions && !rv->exited && rv->stuck == NULL; i++) {
        uint32_t pc = rv->pc;
        if (!in_ram(rv, pc, 4)) {
            rv->stuck = "jump out of the RAM";
            break;
        }
        uint32_t insn = ram_read(rv, pc, 4);
        bool compressed = insn % 4 != 3;
        rv->pc = pc + (compressed ? 2 : 4);
        if (compressed)
            execute_compressed(rv, insn & 0xffff, pc);
        else
            execute(rv, insn, pc);
        rv->instructions++;
    }
    if (!rv->exited && rv->stuck == NULL)
        rv->stuck = "too many instructions";
    return rv->exited;
}
