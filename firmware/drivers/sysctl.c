// SPDX-License-Identifier: Apache-2.0
/* System control: registers of rtl/soc/soc_sysctl.sv. No state of its own. */
#include "mmio.h"
#include "sysctl.h"

enum { RESET_KEY = 0x52535421 };

struct sysctl_info sysctl_read_info(void)
{
    return (struct sysctl_info){
        .clock_hz = mmio_read(SYSCTL_CLOCK_HZ),
        .ram_bytes = mmio_read(SYSCTL_RAM_BYTES),
        .isa_version = mmio_read(SYSCTL_ISA_VERSION),
        .core_config = mmio_read(SYSCTL_CORE_CONFIG),
    };
}

void sysctl_set_leds(unsigned leds)
{
    mmio_write(SYSCTL_LEDS, leds);
}

_Noreturn void sysctl_restart(void)
{
    mmio_write(SYSCTL_RESET, RESET_KEY);
    for (;;) {
    }
}
