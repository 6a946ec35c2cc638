// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_split.h"

#include <stdlib.h>
#include <string.h>
#include "base/rng.h"

enum { SPLIT_STREAM = 1 };

/* Where an item stands among those of its class: 0 at the front, 1 at the end. */
struct ranked {
    double rank;
    uint32_t place, item;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Reorders so that the items of each class are spread evenly. */
static bool stratify(const struct raw_data *raw, int class_count, uint32_t *order)
{
    uint32_t *sizes = calloc((size_t)class_count, sizeof *sizes);
    uint32_t *seen = calloc((size_t)class_count, sizeof *seen);
    struct ranked *ranked = malloc((raw->count + 1) * sizeof *ranked);
    const bool good = sizes && seen && ranked;
    if (good) {
        for (size_t i = 0; i < raw->count; i++)
            sizes[raw->labels[i]]++;
        for (size_t i = 0; i < raw->count; i++) {
            const uint16_t label = raw->labels[order[i]];
            ranked[i].rank = (seen[label]++ + 0.5) / sizes[label];
            ranked[i].place = (uint32_t)i;
            ranked[i].item = order[i];
        }
        qsort(ranked, raw->count, sizeof *ranked, compare_ranked);
        for (size_t i = 0; i < raw->count; i++)
            order[i] = ranked[i].item;
    }
    free(sizes);
    free(seen);
    free(ranked);
    return good;
}

/* Brings order[start..end-1] to the front. */
static bool move_to_front(uint32_t *order, size_t start, size_t end)
{
    const size_t count = end - start;
    uint32_t *moved = malloc((count + 1) * sizeof *moved);
    if (!moved)
        return false;
    memcpy(moved, order + start, count * sizeof *moved);
    memmove(order + count, order, start * sizeof *order);
    memcpy(order, moved, count * sizeof *moved);
    free(moved);
    return true;
}

static size_t share(float fraction, size_t count)
{
    return (size_t)((double)fraction * (double)count + 0.5);
}

static bool make_order(const struct net *net, const struct raw_data *raw, uint32_t *order)
{
    const struct net_split *split = &net->data.split;
    struct rng rng;
    for (size_t i = 0; i < raw->count; i++)
        order[i] = (uint32_t)i;
    rng_init(&rng, split->has_seed ? split->seed : net->recipe.seed, SPLIT_STREAM);
    rng_shuffle(&rng, order, raw->count);
    return !split->stratified || stratify(raw, net->class_count, order);
}

/* Items of the test part, which are moved to the front. */
static bool place_test(const struct net_split *split, uint32_t *order, size_t count, size_t *taken)
{
    const size_t folds = (size_t)split->folds, fold = (size_t)split->fold;
    if (!folds) {
        *taken = share(split->test, count);
        return true;
    }
    const size_t start = count * fold / folds, end = count * (fold + 1) / folds;
    *taken = end - start;
    return move_to_front(order, start, end);
}

enum status data_split_parts(const struct net *net, const struct raw_data *raw,
                             struct data_parts *out, struct error *err)
{
    const struct net_split *split = &net->data.split;
    const size_t count = raw[NET_TRAIN].count;
    size_t test = 0;
    memset(out, 0, sizeof *out);
    out->order = malloc((count + 1) * sizeof *out->order);
    if (!out->order || !make_order(net, &raw[NET_TRAIN], out->order) ||
        !place_test(split, out->order, count, &test))
        return error_set(err, STATUS_NO_MEMORY, "not enough memory to split %zu images", count);
    if (!count || ((split->test > 0 || split->folds) && (!test || test >= count)))
        return error_set(err, STATUS_INPUT,
                         "%s: %zu items, of which the split takes %zu for test; want at least one "
                         "for test and one for training",
                         net->name, count, test);
    const size_t wanted = share(net->recipe.validation_fraction, count), left = count - test;
    const size_t held = wanted < left ? wanted : left - 1; /* training needs an item */
    out->parts[NET_TEST] = (struct data_part){&raw[NET_TRAIN], out->order, test};
    out->parts[NET_VALIDATION] = (struct data_part){&raw[NET_TRAIN], out->order + test, held};
    out->parts[NET_TRAIN] =
        (struct data_part){&raw[NET_TRAIN], out->order + test + held, left - held};
    for (int p = NET_VALIDATION; p < NET_PARTS; p++)
        if (raw[p].count)
            out->parts[p] = (struct data_part){&raw[p], NULL, raw[p].count};
    return STATUS_OK;
}

void data_limit_parts(struct data_parts *parts, size_t limit)
{
    struct data_part *train = &parts->parts[NET_TRAIN], *validation = &parts->parts[NET_VALIDATION];
    const size_t both = train->count + validation->count;
    if (validation->from == train->from && both > limit) {
        validation->count = validation->count * limit / both;
        train->count = limit - validation->count;
    }
    for (int p = 0; p < NET_PARTS; p++)
        if (parts->parts[p].count > limit)
            parts->parts[p].count = limit;
}

void data_free_parts(struct data_parts *parts)
{
    free(parts->order);
    parts->order = NULL;
}
