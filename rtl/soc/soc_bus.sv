// SPDX-License-Identifier: Apache-2.0
// From the core's two memory ports to RAM and peripherals.
// Function: the data port reaches RAM and the peripherals by address, the instruction port reaches RAM only,
//           the first FetchBytes of it.
//           Every request is taken at once. An address that nothing answers to, and a peripheral access that is not a
//           whole word, get an error response; no block sees the access then.
// Timing:   response one cycle after the request. RAM sees a request in its own cycle; a peripheral sees it in the next
//           one, from registers, and answers at once: the core's address comes too late in a cycle for more than that.
// Misuse:   RamBytes is a power of two, and RamBase a multiple of it (checked at elaboration, as are the registers').
//           In the first 256 bytes of a peripheral, offsets without a register read as 0 and ignore writes.
// Tests:    tests/rtl/

module soc_bus #(
  parameter int unsigned RamBytes   = 1048576,
  parameter int unsigned FetchBytes = RamBytes   // the part of the RAM that instructions come from
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // Instruction port of the core
  input  logic        instr_req_i,
  input  logic [31:0] instr_addr_i,
  output logic        instr_gnt_o,
  output logic        instr_rvalid_o,
  output logic        instr_err_o,

  // Data port of the core
  input  logic        data_req_i,
  input  logic        data_we_i,
  input  logic [3:0]  data_be_i,
  input  logic [31:0] data_addr_i,
  input  logic [31:0] data_wdata_i,
  output logic        data_gnt_o,
  output logic        data_rvalid_o,
  output logic        data_err_o,
  output logic [31:0] data_rdata_o,

  // RAM: request strobe, and the data that it answers with in the next cycle
  output logic        ram_req_o,
  input  logic [31:0] ram_rdata_i,

  // Peripherals: request strobes, and the data that each answers with in the same cycle
  output logic        uart_req_o,
  output logic        timer_req_o,
  output logic        sysctl_req_o,
  output logic        periph_we_o,
  output logic [7:0]  periph_addr_o,
  output logic [31:0] periph_wdata_o,
  input  logic [31:0] uart_rdata_i,
  input  logic [31:0] timer_rdata_i,
  input  logic [31:0] sysctl_rdata_i
);

  typedef enum logic [2:0] {
    Nothing,
    Ram,
    Uart,
    Timer,
    Sysctl
  } block_e;

  // What a peripheral decodes of its block; the rest of the block is nothing
  localparam logic [31:0] RegisterBytes = 32'h100;

  // size is a power of two and base a multiple of it: the upper bits decide, without a subtraction
  function automatic logic in_range(logic [31:0] addr, logic [31:0] base, logic [31:0] size);
    return ((addr ^ base) & ~(size - 32'd1)) == '0;
  endfunction

  if (RamBytes != 2 ** $clog2(RamBytes) || address_map_pkg::RamBase % RamBytes != 0 ||
      address_map_pkg::UartBase % RegisterBytes != 0 || address_map_pkg::TimerBase % RegisterBytes != 0 ||
      address_map_pkg::SysctlBase % RegisterBytes != 0) begin : gen_bad_map
    $error("soc_bus: blocks must be aligned to their sizes, powers of two");
  end

  block_e target, target_q;
  logic   instr_in_ram;

  always_comb begin
    target = Nothing;
    if (in_range(data_addr_i, address_map_pkg::RamBase, 32'(RamBytes))) begin
      target = Ram;
    end else if (data_be_i == 4'b1111) begin
      if (in_range(data_addr_i, address_map_pkg::UartBase, RegisterBytes)) begin
        target = Uart;
      end else if (in_range(data_addr_i, address_map_pkg::TimerBase, RegisterBytes)) begin
        target = Timer;
      end else if (in_range(data_addr_i, address_map_pkg::SysctlBase, RegisterBytes)) begin
        target = Sysctl;
      end
    end
  end

  assign ram_req_o    = data_req_i & (target == Ram);
  assign uart_req_o   = data_rvalid_o & (target_q == Uart);
  assign timer_req_o  = data_rvalid_o & (target_q == Timer);
  assign sysctl_req_o = data_rvalid_o & (target_q == Sysctl);

  assign instr_in_ram = in_range(instr_addr_i, address_map_pkg::RamBase, 32'(FetchBytes));

  assign instr_gnt_o = instr_req_i;
  assign data_gnt_o  = data_req_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      instr_rvalid_o <= 1'b0;
      instr_err_o    <= 1'b0;
      data_rvalid_o  <= 1'b0;
      target_q       <= Nothing;
    end else begin
      instr_rvalid_o <= instr_req_i;
      instr_err_o    <= instr_req_i & ~instr_in_ram;
      data_rvalid_o  <= data_req_i;
      if (data_req_i) begin
        target_q <= target;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      periph_we_o    <= 1'b0;
      periph_addr_o  <= '0;
      periph_wdata_o <= '0;
    end else begin
      periph_we_o    <= data_we_i;
      periph_addr_o  <= data_addr_i[7:0];
      periph_wdata_o <= data_wdata_i;
    end
  end

  assign data_err_o = data_rvalid_o & (target_q == Nothing);

  always_comb begin
    unique case (target_q)
      Ram:     data_rdata_o = ram_rdata_i;
      Uart:    data_rdata_o = uart_rdata_i;
      Timer:   data_rdata_o = timer_rdata_i;
      Sysctl:  data_rdata_o = sysctl_rdata_i;
      default: data_rdata_o = '0;
    endcase
  end

endmodule
