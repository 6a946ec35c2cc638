// SPDX-License-Identifier: Apache-2.0
// One lane of neur_res: scales an accumulator back to eight bits, in two cycles.
// Function: p = |acc| * multiplier (mod 2^32), R = shift ? 2^(shift-1) : 0,
//           q = acc >= 0 ? p + R : ~p + (R | 1), t = q >> shift (arithmetic),
//           result = relu ? clamp(t, 0, 255) : clamp(t, -128, 127).
//           Rounds half up for shift >= 2; with shift 1 a negative accumulator is not rounded.
// Form:     ~p + 1 is acc * multiplier (mod 2^32) for acc < 0, so that q = acc * multiplier + R, where R = 0 too for
//           shift 1 and acc < 0. The product is made of two that fit an 18 x 18 multiplier. Of the shifted value only
//           eight bits are made; of the bits above them it is enough to know whether all are equal to the sign.
//           With MultiPump the two products are made by one multiplier, the upper one in the first half of the cycle.
// Timing:   load_i takes q, shift_i and relu_i at the end of the first cycle; result_o is there in the second one, in
//           which second_i is 1: nothing that comes late in a cycle has to pass the shifter. With MultiPump acc_i and multiplier_i are stable from
//           the start of a cycle of clk_i on; clk2x_i rises at the start of both its halves, and first_i is 1 in the
//           first one.
// Misuse:   second_i = 0 gives zero.
// Model:    tests/model/nn_model.c, equal for every input. Tests: tests/rtl/

module nn_requantize #(
  parameter bit MultiPump = 1'b0
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // For MultiPump
  input  logic        clk2x_i,
  input  logic        first_i,

  input  logic        load_i,
  input  logic        second_i,
  input  logic [31:0] acc_i,
  input  logic [7:0]  multiplier_i,
  input  logic [4:0]  shift_i,
  input  logic        relu_i,
  output logic [7:0]  result_o
);

  function automatic logic [31:0] rounding(logic negative, logic [4:0] shift);
    logic [31:0] half;
    for (int unsigned i = 0; i < 32; i++) begin
      half[i] = (shift == 5'(i + 1)) & (i < 31) & ~(negative & (i == 0));
    end
    return half;
  endfunction

  logic [24:0] low;   // product of acc[16:0]
  logic [14:0] high;  // product of acc[31:17], as far as it counts
  logic [31:0] q_q;
  logic [4:0]  shift_q;
  logic        relu_q;
  logic        sign;

  // What can still reach the result after the shift by 16, 8, 4, 2, 1. Public, or Verilator makes it in every cycle.
  logic [22:0] by16 /* verilator public_flat_rw */;
  logic [14:0] by8 /* verilator public_flat_rw */;
  logic [10:0] by4 /* verilator public_flat_rw */;
  logic [8:0]  by2 /* verilator public_flat_rw */;
  logic [7:0]  by1 /* verilator public_flat_rw */;
  logic [4:0]  lost /* verilator public_flat_rw */;  // a step has left out a bit that is not a copy of the sign

  if (MultiPump) begin : gen_pump
    logic [14:0] high_q;

    assign low  = 25'(first_i ? 17'(acc_i[31:17]) : acc_i[16:0]) * 25'(multiplier_i);
    assign high = high_q;

    always_ff @(posedge clk2x_i or negedge rst_ni) begin
      if (!rst_ni) begin
        high_q <= '0;
      end else if (first_i) begin
        high_q <= low[14:0];
      end
    end
  end else begin : gen_no_pump
    logic unused_pump;
    assign unused_pump = ^{clk2x_i, first_i};
    assign low         = 25'(acc_i[16:0]) * 25'(multiplier_i);
    assign high        = 15'(acc_i[31:17] * 15'(multiplier_i));
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      q_q     <= '0;
      shift_q <= '0;
      relu_q  <= 1'b0;
    end else if (load_i) begin
      shift_q <= shift_i;
      relu_q  <= relu_i;
      q_q     <= {15'(low[24:17]) + high, low[16:0]} + rounding(acc_i[31], shift_i);
    end
  end

  assign sign = q_q[31];

  always_comb begin
    by16     = '0;
    by8      = '0;
    by4      = '0;
    by2      = '0;
    by1      = '0;
    lost     = '0;
    result_o = '0;

    if (second_i) begin
      by16 = shift_q[4] ? {{7{sign}}, q_q[31:16]} : q_q[22:0];
      by8  = shift_q[3] ? by16[22:8]              : by16[14:0];
      by4  = shift_q[2] ? by8[14:4]               : by8[10:0];
      by2  = shift_q[1] ? by4[10:2]               : by4[8:0];
      by1  = shift_q[0] ? by2[8:1]                : by2[7:0];
      lost = {~shift_q[4] & (q_q[31:23]  != {9{sign}}),
              ~shift_q[3] & (by16[22:15] != {8{sign}}),
              ~shift_q[2] & (by8[14:11]  != {4{sign}}),
              ~shift_q[1] & (by4[10:9]   != {2{sign}}),
              ~shift_q[0] & (by2[8]      != sign)};

      if (relu_q) begin
        result_o = sign ? 8'h00 : |lost ? 8'hff : by1;
      end else begin
        result_o = (|lost | (by1[7] != sign)) ? {sign, {7{~sign}}} : by1;
      end
    end
  end

endmodule
