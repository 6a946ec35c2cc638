// SPDX-License-Identifier: Apache-2.0
// Four-lane dot product of the neural unit.
// Function: narrow_o[k] + carry_o[k] + wide_o[k] = sum over the mode's products of weight and activation for output k;
//           see rtl/README.md. Each lane has two multipliers, of 8 and 4 weight bits; a mode uses the first one or both.
//           The other two products of the mode of 2 bits are made without: 0, a, ~a + 1 or ~2a + 1.
//           With MultiPump the two multipliers make these in the first half of the cycle, and what stands for them otherwise
//           is not there. Lane 0 of every word is its most significant byte.
// Form:     the widths are those that the sums need, for every weight and activation; no sum is as wide as its
//           terms would allow, so that Yosys leaves the adders apart: carry-save adders would be larger.
// Timing:   combinational; nn_unit adds narrow_o, which comes early, then wide_o to its accumulators. With MultiPump the
//           inputs are stable from the start of a cycle of clk_i on, and the sums are there in its second half; clk2x_i
//           rises at the start of both halves, and first_i is 1 in the first one.
// Misuse:   the sums have no meaning while en_i is 0.
// Model:    tests/model/nn_model.c, equal for every input. Tests: tests/rtl/

module nn_dot #(
  parameter bit MultiPump = 1'b0
) (
  // For MultiPump
  input  logic        clk2x_i,
  input  logic        rst_ni,
  input  logic        first_i,

  input  logic        en_i,
  input  logic [2:0]  mode_i,         // [1:0] nn_op_pkg::mode_e, [2] activations are signed
  input  logic [1:0]  index_i,        // next activation byte (8-bit mode), pair of bytes (4-bit mode)
  input  logic [31:0] weights_i,
  input  logic [31:0] activations_i,
  output logic [10:0] narrow_o [4],
  output logic [3:0]  carry_o,
  output logic [15:0] wide_o [4]
);

  nn_op_pkg::mode_e  mode;
  logic              compute;
  logic              depthwise, two_bit;
  logic signed [8:0] activation [4];  // by lane, with room for unsigned bytes
  logic [1:0]        first;           // activation of the first multiplier
  logic signed [8:0] shared1;         // activation of the second multiplier

  // A simulator need not compute what nobody uses; in hardware the gates would stand in the longest path
`ifdef VERILATOR
  assign compute = en_i;
`else
  logic unused_en;
  assign unused_en = en_i;
  assign compute   = 1'b1;
`endif

  assign mode      = nn_op_pkg::mode_e'(mode_i[1:0]);
  assign depthwise = mode == nn_op_pkg::ModeDepthwise;
  assign two_bit   = mode == nn_op_pkg::Mode2Bit;

  always_comb begin
    for (int unsigned j = 0; j < 4; j++) begin
      activation[j] = {mode_i[2] & activations_i[31 - 8*j], activations_i[31 - 8*j -: 8]};
    end
  end

  always_comb begin
    first = index_i;
    if (mode == nn_op_pkg::Mode4Bit) begin
      first = {index_i[0], 1'b0};
    end else if (two_bit) begin
      first = 2'd0;
    end
    shared1 = (two_bit | ~index_i[0]) ? activation[1] : activation[3];
  end

  // weight x activation, less 1 where the weight is negative
  function automatic logic signed [10:0] two_bit_term(logic [1:0] weight, logic signed [8:0] a);
    unique case (weight)
      2'b00:   return '0;
      2'b01:   return 11'(a);
      2'b11:   return ~11'(a);
      default: return ~{a[8], a, 1'b0};
    endcase
  endfunction

  for (genvar k = 0; k < 4; k++) begin : gen_lane
    logic signed [7:0]  weight0;
    logic signed [3:0]  weight1;
    logic signed [1:0]  weight2, weight3;
    logic signed [8:0]  factor0;
    logic signed [15:0] product0;
    logic signed [11:0] product1;
    logic signed [10:0] term2, term3;  // products 2 and 3 without their carries, the weights' sign bits
    logic signed [15:0] pair01;  // of products 0 and 1: fits, as 8-bit weights come alone
    logic signed [10:0] pair23;  // of products 2 and 3: fits, as neither is more than 510 in size
    logic signed [10:0] pair23_q;

    if (MultiPump) begin : gen_first_half
      always_ff @(posedge clk2x_i or negedge rst_ni) begin
        if (!rst_ni) begin
          pair23_q <= '0;
        end else if (first_i) begin
          pair23_q <= 11'(pair01);
        end
      end
    end else begin : gen_no_first_half
      logic unused_pump;
      assign unused_pump = ^{clk2x_i, rst_ni, first_i};
      assign pair23_q    = '0;
    end

    always_comb begin
      weight0  = '0;
      weight1  = '0;
      weight2  = '0;
      weight3  = '0;
      factor0  = '0;
      product0 = '0;
      product1 = '0;
      term2    = '0;
      term3    = '0;
      pair01   = '0;
      pair23   = '0;
      carry_o[k] = 1'b0;

      if (compute) begin
        unique case (mode)
          nn_op_pkg::Mode8Bit, nn_op_pkg::ModeDepthwise: begin
            weight0 = weights_i[31 - 8*k -: 8];
          end
          nn_op_pkg::Mode4Bit: begin
            weight0 = 8'(signed'(weights_i[31 - 4*k -: 4]));
            weight1 = weights_i[15 - 4*k -: 4];
          end
          nn_op_pkg::Mode2Bit: begin
            weight0 = 8'(signed'(weights_i[31 - 2*k -: 2]));
            weight1 = 4'(signed'(weights_i[23 - 2*k -: 2]));
            weight2 = weights_i[15 - 2*k -: 2];
            weight3 = weights_i[7 - 2*k -: 2];
          end
          default: ;
        endcase

        factor0  = activation[depthwise ? 2'(k) : first];
        if (MultiPump) begin
          product0 = 16'(first_i ? 8'(weight2) : weight0) * 16'(first_i ? activation[2] : factor0);
          product1 = 12'(first_i ? 4'(weight3) : weight1) * 12'(first_i ? activation[3] : shared1);
          pair23   = pair23_q;
        end else begin
          product0 = 16'(weight0) * 16'(factor0);
          product1 = 12'(weight1) * 12'(shared1);
          term2    = two_bit_term(weight2, activation[2]);
          term3    = two_bit_term(weight3, activation[3]);
          pair23   = 11'(({term2, weight2[1]} + {term3, weight2[1]}) >> 1);
          carry_o[k] = weight3[1];
        end
        pair01   = product0 + 16'(product1);
      end
    end

    assign narrow_o[k] = pair23;
    assign wide_o[k]   = pair01;
  end

endmodule
