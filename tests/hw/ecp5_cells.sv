// SPDX-License-Identifier: Apache-2.0
// Models of the ECP5 cells that Yosys has as black boxes only, for simulation after synthesis.
// The other cells (LUT4, CCU2C, TRELLIS_FF, ...) come from Yosys' own library.
// Function: DP16KD without output registers and chip selects, MULT18X18D without registers, as synthesis uses them;
//           EHXPLLL passes its input clock on: one cycle of the simulation is one of the system's clock. CLKOS2, twice
//           that, comes from the top of the simulation.
// Source:   Lattice FPGA-TN-02204 (memory), FPGA-TN-02205 (sysDSP). INITVAL: 16 words of 18 bits in fields of 20.

module DP16KD #(
  parameter int DATA_WIDTH_A = 18,
  parameter int DATA_WIDTH_B = 18,
  parameter REGMODE_A = "NOREG",
  parameter REGMODE_B = "NOREG",
  parameter RESETMODE = "SYNC",
  parameter ASYNC_RESET_RELEASE = "SYNC",
  parameter CSDECODE_A = "0b000",
  parameter CSDECODE_B = "0b000",
  parameter CLKAMUX = "CLKA",
  parameter CLKBMUX = "CLKB",
  parameter WRITEMODE_A = "NORMAL",
  parameter WRITEMODE_B = "NORMAL",
  parameter GSR = "ENABLED",
  parameter bit [319:0]
    INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0,
    INITVAL_07 = 0, INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0,
    INITVAL_0E = 0, INITVAL_0F = 0, INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0,
    INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0, INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0,
    INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0, INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0,
    INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0, INITVAL_28 = 0, INITVAL_29 = 0,
    INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0, INITVAL_30 = 0,
    INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0,
    INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0, INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0,
    INITVAL_3F = 0
) (
  input  logic CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
  input  logic ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
  input  logic DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15,
  input  logic DIA16, DIA17,
  output logic DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15,
  output logic DOA16, DOA17,
  input  logic CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
  input  logic ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
  input  logic DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15,
  input  logic DIB16, DIB17,
  output logic DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15,
  output logic DOB16, DOB17
);

  localparam bit [64*320-1:0] Init = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };

  // Words of 18 bits: a narrower port sees a part of one; ports of 1, 2 and 4 bits do not reach the two ninth bits
  logic [17:0] mem [1024];
  logic [17:0] out_a, out_b;
  logic [13:0] ad_a, ad_b;
  logic [17:0] di_a, di_b;

  assign ad_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  assign ad_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  assign di_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
                 DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  assign di_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
                 DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
          DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = out_a;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
          DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = out_b;

  initial begin
    for (int i = 0; i < 1024; i++) begin
      mem[i] = Init[20*i +: 18];
    end
    out_a = '0;
    out_b = '0;
  end

  // Lowest bit of the part of a word that an address of a port of this width names
  function automatic int lowest(int width, logic [3:0] ad);
    case (width)
      18:      return 0;
      9:       return ad[3] ? 9 : 0;
      4:       return (ad[3] ? 9 : 0) + (ad[2] ? 4 : 0);
      2:       return (ad[3] ? 9 : 0) + 2 * int'(ad[2:1]);
      default: return (ad[3] ? 9 : 0) + int'(ad[2:0]);
    endcase
  endfunction

  function automatic logic [17:0] ones(int width);
    return 18'((19'd1 << width) - 19'd1);
  endfunction

  // The bits of a word that a write changes; a port of 18 bits has byte enables on its two lowest address lines
  function automatic logic [17:0] written(int width, logic [3:0] ad);
    return width == 18 ? {{9{ad[1]}}, {9{ad[0]}}} : ones(width) << lowest(width, ad);
  endfunction

  function automatic logic [17:0] merge(logic [17:0] word, logic [17:0] di, int width, logic [3:0] ad);
    return (word & ~written(width, ad)) | ((di << lowest(width, ad)) & written(width, ad));
  endfunction

  always @(posedge CLKA) begin
    if (CEA) begin
      if (!WEA || WRITEMODE_A == "READBEFOREWRITE") begin
        out_a <= (mem[ad_a[13:4]] >> lowest(DATA_WIDTH_A, ad_a[3:0])) & ones(DATA_WIDTH_A);
      end else if (WRITEMODE_A == "WRITETHROUGH") begin
        out_a <= di_a;
      end
      if (WEA) begin
        mem[ad_a[13:4]] <= merge(mem[ad_a[13:4]], di_a, DATA_WIDTH_A, ad_a[3:0]);
      end
    end
  end

  always @(posedge CLKB) begin
    if (CEB) begin
      if (!WEB || WRITEMODE_B == "READBEFOREWRITE") begin
        out_b <= (mem[ad_b[13:4]] >> lowest(DATA_WIDTH_B, ad_b[3:0])) & ones(DATA_WIDTH_B);
      end else if (WRITEMODE_B == "WRITETHROUGH") begin
        out_b <= di_b;
      end
      if (WEB) begin
        mem[ad_b[13:4]] <= merge(mem[ad_b[13:4]], di_b, DATA_WIDTH_B, ad_b[3:0]);
      end
    end
  end

  if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB") begin : gen_unknown
    $error("DP16KD: this use of the cell is not modelled");
  end

endmodule

module MULT18X18D #(
  parameter REG_INPUTA_CLK = "NONE",
  parameter REG_INPUTB_CLK = "NONE",
  parameter REG_OUTPUT_CLK = "NONE",
  parameter REG_PIPELINE_CLK = "NONE"
) (
  input  logic A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17,
  input  logic B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17,
  input  logic C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
  input  logic SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  output logic P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17,
  output logic P18, P19, P20, P21, P22, P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);

  logic signed [18:0] a, b;  // with room for unsigned factors
  logic signed [37:0] p;
  logic               unused_inputs;

  assign a = {SIGNEDA & A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  assign b = {SIGNEDB & B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  assign p = a * b;
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14,
          P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = p[35:0];
  assign unused_inputs = ^{C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
                           SOURCEA, SOURCEB};

  if (REG_INPUTA_CLK != "NONE" || REG_INPUTB_CLK != "NONE" || REG_OUTPUT_CLK != "NONE" ||
      REG_PIPELINE_CLK != "NONE") begin : gen_unknown
    $error("MULT18X18D: registers are not modelled");
  end

endmodule

module EHXPLLL #(
  parameter int CLKI_DIV = 1,
  parameter int CLKFB_DIV = 1,
  parameter int CLKOP_DIV = 8,
  parameter int CLKOS_DIV = 8,
  parameter int CLKOP_CPHASE = 0,
  parameter int CLKOS_CPHASE = 0,
  parameter int CLKOS2_DIV = 8,
  parameter int CLKOS2_CPHASE = 0,
  parameter FEEDBK_PATH = "CLKOP",
  parameter CLKOP_ENABLE = "ENABLED",
  parameter CLKOS_ENABLE = "DISABLED",
  parameter CLKOS2_ENABLE = "DISABLED"
) (
  input  logic CLKI, CLKFB, RST, STDBY, PLLWAKESYNC,
  input  logic PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG,
  input  logic ENCLKOP, ENCLKOS, ENCLKOS2, ENCLKOS3,
  output logic CLKOP, CLKOS, CLKOS2, LOCK
);

  assign CLKOP  = CLKI;
  assign CLKOS  = CLKI;
  assign CLKOS2 = sim_top.clk2x_i;
  assign LOCK   = 1'b1;

endmodule
