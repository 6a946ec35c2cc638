// SPDX-License-Identifier: Apache-2.0
// The verilated system as an object.
#include "soc_model.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace
{

constexpr unsigned reset_cycles = 4;

} // namespace

SocModel::SocModel(const std::string &trace)
{
    static const char *no_arguments[] = {"mpq-sim"};
    context_.commandArgs(1, no_arguments); // Ibex' tracer looks for options of its own
#ifdef MPQ_TRACE
    context_.traceEverOn(!trace.empty());
#endif
    top_ = std::make_unique<Vsim_top>(&context_);
#ifdef MPQ_TRACE
    if (!trace.empty()) {
        trace_ = std::make_unique<VerilatedFstC>();
        top_->trace(trace_.get(), 99);
        errno = 0;
        if (!std::ofstream(trace)) // Verilator does not say whether it can write
            throw std::runtime_error(trace + ": cannot be written: " + strerror(errno));
        trace_->open(trace.c_str());
    }
#else
    if (!trace.empty())
        throw std::runtime_error("--trace: this build of mpq-sim cannot write waveforms");
#endif
    top_->clk_i = 0;
    top_->rst_ni = 0;
    top_->uart_rx_i = 1;
    top_->eval();
    clk2x_used_ = top_->clk2x_used_o;
    edge_by_edge_ = clk2x_used_ || !trace.empty();
}

SocModel::~SocModel()
{
    top_->final();
#ifdef MPQ_TRACE
    if (trace_)
        trace_->close();
#endif
}

void SocModel::load(const std::vector<ElfSegment> &segments)
{
    auto &mem = top_->rootp->sim_top__DOT__u_soc__DOT__u_ram__DOT__mem;
    for (const ElfSegment &segment : segments) {
        uint32_t offset = segment.address - RAM_BASE;
        for (const uint8_t byte : segment.bytes) {
            const unsigned shift = 8 * (offset % 4);
            uint32_t word = mem[offset / 4];
            word = (word & ~(0xffu << shift)) | static_cast<uint32_t>(byte) << shift;
            mem[offset / 4] = word;
            offset++;
        }
    }
}

void SocModel::reset()
{
    top_->rst_ni = 0;
    for (unsigned i = 0; i < reset_cycles; i++)
        tick();
    top_->rst_ni = 1;
    top_->eval();
}

uint64_t SocModel::timer_cycles_left() const
{
    const uint64_t now = top_->rootp->sim_top__DOT__u_soc__DOT__u_timer__DOT__mtime_q;
    const uint64_t due = top_->rootp->sim_top__DOT__u_soc__DOT__u_timer__DOT__mtimecmp_q;
    return due > now ? due - now : 0;
}

void SocModel::advance_timer(uint64_t cycles)
{
    top_->rootp->sim_top__DOT__u_soc__DOT__u_timer__DOT__mtime_q += cycles;
}
