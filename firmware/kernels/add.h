// SPDX-License-Identifier: Apache-2.0
/* What both tiers of the residual addition share: the operands of its parameter group. */
#ifndef MPQ_ADD_H
#define MPQ_ADD_H

#include "bytes.h"
#include "kernels.h"

struct add_params {
    uint32_t ma, mb, multiplier; /* each four times in a word */
    uint32_t shift;              /* rs2 of neur_res */
};

static inline struct add_params add_load(const uint8_t *params)
{
    return (struct add_params){get_u32(params), get_u32(params + 4), get_u32(params + 8),
                               get_u32(params + 12)};
}

#endif
