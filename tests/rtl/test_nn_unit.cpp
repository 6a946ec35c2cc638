// SPDX-License-Identifier: Apache-2.0
// The neural unit by itself against the oracle: its data path over all operands that matter, and
// its handshake, cycle by cycle, under random holds, stalls, kills and CSR accesses. Built twice,
// the second time with the parameter MultiPump.
#include "Vnn_unit.h"
#include "tap_cpp.h"

#include <cstring>
#include <verilated.h>
#if VM_COVERAGE
#include <verilated_cov.h>
#endif

extern "C" {
#include "model/nn_model.h"
}

namespace
{

enum Operator { OP_INIT, OP_MAC, OP_RES, OP_NONE };
constexpr uint32_t state_csr = 4;

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

uint32_t model_csr(const nn_model &nn, uint32_t number)
{
    if (number < 4)
        return nn.acc[number];
    return number == state_csr ? static_cast<uint32_t>(nn.it << 3 | nn.mode) : 0;
}

void check_state(Checker &checker, Unit &unit, const nn_model &nn)
{
    for (uint32_t number = 0; number < 8; number++)
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
            unit.write_csr(k, nn.acc[k] = edges[random.below(6)]);
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
            unit.write_csr(k, nn.acc[k] = k == i % 4 ? accumulator_edge(i) : random.word());
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
        unit.write_csr(k, 0);
    for (unsigned i = 0; i < 300000; i++) {
        const uint32_t k = i % 4, size = random.below(32);
        unit.write_csr(k, nn.acc[k] = random.word() >> size);
        if (random.below(2))
            unit.write_csr(k, nn.acc[k] = 0u - nn.acc[k]);
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
        unit.write_csr(k, nn.acc[k]);
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
    if (number < 4) {
        nn.acc[number] = value;
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
    top.csr_addr_i = static_cast<uint8_t>(random.below(8));
    top.csr_wdata_i = random.edgy_word();
    unit.step();
    if (top.csr_we_i)
        model_write_csr(nn, top.csr_addr_i, top.csr_wdata_i);
    top.csr_we_i = 0;
    instruction.cycles = 0;
    if (random.below(2))
        instruction = next_instruction(random);
}

void test_stream(Tap &tap, Unit &unit, Random &random)
{
    Checker checker;
    Vnn_unit &top = unit.top();
    Offered instruction = next_instruction(random);
    nn_model nn = {};
    unit.execute(OP_INIT, 0, 0);
    for (uint32_t k = 0; k < 4; k++)
        unit.write_csr(k, 0);
    for (unsigned cycle = 0; cycle < 3000000; cycle++) {
        if (random.below(8) == 0)
            idle_cycle(unit, nn, random, instruction);
        instruction.cycles++;
        top.en_i = 1;
        top.ready_i = random.below(4) != 0;
        top.operator_i = instruction.op;
        top.rs1_i = instruction.rs1;
        top.rs2_i = instruction.rs2;
        top.csr_addr_i = cycle % 8;
        unit.settle();
        const bool valid = instruction.op != OP_RES || instruction.cycles > 1;
        checker.equal("valid", top.valid_o, valid);
        checker.equal("csr", top.csr_rdata_o, model_csr(nn, cycle % 8));
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

void test_reset(Tap &tap, Unit &unit)
{
    Checker checker;
    for (uint32_t number = 0; number <= state_csr; number++)
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
    test_stream(tap, unit, random);
    test_reset(tap, unit);
#if VM_COVERAGE
    if (argc == 2)
        Verilated::threadContextp()->coveragep()->write(argv[1]);
#else
    (void)argc, (void)argv;
#endif
    return tap.end();
}
