// SPDX-License-Identifier: Apache-2.0
// The model's clocks edge by edge: for waveforms, for clk2x_i, and for the netlist after synthesis (tests/hw), which has
// the rest of SocModel in another way.
#include "soc_model.h"

void SocModel::tick_edge_by_edge()
{
    for (unsigned quarter = 0; quarter < 4; quarter++) {
        const bool rises = quarter % 2 == 0;
        if (!rises && !clk2x_used_)
            continue;
        top_->clk_i = quarter < 2;
        top_->clk2x_i = clk2x_used_ && rises;
        top_->eval();
#ifdef MPQ_TRACE
        if (trace_)
            trace_->dump(4 * cycles_ + quarter);
#endif
    }
}
