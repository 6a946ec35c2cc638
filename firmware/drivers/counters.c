// SPDX-License-Identifier: Apache-2.0
/* The core's performance counters. Which event each mhpmcounter counts is fixed in Ibex
 * (ibex_cs_registers.sv). */
#include "counters.h"
#include "csr.h"

enum {
    EVENT_LSU_WAIT = 3,
    EVENT_FETCH_WAIT = 4,
    EVENT_LOADS = 5,
    EVENT_STORES = 6,
    EVENT_JUMPS = 7,
    EVENT_BRANCHES = 8,
    EVENT_BRANCHES_TAKEN = 9,
};

/* number: of the counter's lower half, a constant. The counters stand still. */
#define READ_COUNTER(number) ((uint64_t)CSR_READ((number) + CSR_HIGH_HALF) << 32 | CSR_READ(number))
#define READ_EVENT(event)    READ_COUNTER(CSR_MHPMCOUNTER3 - 3 + (event))

void counters_start(void)
{
    CSR_WRITE(CSR_MCOUNTINHIBIT, 0);
}

void counters_read(uint64_t counters[COUNTER_COUNT])
{
    CSR_WRITE(CSR_MCOUNTINHIBIT, 0xffffffff);
    counters[COUNTER_CYCLES] = READ_COUNTER(CSR_MCYCLE);
    counters[COUNTER_INSTRUCTIONS] = READ_COUNTER(CSR_MINSTRET);
    counters[COUNTER_LSU_WAIT] = READ_EVENT(EVENT_LSU_WAIT);
    counters[COUNTER_FETCH_WAIT] = READ_EVENT(EVENT_FETCH_WAIT);
    counters[COUNTER_LOADS] = READ_EVENT(EVENT_LOADS);
    counters[COUNTER_STORES] = READ_EVENT(EVENT_STORES);
    counters[COUNTER_BRANCHES] = READ_EVENT(EVENT_BRANCHES);
    counters[COUNTER_BRANCHES_TAKEN] = READ_EVENT(EVENT_BRANCHES_TAKEN);
    counters[COUNTER_JUMPS] = READ_EVENT(EVENT_JUMPS);
    counters_start();
}
