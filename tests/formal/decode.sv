// SPDX-License-Identifier: Apache-2.0
// What ibex_decoder makes of each of the 2^32 instruction words, as far as the neural unit is concerned. Bound into it.
// The encodings stand here as rtl/README.md's users know them, not as the generated package has them.

module decode #(
  parameter bit NnUnit  = 1'b0,
  parameter bit NnAlias = 1'b0,
  parameter bit NnStream = 1'b0
) (
  input logic [31:0] instr_i,
  input logic [31:0] instr_alu_i,  // a copy of it
  input logic        illegal_c_i,
  input logic        illegal_i,
  input logic        mult_en_i,
  input logic        mult_sel_i,
  input logic [2:0]  operator_i,
  input logic        rf_we_i,
  input logic        rf_ren_a_i,
  input logic        rf_ren_b_i,
  input logic [14:0] addresses_i, // rd, rs2, rs1
  input logic        nn_load_i,
  input logic        data_req_i,
  input logic        data_we_i,
  input logic [1:0]  data_type_i,
  input logic        csr_access_i,
  input logic        jump_i,
  input logic        jump_set_i,
  input logic        branch_i,
  input logic        add_i,       // the address: rs1 and
  input logic        add_imm_i_i, // one of the immediates,
  input logic        add_imm_s_i,
  input logic [31:0] imm_i_i,     // which are these
  input logic [31:0] imm_s_i
);

  logic [6:0] funct7;
  logic [2:0] funct3;
  logic       neural, present, is_init, is_mac, is_res;
  logic       load, store;

  assign funct7  = instr_i[31:25];
  assign funct3  = instr_i[14:12];
  assign neural  = instr_i[6:0] == 7'h0b || instr_i[6:0] == 7'h47;
  assign present = NnUnit && (instr_i[6:0] == 7'h0b || NnAlias);
  assign is_init = funct3 == 3'd1 && funct7 == 7'd0;
  assign is_mac  = funct3 == 3'd2 && (funct7 == 7'd8 || funct7 == 7'd4 || funct7 == 7'd2);
  assign is_res  = funct3 == 3'd4 && funct7 == 7'd0;
  assign load    = instr_i[6:0] == 7'h2b;
  assign store   = instr_i[6:0] == 7'h5b;

  always_comb begin
    assume (instr_alu_i == instr_i);
    assert (!illegal_i || !(mult_en_i || rf_we_i || nn_load_i || data_req_i || data_we_i || csr_access_i || jump_i ||
                            jump_set_i || branch_i));
    assert (branch_i == (instr_i[6:0] == 7'h63 && !illegal_i));
    assert (data_req_i == ((instr_i[6:0] == 7'h03 || instr_i[6:0] == 7'h23 || load || store) && !illegal_i));
    assert (jump_i == ((instr_i[6:0] == 7'h6f || instr_i[6:0] == 7'h67 || (instr_i[6:0] == 7'h0f && funct3 == 3'd1)) &&
                       !illegal_i));
    if (neural) begin
      assert (illegal_i == (illegal_c_i || !(present && (is_init || is_mac || is_res))));
      assert (mult_en_i == !illegal_i);
      assert (rf_we_i == (is_res && !illegal_i));
      if (!illegal_i) begin
        assert (operator_i == (is_init ? 3'd4 : is_mac ? 3'd5 : 3'd6));
        assert (mult_sel_i && rf_ren_a_i && rf_ren_b_i);
        assert (addresses_i == {instr_i[11:7], instr_i[24:20], instr_i[19:15]});
      end
    end else begin
      assert (!(mult_sel_i && operator_i[2]) && !(mult_en_i && operator_i[2]));
    end
    if (load || store) begin
      assert (illegal_i == (illegal_c_i || !NnStream ||
              !(load ? nn_spec::is_load({funct3, instr_i[11:7]}) : {funct3, instr_i[24:20]} < 8)));
      assert (nn_load_i == (load && !illegal_i));
      assert (data_req_i == !illegal_i && !rf_we_i && !csr_access_i && !mult_en_i && !mult_sel_i);
      if (!illegal_i) begin
        assert (data_we_i == store && data_type_i == 2'd0);
        assert (rf_ren_a_i && !rf_ren_b_i && addresses_i[4:0] == instr_i[19:15]);
        assert (add_i && (load ? add_imm_i_i : add_imm_s_i));
        assert (imm_i_i == {{20{instr_i[31]}}, instr_i[31:20]});
        assert (imm_s_i == {{20{instr_i[31]}}, instr_i[31:25], instr_i[11:7]});
      end
      assert (!load || !NnStream || addresses_i[14:10] == 0);  // its word goes to no register
    end else begin
      assert (!nn_load_i);
      assert (addresses_i[14:10] == instr_i[11:7]);
    end
  end

endmodule

bind ibex_decoder decode #(
  .NnUnit (NnUnit),
  .NnAlias(NnAlias),
  .NnStream(NnStream)
) u_decode (
  .instr_i    (instr_rdata_i),
  .instr_alu_i(instr_rdata_alu_i),
  .illegal_c_i(illegal_c_insn_i),
  .illegal_i  (illegal_insn_o),
  .mult_en_i  (mult_en_o),
  .mult_sel_i (mult_sel_o),
  .operator_i (multdiv_operator_o),
  .rf_we_i    (rf_we_o),
  .rf_ren_a_i (rf_ren_a_o),
  .rf_ren_b_i (rf_ren_b_o),
  .addresses_i({rf_waddr_o, rf_raddr_b_o, rf_raddr_a_o}),
  .nn_load_i  (nn_load_o),
  .data_req_i (data_req_o),
  .data_we_i  (data_we_o),
  .data_type_i(data_type_o),
  .csr_access_i(csr_access_o),
  .jump_i     (jump_in_dec_o),
  .jump_set_i (jump_set_o),
  .branch_i   (branch_in_dec_o),
  .add_i      (alu_operator_o == ibex_pkg::ALU_ADD && alu_op_a_mux_sel_o == ibex_pkg::OP_A_REG_A &&
               alu_op_b_mux_sel_o == ibex_pkg::OP_B_IMM),
  .add_imm_i_i(imm_b_mux_sel_o == ibex_pkg::IMM_B_I),
  .add_imm_s_i(imm_b_mux_sel_o == ibex_pkg::IMM_B_S),
  .imm_i_i    (imm_i_type_o),
  .imm_s_i    (imm_s_type_o)
);
