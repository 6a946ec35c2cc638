// SPDX-License-Identifier: Apache-2.0
/* Traps of the test programs. An exception is recorded and its instruction, which must be four
 * bytes long, skipped; after a failed fetch the program goes on where ra points. An interrupt calls
 * on_interrupt, or, without one, clears its enable in mie and is recorded like an exception. */
#ifndef MPQ_TEST_TRAP_H
#define MPQ_TEST_TRAP_H

#include <stdint.h>
#include "csr.h"

enum {
    CAUSE_FETCH_FAULT = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_FAULT = 5,
    CAUSE_STORE_FAULT = 7,
    CAUSE_ECALL = 11,
};
#define CAUSE_TIMER    0x80000007u
#define CAUSE_EXTERNAL 0x8000000bu

enum { CSR_MSTATUS = 0x300, MSTATUS_MIE = 8, MIE_TIMER = 1 << 7 };

struct trap {
    uint32_t count, cause, pc, value;
};

/* The last trap; count goes up with each. The program may clear it. */
extern volatile struct trap last_trap;
extern void (*volatile on_interrupt)(uint32_t cause);

#endif
