# SPDX-License-Identifier: Apache-2.0
# Sources of the core and the SoC, packages first, in the order in which a tool must read them.
# $(IBEX): patched copy of Ibex' rtl folder; $(WHEEL): Ibex' vendored sources; $(GEN): generated packages;
# other paths are relative to the top of the repository.
$(GEN)/nn_pkg.sv
$(GEN)/address_map_pkg.sv
rtl/nn/nn_op_pkg.sv
$(IBEX)/ibex_pkg.sv
$(IBEX)/ibex_tracer_pkg.sv
$(WHEEL)/vendor/lowrisc_ip/ip/prim/rtl/prim_ram_1p_pkg.sv
$(WHEEL)/vendor/lowrisc_ip/ip/prim/rtl/prim_secded_pkg.sv
# For parts of Ibex that no configuration of ours uses, but that a tool reads before it leaves them out
$(WHEEL)/vendor/lowrisc_ip/ip/prim/rtl/prim_util_pkg.sv
$(WHEEL)/vendor/lowrisc_ip/ip/prim/rtl/prim_cipher_pkg.sv
$(WHEEL)/vendor/lowrisc_ip/ip/prim/rtl/prim_count_pkg.sv
$(WHEEL)/vendor/lowrisc_ip/ip/prim/rtl/prim_mubi_pkg.sv

# What Ibex wants from its surroundings
rtl/soc/prim/prim_buf.sv
rtl/soc/prim/prim_clock_gating.sv

# Neural unit
rtl/nn/nn_dot.sv
rtl/nn/nn_requantize.sv
rtl/nn/nn_stream.sv
rtl/nn/nn_unit.sv

# Ibex
$(IBEX)/ibex_alu.sv
$(IBEX)/ibex_compressed_decoder.sv
$(IBEX)/ibex_controller.sv
$(IBEX)/ibex_counter.sv
$(IBEX)/ibex_cs_registers.sv
$(IBEX)/ibex_csr.sv
$(IBEX)/ibex_decoder.sv
$(IBEX)/ibex_ex_block.sv
$(IBEX)/ibex_fetch_fifo.sv
$(IBEX)/ibex_id_stage.sv
$(IBEX)/ibex_if_stage.sv
$(IBEX)/ibex_load_store_unit.sv
$(IBEX)/ibex_multdiv_fast.sv
$(IBEX)/ibex_multdiv_slow.sv
$(IBEX)/ibex_prefetch_buffer.sv
$(IBEX)/ibex_register_file_fpga.sv
$(IBEX)/ibex_wb_stage.sv
$(IBEX)/ibex_core.sv
$(IBEX)/ibex_top.sv

# SoC
rtl/soc/soc_fifo.sv
rtl/soc/soc_ram.sv
rtl/soc/soc_uart_rx.sv
rtl/soc/soc_uart_tx.sv
rtl/soc/soc_uart.sv
rtl/soc/soc_timer.sv
rtl/soc/soc_sysctl.sv
rtl/soc/soc_reset.sv
rtl/soc/soc_bus.sv
rtl/soc/soc_top.sv
