// SPDX-License-Identifier: Apache-2.0
// UART with receive and transmit queues; registers as in rtl/tables/registers.tsv, block uart.
// Function: bytes from the serial line wait in the receive queue, bytes written wait in the transmit queue.
//           With fast_i the serial line is out of use: a simulator puts bytes into the receive queue and takes each
//           written byte at once, so that the transmit queue never fills.
// Timing:   register reads come one cycle after the request; fast_tx_valid_o lasts one cycle, the one after the write.
// Misuse:   a byte received while the queue is full is dropped and sets status[3]; a byte written while the transmit
//           queue is full is dropped. Divisors below 64 count as 64, those above the largest as that.
//           fast_i must not change while bytes are under way.
// Tests:    tests/rtl/

module soc_uart #(
  parameter int unsigned RxDepth      = 128,
  parameter int unsigned TxDepth      = 64,
  parameter int unsigned ResetDivisor = 3472
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // Registers
  input  logic        req_i,
  input  logic        we_i,
  input  logic [7:0]  addr_i,
  input  logic [31:0] wdata_i,
  output logic [31:0] rdata_o,
  output logic        irq_o,

  // Serial line
  input  logic        rx_i,
  output logic        tx_o,

  // Byte port for simulation
  input  logic        fast_i,
  input  logic        fast_rx_valid_i,
  input  logic [7:0]  fast_rx_data_i,
  output logic        fast_rx_ready_o,
  output logic        fast_tx_valid_o,
  output logic [7:0]  fast_tx_data_o
);

  localparam logic [19:0] MinDivisor = 20'd64;

  logic        write, read_data, write_data, write_status;
  logic [19:0] divisor_q;              // sixteenths of a cycle a bit
  logic        irq_enable_q, overrun_q, framing_q;

  logic        line_valid, line_framing_error;
  logic [7:0]  line_data;
  logic        rx_push, rx_ready, rx_valid;
  logic [7:0]  rx_data;
  logic        tx_ready, tx_valid, tx_idle;
  logic [7:0]  tx_data;

  assign write        = req_i & we_i;
  assign read_data    = req_i & ~we_i & (addr_i == address_map_pkg::UartData);
  assign write_data   = write & (addr_i == address_map_pkg::UartData);
  assign write_status = write & (addr_i == address_map_pkg::UartStatus);

  assign irq_o           = irq_enable_q & (rx_valid | framing_q);
  assign fast_rx_ready_o = fast_i & rx_ready;
  assign rx_push         = fast_i ? fast_rx_valid_i : line_valid;

  soc_uart_rx u_rx (
    .clk_i,
    .rst_ni,
    .rx_i           (rx_i | fast_i),
    .divisor_i      (divisor_q),
    .valid_o        (line_valid),
    .data_o         (line_data),
    .framing_error_o(line_framing_error)
  );

  soc_fifo #(
    .Depth(RxDepth)
  ) u_rx_fifo (
    .clk_i,
    .rst_ni,
    .push_i (rx_push),
    .data_i (fast_i ? fast_rx_data_i : line_data),
    .ready_o(rx_ready),
    .pop_i  (read_data),
    .data_o (rx_data),
    .valid_o(rx_valid)
  );

  soc_fifo #(
    .Depth(TxDepth)
  ) u_tx_fifo (
    .clk_i,
    .rst_ni,
    .push_i (write_data & ~fast_i),
    .data_i (wdata_i[7:0]),
    .ready_o(tx_ready),
    .pop_i  (tx_idle),
    .data_o (tx_data),
    .valid_o(tx_valid)
  );

  soc_uart_tx u_tx (
    .clk_i,
    .rst_ni,
    .valid_i  (tx_valid),
    .data_i   (tx_data),
    .ready_o  (tx_idle),
    .divisor_i(divisor_q),
    .tx_o
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fast_tx_valid_o <= 1'b0;
      fast_tx_data_o  <= '0;
    end else begin
      fast_tx_valid_o <= write_data & fast_i;
      if (write_data & fast_i) begin
        fast_tx_data_o <= wdata_i[7:0];
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      divisor_q    <= 20'(ResetDivisor);
      irq_enable_q <= 1'b0;
      overrun_q    <= 1'b0;
      framing_q    <= 1'b0;
    end else begin
      if (write & (addr_i == address_map_pkg::UartDivisor)) begin
        divisor_q <= (wdata_i[31:20] != '0)        ? '1
                   : (wdata_i[19:0] < MinDivisor) ? MinDivisor
                                                  : wdata_i[19:0];
      end
      if (write & (addr_i == address_map_pkg::UartIrqEnable)) begin
        irq_enable_q <= wdata_i[0];
      end
      overrun_q <= (line_valid & ~fast_i & ~rx_ready) | (overrun_q & ~(write_status & wdata_i[3]));
      framing_q <= line_framing_error | (framing_q & ~(write_status & wdata_i[4]));
    end
  end

  always_comb begin
    rdata_o = '0;
    if (req_i) begin
      unique case (addr_i)
        address_map_pkg::UartData:      rdata_o = {23'b0, rx_valid, rx_valid ? rx_data : 8'h00};
        address_map_pkg::UartStatus:    rdata_o = {27'b0, framing_q, overrun_q,
                                                   tx_idle & ~tx_valid, tx_ready, rx_valid};
        address_map_pkg::UartDivisor:   rdata_o = {12'b0, divisor_q};
        address_map_pkg::UartIrqEnable: rdata_o = {31'b0, irq_enable_q};
        default:                        rdata_o = '0;
      endcase
    end
  end

endmodule
