// SPDX-License-Identifier: Apache-2.0
/* Every encoding on both opcodes: all funct3 and funct7. The neural instructions, where the
 * configuration has them, do what the oracle says and only neur_res writes rd; all others trap as
 * illegal instructions and change nothing. The same for the unit's CSRs. */
#include <string.h>
#include "csr.h"
#include "model/nn_model.h"
#include "nn_insn.h"
#include "rtl/nn_csr.h"
#include "rtl/rv_encode.h"
#include "tap.h"
#include "trap.h"

enum { MARK = 0x5eed1234, RD = 12, RS1 = 10, RS2 = 11, CSR_NONE = 0x7cd, CSR_LAST = 0x7cf };

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

static void check_csrs(const struct tap_config *config)
{
    uint32_t legal = 0, want = 0;
    for (uint32_t csr = NN_CSR_ACC0; csr <= CSR_LAST; csr++) {
        const bool exists = config->nn && csr < CSR_NONE;
        want |= exists ? 3u << 2 * (csr - NN_CSR_ACC0) : 0;
        for (uint32_t is_read = 0; is_read < 2; is_read++) {
            slot = is_read ? rv_csrr(RD, csr) : rv_csrw(csr, RS1);
            last_trap.count = 0;
            execute_slot(0, 0, MARK);
            if (last_trap.count == 0)
                legal |= 1u << (2 * (csr - NN_CSR_ACC0) + is_read);
        }
    }
    tap_equal("exactly_the_five_csrs_of_the_unit_exist_if_it_does", legal, want);
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
    check_csrs(&config);
    if (config.nn)
        check_state_csr();
    return (int)tap_failures();
}
