// SPDX-License-Identifier: Apache-2.0
/* The generated table of core configurations as functions. */
#include "target/core_config.h"

#include <stdio.h>
#include "core_configs.h"

void core_config_text(uint32_t number, char *text, size_t size)
{
    static const char *const names[] = {CORE_CONFIG_NAMES};
    if (number < sizeof names / sizeof names[0])
        snprintf(text, size, "%s", names[number]);
    else
        snprintf(text, size, "configuration %u", (unsigned)number);
}
