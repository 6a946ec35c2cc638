// SPDX-License-Identifier: Apache-2.0
// Whether a branch is taken, by ibex_ex_block with the neural unit, whose comparator stands beside the ALU. Bound into it.
// Function: the decision is that of the branch's definition, for every pair of registers, whatever else the block does.

module branch (
  input ibex_pkg::alu_op_e operator_i,
  input logic [31:0]       rs1_i,
  input logic [31:0]       rs2_i,
  input logic              taken_i
);

  always_comb begin
    case (operator_i)
      ibex_pkg::ALU_EQ:  assert (taken_i == (rs1_i == rs2_i));
      ibex_pkg::ALU_NE:  assert (taken_i == (rs1_i != rs2_i));
      ibex_pkg::ALU_LT:  assert (taken_i == (signed'(rs1_i) < signed'(rs2_i)));
      ibex_pkg::ALU_GE:  assert (taken_i == (signed'(rs1_i) >= signed'(rs2_i)));
      ibex_pkg::ALU_LTU: assert (taken_i == (rs1_i < rs2_i));
      ibex_pkg::ALU_GEU: assert (taken_i == (rs1_i >= rs2_i));
      default: ;
    endcase
  end

endmodule

bind ibex_ex_block branch u_branch (
  .operator_i(alu_operator_i),
  .rs1_i     (multdiv_operand_a_i),
  .rs2_i     (multdiv_operand_b_i),
  .taken_i   (branch_decision_o)
);
