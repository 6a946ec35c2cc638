// SPDX-License-Identifier: Apache-2.0
/* How the UART (rtl/soc/soc_uart.sv) makes a rate of the core's clock. Compiled into firmware and
 * host: the only definition of which rates a core can have. */
#ifndef MPQ_LINE_RATE_H
#define MPQ_LINE_RATE_H

#include <stdint.h>

enum {
    LINE_DIVISOR_STEPS = 16, /* the divisor is in parts of a clock cycle, so many to one */
    LINE_DIVISOR_MIN = 4 * LINE_DIVISOR_STEPS,
    LINE_DIVISOR_MAX = (1 << 20) - 1,
};

/* The divisor nearest to a rate, which it misses by 0.8 % at most; 0 if there is none. Clocks up to
 * 1 GHz. */
static inline uint32_t line_divisor(uint32_t clock_hz, uint32_t baud_hz)
{
    uint32_t whole, divisor;

    if (!baud_hz || baud_hz > clock_hz / 2) /* and no product below wraps */
        return 0;
    whole = clock_hz / baud_hz;
    if (whole > LINE_DIVISOR_MAX / LINE_DIVISOR_STEPS)
        return 0;
    divisor = whole * LINE_DIVISOR_STEPS +
              (clock_hz % baud_hz * LINE_DIVISOR_STEPS + baud_hz / 2) / baud_hz;
    return divisor >= LINE_DIVISOR_MIN && divisor <= LINE_DIVISOR_MAX ? divisor : 0;
}

#endif
