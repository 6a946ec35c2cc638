// SPDX-License-Identifier: Apache-2.0
// The board's clock from its oscillator, with a PLL of the ECP5.
// Function: clk_o has ClockHz = OscillatorHz * Multiplier / Divider. Output CLKOP feeds back at the oscillator's rate,
//           output CLKOS is the clock, so that the phase detector runs at the full rate of the oscillator. clk2x_o has
//           twice the rate, from output CLKOS2; of its rising edges, every second one is one of clk_o: both outputs
//           start at the same cycle of the PLL's oscillator, as CPHASE is one less than the divider of each.
// Timing:   locked_o rises when clk_o is stable.
// Misuse:   a rate that no Multiplier and Divider give with the oscillator of the PLL between 400 and 800 MHz is an
//           error at elaboration.
// Source:   Lattice FPGA-DS-02012 (ECP5 data sheet), sysCLOCK PLL timing; FPGA-TN-02200.

module board_pll_ecp5 #(
  parameter int unsigned OscillatorHz = 25_000_000,
  parameter int unsigned ClockHz      = 25_000_000
) (
  input  logic clk_i,
  output logic clk_o,
  output logic clk2x_o,
  output logic locked_o
);

  // Greatest multiplier that fits
  localparam int unsigned Multiplier =
    board_pll_pkg::find_multiplier(OscillatorHz, ClockHz, 400_000_000, 800_000_000, 128, 1);
  localparam int unsigned Divider    = int'(longint'(OscillatorHz) * longint'(Multiplier) / longint'(ClockHz));

  if (Multiplier == 0) begin : gen_bad_rate
    $error("board_pll_ecp5: no setting of the PLL gives ClockHz");
  end

  logic feedback;

  EHXPLLL #(
    .CLKI_DIV      (1),
    .CLKFB_DIV     (1),
    .FEEDBK_PATH   ("CLKOP"),
    .CLKOP_ENABLE  ("ENABLED"),
    .CLKOP_DIV     (Multiplier),
    .CLKOP_CPHASE  (Multiplier - 1),
    .CLKOS_ENABLE  ("ENABLED"),
    .CLKOS_DIV     (Divider),
    .CLKOS_CPHASE  (Divider - 1),
    .CLKOS2_ENABLE ("ENABLED"),
    .CLKOS2_DIV    (Divider / 2),
    .CLKOS2_CPHASE (Divider / 2 - 1)
  ) u_pll (
    .CLKI        (clk_i),
    .CLKFB       (feedback),
    .CLKOP       (feedback),
    .CLKOS       (clk_o),
    .CLKOS2      (clk2x_o),
    .LOCK        (locked_o),
    .RST         (1'b0),
    .STDBY       (1'b0),
    .PHASESEL0   (1'b0),
    .PHASESEL1   (1'b0),
    .PHASEDIR    (1'b0),
    .PHASESTEP   (1'b0),
    .PHASELOADREG(1'b0),
    .PLLWAKESYNC (1'b0),
    .ENCLKOP     (1'b0),
    .ENCLKOS     (1'b0),
    .ENCLKOS2    (1'b0),
    .ENCLKOS3    (1'b0)
  );

endmodule
