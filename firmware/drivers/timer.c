// SPDX-License-Identifier: Apache-2.0
/* The alarm: registers of rtl/soc/soc_timer.sv. No state of its own. */
#include "csr.h"
#include "mmio.h"
#include "timer.h"

enum { MIP_TIMER = 1 << 7 };

static uint64_t now(void)
{
    uint32_t high, low;

    do {
        high = mmio_read(TIMER_MTIME_HI);
        low = mmio_read(TIMER_MTIME_LO);
    } while (high != mmio_read(TIMER_MTIME_HI));
    return (uint64_t)high << 32 | low;
}

void timer_set_alarm(uint32_t cycles)
{
    const uint64_t due = cycles ? now() + cycles : UINT64_MAX;

    mmio_write(TIMER_MTIMECMP_HI, UINT32_MAX); /* not due while only half is written */
    mmio_write(TIMER_MTIMECMP_LO, (uint32_t)due);
    mmio_write(TIMER_MTIMECMP_HI, (uint32_t)(due >> 32));
}

bool timer_is_due(void)
{
    return CSR_READ(CSR_MIP) & MIP_TIMER;
}
