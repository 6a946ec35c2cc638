// SPDX-License-Identifier: Apache-2.0
/* What every candidate of a space costs, from one profiled run on the core for each width, or some
 * more where not all layers of a width fit the core's memory at once. Used by dse*.c only.
 *
 * Layers run one after the other and a kernel's path depends on shapes and widths, not on weights,
 * so the cycles of a candidate are the sum of its layers' cycles, and its bytes the sum of its
 * layers' bytes. What is left of cycles (branches on values, alignment) is not assumed to be small
 * but shown: candidates that are measured whole tell both numbers. */
#ifndef MPQ_DSE_COST_H
#define MPQ_DSE_COST_H

#include "search/dse_pool.h"

struct dse_cost {
    const struct dse_space *space; /* borrowed */
    uint64_t cycles[NET_MAX_LAYERS][NET_MAX_BITS], bytes[NET_MAX_LAYERS][NET_MAX_BITS];
    /* The group ran at that choice; if not, no candidate with it fits the core's memory, and only
     * its bytes are known. */
    bool priced[NET_MAX_LAYERS][NET_MAX_BITS];
    int64_t other_cycles;
    uint64_t other_bytes, fixed_ram_bytes;
    uint64_t target_ram_bytes; /* what the core has; 0: without limit */
    /* Nothing fits: the smallest candidate and its bytes. Set if dse_cost_measure() fails so. */
    bool none_fits;
    struct candidate smallest;
};

struct dse_price {
    uint64_t cycles, size_bytes, ram_bytes;
};

/* Profiles on the pool's first worker, for each width the candidate that has it wherever it may. If
 * that one does not fit the core's memory: candidates with as many groups at that width as fit
 * beside the others at their smallest, until each group that can has run at it. Fails with
 * STATUS_INPUT if nothing fits. */
MUST_CHECK enum status dse_cost_measure(const struct dse_space *space, struct dse_pool *pool,
                                        struct dse_cost *out, struct error *err);

struct dse_price dse_cost_price(const struct dse_cost *cost, const int *bits);

/* False: no candidate with these widths can fit, as one of them does not even alone; its price's
 * cycles mean nothing, its bytes do. */
bool dse_cost_is_priced(const struct dse_cost *cost, const int *bits);

/* Limits on cost that leave out what is too large for the core as well: by bytes that may be a
 * little more than those of a candidate whose layers differ, whose kernels may need less memory
 * to work in. */
struct search_limits dse_cost_limits(const struct dse_cost *cost,
                                     const struct search_limits *limits);

/* Whether a price keeps to the limits on cycles and bytes. */
bool dse_cost_keeps(const struct dse_price *price, const struct search_limits *limits);

#endif
