// SPDX-License-Identifier: Apache-2.0
/* Every encoding on the opcodes of the neural unit: all funct3 and funct7 of version 1, all funct3
 * and rd, or rs2, of version 2. The neural instructions, where the configuration has them, do what
 * the oracle says and only neur_res writes rd; all others trap as illegal instructions and change
 * nothing. The same for the unit's CSRs. */
#include <string.h>
#include "csr.h"
#include "model/nn_model.h"
#include "nn_insn.h"
#include "rtl/nn_csr.h"
#include "rtl/rv_encode.h"
#include "stream.h"
#include "tap.h"
#include "trap.h"

enum { MARK = 0x5eed1234, RD = 12, RS1 = 10, RS2 = 11 };

static const struct {
    const char *name;
    uint32_t funct3, funct7;
} instructions[] = {
#define ROW(name, opcode, funct3, funct7) {#name, funct3, funct7},
    NN_INSTRUCTIONS(ROW)
#undef ROW
};

/* Executes the word at slot with a0 and a1 as they come and MARK in a2; returns a2. */
uint32_t execute_slot(uint32_t rs1, uint32_t rs2, uint32_t mark);
extern volatile uint32_t slot;
__asm__(".pushsection .text\n"
        "    .option push\n"
        "    .option norvc\n"
        "    .balign 4\n"
        "    .globl execute_slot, slot\n"
        "execute_slot:\n"
        "    .word 0x0000100f\n" /* fence.i: the slot has just been written */
        "slot:\n"
        "    nop\n"
        "    mv a0, a2\n"
        "    ret\n"
        "    .option pop\n"
        "    .popsection\n");

static void set_state(const struct nn_model *nn)
{
    CSR_WRITE(NN_CSR_ACC0, nn->acc[0]);
    CSR_WRITE(NN_CSR_ACC0 + 1, nn->acc[1]);
    CSR_WRITE(NN_CSR_ACC0 + 2, nn->acc[2]);
    CSR_WRITE(NN_CSR_ACC0 + 3, nn->acc[3]);
    CSR_WRITE(NN_CSR_STATE, (uint32_t)(nn->it << 3 | nn->mode));
}

static bool state_is(const struct nn_model *nn)
{
    return CSR_READ(NN_CSR_ACC0) == nn->acc[0] && CSR_READ(NN_CSR_ACC0 + 1) == nn->acc[1] &&
           CSR_READ(NN_CSR_ACC0 + 2) == nn->acc[2] && CSR_READ(NN_CSR_ACC0 + 3) == nn->acc[3] &&
           CSR_READ(NN_CSR_STATE) == (uint32_t)(nn->it << 3 | nn->mode);
}

/* The neural instruction's name, or NULL. */
static const char *name_of(uint32_t funct3, uint32_t funct7)
{
    for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++)
        if (instructions[i].funct3 == funct3 && instructions[i].funct7 == funct7)
            return instructions[i].name;
    return NULL;
}

/* What the instruction leaves in rd; nn follows it. */
static uint32_t oracle(const char *name, struct nn_model *nn, uint32_t rs1, uint32_t rs2)
{
    if (strcmp(name, "neur_res") == 0)
        return nn_model_res(nn, rs1, rs2);
    if (strcmp(name, "neur_init") == 0)
        nn_model_init(nn, rs1, rs2);
    else
        nn_model_mac(nn, rs1, rs2);
    return MARK;
}

static bool encoding_is_right(const struct tap_config *config, uint32_t insn, const char *name)
{
    const uint32_t rs1 = 0x817f02e5, rs2 = 0x3a3ba6c6;
    struct nn_model nn = {{0x1234, 0xfffff321, 0x7f, 0x80000000}, 6, 3};
    if (config->nn)
        set_state(&nn);
    slot = insn;
    last_trap.count = 0;
    const uint32_t rd = execute_slot(rs1, rs2, MARK);
    const uint32_t want = name ? oracle(name, &nn, rs1, rs2) : (uint32_t)MARK;
    const bool trapped = last_trap.count == 1 && last_trap.cause == CAUSE_ILLEGAL &&
                         last_trap.value == insn && last_trap.pc == (uint32_t)&slot;
    return rd == want && (name ? last_trap.count == 0 : trapped) && (!config->nn || state_is(&nn));
}

static void check_opcode(const struct tap_config *config, uint32_t opcode, bool decoded,
                         const char *fact)
{
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < 1024; i++) {
        const uint32_t insn = rv_r(opcode, i & 7, i >> 3, RD, RS1, RS2);
        const char *name = decoded ? name_of(i & 7, i >> 3) : NULL;
        if (encoding_is_right(config, insn, name))
            continue;
        if (wrong++ == 0) {
            tap_text("# first wrong encoding ");
            tap_number(insn);
            tap_text("\n");
        }
    }
    tap_equal(fact, wrong, 0);
}

/* ---- Version 2 ---- */

/* A register that the stub should have left alone, or 0. */
static uint32_t changed_register(const void *address, const void *stub,
                                 const uint32_t registers[32])
{
    for (uint32_t i = 3; i < 32; i++) {
        uint32_t want = STREAM_MARK + i;
        if (i == 5)
            want = (uint32_t)stub;
        if (i == 10)
            want = (uint32_t)address;
        if (registers[i] != want)
            return i;
    }
    return 0;
}

static bool trapped_as_illegal(const uint8_t *stub)
{
    return last_trap.count == 1 && last_trap.cause == CAUSE_ILLEGAL &&
           last_trap.value == *(const uint32_t *)(uintptr_t)stub && last_trap.pc == (uint32_t)stub;
}

/* One operation on a word of memory, from a state where everything is different */
static bool operation_is_right(const struct tap_config *config, uint32_t operation, bool is_load)
{
    const uint8_t *stub = (is_load ? stream_loads : stream_stores) + STREAM_STUB * operation;
    const bool legal = config->stream && (is_load ? nn_stream_model_is_load(operation)
                                                  : nn_stream_model_is_store(operation));
    const uint32_t before = 0x81c07fe3 + operation * 0x01030507;
    uint32_t registers[32], word = before, want = before;
    struct nn_stream_model nn;
    stream_some_state(&nn, 0x1234567 + operation);
    if (config->stream)
        stream_restore(&nn);
    last_trap.count = 0;
    stream_guarded(&word, stub, registers);
    if (legal && is_load)
        nn_stream_model_load(&nn, operation, before);
    else if (legal)
        want = nn_stream_model_store(&nn, operation);
    if (legal ? last_trap.count != 0 : !trapped_as_illegal(stub))
        return false;
    return word == want && changed_register(&word, stub, registers) == 0 &&
           (!config->stream || (stream_wrong_csrs(&nn) == 0 && stream_wrong_after_probe(&nn) == 0));
}

static void check_operations(const struct tap_config *config, bool is_load, const char *fact)
{
    uint32_t wrong = 0;
    for (uint32_t operation = 0; operation < 256; operation++) {
        if (operation_is_right(config, operation, is_load))
            continue;
        if (wrong++ == 0) {
            tap_text("# first wrong operation ");
            tap_number(operation);
            tap_text("\n");
        }
    }
    tap_equal(fact, wrong, 0);
}

/* ---- CSRs ---- */

/* Behind those of Ibex itself */
enum { CSR_FIRST = 0x7c2, CSR_LAST = 0x7ff };

static void check_csrs(const struct tap_config *config)
{
    uint32_t wrong = 0;
    for (uint32_t csr = CSR_FIRST; csr <= CSR_LAST; csr++) {
        const bool exists = (config->nn && csr >= NN_CSR_ACC0 && csr <= NN_CSR_STATE) ||
                            (config->stream && nn_stream_model_is_csr(csr));
        for (uint32_t is_read = 0; is_read < 2; is_read++) {
            slot = is_read ? rv_csrr(RD, csr) : rv_csrw(csr, RS1);
            last_trap.count = 0;
            execute_slot(0, 0, MARK);
            wrong += (last_trap.count == 0) != exists;
        }
    }
    tap_equal("exactly_the_csrs_of_the_unit_exist_that_the_configuration_has", wrong, 0);
}

/* Each CSR is written with each value of a few, and all others stay. */
static void check_stream_csrs(void)
{
    static const uint32_t values[] = {0xffffffff, 0, 0x12345678, 0xedcba987, 0x80000001};
    struct nn_stream_model nn;
    uint32_t wrong = 0;
    stream_some_state(&nn, 77);
    stream_restore(&nn);
    for (uint32_t csr = CSR_FIRST; csr <= CSR_LAST; csr++) {
        for (size_t i = 0; nn_stream_model_is_csr(csr) && i < sizeof values / sizeof *values; i++) {
            stream_write_csr(csr, values[i]);
            nn_stream_model_write_csr(&nn, csr, values[i]);
            wrong += stream_wrong_csrs(&nn);
        }
    }
    tap_equal("the_csrs_of_version_2_read_and_write_as_the_oracle_says", wrong, 0);
}

/* Bits that the description does not give a meaning read as 0 and take nothing. */
static void check_state_csr(void)
{
    CSR_WRITE(NN_CSR_STATE, 0xffffffff);
    tap_equal("state_csr_holds_mode_and_index_only", CSR_READ(NN_CSR_STATE), 0x1f);
    CSR_WRITE(NN_CSR_STATE, 0xffffffe0);
    tap_equal("state_csr_ignores_its_upper_bits", CSR_READ(NN_CSR_STATE), 0);
}

int main(void)
{
    const struct tap_config config = tap_read_config();
    check_opcode(&config, NN_OPCODE, config.nn,
                 "on_custom_0_all_1024_encodings_but_the_neural_ones_trap");
    check_opcode(&config, NN_OPCODE_ALIAS, config.nn && config.alias,
                 "on_0x47_all_1024_encodings_trap_but_those_of_an_alias");
    check_operations(&config, true, "on_custom_1_all_256_encodings_but_the_neural_loads_trap");
    check_operations(&config, false, "on_0x5b_all_256_encodings_but_the_neural_stores_trap");
    check_csrs(&config);
    if (config.nn)
        check_state_csr();
    if (config.stream)
        check_stream_csrs();
    return (int)tap_failures();
}
