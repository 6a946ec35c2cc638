// SPDX-License-Identifier: Apache-2.0
// Transmitter of a serial line: 8 data bits, no parity, 1 stop bit.
// Function: takes a byte when valid_i and ready_o are 1 and sends start bit, data (bit 0 first), stop bit.
// Timing:   bit n ends the whole part of (n + 1) * divisor_i / 16 cycles after the frame's start; ready_o comes back when the stop bit is over.
// Misuse:   a change of the divisor takes effect at the next bit.
// Tests:    tests/rtl/

module soc_uart_tx (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        valid_i,
  input  logic [7:0]  data_i,
  output logic        ready_o,
  input  logic [19:0] divisor_i,  // sixteenths of a clock cycle a bit

  output logic        tx_o
);

  logic [9:0]  shift_q;      // stop, data, start; bit 0 is on the line
  logic [3:0]  bits_left_q;
  logic [15:0] countdown_q;
  logic [3:0]  fraction_q;   // of a cycle by which the bit on the line ends early
  logic [4:0]  fraction_sum;

  assign ready_o      = bits_left_q == 4'd0;
  assign tx_o         = shift_q[0];
  assign fraction_sum = {1'b0, fraction_q} + {1'b0, divisor_i[3:0]};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      shift_q     <= '1;
      bits_left_q <= '0;
      countdown_q <= '0;
      fraction_q  <= '0;
    end else if (ready_o) begin
      if (valid_i) begin
        shift_q     <= {1'b1, data_i, 1'b0};
        bits_left_q <= 4'd10;
        countdown_q <= divisor_i[19:4] - 16'd1;
        fraction_q  <= divisor_i[3:0];
      end
    end else if (countdown_q == 16'd0) begin
      shift_q     <= {1'b1, shift_q[9:1]};
      bits_left_q <= bits_left_q - 4'd1;
      countdown_q <= divisor_i[19:4] - {15'd0, ~fraction_sum[4]};
      fraction_q  <= fraction_sum[3:0];
    end else begin
      countdown_q <= countdown_q - 16'd1;
    end
  end

endmodule
