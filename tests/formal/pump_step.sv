// SPDX-License-Identifier: Apache-2.0
// One cycle of nn_unit with MultiPump beside one without, from any state and with any inputs.
// Function: a cycle has two halves, and clk2x_i rises at the end of both. u_first stands in the first half and u_second in
//           the second one of the same cycle: same inputs, same state of clk_i, which does not change in between; what the
//           registers of clk2x_i take at the end of the first half is what u_second has in the second half. u_single is the
//           unit without MultiPump in the same cycle. After it, the states of clk_i must be equal, and the registers that
//           tell the halves apart must be as in the step before.
//           In the proof the three make their steps at once; an assumption in step 1 then says what u_second's registers of
//           clk2x_i were in step 0.
// Products: taken as given (the check Products: equal by structure). Products of equal operands are equal; for all operand
//           pairs that one unit multiplies and the other does too, the check Operands says that they are.

module pump_step #(
  parameter int unsigned Check = 0,  // see proofs.tsv
  parameter int unsigned Lane  = 0
) (
  input logic        clk_i,
  input logic        en_i,
  input logic        ready_i,
  input logic [1:0]  operator_i,
  input logic [31:0] rs1_i,
  input logic [31:0] rs2_i,
  input logic [5:0]  csr_addr_i,
  input logic        csr_we_i,
  input logic [31:0] csr_wdata_i
);

  localparam int unsigned CheckState = 0, CheckOperands = 1, CheckProducts = 2;

  // [0] u_first, [1] u_second, [2] u_single
  logic        valid [3];
  logic [31:0] result [3];
  logic [31:0] csr_rdata [3];

  for (genvar u = 0; u < 3; u++) begin : gen
    nn_unit #(
      .MultiPump  (u != 2)
    ) u_unit (
      .clk_i,
      .clk2x_i    (clk_i),
      .rst_ni     (1'b1),
      .en_i,
      .ready_i,
      .operator_i (nn_op_pkg::op_e'(operator_i)),
      .rs1_i,
      .rs2_i,
      .valid_o    (valid[u]),
      .result_o   (result[u]),
      .load_issue_i(1'b0),
      .load_op_i  (8'b0),
      .resp_i     (1'b0),
      .resp_ok_i  (1'b0),
      .resp_rdata_i(32'b0),
      .serial_i   (1'b0),
      .store_i    (1'b0),
      .store_bank_i(3'b0),
      .store_done_i(1'b0),
      .stall_o    (),
      .csr_addr_i,
      .csr_we_i,
      .csr_wdata_i,
      .csr_rdata_o(csr_rdata[u])
    );
  end

  logic past_q = 1'b0;  // the step has been made
  always_ff @(posedge clk_i) begin
    past_q <= 1'b1;
  end

  // State of clk_i, without what has no meaning: q_q while second_q is 0
  logic [134:0] state [3];
  logic [37:0]  q [3];
  for (genvar u = 0; u < 3; u++) begin : gen_state
    assign state[u] = {gen[u].u_unit.acc_q[0], gen[u].u_unit.acc_q[1], gen[u].u_unit.acc_q[2], gen[u].u_unit.acc_q[3],
                       gen[u].u_unit.mode_q, gen[u].u_unit.index_q, gen[u].u_unit.second_q, 1'b0};
    assign q[u]     = {gen[u].u_unit.gen_requantize[Lane].u_requantize.q_q,
                       gen[u].u_unit.gen_requantize[Lane].u_requantize.shift_q,
                       gen[u].u_unit.gen_requantize[Lane].u_requantize.relu_q};
  end

  // The two registers that follow the toggle, as they are in each half
  function automatic logic in_first(logic first, logic sampled, logic toggle);
    return first & (sampled != toggle);
  endfunction
  function automatic logic in_second(logic first, logic sampled, logic toggle);
    return ~first & (sampled == toggle);
  endfunction

  logic was_second_q;
  always_ff @(posedge clk_i) begin
    was_second_q <= in_second(gen[1].u_unit.gen_pump.first_q, gen[1].u_unit.gen_pump.sampled_q,
                              gen[1].u_unit.gen_pump.toggle_q);
  end

  always_comb begin
    assume (!(en_i && csr_we_i));
    if (!past_q) begin
      assume (in_first(gen[0].u_unit.gen_pump.first_q, gen[0].u_unit.gen_pump.sampled_q, gen[0].u_unit.gen_pump.toggle_q));
      assume (state[0] == state[2] && state[1] == state[2] && q[1] == q[2]);
      assume (gen[0].u_unit.gen_pump.toggle_q == gen[1].u_unit.gen_pump.toggle_q);
    end
  end

  // u_second's registers of clk2x_i in step 0 are those that u_first has after it; of the sums, those of lane Lane
  logic [91:0] clk2x_state [2], second_clk2x_q;
  for (genvar u = 0; u < 2; u++) begin : gen_clk2x_state
    assign clk2x_state[u] = {gen[u].u_unit.gen_pump.first_q, gen[u].u_unit.gen_pump.sampled_q,
                             gen[u].u_unit.gen_pump.gen_bias[0].odd_q, gen[u].u_unit.gen_pump.gen_bias[1].odd_q,
                             gen[u].u_unit.u_dot.gen_lane[Lane].pair23_q,
                             gen[u].u_unit.gen_requantize[Lane].u_requantize.gen_pump.high_q};
  end
  always_ff @(posedge clk_i) begin
    second_clk2x_q <= clk2x_state[1];
  end
  always_comb begin
    if (past_q) begin
      assume (second_clk2x_q == clk2x_state[0]);
    end
  end

  // Operands and products of lane Lane in the three units, and those of u_first in its own half
  logic signed [7:0]  w0 [3];
  logic signed [3:0]  w1 [3];
  logic signed [1:0]  w2 [3], w3 [3];
  logic signed [8:0]  f0 [3], f1 [3], f2 [3], f3 [3];
  logic signed [15:0] p0 [3];
  logic signed [11:0] p1 [3];
  logic        [24:0] low [3];
  logic        [31:0] acc [3];
  logic        [7:0]  multiplier [3];
  for (genvar u = 0; u < 3; u++) begin : gen_nets
    assign w0[u]         = gen[u].u_unit.u_dot.gen_lane[Lane].weight0;
    assign w1[u]         = gen[u].u_unit.u_dot.gen_lane[Lane].weight1;
    assign w2[u]         = gen[u].u_unit.u_dot.gen_lane[Lane].weight2;
    assign w3[u]         = gen[u].u_unit.u_dot.gen_lane[Lane].weight3;
    assign f0[u]         = gen[u].u_unit.u_dot.gen_lane[Lane].factor0;
    assign f1[u]         = gen[u].u_unit.u_dot.shared1;
    assign f2[u]         = gen[u].u_unit.u_dot.activation[2];
    assign f3[u]         = gen[u].u_unit.u_dot.activation[3];
    assign p0[u]         = gen[u].u_unit.u_dot.gen_lane[Lane].product0;
    assign p1[u]         = gen[u].u_unit.u_dot.gen_lane[Lane].product1;
    assign low[u]        = gen[u].u_unit.gen_requantize[Lane].u_requantize.low;
    assign acc[u]        = gen[u].u_unit.gen_requantize[Lane].u_requantize.acc_i;
    assign multiplier[u] = gen[u].u_unit.gen_requantize[Lane].u_requantize.multiplier_i;
  end
  logic        [24:0] single_low;
  logic        [14:0] single_high;
  logic signed [10:0] p2, p3;
  assign single_low  = low[2];
  assign single_high = gen[2].u_unit.gen_requantize[Lane].u_requantize.high;
  assign p2          = gen[2].u_unit.u_dot.gen_lane[Lane].term2 + 11'(w2[2][1]);
  assign p3          = gen[2].u_unit.u_dot.gen_lane[Lane].term3 + 11'(w3[2][1]);

  if (Check == CheckState) begin : gen_state_check
    always_comb begin
      // Products of operands that CheckOperands has found equal
      assume (past_q || (p0[0] == 16'(p2) && p1[0] == 12'(p3) && p0[1] == p0[2] && p1[1] == p1[2]));
      assume (past_q || (low[0][14:0] == single_high && low[1] == single_low));
      if (!past_q) begin
        assert (valid[1] == valid[2] && csr_rdata[1] == csr_rdata[2]);
        assert (result[1][31 - 8*Lane -: 8] == result[2][31 - 8*Lane -: 8]);
      end else begin
        assert (was_second_q);
        assert (in_first(gen[1].u_unit.gen_pump.first_q, gen[1].u_unit.gen_pump.sampled_q, gen[1].u_unit.gen_pump.toggle_q));
        assert (gen[1].u_unit.acc_q[Lane] == gen[2].u_unit.acc_q[Lane]);
        assert (state[1][6:0] == state[2][6:0]);
        assert (q[1] == q[2]);
      end
    end
  end

  if (Check == CheckOperands) begin : gen_operands_check
    always_comb begin
      if (!past_q) begin
        assert (w2[0] == w2[2] && w3[0] == w3[2] && f2[0] == f2[2] && f3[0] == f3[2]);
        assert (w0[1] == w0[2] && w1[1] == w1[2] && f0[1] == f0[2] && f1[1] == f1[2]);
        assert (acc[0] == acc[2] && multiplier[0] == multiplier[2] && acc[1] == acc[2] && multiplier[1] == multiplier[2]);
      end
    end
  end

  if (Check == CheckProducts) begin : gen_products_check
    for (genvar u = 0; u < 2; u++) begin : gen_pumped
      logic first;
      assign first = gen[u].u_unit.first;
      always_comb begin
        if (operator_i == 2'd1) begin
          assert (p0[u] == 16'(first ? 8'(w2[u]) : w0[u]) * 16'(first ? f2[u] : f0[u]));
          assert (p1[u] == 12'(first ? 4'(w3[u]) : w1[u]) * 12'(first ? f3[u] : f1[u]));
        end
        assert (low[u] == 25'(first ? 17'(acc[u][31:17]) : acc[u][16:0]) * 25'(multiplier[u]));
      end
    end
    always_comb begin
      if (operator_i == 2'd1) begin
        assert (p0[2] == 16'(w0[2]) * 16'(f0[2]) && p1[2] == 12'(w1[2]) * 12'(f1[2]));
        assert (p2 == 11'(w2[2]) * 11'(f2[2]) && p3 == 11'(w3[2]) * 11'(f3[2]));
      end
      assert (single_low == 25'(acc[2][16:0]) * 25'(multiplier[2]));
      assert (single_high == 15'(acc[2][31:17] * 15'(multiplier[2])));
    end
  end

endmodule
