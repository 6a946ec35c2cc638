// SPDX-License-Identifier: Apache-2.0
/* NSGA-II (Deb, Pratap, Agarwal, Meyarivan, 2002): fast non-dominated sorting, crowding distance,
 * binary tournaments, limits by constrained domination. Uniform crossover, mutation of one group on
 * average. Two objectives: cycles and loss. */
#include "search/dse_oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { POPULATION = 32, TRIES = 16, IDLE_GENERATIONS = 20, STREAM = 0x65766f };

struct individual {
    struct dse_point point;
    double excess;   /* over the limits, as a part of them; 0: kept */
    int rank;        /* front, 0 the best */
    double crowding; /* larger: more alone */
};

struct evolution {
    struct dse_oracle *oracle;
    const struct dse_space *space;
    struct rng rng;
    struct individual all[2 * POPULATION]; /* parents, then children */
    struct dse_point children[POPULATION];
};

static double excess_over(uint64_t value, uint64_t limit)
{
    return limit && value > limit ? (double)(value - limit) / (double)limit : 0;
}

static void take_point(struct evolution *evolution, size_t place, const struct dse_point *point)
{
    const struct search_limits *limits = &evolution->oracle->limits;
    struct individual *individual = &evolution->all[place];
    individual->point = *point;
    individual->excess = excess_over(point->price.cycles, limits->max_cycles) +
                         excess_over(point->price.size_bytes, limits->max_size_bytes) +
                         excess_over(point->price.ram_bytes, limits->max_ram_bytes);
}

static bool dominates(const struct individual *a, const struct individual *b)
{
    if (a->excess > 0 || b->excess > 0) {
        return a->excess < b->excess;
    }
    const struct dse_point *x = &a->point, *y = &b->point;
    return x->price.cycles <= y->price.cycles && x->loss <= y->loss &&
           (x->price.cycles < y->price.cycles || x->loss < y->loss);
}

/* Ranks all by peeling off one front after the other. */
static void set_ranks(struct evolution *evolution, size_t count)
{
    int beaten[2 * POPULATION] = {0};
    size_t ranked = 0;
    for (size_t i = 0; i < count; i++) {
        evolution->all[i].rank = -1;
        for (size_t k = 0; k < count; k++) {
            beaten[i] += dominates(&evolution->all[k], &evolution->all[i]);
        }
    }
    for (int rank = 0; ranked < count; rank++) {
        size_t front[2 * POPULATION], size = 0;
        for (size_t i = 0; i < count; i++) {
            if (evolution->all[i].rank < 0 && beaten[i] == 0) {
                front[size++] = i;
            }
        }
        for (size_t f = 0; f < size; f++) {
            evolution->all[front[f]].rank = rank;
        }
        for (size_t i = 0; i < count; i++) {
            for (size_t f = 0; f < size; f++) {
                beaten[i] -= dominates(&evolution->all[front[f]], &evolution->all[i]);
            }
        }
        ranked += size;
    }
}

static double objective(const struct individual *individual, int which)
{
    return which ? individual->point.loss : (double)individual->point.price.cycles;
}

/* Distance to the neighbours of the same front on both sides, in each objective. */
static void set_crowding(struct evolution *evolution, size_t count, int which)
{
    for (size_t i = 0; i < count; i++) {
        const double at = objective(&evolution->all[i], which);
        double below = -INFINITY, above = INFINITY, low = at, high = at;
        for (size_t k = 0; k < count; k++) {
            const double other = objective(&evolution->all[k], which);
            if (evolution->all[k].rank != evolution->all[i].rank || k == i) {
                continue;
            }
            const bool is_below = other < at || (other <= at && k < i);
            below = is_below ? fmax(below, other) : below;
            above = is_below ? above : fmin(above, other);
            low = fmin(low, other);
            high = fmax(high, other);
        }
        evolution->all[i].crowding += high > low ? (above - below) / (high - low) : 0;
    }
}

static int compare_individuals(const void *a, const void *b)
{
    const struct individual *x = a, *y = b;
    if (x->rank != y->rank) {
        return x->rank - y->rank;
    }
    if (x->crowding < y->crowding || x->crowding > y->crowding) {
        return x->crowding > y->crowding ? -1 : 1;
    }
    return memcmp(x->point.bits, y->point.bits, sizeof x->point.bits);
}

/* Sorts all, the best POPULATION in front. */
static void survive(struct evolution *evolution, size_t count)
{
    set_ranks(evolution, count);
    for (size_t i = 0; i < count; i++) {
        evolution->all[i].crowding = 0;
    }
    set_crowding(evolution, count, 0);
    set_crowding(evolution, count, 1);
    qsort(evolution->all, count, sizeof *evolution->all, compare_individuals);
}

static int random_width(struct evolution *evolution, int group)
{
    const struct dse_space *space = evolution->space;
    const uint32_t count = (uint32_t)space->choice_count[group];
    return space->choices[group][rng_below(&evolution->rng, count)];
}

static bool is_among(const struct evolution *evolution, const int *bits, size_t all_count,
                     size_t child_count)
{
    const size_t bytes = (size_t)evolution->space->layer_count * sizeof *bits;
    bool found = false;
    for (size_t i = 0; i < all_count; i++) {
        found = found || memcmp(evolution->all[i].point.bits, bits, bytes) == 0;
    }
    for (size_t i = 0; i < child_count; i++) {
        found = found || memcmp(evolution->children[i].bits, bits, bytes) == 0;
    }
    return found;
}

/* All at their first, second, third choice; then random ones. */
static void make_first(struct evolution *evolution)
{
    const struct dse_space *space = evolution->space;
    for (size_t i = 0; i < POPULATION; i++) {
        for (int try = 0; try < TRIES; try++) {
            for (int g = 0; g < space->group_count; g++) {
                const int choice = (int)i < space->choice_count[g] ? (int)i : 0;
                const bool uniform = (int)i < space->width_count && try == 0;
                const int width = uniform ? space->choices[g][choice] : random_width(evolution, g);
                dse_space_set(space, g, width, evolution->children[i].bits);
            }
            if (!is_among(evolution, evolution->children[i].bits, 0, i)) {
                break;
            }
        }
    }
}

/* The better of two random parents. */
static const int *choose_parent(struct evolution *evolution)
{
    const uint32_t a = rng_below(&evolution->rng, POPULATION);
    const uint32_t b = rng_below(&evolution->rng, POPULATION);
    return evolution->all[a < b ? a : b].point.bits; /* they are sorted */
}

static void make_child(struct evolution *evolution, int *bits)
{
    const struct dse_space *space = evolution->space;
    const int *mother = choose_parent(evolution), *father = choose_parent(evolution);
    for (int g = 0; g < space->group_count; g++) {
        const int *from = rng_below(&evolution->rng, 2) ? mother : father;
        int width = dse_space_width(space, g, from);
        if (rng_below(&evolution->rng, (uint32_t)space->group_count) == 0) {
            width = random_width(evolution, g);
        }
        dse_space_set(space, g, width, bits);
    }
}

static void make_children(struct evolution *evolution)
{
    for (size_t i = 0; i < POPULATION; i++) {
        for (int try = 0; try < TRIES; try++) {
            make_child(evolution, evolution->children[i].bits);
            if (!is_among(evolution, evolution->children[i].bits, POPULATION, i)) {
                break;
            }
        }
    }
}

static enum status score_children(struct evolution *evolution, size_t first, struct error *err)
{
    const enum status status =
        dse_oracle_score(evolution->oracle, evolution->children, POPULATION, err);
    for (size_t i = 0; status == STATUS_OK && i < POPULATION; i++) {
        take_point(evolution, first + i, &evolution->children[i]);
    }
    return status;
}

enum status dse_evolution(struct dse_oracle *oracle, struct error *err)
{
    struct evolution *evolution = calloc(1, sizeof *evolution);
    if (!evolution) {
        return error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    }
    evolution->oracle = oracle;
    evolution->space = oracle->cost->space;
    rng_init(&evolution->rng, oracle->seed, STREAM);
    make_first(evolution);
    enum status status = score_children(evolution, 0, err);
    survive(evolution, POPULATION);
    for (int idle = 0;
         status == STATUS_OK && idle < IDLE_GENERATIONS && oracle->scored < oracle->max_scored;) {
        const size_t before = oracle->scored;
        make_children(evolution);
        status = score_children(evolution, POPULATION, err);
        survive(evolution, 2 * POPULATION);
        idle = oracle->scored > before ? 0 : idle + 1;
    }
    free(evolution);
    return status;
}
