// SPDX-License-Identifier: Apache-2.0
// What this system is, its LEDs, software reset and the end of a simulated program; registers as in
// rtl/tables/registers.tsv, block sysctl.
// Function: reset_o asks for a reset of the system when the key is written; exit_valid_o stays 1 from the first write
//           of the exit register on, with its value in exit_code_o.
// Timing:   register reads are answered in the cycle of the request; reset_o lasts one cycle, the one after the write.
// Misuse:   any other value in the reset register does nothing. Write-only registers read as 0.
// Tests:    tests/rtl/

module soc_sysctl #(
  parameter int unsigned ClockHz         = 25_000_000,
  parameter int unsigned RamBytes        = 1048576,
  parameter bit          NnUnit          = 1'b1,
  parameter bit          NnStream        = 1'b1,
  parameter int unsigned CoreConfigIndex = 0
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        req_i,
  input  logic        we_i,
  input  logic [7:0]  addr_i,
  input  logic [31:0] wdata_i,
  output logic [31:0] rdata_o,

  output logic [2:0]  leds_o,
  output logic        reset_o,
  output logic        exit_valid_o,
  output logic [31:0] exit_code_o
);

  localparam logic [31:0] ResetKey = 32'h5253_5421;

  logic write;

  assign write = req_i & we_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      leds_o       <= '0;
      reset_o      <= 1'b0;
      exit_valid_o <= 1'b0;
      exit_code_o  <= '0;
    end else begin
      reset_o <= write & (addr_i == address_map_pkg::SysctlReset) & (wdata_i == ResetKey);
      if (write & (addr_i == address_map_pkg::SysctlLeds)) begin
        leds_o <= wdata_i[2:0];
      end
      if (write & (addr_i == address_map_pkg::SysctlExit) & ~exit_valid_o) begin
        exit_valid_o <= 1'b1;
        exit_code_o  <= wdata_i;
      end
    end
  end

  always_comb begin
    rdata_o = '0;
    if (req_i) begin
      unique case (addr_i)
        address_map_pkg::SysctlClockHz:    rdata_o = 32'(ClockHz);
        address_map_pkg::SysctlRamBytes:   rdata_o = 32'(RamBytes);
        address_map_pkg::SysctlIsaVersion: rdata_o = NnUnit ? 32'(NnStream ? nn_pkg::IsaVersionStream : nn_pkg::IsaVersion) : 32'd0;
        address_map_pkg::SysctlCoreConfig: rdata_o = 32'(CoreConfigIndex);
        address_map_pkg::SysctlLeds:       rdata_o = {29'b0, leds_o};
        default:                           rdata_o = '0;
      endcase
    end
  end

endmodule
