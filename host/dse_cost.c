// SPDX-License-Identifier: Apache-2.0
/* Costs as sums over groups. */
#include "dse_cost.h"

#include <string.h>

/* bits: width wherever a group may have it, else the group's first choice. False: nowhere. */
static bool make_uniform(const struct dse_space *space, int width, int *bits)
{
    bool used = false;
    for (int g = 0; g < space->group_count; g++) {
        int best = space->choices[g][0];
        for (int c = 0; c < space->choice_count[g]; c++) {
            best = space->choices[g][c] == width ? width : best;
        }
        used = used || best == width;
        dse_space_set(space, g, best, bits);
    }
    return used;
}

/* Adds what the run tells of the groups that had this width. */
static void add_profile(struct dse_cost *cost, const struct dse_profile *profile, int width,
                        const int *bits)
{
    const struct dse_space *space = cost->space;
    for (int layer = 0; layer < space->layer_count; layer++) {
        const int g = space->group[layer];
        for (int c = 0; c < space->choice_count[g]; c++) {
            if (space->choices[g][c] == width && bits[layer] == width) {
                cost->cycles[g][c] += profile->layer_cycles[layer];
                cost->bytes[g][c] += profile->layer_bytes[layer];
            }
        }
    }
    if (profile->fixed_ram_bytes > cost->fixed_ram_bytes) {
        cost->fixed_ram_bytes = profile->fixed_ram_bytes;
    }
}

enum status dse_cost_measure(const struct dse_space *space, struct dse_pool *pool,
                             struct dse_cost *out, struct error *err)
{
    int bits[NET_MAX_LAYERS], runs = 0;
    struct dse_profile profile;
    memset(out, 0, sizeof *out);
    out->space = space;
    for (int w = 0; w < space->width_count; w++) {
        if (!make_uniform(space, space->widths[w], bits)) {
            continue;
        }
        const enum status status = dse_pool_profile(pool, bits, &profile, err);
        if (status != STATUS_OK) {
            return error_wrap(err, status, "profile at %d bit", space->widths[w]);
        }
        add_profile(out, &profile, space->widths[w], bits);
        if (runs++ == 0) {
            out->other_cycles = profile.other_cycles;
            out->other_bytes = profile.other_bytes;
        }
    }
    return STATUS_OK;
}

struct dse_price dse_cost_price(const struct dse_cost *cost, const int *bits)
{
    const struct dse_space *space = cost->space;
    struct dse_price price = {(uint64_t)cost->other_cycles, cost->other_bytes, 0};
    for (int layer = 0, g = 0; g < space->group_count; layer++) {
        if (space->group[layer] != g) {
            continue; /* groups are numbered by their first layers */
        }
        for (int c = 0; c < space->choice_count[g]; c++) {
            if (space->choices[g][c] == bits[layer]) {
                price.cycles += cost->cycles[g][c];
                price.size_bytes += cost->bytes[g][c];
            }
        }
        g++;
    }
    price.ram_bytes = price.size_bytes + cost->fixed_ram_bytes;
    return price;
}

bool dse_cost_keeps(const struct dse_price *price, const struct search_limits *limits)
{
    return (!limits->max_cycles || price->cycles <= limits->max_cycles) &&
           (!limits->max_size_bytes || price->size_bytes <= limits->max_size_bytes) &&
           (!limits->max_ram_bytes || price->ram_bytes <= limits->max_ram_bytes);
}
