// SPDX-License-Identifier: Apache-2.0
// The streaming part of the neural unit (instructions of version 2): operands come from memory straight into the unit.
// State:    weights: 16 entries, each with four weights (one for each of four activations) for four outputs, eight bits
//           each; window: the last four words of activations; eight banks of four accumulators; for each bank whether
//           it was started since the last neur_init.
// Function: a word of activations goes into window[3], and the older ones move down. A word of weights is widened to
//           eight bits: in the modes of 8 bits it is the four outputs' weights for activation s of the entry; with
//           4 bits those for s[1] ? 2, 3 : 0, 1; with 2 bits those for all four.
//           A multiplication adds to accumulator k of a bank, for j = 0 to 3,
//             weight[e][j].lane(k) x window[3].lane(j), or, in the mode for depthwise convolution,
//             weight[e][j].lane(k) x window[j].lane(k).
//           A bank that was not started since starts with the accumulators of neur_init (acc_i).
// Timing:   issue_i: an instruction of op_i's leaves for memory; resp_i: its word is there, unless resp_ok_i is 0.
//           One cycle later the word is put in its place, another one later it is multiplied; one a cycle.
//           busy_o says that something is on its way: the core does not let pass then what reads or changes state.
// Misuse:   op_i of no instruction does nothing that matters (the decoder lets none through).
// Model:    tests/model/nn_stream_model.c, equal for every input. Tests: tests/rtl/

module nn_stream (
  input  logic        clk_i,
  input  logic        rst_ni,

  // Loads
  input  logic        issue_i,
  input  logic [7:0]  op_i,         // funct3 and rd
  input  logic        resp_i,
  input  logic        resp_ok_i,
  input  logic [31:0] rdata_i,
  output logic        busy_o,

  // What the five instructions keep
  input  logic [2:0]  mode_i,
  input  logic [31:0] acc_i [4],
  input  logic        init_i,       // neur_init: no bank is started

  // A bank's accumulators, while busy_o is 0
  input  logic [2:0]  bank_i,
  output logic [31:0] bank_o [4],

  // Started banks as a CSR
  input  logic        started_we_i,
  input  logic [7:0]  started_wdata_i,
  output logic [7:0]  started_o
);

  // On its way through memory
  logic       pending_q;
  logic [7:0] pending_op_q;

  // First stage: the word is put in its place
  logic        place_q;
  logic [7:0]  op_q;
  logic [31:0] data_q;
  logic        to_weights, multiply;
  logic [3:0]  place_entry;
  logic [1:0]  first;              // first activation of a word of weights

  // Second stage: multiplication
  logic        mac_q;
  logic [2:0]  mac_bank_q;
  logic [3:0]  mac_entry_q;

  logic [31:0] window_q [4];
  logic [7:0]  started_q;
  logic [2:0]  bank;
  logic        depthwise, compute;

  nn_op_pkg::mode_e mode;

  assign mode      = nn_op_pkg::mode_e'(mode_i[1:0]);
  assign depthwise = mode == nn_op_pkg::ModeDepthwise;
  assign busy_o    = pending_q | place_q | mac_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      pending_q    <= 1'b0;
      pending_op_q <= '0;
      place_q      <= 1'b0;
      op_q         <= '0;
      data_q       <= '0;
    end else begin
      pending_q <= issue_i | (pending_q & ~resp_i);
      if (issue_i) begin
        pending_op_q <= op_i;
      end
      place_q <= pending_q & resp_i & resp_ok_i;
      if (pending_q & resp_i) begin
        op_q   <= pending_op_q;
        data_q <= rdata_i;
      end
    end
  end

  ////////////////////////////
  // First stage: placement //
  ////////////////////////////

  assign to_weights  = op_q[7] & (~op_q[6] | op_q[5]);
  assign multiply    = ~op_q[7] | (op_q[6] & op_q[5]);
  assign place_entry = op_q[6] ? 4'd15 : op_q[5:2];
  assign first       = op_q[1:0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      window_q    <= '{default: '0};
      mac_q       <= 1'b0;
      mac_bank_q  <= '0;
      mac_entry_q <= '0;
    end else begin
      if (place_q & ~to_weights) begin
        window_q <= '{window_q[1], window_q[2], window_q[3], data_q};
      end
      mac_q <= place_q & multiply;
      if (place_q & multiply) begin
        mac_bank_q  <= to_weights ? op_q[4:2] : op_q[6:4];
        mac_entry_q <= to_weights ? 4'd15 : op_q[3:0];
      end
    end
  end

  logic [31:0] weights [4];  // of the entry that is multiplied, by activation

  for (genvar j = 0; j < 4; j++) begin : gen_weights
    logic [31:0] entry_q [16];
    logic [31:0] widened;
    logic        write;

    always_comb begin
      widened = '0;
      write   = 1'b0;
      if (place_q & to_weights) begin
        unique case (mode)
          nn_op_pkg::Mode4Bit: begin
            write = first[1] == 1'(j / 2);
            for (int unsigned k = 0; k < 4; k++) begin
              widened[31 - 8*k -: 8] = 8'(signed'(data_q[31 - 16*(j % 2) - 4*k -: 4]));
            end
          end
          nn_op_pkg::Mode2Bit: begin
            write = 1'b1;
            for (int unsigned k = 0; k < 4; k++) begin
              widened[31 - 8*k -: 8] = 8'(signed'(data_q[31 - 8*j - 2*k -: 2]));
            end
          end
          default: begin
            write   = first == 2'(j);
            widened = data_q;
          end
        endcase
      end
    end

    always_ff @(posedge clk_i) begin
      if (write) begin
        entry_q[place_entry] <= widened;
      end
    end

    assign weights[j] = entry_q[mac_entry_q];
  end

  //////////////////////////////////
  // Second stage: multiplication //
  //////////////////////////////////

  assign bank = mac_q ? mac_bank_q : bank_i;

  // A simulator need not compute what nobody uses
`ifdef VERILATOR
  assign compute = mac_q;
`else
  assign compute = 1'b1;
`endif

  for (genvar k = 0; k < 4; k++) begin : gen_lane
    logic [31:0]        acc_q [8];
    logic        [7:0]  activation [4];
    logic signed [15:0] product [4];
    logic signed [16:0] pair [2];
    logic signed [17:0] sum;

    always_comb begin
      for (int unsigned j = 0; j < 4; j++) begin
        activation[j] = depthwise ? window_q[j][31 - 8*k -: 8] : window_q[3][31 - 8*j -: 8];
      end
    end

    always_comb begin
      product = '{default: '0};
      pair    = '{default: '0};
      sum     = '0;
      if (compute) begin
        for (int unsigned j = 0; j < 4; j++) begin
          product[j] = 16'(signed'(weights[j][31 - 8*k -: 8])) *
                       16'(signed'({mode_i[2] & activation[j][7], activation[j]}));
        end
        pair[0] = 17'(product[0]) + 17'(product[1]);
        pair[1] = 17'(product[2]) + 17'(product[3]);
        sum     = 18'(pair[0]) + 18'(pair[1]);
      end
    end

    assign bank_o[k] = started_q[bank] ? acc_q[bank] : acc_i[k];

    always_ff @(posedge clk_i) begin
      if (mac_q) begin
        acc_q[mac_bank_q] <= bank_o[k] + 32'(sum);
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      started_q <= '0;
    end else if (init_i) begin
      started_q <= '0;
    end else if (started_we_i) begin
      started_q <= started_wdata_i;
    end else if (mac_q) begin
      started_q[mac_bank_q] <= 1'b1;
    end
  end

  assign started_o = started_q;

endmodule
