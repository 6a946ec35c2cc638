// SPDX-License-Identifier: Apache-2.0
/* The end of the firmware's life by a trap: report it and start again. */
#ifndef MPQ_TRAP_H
#define MPQ_TRAP_H

#include <stdbool.h>
#include <stdint.h>

/* Where the number of the layer that runs now stands, which the report carries, and the lowest word of the stack. */
void trap_watch(const uint16_t *running_layer, uint32_t *stack_bottom);

/* Entered from crt0.S on a stack of its own. Sends a PROTO_TRAP frame and restarts the system. */
_Noreturn void trap_report(uint32_t mcause, uint32_t mepc, uint32_t mtval);

/* Whether a trap was the cause of this start, when it is asked for the first time. */
bool trap_caused_restart(void);

/* Traps if the stack has grown out of its place. */
void trap_check_stack(void);

#endif
