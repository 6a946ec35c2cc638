// SPDX-License-Identifier: Apache-2.0
// One cycle of nn_stream from any state, with any inputs, against nn_spec; and the way of its loads, by induction.
// Function: as in unit_step. Of the entries and the banks one each is looked at, which one is free: so all are.
// Pipeline: one load, which one is free, is followed from its issue on: to its place, with its own word, in the cycle after
//           the response and in no other, and to the multiplication one cycle later. Counters of loads that were issued,
//           refused, answered, placed and finished show that none is lost or done twice, and that busy_o is 1 as long as
//           one is on its way. They count modulo 16; at most three loads are on their way.
// Assumed:  what the core does (flush.sv, core_stream.sv): a load is issued when the one before it is answered, or later;
//           neur_init and writes of CSRs wait while busy_o is 1.

module stream_step #(
  parameter int unsigned Check = 0,  // see proofs.tsv
  parameter int unsigned Lane  = 0
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic             issue_i,
  input logic [7:0]       op_i,
  input logic             resp_i,
  input logic             resp_ok_i,
  input logic [31:0]      rdata_i,
  input logic [2:0]       mode_i,
  input logic [3:0][31:0] acc_i,
  input logic             init_i,
  input logic [2:0]       bank_i,
  input logic             started_we_i,
  input logic [7:0]       started_wdata_i,

  input logic [3:0]       an_entry_i,  // looked at
  input logic [2:0]       a_bank_i,
  input logic             follow_i     // this load
);

  localparam int unsigned CheckReset = 0, CheckPlace = 1, CheckMac = 2, CheckProducts = 3, CheckPipeline = 4;

  logic        busy;
  logic [31:0] acc [4];
  logic [31:0] bank_acc [4];
  logic [7:0]  started;

  for (genvar k = 0; k < 4; k++) begin : gen_acc
    assign acc[k] = acc_i[k];
  end

  nn_stream u_stream (
    .clk_i,
    .rst_ni,
    .issue_i,
    .op_i,
    .resp_i,
    .resp_ok_i,
    .rdata_i,
    .busy_o         (busy),
    .mode_i,
    .acc_i          (acc),
    .init_i,
    .bank_i,
    .bank_o         (bank_acc),
    .started_we_i,
    .started_wdata_i,
    .started_o      (started)
  );

  // Present state
  logic        pending, place, multiply;
  logic [7:0]  pending_op, op;
  logic [31:0] data;
  logic [31:0] window [4];
  logic [31:0] weights [4];   // of the entry that is looked at
  logic [31:0] bank;          // accumulator Lane of the bank that is looked at
  logic [2:0]  multiply_bank;
  logic [3:0]  multiply_entry;

  assign pending        = u_stream.pending_q;
  assign pending_op     = u_stream.pending_op_q;
  assign place          = u_stream.place_q;
  assign op             = u_stream.op_q;
  assign data           = u_stream.data_q;
  assign multiply       = u_stream.mac_q;
  assign multiply_bank  = u_stream.mac_bank_q;
  assign multiply_entry = u_stream.mac_entry_q;
  assign window         = u_stream.window_q;
  assign bank           = u_stream.gen_lane[Lane].acc_q[a_bank_i];
  for (genvar j = 0; j < 4; j++) begin : gen_weights
    assign weights[j] = u_stream.gen_weights[j].entry_q[an_entry_i];
  end

  // The same, one cycle ago, and the inputs of that cycle
  logic        past_q = 1'b0;
  logic        was_reset_q, place_q, multiply_q, init_q, started_we_q;
  logic [7:0]  op_q, started_q, started_wdata_q;
  logic [31:0] data_q, bank_q, acc_q;
  logic [31:0] window_q [4];
  logic [31:0] weights_q [4];
  logic [2:0]  mode_q, multiply_bank_q, a_bank_q;
  logic [3:0]  an_entry_q;

  always_ff @(posedge clk_i) begin
    past_q          <= 1'b1;
    was_reset_q     <= ~rst_ni;
    place_q         <= place;
    multiply_q      <= multiply;
    init_q          <= init_i;
    started_we_q    <= started_we_i;
    op_q            <= op;
    started_q       <= started;
    started_wdata_q <= started_wdata_i;
    data_q          <= data;
    bank_q          <= bank;
    acc_q           <= acc[Lane];
    window_q        <= window;
    weights_q       <= weights;
    mode_q          <= mode_i;
    multiply_bank_q <= multiply_bank;
    a_bank_q        <= a_bank_i;
    an_entry_q      <= an_entry_i;
  end

  logic step;  // a step was made, without reset
  assign step = past_q & ~was_reset_q & rst_ni;

  always_comb begin
    assume (!past_q || (an_entry_i == an_entry_q && a_bank_i == a_bank_q));
    assume (!issue_i || (nn_spec::is_load(op_i) && (!pending || resp_i)));
    assume (!busy || !(init_i || started_we_i));
  end

  if (Check == CheckReset) begin : gen_reset
    always_comb begin
      if (!rst_ni) begin
        assert (!busy && started == 0);
        assert (window[0] == 0 && window[1] == 0 && window[2] == 0 && window[3] == 0);
      end
    end
  end

  if (Check == CheckPlace) begin : gen_place
    logic to_window, to_entry;
    assign to_window = place_q & (nn_spec::is_lda(op_q) | nn_spec::is_lda_mac(op_q));
    assign to_entry  = place_q & (nn_spec::is_ldw(op_q) | nn_spec::is_ldw_mac(op_q)) &
                       (nn_spec::entry(op_q) == an_entry_q);

    always_comb begin
      assume (!place || nn_spec::is_load(op));  // CheckPipeline
      if (step) begin
        for (int unsigned j = 0; j < 4; j++) begin
          assert (window[j] == (!to_window ? window_q[j] : j == 3 ? data_q : window_q[2'(j + 1)]));
          for (int unsigned k = 0; k < 4; k++) begin
            assert (nn_spec::lane(weights[j], k) == (to_entry && nn_spec::has_weight(mode_q, op_q[1:0], j) ?
                    8'(nn_spec::weight(mode_q, data_q, j, k)) : nn_spec::lane(weights_q[j], k)));
          end
        end
      end
    end
  end

  // The four products are taken as given (CheckProducts)
  logic        [7:0]  activation [4];
  logic signed [15:0] product [4];
  assign activation = u_stream.gen_lane[Lane].activation;
  assign product    = u_stream.gen_lane[Lane].product;

  if (Check == CheckMac) begin : gen_mac
    logic        depthwise;
    logic [31:0] sum, sum_q;
    assign depthwise = mode_i[1:0] == 2'd1;
    always_comb begin
      sum = '0;
      for (int unsigned j = 0; j < 4; j++) begin
        sum = sum + {{16{product[j][15]}}, product[j]};
      end
    end
    always_ff @(posedge clk_i) sum_q <= sum;

    always_comb begin
      if (multiply) begin
        for (int unsigned j = 0; j < 4; j++) begin
          assert (activation[j] == nn_spec::lane(depthwise ? window[j] : window[3], depthwise ? Lane : j));
          assert (multiply_entry != an_entry_i ||
                  nn_spec::lane(u_stream.weights[j], Lane) == nn_spec::lane(weights[j], Lane));
        end
      end else begin
        assert (bank_i != a_bank_i || bank_acc[Lane] == (started[a_bank_i] ? bank : acc[Lane]));
      end
      if (step) begin
        assert (bank == (multiply_q && multiply_bank_q == a_bank_q ?
                (started_q[a_bank_q] ? bank_q : acc_q) + sum_q : bank_q));
        assert (started == (init_q ? 8'd0 : started_we_q ? started_wdata_q :
                started_q | (multiply_q ? 8'd1 << multiply_bank_q : 8'd0)));
      end
    end
  end

  if (Check == CheckProducts) begin : gen_products
    always_comb begin
      for (int unsigned j = 0; j < 4; j++) begin
        assert (product[j] == 16'(nn_spec::sext8(nn_spec::lane(u_stream.weights[j], Lane))) *
                              16'(signed'({mode_i[2] & activation[j][7], activation[j]})));
      end
    end
  end

  if (Check == CheckPipeline) begin : gen_pipeline
    typedef enum logic [1:0] {None, Pending, Placed, Multiplied} stage_e;

    stage_e      stage_q = None;
    logic [7:0]  its_op_q;
    logic [31:0] its_word_q;
    logic [3:0]  issued_q = '0, refused_q = '0, answered_q = '0, places_q = '0, finished_q = '0;
    logic        multiplies;
    assign multiplies = nn_spec::is_lda_mac(op) | nn_spec::is_ldw_mac(op);

    always_ff @(posedge clk_i) begin
      if (issue_i & rst_ni) begin
        issued_q <= issued_q + 4'd1;
      end
      // The one that is answered is the one that was issued last, and was not answered
      if (resp_i & rst_ni & (issued_q != 4'(answered_q + refused_q))) begin
        answered_q <= answered_q + 4'(resp_ok_i);
        refused_q  <= refused_q + 4'(!resp_ok_i);
      end
      places_q   <= places_q + 4'(place);
      finished_q <= finished_q + 4'(multiply) + 4'(place & ~multiplies);
      unique case (stage_q)
        Pending: begin
          its_word_q <= rdata_i;
          stage_q    <= !resp_i ? Pending : resp_ok_i ? Placed : None;
        end
        Placed:  stage_q <= nn_spec::is_lda_mac(its_op_q) || nn_spec::is_ldw_mac(its_op_q) ? Multiplied : None;
        default: begin
          its_op_q <= op_i;
          stage_q  <= follow_i & issue_i & rst_ni ? Pending : None;
        end
      endcase
    end

    always_comb begin
      assume (rst_ni == past_q);
      assert (stage_q != Pending || (pending && pending_op == its_op_q));
      assert (stage_q != Placed || (place && op == its_op_q && data == its_word_q));
      assert (stage_q != Multiplied || (multiply && multiply_bank == nn_spec::bank(its_op_q) &&
                                        multiply_entry == nn_spec::entry(its_op_q)));
      assert ((!pending || nn_spec::is_load(pending_op)) && (!place || nn_spec::is_load(op)));
      assert (issued_q == 4'(answered_q + refused_q + 4'(pending)));
      assert (answered_q == 4'(places_q + 4'(place)));
      assert (answered_q == 4'(finished_q + 4'(place) + 4'(multiply)));
      assert (busy == (issued_q != 4'(refused_q + finished_q)));
    end
  end

endmodule
