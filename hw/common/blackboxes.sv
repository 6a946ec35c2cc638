// SPDX-License-Identifier: Apache-2.0
// Ports of the vendors' cells that the boards use, for Yosys' SystemVerilog front end, which takes no module on trust.
// Only what is connected stands here. Vivado and nextpnr know the cells themselves; models for simulation: tests/hw/.

(* blackbox *)
module EHXPLLL #(
  parameter int    CLKI_DIV     = 1,
  parameter int    CLKFB_DIV    = 1,
  parameter string FEEDBK_PATH  = "CLKOP",
  parameter string CLKOP_ENABLE = "ENABLED",
  parameter int    CLKOP_DIV    = 8,
  parameter int    CLKOP_CPHASE = 0,
  parameter string CLKOS_ENABLE = "DISABLED",
  parameter int    CLKOS_DIV    = 8,
  parameter int    CLKOS_CPHASE = 0,
  parameter string CLKOS2_ENABLE = "DISABLED",
  parameter int    CLKOS2_DIV    = 8,
  parameter int    CLKOS2_CPHASE = 0
) (
  input  logic CLKI, CLKFB, RST, STDBY, PLLWAKESYNC,
  input  logic PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG,
  input  logic ENCLKOP, ENCLKOS, ENCLKOS2, ENCLKOS3,
  output logic CLKOP, CLKOS, CLKOS2, LOCK
);
endmodule

(* blackbox *)
module PLLE2_BASE #(
  parameter int  CLKIN1_PERIOD  = 0,  // a real number in truth, which Yosys does not take
  parameter int  CLKFBOUT_MULT  = 5,
  parameter int  DIVCLK_DIVIDE  = 1,
  parameter int  CLKOUT0_DIVIDE = 1,
  parameter int  CLKOUT1_DIVIDE = 1
) (
  input  logic CLKIN1, CLKFBIN, PWRDWN, RST,
  output logic CLKFBOUT, CLKOUT0, CLKOUT1, LOCKED
);
endmodule

(* blackbox *)
module BUFG (
  input  logic I,
  output logic O
);
endmodule
