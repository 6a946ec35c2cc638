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

endpackage
