// SPDX-License-Identifier: Apache-2.0
// The neural unit: four accumulators, mode and activation index, and the five instructions on them.
// Function: rtl/README.md. OpInit and OpMac change the state, OpRes reads it; the CSR port reads and writes it.
// Timing:   OpInit and OpMac take one cycle, OpRes two: it multiplies and rounds, then shifts and clamps.
//           valid_o marks the last cycle of an instruction.
// Handshake: en_i says that the instruction executes in this cycle. The state changes once, at the end of the cycle
//           in which en_i, valid_o and ready_i are all 1; an instruction that is held (ready_i = 0, or en_i = 0 for a
//           stall) or killed (en_i = 0) leaves it as it was. If en_i falls between the two cycles of OpRes, the
//           instruction starts again.
//           result_o is the result of OpRes in the cycle in which en_i and valid_o are 1, and has no meaning otherwise.
// MultiPump: half the multipliers at twice the clock, with the same results in the same cycles. clk2x_i has twice the rate
//           of clk_i, and each rising edge of clk_i is one of clk2x_i, from one PLL; both run whenever the unit is out
//           of reset. In a cycle of clk_i the inputs must be there early enough for a multiplication in its first half.
//           The first instruction comes one cycle after reset, or later.
//           Without MultiPump clk2x_i is not used.
// Misuse:   the fourth operator does nothing and is valid at once. CSR numbers 5 to 7 read as 0, writes to them do
//           nothing. A CSR write together with en_i cannot happen on a single-issue core; it has no meaning.
// Model:    tests/model/nn_model.c. Tests: tests/rtl/

module nn_unit #(
  parameter bit MultiPump = 1'b0
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

  // State as CSRs: 0 to 3 accumulators, 4 {index, mode}
  input  logic [2:0]     csr_addr_i,
  input  logic           csr_we_i,
  input  logic [31:0]    csr_wdata_i,
  output logic [31:0]    csr_rdata_o
);

  logic [31:0] acc_q [4];
  logic [2:0]  mode_q;
  logic [1:0]  index_q;

  logic        init, mac, res;   // which instruction executes in this cycle
  logic        second_q;         // second cycle of OpRes
  logic [16:0] sum [4];
  logic [3:0]  write;            // accumulators that change
  logic [31:0] bias [4];         // biases of OpInit, shifted
  logic        first;            // MultiPump: first half of the cycle

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
    .sum_o        (sum)
  );

  for (genvar k = 0; k < 4; k++) begin : gen_requantize
    nn_requantize #(
      .MultiPump(MultiPump)
    ) u_requantize (
      .clk_i,
      .rst_ni,
      .clk2x_i,
      .first_i     (first),
      .load_i      (res & ~second_q),
      .second_i    (second_q),
      .acc_i       (acc_q[k]),
      .multiplier_i(rs1_i[31 - 8*k -: 8]),
      .shift_i     (nn_op_pkg::shift_of_lane(rs2_i, k)),
      .relu_i      (rs2_i[0]),
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

  always_comb begin
    for (int unsigned k = 0; k < 4; k++) begin
      write[k] = ((init | mac) & ready_i) | (csr_we_i & (csr_addr_i == 3'(k)));
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
          acc_q[k] <= mac  ? acc_q[k] + 32'(signed'(sum[k])) :
                      init ? bias[k] :
                      csr_wdata_i;
        end
      end
      if (init & ready_i) begin
        mode_q  <= rs2_i[2:0];
        index_q <= '0;
      end else if (mac & ready_i) begin
        index_q <= index_q + 2'd1;
      end else if (csr_we_i & (csr_addr_i == 3'd4)) begin
        {index_q, mode_q} <= csr_wdata_i[4:0];
      end
    end
  end

  always_comb begin
    csr_rdata_o = '0;
    if (!csr_addr_i[2]) begin
      csr_rdata_o = acc_q[csr_addr_i[1:0]];
    end else if (csr_addr_i[1:0] == 2'd0) begin
      csr_rdata_o = {27'b0, index_q, mode_q};
    end
  end

endmodule
