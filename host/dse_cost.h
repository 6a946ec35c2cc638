// SPDX-License-Identifier: Apache-2.0
/* What every candidate of a space costs, from one profiled run on the core for each width. Used by
 * dse*.c only.
 *
 * Layers run one after the other and a kernel's path depends on shapes and widths, not on weights,
 * so the cycles of a candidate are the sum of its layers' cycles, and its bytes the sum of its
 * layers' bytes. What is left of cycles (branches on values, alignment) is not assumed to be small
 * but shown: candidates that are measured whole tell both numbers. */
#ifndef MPQ_DSE_COST_H
#define MPQ_DSE_COST_H

#include "dse_pool.h"

struct dse_cost {
    const struct dse_space *space; /* borrowed */
    uint64_t cycles[NET_MAX_LAYERS][NET_MAX_BITS], bytes[NET_MAX_LAYERS][NET_MAX_BITS];
    int64_t other_cycles;
    uint64_t other_bytes, fixed_ram_bytes;
};

struct dse_price {
    uint64_t cycles, size_bytes, ram_bytes;
};

/* Profiles on the pool's first worker, for each width the candidate that has it wherever it may. */
MUST_CHECK enum status dse_cost_measure(const struct dse_space *space, struct dse_pool *pool,
                                        struct dse_cost *out, struct error *err);

struct dse_price dse_cost_price(const struct dse_cost *cost, const int *bits);

/* Whether a price keeps to the limits on cycles and bytes. */
bool dse_cost_keeps(const struct dse_price *price, const struct search_limits *limits);

#endif
