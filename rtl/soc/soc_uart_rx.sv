// SPDX-License-Identifier: Apache-2.0
// Receiver of a serial line: 8 data bits, no parity, 1 stop bit.
// Function: a falling edge starts a character; the start bit is looked at again half a bit later, every other bit in
//           its centre, to within a clock cycle. valid_o and data_o give a character whose stop bit was 1; framing_error_o tells of one whose
//           stop bit was 0 (its data are dropped). After a framing error the line must be 1 before the next start.
// Timing:   valid_o and framing_error_o last one cycle, half a bit before the end of the stop bit.
// Misuse:   a start bit shorter than half a bit is ignored. A change of the divisor takes effect at the next bit.
// Tests:    tests/rtl/

module soc_uart_rx (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        rx_i,            // asynchronous
  input  logic [19:0] divisor_i,       // sixteenths of a clock cycle a bit

  output logic        valid_o,
  output logic [7:0]  data_o,
  output logic        framing_error_o
);

  typedef enum logic [1:0] {
    Idle,   // the line is 1, or was since reset
    Start,  // wait for the start bit's centre
    Data,   // wait for the centre of a data or stop bit
    Break   // stop bit was 0: wait for 1
  } state_e;

  state_e      state_q;
  logic [1:0]  sync_q;
  logic        line;
  logic [15:0] countdown_q;
  logic [3:0]  fraction_q;             // of a cycle by which the next sample is early
  logic [4:0]  fraction_sum;
  logic        sample;
  logic [3:0]  bits_left_q;
  logic [7:0]  shift_q;
  logic        stop;

  assign line            = sync_q[1];
  assign sample          = countdown_q == 16'd0;
  assign fraction_sum    = {1'b0, fraction_q} + {1'b0, divisor_i[3:0]};
  assign stop            = (state_q == Data) & sample & (bits_left_q == 4'd0);
  assign valid_o         = stop & line;
  assign framing_error_o = stop & ~line;
  assign data_o          = shift_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      sync_q <= '1;
    end else begin
      sync_q <= {sync_q[0], rx_i};
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q     <= Idle;
      countdown_q <= '0;
      fraction_q  <= '0;
      bits_left_q <= '0;
      shift_q     <= '0;
    end else begin
      countdown_q <= sample ? divisor_i[19:4] - {15'd0, ~fraction_sum[4]} : countdown_q - 16'd1;
      fraction_q  <= sample ? fraction_sum[3:0] : fraction_q;

      unique case (state_q)
        Idle: begin
          if (!line) begin
            state_q     <= Start;
            countdown_q <= {1'b0, divisor_i[19:5]} - 16'd1;
            fraction_q  <= divisor_i[4:1];
          end
        end
        Start: begin
          if (sample) begin
            state_q     <= line ? Idle : Data;
            bits_left_q <= 4'd8;
          end
        end
        Data: begin
          if (stop) begin
            state_q <= line ? Idle : Break;
          end else if (sample) begin
            shift_q     <= {line, shift_q[7:1]};
            bits_left_q <= bits_left_q - 4'd1;
          end
        end
        Break: begin
          if (line) begin
            state_q <= Idle;
          end
        end
        default: state_q <= Idle;
      endcase
    end
  end

endmodule
