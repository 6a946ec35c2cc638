// SPDX-License-Identifier: Apache-2.0
/* The dispatcher of a search over many processes, with work that takes a given time without a core:
 * how many candidates a second the first process hands out, takes back and journals, and what each
 * costs it. Its own workers do nothing, so that it alone is measured.
 * usage: mpirun -n PROCESSES bench_dispatch FOLDER LAYERS CANDIDATES SEATS COST_US
 * FOLDER: for the journal; LAYERS: weighted layers of the network, which make its records longer;
 * SEATS: workers of each process but the first; COST_US: microseconds of a candidate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "search/dse_pool.h"
#include "search/dse_team.h"

struct settings {
    const char *folder;
    int layers;
    size_t candidates, seats;
    long cost_us;
};

static struct error err;

static void check(enum status status, const char *what)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "bench_dispatch: %s: %s\n", what, err.text);
    exit(1);
}

static enum status null_open(void *context, size_t worker, void **out, struct error *error)
{
    (void)worker;
    (void)error;
    *out = context;
    return STATUS_OK;
}

static void null_close(void *worker)
{
    (void)worker;
}

/* Numbers of a usual size. */
static enum status null_evaluate(void *worker, struct candidate *c, struct error *error)
{
    const struct settings *settings = worker;
    const struct timespec cost = {settings->cost_us / 1000000, settings->cost_us % 1000000 * 1000};
    (void)error;
    if (settings->cost_us)
        nanosleep(&cost, NULL);
    c->val_accuracy = 98.0 + (double)c->index / 30000;
    c->val_loss = 0.1 / (double)(c->index + 1);
    c->accuracy = c->val_accuracy - 0.3;
    c->cycles = 250000 + c->index;
    c->instructions = 200000 + c->index;
    c->size_bytes = 50000 + c->index;
    c->ram_bytes = 90000 + c->index;
    c->verified = 4;
    return STATUS_OK;
}

static const struct dse_ops NULL_OPS = {
    .open = null_open, .close = null_close, .evaluate = null_evaluate};

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct candidate *make_candidates(const struct settings *settings, struct candidate **list)
{
    static const int WIDTHS[] = {8, 4, 2};
    struct candidate *candidates = calloc(settings->candidates, sizeof *candidates);
    for (size_t i = 0; candidates && i < settings->candidates; i++) {
        list[i] = &candidates[i];
        candidates[i].index = i;
        candidates[i].predicted_cycles = 250000 + i * 7919 % 100000;
        for (size_t layer = 0, rest = i; layer < (size_t)settings->layers; layer++, rest /= 3)
            candidates[i].bits[layer] = WIDTHS[rest % 3];
    }
    return candidates;
}

static void measure(const struct settings *settings, struct dse_options *options,
                    struct dse_team *workers)
{
    struct candidate **list = calloc(settings->candidates, sizeof(struct candidate *));
    struct candidate *candidates = list ? make_candidates(settings, list) : NULL;
    struct journal *journal = NULL;
    struct dse_pool *pool = NULL;
    char path[4096];
    if (!candidates)
        exit(1);
    snprintf(path, sizeof path, "%s/dispatch.jsonl", settings->folder);
    check(journal_create(path, "{}", &journal, &err), "journal");
    options->jobs = dse_team_jobs(workers);
    check(dse_pool_open(options, &dse_team_ops, workers, journal, &pool, &err), "pool");
    const double began = seconds_now(), cpu = cpu_seconds();
    check(dse_pool_run(pool, DSE_EVALUATE, list, settings->candidates, &err), "run");
    const double took = seconds_now() - began, used = cpu_seconds() - cpu;
    printf("%d layers, %zu workers, %ld us a candidate: %.0f candidates/s (%.0f %% of the workers' "
           "time), %.1f us of the first process' CPU for each\n",
           settings->layers, options->jobs, settings->cost_us, (double)settings->candidates / took,
           100 * (double)settings->candidates * 1e-6 * (double)settings->cost_us /
               (took * (double)options->jobs),
           1e6 * used / (double)settings->candidates);
    dse_pool_close(pool);
    journal_close(journal);
    free(candidates);
    free(list);
}

int main(int argc, char **argv)
{
    struct team *team = NULL;
    struct dse_team *workers = NULL;
    if (argc != 6) {
        fprintf(stderr, "usage: mpirun -n PROCESSES bench_dispatch FOLDER LAYERS CANDIDATES SEATS "
                        "COST_US\n");
        return 2;
    }
    struct settings settings = {argv[1], atoi(argv[2]), strtoul(argv[3], NULL, 10),
                                strtoul(argv[4], NULL, 10), atol(argv[5])};
    struct dse_options options = {
        .space = {.layer_count = settings.layers, .widths = {8, 4, 2}, .width_count = 3},
        .independent = true,
        .progress = PROGRESS_QUIET};
    struct dse_workers own = {&NULL_OPS, &settings, settings.seats, settings.layers};
    check(team_open(&team, &err), "team");
    if (!team || dse_space_divide(&options.space, NULL, NULL) >= 0) {
        fprintf(stderr, "bench_dispatch: start it with mpirun\n");
        return 2;
    }
    if (team_rank(team) > 0) {
        check(dse_team_serve(team, &own, &err), "serve");
    } else {
        own.jobs = 0;
        check(dse_team_open(team, &own, &workers, &err), "workers");
        measure(&settings, &options, workers);
        dse_team_close(workers, false);
    }
    team_close(team);
    return 0;
}
