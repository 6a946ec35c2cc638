// SPDX-License-Identifier: Apache-2.0
// When ibex_id_stage lets the neural unit execute: with an instruction that is there, legal and not taken away. Bound into it.
// Function: the unit's state changes only with its enable (check `keep` of unit_step); here: no enable in a cycle in which
//           the instruction in the stage is not valid, was fetched with an error, is illegal, or is killed by an exception
//           of an older instruction or by the controller (trap, interrupt, debug, sleep), for any state of the stage.
//           The same for a load of version 2 that is issued to the unit, and for nn_res_st. A load is issued exactly when
//           the memory has taken its request, with its own bits, and not while the access before it is unanswered.
//           Nothing that the unit tells to wait executes, and what must wait for the unit says so.
//           The same for every load and store, whose address is that of its definition, in its second access the next
//           word's.

module flush #(
  parameter bit Stream         = 1'b0,
  parameter bit WritebackStage = 1'b0
) (
  input logic       enable_i,
  input logic       issue_i,
  input logic [7:0] op_i,
  input logic       store_i,
  input logic       store_done_i,
  input logic       csr_i,              // a CSR instruction executes,
  input logic       csr_done_i,         // and comes to its end
  input logic       csr_access_i,       // one is decoded,
  input logic       illegal_csr_i,      // and its CSR does not exist
  input logic       serial_i,
  input logic       stall_i,
  input logic       load_i,             // a load of version 2 is decoded,
  input logic [31:0] load_instr_i,      // from this: the instruction in the stage
  input logic       request_i,          // asks the memory,
  input logic       request_we_i,
  input logic       request_done_i,     // which has taken all of it
  input logic       unanswered_i,       // an access before is, in this cycle
  input logic       ready_wb_i,
  input logic [31:0] wdata_i,           // to the memory
  input logic [31:0] store_data_i,      // from the unit
  input logic [31:0] register_i,        // rs2
  input logic [31:0] base_i,            // rs1
  input logic [31:0] address_i,         // of the request
  input logic       second_i,           // which is the second one of a misaligned access
  input logic [31:0] first_address_i,   // whose first one had this
  input logic       instr_valid_i,
  input logic       fetch_error_i,
  input logic       illegal_i,
  input logic       illegal_c_i,
  input logic [1:0] instr_i,            // its lower bits: 3 for one of 32 bits
  input logic       instr_copies_equal_i,
  input logic       older_exception_i,
  input logic       decoding_i          // the controller takes no trap, interrupt or debug request, and does not sleep
);

  logic [31:0] offset;  // of a load or store

  always_comb begin
    offset = {{20{load_instr_i[31]}}, load_instr_i[31:20]};
    if (load_instr_i[6:0] == 7'h23 || load_instr_i[6:0] == 7'h5b) begin
      offset = {{20{load_instr_i[31]}}, load_instr_i[31:25], load_instr_i[11:7]};
    end
  end

  always_comb begin
    assume (!illegal_c_i || instr_i != 2'd3);
    assume (WritebackStage || ready_wb_i);
    assume (!illegal_csr_i || csr_access_i);  // as ibex_cs_registers makes it
    if (enable_i || issue_i || store_done_i || request_i) begin
      assert (instr_valid_i && !fetch_error_i && !illegal_i && !older_exception_i && decoding_i);
    end
    assert (csr_i == csr_done_i || !instr_copies_equal_i);
    assert (!request_i || !instr_copies_equal_i || address_i == (second_i ? first_address_i + 4 : base_i + offset));
    if (Stream) begin
      assume (ready_wb_i || unanswered_i);  // the stage behind is ready when its access is answered
      assume (instr_copies_equal_i);
      assert (issue_i == (load_i && request_i && !request_we_i && request_done_i));
      assert (!issue_i || (!unanswered_i && !serial_i && op_i == {load_instr_i[14:12], load_instr_i[11:7]}));
      assert (!store_done_i || (store_i && request_i && request_we_i && request_done_i));
      assert (!(enable_i || csr_i || store_done_i) || (serial_i && !stall_i));
      assert (32'(enable_i) + 32'(csr_i) + 32'(store_done_i) + 32'(issue_i) <= 1);
      assert (!(store_i && (enable_i || csr_i)));
      assert (!request_i || !stall_i);
      assert (!request_i || !request_we_i || wdata_i == (store_i ? store_data_i : register_i));
      assert (!store_i || serial_i);
    end
  end

endmodule

bind ibex_id_stage flush #(
  .Stream           (NnStream),
  .WritebackStage   (WritebackStage)
) u_flush (
  .issue_i          (nn_load_issue_o),
  .op_i             (nn_load_op_o),
  .store_i          (nn_store_o),
  .store_done_i     (nn_store_done_o),
  .csr_i            (csr_op_en_o),
  .csr_access_i     (csr_access_o),
  .illegal_csr_i    (illegal_csr_insn_i),
  .csr_done_i       (csr_access_o & instr_executing & instr_id_done_o),
  .serial_i         (nn_serial_o),
  .stall_i          (nn_stall_i),
  .load_i           (nn_load),
  .load_instr_i     (instr_rdata_i),
  .request_i        (lsu_req_o),
  .request_we_i     (lsu_we_o),
  .request_done_i   (lsu_req_done_i),
  .unanswered_i     ((outstanding_load_wb_i | outstanding_store_wb_i) & ~lsu_resp_valid_i),
  .ready_wb_i       (ready_wb_i),
  .wdata_i          (lsu_wdata_o),
  .store_data_i     (nn_store_data_i),
  .register_i       (rf_rdata_b_fwd),
  .base_i           (rf_rdata_a_fwd),
  .address_i        (lsu_addr_o),
  .second_i         (lsu_addr_incr_req_i),
  .first_address_i  (lsu_addr_last_i),
  .instr_copies_equal_i(instr_rdata_i == instr_rdata_alu_i),
  .enable_i         (mult_en_ex_o & mult_sel_ex_o & multdiv_operator_ex_o[2]),
  .instr_valid_i    (instr_valid_i),
  .fetch_error_i    (instr_fetch_err_i),
  .illegal_i        (illegal_insn_dec),
  .illegal_c_i      (illegal_c_insn_i),
  .instr_i          (instr_rdata_i[1:0]),
  .older_exception_i(WritebackStage & (lsu_load_err_i | lsu_store_err_i)),
  .decoding_i       (controller_i.ctrl_fsm_cs == ibex_pkg::DECODE)
);
