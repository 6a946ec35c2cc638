// SPDX-License-Identifier: Apache-2.0
/* Traps of the test programs. */
#include "trap.h"

#include <stdbool.h>
#include "csr.h"

volatile struct trap last_trap;
void (*volatile on_interrupt)(uint32_t cause);

/* Called by trap_entry in start.S; returns where the program goes on. */
uint32_t trap_dispatch(uint32_t cause, uint32_t pc, uint32_t value, uint32_t return_address);

uint32_t trap_dispatch(uint32_t cause, uint32_t pc, uint32_t value, uint32_t return_address)
{
    const bool is_interrupt = cause >> 31;
    if (is_interrupt && on_interrupt) {
        on_interrupt(cause);
        return pc;
    }
    last_trap.count++;
    last_trap.cause = cause;
    last_trap.pc = pc;
    last_trap.value = value;
    if (is_interrupt) {
        CSR_WRITE(CSR_MIE, 0);
        return pc;
    }
    return cause == CAUSE_FETCH_FAULT ? return_address : pc + 4;
}
