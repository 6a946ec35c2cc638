// SPDX-License-Identifier: Apache-2.0
/* Costs as sums over groups. */
#include "search/dse_cost.h"

#include <inttypes.h>
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

/* Place of a width among the group's choices; -1: it is none of them. */
static int choice_of(const struct dse_space *space, int group, int width)
{
    for (int c = 0; c < space->choice_count[group]; c++) {
        if (space->choices[group][c] == width) {
            return c;
        }
    }
    return -1;
}

static bool has_run(const struct dse_cost *cost)
{
    bool any = false;
    for (int g = 0; g < cost->space->group_count; g++) {
        for (int c = 0; c < cost->space->choice_count[g]; c++) {
            any = any || cost->priced[g][c];
        }
    }
    return any;
}

/* Adds the cycles of the groups that had this width, unless it is known already. */
static void add_cycles(struct dse_cost *cost, const struct dse_profile *profile, int width,
                       const int *bits)
{
    const struct dse_space *space = cost->space;
    if (!has_run(cost)) {
        cost->other_cycles = profile->other_cycles;
    }
    for (int g = 0; g < space->group_count; g++) {
        const int c = choice_of(space, g, width);
        if (c < 0 || cost->priced[g][c] || dse_space_width(space, g, bits) != width) {
            continue;
        }
        for (int layer = 0; layer < space->layer_count; layer++) {
            cost->cycles[g][c] += space->group[layer] == g ? profile->layer_cycles[layer] : 0;
        }
        cost->priced[g][c] = true;
    }
}

/* The same of bytes, which are known whether it fits or not. */
static void add_bytes(struct dse_cost *cost, const struct dse_profile *profile, int width,
                      const int *bits)
{
    const struct dse_space *space = cost->space;
    for (int layer = 0; layer < space->layer_count; layer++) {
        const int c = choice_of(space, space->group[layer], width);
        if (c >= 0 && bits[layer] == width) {
            cost->bytes[space->group[layer]][c] += profile->layer_bytes[layer];
        }
    }
    if (profile->fixed_ram_bytes > cost->fixed_ram_bytes) {
        cost->fixed_ram_bytes = profile->fixed_ram_bytes;
    }
    cost->other_bytes = profile->other_bytes;
    cost->target_ram_bytes = profile->target_ram_bytes;
}

/* Profiles bits, and takes the cycles of the groups that have this width if it fits. */
static enum status try_bits(struct dse_cost *cost, struct dse_pool *pool, int width,
                            const int *bits, struct dse_profile *profile, struct error *err)
{
    const enum status status = dse_pool_profile(pool, bits, profile, err);
    if (status != STATUS_OK) {
        return error_wrap(err, status, "profile at %d bit", width);
    }
    if (!profile->too_large) {
        add_cycles(cost, profile, width, bits);
    }
    return STATUS_OK;
}

/* Each group's choice of fewest bytes. */
static void make_smallest(const struct dse_cost *cost, int *bits)
{
    const struct dse_space *space = cost->space;
    for (int g = 0; g < space->group_count; g++) {
        int least = 0;
        for (int c = 1; c < space->choice_count[g]; c++) {
            least = cost->bytes[g][c] < cost->bytes[g][least] ? c : least;
        }
        dse_space_set(space, g, space->choices[g][least], bits);
    }
}

/* Gives groups that have not run at this width that width, as far as it fits by the bytes known.
 * Returns how many have it. */
static int widen_some(const struct dse_cost *cost, int width, int *bits)
{
    const struct dse_space *space = cost->space;
    int count = 0;
    for (int g = 0; g < space->group_count; g++) {
        const int c = choice_of(space, g, width), before = dse_space_width(space, g, bits);
        if (c < 0 || cost->priced[g][c]) {
            continue;
        }
        dse_space_set(space, g, width, bits);
        if (dse_cost_price(cost, bits).ram_bytes <= cost->target_ram_bytes) {
            count++;
        } else {
            dse_space_set(space, g, before, bits);
        }
    }
    return count;
}

/* Prices the groups whose width did not fit in all of them. The bytes known may be a little too
 * many: what does not fit by them is tried alone. */
static enum status price_rest(struct dse_cost *cost, struct dse_pool *pool, int width,
                              struct error *err)
{
    int bits[NET_MAX_LAYERS];
    struct dse_profile profile = {.too_large = false};
    enum status status = STATUS_OK;
    make_smallest(cost, bits);
    while (status == STATUS_OK && !profile.too_large && widen_some(cost, width, bits)) {
        status = try_bits(cost, pool, width, bits, &profile, err);
        make_smallest(cost, bits);
    }
    for (int g = 0; g < cost->space->group_count && status == STATUS_OK; g++) {
        const int c = choice_of(cost->space, g, width);
        if (c >= 0 && !cost->priced[g][c]) {
            dse_space_set(cost->space, g, width, bits);
            status = try_bits(cost, pool, width, bits, &profile, err);
            make_smallest(cost, bits);
        }
    }
    return status;
}

static enum status refuse_all(struct dse_cost *cost, struct error *err)
{
    struct candidate *smallest = &cost->smallest;
    make_smallest(cost, smallest->bits);
    const struct dse_price price = dse_cost_price(cost, smallest->bits);
    cost->none_fits = smallest->too_large = true;
    smallest->index = dse_space_index(cost->space, smallest->bits);
    smallest->size_bytes = (size_t)price.size_bytes;
    smallest->ram_bytes = (size_t)price.ram_bytes;
    return error_set(
        err, STATUS_INPUT,
        "no configuration fits the core's memory: the smallest needs %" PRIu64
        " bytes, the core has %" PRIu64
        "; allow fewer bits (--bits), take a smaller network or a target with more RAM",
        price.ram_bytes, cost->target_ram_bytes);
}

enum status dse_cost_measure(const struct dse_space *space, struct dse_pool *pool,
                             struct dse_cost *out, struct error *err)
{
    int bits[NET_MAX_LAYERS];
    bool rest[NET_MAX_BITS] = {false};
    struct dse_profile profile;
    enum status status = STATUS_OK;
    memset(out, 0, sizeof *out);
    out->space = space;
    for (int w = 0; w < space->width_count && status == STATUS_OK; w++) {
        if (make_uniform(space, space->widths[w], bits)) {
            status = try_bits(out, pool, space->widths[w], bits, &profile, err);
            if (status == STATUS_OK) {
                add_bytes(out, &profile, space->widths[w], bits);
                rest[w] = profile.too_large;
            }
        }
    }
    for (int w = 0; w < space->width_count && status == STATUS_OK; w++) {
        status = rest[w] ? price_rest(out, pool, space->widths[w], err) : STATUS_OK;
    }
    if (status == STATUS_OK && !has_run(out)) {
        status = refuse_all(out, err);
    }
    return status;
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

bool dse_cost_is_priced(const struct dse_cost *cost, const int *bits)
{
    const struct dse_space *space = cost->space;
    bool priced = true;
    for (int g = 0; g < space->group_count; g++) {
        const int c = choice_of(space, g, dse_space_width(space, g, bits));
        priced = priced && c >= 0 && cost->priced[g][c];
    }
    return priced;
}

struct search_limits dse_cost_limits(const struct dse_cost *cost,
                                     const struct search_limits *limits)
{
    struct search_limits all = *limits;
    const uint64_t has = cost->target_ram_bytes;
    if (has && (!all.max_ram_bytes || has < all.max_ram_bytes)) {
        all.max_ram_bytes = has;
    }
    return all;
}

bool dse_cost_keeps(const struct dse_price *price, const struct search_limits *limits)
{
    return (!limits->max_cycles || price->cycles <= limits->max_cycles) &&
           (!limits->max_size_bytes || price->size_bytes <= limits->max_size_bytes) &&
           (!limits->max_ram_bytes || price->ram_bytes <= limits->max_ram_bytes);
}
