// SPDX-License-Identifier: Apache-2.0
// The two ways to multiply in neur_res: |acc| * m by its definition, and the two partial products of nn_requantize.
// Function: a product is the sum of a shifted operand for each bit of the multiplier, and so it grows bit by bit, here by
//           one bit in a cycle. After any number of bits, low + 2^17 high is acc * m (mod 2^32), and |acc| * m is that, or
//           its negative for acc < 0. Proved by induction over the bits, for every acc and every m.

module scale_lemma (
  input logic        clk_i,
  input logic        bit_i,   // next bit of m, from the least significant one on
  input logic [31:0] acc_i
);

  logic [31:0] acc_q;              // constant after the start
  logic        started_q = 1'b0;
  logic [3:0]  bits_q;
  logic [31:0] magnitude;
  logic [31:0] full_q;             // |acc| * m
  logic [24:0] low_q;              // acc[16:0] * m
  logic [14:0] high_q;             // acc[31:17] * m (mod 2^15)
  logic [31:0] sum;

  assign magnitude = nn_spec::magnitude(acc_q);
  assign sum       = {15'(low_q[24:17]) + high_q, low_q[16:0]};

  always_ff @(posedge clk_i) begin
    started_q <= 1'b1;
    if (!started_q) begin
      acc_q  <= acc_i;
      bits_q <= '0;
      full_q <= '0;
      low_q  <= '0;
      high_q <= '0;
    end else if (bits_q < 8) begin
      bits_q <= bits_q + 4'd1;
      if (bit_i) begin
        full_q <= full_q + (magnitude << bits_q);
        low_q  <= low_q + (25'(acc_q[16:0]) << bits_q);
        high_q <= high_q + (acc_q[31:17] << bits_q);
      end
    end
  end

  always_comb begin
    if (started_q) begin
      assert (full_q == (acc_q[31] ? -sum : sum));
      assert (sum == 32'(low_q) + {high_q, 17'b0});
      assert (26'(low_q) < 26'd1 << (5'd17 + 5'(bits_q)));  // no carry is lost
      assert (bits_q <= 8);
    end
  end

endmodule
