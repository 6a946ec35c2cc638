// SPDX-License-Identifier: Apache-2.0
/* Interrupts and traps among neural instructions. A timer interrupt at every cycle of a mixed
 * sequence, whose handler saves the unit's five CSRs, uses the unit and restores them, or leaves
 * the unit alone, changes nothing of what the sequence computes; nor does a trap of any kind. */
#include "csr.h"
#include "mmio.h"
#include "model/nn_model.h"
#include "nn_insn.h"
#include "rtl/nn_csr.h"
#include "tap.h"
#include "trap.h"

/* MOMENTS: more cycles than the sequence with its preparation takes */
enum { MOMENTS = 160, WORDS = 8, RESULTS = 5 };

static const uint32_t words[WORDS] = {0x7f80ff01, 0x01fe8042, 0x12345678, 0x9abcdef0,
                                      0x0badcafe, 0xdeadbeef, 0x55aa33cc, 0xfedcba98};
static uint32_t interrupts;

/* init, macs, res with a load, a store, a multiplication, a division and branches between */
static void run_sequence(uint32_t results[RESULTS])
{
    volatile uint32_t memory[2] = {words[5], 0};
    uint32_t product, quotient;
    neur_init(words[0], 0x10842102);
    nn_mac_4b(words[1], words[2]);
    nn_mac_4b(words[3], memory[0]);
    results[0] = neur_res(words[4], 0x29429080);
    nn_mac_4b(words[5], words[6]);
    product = words[6] * words[7];
    nn_mac_4b(product, words[0]);
    results[1] = neur_res(words[1], 0x29429081);
    memory[1] = results[1];
    nn_mac_4b(words[2], memory[1]);
    quotient = words[7] / (words[1] | 1);
    nn_mac_4b(quotient, words[3]);
    if (memory[1] != words[0])
        nn_mac_4b(words[7], words[6]);
    results[2] = neur_res(words[3], 0x52a54a80);
    results[3] = neur_res(words[3], 0x52a54a81);
    neur_init(words[6], 0x0842100f & ~7u);
    nn_mac_8b(words[2], words[5]);
    nn_mac_8b(words[1], words[5]);
    results[4] = neur_res(words[7], 0x10842080);
}

/* The same by the oracle */
static void predict(uint32_t results[RESULTS], struct nn_model *nn)
{
    nn_model_init(nn, words[0], 0x10842102);
    nn_model_mac(nn, words[1], words[2]);
    nn_model_mac(nn, words[3], words[5]);
    results[0] = nn_model_res(nn, words[4], 0x29429080);
    nn_model_mac(nn, words[5], words[6]);
    nn_model_mac(nn, words[6] * words[7], words[0]);
    results[1] = nn_model_res(nn, words[1], 0x29429081);
    nn_model_mac(nn, words[2], results[1]);
    nn_model_mac(nn, words[7] / (words[1] | 1), words[3]);
    if (results[1] != words[0])
        nn_model_mac(nn, words[7], words[6]);
    results[2] = nn_model_res(nn, words[3], 0x52a54a80);
    results[3] = nn_model_res(nn, words[3], 0x52a54a81);
    nn_model_init(nn, words[6], 0x0842100f & ~7u);
    nn_model_mac(nn, words[2], words[5]);
    nn_model_mac(nn, words[1], words[5]);
    results[4] = nn_model_res(nn, words[7], 0x10842080);
}

static struct nn_model read_state(void)
{
    const uint32_t state = CSR_READ(NN_CSR_STATE);
    return (struct nn_model){{CSR_READ(NN_CSR_ACC0), CSR_READ(NN_CSR_ACC0 + 1),
                              CSR_READ(NN_CSR_ACC0 + 2), CSR_READ(NN_CSR_ACC0 + 3)},
                             state & 7,
                             (uint8_t)(state >> 3)};
}

static void write_state(const struct nn_model *nn)
{
    CSR_WRITE(NN_CSR_STATE, (uint32_t)(nn->it << 3 | nn->mode));
    CSR_WRITE(NN_CSR_ACC0 + 3, nn->acc[3]);
    CSR_WRITE(NN_CSR_ACC0 + 1, nn->acc[1]);
    CSR_WRITE(NN_CSR_ACC0, nn->acc[0]);
    CSR_WRITE(NN_CSR_ACC0 + 2, nn->acc[2]);
}

static bool states_equal(const struct nn_model *a, const struct nn_model *b)
{
    return a->acc[0] == b->acc[0] && a->acc[1] == b->acc[1] && a->acc[2] == b->acc[2] &&
           a->acc[3] == b->acc[3] && a->mode == b->mode && a->it == b->it;
}

static void count_interrupt(uint32_t cause)
{
    (void)cause;
    interrupts++;
    mmio_write(TIMER_MTIMECMP_HI, 0xffffffff);
}

static void use_unit(uint32_t cause)
{
    const struct nn_model saved = read_state();
    count_interrupt(cause);
    neur_init(0xffffffff, 0xfbefbec5);
    nn_mac_8b(0x80808080, 0x7f7f7f7f);
    nn_mac_2b(neur_res(0xffffffff, 1), 0x12345678);
    write_state(&saved);
}

/* The sequence with an interrupt at each moment; number of wrong outcomes */
static uint32_t wrong_with_interrupts(void (*handler)(uint32_t cause))
{
    uint32_t want[RESULTS], got[RESULTS], wrong = 0;
    struct nn_model want_state = {0};
    predict(want, &want_state);
    on_interrupt = handler;
    for (uint32_t moment = 0; moment < MOMENTS; moment++) {
        mmio_write(TIMER_MTIMECMP_LO, mmio_read(TIMER_MTIME_LO) + moment + 8);
        mmio_write(TIMER_MTIMECMP_HI, 0);
        run_sequence(got);
        const struct nn_model state = read_state();
        while (mmio_read(TIMER_MTIMECMP_HI) == 0) {
        }
        for (int i = 0; i < RESULTS; i++)
            wrong += got[i] != want[i];
        wrong += !states_equal(&state, &want_state);
    }
    return wrong;
}

static void check_interrupts(void)
{
    CSR_WRITE(CSR_MIE, MIE_TIMER);
    CSR_WRITE(CSR_MSTATUS, MSTATUS_MIE);
    tap_equal("handler_that_leaves_the_unit_alone_changes_nothing_at_any_moment",
              wrong_with_interrupts(count_interrupt), 0);
    tap_equal("handler_that_saves_uses_and_restores_the_unit_changes_nothing_at_any_moment",
              wrong_with_interrupts(use_unit), 0);
    tap_equal("each_moment_had_one_interrupt", interrupts, 2 * MOMENTS);
    CSR_WRITE(CSR_MIE, 0);
    CSR_WRITE(CSR_MSTATUS, 0);
}

/* MACs right before and after an instruction that traps: executed once each. The traps save and
 * restore in C without touching the unit. */
#define CHECK_TRAP(fact, wanted_cause, instruction)                                                \
    do {                                                                                           \
        const struct nn_model start = {{1, 2, 3, 4}, 5, 2};                                        \
        struct nn_model want = start;                                                              \
        write_state(&start);                                                                       \
        last_trap.count = 0;                                                                       \
        __asm__ volatile(".option push\n.option norvc\n"                                           \
                         ".insn r 0x0b, 2, 8, x0, %0, %1\n" instruction "\n"                       \
                         ".insn r 0x0b, 2, 8, x0, %1, %0\n.option pop"                             \
                         :                                                                         \
                         : "r"(words[0]), "r"(words[1]), "r"(0x40000000)                           \
                         : "t0", "memory");                                                        \
        nn_model_mac(&want, words[0], words[1]);                                                   \
        nn_model_mac(&want, words[1], words[0]);                                                   \
        const struct nn_model got = read_state();                                                  \
        tap_equal(fact "_has_its_cause", last_trap.count == 1 ? last_trap.cause : 0,               \
                  wanted_cause);                                                                   \
        tap_true(fact "_leaves_the_state_as_it_was", states_equal(&got, &want));                   \
    } while (0)

static void check_traps(void)
{
    CHECK_TRAP("ecall", CAUSE_ECALL, "ecall");
    CHECK_TRAP("ebreak", CAUSE_BREAKPOINT, "ebreak");
    CHECK_TRAP("illegal_instruction", CAUSE_ILLEGAL, ".word 0");
    CHECK_TRAP("illegal_neural_instruction", CAUSE_ILLEGAL, ".insn r 0x0b, 1, 1, x0, %0, %1");
    CHECK_TRAP("load_fault", CAUSE_LOAD_FAULT, "lw t0, 0(%2)");
    CHECK_TRAP("store_fault", CAUSE_STORE_FAULT, "sw t0, 0(%2)");
}

/* What a branch skips does not happen. */
static void check_branches(void)
{
    const struct nn_model start = {{1, 2, 3, 4}, 3, 1};
    write_state(&start);
    __asm__ volatile(".option push\n.option norvc\n"
                     "beq %0, %0, 1f\n.insn r 0x0b, 2, 2, x0, %0, %0\n1:\n"
                     "j 1f\n.insn r 0x0b, 1, 0, x0, %0, %0\n1:\n.option pop"
                     :
                     : "r"(words[0]));
    const struct nn_model got = read_state();
    tap_true("instructions_after_a_taken_branch_or_jump_do_nothing", states_equal(&got, &start));
}

int main(void)
{
    tap_read_config();
    check_interrupts();
    check_traps();
    check_branches();
    return (int)tap_failures();
}
