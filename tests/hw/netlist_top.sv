// SPDX-License-Identifier: Apache-2.0
// Top of the simulation after synthesis: the netlist of a ULX3S in the place of soc_top, with the ports of sim_top.
// Function: the serial line, bit by bit, and the LEDs are the board's pins. The byte port does not exist in the
//           netlist, nor does anything of the core's inside: it never seems to sleep, and its timer always seems to be
//           armed, so that the simulator neither waits nor takes it for hung.

module sim_top (
  input  logic        clk_i,
  input  logic        clk2x_i,
  input  logic        rst_ni,

  input  logic        uart_rx_i,
  output logic        uart_tx_o,
  output logic [2:0]  leds_o,

  input  logic        fast_i,
  input  logic        fast_rx_valid_i,
  input  logic [7:0]  fast_rx_data_i,
  output logic        fast_rx_ready_o,
  output logic        fast_tx_valid_o,
  output logic [7:0]  fast_tx_data_o,

  output logic        exit_valid_o,
  output logic [31:0] exit_code_o,
  output logic        core_sleep_o,
  output logic [31:0] pc_o,
  output logic        pc_valid_o,
  output logic        double_fault_o,
  output logic        clk2x_used_o,
  output logic        timer_armed_o,
  output logic [31:0] clock_hz_o,
  output logic [19:0] uart_divisor_o
);

  logic [4:0] unused_leds;
  logic       unused_wifi, unused_byte_port;

  top_ulx3s u_board (
    .clk_25mhz_i   (clk_i),
    .button_fire1_i(~rst_ni),
    .ftdi_txd_i    (uart_rx_i),
    .ftdi_rxd_o    (uart_tx_o),
    .led_o         ({unused_leds, leds_o}),
    .wifi_gpio0_o  (unused_wifi)
  );

  assign unused_byte_port = ^{fast_i, fast_rx_valid_i, fast_rx_data_i};

  assign fast_rx_ready_o = 1'b0;
  assign fast_tx_valid_o = 1'b0;
  assign fast_tx_data_o  = '0;
  assign exit_valid_o    = 1'b0;
  assign exit_code_o     = '0;
  assign core_sleep_o    = 1'b0;
  assign pc_o            = '0;
  assign pc_valid_o      = 1'b0;
  assign double_fault_o  = 1'b0;
  assign clk2x_used_o    = board_pkg::NnMultiPump;
  assign timer_armed_o   = 1'b1;
  assign clock_hz_o      = board_pkg::ClockHz;
  assign uart_divisor_o  = '0;

endmodule
