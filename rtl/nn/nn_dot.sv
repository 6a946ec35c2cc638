// SPDX-License-Identifier: Apache-2.0
// Four-lane dot product of the neural unit.
// Function: sum_o[k] = sum over the mode's products of weight and activation for output k; see rtl/README.md.
//           Each lane has four multipliers, of 8, 4, 2 and 2 weight bits; a mode uses the first one, two or four.
//           Lane 0 of every word is its most significant byte.
// Timing:   combinational; nn_unit adds the sums to its accumulators.
// Misuse:   en_i = 0 gives zeros (the operands are isolated, whatever they hold).
// Model:    tests/model/nn_model.c, equal for every input. Tests: tests/rtl/

module nn_dot (
  input  logic        en_i,
  input  logic [2:0]  mode_i,         // [1:0] nn_op_pkg::mode_e, [2] activations are signed
  input  logic [1:0]  index_i,        // next activation byte (8-bit mode), pair of bytes (4-bit mode)
  input  logic [31:0] weights_i,
  input  logic [31:0] activations_i,
  output logic [31:0] sum_o [4]
);

  nn_op_pkg::mode_e mode;
  logic signed [8:0] activation [4];  // by lane, with room for unsigned bytes

  assign mode = nn_op_pkg::mode_e'(mode_i[1:0]);

  always_comb begin
    for (int unsigned j = 0; j < 4; j++) begin
      activation[j] = {mode_i[2] & activations_i[31 - 8*j], activations_i[31 - 8*j -: 8]};
    end
  end

  for (genvar k = 0; k < 4; k++) begin : gen_lane
    logic signed [7:0] weight0;
    logic signed [3:0] weight1;
    logic signed [1:0] weight2, weight3;
    logic signed [8:0] factor0, factor1, factor2, factor3;
    logic signed [16:0] product0;
    logic signed [12:0] product1;
    logic signed [10:0] product2, product3;

    always_comb begin
      weight0  = '0;
      weight1  = '0;
      weight2  = '0;
      weight3  = '0;
      factor0  = activation[0];
      factor1  = activation[1];
      factor2  = activation[2];
      factor3  = activation[3];
      product0 = '0;
      product1 = '0;
      product2 = '0;
      product3 = '0;
      sum_o[k] = '0;

      if (en_i) begin
        unique case (mode)
          nn_op_pkg::Mode8Bit: begin
            weight0 = weights_i[31 - 8*k -: 8];
            factor0 = activation[index_i];
          end
          nn_op_pkg::ModeDepthwise: begin
            weight0 = weights_i[31 - 8*k -: 8];
            factor0 = activation[k];
          end
          nn_op_pkg::Mode4Bit: begin
            weight0 = 8'(signed'(weights_i[31 - 4*k -: 4]));
            weight1 = weights_i[15 - 4*k -: 4];
            factor0 = activation[{index_i[0], 1'b0}];
            factor1 = activation[{index_i[0], 1'b1}];
          end
          nn_op_pkg::Mode2Bit: begin
            weight0 = 8'(signed'(weights_i[31 - 2*k -: 2]));
            weight1 = 4'(signed'(weights_i[23 - 2*k -: 2]));
            weight2 = weights_i[15 - 2*k -: 2];
            weight3 = weights_i[7 - 2*k -: 2];
          end
          default: ;
        endcase

        product0 = weight0 * factor0;
        product1 = weight1 * factor1;
        product2 = weight2 * factor2;
        product3 = weight3 * factor3;
        sum_o[k] = 32'(product0) + 32'(product1) + 32'(product2) + 32'(product3);
      end
    end
  end

endmodule
