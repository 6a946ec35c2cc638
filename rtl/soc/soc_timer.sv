// SPDX-License-Identifier: Apache-2.0
// Machine timer; registers as in rtl/tables/registers.tsv, block timer.
// Function: mtime counts clock cycles since reset; irq_o is 1 while mtime >= mtimecmp, in unsigned 64-bit numbers.
// Timing:   irq_o follows the comparison, with what is written in the same cycle, one cycle later; register reads are
//           answered in the cycle of the request.
// Misuse:   the halves are separate registers: read high, low, high; write the high half with all ones first.
// Tests:    tests/rtl/

module soc_timer (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        req_i,
  input  logic        we_i,
  input  logic [7:0]  addr_i,
  input  logic [31:0] wdata_i,
  output logic [31:0] rdata_o,
  output logic        irq_o
);

  logic [63:0] mtime_q, mtimecmp_q, mtimecmp_d;

  always_comb begin
    mtimecmp_d = mtimecmp_q;
    if (req_i & we_i & (addr_i == address_map_pkg::TimerMtimecmpLo)) begin
      mtimecmp_d[31:0] = wdata_i;
    end
    if (req_i & we_i & (addr_i == address_map_pkg::TimerMtimecmpHi)) begin
      mtimecmp_d[63:32] = wdata_i;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      mtime_q    <= '0;
      mtimecmp_q <= '1;
      irq_o      <= 1'b0;
    end else begin
      mtime_q    <= mtime_q + 64'd1;
      mtimecmp_q <= mtimecmp_d;
      irq_o      <= mtime_q >= mtimecmp_d;
    end
  end

  always_comb begin
    rdata_o = '0;
    if (req_i) begin
      unique case (addr_i)
        address_map_pkg::TimerMtimeLo:    rdata_o = mtime_q[31:0];
        address_map_pkg::TimerMtimeHi:    rdata_o = mtime_q[63:32];
        address_map_pkg::TimerMtimecmpLo: rdata_o = mtimecmp_q[31:0];
        address_map_pkg::TimerMtimecmpHi: rdata_o = mtimecmp_q[63:32];
        default:                          rdata_o = '0;
      endcase
    end
  end

endmodule
