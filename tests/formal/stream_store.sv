// SPDX-License-Identifier: Apache-2.0
// nn_res_st in nn_unit, by induction from reset, with anything before, beside and after it.
// Function: the word of a store that does not wait is its bank, as it is in that cycle, scaled by the multipliers and shifts
//           as they are in that cycle. What was scaled before is remembered here with all that it was made of; the proof is
//           that none of it has changed since. The two partial products are taken as given, as for neur_res.
// Timing:   a store waits while loads are on their way, and then one cycle at most; not at all if it follows the store of the
//           bank before, or has been there without a wait in the cycle before.
// Assumed:  as in unit_step.

module stream_store #(
  parameter int unsigned Lane = 0
) (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        en_i,
  input logic        ready_i,
  input logic [1:0]  operator_i,
  input logic [31:0] rs1_i,
  input logic [31:0] rs2_i,
  input logic        load_issue_i,
  input logic [7:0]  load_op_i,
  input logic        resp_i,
  input logic        resp_ok_i,
  input logic [31:0] resp_rdata_i,
  input logic        serial_i,
  input logic        store_i,
  input logic [2:0]  store_bank_i,
  input logic        store_done_i,
  input logic [5:0]  csr_addr_i,
  input logic        csr_we_i,
  input logic [31:0] csr_wdata_i
);

  logic        stall;
  logic [31:0] result;

  nn_unit #(
    .Stream     (1'b1)
  ) u_unit (
    .clk_i,
    .clk2x_i    (1'b0),
    .rst_ni,
    .en_i,
    .ready_i,
    .operator_i (nn_op_pkg::op_e'(operator_i)),
    .rs1_i,
    .rs2_i,
    .valid_o    (),
    .result_o   (result),
    .load_issue_i,
    .load_op_i,
    .resp_i,
    .resp_ok_i,
    .resp_rdata_i,
    .serial_i,
    .store_i,
    .store_bank_i,
    .store_done_i,
    .stall_o    (stall),
    .csr_addr_i,
    .csr_we_i,
    .csr_wdata_i,
    .csr_rdata_o()
  );

  // Bank b as it is now
  logic        busy, scaled;
  logic [2:0]  scaled_bank, scale_bank;
  logic [31:0] multipliers, shifts;
  logic [31:0] store_value, scaled_value, scale_value;
  assign busy         = u_unit.gen_stream.busy;
  assign scaled       = u_unit.gen_stream.scaled_q;
  assign scaled_bank  = u_unit.gen_stream.scaled_bank_q;
  assign scale_bank   = u_unit.gen_stream.bank;
  assign multipliers  = u_unit.gen_stream.multipliers_q;
  assign shifts       = u_unit.gen_stream.shifts_q;
  assign store_value  = u_unit.gen_stream.started[store_bank_i] ?
                        u_unit.gen_stream.u_stream.gen_lane[Lane].acc_q[store_bank_i] : u_unit.acc_q[Lane];
  assign scaled_value = u_unit.gen_stream.started[scaled_bank] ?
                        u_unit.gen_stream.u_stream.gen_lane[Lane].acc_q[scaled_bank] : u_unit.acc_q[Lane];
  assign scale_value  = u_unit.gen_stream.started[scale_bank] ?
                        u_unit.gen_stream.u_stream.gen_lane[Lane].acc_q[scale_bank] : u_unit.acc_q[Lane];

  // The two partial products (checks `products` of unit_step: of these operands); their sum is acc * multiplier
  logic        scale;
  logic [24:0] low;
  logic [14:0] high;
  logic [31:0] sum, product;
  assign scale   = u_unit.gen_requantize[Lane].u_requantize.load_i & store_i;
  assign low     = u_unit.gen_requantize[Lane].u_requantize.low;
  assign high    = u_unit.gen_requantize[Lane].u_requantize.high;
  assign sum     = 32'(low) + {high, 17'b0};
  assign product = scale_value[31] ? -sum : sum;

  // What was scaled last
  logic [31:0] value_q, q_q;
  logic [7:0]  multiplier_q;
  logic [4:0]  shift_q;
  always_ff @(posedge clk_i) begin
    if (scale) begin
      value_q      <= scale_value;
      multiplier_q <= nn_spec::lane(multipliers, Lane);
      shift_q      <= nn_spec::shift(shifts, Lane);
      q_q          <= nn_spec::scaled(scale_value, product, nn_spec::shift(shifts, Lane));
    end
  end

  logic       past_q = 1'b0;
  logic       busy_q, store_q, store_done_q, stall_q;
  logic [2:0] store_bank_q;
  always_ff @(posedge clk_i) begin
    past_q       <= 1'b1;
    busy_q       <= busy;
    store_q      <= store_i & rst_ni;
    store_done_q <= store_done_i;
    stall_q      <= stall;
    store_bank_q <= store_bank_i;
  end

  always_comb begin
    assume (rst_ni == past_q);
    assume (!(en_i && csr_we_i));
    assume (!(store_i && (en_i || csr_we_i)) && (!store_done_i || store_i));
    assume (serial_i || !(en_i || csr_we_i || store_i));
    assume (!stall || !(en_i || csr_we_i || store_done_i));
    assume (!load_issue_i || !serial_i);

    if (rst_ni && scale) begin
      assert (u_unit.gen_requantize[Lane].u_requantize.acc_i == scale_value);
      assert (u_unit.gen_requantize[Lane].u_requantize.multiplier_i == nn_spec::lane(multipliers, Lane));
    end
    assert (!rst_ni || u_unit.gen_stream.next_bank_q == 3'(scaled_bank + 3'd1));
    if (scaled) begin
      assert (!busy || !store_i || stall);
      assert (busy || value_q == scaled_value);
      assert (multiplier_q == nn_spec::lane(multipliers, Lane) && shift_q == nn_spec::shift(shifts, Lane));
      assert (u_unit.gen_requantize[Lane].u_requantize.q_q == q_q);
      assert (u_unit.gen_requantize[Lane].u_requantize.shift_q == shift_q);
      assert (u_unit.gen_requantize[Lane].u_requantize.relu_q == shifts[0]);
    end
    if (rst_ni && store_i && !stall) begin
      assert (value_q == store_value);
      assert (multiplier_q == nn_spec::lane(multipliers, Lane) && shift_q == nn_spec::shift(shifts, Lane));
      assert (nn_spec::lane(result, Lane) == nn_spec::clamp(q_q, nn_spec::shift(shifts, Lane), shifts[0]));
    end

    // Who waits, and for how long
    if (rst_ni) begin
      assert (store_i || stall == (serial_i && busy));
      assert (!(store_i && busy) || stall);
      if (past_q && store_q && store_i && !busy_q && !store_done_q && store_bank_i == store_bank_q) begin
        assert (!stall);
      end
      if (past_q && store_q && store_i && store_done_q && store_bank_i == 3'(store_bank_q + 3'd1)) begin
        assert (!stall);
      end
    end
  end

endmodule
