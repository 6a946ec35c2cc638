// SPDX-License-Identifier: Apache-2.0
// ULX3S by Radiona (v2.0 and later): pins, clock, reset. Constraints: ulx3s.lpf.
// The serial line is the USB connector US1. Button FIRE 1 resets the system.

module top_ulx3s (
  input  logic       clk_25mhz_i,
  input  logic       button_fire1_i,
  input  logic       ftdi_txd_i,     // from the host
  output logic       ftdi_rxd_o,     // to the host
  output logic [7:0] led_o,
  output logic       wifi_gpio0_o
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
    .rst_ni   (locked & ~button_fire1_i),
    .uart_rx_i(ftdi_txd_i),
    .uart_tx_o(ftdi_rxd_o),
    .leds_o   (leds)
  );

  assign led_o        = {5'b0, leds};
  assign wifi_gpio0_o = 1'b1;  // low would let the ESP32 start and take the board over

endmodule
