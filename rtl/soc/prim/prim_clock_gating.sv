// SPDX-License-Identifier: Apache-2.0
// Clock gate that Ibex asks for, as a wire: the core is clocked while it sleeps.
// Ibex does the same things with and without the gate (it waits in its sleep state); cycle counters go on in sleep.
// A latch model costs half of the simulator's speed, and FPGAs have better means to save power.

module prim_clock_gating (
  input  logic clk_i,
  input  logic en_i,
  input  logic test_en_i,
  output logic clk_o
);

  logic unused_enables;

  assign unused_enables = en_i & test_en_i;
  assign clk_o          = clk_i;

endmodule
