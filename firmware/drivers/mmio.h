// SPDX-License-Identifier: Apache-2.0
/* Device registers, 32 bits each; addresses come from the generated address_map.h. */
#ifndef MPQ_MMIO_H
#define MPQ_MMIO_H

#include <stdint.h>
#include "address_map.h"

static inline uint32_t mmio_read(uint32_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void mmio_write(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

#endif
