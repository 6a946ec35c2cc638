// SPDX-License-Identifier: Apache-2.0
// First-in first-out queue of bytes, a power of two deep.
// Function: push_i appends data_i, pop_i removes the oldest byte, which data_o shows while valid_o is 1.
// Timing:   data_o and the flags are those of the current cycle; push and pop take effect at its end.
// Misuse:   a push without ready_o and a pop without valid_o do nothing.
// Tests:    tests/rtl/, through the UART.

module soc_fifo #(
  parameter int unsigned Depth = 64
) (
  input  logic       clk_i,
  input  logic       rst_ni,

  input  logic       push_i,
  input  logic [7:0] data_i,
  output logic       ready_o,

  input  logic       pop_i,
  output logic [7:0] data_o,
  output logic       valid_o
);

  localparam int unsigned IndexWidth = $clog2(Depth);

  logic [7:0]          mem [Depth];
  logic [IndexWidth:0] read_q, write_q;  // one bit more than the index tells full from empty

  assign valid_o = read_q != write_q;
  assign ready_o = (read_q ^ write_q) != {1'b1, {IndexWidth{1'b0}}};
  assign data_o  = mem[read_q[IndexWidth-1:0]];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q  <= '0;
      write_q <= '0;
    end else begin
      read_q  <= read_q + (IndexWidth+1)'(pop_i & valid_o);
      write_q <= write_q + (IndexWidth+1)'(push_i & ready_o);
    end
  end

  always_ff @(posedge clk_i) begin
    if (push_i & ready_o) begin
      mem[write_q[IndexWidth-1:0]] <= data_i;
    end
  end

endmodule
