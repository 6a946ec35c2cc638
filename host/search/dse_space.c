// SPDX-License-Identifier: Apache-2.0
/* The candidates and their order. */
#include "search/dse.h"

/* Widths that all layers of a group may have, in the order of space->widths. */
static void set_choices(struct dse_space *space, int group, const unsigned *allowed)
{
    space->choice_count[group] = 0;
    for (int w = 0; w < space->width_count; w++) {
        bool good = true;
        for (int layer = 0; layer < space->layer_count; layer++) {
            good = good && (space->group[layer] != group || !allowed || !allowed[layer] ||
                            (allowed[layer] & 1u << space->widths[w]));
        }
        if (good) {
            space->choices[group][space->choice_count[group]++] = space->widths[w];
        }
    }
}

static int first_layer(const struct dse_space *space, int group)
{
    int layer = 0;
    while (space->group[layer] != group) {
        layer++;
    }
    return layer;
}

int dse_space_divide(struct dse_space *space, const int *group, const unsigned *allowed)
{
    space->group_count = 0;
    for (int layer = 0; layer < space->layer_count; layer++) {
        int other = 0;
        while (group && group[layer] > 0 && other < layer && group[other] != group[layer]) {
            other++;
        }
        const bool joins = group && group[layer] > 0 && other < layer;
        space->group[layer] = joins ? space->group[other] : space->group_count++;
    }
    for (int g = 0; g < space->group_count; g++) {
        set_choices(space, g, allowed);
        if (space->choice_count[g] == 0) {
            return first_layer(space, g);
        }
    }
    return -1;
}

size_t dse_space_count(const struct dse_space *space)
{
    size_t count = 1;
    for (int g = 0; g < space->group_count; g++) {
        if (count > SIZE_MAX / (size_t)space->choice_count[g]) {
            return SIZE_MAX;
        }
        count *= (size_t)space->choice_count[g];
    }
    return count;
}

double dse_space_size(const struct dse_space *space)
{
    double size = 1;
    for (int g = 0; g < space->group_count; g++) {
        size *= space->choice_count[g];
    }
    return size;
}

void dse_space_set(const struct dse_space *space, int group, int width, int *bits)
{
    for (int layer = 0; layer < space->layer_count; layer++) {
        if (space->group[layer] == group) {
            bits[layer] = width;
        }
    }
}

int dse_space_width(const struct dse_space *space, int group, const int *bits)
{
    return bits[first_layer(space, group)];
}

void dse_space_bits(const struct dse_space *space, size_t index, int *bits)
{
    for (int g = space->group_count - 1; g >= 0; g--) {
        const size_t count = (size_t)space->choice_count[g];
        dse_space_set(space, g, space->choices[g][index % count], bits);
        index /= count;
    }
}

/* Place of a group's width among its choices; choice_count if it is none. */
static int choice_of(const struct dse_space *space, int group, const int *bits)
{
    const int width = dse_space_width(space, group, bits);
    int choice = 0;
    while (choice < space->choice_count[group] && space->choices[group][choice] != width) {
        choice++;
    }
    return choice;
}

bool dse_space_has(const struct dse_space *space, const int *bits)
{
    for (int layer = 0; layer < space->layer_count; layer++) {
        const int g = space->group[layer];
        if (bits[layer] != dse_space_width(space, g, bits) ||
            choice_of(space, g, bits) == space->choice_count[g]) {
            return false;
        }
    }
    return true;
}

size_t dse_space_index(const struct dse_space *space, const int *bits)
{
    size_t index = 0;
    if (dse_space_count(space) > SEARCH_INDEX_MAX || !dse_space_has(space, bits)) {
        return SEARCH_NO_INDEX;
    }
    for (int g = 0; g < space->group_count; g++) {
        index = index * (size_t)space->choice_count[g] + (size_t)choice_of(space, g, bits);
    }
    return index;
}

int dse_space_compare(const struct dse_space *space, const int *a, const int *b)
{
    for (int g = 0; g < space->group_count; g++) {
        const int x = choice_of(space, g, a), y = choice_of(space, g, b);
        if (x != y) {
            return x - y;
        }
    }
    return 0;
}

void dse_space_widest(const struct dse_space *space, int *bits)
{
    for (int g = 0; g < space->group_count; g++) {
        int widest = 0;
        for (int c = 0; c < space->choice_count[g]; c++) {
            widest = space->choices[g][c] > widest ? space->choices[g][c] : widest;
        }
        dse_space_set(space, g, widest, bits);
    }
}

int dse_space_stretch(const struct dse_space *space, size_t pending, size_t jobs)
{
    enum { STRETCHES_PER_JOB = 8 };
    const size_t most = pending / (jobs * STRETCHES_PER_JOB);
    size_t stretch = 1;
    int leading = space->group_count;
    while (leading > 0 && stretch <= most / (size_t)space->choice_count[leading - 1]) {
        stretch *= (size_t)space->choice_count[--leading];
    }
    return leading;
}

enum status dse_check(const struct dse_options *options, struct error *err)
{
    const struct dse_space *space = &options->space;
    const double size = dse_space_size(space);
    const enum search_method method = options->method;
    if (method == SEARCH_EXHAUSTIVE && size > DSE_MAX_EXHAUSTIVE) {
        return error_set(
            err, STATUS_USAGE,
            "%d layers, %.6g configurations: an exhaustive search takes on %d at most; "
            "search by --search greedy, give fewer widths (--bits 8,4), or group "
            "layers (\"search\" of the model)",
            space->layer_count, size, DSE_MAX_EXHAUSTIVE);
    }
    if ((method == SEARCH_CHEAPEST || method == SEARCH_BINARY) && size > DSE_MAX_ORDERED) {
        return error_set(err, STATUS_USAGE,
                         "%d layers, %.6g configurations: --search %s can put %d in order of cost; "
                         "search by --search greedy, give fewer widths (--bits 8,4), or group "
                         "layers (\"search\" of the model)",
                         space->layer_count, size, results_method_name(method), DSE_MAX_ORDERED);
    }
    return STATUS_OK;
}
