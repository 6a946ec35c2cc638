// SPDX-License-Identifier: Apache-2.0
/* The end of an architecture test on the core: its signature goes out, a word on a line. */
#include "finish.h"
#include "tap.h"

_Noreturn void arch_end(const uint32_t *signature, const uint32_t *end);

_Noreturn void arch_end(const uint32_t *signature, const uint32_t *end)
{
    while (signature < end) {
        tap_number(*signature++);
        tap_text("\n");
    }
    finish(0);
}
