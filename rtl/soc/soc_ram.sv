// SPDX-License-Identifier: Apache-2.0
// RAM with two ports: one fetch and one data access in the same cycle.
// Function: port I reads words; port D reads words and writes the bytes that be_i selects. Port I reaches the first
//           FetchWords words only: on an FPGA its address, which comes late, then goes to fewer blocks of RAM.
// Timing:   both ports read in every cycle, whatever is asked for: no enable has to reach every block of the RAM in time.
//           Read data belong to the address of the cycle before; a request that writes reads nothing of use.
// Misuse:   a fetch of a word in the cycle of a write to it returns the old or the new word: the core needs a fence.i
//           between, which empties its prefetch buffer. Addresses are word numbers; there is nothing out of range,
//           and port I leaves out the upper bits of its address.
// Tests:    tests/rtl/

module soc_ram #(
  parameter int unsigned Words      = 65536,  // a power of two
  parameter int unsigned FetchWords = Words,  // a power of two
  // For $readmemh, one word a line, the first FetchWords words; empty: the content is undefined
  parameter              InitFile   = "",
  localparam int unsigned AddrWidth      = $clog2(Words),
  localparam int unsigned FetchAddrWidth = $clog2(FetchWords)
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

  // Bank 0 has both ports; further banks of the same size have port D
  localparam int unsigned Banks = Words / FetchWords;

  logic [FetchAddrWidth-1:0] i_index, d_index;
  logic [Banks-1:0]          d_write;     // to this bank
  logic [Banks-1:0][31:0]    bank_rdata;  // of port D; packed, or Yosys takes it for a memory

  assign i_index = i_addr_i[FetchAddrWidth-1:0];
  assign d_index = d_addr_i[FetchAddrWidth-1:0];

`ifdef VERILATOR
  logic [31:0] mem [FetchWords] /*verilator public_flat_rw*/;
`else
  (* no_rw_check *) logic [31:0] mem [FetchWords];
`endif

  always_ff @(posedge clk_i) begin
    i_rdata_o <= mem[i_index];
  end

  always_ff @(posedge clk_i) begin
    bank_rdata[0] <= mem[d_index];
    if (d_write[0]) begin
      for (int unsigned b = 0; b < 4; b++) begin
        if (d_be_i[b]) begin
          mem[d_index][8*b +: 8] <= d_wdata_i[8*b +: 8];
        end
      end
    end
  end

  for (genvar i = 1; i < Banks; i++) begin : gen_bank
    (* no_rw_check *) logic [31:0] bank [FetchWords];

    always_ff @(posedge clk_i) begin
      bank_rdata[i] <= bank[d_index];
      if (d_write[i]) begin
        for (int unsigned b = 0; b < 4; b++) begin
          if (d_be_i[b]) begin
            bank[d_index][8*b +: 8] <= d_wdata_i[8*b +: 8];
          end
        end
      end
    end
  end

  if (Banks == 1) begin : gen_one_bank
    assign d_write   = d_req_i & d_we_i;
    assign d_rdata_o = bank_rdata[0];
  end else begin : gen_choose_bank
    logic [AddrWidth-FetchAddrWidth-1:0] d_bank, d_bank_q;

    assign d_bank    = d_addr_i[AddrWidth-1:FetchAddrWidth];
    assign d_write   = Banks'(d_req_i & d_we_i) << d_bank;
    assign d_rdata_o = bank_rdata[d_bank_q];

    always_ff @(posedge clk_i) begin
      d_bank_q <= d_bank;
    end
  end

  if (InitFile != "") begin : gen_init
    initial begin
      $readmemh(InitFile, mem);
    end
  end

endmodule
