// SPDX-License-Identifier: Apache-2.0
// The verilated system as an object: clock, reset, memory, and the levels at its edge. The only
// file besides soc_model.cpp that knows Verilator's names.
#ifndef MPQ_SIM_SOC_MODEL_H
#define MPQ_SIM_SOC_MODEL_H

#include "Vsim_top.h"
#include "address_map.h"
#include "elf_image.h"

#include <memory>
#include <string>
#include <verilated.h>

#ifdef MPQ_TRACE
#include <verilated_fst_c.h>
#endif

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

    // One clock cycle: the inputs set through top() are taken at its rising edge.
    void tick()
    {
        top_->clk_i = 1;
        top_->clk2x_i = clk2x_used_;
        top_->eval();
        dump(0);
        if (clk2x_used_) {
            top_->clk2x_i = 0;
            top_->eval();
            dump(1);
        }
        top_->clk_i = 0;
        top_->clk2x_i = clk2x_used_;
        top_->eval();
        dump(2);
        if (clk2x_used_) {
            top_->clk2x_i = 0;
            top_->eval();
            dump(3);
        }
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
#ifdef MPQ_TRACE
    void dump(unsigned quarter)
    {
        if (trace_)
            trace_->dump(4 * cycles_ + quarter);
    }
    std::unique_ptr<VerilatedFstC> trace_;
#else
    void dump(unsigned)
    {
    }
#endif
    VerilatedContext context_;
    std::unique_ptr<Vsim_top> top_;
    uint64_t cycles_ = 0;
    bool clk2x_used_ = false;
};

#endif
