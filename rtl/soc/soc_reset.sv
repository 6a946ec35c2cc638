// SPDX-License-Identifier: Apache-2.0
// Reset of the system: from outside, or asked for by software.
// Function: rst_no is 0 while rst_ni is 0, and for a few cycles after request_i. What hangs on rst_no may make request_i.
// Timing:   falls one cycle after request_i; both edges of a software reset follow a clock edge.
// Misuse:   a request during a reset is lost, as what makes it is in reset.
// Tests:    tests/rtl/

module soc_reset (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic request_i,
  output logic rst_no
);

  logic [3:0] hold_q;  // shifts out the cycles of a software reset
  logic       release_q;

  assign rst_no = rst_ni & release_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      hold_q    <= '0;
      release_q <= 1'b1;
    end else begin
      hold_q    <= request_i ? '1 : {1'b0, hold_q[3:1]};
      release_q <= ~request_i & ~hold_q[0];
    end
  end

endmodule
