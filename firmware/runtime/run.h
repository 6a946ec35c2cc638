// SPDX-License-Identifier: Apache-2.0
/* Running a parsed model, layer by layer. Knows no protocol and no counters. */
#ifndef MPQ_RUN_H
#define MPQ_RUN_H

#include <stdint.h>
#include "kernels.h"
#include "protocol.h"

enum { RUN_TIERS = TIER_RV32 + 1 };

/* A layer, ready to run: its kernel in each tier (enum proto_tier), chosen for this core, and what
 * the kernel works on. */
struct run_call {
    struct kernel_args args;
    kernel_fn *kernels[RUN_TIERS];
};

/* Of a call on the core. */
enum { RUN_CALL_BYTES = 48 };

/* Prepares the call of each layer of a model that model_parse() has accepted. arena: arena_bytes,
 * 16-byte aligned. calls: as many as the model has layers; they borrow model, its tables and arena,
 * and may be run as long as none of these changes but the arena's contents. */
void run_prepare(const struct model *model, uint8_t *arena, struct run_call *calls);

static inline void run_call(const struct run_call *call, unsigned tier)
{
    call->kernels[tier](&call->args);
}

/* One layer of a model for which no calls were prepared. */
void run_layer(const struct model *model, uint8_t *arena, unsigned layer, unsigned tier);

#endif
