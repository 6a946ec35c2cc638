// SPDX-License-Identifier: Apache-2.0
// RAM with two ports: one fetch and one data access in the same cycle.
// Function: port I reads words; port D reads words and writes the bytes that be_i selects.
// Timing:   both ports read in every cycle, whatever is asked for: no enable has to reach every block of the RAM in time.
//           Read data belong to the address of the cycle before; a request that writes reads nothing of use.
// Misuse:   a fetch of a word in the cycle of a write to it returns the old or the new word: the core needs a fence.i
//           between, which empties its prefetch buffer. Addresses are word numbers; there is nothing out of range.
// Tests:    tests/rtl/

module soc_ram #(
  parameter int unsigned Words    = 65536,  // a power of two
  parameter              InitFile = "",     // for $readmemh, one word a line; empty: the content is undefined
  localparam int unsigned AddrWidth = $clog2(Words)
) (
  input  logic                 clk_i,

  // Port I: instructions
  input  logic [AddrWidth-1:0] i_addr_i,
  output logic [31:0]          i_rdata_o,

  // Port D: data
  input  logic                 d_req_i,
  input  logic                 d_we_i,
  input  logic [3:0]           d_be_i,
  input  logic [AddrWidth-1:0] d_addr_i,
  input  logic [31:0]          d_wdata_i,
  output logic [31:0]          d_rdata_o
);

`ifdef VERILATOR
  logic [31:0] mem [Words] /*verilator public_flat_rw*/;
`else
  (* no_rw_check *) logic [31:0] mem [Words];
`endif

  always_ff @(posedge clk_i) begin
    i_rdata_o <= mem[i_addr_i];
  end

  always_ff @(posedge clk_i) begin
    d_rdata_o <= mem[d_addr_i];
    if (d_req_i & d_we_i) begin
      for (int unsigned b = 0; b < 4; b++) begin
        if (d_be_i[b]) begin
          mem[d_addr_i][8*b +: 8] <= d_wdata_i[8*b +: 8];
        end
      end
    end
  end

  if (InitFile != "") begin : gen_init
    initial begin
      $readmemh(InitFile, mem);
    end
  end

endmodule
