// SPDX-License-Identifier: Apache-2.0
// Top of the simulation: soc_top with what the C++ side needs to see of its inside.
// Function: a wrapper; no logic of its own.
// Timing:   outputs are valid after each rising clock edge.
// Tests:    tests/rtl/

module sim_top #(
  parameter int unsigned ClockHz         = 25_000_000,
  parameter int unsigned RamBytes        = address_map_pkg::RamSize,
  // One row of rtl/tables/core_configs.tsv, set from the command line.
  parameter int unsigned RV32M           = 3,
  parameter int unsigned WritebackStage  = 1,
  parameter int unsigned BranchTargetALU = 1,
  parameter int unsigned NnUnit          = 1,
  parameter int unsigned NnAlias         = 1,
  parameter int unsigned NnMultiPump     = 0,
  parameter int unsigned NnStream        = 1,
  parameter int unsigned CoreConfigIndex = 0
) (
  input  logic        clk_i,
  input  logic        clk2x_i,         // twice clk_i, rising edges aligned; only if clk2x_used_o
  input  logic        rst_ni,

  // Serial line
  input  logic        uart_rx_i,
  output logic        uart_tx_o,
  output logic [2:0]  leds_o,

  // Byte port of the UART
  input  logic        fast_i,
  input  logic        fast_rx_valid_i,
  input  logic [7:0]  fast_rx_data_i,
  output logic        fast_rx_ready_o,
  output logic        fast_tx_valid_o,
  output logic [7:0]  fast_tx_data_o,

  // State of the run
  output logic        exit_valid_o,
  output logic [31:0] exit_code_o,
  output logic        core_sleep_o,
  output logic [31:0] pc_o,
  output logic        pc_valid_o,      // an instruction is in the ID stage: pc_o is its address
  output logic        double_fault_o,

  // What the simulator must know of the system
  output logic        clk2x_used_o,
  output logic        timer_armed_o,
  output logic [19:0] uart_divisor_o,  // sixteenths of a clock cycle a bit, as the core has set it
  output logic [31:0] clock_hz_o
);

  soc_top #(
    .ClockHz         (ClockHz),
    .RamBytes        (RamBytes),
    .RV32M           (ibex_pkg::rv32m_e'(RV32M)),
    .WritebackStage  (WritebackStage != 0),
    .BranchTargetALU (BranchTargetALU != 0),
    .NnUnit          (NnUnit != 0),
    .NnAlias         (NnAlias != 0),
    .NnMultiPump     (NnMultiPump != 0),
    .NnStream        (NnStream != 0),
    .CoreConfigIndex (CoreConfigIndex)
  ) u_soc (
    .clk_i,
    .clk2x_i,
    .rst_ni,
    .uart_rx_i,
    .uart_tx_o,
    .leds_o,
    .fast_i,
    .fast_rx_valid_i,
    .fast_rx_data_i,
    .fast_rx_ready_o,
    .fast_tx_valid_o,
    .fast_tx_data_o,
    .exit_valid_o,
    .exit_code_o,
    .core_sleep_o,
    .pc_o,
    .double_fault_o
  );

`ifdef RVFI
  assign pc_valid_o = u_soc.u_core.u_ibex_top.u_ibex_core.instr_valid_id;
`else
  assign pc_valid_o = u_soc.u_core.u_ibex_core.instr_valid_id;
`endif
  assign clk2x_used_o  = NnMultiPump != 0;
  assign timer_armed_o = u_soc.u_timer.mtimecmp_q != '1;
  assign clock_hz_o    = ClockHz;
  assign uart_divisor_o = u_soc.u_uart.divisor_q;

endmodule
