// SPDX-License-Identifier: Apache-2.0
/* One alarm. Its interrupt only ends the core's sleep. */
#ifndef MPQ_TIMER_H
#define MPQ_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/* The alarm is due so many cycles from now; 0: never. */
void timer_set_alarm(uint32_t cycles);

/* Whether the alarm is due. It stays so until it is set again. */
bool timer_is_due(void);

#endif
