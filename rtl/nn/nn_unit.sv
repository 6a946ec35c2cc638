// SPDX-License-Identifier: Apache-2.0
// The neural unit: four accumulators, mode and activation index, and the five instructions on them; with Stream also
// those of version 2, most of which is in nn_stream.
// Function: rtl/README.md. OpInit and OpMac change the state, OpRes reads it; the CSR port reads and writes it.
// Timing:   OpInit and OpMac take one cycle, OpRes two: it multiplies and rounds, then shifts and clamps.
//           valid_o marks the last cycle of an instruction.
// Handshake: en_i says that the instruction executes in this cycle. The state changes once, at the end of the cycle
//           in which en_i, valid_o and ready_i are all 1; an instruction that is held (ready_i = 0, or en_i = 0 for a
//           stall) or killed (en_i = 0) leaves it as it was. If en_i falls between the two cycles of OpRes, the
//           instruction starts again.
//           result_o is the result of OpRes in the cycle in which en_i and valid_o are 1, and has no meaning otherwise.
// Stream:   serial_i says that an instruction waits which reads or changes the unit's state, other than the loads of
//           version 2; store_i, that it is nn_res_st. While stall_o is 1 it must not execute. A bank is scaled in the cycle
//           before its store; during a store, the next bank: so stores of banks that follow each other wait once.
//           store_done_i: the store leaves for memory, with result_o. What was scaled is no state: it is lost to
//           whatever else uses the unit.
// MultiPump: half the multipliers at twice the clock, with the same results in the same cycles. clk2x_i has twice the rate
//           of clk_i, and each rising edge of clk_i is one of clk2x_i, from one PLL; both run whenever the unit is out
//           of reset. In a cycle of clk_i the inputs must be there early enough for a multiplication in its first half.
//           The first instruction comes one cycle after reset, or later.
//           Without MultiPump clk2x_i is not used.
// Misuse:   the fourth operator does nothing and is valid at once. Without Stream, CSR numbers 5 to 7 and banks read
//           as 0. Writes to banks do nothing. Stream with MultiPump does not exist (checked at elaboration). A CSR write
//           together with en_i cannot happen on a single-issue core; it has no meaning.
// Model:    tests/model/nn_model.c. Tests: tests/rtl/

module nn_unit #(
  parameter bit MultiPump = 1'b0,
  parameter bit Stream    = 1'b0
) (
  input  logic           clk_i,
  input  logic           clk2x_i,
  input  logic           rst_ni,

  // Instruction in the execution stage
  input  logic           en_i,
  input  logic           ready_i,
  input  nn_op_pkg::op_e operator_i,
  input  logic [31:0]    rs1_i,
  input  logic [31:0]    rs2_i,
  output logic           valid_o,
  output logic [31:0]    result_o,

  // For Stream
  input  logic           load_issue_i,
  input  logic [7:0]     load_op_i,
  input  logic           resp_i,        // any memory access ends,
  input  logic           resp_ok_i,     // a load without error,
  input  logic [31:0]    resp_rdata_i,  // with this
  input  logic           serial_i,
  input  logic           store_i,
  input  logic [2:0]     store_bank_i,
  input  logic           store_done_i,
  output logic           stall_o,

  // State as CSRs: [4:0] of the address with [5] = 0, Stream's banks {bank, lane} with [5] = 1.
  // 8 to 11 accumulators, 12 {index, mode}; Stream: 13 started banks, 14 multipliers, 15 {shifts, relu} as in neur_res
  input  logic [5:0]     csr_addr_i,
  input  logic           csr_we_i,
  input  logic [31:0]    csr_wdata_i,
  output logic [31:0]    csr_rdata_o
);

  logic [31:0] acc_q [4];
  logic [2:0]  mode_q;
  logic [1:0]  index_q;

  logic        init, mac, res;   // which instruction executes in this cycle
  logic        second_q;         // second cycle of OpRes
  logic [10:0] narrow [4];       // of OpMac: narrow + carry + wide is what an accumulator grows by
  logic [3:0]  carry;
  logic [15:0] wide [4];
  logic [31:0] mac_acc [4];      // the accumulators after OpMac
  logic [3:0]  write;            // accumulators that change
  logic [31:0] bias [4];         // biases of OpInit, shifted
  logic        first;            // MultiPump: first half of the cycle
  logic        scale;            // Stream: a bank is scaled
  logic [31:0] scale_acc [4];    // what is scaled, by what
  logic [31:0] scale_rs1, scale_rs2;
  logic [31:0] stream_rdata;     // Stream: CSRs

  assign init = en_i & (operator_i == nn_op_pkg::OpInit);
  assign mac  = en_i & (operator_i == nn_op_pkg::OpMac);
  assign res  = en_i & (operator_i == nn_op_pkg::OpRes);

  assign valid_o  = (operator_i != nn_op_pkg::OpRes) | second_q;

  if (MultiPump) begin : gen_pump
    // A register of clk_i that changes in each cycle tells which rising edges of clk2x_i are those of clk_i
    logic toggle_q, sampled_q, first_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        toggle_q <= 1'b0;
      end else begin
        toggle_q <= ~toggle_q;
      end
    end

    always_ff @(posedge clk2x_i or negedge rst_ni) begin
      if (!rst_ni) begin
        sampled_q <= 1'b0;
        first_q   <= 1'b0;
      end else begin
        sampled_q <= toggle_q;
        first_q   <= sampled_q == toggle_q;
      end
    end

    assign first = first_q;

    // Two lanes share a multiplier; the odd one has it first
    for (genvar p = 0; p < 2; p++) begin : gen_bias
      localparam int unsigned Even = 2 * p, Odd = 2 * p + 1;
      logic [31:0] shifted, odd_q;

      assign shifted = nn_op_pkg::shift_bias(
        first_q ? rs1_i[31 - 8*Odd -: 8] : rs1_i[31 - 8*Even -: 8],
        first_q ? nn_op_pkg::shift_of_lane(rs2_i, Odd) : nn_op_pkg::shift_of_lane(rs2_i, Even));
      assign bias[Even] = shifted;
      assign bias[Odd]  = odd_q;

      always_ff @(posedge clk2x_i or negedge rst_ni) begin
        if (!rst_ni) begin
          odd_q <= '0;
        end else if (first_q) begin
          odd_q <= shifted;
        end
      end
    end
  end else begin : gen_no_pump
    logic unused_clk2x;

    assign unused_clk2x = clk2x_i;
    assign first        = 1'b0;
    always_comb begin
      for (int unsigned k = 0; k < 4; k++) begin
        bias[k] = '0;
        if (init) begin
          bias[k] = nn_op_pkg::shift_bias(rs1_i[31 - 8*k -: 8], nn_op_pkg::shift_of_lane(rs2_i, k));
        end
      end
    end
  end

  // Isolated by the operator alone: en_i comes late, and only the enables of registers wait for it.
  nn_dot #(
    .MultiPump(MultiPump)
  ) u_dot (
    .clk2x_i,
    .rst_ni,
    .first_i      (first),
    .en_i         (operator_i == nn_op_pkg::OpMac),
    .mode_i       (mode_q),
    .index_i      (index_q),
    .weights_i    (rs1_i),
    .activations_i(rs2_i),
    .narrow_o     (narrow),
    .carry_o      (carry),
    .wide_o       (wide)
  );

  for (genvar k = 0; k < 4; k++) begin : gen_requantize
    nn_requantize #(
      .MultiPump(MultiPump)
    ) u_requantize (
      .clk_i,
      .rst_ni,
      .clk2x_i,
      .first_i     (first),
      .load_i      ((res & ~second_q) | scale),
      .second_i    (second_q | (Stream & store_i)),
      .acc_i       (scale_acc[k]),
      .multiplier_i(scale_rs1[31 - 8*k -: 8]),
      .shift_i     (nn_op_pkg::shift_of_lane(scale_rs2, k)),
      .relu_i      (scale_rs2[0]),
      .result_o    (result_o[31 - 8*k -: 8])
    );
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      second_q <= 1'b0;
    end else begin
      second_q <= res & ~(second_q & ready_i);
    end
  end

  // The multipliers' part comes last. A carry is worth one in the place below the lowest, in both terms.
  for (genvar k = 0; k < 4; k++) begin : gen_mac
    logic [31:0] early;

    assign early      = 32'(({acc_q[k], carry[k]} + {32'(signed'(narrow[k])), carry[k]}) >> 1);
    assign mac_acc[k] = early + 32'(signed'(wide[k]));
  end

  always_comb begin
    for (int unsigned k = 0; k < 4; k++) begin
      write[k] = ((init | mac) & ready_i) | (csr_we_i & (csr_addr_i == 6'(8 + k)));
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      acc_q   <= '{default: '0};
      mode_q  <= '0;
      index_q <= '0;
    end else begin
      for (int unsigned k = 0; k < 4; k++) begin
        if (write[k]) begin
          // The sum comes last: it must not wait for the choice between the others
          acc_q[k] <= mac  ? mac_acc[k] :
                      init ? bias[k] :
                      csr_wdata_i;
        end
      end
      if (init & ready_i) begin
        mode_q  <= rs2_i[2:0];
        index_q <= '0;
      end else if (mac & ready_i) begin
        index_q <= index_q + 2'd1;
      end else if (csr_we_i & (csr_addr_i == 6'd12)) begin
        {index_q, mode_q} <= csr_wdata_i[4:0];
      end
    end
  end

  if (Stream) begin : gen_stream
    logic        busy;
    logic        scaled_q;         // scaled_bank_q is scaled
    logic [2:0]  scaled_bank_q, next_bank_q;  // always one more: an adder would stand in front of the banks
    logic        ready;            // the bank of nn_res_st is
    logic [2:0]  bank;
    logic [31:0] bank_acc [4];
    logic [31:0] multipliers_q;
    logic [31:0] shifts_q;
    logic [7:0]  started;
    logic        csr_we;

    if (MultiPump) begin : gen_bad_parameters
      $error("nn_unit: Stream and MultiPump exclude each other");
    end

    assign csr_we  = csr_we_i & ~csr_addr_i[5];
    assign ready   = scaled_q & (scaled_bank_q == store_bank_i);
    assign stall_o = (serial_i & busy) | (store_i & ~ready);
    assign scale   = store_i & ~busy & (~ready | store_done_i);
    assign bank    = ~store_i ? csr_addr_i[4:2] : ready ? next_bank_q : store_bank_i;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        scaled_q      <= 1'b0;
        scaled_bank_q <= '0;
        next_bank_q   <= 3'd1;
        multipliers_q <= '0;
        shifts_q      <= '0;
      end else begin
        if (scale) begin
          scaled_q      <= 1'b1;
          scaled_bank_q <= bank;
          next_bank_q   <= bank + 3'd1;
        end else if (busy | en_i | csr_we_i) begin
          scaled_q <= 1'b0;
        end
        if (csr_we & (csr_addr_i[3:0] == 4'd14)) begin
          multipliers_q <= csr_wdata_i;
        end
        if (csr_we & (csr_addr_i[3:0] == 4'd15)) begin
          shifts_q <= {csr_wdata_i[31:27], 2'b0, csr_wdata_i[24:20], 2'b0, csr_wdata_i[17:13], 2'b0,
                       csr_wdata_i[10:6], 5'b0, csr_wdata_i[0]};
        end
      end
    end

    nn_stream u_stream (
      .clk_i,
      .rst_ni,
      .issue_i        (load_issue_i),
      .op_i           (load_op_i),
      .resp_i,
      .resp_ok_i,
      .rdata_i        (resp_rdata_i),
      .busy_o         (busy),
      .mode_i         (mode_q),
      .acc_i          (acc_q),
      .init_i         (init & ready_i),
      .bank_i         (bank),
      .bank_o         (bank_acc),
      .started_we_i   (csr_we & (csr_addr_i[3:0] == 4'd13)),
      .started_wdata_i(csr_wdata_i[7:0]),
      .started_o      (started)
    );

    always_comb begin
      for (int unsigned k = 0; k < 4; k++) begin
        scale_acc[k] = store_i ? bank_acc[k] : acc_q[k];
      end
      scale_rs1 = store_i ? multipliers_q : rs1_i;
      scale_rs2 = store_i ? shifts_q : rs2_i;

      stream_rdata = '0;
      if (csr_addr_i[5]) begin
        stream_rdata = bank_acc[csr_addr_i[1:0]];
      end else if (csr_addr_i[3:0] == 4'd13) begin
        stream_rdata = {24'b0, started};
      end else if (csr_addr_i[3:0] == 4'd14) begin
        stream_rdata = multipliers_q;
      end else if (csr_addr_i[3:0] == 4'd15) begin
        stream_rdata = shifts_q;
      end
    end
  end else begin : gen_no_stream
    logic unused_stream;

    assign unused_stream = ^{load_issue_i, load_op_i, resp_i, resp_ok_i, resp_rdata_i, serial_i, store_i,
                             store_bank_i, store_done_i, csr_addr_i[4]};
    assign stall_o       = 1'b0;
    assign scale         = 1'b0;
    assign scale_acc     = acc_q;
    assign scale_rs1     = rs1_i;
    assign scale_rs2     = rs2_i;
    assign stream_rdata  = '0;
  end

  always_comb begin
    csr_rdata_o = stream_rdata;
    if (csr_addr_i[5:2] == 4'b0010) begin
      csr_rdata_o = acc_q[csr_addr_i[1:0]];
    end else if (csr_addr_i == 6'd12) begin
      csr_rdata_o = {27'b0, index_q, mode_q};
    end
  end

endmodule
