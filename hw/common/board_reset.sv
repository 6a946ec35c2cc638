// SPDX-License-Identifier: Apache-2.0
// Reset synchronizer: takes the reset at once, and releases it with the clock.
// Function: rst_no falls with rst_ni, and rises a few cycles after it.
// Timing:   the rising edge of rst_no follows a rising edge of clk_i; its falling edge is asynchronous.
// Misuse:   without a clock the reset stays.
// Tests:    tests/hw/, on the netlist after synthesis.

module board_reset (
  input  logic clk_i,
  input  logic rst_ni,  // asynchronous
  output logic rst_no
);

  logic [3:0] release_q;  // the first stage may be metastable

  assign rst_no = release_q[3];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      release_q <= '0;
    end else begin
      release_q <= {release_q[2:0], 1'b1};
    end
  end

endmodule
