// SPDX-License-Identifier: Apache-2.0
// Colorlight i9 v7.2 on its extension board: pins, clock, reset. Constraints: colorlight_i9.lpf.
// The serial line is the one of the extension board's USB connector. The module has one LED: it is lit while the loader
// waits, goes out while a model runs, and stays out after an error.

module top_colorlight_i9 (
  input  logic clk_25mhz_i,
  input  logic uart_rx_i,
  output logic uart_tx_o,
  output logic led_no
);

  logic       clk, clk2x, locked;
  logic [2:0] leds;

  board_pll_ecp5 #(
    .OscillatorHz(board_pkg::OscillatorHz),
    .ClockHz     (board_pkg::ClockHz)
  ) u_pll (
    .clk_i   (clk_25mhz_i),
    .clk_o   (clk),
    .clk2x_o (clk2x),
    .locked_o(locked)
  );

  board_soc u_soc (
    .clk_i    (clk),
    .clk2x_i  (clk2x),
    .rst_ni   (locked),
    .uart_rx_i,
    .uart_tx_o,
    .leds_o   (leds)
  );

  assign led_no = ~leds[0] | leds[1] | leds[2];

endmodule
