// SPDX-License-Identifier: Apache-2.0
// Digilent Arty A7 (35T and 100T): pins, clock, reset. Constraints: arty_a7.xdc.
// The serial line is the board's USB connector. The button RESET resets the system.

module top_arty_a7 (
  input  logic       clk_100mhz_i,
  input  logic       ck_rst_ni,
  input  logic       uart_txd_i,   // from the host
  output logic       uart_rxd_o,   // to the host
  output logic [3:0] led_o
);

  logic       clk, clk2x, locked;
  logic [2:0] leds;

  board_pll_xilinx7 #(
    .OscillatorHz(board_pkg::OscillatorHz),
    .ClockHz     (board_pkg::ClockHz)
  ) u_pll (
    .clk_i   (clk_100mhz_i),
    .clk_o   (clk),
    .clk2x_o (clk2x),
    .locked_o(locked)
  );

  board_soc u_soc (
    .clk_i    (clk),
    .clk2x_i  (clk2x),
    .rst_ni   (locked & ck_rst_ni),
    .uart_rx_i(uart_txd_i),
    .uart_tx_o(uart_rxd_o),
    .leds_o   (leds)
  );

  assign led_o = {1'b0, leds};

endmodule
