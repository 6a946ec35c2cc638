// SPDX-License-Identifier: Apache-2.0
// Operators of the neural unit, and its modes.
// The operator is what a decoder hands to nn_unit; the encodings of the instructions are in the generated nn_pkg.

package nn_op_pkg;

  typedef enum logic [1:0] {
    OpInit,  // neur_init
    OpMac,   // nn_mac_*
    OpRes    // neur_res
  } op_e;

  // Bits 1:0 of the mode; bit 2 makes the activations signed.
  typedef enum logic [1:0] {
    Mode8Bit,
    ModeDepthwise,
    Mode4Bit,
    Mode2Bit
  } mode_e;

  // Position of the fields of rs2 in neur_init and neur_res
  function automatic logic [4:0] shift_of_lane(logic [31:0] rs2, int unsigned lane);
    return 5'(rs2 >> (27 - 7 * lane));
  endfunction

  // sign_extend(bias) << shift (mod 2^32). The lower four bits of the shift are a multiplication by a power of two:
  // on an FPGA one multiplier block, where a shifter would be a hundred look-up tables.
  function automatic logic [31:0] shift_bias(logic [7:0] bias, logic [4:0] shift);
    logic [16:0] power;
    logic [23:0] product;
    for (int unsigned i = 0; i < 17; i++) begin
      power[i] = 5'(i) == {1'b0, shift[3:0]};
    end
    product = 24'(signed'(bias)) * 24'(signed'(power));
    return shift[4] ? {product[15:0], 16'b0} : 32'(signed'(product));
  endfunction

endpackage
