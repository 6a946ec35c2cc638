// SPDX-License-Identifier: Apache-2.0
// The widths of the products of eight bits: 16 bits of signed operands hold the product of every weight and activation.

module product_lemma (
  input logic [31:0] weights_i,
  input logic [31:0] activations_i,
  input logic        signed_i
);

  logic signed [7:0]  weight;
  logic signed [8:0]  factor;
  logic signed [15:0] product;
  assign weight  = weights_i[31:24];
  assign factor  = {signed_i & activations_i[31], activations_i[31:24]};
  assign product = 16'(weight) * 16'(factor);

  always_comb begin
    assert (32'(product) == nn_spec::sext8(nn_spec::lane(weights_i, 0)) *
                            nn_spec::activation({signed_i, 2'b0}, activations_i, 0));
  end

endmodule
