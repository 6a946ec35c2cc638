// SPDX-License-Identifier: Apache-2.0
/* Steepest descent from the widest widths. The loss that a move adds is taken from the group alone
 * at that width (measured, where HAWQ estimates it by second derivatives: Dong et al., 2019), and
 * measured again in place for the GREEDY_TRIES most promising moves before one is made: what was
 * learned replaces the first guess (lazy evaluation: Minoux, 1978). */
#include "search/dse_oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GREEDY_TRIES = 4 };

/* Losses closer than this are equal: the larger saving decides. */
static const double LEAST_LOSS = 1e-5;

struct move {
    int group, choice;
    double saving, rate; /* bytes or cycles; loss for each */
};

struct greedy {
    struct dse_oracle *oracle;
    const struct dse_space *space;
    double added[NET_MAX_LAYERS][NET_MAX_BITS]; /* loss by group and choice, over the widest's */
    struct dse_point current, tries[GREEDY_TRIES];
    struct move moves[NET_MAX_LAYERS * NET_MAX_BITS];
    size_t move_count;
};

size_t dse_greedy_most(const struct dse_space *space)
{
    size_t steps = 0;
    for (int g = 0; g < space->group_count; g++) {
        steps += (size_t)space->choice_count[g] - 1;
    }
    return 1 + steps + GREEDY_TRIES * steps;
}

static int current_choice(const struct greedy *greedy, int group)
{
    const int width = dse_space_width(greedy->space, group, greedy->current.bits);
    int choice = 0;
    while (greedy->space->choices[group][choice] != width) {
        choice++;
    }
    return choice;
}

/* Scores the widest, then each group alone at each other width. */
static enum status measure_sensitivity(struct greedy *greedy, struct error *err)
{
    const struct dse_space *space = greedy->space;
    struct dse_point *points = calloc(dse_greedy_most(space), sizeof *points);
    size_t count = 1;
    if (!points) {
        return error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    }
    dse_space_widest(space, points[0].bits);
    greedy->current = points[0];
    for (int g = 0; g < space->group_count; g++) {
        for (int c = 0; c < space->choice_count[g]; c++) {
            if (c != current_choice(greedy, g)) {
                points[count] = points[0];
                dse_space_set(space, g, space->choices[g][c], points[count++].bits);
            }
        }
    }
    const enum status status = dse_oracle_score(greedy->oracle, points, count, err);
    const struct dse_point *next = points + 1;
    for (int g = 0; status == STATUS_OK && g < space->group_count; g++) {
        const int widest = current_choice(greedy, g);
        for (int c = 0; c < space->choice_count[g]; c++) {
            greedy->added[g][c] = c == widest ? 0 : next++->loss - points[0].loss;
        }
    }
    greedy->current = points[0];
    free(points);
    return status;
}

static bool keeps_bytes(const struct greedy *greedy, const struct dse_price *price)
{
    const struct search_limits limits = {
        .max_size_bytes = greedy->oracle->limits.max_size_bytes,
        .max_ram_bytes = greedy->oracle->limits.max_ram_bytes,
    };
    return dse_cost_keeps(price, &limits);
}

/* What a move is to save: bytes as long as there are too many of them, then cycles, but no move goes
 * back to too many bytes: each saves something that is not given back, so that the descent ends. */
static double saving(const struct greedy *greedy, int group, int from, int to)
{
    const struct dse_cost *cost = greedy->oracle->cost;
    const struct dse_price *now = &greedy->current.price;
    const uint64_t before = cost->bytes[group][from], after = cost->bytes[group][to];
    const struct dse_price then = {now->cycles, now->size_bytes - before + after,
                                   now->ram_bytes - before + after};
    if (!keeps_bytes(greedy, now)) {
        return (double)before - (double)after;
    }
    return keeps_bytes(greedy, &then)
               ? (double)cost->cycles[group][from] - (double)cost->cycles[group][to]
               : 0;
}

static double rate_of(double added, double saved)
{
    return fmax(added, LEAST_LOSS) / saved;
}

static int compare_moves(const void *a, const void *b)
{
    const struct move *x = a, *y = b;
    if (x->rate < y->rate || x->rate > y->rate) {
        return x->rate < y->rate ? -1 : 1;
    }
    return x->group != y->group ? x->group - y->group : x->choice - y->choice;
}

static void list_moves(struct greedy *greedy)
{
    greedy->move_count = 0;
    for (int g = 0; g < greedy->space->group_count; g++) {
        const int from = current_choice(greedy, g);
        for (int c = 0; c < greedy->space->choice_count[g]; c++) {
            const double saved = saving(greedy, g, from, c);
            const double added = greedy->added[g][c] - greedy->added[g][from];
            if (saved > 0) {
                greedy->moves[greedy->move_count++] =
                    (struct move){g, c, saved, rate_of(added, saved)};
            }
        }
    }
    qsort(greedy->moves, greedy->move_count, sizeof *greedy->moves, compare_moves);
}

/* Tries the first moves of the list and makes the best of them. */
static enum status make_step(struct greedy *greedy, struct error *err)
{
    const size_t count = greedy->move_count < GREEDY_TRIES ? greedy->move_count : GREEDY_TRIES;
    const double before = greedy->current.loss;
    size_t best = 0;
    for (size_t i = 0; i < count; i++) {
        const struct move *move = &greedy->moves[i];
        greedy->tries[i] = greedy->current;
        dse_space_set(greedy->space, move->group, greedy->space->choices[move->group][move->choice],
                      greedy->tries[i].bits);
    }
    const enum status status = dse_oracle_score(greedy->oracle, greedy->tries, count, err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct move *move = &greedy->moves[i];
        const double added = greedy->tries[i].loss - before;
        greedy->added[move->group][move->choice] =
            greedy->added[move->group][current_choice(greedy, move->group)] + added;
        move->rate = rate_of(added, move->saving);
        best = compare_moves(move, &greedy->moves[best]) < 0 ? i : best;
    }
    if (status == STATUS_OK) {
        greedy->current = greedy->tries[best];
    }
    return status;
}

static bool goes_on(const struct greedy *greedy)
{
    const struct dse_oracle *oracle = greedy->oracle;
    return greedy->move_count > 0 && oracle->scored < oracle->max_scored &&
           (greedy->current.accuracy >= oracle->least_accuracy ||
            !dse_cost_keeps(&greedy->current.price, &oracle->limits));
}

enum status dse_greedy(struct dse_oracle *oracle, struct error *err)
{
    struct greedy *greedy = calloc(1, sizeof *greedy);
    if (!greedy) {
        return error_set(err, STATUS_NO_MEMORY, "search: out of memory");
    }
    greedy->oracle = oracle;
    greedy->space = oracle->cost->space;
    enum status status = measure_sensitivity(greedy, err);
    for (list_moves(greedy); status == STATUS_OK && goes_on(greedy); list_moves(greedy)) {
        status = make_step(greedy, err);
    }
    free(greedy);
    return status;
}
