// SPDX-License-Identifier: Apache-2.0
/* Generator of random programs.
 *
 * Memory, from the start of the RAM: 0x80 entry, 0x100 trap vectors, 0x200 handler, 0x1000 program,
 * DATA, CONTEXT, LOG. Registers: x2 handler's context and c.lwsp/c.swsp area; x26 a place where no
 * memory is; x27 counter of inner loops; x29 iterations left; x30 middle of the data; x31 next
 * place in the log; all others are random. */
#include "random_program.h"

#include <stddef.h>
#include "address_map.h"
#include "model/nn_stream_model.h"
#include "nn_csr.h"
#include "nn_insn.h"
#include "rv_encode.h"

enum {
    VECTORS = 0x100,
    HANDLER = 0x200,
    CODE = 0x1000,
    CODE_END = 0xf000,
    DATA = 0x10000,
    DATA_BYTES = 0x1000,
    CONTEXT = 0x11000,
    CONTEXT_INTERRUPTS = 40,
    CONTEXT_TRAPS = 44,
    CONTEXT_RANDOM = 36,
    CONTEXT_STREAM = 48, /* three CSRs of version 2, and a word stored by it */
    STACK_AREA = 64,     /* offsets 64..252 from x2 */
    LOG = 0x20000,
    REG_CONTEXT = 2,
    REG_NOWHERE = 26,
    REG_INNER = 27,
    REG_ITERATIONS = 29,
    REG_DATA = 30,
    REG_LOG = 31,
    MSTATUS = 0x300,
    MIE = 0x304,
    MTVEC = 0x305,
    MEPC = 0x341,
    MCAUSE = 0x342,
    MRET = 0x30200073,
    ECALL = 0x73,
};

struct gen {
    uint8_t *ram;
    uint32_t base;
    uint32_t at; /* offset of the next instruction */
    uint64_t state;
    bool in_loop;
    bool stream;
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint32_t gen_random(struct gen *g)
{
    uint64_t z = g->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 32);
}

static uint32_t gen_below(struct gen *g, uint32_t limit)
{
    return (uint32_t)((uint64_t)gen_random(g) * limit >> 32);
}

static void emit16(struct gen *g, uint32_t half)
{
    if (g->at >= DATA)
        return;
    g->ram[g->at] = (uint8_t)half;
    g->ram[g->at + 1] = (uint8_t)(half >> 8);
    g->at += 2;
}

static void emit(struct gen *g, uint32_t word)
{
    emit16(g, word & 0xffff);
    emit16(g, word >> 16);
}

static void patch(struct gen *g, uint32_t at, uint32_t word)
{
    uint32_t end = g->at;
    g->at = at;
    emit(g, word);
    g->at = end;
}

static void patch16(struct gen *g, uint32_t at, uint32_t half)
{
    uint32_t end = g->at;
    g->at = at;
    emit16(g, half);
    g->at = end;
}

static void emit_li(struct gen *g, unsigned rd, uint32_t value)
{
    emit(g, rv_u(RV_LUI, rd, value + 0x800));
    emit(g, rv_addi(rd, rd, (int)(value & 0xfff)));
}

/* ---- Registers ---- */

static bool is_reserved(unsigned reg)
{
    return reg == REG_CONTEXT || reg == REG_NOWHERE || reg == REG_INNER || reg >= REG_ITERATIONS;
}

static unsigned any_source(struct gen *g)
{
    return gen_below(g, 32);
}

static unsigned any_target(struct gen *g)
{
    unsigned reg;
    do
        reg = gen_below(g, 32);
    while (is_reserved(reg));
    return reg;
}

static unsigned compressed_target(struct gen *g)
{
    unsigned reg;
    do
        reg = any_target(g);
    while (reg == 0);
    return reg;
}

static unsigned prime(struct gen *g)
{
    return 8 + gen_below(g, 8);
}

/* ---- Kinds of items ---- */

static void item(struct gen *g);

static void items(struct gen *g, uint32_t count)
{
    while (count-- > 0)
        item(g);
}

static uint32_t nn_opcode(struct gen *g)
{
    return gen_below(g, 2) ? NN_OPCODE : NN_OPCODE_ALIAS;
}

static void item_init(struct gen *g)
{
    emit(g, rv_r(nn_opcode(g), 1, 0, 0, any_source(g), any_source(g)));
}

/* rd of a MAC and of neur_init need not be x0: it must stay as it is. */
static void item_macs(struct gen *g)
{
    static const unsigned funct7[3] = {8, 4, 2};
    for (uint32_t count = 1 + gen_below(g, 8); count > 0; count--) {
        unsigned rd = gen_below(g, 4) ? 0 : any_source(g);
        emit(g, rv_r(nn_opcode(g), 2, funct7[gen_below(g, 3)], rd, any_source(g), any_source(g)));
    }
}

static void item_res(struct gen *g)
{
    emit(g, rv_r(nn_opcode(g), 4, 0, any_target(g), any_source(g), any_source(g)));
}

/* A network's shape: small shifts, results that are not all at the end of their range. */
static void item_neuron(struct gen *g)
{
    unsigned a = compressed_target(g), b = compressed_target(g);
    emit_li(g, a, gen_random(g) & 0x10842007u & ~(gen_random(g) & 7));
    emit(g, rv_r(nn_opcode(g), 1, 0, 0, any_source(g), a));
    item_macs(g);
    emit_li(g, b, gen_random(g) | 0x52a54a80u);
    emit(g, rv_r(nn_opcode(g), 4, 0, any_target(g), any_source(g), b));
}

static void item_log(struct gen *g)
{
    emit(g, rv_sw(any_source(g), REG_LOG, 0));
    emit(g, rv_addi(REG_LOG, REG_LOG, 4));
}

static void item_nn_csr(struct gen *g)
{
    unsigned csr = NN_CSR_ACC0 + gen_below(g, g->stream ? 8 : 5);
    if (g->stream && gen_below(g, 3) == 0)
        csr = NN_STREAM_CSR_BANKS + gen_below(g, 32);
    unsigned funct3 = 1 + gen_below(g, 2), rs1 = gen_below(g, 2) ? 0 : any_source(g);
    emit(g, csr << 20 | rs1 << 15 | (rs1 ? funct3 : 2) << 12 | any_target(g) << 7 | RV_SYSTEM);
}

static void item_alu(struct gen *g)
{
    unsigned funct3 = gen_below(g, 8);
    unsigned funct7 = (funct3 == 0 || funct3 == 5) && gen_below(g, 2) ? 0x20 : 0;
    emit(g, rv_r(RV_OP, funct3, funct7, any_target(g), any_source(g), any_source(g)));
}

static void item_alu_immediate(struct gen *g)
{
    unsigned funct3 = gen_below(g, 8);
    uint32_t imm = gen_below(g, 4096);
    if (funct3 == 1)
        imm &= 31;
    if (funct3 == 5)
        imm = (imm & 31) | (gen_below(g, 2) ? 0x400 : 0);
    emit(g, rv_i(RV_OP_IMM, funct3, any_target(g), any_source(g), (int)imm));
}

static void item_constant(struct gen *g)
{
    emit_li(g, compressed_target(g), gen_random(g));
}

static void item_upper(struct gen *g)
{
    emit(g, rv_u(gen_below(g, 2) ? RV_LUI : RV_AUIPC, any_target(g), gen_random(g)));
}

static void item_multiply(struct gen *g)
{
    emit(g, rv_r(RV_OP, gen_below(g, 4), 1, any_target(g), any_source(g), any_source(g)));
}

static void item_divide(struct gen *g)
{
    emit(g, rv_r(RV_OP, 4 + gen_below(g, 4), 1, any_target(g), any_source(g), any_source(g)));
}

/* One access in eight is misaligned. */
static int data_offset(struct gen *g, unsigned size)
{
    uint32_t offset = gen_below(g, DATA_BYTES - 4);
    if (gen_below(g, 8))
        offset -= offset % size;
    return (int)offset - DATA_BYTES / 2;
}

static void item_load(struct gen *g)
{
    static const unsigned funct3[5] = {0, 1, 2, 4, 5};
    unsigned f = funct3[gen_below(g, 5)];
    emit(g, rv_i(RV_LOAD, f, any_target(g), REG_DATA, data_offset(g, 1u << f % 4)));
}

/* A load and at once an instruction of the unit that takes its result. */
static void item_load_use(struct gen *g)
{
    unsigned reg = compressed_target(g);
    emit(g, rv_lw(reg, REG_DATA, data_offset(g, 4)));
    switch (gen_below(g, 3)) {
    case 0:
        emit(g, rv_r(nn_opcode(g), 1, 0, 0, reg, any_source(g)));
        break;
    case 1:
        emit(g, rv_r(nn_opcode(g), 2, 8, 0, any_source(g), reg));
        break;
    default:
        emit(g, rv_r(nn_opcode(g), 4, 0, any_target(g), reg, reg));
    }
}

static void item_store(struct gen *g)
{
    unsigned f = gen_below(g, 3);
    emit(g, rv_s(f, any_source(g), REG_DATA, data_offset(g, 1u << f)));
}

static void item_compressed(struct gen *g)
{
    unsigned shift = 1 + gen_below(g, 31);
    switch (gen_below(g, 8)) {
    case 0:
        emit16(g, rvc_ci(0, 1, compressed_target(g), (int)gen_below(g, 31) + 1));
        break;
    case 1:
        emit16(g, rvc_ci(2, 1, compressed_target(g), (int)gen_below(g, 64)));
        break;
    case 2:
        emit16(g, rvc_cr(8 + gen_below(g, 2), compressed_target(g), 1 + gen_below(g, 31)));
        break;
    case 3:
        emit16(g, rvc_ca(gen_below(g, 4), prime(g), prime(g)));
        break;
    case 4:
        emit16(g, rvc_cb(gen_below(g, 2), prime(g), (int)shift));
        break;
    case 5:
        emit16(g, rvc_ci(0, 2, compressed_target(g), (int)shift));
        break;
    case 6:
        emit16(g, rvc_lwsp(compressed_target(g), STACK_AREA + 4 * gen_below(g, 47)));
        break;
    default:
        emit16(g, rvc_swsp(any_source(g), STACK_AREA + 4 * gen_below(g, 47)));
    }
}

/* A legal operation of each kind; funct3 and rd are otherwise random. */
static uint32_t stream_load(struct gen *g, int offset, unsigned base)
{
    switch (gen_below(g, 6)) {
    case 0:
        return NN_LDW(gen_below(g, 16), gen_below(g, 4), offset, base);
    case 1:
        return NN_LDW_MAC(gen_below(g, 8), gen_below(g, 4), offset, base);
    case 2:
        return NN_LDA(offset, base);
    default:
        return NN_LDA_MAC(gen_below(g, 8), gen_below(g, 16), offset, base);
    }
}

static void item_stream_loads(struct gen *g)
{
    for (uint32_t count = g->stream ? 1 + gen_below(g, 8) : 0; count > 0; count--)
        emit(g, stream_load(g, data_offset(g, 4), REG_DATA));
}

/* Mostly of banks that follow each other */
static void item_stream_stores(struct gen *g)
{
    uint32_t bank = gen_below(g, 8);
    for (uint32_t count = g->stream ? 1 + gen_below(g, 5) : 0; count > 0; count--) {
        emit(g, NN_RES_ST(bank, data_offset(g, 4), REG_DATA));
        bank = gen_below(g, 8) ? (bank + 1) % 8 : gen_below(g, 8);
    }
}

/* Outputs of a network: the accumulators start anew, and scales are such that results are not all
 * at the end of their range. */
static void item_stream_neuron(struct gen *g)
{
    unsigned a = compressed_target(g), b = compressed_target(g);
    if (!g->stream)
        return;
    emit_li(g, a, gen_random(g) & 0x10842007u);
    emit_li(g, b, gen_random(g) | 0x52a54a80u);
    emit(g, rv_r(nn_opcode(g), 1, 0, 0, any_source(g), a));
    emit(g, rv_csrw(NN_STREAM_CSR_SHIFTS, b));
    item_stream_loads(g);
    item_stream_loads(g);
    item_stream_stores(g);
}

/* What traps and must change nothing: a word from nowhere, one for nowhere, no instruction. */
static void item_stream_trap(struct gen *g)
{
    item_stream_loads(g);
    switch (g->stream ? gen_below(g, 4) : 4) {
    case 0:
        emit(g, stream_load(g, (int)gen_below(g, 512), REG_NOWHERE));
        break;
    case 1:
        emit(g, NN_RES_ST(gen_below(g, 8), (int)gen_below(g, 512), REG_NOWHERE));
        break;
    case 2:
        emit(g, nn_encode_i(NN_OPCODE_LOAD, 0xc1 + gen_below(g, 31), 0, REG_DATA));
        break;
    case 3:
        emit(g, nn_encode_s(NN_OPCODE_STORE, 8 + gen_below(g, 248), 0, REG_DATA));
        break;
    default:
        return;
    }
    item_stream_loads(g);
    item_stream_stores(g);
}

/* Forward, over a few items; on equal registers the outcome is certain. */
static void item_branch(struct gen *g)
{
    static const unsigned funct3[6] = {0, 1, 4, 5, 6, 7};
    unsigned f = funct3[gen_below(g, 6)], a = any_source(g);
    unsigned b = gen_below(g, 3) ? any_source(g) : a;
    uint32_t start = g->at;
    emit(g, 0);
    items(g, 1 + gen_below(g, 3));
    patch(g, start, rv_b(f, a, b, (int)(g->at - start)));
}

static void item_compressed_branch(struct gen *g)
{
    unsigned kind = 5 + gen_below(g, 3), reg = prime(g);
    uint32_t start = g->at;
    emit16(g, 0);
    item_macs(g);
    item_compressed(g);
    int offset = (int)(g->at - start);
    patch16(g, start, kind == 5 ? rvc_j(offset) : rvc_branch(kind, reg, offset));
}

static void item_jump(struct gen *g)
{
    unsigned rd = any_target(g), via = compressed_target(g);
    bool is_register_jump = gen_below(g, 2);
    uint32_t start = g->at;
    if (is_register_jump)
        emit(g, rv_u(RV_AUIPC, via, 0));
    emit(g, 0);
    items(g, 1 + gen_below(g, 2));
    int offset = (int)(g->at - start);
    if (is_register_jump)
        patch(g, start + 4, rv_i(RV_JALR, 0, rd, via, offset));
    else
        patch(g, start, rv_jal(rd, offset));
}

static void item_inner_loop(struct gen *g)
{
    if (g->in_loop)
        return;
    g->in_loop = true;
    emit(g, rv_addi(REG_INNER, 0, 1 + (int)gen_below(g, 6)));
    uint32_t start = g->at;
    items(g, 1 + gen_below(g, 4));
    emit(g, rv_addi(REG_INNER, REG_INNER, -1));
    emit(g, rv_b(1, REG_INNER, 0, (int)start - (int)g->at));
    g->in_loop = false;
}

/* A trap of each kind, with instructions of the unit right before and after. */
static void item_trap(struct gen *g)
{
    item_macs(g);
    switch (gen_below(g, 4)) {
    case 0:
        emit(g, ECALL);
        break;
    case 1:
        emit(g, rv_r(nn_opcode(g), 5 + gen_below(g, 3), gen_below(g, 128), any_source(g),
                     any_source(g), any_source(g)));
        break;
    case 2:
        emit(g, rv_lw(any_target(g), REG_NOWHERE, (int)gen_below(g, 64) * 4));
        break;
    default:
        emit(g, rv_sw(any_source(g), REG_NOWHERE, (int)gen_below(g, 64) * 4));
    }
    item_macs(g);
}

static const struct {
    void (*make)(struct gen *g);
    uint32_t weight;
} kinds[] = {
    {item_macs, 20},         {item_init, 6},          {item_res, 10},
    {item_neuron, 4},        {item_log, 14},          {item_nn_csr, 6},
    {item_alu, 10},          {item_alu_immediate, 8}, {item_constant, 10},
    {item_upper, 2},         {item_multiply, 8},      {item_divide, 4},
    {item_load, 10},         {item_load_use, 6},      {item_store, 8},
    {item_compressed, 14},   {item_branch, 6},        {item_jump, 2},
    {item_inner_loop, 2},    {item_trap, 2},          {item_compressed_branch, 3},
    {item_stream_loads, 20}, {item_stream_stores, 8}, {item_stream_neuron, 6},
    {item_stream_trap, 2},
};

static void item(struct gen *g)
{
    uint32_t total = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        total += kinds[i].weight;
    uint32_t choice = gen_below(g, total);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (choice < kinds[i].weight) {
            kinds[i].make(g);
            return;
        }
        choice -= kinds[i].weight;
    }
}

/* ---- The frame around the items ---- */

/* Saves the scales and the started banks, changes them and stores banks, which changes nothing. */
static void make_interrupt_stream(struct gen *g)
{
    for (unsigned i = 0; i < 3; i++) {
        emit(g, rv_csrr(5, NN_STREAM_CSR_STARTED + i));
        emit(g, rv_sw(5, REG_CONTEXT, CONTEXT_STREAM + 4 * (int)i));
    }
    emit(g, rv_csrw(NN_STREAM_CSR_MULTIPLIERS, 2));
    emit(g, rv_csrw(NN_STREAM_CSR_SHIFTS, 31));
    emit(g, NN_RES_ST(3u, CONTEXT_STREAM + 12, REG_CONTEXT));
    emit(g, NN_RES_ST(4u, CONTEXT_STREAM + 12, REG_CONTEXT));
}

static void make_interrupt_stream_end(struct gen *g)
{
    for (unsigned i = 0; i < 3; i++) {
        emit(g, rv_lw(5, REG_CONTEXT, CONTEXT_STREAM + 4 * (int)i));
        emit(g, rv_csrw(NN_STREAM_CSR_STARTED + i, 5));
    }
}

/* Interrupt: save the unit, use it, draw the next moment, count, restore the unit. Works on x5..x7,
 * which are saved. */
static void make_interrupt_handler(struct gen *g)
{
    if (g->stream)
        make_interrupt_stream(g);
    for (unsigned i = 0; i < 5; i++) {
        emit(g, rv_csrr(5, NN_CSR_ACC0 + i));
        emit(g, rv_sw(5, REG_CONTEXT, 16 + 4 * (int)i));
    }
    emit(g, rv_lw(5, REG_CONTEXT, CONTEXT_RANDOM));
    emit(g, rv_r(NN_OPCODE, 1, 0, 0, 5, 5));
    emit(g, rv_r(NN_OPCODE, 2, 8, 0, 5, 5));
    emit(g, rv_r(NN_OPCODE, 2, 4, 0, 5, 6));
    emit(g, rv_r(NN_OPCODE, 4, 0, 7, 5, 5));
    emit_li(g, 6, 1664525);
    emit(g, rv_r(RV_OP, 0, 1, 5, 5, 6));
    emit_li(g, 6, 1013904223);
    emit(g, rv_r(RV_OP, 0, 0, 5, 5, 6));
    emit(g, rv_sw(5, REG_CONTEXT, CONTEXT_RANDOM));
    emit(g, rv_i(RV_OP_IMM, 5, 5, 5, 25));
    emit(g, rv_u(RV_LUI, 6, TIMER_BASE));
    emit(g, rv_lw(7, 6, (int)(TIMER_MTIME_LO - TIMER_BASE)));
    emit(g, rv_r(RV_OP, 0, 0, 5, 5, 7));
    emit(g, rv_addi(5, 5, 60));
    emit(g, rv_sw(5, 6, (int)(TIMER_MTIMECMP_LO - TIMER_BASE)));
    emit(g, rv_lw(5, REG_CONTEXT, CONTEXT_INTERRUPTS));
    emit(g, rv_addi(5, 5, 1));
    emit(g, rv_sw(5, REG_CONTEXT, CONTEXT_INTERRUPTS));
    for (unsigned i = 0; i < 5; i++) {
        emit(g, rv_lw(5, REG_CONTEXT, 16 + 4 * (int)i));
        emit(g, rv_csrw(NN_CSR_ACC0 + i, 5));
    }
    if (g->stream)
        make_interrupt_stream_end(g);
}

static void make_exception_handler(struct gen *g)
{
    emit(g, rv_csrr(5, MEPC));
    emit(g, rv_addi(5, 5, 4));
    emit(g, rv_csrw(MEPC, 5));
    emit(g, rv_lw(5, REG_CONTEXT, CONTEXT_TRAPS));
    emit(g, rv_addi(5, 5, 1));
    emit(g, rv_sw(5, REG_CONTEXT, CONTEXT_TRAPS));
}

static void make_handler(struct gen *g)
{
    g->at = VECTORS;
    for (unsigned i = 0; i < 32; i++)
        emit(g, rv_jal(0, HANDLER - (int)g->at));
    g->at = HANDLER;
    for (int i = 0; i < 3; i++)
        emit(g, rv_sw((unsigned)(5 + i), REG_CONTEXT, 4 * i));
    emit(g, rv_csrr(5, MCAUSE));
    uint32_t branch = g->at;
    emit(g, 0);
    make_interrupt_handler(g);
    uint32_t jump = g->at;
    emit(g, 0);
    patch(g, branch, rv_b(5, 5, 0, (int)(g->at - branch)));
    make_exception_handler(g);
    patch(g, jump, rv_jal(0, (int)(g->at - jump)));
    for (int i = 0; i < 3; i++)
        emit(g, rv_lw((unsigned)(5 + i), REG_CONTEXT, 4 * i));
    emit(g, MRET);
}

/* Weights, activations and banks have no value after power-up. */
static void make_stream_state(struct gen *g)
{
    for (uint32_t i = 0; i < 64; i++)
        emit(g, NN_LDW(i / 4, i % 4, data_offset(g, 4), REG_DATA));
    for (uint32_t i = 0; i < 4; i++)
        emit(g, NN_LDA(data_offset(g, 4), REG_DATA));
    for (uint32_t bank = 0; bank < 8; bank++)
        emit(g, NN_LDA_MAC(bank, 2 * bank, data_offset(g, 4), REG_DATA));
}

static void make_prologue(struct gen *g, uint32_t iterations)
{
    g->at = RANDOM_PROGRAM_ENTRY;
    emit(g, rv_jal(0, CODE - RANDOM_PROGRAM_ENTRY));
    g->at = CODE;
    emit_li(g, 5, g->base + VECTORS + 1);
    emit(g, rv_csrw(MTVEC, 5));
    emit_li(g, REG_CONTEXT, g->base + CONTEXT);
    emit_li(g, 6, TIMER_BASE);
    emit(g, rv_addi(5, 0, 500));
    emit(g, rv_sw(5, 6, (int)(TIMER_MTIMECMP_LO - TIMER_BASE)));
    emit(g, rv_sw(0, 6, (int)(TIMER_MTIMECMP_HI - TIMER_BASE)));
    for (unsigned reg = 1; reg < 32; reg++)
        if (!is_reserved(reg))
            emit_li(g, reg, gen_random(g));
    emit_li(g, REG_NOWHERE, 0x40000000);
    emit_li(g, REG_INNER, 0);
    emit_li(g, REG_ITERATIONS, iterations);
    emit_li(g, REG_DATA, g->base + DATA + DATA_BYTES / 2);
    emit_li(g, REG_LOG, g->base + LOG);
    emit(g, rv_r(NN_OPCODE, 1, 0, 0, 0, 0));
    if (g->stream)
        make_stream_state(g);
    emit(g, rv_addi(1, 0, 0x80));
    emit(g, rv_csrw(MIE, 1));
    emit(g, rv_addi(1, 0, 8));
    emit(g, rv_csrw(MSTATUS, 1));
}

/* Sends the bytes from the address in x5 up to that in x6; x7 holds the UART's address. */
static void make_send(struct gen *g)
{
    uint32_t start = g->at;
    emit(g, rv_i(RV_LOAD, 4, 8, 5, 0));
    emit(g, rv_sw(8, 7, (int)(UART_DATA - UART_BASE)));
    emit(g, rv_addi(5, 5, 1));
    emit(g, rv_b(6, 5, 6, (int)start - (int)g->at));
}

/* The state of version 2 into the log: first the CSRs, then what products make of the window and of
 * each entry of weights. */
static void make_stream_log(struct gen *g)
{
    for (unsigned csr = NN_STREAM_CSR_STARTED; csr <= NN_STREAM_CSR_SHIFTS; csr++) {
        emit(g, rv_csrr(5, csr));
        emit(g, rv_sw(5, REG_LOG, 4 * (int)(csr - NN_STREAM_CSR_STARTED)));
    }
    emit(g, rv_addi(REG_LOG, REG_LOG, 12));
    emit(g, rv_addi(5, 0, 255));
    emit(g, rv_csrw(NN_STREAM_CSR_STARTED, 5));
    emit(g, rv_addi(5, 0, 1)); /* depthwise */
    emit(g, rv_csrw(NN_CSR_STATE, 5));
    for (uint32_t j = 0; j < 4; j++)
        emit(g, NN_LDW_MAC(j, j, data_offset(g, 4), REG_DATA));
    emit(g, rv_csrw(NN_CSR_STATE, 0));
    for (uint32_t i = 0; i < 32; i++)
        emit(g, NN_LDA_MAC(i % 8, i / 2, data_offset(g, 4), REG_DATA));
    for (unsigned i = 0; i < 32; i++) {
        emit(g, rv_csrr(5, NN_STREAM_CSR_BANKS + i));
        emit(g, rv_sw(5, REG_LOG, 4 * (int)i));
    }
    emit(g, rv_addi(REG_LOG, REG_LOG, 128));
}

static void make_epilogue(struct gen *g)
{
    emit(g, rv_csrw(MIE, 0));
    for (unsigned reg = 0; reg < 32; reg++)
        if (reg != REG_LOG)
            emit(g, rv_sw(reg, REG_LOG, 4 * (int)reg));
    emit(g, rv_addi(REG_LOG, REG_LOG, 128));
    for (unsigned i = 0; i < 5; i++) {
        emit(g, rv_csrr(5, NN_CSR_ACC0 + i));
        emit(g, rv_sw(5, REG_LOG, 4 * (int)i));
    }
    emit(g, rv_lw(5, REG_CONTEXT, CONTEXT_TRAPS));
    emit(g, rv_sw(5, REG_LOG, 20));
    emit(g, rv_addi(REG_LOG, REG_LOG, 24));
    if (g->stream)
        make_stream_log(g);
    emit_li(g, 5, g->base + LOG);
    emit(g, rv_addi(6, REG_LOG, 0));
    emit_li(g, 7, UART_BASE);
    make_send(g);
    emit_li(g, 5, g->base + DATA);
    emit_li(g, 6, g->base + DATA + DATA_BYTES);
    make_send(g);
    emit_li(g, 5, g->base + CONTEXT + CONTEXT_INTERRUPTS);
    emit(g, rv_addi(6, 5, 4));
    make_send(g);
    emit_li(g, 7, SYSCTL_EXIT);
    emit(g, rv_sw(0, 7, 0));
    emit(g, rv_jal(0, 0));
}

bool random_program_make(const struct random_program_options *options, uint32_t ram_base,
                         uint8_t *ram)
{
    struct gen g = {
        .ram = ram, .base = ram_base, .state = options->seed, .stream = options->stream};
    for (uint32_t i = 0; i < DATA_BYTES; i++)
        ram[DATA + i] = (uint8_t)gen_random(&g);
    for (uint32_t i = 0; i < 4; i++)
        ram[CONTEXT + CONTEXT_RANDOM + i] = (uint8_t)gen_random(&g);
    make_handler(&g);
    make_prologue(&g, options->iterations);
    uint32_t start = g.at;
    for (uint32_t i = 0; i < options->items && g.at < CODE_END; i++)
        item(&g);
    if (g.at >= CODE_END)
        return false;
    emit(&g, rv_addi(REG_ITERATIONS, REG_ITERATIONS, -1));
    emit(&g, rv_b(0, REG_ITERATIONS, 0, 8));
    emit(&g, rv_jal(0, (int)start - (int)g.at));
    make_epilogue(&g);
    return true;
}
