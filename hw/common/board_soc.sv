// SPDX-License-Identifier: Apache-2.0
// The system as every board has it: soc_top with the board's row of hw/boards.tsv and the core configuration that the
// build chose, both by way of the generated board_pkg.
// Function: joins soc_top and the reset synchronizer; the parts of soc_top that only a simulator needs are left open.
// Timing:   clk_i has board_pkg::ClockHz. The serial input is asynchronous: soc_uart_rx synchronizes it.
// Misuse:   rst_ni may fall and rise at any time, but clk_i must run when it rises (wait for the PLL's lock).
// Tests:    tests/hw/, on the netlist after synthesis.

module board_soc (
  input  logic       clk_i,
  input  logic       clk2x_i,    // twice clk_i, rising edges aligned; for the core configurations with multi_pump
  input  logic       rst_ni,     // asynchronous

  input  logic       uart_rx_i,
  output logic       uart_tx_o,
  output logic [2:0] leds_o      // [0] loader ready, [1] running a model, [2] error
);

  logic rst_n;

  board_reset u_reset (
    .clk_i,
    .rst_ni,
    .rst_no(rst_n)
  );

  soc_top #(
    .ClockHz        (board_pkg::ClockHz),
    .RamBytes       (board_pkg::RamBytes),
    .FetchBytes     (board_pkg::FetchBytes),
    .RamInitFile    (board_pkg::RamInitFile),
    .RV32M          (ibex_pkg::rv32m_e'(board_pkg::RV32M)),
    .WritebackStage (board_pkg::WritebackStage),
    .BranchTargetALU(board_pkg::BranchTargetALU),
    .NnUnit         (board_pkg::NnUnit),
    .NnAlias        (board_pkg::NnAlias),
    .NnMultiPump    (board_pkg::NnMultiPump),
    .NnStream       (board_pkg::NnStream),
    .CoreConfigIndex(board_pkg::CoreConfigIndex)
  ) u_soc (
    .clk_i,
    .clk2x_i,
    .rst_ni         (rst_n),
    .uart_rx_i,
    .uart_tx_o,
    .leds_o,
    .fast_i         (1'b0),
    .fast_rx_valid_i(1'b0),
    .fast_rx_data_i ('0),
    .fast_rx_ready_o(),
    .fast_tx_valid_o(),
    .fast_tx_data_o (),
    .exit_valid_o   (),
    .exit_code_o    (),
    .core_sleep_o   (),
    .pc_o           (),
    .double_fault_o ()
  );

endmodule
