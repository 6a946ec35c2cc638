// SPDX-License-Identifier: Apache-2.0
// Version 2 in ibex_core, by induction from reset: what the proofs of nn_stream assume of the core. Bound into it.
// Function: nn_stream waits for a word exactly as long as a load of version 2 is in the write-back stage; so no other was
//           issued before, and the answer that it takes is that of its own load. The word goes to no register, and the unit is
//           told to drop it exactly if the load traps.
//           Of the CSR numbers 0x7c8 to 0x7ff those of the unit are legal, the unit sees which one is meant, reads give what
//           it says, and it is written with no other number.
// Assumed:  the memory answers only what was asked of it; and of Ibex' load/store unit, that it knows a load from a store
//           when its answer comes.

module core_stream (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        issue_i,
  input logic        pending_i,        // nn_stream waits
  input logic        valid_i,          // an instruction is in the write-back stage,
  input logic        load_i,           // a load,
  input logic        store_i,
  input logic [4:0]  register_i,       // for this register
  input logic        enter_i,          // one enters
  input logic        nn_enters_i,      // which is a load of version 2
  input logic        answer_i,
  input logic        ok_i,             // what the unit is told, with this
  input logic [31:0] word_i,
  input logic [31:0] lsu_word_i,
  input logic        error_i,          // the load traps
  input logic        ready_i,
  input logic        lsu_idle_i,
  input logic        lsu_we_i,         // of the access that is on its way
  input logic        pmp_error_i,      // there is no PMP
  input logic        rvalid_i,
  input logic        instr_valid_i,    // in the decoding stage, which has it twice
  input logic [31:0] instr_i,
  input logic [31:0] instr_alu_i,
  input logic        csr_access_i,     // it decodes as one of a CSR
  input logic [11:0] csr_addr_i,
  input logic        csr_illegal_i,
  input logic [31:0] csr_rdata_i,
  input logic        nn_csr_we_i,
  input logic [5:0]  nn_csr_addr_i,
  input logic [31:0] nn_csr_rdata_i
);

  logic past_q = 1'b0;
  logic nn_q   = 1'b0;  // a load of version 2 is in the write-back stage

  always_ff @(posedge clk_i) begin
    past_q <= 1'b1;
    if (!rst_ni) begin
      nn_q <= 1'b0;
    end else if (enter_i & ready_i) begin
      nn_q <= nn_enters_i;
    end else if (answer_i) begin
      nn_q <= 1'b0;
    end
  end

  logic is_state, is_bank;
  assign is_state = csr_addr_i >= 12'h7c8 && csr_addr_i <= 12'h7cf;
  assign is_bank  = csr_addr_i >= 12'h7e0 && csr_addr_i <= 12'h7ff;

  always_comb begin
    assume (rst_ni == past_q);
    // An answer in the last part of an access is for the access in the write-back stage
    assume (!rvalid_i || !lsu_idle_i || (valid_i && (load_i || store_i)));
    assume (!answer_i || !load_i || !lsu_we_i);
    if (rst_ni) begin
      assert (pending_i == nn_q);
      assert (!pending_i || (valid_i && load_i && register_i == 0));
      assert (issue_i == (enter_i && ready_i && nn_enters_i));
      assert (!issue_i || !pending_i || answer_i);
      assert (ready_i || (valid_i && (load_i || store_i) && !answer_i));
      assert (!pmp_error_i);
      assert (!pending_i || !answer_i || (ok_i == !error_i && word_i == lsu_word_i));

      assert (!instr_valid_i || instr_i == instr_alu_i);
      if (instr_valid_i && csr_access_i && csr_addr_i >= 12'h7c8 && csr_addr_i <= 12'h7ff) begin
        assert (csr_illegal_i == !(is_state || is_bank));
        assert (nn_csr_addr_i == csr_addr_i[5:0]);
        assert (csr_illegal_i || csr_rdata_i == nn_csr_rdata_i);
      end
      assert (!nn_csr_we_i || (instr_valid_i && csr_access_i && is_state));
    end
  end

endmodule

bind ibex_core core_stream u_core_stream (
  .clk_i         (clk_i),
  .rst_ni        (rst_ni),
  .issue_i       (ex_block_i.nn_load_issue_i),
  .pending_i     (ex_block_i.gen_nn_unit.nn_unit_i.gen_stream.u_stream.pending_q),
  .valid_i       (wb_stage_i.g_writeback_stage.wb_valid_q),
  .load_i        (wb_stage_i.g_writeback_stage.wb_instr_type_q == ibex_pkg::WB_INSTR_LOAD),
  .store_i       (wb_stage_i.g_writeback_stage.wb_instr_type_q == ibex_pkg::WB_INSTR_STORE),
  .register_i    (wb_stage_i.g_writeback_stage.rf_waddr_wb_q),
  .enter_i       (en_wb),
  .nn_enters_i   (id_stage_i.nn_load),
  .answer_i      (lsu_resp_valid),
  .ok_i          (ex_block_i.nn_resp_ok_i),
  .word_i        (ex_block_i.nn_resp_rdata_i),
  .lsu_word_i    (rf_wdata_lsu),
  .error_i       (lsu_load_err),
  .ready_i       (ready_wb),
  .lsu_idle_i    (load_store_unit_i.ls_fsm_cs == 0),
  .lsu_we_i      (load_store_unit_i.data_we_q),
  .pmp_error_i   (load_store_unit_i.pmp_err_q),
  .rvalid_i      (data_rvalid_i),
  .instr_valid_i (instr_valid_id),
  .instr_i       (instr_rdata_id),
  .instr_alu_i   (instr_rdata_alu_id),
  .csr_access_i  (csr_access),
  .csr_addr_i    (csr_addr),
  .csr_illegal_i (cs_registers_i.illegal_csr),
  .csr_rdata_i   (csr_rdata),
  .nn_csr_we_i   (nn_csr_we),
  .nn_csr_addr_i (ex_block_i.nn_csr_addr_i),
  .nn_csr_rdata_i(nn_csr_rdata)
);
