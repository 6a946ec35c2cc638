// SPDX-License-Identifier: Apache-2.0
// One cycle of nn_unit from any state, with any inputs, against nn_spec.
// Function: the next state is computed from the unit's present state by nn_spec, and compared after the clock edge. The
//           state at the start is free, and so the proof of one step is a proof for every state that can ever be reached.
// Stream:   with the instructions of version 2 the same holds whatever of them is on its way: they are free, apart from what
//           the core does (flush.sv): nothing that is told to wait executes.
// Form:     each check stands in a branch of `Check`, so that a solver sees the logic of one at a time.

module unit_step #(
  parameter int unsigned Check = 0,  // see proofs.tsv
  parameter int unsigned Lane  = 0,
  parameter int unsigned Mode  = 0,
  parameter bit          Stream = 1'b0
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

  localparam int unsigned CheckReset = 0, CheckInit = 1, CheckMac = 2, CheckMac8 = 3, CheckKeep = 4, CheckCsr = 5,
                          CheckRes = 6, CheckProducts = 7, CheckHandshake = 8, CheckStreamCsr = 9;

  logic        valid, stall;
  logic [31:0] result, csr_rdata;

  nn_unit #(
    .Stream     (Stream)
  ) u_unit (
    .clk_i,
    .clk2x_i    (1'b0),
    .rst_ni,
    .en_i,
    .ready_i,
    .operator_i (nn_op_pkg::op_e'(operator_i)),
    .rs1_i,
    .rs2_i,
    .valid_o    (valid),
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
    .csr_rdata_o(csr_rdata)
  );

  // Present state
  logic [31:0] acc [4];
  logic [2:0]  mode;
  logic [1:0]  index;
  assign acc   = u_unit.acc_q;
  assign mode  = u_unit.mode_q;
  assign index = u_unit.index_q;

  // The same, one cycle ago, and the inputs of that cycle
  logic        past_q = 1'b0;
  logic        was_reset_q, en_q, ready_q, csr_we_q, valid_q;
  logic [1:0]  operator_q;
  logic [31:0] rs1_q, rs2_q, csr_wdata_q;
  logic [5:0]  csr_addr_q;
  logic [31:0] acc_q [4];
  logic [2:0]  mode_q;
  logic [1:0]  index_q;

  always_ff @(posedge clk_i) begin
    past_q      <= 1'b1;
    was_reset_q <= ~rst_ni;
    en_q        <= en_i;
    ready_q     <= ready_i;
    operator_q  <= operator_i;
    valid_q     <= valid;
    rs1_q       <= rs1_i;
    rs2_q       <= rs2_i;
    csr_addr_q  <= csr_addr_i;
    csr_we_q    <= csr_we_i;
    csr_wdata_q <= csr_wdata_i;
    acc_q       <= acc;
    mode_q      <= mode;
    index_q     <= index;
  end

  // One instruction at a time: one of the unit, a CSR instruction or nn_res_st, and none that has to wait
  always_comb begin
    assume (!(en_i && csr_we_i));
    if (Stream) begin
      assume (!(store_i && (en_i || csr_we_i)) && (!store_done_i || store_i));
      assume (serial_i || !(en_i || csr_we_i || store_i));
      assume (!stall || !(en_i || csr_we_i || store_done_i));
      assume (!load_issue_i || !serial_i);
    end
  end

  logic retired;  // an instruction of the unit was executed to its end
  assign retired = past_q & ~was_reset_q & rst_ni & en_q & valid_q & ready_q;

  if (Check == CheckReset) begin : gen_reset
    always_comb begin
      if (!rst_ni) begin
        assert (acc[0] == 0 && acc[1] == 0 && acc[2] == 0 && acc[3] == 0 && mode == 0 && index == 0);
        assert (!u_unit.second_q);
      end
    end
  end

  if (Check == CheckInit) begin : gen_init
    always_comb begin
      if (retired && operator_q == 2'd0) begin
        for (int unsigned k = 0; k < 4; k++) begin
          assert (acc[k] == nn_spec::init(rs1_q, rs2_q, k));
        end
        assert (mode == rs2_q[2:0] && index == 0);
      end
    end
  end

  if (Check == CheckMac) begin : gen_mac
    always_comb begin
      assume (past_q || mode[1:0] == 2'(Mode));
      if (retired && operator_q == 2'd1) begin
        assert (acc[Lane] == acc_q[Lane] + nn_spec::mac({mode_q[2], 2'(Mode)}, index_q, rs1_q, rs2_q, Lane));
        assert (mode == mode_q && index == 2'(index_q + 2'd1));
      end
    end
  end

  // Modes of 8 bits: the products are taken as given (CheckProducts), and the second one has to be zero
  logic signed [7:0]  weight;
  logic signed [8:0]  factor;
  logic signed [15:0] product;
  assign weight  = u_unit.u_dot.gen_lane[Lane].weight0;
  assign factor  = u_unit.u_dot.gen_lane[Lane].factor0;
  assign product = u_unit.u_dot.gen_lane[Lane].product0;

  if (Check == CheckMac8) begin : gen_mac8
    logic signed [15:0] product_q;
    always_ff @(posedge clk_i) product_q <= product;

    always_comb begin
      assume (u_unit.u_dot.gen_lane[Lane].product1 == 0 || u_unit.u_dot.gen_lane[Lane].weight1 != 0);
      if (operator_i == 2'd1 && mode[1] == 0) begin
        assert (32'(weight) == nn_spec::sext8(nn_spec::lane(rs1_i, Lane)));
        assert (32'(factor) == nn_spec::activation(mode, rs2_i, mode[0] ? Lane : 32'(index)));
      end
      if (retired && operator_q == 2'd1 && mode_q[1] == 0) begin
        assert (acc[Lane] == acc_q[Lane] + 32'(product_q));
        assert (mode == mode_q && index == 2'(index_q + 2'd1));
      end
    end
  end

  // The products that other checks take as given are products of these operands: equal by structure
  if (Check == CheckProducts) begin : gen_products
    logic [31:0] acc_k;
    logic [7:0]  multiplier;
    assign acc_k      = u_unit.gen_requantize[Lane].u_requantize.acc_i;
    assign multiplier = u_unit.gen_requantize[Lane].u_requantize.multiplier_i;

    always_comb begin
      if (operator_i == 2'd1) begin
        assert (product == 16'(weight) * 16'(factor));
      end
      assert (u_unit.gen_requantize[Lane].u_requantize.low == 25'(acc_k[16:0]) * 25'(multiplier));
      assert (u_unit.gen_requantize[Lane].u_requantize.high == 15'(acc_k[31:17] * 15'(multiplier)));
      assert ((Stream && store_i) || (acc_k == acc[Lane] && multiplier == nn_spec::lane(rs1_i, Lane)));  // else stream_store
    end
  end

  // valid_o marks the first cycle of every operator but neur_res, and of that the second one without a gap
  if (Check == CheckHandshake) begin : gen_handshake
    always_comb begin
      assert (operator_i == 2'd2 || valid);
      if (past_q && !was_reset_q && rst_ni && operator_i == 2'd2) begin
        assert (valid == (en_q && operator_q == 2'd2 && !(valid_q && ready_q)));
      end
      if (past_q && was_reset_q && operator_i == 2'd2) begin
        assert (!valid);
      end
    end
  end

  // Held, stalled, killed: nothing changes; nor does it by neur_res and the operator that does not exist
  if (Check == CheckKeep) begin : gen_keep
    always_comb begin
      if (past_q && !was_reset_q && rst_ni && !csr_we_q && !(en_q && ready_q && operator_q[1] == 0)) begin
        assert (acc[0] == acc_q[0] && acc[1] == acc_q[1] && acc[2] == acc_q[2] && acc[3] == acc_q[3]);
        assert (mode == mode_q && index == index_q);
      end
    end
  end

  if (Check == CheckCsr) begin : gen_csr
    always_comb begin
      if (csr_addr_i >= 8 && csr_addr_i < 12) begin
        assert (csr_rdata == acc[csr_addr_i[1:0]]);
      end else if (csr_addr_i == 12) begin
        assert (csr_rdata == {27'b0, index, mode});
      end else if (!Stream) begin
        assert (csr_rdata == 0);
      end
      if (past_q && !was_reset_q && rst_ni && csr_we_q) begin
        for (int unsigned k = 0; k < 4; k++) begin
          assert (acc[k] == (csr_addr_q == 6'(8 + k) ? csr_wdata_q : acc_q[k]));
        end
        assert ({index, mode} == (csr_addr_q == 12 ? csr_wdata_q[4:0] : {index_q, mode_q}));
      end
    end
  end

  // The CSRs of version 2. While loads are on their way nobody reads them; numbers 16 to 31 are no CSRs.
  if (Check == CheckStreamCsr) begin : gen_stream_csr
    logic        busy, multiply;
    logic [7:0]  started, started_q;
    logic [2:0]  multiply_bank;
    logic [31:0] multipliers, multipliers_q, shifts, shifts_q;
    logic [31:0] bank_acc [4];
    logic        step;
    logic [7:0]  loaded_q;
    assign busy          = u_unit.gen_stream.u_stream.busy_o;
    assign multiply      = u_unit.gen_stream.u_stream.mac_q;
    assign multiply_bank = u_unit.gen_stream.u_stream.mac_bank_q;
    assign started       = u_unit.gen_stream.u_stream.started_q;
    assign multipliers   = u_unit.gen_stream.multipliers_q;
    assign shifts        = u_unit.gen_stream.shifts_q;
    for (genvar k = 0; k < 4; k++) begin : gen_banks
      assign bank_acc[k] = started[csr_addr_i[4:2]] ?
                           u_unit.gen_stream.u_stream.gen_lane[k].acc_q[csr_addr_i[4:2]] : acc[k];
    end
    assign step = past_q & ~was_reset_q & rst_ni;

    always_ff @(posedge clk_i) begin
      started_q     <= started;
      multipliers_q <= multipliers;
      shifts_q      <= shifts;
      loaded_q      <= multiply ? 8'd1 << multiply_bank : 8'd0;
    end

    always_comb begin
      assume (csr_addr_i < 16 || csr_addr_i >= 32);
      if (!rst_ni) begin
        assert (started == 0 && multipliers == 0 && shifts == 0 && !busy && !u_unit.gen_stream.scaled_q);
      end
      if (!busy && !store_i) begin
        assert (csr_addr_i != 13 || csr_rdata == {24'b0, started});
        assert (csr_addr_i != 14 || csr_rdata == multipliers);
        assert (csr_addr_i != 15 || csr_rdata == shifts);
        assert (csr_addr_i < 32 || csr_rdata == bank_acc[csr_addr_i[1:0]]);
      end
      if (step) begin
        assert (multipliers == (csr_we_q && csr_addr_q == 14 ? csr_wdata_q : multipliers_q));
        assert (shifts == (csr_we_q && csr_addr_q == 15 ? csr_wdata_q & nn_spec::shift_bits() : shifts_q));
        assert (started == (csr_we_q && csr_addr_q == 13 ? csr_wdata_q[7:0] :
                retired && operator_q == 2'd0 ? 8'd0 : started_q | loaded_q));
      end
    end
  end

  // neur_res: its result comes in the second cycle in which it executes without a gap, and in the following ones if it is
  // held; until then it stays what it is
  if (Check == CheckRes) begin : gen_res
    // The two partial products are taken as given (CheckProducts); their sum is acc * multiplier (scale_lemma)
    logic [24:0] low;
    logic [14:0] high;
    logic [31:0] sum, magnitude_product, q_q;
    assign low               = u_unit.gen_requantize[Lane].u_requantize.low;
    assign high              = u_unit.gen_requantize[Lane].u_requantize.high;
    assign sum               = 32'(low) + {high, 17'b0};
    assign magnitude_product = acc[Lane][31] ? -sum : sum;
    logic        going_on;  // neur_res was there in the cycle before, and has not come to its end
    assign going_on = past_q & en_q & (operator_q == 2'd2) & ~(valid_q & ready_q);
    always_ff @(posedge clk_i) begin
      if (!going_on) begin
        q_q <= nn_spec::scaled(acc[Lane], magnitude_product, nn_spec::shift(rs2_i, Lane));
      end
    end

    always_comb begin
      if (!past_q) begin
        assume (rst_ni && !u_unit.second_q);
      end
      if (going_on && !was_reset_q && rst_ni && en_i) begin
        assume (operator_i == operator_q && rs1_i == rs1_q && rs2_i == rs2_q);
        assert (valid);
        assert (nn_spec::lane(result, Lane) ==
                nn_spec::clamp(q_q, nn_spec::shift(rs2_i, Lane), rs2_i[0]));
      end
    end
  end

endmodule
