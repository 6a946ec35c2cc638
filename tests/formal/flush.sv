// SPDX-License-Identifier: Apache-2.0
// When ibex_id_stage lets the neural unit execute: with an instruction that is there, legal and not taken away. Bound into it.
// Function: the unit's state changes only with its enable (check `keep` of unit_step); here: no enable in a cycle in which
//           the instruction in the stage is not valid, was fetched with an error, is illegal, or is killed by an exception
//           of an older instruction or by the controller (trap, interrupt, debug, sleep), for any state of the stage.

module flush (
  input logic       enable_i,
  input logic       instr_valid_i,
  input logic       fetch_error_i,
  input logic       illegal_i,
  input logic       illegal_c_i,
  input logic [1:0] instr_i,            // its lower bits: 3 for one of 32 bits
  input logic       older_exception_i,
  input logic       decoding_i          // the controller takes no trap, interrupt or debug request, and does not sleep
);

  always_comb begin
    assume (!illegal_c_i || instr_i != 2'd3);
    if (enable_i) begin
      assert (instr_valid_i && !fetch_error_i && !illegal_i && !older_exception_i && decoding_i);
    end
  end

endmodule

bind ibex_id_stage flush u_flush (
  .enable_i         (mult_en_ex_o & mult_sel_ex_o & multdiv_operator_ex_o[2]),
  .instr_valid_i    (instr_valid_i),
  .fetch_error_i    (instr_fetch_err_i),
  .illegal_i        (illegal_insn_dec),
  .illegal_c_i      (illegal_c_insn_i),
  .instr_i          (instr_rdata_i[1:0]),
  .older_exception_i(WritebackStage & (lsu_load_err_i | lsu_store_err_i)),
  .decoding_i       (controller_i.ctrl_fsm_cs == ibex_pkg::DECODE)
);
