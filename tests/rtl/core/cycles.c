// SPDX-License-Identifier: Apache-2.0
/* Cycles of each instruction as in rtl/README.md: a sequence stands 8 and 24 times between two
 * readings of mcycle, and the difference is 16 times its cost, whatever the readings cost. */
#include <stdio.h>
#include "nn_insn.h"
#include "tap.h"

enum { FEW = 8, MANY = 24 };

struct sequence {
    const char *name;
    uint32_t (*few)(uint32_t *memory);
    uint32_t (*many)(uint32_t *memory);
    uint32_t cycles;           /* default: writeback stage and branch-target ALU */
    uint32_t two_stage_cycles; /* neither; 0: only with the instructions of version 2 */
};

#define STRING(x)  #x
#define NUMBER(x)  STRING(x)
#define OPCODE     NUMBER(NN_OPCODE)
#define INIT       ".insn r " OPCODE ", 1, 0, x0, t0, t1\n"
#define MAC        ".insn r " OPCODE ", 2, 8, x0, t0, t1\n"
#define MAC_LOADED ".insn r " OPCODE ", 2, 4, x0, t0, t2\n"
#define RES        ".insn r " OPCODE ", 4, 0, t3, t0, t1\n"
#define CSR_LOAD   "csrr t2, 0x7c8\n"
#define CSR_STORE  "csrw 0x7cc, x0\n"
#define LOAD       "lw t2, 0(%2)\n"
#define STORE      "sw t0, 4(%2)\n"
#define ADD        "add t4, t0, t1\n"

/* Of version 2, on memory, with the operation's bits funct3 and rd, or funct3 and rs2, as numbers */
#define LOAD_OPCODE  NUMBER(NN_OPCODE_LOAD)
#define STORE_OPCODE NUMBER(NN_OPCODE_STORE)
#define LDA_MAC      ".insn i " LOAD_OPCODE ", 0, x17, 0(%2)\n"
#define LDW          ".insn i " LOAD_OPCODE ", 4, x5, 4(%2)\n"
#define LDA          ".insn i " LOAD_OPCODE ", 6, x0, 8(%2)\n"
#define LDW_MAC      ".insn i " LOAD_OPCODE ", 7, x4, 12(%2)\n"
#define RES_ST(bank) ".insn s " STORE_OPCODE ", 0, x" #bank ", 16(%2)\n"
#define RES_ST_ALL   RES_ST(0) RES_ST(1) RES_ST(2) RES_ST(3) RES_ST(4) RES_ST(5) RES_ST(6) RES_ST(7)

/* A function that returns the cycles between two readings with `count` sequences between them. */
#define TIMED(function, count, text)                                                               \
    static uint32_t function(uint32_t *memory)                                                     \
    {                                                                                              \
        uint32_t start, end;                                                                       \
        __asm__ volatile(".option push\n.option norvc\n.option arch, +zicsr\n"                     \
                         "li t0, 0x01020304\nli t1, 0x10204080\nli t2, 3\n.balign 16\n"            \
                         "csrr %0, mcycle\n"                                                       \
                         ".rept %3\n" text ".endr\n"                                               \
                         "csrr %1, mcycle\n.option pop\n"                                          \
                         : "=&r"(start), "=&r"(end)                                                \
                         : "r"(memory), "i"(count)                                                 \
                         : "t0", "t1", "t2", "t3", "t4", "t5", "memory");                          \
        return end - start;                                                                        \
    }

/* name, the sequence, its cycles in default and two_stage */
#define SEQUENCES(X)                                                                               \
    X(neur_init, INIT, 1, 1)                                                                       \
    X(nn_mac_back_to_back, MAC, 1, 1)                                                              \
    X(neur_res, RES, 2, 2)                                                                         \
    X(unit_csr_read, CSR_LOAD, 1, 1)                                                               \
    X(unit_csr_write, CSR_STORE, 1, 1)                                                             \
    X(neuron_of_four_macs, INIT MAC MAC MAC MAC RES, 7, 7)                                         \
    X(neur_res_twice, RES RES, 4, 4)                                                               \
    X(use_of_neur_res_at_once, RES "add t4, t3, t0\n", 3, 3)                                       \
    X(nn_mac_then_mul, MAC "mul t4, t0, t1\n", 2, 2)                                               \
    X(mul_then_nn_mac, "mul t2, t0, t1\n" MAC_LOADED, 2, 2)                                        \
    X(nn_mac_then_mulh, MAC "mulh t4, t0, t1\n", 3, 3)                                             \
    X(nn_mac_then_div, MAC "div t4, t0, t1\n", 38, 38)                                             \
    X(div_then_neur_res, "div t4, t0, t1\n" RES, 39, 39)                                           \
    X(load, LOAD, 1, 2)                                                                            \
    X(store, STORE, 1, 2)                                                                          \
    X(load_then_nn_mac_that_uses_it, LOAD MAC_LOADED, 3, 3)                                        \
    X(load_then_other_nn_mac, LOAD MAC, 2, 3)                                                      \
    X(load_one_instruction_before_nn_mac, LOAD ADD MAC_LOADED, 3, 4)                               \
    X(nn_mac_then_store, MAC STORE, 2, 3)                                                          \
    X(two_loads_two_macs, LOAD "lw t5, 8(%2)\n" MAC_LOADED MAC, 4, 6)                              \
    X(load_then_its_use, LOAD "add t4, t2, t0\n", 3, 3)                                            \
    X(mul, "mul t4, t0, t1\n", 1, 1)                                                               \
    X(mulh, "mulh t4, t0, t1\n", 2, 2)                                                             \
    X(mulhu, "mulhu t4, t0, t1\n", 2, 2)                                                           \
    X(mulhsu, "mulhsu t4, t0, t1\n", 2, 2)                                                         \
    X(div, "div t4, t0, t1\n", 37, 37)                                                             \
    X(divu, "divu t4, t0, t1\n", 37, 37)                                                           \
    X(rem, "rem t4, t0, t1\n", 37, 37)                                                             \
    X(remu, "remu t4, t0, t1\n", 37, 37)                                                           \
    X(branch_not_taken, "bne t0, t0, .+8\n", 1, 1)                                                 \
    X(branch_taken, "beq t0, t0, .+4\n", 2, 3)                                                     \
    X(jal, "jal t4, .+4\n", 2, 2)                                                                  \
    X(add, ADD, 1, 1)

/* The same, with the instructions of version 2 */
#define STREAM_SEQUENCES(X)                                                                        \
    X(nn_lda_mac, LDA_MAC, 1, 0)                                                                   \
    X(nn_ldw, LDW, 1, 0)                                                                           \
    X(nn_lda, LDA, 1, 0)                                                                           \
    X(nn_ldw_mac, LDW_MAC, 1, 0)                                                                   \
    X(all_loads_of_the_unit, LDW LDA LDW_MAC LDA_MAC, 4, 0)                                        \
    X(loads_of_the_unit_among_others, LDW LOAD LDA_MAC STORE ADD, 5, 0)                            \
    X(nn_res_st_of_one_bank_again, RES_ST(3), 2, 0)                                                \
    X(nn_res_st_of_banks_in_a_row, RES_ST(2) RES_ST(3) RES_ST(4) RES_ST(5), 5, 0)                  \
    X(nn_res_st_of_banks_in_another_order, RES_ST(5) RES_ST(3), 4, 0)                              \
    X(nn_res_st_of_all_banks_round_and_round, RES_ST_ALL, 8, 0)                                    \
    X(nn_res_st_with_an_add_between, RES_ST(1) ADD RES_ST(2), 4, 0)                                \
    X(nn_res_st_after_neur_res, RES RES_ST(1), 4, 0)                                               \
    X(neur_init_after_nn_lda_mac, LDA_MAC INIT, 5, 0)                                              \
    X(neur_init_after_nn_ldw_mac, LDW_MAC INIT, 5, 0)                                              \
    X(nn_mac_after_nn_lda, LDA MAC, 4, 0)                                                          \
    X(neur_res_after_nn_ldw, LDW RES, 5, 0)                                                        \
    X(csr_read_after_nn_ldw, LDW CSR_LOAD, 4, 0)                                                   \
    X(csr_write_after_nn_lda_mac, LDA_MAC CSR_STORE, 5, 0)                                         \
    X(first_nn_res_st_after_nn_lda_mac, LDA_MAC RES_ST(0), 6, 0)                                   \
    X(rows_of_nn_res_st_after_nn_lda_mac, LDA_MAC RES_ST(0) RES_ST(1), 7, 0)                       \
    X(three_others_hide_the_wait, LDA_MAC ADD ADD ADD INIT, 5, 0)                                  \
    X(mul_need_not_wait_for_the_unit, LDA_MAC "mul t4, t0, t1\n", 2, 0)                            \
    X(nn_res_st_then_load, RES_ST(3) LOAD, 3, 0)                                                   \
    X(address_of_nn_lda_from_a_load, "lw t2, 20(%2)\n.insn i " LOAD_OPCODE ", 6, x0, 0(t2)\n", 3,  \
      0)                                                                                           \
    X(misaligned_nn_lda, ".insn i " LOAD_OPCODE ", 6, x0, 2(%2)\n", 2, 0)                          \
    X(misaligned_load, "lw t2, 2(%2)\n", 2, 0)

#define FUNCTIONS(name, text, cycles, two_stage)                                                   \
    TIMED(name##_few, FEW, text) TIMED(name##_many, MANY, text)
SEQUENCES(FUNCTIONS)
STREAM_SEQUENCES(FUNCTIONS)

#define ROW(name, text, cycles, two_stage) {#name, name##_few, name##_many, cycles, two_stage},
static const struct sequence sequences[] = {SEQUENCES(ROW) STREAM_SEQUENCES(ROW)};

int main(void)
{
    static uint32_t memory[6];
    const struct tap_config config = tap_read_config();
    memory[5] = (uint32_t)memory;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        const struct sequence *s = &sequences[i];
        if (s->two_stage_cycles == 0 && !config.stream)
            continue;
        const uint32_t want = config.writeback_stage ? s->cycles : s->two_stage_cycles;
        s->many(memory); /* whatever is slow only once */
        char fact[80];
        snprintf(fact, sizeof fact, "%s_takes_%u_cycle%s", s->name, (unsigned)want,
                 want == 1 ? "" : "s");
        tap_equal(fact, s->many(memory) - s->few(memory), (MANY - FEW) * want);
    }
    return (int)tap_failures();
}
