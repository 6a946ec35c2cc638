// SPDX-License-Identifier: Apache-2.0
// The system without a board: Ibex with the neural unit, RAM, UART, timer, system control.
// Function: the core starts at RamBase + 0x80. Interrupts are levels: UART receive is the external one, the timer's is
//           the timer one. A board's top adds pins, clock and reset; a simulator's top adds nothing but names.
// Timing:   RAM and registers answer one cycle after a request; a fetch and a data access go in the same cycle.
// Misuse:   RamBytes is a power of two and no more than the address map's RamSize; FetchBytes, the part of it that can
//           hold instructions, is a power of two and no more than RamBytes (checked at elaboration).
// Trace:    with RVFI defined, Ibex' tracer writes trace_core_00000000.log.
// Tests:    tests/rtl/

module soc_top #(
  parameter int unsigned      ClockHz         = 25_000_000,
  parameter int unsigned      RamBytes        = address_map_pkg::RamSize,
  parameter int unsigned      FetchBytes      = RamBytes,
  parameter                   RamInitFile     = "",
  // One row of rtl/tables/core_configs.tsv
  parameter ibex_pkg::rv32m_e RV32M           = ibex_pkg::RV32MSingleCycle,
  parameter bit               WritebackStage  = 1'b1,
  parameter bit               BranchTargetALU = 1'b1,
  parameter bit               NnUnit          = 1'b1,
  parameter bit               NnAlias         = 1'b1,
  parameter bit               NnMultiPump     = 1'b0,
  parameter bit               NnStream        = 1'b1,
  parameter int unsigned      CoreConfigIndex = 0
) (
  input  logic        clk_i,
  input  logic        clk2x_i,         // for NnMultiPump: see rtl/nn/nn_unit.sv; otherwise not used
  input  logic        rst_ni,

  // Serial line
  input  logic        uart_rx_i,
  output logic        uart_tx_o,

  output logic [2:0]  leds_o,

  // Byte port of the UART for simulation; a board ties the inputs to 0
  input  logic        fast_i,
  input  logic        fast_rx_valid_i,
  input  logic [7:0]  fast_rx_data_i,
  output logic        fast_rx_ready_o,
  output logic        fast_tx_valid_o,
  output logic [7:0]  fast_tx_data_o,

  // State of the run
  output logic        exit_valid_o,
  output logic [31:0] exit_code_o,
  output logic        core_sleep_o,
  output logic [31:0] pc_o,            // of the instruction in the ID stage
  output logic        double_fault_o   // 1 from the first exception inside an exception handler on
);

  localparam int unsigned RamAddrWidth    = $clog2(RamBytes / 4);
  localparam int unsigned ResetBaudHz     = 115_200;
  localparam int unsigned ResetDivisor    = (16 * ClockHz + ResetBaudHz / 2) / ResetBaudHz;
  localparam int unsigned CounterNum      = 10;
  localparam int unsigned CounterWidth    = 40;

  if (RamBytes > address_map_pkg::RamSize || RamBytes != 2 ** $clog2(RamBytes) ||
      FetchBytes > RamBytes || FetchBytes != 2 ** $clog2(FetchBytes)) begin : gen_bad_ram
    $error("soc_top: FetchBytes <= RamBytes <= the address map's RamSize must be powers of two");
  end

  if (NnStream && !(NnUnit && WritebackStage)) begin : gen_bad_stream
    $error("soc_top: NnStream needs NnUnit and WritebackStage");
  end

  logic        rst_n, reset_request;

  logic        instr_req, instr_gnt, instr_rvalid, instr_err;
  logic [31:0] instr_addr, instr_rdata;
  logic        data_req, data_gnt, data_rvalid, data_err, data_we;
  logic [3:0]  data_be;
  logic [31:0] data_addr, data_wdata, data_rdata;

  logic        ram_req, uart_req, timer_req, sysctl_req;
  logic [31:0] ram_rdata, uart_rdata, timer_rdata, sysctl_rdata;
  logic        periph_we;
  logic [7:0]  periph_addr;
  logic [31:0] periph_wdata;
  logic        uart_irq, timer_irq;

  ibex_pkg::crash_dump_t crash_dump;
  logic                  double_fault_seen;

  //////////
  // Core //
  //////////

`ifdef RVFI
  ibex_top_tracing #(
`else
  ibex_top #(
`endif
    .MHPMCounterNum  (CounterNum),
    .MHPMCounterWidth(CounterWidth),
    .RV32M           (RV32M),
    .RegFile         (ibex_pkg::RegFileFPGA),
    .BranchTargetALU (BranchTargetALU),
    .WritebackStage  (WritebackStage),
    .NnUnit          (NnUnit),
    .NnAlias         (NnAlias),
    .NnMultiPump     (NnMultiPump),
    .NnStream        (NnStream)
  ) u_core (
    .clk_i,
    .clk2x_i,
    .rst_ni                (rst_n),
    .test_en_i             (1'b0),
    .ram_cfg_i             ('0),
    .hart_id_i             (32'd0),
    .boot_addr_i           (address_map_pkg::RamBase),

    .instr_req_o           (instr_req),
    .instr_gnt_i           (instr_gnt),
    .instr_rvalid_i        (instr_rvalid),
    .instr_addr_o          (instr_addr),
    .instr_rdata_i         (instr_rdata),
    .instr_rdata_intg_i    ('0),
    .instr_err_i           (instr_err),

    .data_req_o            (data_req),
    .data_gnt_i            (data_gnt),
    .data_rvalid_i         (data_rvalid),
    .data_we_o             (data_we),
    .data_be_o             (data_be),
    .data_addr_o           (data_addr),
    .data_wdata_o          (data_wdata),
    .data_wdata_intg_o     (),
    .data_rdata_i          (data_rdata),
    .data_rdata_intg_i     ('0),
    .data_err_i            (data_err),

    .irq_software_i        (1'b0),
    .irq_timer_i           (timer_irq),
    .irq_external_i        (uart_irq),
    .irq_fast_i            ('0),
    .irq_nm_i              (1'b0),

    .scramble_key_valid_i  (1'b0),
    .scramble_key_i        ('0),
    .scramble_nonce_i      ('0),
    .scramble_req_o        (),

    .debug_req_i           (1'b0),
    .crash_dump_o          (crash_dump),
    .double_fault_seen_o   (double_fault_seen),

    .fetch_enable_i        (ibex_pkg::IbexMuBiOn),
    .alert_minor_o         (),
    .alert_major_internal_o(),
    .alert_major_bus_o     (),
    .core_sleep_o,
    .scan_rst_ni           (1'b1)
  );

  assign pc_o = crash_dump.current_pc;

  // The rest of the crash dump is not for the world outside
  logic unused_crash_dump;
  assign unused_crash_dump = ^{crash_dump.next_pc, crash_dump.last_data_addr,
                               crash_dump.exception_pc, crash_dump.exception_addr};

  always_ff @(posedge clk_i or negedge rst_n) begin
    if (!rst_n) begin
      double_fault_o <= 1'b0;
    end else begin
      double_fault_o <= double_fault_o | double_fault_seen;
    end
  end

  ////////////////////
  // Bus and memory //
  ////////////////////

  soc_bus #(
    .RamBytes  (RamBytes),
    .FetchBytes(FetchBytes)
  ) u_bus (
    .clk_i,
    .rst_ni         (rst_n),
    .instr_req_i    (instr_req),
    .instr_addr_i   (instr_addr),
    .instr_gnt_o    (instr_gnt),
    .instr_rvalid_o (instr_rvalid),
    .instr_err_o    (instr_err),
    .data_req_i     (data_req),
    .data_we_i      (data_we),
    .data_be_i      (data_be),
    .data_addr_i    (data_addr),
    .data_wdata_i   (data_wdata),
    .data_gnt_o     (data_gnt),
    .data_rvalid_o  (data_rvalid),
    .data_err_o     (data_err),
    .data_rdata_o   (data_rdata),
    .ram_req_o      (ram_req),
    .ram_rdata_i    (ram_rdata),
    .uart_req_o     (uart_req),
    .timer_req_o    (timer_req),
    .sysctl_req_o   (sysctl_req),
    .periph_we_o    (periph_we),
    .periph_addr_o  (periph_addr),
    .periph_wdata_o (periph_wdata),
    .uart_rdata_i   (uart_rdata),
    .timer_rdata_i  (timer_rdata),
    .sysctl_rdata_i (sysctl_rdata)
  );

  soc_ram #(
    .Words     (RamBytes / 4),
    .FetchWords(FetchBytes / 4),
    .InitFile  (RamInitFile)
  ) u_ram (
    .clk_i,
    .i_addr_i (instr_addr[2 +: RamAddrWidth]),
    .i_rdata_o(instr_rdata),
    .d_req_i  (ram_req),
    .d_we_i   (data_we),
    .d_be_i   (data_be),
    .d_addr_i (data_addr[2 +: RamAddrWidth]),
    .d_wdata_i(data_wdata),
    .d_rdata_o(ram_rdata)
  );

  /////////////////
  // Peripherals //
  /////////////////

  soc_uart #(
    .ResetDivisor(ResetDivisor)
  ) u_uart (
    .clk_i,
    .rst_ni (rst_n),
    .req_i  (uart_req),
    .we_i   (periph_we),
    .addr_i (periph_addr),
    .wdata_i(periph_wdata),
    .rdata_o(uart_rdata),
    .irq_o  (uart_irq),
    .rx_i   (uart_rx_i),
    .tx_o   (uart_tx_o),
    .fast_i,
    .fast_rx_valid_i,
    .fast_rx_data_i,
    .fast_rx_ready_o,
    .fast_tx_valid_o,
    .fast_tx_data_o
  );

  soc_timer u_timer (
    .clk_i,
    .rst_ni (rst_n),
    .req_i  (timer_req),
    .we_i   (periph_we),
    .addr_i (periph_addr),
    .wdata_i(periph_wdata),
    .rdata_o(timer_rdata),
    .irq_o  (timer_irq)
  );

  soc_sysctl #(
    .ClockHz        (ClockHz),
    .RamBytes       (RamBytes),
    .NnUnit         (NnUnit),
    .NnStream       (NnStream),
    .CoreConfigIndex(CoreConfigIndex)
  ) u_sysctl (
    .clk_i,
    .rst_ni (rst_n),
    .req_i  (sysctl_req),
    .we_i   (periph_we),
    .addr_i (periph_addr),
    .wdata_i(periph_wdata),
    .rdata_o(sysctl_rdata),
    .leds_o,
    .reset_o(reset_request),
    .exit_valid_o,
    .exit_code_o
  );

  soc_reset u_reset (
    .clk_i,
    .rst_ni,
    .request_i(reset_request),
    .rst_no   (rst_n)
  );

endmodule
