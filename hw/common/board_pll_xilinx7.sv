// SPDX-License-Identifier: Apache-2.0
// The board's clock from its oscillator, with a PLL of the Xilinx 7 series.
// Function: clk_o has ClockHz = OscillatorHz * Multiplier / Divider, clk2x_o twice of it; each rising edge of clk_o is one
//           of clk2x_o.
// Timing:   locked_o rises when clk_o is stable.
// Misuse:   an oscillator whose period is not a whole number of nanoseconds, and a rate that no Multiplier and Divider
//           give with the oscillator of the PLL between 800 and 1600 MHz, are errors at elaboration.
// Source:   Xilinx DS181 (Artix-7 data sheet), PLL switching characteristics; UG472.

module board_pll_xilinx7 #(
  parameter int unsigned OscillatorHz = 100_000_000,
  parameter int unsigned ClockHz      = 50_000_000
) (
  input  logic clk_i,
  output logic clk_o,
  output logic clk2x_o,
  output logic locked_o
);

  // Smallest multiplier that fits
  localparam int unsigned Multiplier =
    board_pll_pkg::find_multiplier(OscillatorHz, ClockHz, 800_000_000, 1_600_000_000, 2, 64);
  localparam int unsigned Divider    = int'(longint'(OscillatorHz) * longint'(Multiplier) / longint'(ClockHz));

  if (Multiplier == 0 || 1_000_000_000 % OscillatorHz != 0) begin : gen_bad_rate
    $error("board_pll_xilinx7: no setting of the PLL gives ClockHz");
  end

  logic feedback, clk, clk2x;

  PLLE2_BASE #(
    .CLKIN1_PERIOD (1_000_000_000 / OscillatorHz),  // ns
    .CLKFBOUT_MULT (Multiplier),
    .DIVCLK_DIVIDE (1),
    .CLKOUT0_DIVIDE(Divider),
    .CLKOUT1_DIVIDE(Divider / 2)
  ) u_pll (
    .CLKIN1  (clk_i),
    .CLKFBIN (feedback),
    .CLKFBOUT(feedback),
    .CLKOUT0 (clk),
    .CLKOUT1 (clk2x),
    .LOCKED  (locked_o),
    .PWRDWN  (1'b0),
    .RST     (1'b0)
  );

  BUFG u_buffer (
    .I(clk),
    .O(clk_o)
  );

  BUFG u_buffer2x (
    .I(clk2x),
    .O(clk2x_o)
  );

endmodule
