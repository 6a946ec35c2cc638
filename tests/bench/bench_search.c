// SPDX-License-Identifier: Apache-2.0
/* Greedy against evolution at equal numbers of evaluations: on made-up networks, and on the results
 * of an exhaustive search. Prints the area under the front found, as a part of that of the whole
 * space or, where that is too large, of the bound (1: nothing better exists).
 * usage: bench_search [RUN/results.json] */
#include <stdio.h>

#include "host/made_up_oracle.h"

enum { SEEDS = 8, STEPS = 400 };

static struct made_up made;
static struct error err;

static void fail(const char *what)
{
    fprintf(stderr, "bench_search: %s: %s\n", what, err.text);
    exit(1);
}

static void search(enum search_method method, size_t max_scored)
{
    made.count = made.oracle.scored = 0;
    made.oracle.max_scored = max_scored;
    if ((method == SEARCH_GREEDY ? dse_greedy(&made.oracle, &err)
                                 : dse_evolution(&made.oracle, &err)) != STATUS_OK)
        fail(results_method_name(method));
}

static void make(int layers, uint64_t seed, double interaction, double noise)
{
    memset(&made, 0, sizeof made);
    made.space = (struct dse_space){
        .layer_count = layers, .width_count = ORACLE_WIDTHS, .widths = {8, 4, 2}};
    (void)dse_space_divide(&made.space, NULL, NULL);
    made_up_fill(&made, seed);
    made.interaction = interaction;
    made.noise = noise;
}

static void compare_made_up(int layers, double interaction, double noise)
{
    double greedy = 0, same = 0, more = 0, bound = 0;
    size_t evaluations = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(layers, seed, interaction, noise);
        const double worst = made_up_ranges(&made).worst;
        search(SEARCH_GREEDY, ORACLE_SCORED_MAX);
        const size_t count = made.count;
        evaluations += count;
        greedy += made_up_area(&made) / worst;
        bound += made_up_bound_area(&made) / worst;
        search(SEARCH_EVOLUTION, count);
        same += made_up_area(&made) / worst;
        search(SEARCH_EVOLUTION, 4 * count);
        more += made_up_area(&made) / worst;
    }
    printf("made up, %d layers, interaction %.1f, noise %.2f, %zu evaluations: greedy %.2f, "
           "evolution %.2f, evolution with four times as many %.2f (1: the bound without "
           "interaction)\n",
           layers, interaction, noise, evaluations / SEEDS, greedy / bound, same / bound,
           more / bound);
}

/* ---- Results of an exhaustive search ---- */

static struct results *results;
static bool seen[DSE_MAX_EXHAUSTIVE];
static size_t seen_count;

static enum status score_from_results(void *context, struct dse_point *points, size_t count,
                                      struct error *error)
{
    (void)context;
    (void)error;
    for (size_t i = 0; i < count; i++) {
        const size_t index = dse_space_index(&made.space, points[i].bits);
        points[i].accuracy = results->candidates[index].val_accuracy;
        points[i].loss = results->candidates[index].val_loss;
        seen_count += !seen[index];
        seen[index] = true;
    }
    made.oracle.scored = seen_count;
    return STATUS_OK;
}

/* Mean over cycles of the least error rate (percent) of those seen, or of all. */
static double area(bool all)
{
    double low = INFINITY, high = 0, sum = 0;
    for (size_t i = 0; i < results->count; i++) {
        low = fmin(low, (double)results->candidates[i].cycles);
        high = fmax(high, (double)results->candidates[i].cycles);
    }
    for (int step = 0; step <= STEPS; step++) {
        double best = 0;
        for (size_t i = 0; i < results->count; i++)
            if ((all || seen[i]) &&
                (double)results->candidates[i].cycles <= low + (high - low) * step / STEPS)
                best = fmax(best, results->candidates[i].val_accuracy);
        sum += 100 - best;
    }
    return sum / (STEPS + 1);
}

/* Costs by layer and width from the candidates that differ from the widest in one layer. */
static void take_costs(void)
{
    const struct dse_space *space = &made.space;
    int bits[NET_MAX_LAYERS];
    dse_space_bits(space, 0, bits);
    made.cost.other_cycles = (int64_t)results->candidates[0].cycles;
    for (int g = 0; g < space->group_count; g++)
        for (int c = 0; c < space->choice_count[g]; c++) {
            const size_t all = 1u << 24; /* keeps the differences above 0 */
            dse_space_set(space, g, space->choices[g][c], bits);
            made.cost.cycles[g][c] = all +
                                     results->candidates[dse_space_index(space, bits)].cycles -
                                     results->candidates[0].cycles;
            dse_space_set(space, g, space->choices[g][0], bits);
        }
    made.cost.other_cycles -= (int64_t)(1u << 24) * space->group_count;
}

static double search_results(enum search_method method, size_t max_scored, uint64_t seed)
{
    memset(seen, 0, sizeof seen);
    seen_count = 0;
    made.oracle.seed = seed;
    search(method, max_scored);
    return area(false);
}

static void compare_results(const char *path)
{
    if (results_load(path, &results, &err) != STATUS_OK)
        fail("results");
    make(results->layer_count, 1, 0, 0);
    if (results->count != dse_space_count(&made.space) || results->count > DSE_MAX_EXHAUSTIVE)
        fail("want the results of an exhaustive search over 8, 4, 2 without groups");
    take_costs();
    made.oracle.score = score_from_results;
    const double all = area(true), greedy = search_results(SEARCH_GREEDY, SIZE_MAX, 1);
    const size_t count = seen_count;
    double evolution = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        evolution += search_results(SEARCH_EVOLUTION, count, seed) / SEEDS;
    printf(
        "%s, %zu candidates, %zu evaluations: greedy %.3f, evolution %.3f (1: the whole space)\n",
        results->model, results->count, count, greedy / all, evolution / all);
    results_free(results);
}

int main(int argc, char **argv)
{
    compare_made_up(20, 0, 0);
    compare_made_up(43, 0, 0);
    compare_made_up(43, 1, 0);
    compare_made_up(43, 1, 0.3);
    if (argc > 1)
        compare_results(argv[1]);
    return 0;
}
