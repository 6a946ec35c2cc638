// SPDX-License-Identifier: Apache-2.0
// Running the system.
#include "simulation.h"

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <stdexcept>

namespace
{

using Clock = std::chrono::steady_clock;

constexpr unsigned slice_cycles = 1024;     // between two looks at the link
constexpr size_t flush_bytes = 4096;        // output that is worth a system call at once
constexpr size_t input_ahead_bytes = 65536; // taken from the peer before the core wants it
constexpr uint32_t sleep_cycles = 32;       // a byte on its way to the core wakes it within these
constexpr uint32_t self_loop_cycles = 100'000; // longest that an instruction may stay in place

constexpr uint32_t rate_tolerance = 25; // rates may differ by one part in so many

// Four cycles a bit are the least that the core's receiver can do.
uint32_t checked_baud(uint32_t clock_hz, uint32_t baud_hz)
{
    if (baud_hz > clock_hz / 4)
        throw std::runtime_error("--baud: got " + std::to_string(baud_hz) + ", want at most " +
                                 std::to_string(clock_hz / 4) + " at this core's clock");
    return baud_hz;
}

} // namespace

Simulation::Simulation(SocModel &model, Link &link, const Options &options)
    : model_(model), link_(link), options_(options),
      line_(model.top().clock_hz_o, options.bit_line
                                        ? checked_baud(model.top().clock_hz_o, options.baud_hz)
                                        : options.baud_hz)
{
    model_.top().fast_i = !options.bit_line;
    model_.top().eval(); // fast_rx_ready_o must be right before the first cycle
}

int Simulation::run()
{
    while (!finished_) {
        exchange();
        if (link_.gone())
            return SIM_EXIT_DONE;
        if (quiet()) {
            if (link_.input_ended())
                break;
            wait_for_peer();
        } else if (dozes()) {
            doze();
        } else {
            const auto start = Clock::now();
            run_slice();
            busy_seconds_ += std::chrono::duration<double>(Clock::now() - start).count();
        }
    }
    return last_words();
}

// A terminal has a rate, which its user may change. Bytes that come after that must wait (false)
// until those before it have passed.
bool Simulation::follow_rate()
{
    const uint32_t baud_hz = link_.baud_hz();
    if (baud_hz == 0 || baud_hz == peer_baud_hz_)
        return true;
    if (!in_.empty() || (options_.bit_line && !line_.at_rest()))
        return false;
    peer_baud_hz_ = baud_hz;
    line_.set_baud_hz(baud_hz);
    return true;
}

// What arrives of a whole byte: something else if the two sides' rates differ too much.
uint8_t Simulation::garbled(uint8_t byte) const
{
    // Sixteenths of a cycle in as many bits as the peer sends in a second
    const uint64_t own = uint64_t{model_.top().uart_divisor_o} * peer_baud_hz_;
    const uint64_t peer = uint64_t{16} * model_.top().clock_hz_o;
    const uint64_t difference = own > peer ? own - peer : peer - own;
    if (peer_baud_hz_ == 0 || difference * rate_tolerance <= peer)
        return byte;
    return static_cast<uint8_t>(byte * 167u + 91u) | 1u; // never a frame's end
}

void Simulation::exchange()
{
    if (follow_rate() && in_.size() < input_ahead_bytes)
        link_.receive(in_);
    if (!out_.empty())
        link_.send(out_);
}

// The core sleeps, no byte is under way to it or from it, and the timer will not wake it.
bool Simulation::quiet() const
{
    if (asleep_cycles_ < sleep_cycles || model_.top().timer_armed_o)
        return false;
    return options_.bit_line ? in_.empty() && line_.idle()
                             : in_.empty() || !model_.top().fast_rx_ready_o;
}

// Asleep as in quiet(), but for the timer, with a peer that has a rate: it plays a board, whose
// alarms are meant in the peer's time.
bool Simulation::dozes() const
{
    return peer_baud_hz_ > 0 && asleep_cycles_ >= sleep_cycles && model_.top().timer_armed_o &&
           in_.empty() && (!options_.bit_line || line_.idle()) &&
           model_.timer_cycles_left() > slice_cycles;
}

void Simulation::doze()
{
    const double hz = model_.top().clock_hz_o;
    const uint64_t left = model_.timer_cycles_left() - slice_cycles;
    const auto start = Clock::now();
    link_.wait(!out_.empty(), static_cast<int>(1000 * static_cast<double>(left) / hz) + 1);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const auto passed = static_cast<uint64_t>(seconds * hz);
    model_.advance_timer(passed < left ? passed : left);
}

void Simulation::wait_for_peer()
{
    if (!link_.present()) {
        hang("asleep, and nothing can wake it");
        return;
    }
    link_.wait(!out_.empty());
}

void Simulation::run_slice()
{
    for (unsigned i = 0; i < slice_cycles && !finished_; i++) {
        const bool active = options_.bit_line ? step_serial_line() : step_byte_port();
        if (active)
            last_activity_ = model_.cycles();
        watch_core();
        if (asleep_cycles_ >= sleep_cycles && (quiet() || !out_.empty()))
            break;
        if (out_.size() >= flush_bytes)
            break;
    }
}

// One cycle with whole bytes; true if one passed.
bool Simulation::step_byte_port()
{
    Vsim_top &top = model_.top();
    top.fast_rx_valid_i = !in_.empty();
    if (!in_.empty())
        top.fast_rx_data_i = garbled(in_.front());
    const bool taken = !in_.empty() && top.fast_rx_ready_o;
    model_.tick();
    if (taken)
        in_.pop();
    if (top.fast_tx_valid_o)
        out_.push(garbled(top.fast_tx_data_o));
    return taken || top.fast_tx_valid_o;
}

// One cycle of the serial line; true if a byte began or ended.
bool Simulation::step_serial_line()
{
    Vsim_top &top = model_.top();
    bool level;
    const bool taken = line_.drive(in_, level);
    top.uart_rx_i = level;
    model_.tick();
    uint8_t byte;
    const bool received = line_.sample(top.uart_tx_o, byte);
    if (received)
        out_.push(byte);
    return taken || received;
}

void Simulation::watch_core()
{
    Vsim_top &top = model_.top();
    if (top.core_sleep_o) {
        asleep_cycles_++;
        last_activity_ = model_.cycles();
        same_pc_cycles_ = 0;
    } else {
        asleep_cycles_ = 0;
        same_pc_cycles_ = !top.pc_valid_o || top.pc_o == last_pc_ ? same_pc_cycles_ + 1 : 0;
    }
    if (top.pc_valid_o)
        last_pc_ = top.pc_o;
    if (top.exit_valid_o)
        finish(static_cast<int>(top.exit_code_o & 0xff));
    else if (top.double_fault_o)
        hang("double fault");
    else if (same_pc_cycles_ >= self_loop_cycles && !top.timer_armed_o)
        hang("self-loop");
    else if (model_.cycles() - last_activity_ >= options_.hang_cycles)
        hang("neither sleeps nor communicates");
    else if (model_.cycles() >= options_.max_cycles)
        finish(SIM_EXIT_CYCLES);
}

void Simulation::finish(int code)
{
    finished_ = true;
    exit_code_ = code;
    if (model_.cycles() >= options_.max_cycles && code == SIM_EXIT_CYCLES)
        fprintf(stderr, "mpq-sim: stopped at pc 0x%08x after %" PRIu64 " cycles (--max-cycles)\n",
                last_pc_, model_.cycles());
}

void Simulation::hang(const char *reason)
{
    finished_ = true;
    exit_code_ = SIM_EXIT_HUNG;
    fprintf(stderr, "mpq-sim: core hung at pc 0x%08x after %" PRIu64 " cycles (%s)\n", last_pc_,
            model_.cycles(), reason);
}

int Simulation::last_words()
{
    link_.flush(out_);
    return exit_code_;
}
