// SPDX-License-Identifier: Apache-2.0
/* Names of the core configurations (rtl/tables/core_configs.tsv). */
#ifndef MPQ_CORE_CONFIG_H
#define MPQ_CORE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

/* The name of the configuration with this number, "configuration 9" if it is not known here. */
void core_config_text(uint32_t number, char *text, size_t size);

#endif
