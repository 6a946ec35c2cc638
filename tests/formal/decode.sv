// SPDX-License-Identifier: Apache-2.0
// What ibex_decoder makes of each of the 2^32 instruction words, as far as the neural unit is concerned. Bound into it.
// The encodings stand here as rtl/README.md's users know them, not as the generated package has them.

module decode #(
  parameter bit NnUnit  = 1'b0,
  parameter bit NnAlias = 1'b0
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
  input logic [14:0] addresses_i  // rd, rs2, rs1
);

  logic [6:0] funct7;
  logic [2:0] funct3;
  logic       neural, present, is_init, is_mac, is_res;

  assign funct7  = instr_i[31:25];
  assign funct3  = instr_i[14:12];
  assign neural  = instr_i[6:0] == 7'h0b || instr_i[6:0] == 7'h47;
  assign present = NnUnit && (instr_i[6:0] == 7'h0b || NnAlias);
  assign is_init = funct3 == 3'd1 && funct7 == 7'd0;
  assign is_mac  = funct3 == 3'd2 && (funct7 == 7'd8 || funct7 == 7'd4 || funct7 == 7'd2);
  assign is_res  = funct3 == 3'd4 && funct7 == 7'd0;

  always_comb begin
    assume (instr_alu_i == instr_i);
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
  end

endmodule

bind ibex_decoder decode #(
  .NnUnit (NnUnit),
  .NnAlias(NnAlias)
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
  .addresses_i({rf_waddr_o, rf_raddr_b_o, rf_raddr_a_o})
);
