// SPDX-License-Identifier: Apache-2.0
// The netlist after synthesis as an object, in the place of rtl/sim/soc_model.cpp.
#include "soc_model.h"

#include <stdexcept>

namespace
{

constexpr unsigned reset_cycles = 8; // the reset synchronizer wants some

} // namespace

SocModel::SocModel(const std::string &trace)
{
    if (!trace.empty())
        throw std::runtime_error("--trace: the netlist cannot write waveforms");
    top_ = std::make_unique<Vsim_top>(&context_);
    top_->clk_i = 0;
    top_->rst_ni = 0;
    top_->uart_rx_i = 1;
    top_->eval();
    clk2x_used_ = top_->clk2x_used_o;
    edge_by_edge_ = true; // cells may know of the falling edge
}

SocModel::~SocModel()
{
    top_->final();
}

// The firmware is in the netlist already: synthesis has put it into the block RAM's first content.
void SocModel::load(const std::vector<ElfSegment> &)
{
}

void SocModel::reset()
{
    top_->rst_ni = 0;
    for (unsigned i = 0; i < reset_cycles; i++)
        tick();
    top_->rst_ni = 1;
    top_->eval();
}

// The netlist never seems to sleep, so nothing asks for the timer.
uint64_t SocModel::timer_cycles_left() const
{
    return 0;
}

void SocModel::advance_timer(uint64_t)
{
}
