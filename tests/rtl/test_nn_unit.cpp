// SPDX-License-Identifier: Apache-2.0
// The neural unit by itself against the oracle: its data path over all operands that matter, and
// its handshake, cycle by cycle, under random holds, stalls, kills and CSR accesses. Built twice:
// with the parameter Stream (STREAM is defined; its instructions too are compared, in a core's and a
// memory's place that answer late or not at all), and with the parameter MultiPump.
#include "Vnn_unit.h"
#include "tap_cpp.h"

#include <cstring>
#include <verilated.h>
#if VM_COVERAGE
#include <verilated_cov.h>
#endif

extern "C" {
#include "model/nn_stream_model.h"
}

namespace
{

enum Operator { OP_INIT, OP_MAC, OP_RES, OP_NONE };
#ifdef STREAM
constexpr bool has_stream = true;
#else
constexpr bool has_stream = false;
#endif
// The CSR port has the low six bits of a CSR's number
constexpr uint32_t acc_csr = NN_STREAM_CSR_FIRST & 63, state_csr = acc_csr + 4;
constexpr uint32_t first_csr = NN_STREAM_CSR_FIRST;

class Unit
{
  public:
    Unit()
    {
        top_.rst_ni = 0;
        step();
        top_.rst_ni = 1;
        step();
    }
    Vnn_unit &top()
    {
        return top_;
    }
    // Makes the outputs of this cycle valid for the inputs as they are, which must stay so until
    // step(): its second half begins.
    void settle()
    {
        top_.eval();
        if (!second_half_) {
            edge(0, 1);
            edge(0, 0);
        }
        second_half_ = true;
    }
    // Ends the cycle.
    void step()
    {
        settle();
        edge(1, 1);
        edge(1, 0);
        second_half_ = false;
    }
    // A whole instruction, without disturbance. Returns the result port of its last cycle.
    uint32_t execute(Operator op, uint32_t rs1, uint32_t rs2)
    {
        top_.en_i = 1;
        top_.ready_i = 1;
        top_.operator_i = op;
        top_.rs1_i = rs1;
        top_.rs2_i = rs2;
        settle();
        for (int i = 0; i < 8 && !top_.valid_o; i++) {
            step();
            settle();
        }
        const uint32_t result = top_.result_o;
        step();
        top_.en_i = 0;
        return result;
    }
    void write_csr(uint32_t number, uint32_t value)
    {
        top_.csr_we_i = 1;
        top_.csr_addr_i = static_cast<uint8_t>(number);
        top_.csr_wdata_i = value;
        step();
        top_.csr_we_i = 0;
    }
    uint32_t read_csr(uint32_t number)
    {
        top_.csr_addr_i = static_cast<uint8_t>(number);
        settle();
        const uint32_t value = top_.csr_rdata_o;
        step();
        return value;
    }

  private:
    void edge(uint8_t clk, uint8_t clk2x)
    {
        top_.clk_i = clk;
        top_.clk2x_i = clk2x;
        top_.eval();
    }
    Vnn_unit top_;
    bool second_half_ = false;
};

// The CSRs of Stream are 0 where only the five instructions are used
uint32_t model_csr(const nn_model &nn, uint32_t number)
{
    if (number < state_csr)
        return nn.acc[number - acc_csr];
    return number == state_csr ? static_cast<uint32_t>(nn.it << 3 | nn.mode) : 0;
}

void check_state(Checker &checker, Unit &unit, const nn_model &nn)
{
    for (uint32_t number = acc_csr; number < acc_csr + 8; number++)
        checker.equal("csr", unit.read_csr(number), model_csr(nn, number));
}

uint32_t pack_shifts(uint32_t s0, uint32_t s1, uint32_t s2, uint32_t s3)
{
    return s0 << 27 | s1 << 20 | s2 << 13 | s3 << 6;
}

// Every bias with every shift in every lane, each lane with others beside it
void test_init(Tap &tap, Unit &unit)
{
    Checker checker;
    nn_model nn = {};
    for (uint32_t bias = 0; bias < 256; bias++) {
        for (uint32_t s = 0; s < 32; s++) {
            const uint32_t rs1 = bias << 24 | (bias ^ 0x80) << 16 | (255 - bias) << 8 | bias;
            const uint32_t rs2 =
                pack_shifts(s, (s + 7) % 32, (s + 19) % 32, 31 - s) | (bias + s) % 64;
            unit.execute(OP_INIT, rs1, rs2);
            nn_model_init(&nn, rs1, rs2);
            check_state(checker, unit, nn);
        }
    }
    checker.report(tap, "neur_init_does_what_the_oracle_does_for_every_bias_and_shift");
}

void execute_mac(Unit &unit, nn_model &nn, uint32_t rs1, uint32_t rs2)
{
    unit.execute(OP_MAC, rs1, rs2);
    nn_model_mac(&nn, rs1, rs2);
}

// The other lanes hold other pairs, so that over the loops each lane sees every pair.
uint32_t weights_of(uint32_t w, uint32_t a)
{
    return w << 24 | (w * 3 + 1) % 256 << 16 | (w ^ a) << 8 | (w * 5 + a) % 256;
}

uint32_t activations_of(uint32_t w, uint32_t a)
{
    return a << 24 | (a * 7 + 3) % 256 << 16 | (255 - a) << 8 | (a + w) % 256;
}

// Every pair of weight byte and activation byte, at every index
void test_mac(Tap &tap, Unit &unit, uint32_t mode, const char *fact)
{
    Checker checker;
    nn_model nn = {};
    unit.execute(OP_INIT, 0, mode);
    nn_model_init(&nn, 0, mode);
    for (uint32_t i = 0; i < 4 << 16; i++) {
        const uint32_t first = i >> 16, w = i >> 8 & 255, a = i & 255;
        if (a == 0) {
            unit.write_csr(state_csr, first << 3 | mode);
            nn.it = static_cast<uint8_t>(first);
        }
        execute_mac(unit, nn, weights_of(w, a), activations_of(w, a));
        if (a % 4 == 3)
            check_state(checker, unit, nn);
    }
    checker.report(tap, fact);
}

void test_wrapping(Tap &tap, Unit &unit, Random &random)
{
    static const uint32_t edges[] = {0x7fffffff, 0x80000000, 0xffffffff, 0, 0x7fffff00, 0x800000ff};
    Checker checker;
    for (unsigned i = 0; i < 60000; i++) {
        nn_model nn = {};
        for (uint32_t k = 0; k < 4; k++)
            unit.write_csr(acc_csr + k, nn.acc[k] = edges[random.below(6)]);
        unit.write_csr(state_csr, i);
        nn.mode = i & 7;
        nn.it = i >> 3 & 3;
        execute_mac(unit, nn, random.edgy_word(), random.edgy_word());
        check_state(checker, unit, nn);
    }
    checker.report(tap, "accumulators_wrap_at_32_bits_in_every_mode");
}

// Accumulators at and around all powers of two, of both signs
uint32_t accumulator_edge(unsigned i)
{
    const uint32_t power = 1u << i / 6 % 32;
    const uint32_t value = power + i % 3 - 1;
    return i / 3 % 2 ? value : 0u - value;
}

// All multipliers, all shifts, both relus, all edges of the accumulator; and each lane sees them
void test_requantize(Tap &tap, Unit &unit, Random &random)
{
    constexpr unsigned edges = 6 * 32;
    Checker checker;
    nn_model nn = {};
    unit.write_csr(state_csr, 0);
    for (unsigned i = 0; i < edges; i++) {
        for (uint32_t k = 0; k < 4; k++)
            unit.write_csr(acc_csr + k,
                           nn.acc[k] = k == i % 4 ? accumulator_edge(i) : random.word());
        for (uint32_t m = 0; m < 256; m++) {
            for (uint32_t s = 0; s < 32; s++) {
                const uint32_t rs1 = m * 0x01010101;
                const uint32_t rs2 = pack_shifts(s, s, s, s) | (m + s + i) % 2;
                checker.equal("neur_res", unit.execute(OP_RES, rs1, rs2),
                              nn_model_res(&nn, rs1, rs2));
                checker.equal("neur_res", unit.execute(OP_RES, rs1, rs2 ^ 1),
                              nn_model_res(&nn, rs1, rs2 ^ 1));
            }
        }
        check_state(checker, unit, nn);
    }
    checker.report(tap, "neur_res_does_what_the_oracle_does_for_every_multiplier_shift_and_edge");
}

// Different multipliers and shifts in the four lanes; accumulators of any size
void test_requantize_lanes(Tap &tap, Unit &unit, Random &random)
{
    Checker checker;
    nn_model nn = {};
    for (uint32_t k = 0; k < 4; k++)
        unit.write_csr(acc_csr + k, 0);
    for (unsigned i = 0; i < 300000; i++) {
        const uint32_t k = i % 4, size = random.below(32);
        unit.write_csr(acc_csr + k, nn.acc[k] = random.word() >> size);
        if (random.below(2))
            unit.write_csr(acc_csr + k, nn.acc[k] = 0u - nn.acc[k]);
        const uint32_t rs1 = random.edgy_word(), rs2 = random.word();
        checker.equal("neur_res", unit.execute(OP_RES, rs1, rs2), nn_model_res(&nn, rs1, rs2));
    }
    checker.report(tap, "neur_res_scales_each_lane_by_its_own_multiplier_and_shift");
}

// ---- Handshake ----

void test_latency(Tap &tap, Unit &unit)
{
    Checker checker;
    Vnn_unit &top = unit.top();
    top.en_i = 1;
    top.ready_i = 1;
    for (const Operator op : {OP_INIT, OP_MAC, OP_NONE}) {
        top.operator_i = op;
        unit.settle();
        checker.equal("valid in the first cycle", top.valid_o, 1);
        unit.step();
    }
    for (int repeat = 0; repeat < 3; repeat++) { // back to back, too
        top.operator_i = OP_RES;
        unit.settle();
        checker.equal("neur_res valid in the first cycle", top.valid_o, 0);
        unit.step();
        unit.settle();
        checker.equal("neur_res valid in the second cycle", top.valid_o, 1);
        unit.step();
    }
    top.en_i = 0;
    unit.step();
    checker.report(tap, "neur_init_and_nn_mac_take_one_cycle_and_neur_res_two");
}

void test_restart(Tap &tap, Unit &unit)
{
    Checker checker;
    Vnn_unit &top = unit.top();
    nn_model nn = {{100, 200, 300, 0xfffffe00}, 0, 0};
    for (uint32_t k = 0; k < 4; k++)
        unit.write_csr(acc_csr + k, nn.acc[k]);
    top.operator_i = OP_RES;
    top.ready_i = 1;
    for (uint32_t gap = 1; gap < 4; gap++) {
        top.rs1_i = 0x01020304;
        top.rs2_i = pack_shifts(1, 2, 3, 4);
        top.en_i = 1;
        unit.step(); // first cycle
        top.en_i = 0;
        for (uint32_t i = 0; i < gap; i++)
            unit.step();
        top.en_i = 1;
        top.rs1_i = 0x11121314 + gap; // another neur_res
        unit.settle();
        checker.equal("valid after a gap", top.valid_o, 0);
        unit.step();
        unit.settle();
        checker.equal("valid two cycles after a gap", top.valid_o, 1);
        checker.equal("result", top.result_o, nn_model_res(&nn, top.rs1_i, top.rs2_i));
        unit.step();
    }
    top.en_i = 0;
    checker.report(tap, "neur_res_starts_again_when_it_is_stalled_between_its_cycles");
}

// One instruction of a random stream: it is offered until it retires or is killed.
struct Offered {
    Operator op;
    uint32_t rs1, rs2;
    unsigned cycles; // in which it was enabled without a gap
};

Offered next_instruction(Random &random)
{
    static const Operator mix[] = {OP_INIT, OP_MAC, OP_MAC, OP_MAC,
                                   OP_MAC,  OP_RES, OP_RES, OP_NONE};
    return {mix[random.below(8)], random.edgy_word(), random.edgy_word(), 0};
}

uint32_t retire(nn_model &nn, const Offered &instruction)
{
    if (instruction.op == OP_INIT)
        nn_model_init(&nn, instruction.rs1, instruction.rs2);
    if (instruction.op == OP_MAC)
        nn_model_mac(&nn, instruction.rs1, instruction.rs2);
    return nn_model_res(&nn, instruction.rs1, instruction.rs2);
}

void model_write_csr(nn_model &nn, uint32_t number, uint32_t value)
{
    if (number < state_csr) {
        nn.acc[number - acc_csr] = value;
    } else if (number == state_csr) {
        nn.mode = value & 7;
        nn.it = value >> 3 & 3;
    }
}

// A cycle without an enabled instruction: a stall, or a kill, perhaps with a CSR write
void idle_cycle(Unit &unit, nn_model &nn, Random &random, Offered &instruction)
{
    Vnn_unit &top = unit.top();
    top.en_i = 0;
    top.csr_we_i = random.below(4) == 0;
    top.csr_addr_i = static_cast<uint8_t>(acc_csr + random.below(has_stream ? 5 : 8));
    top.csr_wdata_i = random.edgy_word();
    unit.step();
    if (top.csr_we_i)
        model_write_csr(nn, top.csr_addr_i, top.csr_wdata_i);
    top.csr_we_i = 0;
    instruction.cycles = 0;
    if (random.below(2))
        instruction = next_instruction(random);
}

void test_handshake(Tap &tap, Unit &unit, Random &random)
{
    Checker checker;
    Vnn_unit &top = unit.top();
    Offered instruction = next_instruction(random);
    nn_model nn = {};
    unit.execute(OP_INIT, 0, 0);
    for (uint32_t k = 0; k < 4; k++)
        unit.write_csr(acc_csr + k, 0);
    for (unsigned cycle = 0; cycle < 3000000; cycle++) {
        if (random.below(8) == 0)
            idle_cycle(unit, nn, random, instruction);
        instruction.cycles++;
        top.en_i = 1;
        top.ready_i = random.below(4) != 0;
        top.operator_i = instruction.op;
        top.rs1_i = instruction.rs1;
        top.rs2_i = instruction.rs2;
        top.csr_addr_i = static_cast<uint8_t>(acc_csr + cycle % 8);
        unit.settle();
        const bool valid = instruction.op != OP_RES || instruction.cycles > 1;
        checker.equal("valid", top.valid_o, valid);
        checker.equal("csr", top.csr_rdata_o, model_csr(nn, acc_csr + cycle % 8));
        if (valid && instruction.op == OP_RES)
            checker.equal("result", top.result_o,
                          nn_model_res(&nn, instruction.rs1, instruction.rs2));
        if (valid && top.ready_i) {
            retire(nn, instruction);
            instruction = next_instruction(random);
        }
        unit.step();
    }
    top.en_i = 0;
    checker.report(tap, "held_stalled_and_killed_instructions_take_effect_exactly_once_or_not");
}

#ifdef STREAM

// ---- The instructions of version 2 ----

void model_write_any_csr(nn_stream_model &nn, uint32_t port, uint32_t value)
{
    nn_stream_model_write_csr(&nn, (first_csr & ~63u) + port, value);
}

uint32_t model_read_any_csr(const nn_stream_model &nn, uint32_t port)
{
    return nn_stream_model_read_csr(&nn, (first_csr & ~63u) + port);
}

// A load of its own: it leaves, its word comes after `wait` cycles more, and is put in its place
void load(Unit &unit, nn_stream_model &nn, uint32_t operation, uint32_t word, uint32_t wait = 0)
{
    Vnn_unit &top = unit.top();
    top.load_issue_i = 1;
    top.load_op_i = static_cast<uint8_t>(operation);
    unit.step();
    top.load_issue_i = 0;
    for (uint32_t i = 0; i < wait; i++)
        unit.step();
    top.resp_i = 1;
    top.resp_ok_i = 1;
    top.resp_rdata_i = word;
    unit.step();
    top.resp_i = 0;
    nn_stream_model_load(&nn, operation, word);
}

// Cycles that an instruction of the kind that waits has to wait
uint32_t wait_for_unit(Unit &unit)
{
    uint32_t cycles = 0;
    for (unit.top().serial_i = 1;; cycles++) {
        unit.settle();
        if (!unit.top().stall_o || cycles == 100)
            break;
        unit.step();
    }
    unit.top().serial_i = 0;
    return cycles;
}

void check_everything(Checker &checker, Unit &unit, const nn_stream_model &nn)
{
    wait_for_unit(unit);
    for (uint32_t port = acc_csr; port < 64; port += port == 15 ? 17 : 1)
        checker.equal("csr", unit.read_csr(port), model_read_any_csr(nn, port));
}

void set_csr(Unit &unit, nn_stream_model &nn, uint32_t port, uint32_t value)
{
    unit.write_csr(port, value);
    model_write_any_csr(nn, port, value);
}

// What has no reset gets a value: weights, window and banks
void make_known(Unit &unit, nn_stream_model &nn, Random &random)
{
    for (uint32_t port = acc_csr; port < acc_csr + 8; port++)
        set_csr(unit, nn, port, 0);
    for (uint32_t i = 0; i < 64; i++)
        load(unit, nn, 0x80 | i, random.edgy_word());
    for (uint32_t i = 0; i < 4; i++)
        load(unit, nn, 0xc0, random.edgy_word());
    wait_for_unit(unit);
    for (uint32_t bank = 0; bank < 8; bank++)
        load(unit, nn, bank << 4, random.edgy_word());
    wait_for_unit(unit);
}

// Every pair of weight byte and activation byte, in every mode, each lane with others beside it.
// Weights go into one entry after the other, and a bank is started anew for each of them.
void test_stream_macs(Tap &tap, Unit &unit, nn_stream_model &nn, Random &random)
{
    Checker checker;
    for (uint32_t mode = 0; mode < 8; mode++) {
        for (uint32_t w = 0; w < 256; w++) {
            const uint32_t entry = w % 16, bank = w / 16 % 8;
            wait_for_unit(unit);
            set_csr(unit, nn, state_csr, mode);
            set_csr(unit, nn, NN_STREAM_CSR_STARTED & 63, 0);
            for (uint32_t first = 0; first < 4; first++)
                load(unit, nn, 0x80 | entry << 2 | first, weights_of(w, random.word() & 255));
            for (uint32_t a = 0; a < 256; a++) {
                load(unit, nn, bank << 4 | entry, activations_of(w, a));
                if (a % 16 != 15)
                    continue;
                wait_for_unit(unit);
                for (uint32_t port = 32 + 4 * bank; port < 36 + 4 * bank; port++)
                    checker.equal("bank", unit.read_csr(port), model_read_any_csr(nn, port));
            }
        }
    }
    check_everything(checker, unit, nn);
    checker.report(tap, "nn_ldw_and_nn_lda_mac_are_right_for_every_weight_and_activation");
}

// The order of things at once: a load takes its word at its response, and what follows waits for
// one cycle more after a word that is only put in its place, for two after one that is multiplied.
void test_stream_waits(Tap &tap, Unit &unit, nn_stream_model &nn, Random &random)
{
    Checker checker;
    for (uint32_t i = 0; i < 2048; i++) {
        const uint32_t operation = i % 256, wait = i / 256;
        if (!nn_stream_model_is_load(operation))
            continue;
        const bool multiplies = operation < 0x80 || operation >= 0xe0;
        load(unit, nn, operation, random.word(), wait);
        checker.equal("cycles until the next may pass", wait_for_unit(unit), multiplies ? 2 : 1);
        check_everything(checker, unit, nn);
    }
    unit.top().load_issue_i = 1;
    unit.step();
    unit.top().load_issue_i = 0;
    unit.top().resp_i = 1;
    unit.top().resp_ok_i = 0;
    unit.step();
    unit.top().resp_i = 0;
    checker.equal("cycles after a load that failed", wait_for_unit(unit), 0);
    check_everything(checker, unit, nn);
    checker.report(tap, "what_reads_or_changes_state_waits_until_the_loads_before_it_are_done");
}

// One instruction in the place of the core's execution stage, until it is done or another one
// comes. Loads and stores, ordinary ones too, then wait for their response in the place of the
// writeback stage; while one waits, nothing leaves that stage.
enum Kind { NN_LOAD, NN_STORE, NN_R, CSR, LOAD, STORE, NOTHING };

struct Instruction {
    Kind kind;
    Operator op;
    uint32_t a, b; // rs1 and rs2, or number and value of a CSR, or the operation
    bool writes;
    unsigned cycles; // of an R instruction, in which it was enabled without a gap
};

struct Core {
    Unit &unit;
    nn_stream_model &nn;
    Random &random;
    Checker &checker;
    Instruction now;
    bool outstanding = false, outstanding_load = false, outstanding_nn = false;
    uint32_t outstanding_op = 0, latency = 0;
    uint32_t place = 0;        // cycles until the last word is in its place and multiplied
    uint32_t store_stalls = 0; // in which a store waited for its scaling alone
    bool after_store = false;  // the last thing that happened was a store, of this bank:
    uint32_t store_bank = 0;
    uint64_t stores = 0, fast_stores = 0, loads = 0, failed_loads = 0;
};

Instruction next_stream_instruction(Random &random, const Core &core)
{
    static const Kind mix[] = {NN_LOAD,  NN_LOAD, NN_LOAD, NN_LOAD, NN_LOAD, NN_STORE,
                               NN_STORE, NN_R,    NN_R,    CSR,     CSR,     LOAD,
                               STORE,    NOTHING, NN_LOAD, NN_LOAD};
    static const Operator operators[] = {OP_INIT, OP_MAC, OP_MAC, OP_RES};
    const bool again = core.after_store && random.below(2); // stores come in rows
    Instruction next = {again ? NN_STORE : mix[random.below(16)],
                        operators[random.below(4)],
                        random.edgy_word(),
                        random.edgy_word(),
                        random.below(2) != 0,
                        0};
    if (next.kind == NN_LOAD)
        do
            next.a = random.below(256);
        while (!nn_stream_model_is_load(next.a));
    if (next.kind == NN_STORE)
        next.a = random.below(4) ? (core.store_bank + 1) % 8 : random.below(8);
    if (next.kind == CSR) {
        next.a = acc_csr + random.below(40);
        next.a += next.a > 15 ? 16 : 0;
    }
    return next;
}

// The memory's side of a cycle; returns whether an exception kills what is behind it
bool respond(Core &core)
{
    Vnn_unit &top = core.unit.top();
    const bool ends = core.outstanding && core.latency == 0;
    const bool fails = ends && core.random.below(8) == 0;
    core.latency -= core.latency != 0;
    top.resp_i = ends;
    top.resp_ok_i = ends && core.outstanding_load && !fails;
    top.resp_rdata_i = core.random.edgy_word();
    if (ends && core.outstanding_nn && !fails) {
        const bool multiplies = core.outstanding_op < 0x80 || core.outstanding_op >= 0xe0;
        nn_stream_model_load(&core.nn, core.outstanding_op, top.resp_rdata_i);
        core.place = multiplies ? 3 : 2;
        core.loads++;
    }
    core.failed_loads += ends && core.outstanding_nn && fails;
    return fails;
}

void offer(Core &core)
{
    Vnn_unit &top = core.unit.top();
    const Instruction &now = core.now;
    top.store_i = now.kind == NN_STORE;
    top.store_bank_i = now.a & 7;
    top.serial_i = now.kind == NN_STORE || now.kind == NN_R || now.kind == CSR;
    top.operator_i = now.op;
    top.rs1_i = now.a;
    top.rs2_i = now.b;
    top.load_op_i = static_cast<uint8_t>(now.a);
    top.csr_addr_i = static_cast<uint8_t>(now.a & 63);
    top.csr_wdata_i = now.b;
    top.en_i = top.csr_we_i = top.load_issue_i = top.store_done_i = 0;
    top.ready_i = 0;
    core.unit.settle();
}

// Whether the unit holds up the instruction as long as it must, not longer
void check_stall(Core &core, bool busy)
{
    const Vnn_unit &top = core.unit.top();
    const bool stalls = top.stall_o;
    if (core.now.kind != NN_STORE) {
        core.checker.equal("stall", stalls, top.serial_i && busy);
        return;
    }
    if (busy)
        core.checker.equal("stall of a store behind loads", stalls, true);
    else if (stalls)
        core.checker.equal("cycles that a store waits for its scaling", ++core.store_stalls, 1);
    if (!busy && core.after_store && core.now.a == (core.store_bank + 1) % 8)
        core.checker.equal("stall of a store of the bank behind the last one", stalls, false);
}

void finish_r(Core &core)
{
    nn_stream_model &nn = core.nn;
    if (core.now.op == OP_INIT)
        nn_stream_model_init(&nn, core.now.a, core.now.b);
    if (core.now.op == OP_MAC)
        nn_model_mac(&nn.five, core.now.a, core.now.b);
}

// Executes in this cycle, as the unit lets it; returns whether it is done with the cycle's end
bool execute_now(Core &core)
{
    Vnn_unit &top = core.unit.top();
    Instruction &now = core.now;
    const bool granted = core.random.below(4) != 0;
    switch (now.kind) {
    case NN_R:
        top.en_i = 1;
        top.ready_i = granted;
        core.unit.settle();
        core.checker.equal("valid", top.valid_o, now.op != OP_RES || ++now.cycles > 1);
        if (top.valid_o && now.op == OP_RES)
            core.checker.equal("neur_res", top.result_o, nn_model_res(&core.nn.five, now.a, now.b));
        if (top.valid_o && granted)
            finish_r(core);
        return top.valid_o && granted;
    case CSR:
        core.checker.equal("csr", top.csr_rdata_o, model_read_any_csr(core.nn, now.a));
        top.csr_we_i = now.writes;
        if (now.writes)
            model_write_any_csr(core.nn, now.a, now.b);
        return true;
    case NN_STORE:
        core.checker.equal("nn_res_st", top.result_o, nn_stream_model_store(&core.nn, now.a));
        top.store_done_i = granted;
        return granted;
    case NN_LOAD:
        top.load_issue_i = granted;
        return granted;
    default:
        return granted;
    }
}

void leave(Core &core)
{
    const Instruction &now = core.now;
    if (now.kind == NN_LOAD || now.kind == LOAD || now.kind == NN_STORE || now.kind == STORE) {
        core.outstanding = true;
        core.outstanding_load = now.kind == NN_LOAD || now.kind == LOAD;
        core.outstanding_nn = now.kind == NN_LOAD;
        core.outstanding_op = now.a;
        core.latency = core.random.below(3) ? 0 : core.random.below(5);
    }
    if (now.kind == NN_STORE) {
        core.stores++;
        core.fast_stores += core.store_stalls == 0;
        core.store_bank = now.a;
    }
    core.after_store = now.kind == NN_STORE;
    core.store_stalls = 0;
    core.now = next_stream_instruction(core.random, core);
}

void one_cycle(Core &core)
{
    const bool waits = core.outstanding && core.latency != 0;
    const bool busy = core.place != 0 || (core.outstanding && core.outstanding_nn);
    const bool killed = respond(core);
    core.place -= core.place != 0;
    if (!waits)
        core.outstanding = false;
    offer(core);
    check_stall(core, busy);
    bool done = false;
    if (!waits && !killed && !core.unit.top().stall_o)
        done = execute_now(core);
    else
        core.now.cycles = 0; // in none without a gap
    core.unit.step();
    if (done) {
        leave(core);
    } else if (core.now.cycles == 0 && (killed || core.random.below(32) == 0)) {
        core.after_store = false;
        core.store_stalls = 0;
        core.now = next_stream_instruction(core.random, core);
    }
}

void drain(Core &core)
{
    Vnn_unit &top = core.unit.top();
    top.en_i = top.csr_we_i = top.load_issue_i = top.store_done_i = top.store_i = 0;
    top.serial_i = 0;
    while (core.outstanding) {
        const bool waits = core.latency != 0;
        respond(core);
        core.outstanding = waits;
        core.unit.step();
    }
    top.resp_i = 0;
    core.place = 0;
    core.now = next_stream_instruction(core.random, core);
    core.after_store = false;
    core.store_stalls = 0;
}

void test_stream_core(Tap &tap, Unit &unit, nn_stream_model &nn, Random &random)
{
    Checker checker, enough;
    Core core = {unit, nn, random, checker, {NOTHING, OP_NONE, 0, 0, false, 0}};
    for (unsigned cycle = 0; cycle < 3000000; cycle++) {
        one_cycle(core);
        if (cycle % 1000 != 999)
            continue;
        drain(core);
        check_everything(checker, unit, nn);
    }
    drain(core);
    checker.report(tap, "instructions_of_both_versions_in_any_order_do_what_the_oracle_does");
    enough.equal("loads", core.loads > 300000, true);
    enough.equal("loads that fail", core.failed_loads > 30000, true);
    enough.equal("stores", core.stores > 100000, true);
    enough.equal("stores without a wait", core.fast_stores > 20000, true);
    printf("# %llu loads, %llu failing ones, %llu stores, %llu without a wait\n",
           static_cast<unsigned long long>(core.loads),
           static_cast<unsigned long long>(core.failed_loads),
           static_cast<unsigned long long>(core.stores),
           static_cast<unsigned long long>(core.fast_stores));
    enough.report(tap, "there_were_many_loads_failing_loads_and_stores");
}

void test_stream(Tap &tap, Unit &unit)
{
    Random random(2);
    nn_stream_model nn = {};
    make_known(unit, nn, random);
    Checker checker;
    check_everything(checker, unit, nn);
    checker.report(tap, "every_csr_reads_as_the_oracle_says");
    test_stream_macs(tap, unit, nn, random);
    test_stream_waits(tap, unit, nn, random);
    test_stream_core(tap, unit, nn, random);
    unit.top().serial_i = unit.top().store_i = unit.top().resp_i = 0;
}

#else

// What serves the instructions of version 2 changes nothing, and never holds anything up.
void test_no_stream(Tap &tap, Unit &unit, Random &random)
{
    Checker checker;
    Vnn_unit &top = unit.top();
    nn_model nn = {{1, 2, 3, 4}, 5, 2};
    for (uint32_t k = 0; k < 4; k++)
        unit.write_csr(acc_csr + k, nn.acc[k]);
    unit.write_csr(state_csr, static_cast<uint32_t>(nn.it << 3 | nn.mode));
    for (unsigned i = 0; i < 10000; i++) {
        top.load_issue_i = random.below(2);
        top.load_op_i = static_cast<uint8_t>(random.word());
        top.resp_i = random.below(2);
        top.resp_ok_i = random.below(2);
        top.resp_rdata_i = random.word();
        top.serial_i = random.below(2);
        top.store_i = random.below(2);
        top.store_bank_i = random.below(8);
        top.store_done_i = random.below(2);
        const uint32_t port = random.below(2) ? 32 + random.below(32) : acc_csr + random.below(8);
        top.csr_addr_i = static_cast<uint8_t>(port);
        top.csr_wdata_i = random.word();
        top.csr_we_i = port > state_csr && random.below(2);
        unit.settle();
        checker.equal("stall", top.stall_o, 0);
        checker.equal("csr", top.csr_rdata_o, port < 32 ? model_csr(nn, port) : 0);
        unit.step();
    }
    top.csr_we_i = 0;
    checker.report(tap, "without_stream_its_inputs_change_nothing_and_its_csrs_read_as_0");
}

#endif

void test_reset(Tap &tap, Unit &unit)
{
    Checker checker;
    for (uint32_t number = acc_csr; number < acc_csr + 8; number++)
        unit.write_csr(number, 0xffffffff);
    unit.top().rst_ni = 0;
    unit.step();
    unit.top().rst_ni = 1;
    check_state(checker, unit, nn_model{});
    checker.report(tap, "reset_clears_the_state");
}

} // namespace

// usage: test_nn_unit [FILE]; a build for coverage (make coverage) writes its counts to FILE.
int main(int argc, char **argv)
{
    static const char *const mac_facts[] = {
        "8_bit_macs_are_right_for_every_weight_and_activation",
        "depthwise_macs_are_right_for_every_weight_and_activation",
        "4_bit_macs_are_right_for_every_weight_and_activation",
        "2_bit_macs_are_right_for_every_weight_and_activation",
        "8_bit_macs_are_right_with_signed_activations",
        "depthwise_macs_are_right_with_signed_activations",
        "4_bit_macs_are_right_with_signed_activations",
        "2_bit_macs_are_right_with_signed_activations",
    };
    Tap tap;
    Unit unit;
    Random random(1);
    test_init(tap, unit);
    for (uint32_t mode = 0; mode < 8; mode++)
        test_mac(tap, unit, mode, mac_facts[mode]);
    test_wrapping(tap, unit, random);
    test_requantize(tap, unit, random);
    test_requantize_lanes(tap, unit, random);
    test_latency(tap, unit);
    test_restart(tap, unit);
    test_handshake(tap, unit, random);
#ifdef STREAM
    test_stream(tap, unit);
#else
    test_no_stream(tap, unit, random);
#endif
    test_reset(tap, unit);
#if VM_COVERAGE
    if (argc == 2)
        Verilated::threadContextp()->coveragep()->write(argv[1]);
#else
    (void)argc, (void)argv;
#endif
    return tap.end();
}
