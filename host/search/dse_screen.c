// SPDX-License-Identifier: Apache-2.0
/* Greedy and evolution: configurations are scored without the core on validation images, with
 * predicted cycles; points of the front that comes out are measured whole. */
#include "search/dse_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/pareto.h"
#include "search/dse_oracle.h"

enum { LEAST_EVALUATIONS = 200, EVALUATIONS_PER_CHOICE = 12 };

/* Points of accuracy that a descent goes below what is allowed: farther down no one looks. */
static const double DEPTH_POINTS = 20;

/* ---- Scores ---- */

/* Takes the score of a configuration from the table. */
static enum status take_score(struct dse_search *search, struct dse_point *point)
{
    const struct candidate *found = dse_table_find(&search->screened, point->bits);
    struct candidate *seen = dse_table_get(&search->scored, point->bits);
    if (!found || !seen) {
        return dse_no_memory(search);
    }
    seen->val_accuracy = point->accuracy = found->val_accuracy;
    seen->val_loss = point->loss = found->val_loss;
    seen->predicted_cycles = point->price.cycles;
    seen->size_bytes = (size_t)point->price.size_bytes;
    seen->ram_bytes = (size_t)point->price.ram_bytes;
    return STATUS_OK;
}

struct screen {
    struct dse_search *search;
    struct dse_oracle oracle;
};

static enum status score(void *context, struct dse_point *points, size_t count, struct error *err)
{
    struct screen *screen = context;
    const int **bits = calloc(count + 1, sizeof *bits);
    (void)err; /* the search's own */
    if (!bits) {
        return dse_no_memory(screen->search);
    }
    for (size_t i = 0; i < count; i++) {
        bits[i] = points[i].bits;
    }
    enum status status = dse_run_task(screen->search, DSE_SCREEN, bits, count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = take_score(screen->search, &points[i]);
    }
    screen->oracle.scored = screen->search->scored.count;
    free(bits);
    return status;
}

static size_t evaluations(const struct dse_options *options)
{
    const struct dse_space *space = &options->space;
    size_t choices = 0;
    if (options->max_screened) {
        return options->max_screened;
    }
    if (options->method == SEARCH_GREEDY) {
        return dse_greedy_most(space);
    }
    for (int g = 0; g < space->group_count; g++) {
        choices += (size_t)space->choice_count[g];
    }
    choices *= EVALUATIONS_PER_CHOICE;
    return choices > LEAST_EVALUATIONS ? choices : LEAST_EVALUATIONS;
}

static enum status find(struct dse_search *search)
{
    const struct dse_options *options = search->options;
    struct screen screen = {.search = search};
    screen.oracle = (struct dse_oracle){.cost = &search->cost,
                                        .limits = dse_cost_limits(&search->cost, &options->limits),
                                        .least_accuracy = -INFINITY,
                                        .seed = options->seed,
                                        .max_scored = evaluations(options),
                                        .score = score,
                                        .context = &screen};
    const double drop = options->limits.max_acc_drop < 100 ? options->limits.max_acc_drop : 0;
    if (!options->independent) { /* what retraining makes of a bad one is not known */
        screen.oracle.least_accuracy = options->float_screen_accuracy - drop - DEPTH_POINTS;
    }
    dse_pool_progress(search->pool, "screen (about)", screen.oracle.max_scored, NULL);
    const enum status status = options->method == SEARCH_GREEDY
                                   ? dse_greedy(&screen.oracle, search->err)
                                   : dse_evolution(&screen.oracle, search->err);
    dse_pool_progress(search->pool, NULL, 0, NULL);
    return status;
}

/* ---- Points to measure ---- */

static bool keeps_price(const struct dse_search *search, const struct search_limits *limits,
                        const struct candidate *c)
{
    const struct dse_price price = {c->predicted_cycles, c->size_bytes, c->ram_bytes};
    const struct search_limits all = dse_cost_limits(&search->cost, limits);
    return dse_cost_keeps(&price, &all);
}

/* For pareto_mark(): the scored ones that fit the core and keep to the limits on cost; all that fit
 * if none does. */
static void make_points(const struct dse_search *search, struct candidate *const *list,
                        struct pareto_point *points)
{
    static const struct search_limits NONE = {.max_acc_drop = 100};
    const struct search_limits *limits = &search->options->limits;
    const size_t count = search->scored.count;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        kept += keeps_price(search, limits, list[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const bool counts = keeps_price(search, kept ? limits : &NONE, list[i]);
        const double quality =
            search->options->independent ? -list[i]->val_loss : list[i]->val_accuracy;
        points[i].cost = counts ? (double)list[i]->predicted_cycles : INFINITY;
        points[i].quality = counts ? quality : -INFINITY;
    }
}

/* list: all scored ones, replaced by their front; *count: how many. */
static enum status make_front(struct dse_search *search, struct candidate **list, size_t *count)
{
    const size_t all = search->scored.count;
    struct pareto_point *points = calloc(all + 1, sizeof *points);
    bool *front = calloc(all + 1, sizeof *front);
    *count = 0;
    if (!points || !front) {
        free(points);
        free(front);
        return dse_no_memory(search);
    }
    make_points(search, list, points);
    const enum status status = pareto_mark(points, all, front, search->err);
    for (size_t i = 0; i < all && status == STATUS_OK; i++) {
        if (front[i] && isfinite(points[i].cost)) {
            list[(*count)++] = list[i];
        }
    }
    free(points);
    free(front);
    return status;
}

static int compare_cycles(const void *a, const void *b)
{
    const struct candidate *const *x = a, *const *y = b;
    const uint64_t p = (*x)->predicted_cycles, q = (*y)->predicted_cycles;
    return p < q ? -1 : p > q;
}

/* The cheapest of the front that is accurate enough by its score. */
static size_t find_boundary(const struct dse_search *search, struct candidate **front, size_t count)
{
    const struct dse_options *options = search->options;
    size_t i = 0;
    while (i + 1 < count &&
           !results_is_within(front[i]->val_accuracy, options->float_screen_accuracy,
                              options->limits.max_acc_drop)) {
        i++;
    }
    return i;
}

/* Keeps at most options->points of the front: half of them round the boundary of what is accurate
 * enough, the others evenly. */
static size_t thin(const struct dse_search *search, struct candidate **front, size_t count)
{
    const size_t most = search->options->points, near = search->options->independent ? 0 : most / 2;
    const size_t boundary = find_boundary(search, front, count);
    const size_t low = boundary > near / 2 ? boundary - near / 2 : 0;
    const size_t even = most - near;
    size_t kept = 0;
    if (count <= most) {
        return count;
    }
    for (size_t i = 0, next = 0; i < count; i++) {
        /* place number `next` of the evenly spread ones */
        const bool spread = next < even && i >= next * (count - 1) / (even > 1 ? even - 1 : 1);
        next += spread;
        if (spread || (i >= low && i < low + near)) {
            front[kept++] = front[i];
        }
    }
    return kept;
}

/* Measures the front's points, and the widest for comparison. */
static enum status measure(struct dse_search *search, struct candidate **list)
{
    int widest[NET_MAX_LAYERS] = {0};
    size_t count = 0;
    enum status status = make_front(search, list, &count);
    if (status != STATUS_OK) {
        return status;
    }
    qsort(list, count, sizeof *list, compare_cycles);
    search->front_count = count;
    count = thin(search, list, count);
    const int **bits = calloc(count + 1, sizeof *bits);
    if (!bits) {
        return dse_no_memory(search);
    }
    for (size_t i = 0; i < count; i++) {
        bits[i] = list[i]->bits;
    }
    dse_space_widest(&search->options->space, widest);
    bits[count++] = widest;
    dse_pool_progress(search->pool, "measure the front", count, NULL);
    status = dse_run_task(search, DSE_EVALUATE, bits, count);
    dse_pool_progress(search->pool, NULL, 0, NULL);
    free(bits);
    return status;
}

enum status dse_search_screen(struct dse_search *search)
{
    enum status status = find(search);
    if (status != STATUS_OK) {
        return status;
    }
    struct candidate **list = dse_table_list(&search->scored);
    status = list ? measure(search, list) : dse_no_memory(search);
    free(list);
    return status;
}
