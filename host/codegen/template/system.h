// SPDX-License-Identifier: Apache-2.0
/* What a program needs of the system: text on the serial line, an end, a sleep. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdint.h>

enum { BAUD_HZ = 115200, EXIT_TRAPPED = 99, EXIT_STACK = 98 };

/* Starts counters and serial line; printf() goes there. */
void system_start(void);

/* The next received byte; sleeps until there is one. */
uint8_t system_receive(void);

/* Ends the program if the stack has grown out of its place. */
void system_check_stack(void);

/* Ends the simulation with this exit code; on a board, waits for a reset. */
_Noreturn void system_end(int code);

#endif
