// SPDX-License-Identifier: Apache-2.0
/* Interrupts, traps, misaligned addresses and a task's state with the instructions of version 2. A
 * sequence of both versions' instructions is made in memory; a timer interrupt at every cycle of
 * it, whose handler saves all of the unit's state by software, uses the unit and restores it, or
 * leaves the unit alone, changes nothing of what the sequence computes; nor does a trap. */
#include <string.h>
#include "csr.h"
#include "mmio.h"
#include "model/test_random.h"
#include "nn_insn.h"
#include "rtl/nn_csr.h"
#include "rtl/rv_encode.h"
#include "stream.h"
#include "tap.h"
#include "trap.h"

/* MOMENTS: more cycles than a sequence with its preparation takes (checked) */
enum {
    MOMENTS = 160,
    SEQUENCES = 2,
    STEPS = 40,
    DATA_WORDS = 64,
    OUT_WORDS = 64,
    CODE_WORDS = 3 * STEPS + 8
};
enum { DATA = 10, OUT = 11, A = 12, B = 13, RD = 14, NOWHERE_REG = 15, NOWHERE = 0x40000000 };

/* What a sequence works on, and what it should give */
static struct {
    uint32_t code[CODE_WORDS];
    uint32_t size;
    uint32_t data[DATA_WORDS], out[OUT_WORDS], want[OUT_WORDS];
    uint32_t outputs;
    uint32_t a, b;
    struct nn_stream_model start, nn;
} run;

static void emit(uint32_t word)
{
    run.code[run.size++] = word;
}

static void execute_code(void)
{
    emit(rv_i(RV_JALR, 0, 0, 1, 0));
    __asm__ volatile(".word 0x0000100f" : : : "memory"); /* fence.i */
    void (*code)(uint32_t *, uint32_t *, uint32_t, uint32_t, uint32_t, uint32_t);
    code = (void (*)(uint32_t *, uint32_t *, uint32_t, uint32_t, uint32_t, uint32_t))run.code;
    code(run.data, run.out, run.a, run.b, 0, NOWHERE);
    run.size--;
}

static void begin(uint32_t seed)
{
    struct test_random random = {seed};
    memset(&run, 0, sizeof run);
    for (int i = 0; i < DATA_WORDS; i++)
        run.data[i] = test_random_next(&random);
    run.a = test_random_next(&random);
    run.b = test_random_next(&random);
    stream_some_state(&run.start, seed);
    run.nn = run.start;
}

/* ---- Instructions, into the code and into the oracle ---- */

static void add_load(uint32_t operation, uint32_t offset)
{
    uint32_t word;
    memcpy(&word, (const uint8_t *)run.data + offset, sizeof word);
    emit(nn_encode_i(NN_OPCODE_LOAD, operation, (int32_t)offset, DATA));
    nn_stream_model_load(&run.nn, operation, word);
}

static void add_output(uint32_t value)
{
    run.want[run.outputs++] = value;
}

static void add_store(uint32_t bank)
{
    emit(nn_encode_s(NN_OPCODE_STORE, bank, (int32_t)(4 * run.outputs), OUT));
    add_output(nn_stream_model_store(&run.nn, bank));
}

static void add_register_output(uint32_t value)
{
    emit(rv_sw(RD, OUT, (int)(4 * run.outputs)));
    add_output(value);
}

static void add_init(uint32_t mode)
{
    run.b = (run.b & ~7u) | mode;
    emit(rv_r(NN_OPCODE, 1, 0, 0, A, B));
    nn_stream_model_init(&run.nn, run.a, run.b);
}

/* The oldest word of the window is lost when the unit is saved: only nn_ldw_mac in a depthwise mode
 * sees it. */
static uint32_t some_load(struct test_random *random)
{
    for (;;) {
        const uint32_t operation = test_random_next(random) >> 8 & 255;
        const bool sees_oldest = operation >= 0xe0 && run.nn.five.mode % 4 == 1;
        if (nn_stream_model_is_load(operation) && !sees_oldest)
            return operation;
    }
}

static void add_step(struct test_random *random)
{
    const uint32_t number = test_random_next(random) >> 8, csr = NN_STREAM_CSR_FIRST + number % 8;
    switch (test_random_between(random, 0, 11)) {
    case 0:
        emit(rv_r(NN_OPCODE, 2, 8, 0, A, B));
        nn_model_mac(&run.nn.five, run.a, run.b);
        break;
    case 1:
        emit(rv_r(NN_OPCODE, 4, 0, RD, A, B));
        add_register_output(nn_model_res(&run.nn.five, run.a, run.b));
        break;
    case 2:
        emit(rv_csrr(RD, NN_STREAM_CSR_BANKS + number % 32));
        add_register_output(nn_stream_model_read_csr(&run.nn, NN_STREAM_CSR_BANKS + number % 32));
        break;
    case 3:
        emit(rv_csrw(csr, number & 1 ? A : B));
        nn_stream_model_write_csr(&run.nn, csr, number & 1 ? run.a : run.b);
        break;
    case 4:
    case 5:
        add_store(number % 8);
        add_store((number + 1) % 8);
        break;
    default:
        add_load(some_load(random), number % (4 * DATA_WORDS - 4) & ~3u);
    }
}

/* The mode is set at the start only: run.b is what it is in all of the sequence. */
static void make_sequence(uint32_t mode, uint32_t seed)
{
    struct test_random random = {seed + 1};
    begin(seed);
    add_init(mode);
    while (run.size < STEPS && run.outputs + 2 <= OUT_WORDS)
        add_step(&random);
}

/* Number of differences to the oracle after a run */
static uint32_t wrong_results(void)
{
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < run.outputs; i++)
        wrong += run.out[i] != run.want[i];
    return wrong + stream_wrong_csrs(&run.nn);
}

static uint32_t wrong_results_and_probe(void)
{
    const uint32_t wrong = wrong_results();
    return wrong + stream_wrong_after_probe(&run.nn);
}

static void check_sequences(void)
{
    uint32_t wrong = 0;
    for (uint32_t seed = 1; seed <= 24; seed++) {
        make_sequence(seed % 8, seed);
        stream_restore(&run.start);
        execute_code();
        wrong += wrong_results_and_probe();
    }
    tap_equal("sequences_of_both_versions_do_what_the_oracle_does", wrong, 0);
}

/* ---- Save and restore ---- */

static bool states_equal(const struct nn_stream_model *a, const struct nn_stream_model *b)
{
    return memcmp(&a->five, &b->five, sizeof a->five) == 0 &&
           memcmp(a->weight, b->weight, sizeof a->weight) == 0 &&
           memcmp(a->window + 1, b->window + 1, sizeof a->window - sizeof *a->window) == 0 &&
           memcmp(a->bank, b->bank, sizeof a->bank) == 0 &&
           memcmp(a->started, b->started, sizeof a->started) == 0 &&
           a->multipliers == b->multipliers && a->shifts == b->shifts;
}

static void check_save(void)
{
    struct nn_stream_model nn, saved, other;
    uint32_t wrong_restored = 0, wrong_saved = 0;
    for (uint32_t seed = 1; seed <= 16; seed++) {
        stream_some_state(&nn, seed);
        stream_restore(&nn);
        stream_save(&saved);
        wrong_saved += !states_equal(&nn, &saved);
        stream_some_state(&other, seed + 1000);
        stream_restore(&other);
        stream_restore(&nn);
        wrong_restored += stream_wrong_csrs(&nn);
        wrong_restored += stream_wrong_after_probe(&nn);
    }
    tap_equal("software_restores_all_of_the_units_state", wrong_restored, 0);
    tap_equal("software_saves_all_of_the_units_state_but_the_oldest_activations", wrong_saved, 0);
}

/* ---- Interrupts ---- */

static uint32_t interrupts;
static struct nn_stream_model other_state;

static void count_interrupt(uint32_t cause)
{
    (void)cause;
    interrupts++;
    mmio_write(TIMER_MTIMECMP_HI, 0xffffffff);
}

static void use_unit(uint32_t cause)
{
    static struct nn_stream_model saved;
    count_interrupt(cause);
    stream_save(&saved);
    stream_restore(&other_state);
    stream_restore(&saved);
}

static uint32_t wrong_with_interrupt_at(uint32_t moment, const struct nn_stream_model *probed)
{
    uint32_t wrong;
    stream_restore(&run.start);
    mmio_write(TIMER_MTIMECMP_LO, mmio_read(TIMER_MTIME_LO) + moment + 8);
    mmio_write(TIMER_MTIMECMP_HI, 0);
    execute_code();
    while (mmio_read(TIMER_MTIMECMP_HI) == 0) {
    }
    wrong = wrong_results();
    if (on_interrupt == use_unit)
        stream_load(0xc0, &run.a);
    stream_probe(NULL);
    return wrong + stream_wrong_csrs(probed);
}

static uint32_t wrong_with_interrupts(void (*handler)(uint32_t cause))
{
    static struct nn_stream_model probed;
    uint32_t wrong = 0, start;
    on_interrupt = handler;
    for (uint32_t i = 0; i < SEQUENCES; i++) {
        make_sequence(3 * i + 1, i + 1);
        start = CSR_READ(CSR_MCYCLE);
        execute_code();
        wrong += CSR_READ(CSR_MCYCLE) - start >= MOMENTS;
        probed = run.nn;
        if (handler == use_unit)
            nn_stream_model_load(&probed, 0xc0, run.a);
        stream_probe(&probed);
        for (uint32_t moment = 0; moment < MOMENTS; moment++)
            wrong += wrong_with_interrupt_at(moment, &probed);
    }
    return wrong;
}

static void check_interrupts(void)
{
    stream_some_state(&other_state, 999);
    CSR_WRITE(CSR_MIE, MIE_TIMER);
    CSR_WRITE(CSR_MSTATUS, MSTATUS_MIE);
    tap_equal("handler_that_leaves_the_unit_alone_changes_nothing_at_any_moment",
              wrong_with_interrupts(count_interrupt), 0);
    tap_equal("handler_that_saves_uses_and_restores_the_unit_changes_nothing_at_any_moment",
              wrong_with_interrupts(use_unit), 0);
    tap_equal("each_moment_had_one_interrupt", interrupts, 2 * SEQUENCES * MOMENTS);
    CSR_WRITE(CSR_MIE, 0);
    CSR_WRITE(CSR_MSTATUS, 0);
}

/* ---- Traps ---- */

static uint32_t wrong_trap(uint32_t insn, uint32_t cause, uint32_t value)
{
    return last_trap.count != 1 || last_trap.cause != cause || last_trap.value != value ||
           *(const uint32_t *)last_trap.pc != insn;
}

/* An instruction that traps between those of the unit: nothing but the trap happens. */
static void check_trap(const char *fact, uint32_t insn, uint32_t cause, uint32_t value)
{
    uint32_t wrong = 0;
    for (uint32_t mode = 0; mode < 8; mode += 3) {
        begin(mode + 1);
        add_init(mode);
        add_load(0x93, 4);
        add_load(0x24, 8);
        emit(insn);
        add_load(0x34, 12);
        add_load(0xe5, 16);
        emit(insn);
        add_store(2);
        emit(insn);
        add_store(3);
        add_store(1);
        stream_restore(&run.start);
        last_trap.count = 0;
        execute_code();
        last_trap.count -= 2;
        wrong += wrong_trap(insn, cause, value) + wrong_results_and_probe();
    }
    tap_equal(fact, wrong, 0);
}

static void check_traps(void)
{
    const uint32_t illegal = nn_encode_i(NN_OPCODE_LOAD, 0xc1, 0, DATA);
    const uint32_t illegal_store = nn_encode_s(NN_OPCODE_STORE, 8, 0, OUT);
    check_trap("ecall_changes_nothing", 0x73, CAUSE_ECALL, 0);
    check_trap("an_operation_that_does_not_exist_changes_nothing", illegal, CAUSE_ILLEGAL, illegal);
    check_trap("a_store_that_does_not_exist_changes_nothing", illegal_store, CAUSE_ILLEGAL,
               illegal_store);
    check_trap("load_fault_changes_nothing", rv_lw(RD, NOWHERE_REG, 0), CAUSE_LOAD_FAULT, NOWHERE);
    check_trap("store_fault_changes_nothing", rv_sw(RD, NOWHERE_REG, 4), CAUSE_STORE_FAULT,
               NOWHERE + 4);
    check_trap("nn_lda_mac_fault_changes_nothing", NN_LDA_MAC(2u, 3u, 8, NOWHERE_REG),
               CAUSE_LOAD_FAULT, NOWHERE + 8);
    check_trap("nn_lda_fault_changes_nothing", NN_LDA(-4, NOWHERE_REG), CAUSE_LOAD_FAULT,
               NOWHERE - 4);
    check_trap("nn_ldw_fault_changes_nothing", NN_LDW(3u, 1u, 0, NOWHERE_REG), CAUSE_LOAD_FAULT,
               NOWHERE);
    check_trap("nn_ldw_mac_fault_changes_nothing", NN_LDW_MAC(2u, 0u, 0, NOWHERE_REG),
               CAUSE_LOAD_FAULT, NOWHERE);
    check_trap("nn_res_st_fault_changes_nothing", NN_RES_ST(2u, 12, NOWHERE_REG), CAUSE_STORE_FAULT,
               NOWHERE + 12);
}

/* The second half of a misaligned word is behind the RAM. */
static void check_fault_in_second_half(void)
{
    uint32_t *const end = (uint32_t *)(RAM_BASE + RAM_SIZE - 2);
    struct nn_stream_model nn;
    uint32_t wrong = 0, value;
    __asm__ volatile(".option push\n.option norvc\nlw t0, 0(%0)\n.option pop" : : "r"(end) : "t0");
    value = last_trap.value;
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t operation = ((const uint32_t[4]){0x34, 0xb1, 0xc0, 0xf5})[i];
        stream_some_state(&nn, operation + 1);
        stream_restore(&nn);
        last_trap.count = 0;
        stream_load(operation, end);
        wrong +=
            last_trap.count != 1 || last_trap.cause != CAUSE_LOAD_FAULT || last_trap.value != value;
        wrong += stream_wrong_csrs(&nn) + stream_wrong_after_probe(&nn);
    }
    tap_equal("a_load_whose_second_half_faults_changes_nothing", wrong, 0);
}

/* ---- Addresses ---- */

/* Loads and stores at every offset of a word */
static void check_misaligned(void)
{
    uint32_t wrong = 0;
    for (uint32_t seed = 1; seed <= 32; seed++) {
        begin(seed);
        add_init(seed % 8);
        for (uint32_t i = 0; i < 12; i++)
            add_load((const uint32_t[4]){0x34, 0xb1, 0xc0, 0xf5}[i % 4], seed + 5 * i);
        stream_restore(&run.start);
        execute_code();
        wrong += wrong_results_and_probe();
    }
    tap_equal("loads_of_the_unit_work_at_every_offset", wrong, 0);
    for (uint32_t offset = 0; wrong == 0 && offset < 16; offset++) {
        uint8_t got[24], want[24];
        memset(got, 0xa5, sizeof got);
        memset(want, 0xa5, sizeof want);
        const uint32_t word = nn_stream_model_store(&run.nn, offset % 8);
        memcpy(want + offset, &word, sizeof word);
        stream_restore(&run.nn);
        stream_store(offset % 8, (uint32_t *)(uintptr_t)(got + offset));
        wrong += memcmp(got, want, sizeof got) != 0;
    }
    tap_equal("nn_res_st_works_at_every_offset", wrong, 0);
}

/* The ends of the range of offsets, and the register */
static void check_offsets(void)
{
    static uint32_t memory[1025];
    static const int32_t offsets[] = {-2048, -4, -1, 0, 1, 1024, 2044, 2047};
    uint32_t wrong = 0;
    begin(5);
    stream_restore(&run.nn);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        uint8_t *at = (uint8_t *)memory + 2048 + offsets[i];
        uint32_t word = 0x12345678 + (uint32_t)i, stored;
        memcpy(at, &word, sizeof word);
        run.size = 0;
        emit(NN_LDA_MAC(3u, 4u, offsets[i], B));
        emit(NN_RES_ST(3u, offsets[i], B));
        run.b = (uint32_t)memory + 2048;
        execute_code();
        nn_stream_model_load(&run.nn, 0x34, word);
        memcpy(&stored, at, sizeof stored);
        wrong += stored != nn_stream_model_store(&run.nn, 3);
    }
    tap_equal("offsets_have_twelve_bits_and_a_sign", wrong + stream_wrong_csrs(&run.nn), 0);
}

/* A peripheral is a place as any other. */
static void check_peripheral(void)
{
    begin(6);
    stream_restore(&run.nn);
    stream_load(0x34, (const uint32_t *)SYSCTL_CLOCK_HZ);
    nn_stream_model_load(&run.nn, 0x34, mmio_read(SYSCTL_CLOCK_HZ));
    stream_store(3, (uint32_t *)SYSCTL_LEDS);
    tap_equal("a_store_of_the_unit_reaches_a_peripheral", mmio_read(SYSCTL_LEDS),
              nn_stream_model_store(&run.nn, 3) & 7);
    tap_equal("a_load_of_the_unit_reads_a_peripheral", stream_wrong_csrs(&run.nn), 0);
}

/* What a branch skips does not happen. */
static void check_branches(void)
{
    begin(7);
    emit(rv_b(0, 0, 0, 12));
    emit(NN_LDA_MAC(2u, 3u, 0, DATA));
    emit(NN_RES_ST(2u, 0, OUT));
    emit(rv_jal(0, 8));
    emit(NN_LDW(3u, 1u, 0, DATA));
    stream_restore(&run.start);
    execute_code();
    add_output(0);
    tap_equal("instructions_after_a_taken_branch_or_jump_do_nothing", wrong_results_and_probe(), 0);
}

int main(void)
{
    tap_read_config();
    check_sequences();
    check_save();
    check_interrupts();
    check_traps();
    check_fault_in_second_half();
    check_misaligned();
    check_offsets();
    check_peripheral();
    check_branches();
    return (int)tap_failures();
}
