// SPDX-License-Identifier: Apache-2.0
/* The end of every test program on the core. */
#include "finish.h"

#include "mmio.h"

_Noreturn void finish(uint32_t code)
{
    mmio_write(SYSCTL_EXIT, code);
    for (;;) {
    }
}
