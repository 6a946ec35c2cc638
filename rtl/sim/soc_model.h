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
        top_->eval();
        dump(0);
        top_->clk_i = 0;
        top_->eval();
        dump(1);
        cycles_++;
    }
    Vsim_top &top()
    {
        return *top_;
    }
    uint64_t cycles() const
    {
        return cycles_;
    }

  private:
#ifdef MPQ_TRACE
    void dump(unsigned half)
    {
        if (trace_)
            trace_->dump(2 * cycles_ + half);
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
};

#endif
