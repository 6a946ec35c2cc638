// SPDX-License-Identifier: Apache-2.0
// One lane of neur_res: scales an accumulator back to eight bits.
// Function: p = |acc| * multiplier (mod 2^32), R = shift ? 2^(shift-1) : 0,
//           q = acc >= 0 ? p + R : ~p + (R | 1), t = q >> shift (arithmetic),
//           result = relu ? clamp(t, 0, 255) : clamp(t, -128, 127).
//           Rounds half up for shift >= 2; with shift 1 a negative accumulator is not rounded.
// Timing:   combinational; nn_unit uses two of them for two cycles.
// Misuse:   en_i = 0 gives zero (the operands are isolated, whatever they hold).
// Model:    tests/model/nn_model.c, equal for every input. Tests: tests/rtl/

module nn_requantize (
  input  logic        en_i,
  input  logic [31:0] acc_i,
  input  logic [7:0]  multiplier_i,
  input  logic [4:0]  shift_i,
  input  logic        relu_i,
  output logic [7:0]  result_o
);

  logic        negative;
  logic [31:0] product, rounding, rounded;
  logic signed [31:0] shifted;

  always_comb begin
    negative = acc_i[31];
    product  = '0;
    rounding = '0;
    rounded  = '0;
    shifted  = '0;
    result_o = '0;

    if (en_i) begin
      product  = (negative ? -acc_i : acc_i) * 32'(multiplier_i);
      rounding = (32'd1 << shift_i) >> 1;
      rounded  = negative ? ~product + (rounding | 32'd1) : product + rounding;
      shifted  = signed'(rounded) >>> shift_i;

      if (relu_i) begin
        result_o = shifted[31]     ? 8'h00 :
                   |shifted[30:8]  ? 8'hff : shifted[7:0];
      end else begin
        result_o = (shifted[31] & ~&shifted[30:7]) ? 8'h80 :
                   (~shifted[31] & |shifted[30:7]) ? 8'h7f : shifted[7:0];
      end
    end
  end

endmodule
