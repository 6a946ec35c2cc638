// SPDX-License-Identifier: Apache-2.0
/* What this system is, its LEDs and its reset. */
#ifndef MPQ_SYSCTL_H
#define MPQ_SYSCTL_H

#include <stdint.h>

enum { SYSCTL_LED_READY = 1, SYSCTL_LED_RUNNING = 2, SYSCTL_LED_ERROR = 4 };

struct sysctl_info {
    uint32_t clock_hz, ram_bytes, isa_version, core_config;
};

struct sysctl_info sysctl_read_info(void);
void sysctl_set_leds(unsigned leds);
_Noreturn void sysctl_restart(void);

#endif
