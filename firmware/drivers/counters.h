// SPDX-License-Identifier: Apache-2.0
/* The core's performance counters. */
#ifndef MPQ_COUNTERS_H
#define MPQ_COUNTERS_H

#include <stdint.h>
#include "protocol.h"

/* Lets all counters run. */
void counters_start(void);

/* Reads all counters at one moment: they stand still while they are read, so that reading costs the
 * measured code only a few cycles. */
void counters_read(uint64_t counters[COUNTER_COUNT]);

#endif
