// SPDX-License-Identifier: Apache-2.0
// The verilated system as an object: clock, reset, memory, and the levels at its edge. The only
// file besides soc_model*.cpp that knows Verilator's names.
#ifndef MPQ_SIM_SOC_MODEL_H
#define MPQ_SIM_SOC_MODEL_H

#include "Vsim_top.h"
#include "Vsim_top___024root.h"
#include "address_map.h"
#include "elf_image.h"

#include <memory>
#include <string>
#include <verilated.h>

#ifdef MPQ_TRACE
#include <verilated_fst_c.h>
#endif

void Vsim_top___024root___eval(Vsim_top___024root *root); // Verilator's, without a header

class SocModel
{
  public:
    // trace: name of the waveform file, "" for none; needs a build with MPQ_TRACE.
    explicit SocModel(const std::string &trace);
    ~SocModel();
    SocModel(const SocModel &) = delete;
    SocModel &operator=(const SocModel &) = delete;

    // Segments lie in the RAM (elf_read() has checked).
    void load(const std::vector<ElfSegment> &segments);
    void reset();

    // One clock cycle: the inputs set through top() are taken at its rising edge. Outputs are
    // those after it.
    void tick()
    {
        if (edge_by_edge_)
            tick_edge_by_edge();
        else
            tick_rising_edge();
        cycles_++;
    }
    Vsim_top &top()
    {
        return *top_;
    }
    const Vsim_top &top() const
    {
        return *top_;
    }
    // Cycles until the timer's interrupt; 0 if it is due.
    uint64_t timer_cycles_left() const;
    // The timer alone goes on so many cycles.
    void advance_timer(uint64_t cycles);
    uint64_t cycles() const
    {
        return cycles_;
    }

  private:
    // Nothing but a waveform and clk2x_i knows of the falling edge, so clk_i stays 1 and the model
    // is told that it was 0; and of Verilator's eval() we want what evaluates, not the care for
    // threads and messages round it. Both need the first evaluation, which the constructor makes.
    void tick_rising_edge()
    {
        top_->clk_i = 1;
        top_->rootp->__Vtrigprevexpr___TOP__clk_i__0 = 0;
        Vsim_top___024root___eval(top_->rootp);
    }
    void tick_edge_by_edge();

#ifdef MPQ_TRACE
    std::unique_ptr<VerilatedFstC> trace_;
#endif
    VerilatedContext context_;
    std::unique_ptr<Vsim_top> top_;
    uint64_t cycles_ = 0;
    bool clk2x_used_ = false;
    bool edge_by_edge_ = false;
};

#endif
