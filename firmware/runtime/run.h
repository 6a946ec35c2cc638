// SPDX-License-Identifier: Apache-2.0
/* Running a parsed model, layer by layer. Knows no protocol and no counters. */
#ifndef MPQ_RUN_H
#define MPQ_RUN_H

#include <stdint.h>
#include "model.h"

/* Runs one layer in a tier (enum proto_tier). arena: arena_bytes, 16-byte aligned. */
void run_layer(const struct model *model, uint8_t *arena, unsigned layer, unsigned tier);

#endif
