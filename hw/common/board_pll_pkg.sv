// SPDX-License-Identifier: Apache-2.0
// What the boards' PLLs have in common.
// Tests:    each synthesis of a board elaborates it (make area BOARD=...), and a rate that cannot be had is an error there.

package board_pll_pkg;

  // The PLL's oscillator runs at oscillator_hz * multiplier; dividers make the clock and twice its rate of that.
  // The first multiplier from `first` on, towards `last`, whose oscillator is between vco_min_hz and vco_max_hz and
  // gives clock_hz and twice of it exactly, by dividers up to 128; 0 if there is none.
  function automatic int unsigned find_multiplier(
    int unsigned oscillator_hz, int unsigned clock_hz, int unsigned vco_min_hz, int unsigned vco_max_hz, int first, int last
  );
    longint unsigned vco_hz;
    int step;
    step = first < last ? 1 : -1;
    for (int multiplier = first; multiplier != last + step; multiplier += step) begin
      vco_hz = longint'(oscillator_hz) * longint'(multiplier);
      if (vco_hz >= longint'(vco_min_hz) && vco_hz <= longint'(vco_max_hz) && vco_hz % longint'(clock_hz) == 0 &&
          vco_hz / longint'(clock_hz) % 2 == 0 && vco_hz / longint'(clock_hz) <= 128) begin
        return multiplier;
      end
    end
    return 0;
  endfunction

endpackage
