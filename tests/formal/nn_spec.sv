// SPDX-License-Identifier: Apache-2.0
// The instructions by their definition in rtl/README.md, for proofs: the formulas as they stand there, without a thought
// for gates, and without a line of rtl/nn. First the five of version 1, then those of version 2.
// Lane k of a word is bits [31-8k : 24-8k].

package nn_spec;

  function automatic logic [7:0] lane(logic [31:0] word, int unsigned k);
    return 8'(word >> (24 - (k << 3)));  // no product here: proofs leave those out
  endfunction

  function automatic logic [4:0] shift(logic [31:0] rs2, int unsigned k);
    return rs2[31 - 7*k -: 5];
  endfunction

  // neur_init: sign_extend(bias_k) << shift_k
  function automatic logic [31:0] init(logic [31:0] rs1, logic [31:0] rs2, int unsigned k);
    logic [7:0] bias;
    bias = lane(rs1, k);
    return {{24{bias[7]}}, bias} << shift(rs2, k);
  endfunction

  // Activation byte j as a number: mode bit 2 makes it signed
  function automatic logic signed [31:0] activation(logic [2:0] mode, logic [31:0] a, int unsigned j);
    logic [7:0] value;
    value = lane(a, j);
    return {{24{mode[2] & value[7]}}, value};
  endfunction

  function automatic logic signed [31:0] sext8(logic [7:0] value);
    return {{24{value[7]}}, value};
  endfunction

  function automatic logic signed [31:0] sext4(logic [3:0] value);
    return {{28{value[3]}}, value};
  endfunction

  function automatic logic signed [31:0] sext2(logic [1:0] value);
    return {{30{value[1]}}, value};
  endfunction

  // What nn_mac adds to accumulator k; w: rs1, a: rs2, it: index of the next activation byte
  function automatic logic [31:0] mac(logic [2:0] mode, logic [1:0] it, logic [31:0] w, logic [31:0] a, int unsigned k);
    int unsigned b;
    logic signed [31:0] sum;
    b   = it[0] ? 2 : 0;
    sum = 0;
    case (mode[1:0])
      2'd0: sum = sext8(lane(w, k)) * activation(mode, a, 32'(it));
      2'd1: sum = sext8(lane(w, k)) * activation(mode, a, k);
      2'd2: sum = sext4(w[31 - 4*k -: 4]) * activation(mode, a, b) + sext4(w[15 - 4*k -: 4]) * activation(mode, a, b + 1);
      2'd3: begin
        for (int unsigned j = 0; j < 4; j++) begin
          sum = sum + sext2(w[31 - 8*j - 2*k -: 2]) * activation(mode, a, j);
        end
      end
    endcase
    return sum;
  endfunction

  // neur_res, first part: q of lane k, from p = |acc| * multiplier (mod 2^32)
  function automatic logic [31:0] scaled(logic [31:0] acc, logic [31:0] p, logic [4:0] s);
    logic [31:0] r;
    r = (s == 0) ? 32'd0 : 32'd1 << (s - 5'd1);
    return acc[31] ? ~p + (r | 32'd1) : p + r;
  endfunction

  function automatic logic [31:0] magnitude(logic [31:0] acc);
    return acc[31] ? -acc : acc;
  endfunction

  // neur_res, second part: t = q >> s (arithmetic), clamped
  function automatic logic [7:0] clamp(logic [31:0] q, logic [4:0] s, logic relu);
    logic signed [31:0] t;
    t = $signed(q) >>> s;
    if (relu) begin
      return t < 0 ? 8'd0 : t > 255 ? 8'd255 : t[7:0];
    end
    return t < -128 ? 8'h80 : t > 127 ? 8'h7f : t[7:0];
  endfunction

  // Version 2. bits: funct3 and rd of a load
  function automatic logic is_lda_mac(logic [7:0] bits);
    return bits < 8'h80;
  endfunction

  function automatic logic is_ldw(logic [7:0] bits);
    return bits >= 8'h80 && bits < 8'hc0;
  endfunction

  function automatic logic is_lda(logic [7:0] bits);
    return bits == 8'hc0;
  endfunction

  function automatic logic is_ldw_mac(logic [7:0] bits);
    return bits >= 8'he0;
  endfunction

  function automatic logic is_load(logic [7:0] bits);
    return is_lda_mac(bits) || is_ldw(bits) || is_lda(bits) || is_ldw_mac(bits);
  endfunction

  // The entry of weights that a load writes or multiplies, and the bank that it adds to
  function automatic logic [3:0] entry(logic [7:0] bits);
    return is_lda_mac(bits) ? bits[3:0] : is_ldw(bits) ? bits[5:2] : 4'd15;
  endfunction

  function automatic logic [2:0] bank(logic [7:0] bits);
    return is_lda_mac(bits) ? bits[6:4] : bits[4:2];
  endfunction

  // Whether a word of weights for activation s has weights for activation j, and that of output k among them
  function automatic logic has_weight(logic [2:0] mode, logic [1:0] s, int unsigned j);
    return mode[1:0] == 2'd3 || (mode[1:0] == 2'd2 ? s / 2 == j / 2 : 32'(s) == j);
  endfunction

  function automatic logic signed [31:0] weight(logic [2:0] mode, logic [31:0] w, int unsigned j, int unsigned k);
    case (mode[1:0])
      2'd2:    return sext4(j % 2 == 0 ? w[31 - 4*k -: 4] : w[15 - 4*k -: 4]);
      2'd3:    return sext2(w[31 - 8*j - 2*k -: 2]);
      default: return sext8(lane(w, k));
    endcase
  endfunction

  // The bits of the multipliers' and shifts' CSRs that exist
  function automatic logic [31:0] shift_bits();
    logic [31:0] bits;
    bits = 32'd1;
    for (int unsigned k = 0; k < 4; k++) begin
      bits[31 - 7*k -: 5] = '1;
    end
    return bits;
  endfunction

endpackage
