// SPDX-License-Identifier: Apache-2.0
/* A search from files to files. */
#include "search/dse_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "data/team_data.h"
#include "model_format.h"
#include "report/report.h"
#include "search/dse_choice.h"
#include "search/dse_folder.h"
#include "search/dse_record.h"
#include "search/dse_source.h"
#include "search/dse_team.h"
#include "target/core_config.h"
#include "train/train.h"

enum { PATH_BYTES = 4096 };

/* Defaults that large networks lower: MACs of the comparison of one point of the front, about
 * twenty seconds on a simulated core, and of one screening, about a second on the host. */
enum { FRONT_MACS = 100000000, LEAST_SCREEN_IMAGES = 500 };
static const size_t SCREEN_MACS = 12000000000;

struct run {
    const struct dse_run_options *options;
    char journal_path[PATH_BYTES];
    struct float_model *model;
    struct team_data data;
    struct dse_options search;
    size_t screen_images;
    struct device *device; /* NULL: the CPU */
    struct dse_source *source;
    struct journal *journal;
    struct results *results;
    struct error *err;
};

static enum status make_folders(const char *path, struct error *err)
{
    char part[PATH_BYTES];
    snprintf(part, sizeof part, "%s", path);
    for (char *p = part + 1;; p++) {
        const char separator = *p;
        if (separator != '/' && separator != '\0') {
            continue;
        }
        *p = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return error_set(err, STATUS_IO, "%s: cannot make the folder: %s", part,
                             strerror(errno));
        }
        *p = separator;
        if (separator == '\0') {
            return STATUS_OK;
        }
    }
}

/* Refuses to touch an earlier search unless told what to do with it. */
static enum status check_folder(struct run *run)
{
    const struct dse_run_options *options = run->options;
    if (strlen(options->folder) + 64 > PATH_BYTES) {
        return error_set(run->err, STATUS_USAGE, "-o: path too long");
    }
    snprintf(run->journal_path, sizeof run->journal_path, "%s/journal.jsonl", options->folder);
    if (options->resume && options->force) {
        return error_set(run->err, STATUS_USAGE,
                         "--resume and --force contradict each other; give one of them");
    }
    if (!options->resume && !options->force && access(run->journal_path, F_OK) == 0) {
        return error_set(run->err, STATUS_USAGE,
                         "%s: holds a search already; --resume goes on with it, --force starts "
                         "over, or give another "
                         "folder with -o",
                         options->folder);
    }
    return make_folders(options->folder, run->err);
}

static enum status load_inputs(struct run *run)
{
    const struct dse_run_options *options = run->options;
    enum status status = float_model_load(options->float_path, &run->model, run->err);
    if (status != STATUS_OK) {
        return status;
    }
    status = team_data_load(options->team, run->model->net, options->data_folder, options->limit,
                            &run->data, run->err);
    const struct data_split *data = &run->data.split;
    if (status == STATUS_OK && (data->validation.count == 0 || data->test.count == 0)) {
        status =
            error_set(run->err, STATUS_INPUT,
                      "%s: a search needs validation and test images, got %zu and %zu; train with "
                      "train.validation > 0, or raise --limit",
                      options->float_path, data->validation.count, data->test.count);
    }
    return status;
}

static enum status set_space(struct run *run)
{
    const struct net *net = run->model->net;
    struct dse_space *space = &run->search.space;
    space->layer_count = net->weighted_count;
    space->width_count = net->search_bits_count;
    memcpy(space->widths, net->search_bits, sizeof net->search_bits);
    if (run->options->bits) {
        const enum status status = dse_choice_bits(run->options->bits, space, run->err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    const int without = dse_space_divide(space, net->search_group, net->search_allowed);
    return without < 0 ? STATUS_OK
                       : error_set(run->err, STATUS_USAGE,
                                   "layer %s and its group have no width in common with the widths "
                                   "to try; change --bits or \"search\" of the model",
                                   net->layers[net->weighted[without]].name);
}

static size_t clamp(size_t value, size_t low, size_t high)
{
    const size_t least = value > low ? value : low;
    return least < high ? least : high;
}

/* Numbers of images and points, by the size of the network where none are given. */
static enum status set_amounts(struct run *run)
{
    const struct dse_run_options *options = run->options;
    const struct net *net = run->model->net;
    struct dse_options *search = &run->search;
    const size_t test = run->data.split.test.count;
    size_t macs = 1;
    for (int i = 0; i < net->layer_count; i++) {
        macs += net_layer_macs(&net->layers[i]);
    }
    if (options->samples < 1 || options->samples > test) {
        return error_set(run->err, STATUS_USAGE,
                         "--samples: want 1 to %zu (the test images), got %zu", test,
                         options->samples);
    }
    if (options->points == 1) {
        return error_set(run->err, STATUS_USAGE, "--points: want 2 or more, got 1");
    }
    const size_t front = options->front_samples ? options->front_samples
                                                : clamp(FRONT_MACS / macs, 1, DSE_FRONT_SAMPLES);
    search->front_samples = clamp(front, options->samples, test);
    search->points = options->points ? options->points : DSE_POINTS;
    search->max_screened = options->evaluations;
    const size_t images = options->screen_images
                              ? options->screen_images
                              : clamp(SCREEN_MACS / macs, LEAST_SCREEN_IMAGES, SIZE_MAX);
    run->screen_images = clamp(images, 1, run->data.split.validation.count);
    return STATUS_OK;
}

static bool are_boards(const struct dse_run_options *options)
{
    return strchr(options->targets[0], '/') != NULL;
}

/* Simulators of a process that shares its host with others: its part of the cores. */
static size_t wanted_jobs(const struct dse_run_options *options)
{
    return options->jobs || !options->team || are_boards(options) ? options->jobs
                                                                  : team_cores(options->team);
}

static enum status set_search(struct run *run)
{
    const struct dse_run_options *options = run->options;
    struct dse_options *search = &run->search;
    search->independent = options->qat_epochs > 0;
    search->progress = options->progress;
    search->seed = run->model->seed;
    enum status status = set_space(run);
    if (status == STATUS_OK) {
        status = dse_choice_method(options, run->model->net->search_method, search, run->err);
    }
    if (status == STATUS_OK) {
        status = dse_choice_jobs(options->targets, options->target_count, wanted_jobs(options),
                                 &search->jobs, run->err);
    }
    if (status == STATUS_OK) {
        status = set_amounts(run);
    }
    return status == STATUS_OK ? dse_check(search, run->err) : status;
}

static enum status open_source(struct run *run)
{
    const struct dse_run_options *options = run->options;
    const struct dse_source_options source = {.space = run->search.space,
                                              .targets = options->targets,
                                              .target_count = options->target_count,
                                              .folder = options->folder,
                                              .jobs = run->search.jobs,
                                              .samples = options->samples,
                                              .qat_epochs = (int)options->qat_epochs,
                                              .screen_images = run->screen_images,
                                              .progress = options->progress,
                                              .team = options->team,
                                              .device = run->device};
    return dse_source_create(run->model, &run->data.split, &source, &run->source, run->err);
}

static enum status open_device(struct run *run)
{
    const struct dse_run_options *options = run->options;
    if (options->device.name && strcmp(options->device.name, "cpu") != 0 && !options->qat_epochs) {
        return error_set(run->err, STATUS_USAGE,
                         "--device %.64s: only training runs there; add --qat EPOCHS",
                         options->device.name);
    }
    return device_open(&options->device, &run->device, run->err);
}

static void set_versions(struct results *results, const struct target_info *info)
{
    snprintf(results->mpq, sizeof results->mpq, "%s", MPQ_VERSION);
    snprintf(results->firmware, sizeof results->firmware, "%s", info->firmware);
    core_config_text(info->core_config, results->core, sizeof results->core);
    results->protocol = info->protocol_version;
    results->container = MODEL_VERSION;
    results->isa = info->isa_version;
}

static void set_layers(struct results *results, const struct net *net,
                       const struct dse_space *space)
{
    results->layer_count = net->weighted_count;
    results->width_count = space->width_count;
    memcpy(results->widths, space->widths, sizeof results->widths);
    results->space_count = dse_space_size(space);
    for (int i = 0; i < net->weighted_count; i++) {
        const int g = space->group[i];
        snprintf(results->layers[i], NET_NAME_BYTES, "%s", net->layers[net->weighted[i]].name);
        results->group[i] = 0;
        while (space->group[results->group[i]] != g) {
            results->group[i]++;
        }
        for (int c = 0; c < space->choice_count[g] && space->choice_count[g] < space->width_count;
             c++) {
            results->allowed[i] |= 1u << space->choices[g][c];
        }
    }
}

static void set_amounts_told(struct results *results, const struct run *run)
{
    const bool screens =
        run->search.method == SEARCH_GREEDY || run->search.method == SEARCH_EVOLUTION;
    results->qat_epochs = run->options->qat_epochs;
    results->samples = run->options->samples;
    results->front_samples = run->search.front_samples;
    results->limit = run->options->limit;
    results->points = screens ? run->search.points : 0;
    results->max_screened = screens ? run->search.max_screened : 0;
    results->screen_images = screens ? run->screen_images : 0;
}

static enum status evaluate_float(struct run *run)
{
    struct results *results = run->results;
    const struct dataset *screen = dse_source_screen_data(run->source);
    enum status status = train_evaluate(run->model, &run->data.split.validation, 0,
                                        &results->float_val_accuracy, run->err);
    if (status == STATUS_OK) {
        status = train_evaluate(run->model, &run->data.split.test, 0, &results->float_accuracy,
                                run->err);
    }
    run->search.float_screen_accuracy = results->float_val_accuracy;
    if (status == STATUS_OK && screen->count < run->data.split.validation.count) {
        status =
            train_evaluate(run->model, screen, 0, &run->search.float_screen_accuracy, run->err);
    }
    run->search.float_val_accuracy = results->float_val_accuracy;
    return status;
}

/* Everything in results.json that is known before the search. */
static enum status set_results(struct run *run)
{
    struct results *results = results_create();
    if (!results) {
        return error_set(run->err, STATUS_NO_MEMORY, "search: out of memory");
    }
    run->results = results;
    snprintf(results->model, sizeof results->model, "%s", run->model->net->name);
    results->seed = run->model->seed;
    set_versions(results, dse_source_info(run->source));
    set_layers(results, run->model->net, &run->search.space);
    set_amounts_told(results, run);
    results->method = run->search.method;
    results->limits = run->search.limits;
    return evaluate_float(run);
}

static enum status open_journal(struct run *run)
{
    const struct dse_binding binding = {run->results, dse_source_model_crc(run->source),
                                        dse_source_data_crc(run->source),
                                        dse_source_target_crc(run->source)};
    char *header = NULL;
    enum status status = STATUS_OK;
    if (run->options->resume && access(run->journal_path, F_OK) == 0) {
        status = journal_open(run->journal_path, &run->journal, run->err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (run->journal) {
        return dse_record_check_header(run->journal, run->journal_path, &binding, run->err);
    }
    status = dse_record_header(&binding, &header, run->err);
    if (status == STATUS_OK) {
        status = dse_folder_set_aside(run->options->folder, run->err);
    }
    if (status == STATUS_OK) {
        status = journal_create(run->journal_path, header, &run->journal, run->err);
    }
    free(header);
    return status;
}

static enum status write_outputs(struct run *run)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/results.json", run->options->folder);
    enum status status = results_save(run->results, path, run->err);
    if (status == STATUS_OK) {
        status = report_write(run->results, run->options->folder, run->err);
    }
    if (status == STATUS_OK) {
        snprintf(path, sizeof path, "%s/quant", run->options->folder);
        status = dse_source_save(run->source, run->results, path, run->err);
    }
    return status;
}

/* With QAT, candidates that one process has trained are loaded by others. */
static enum status check_shared_folder(struct run *run)
{
    snprintf(run->journal_path, sizeof run->journal_path, "%s/journal.jsonl", run->options->folder);
    if (run->options->qat_epochs == 0 || access(run->journal_path, F_OK) == 0) {
        return STATUS_OK;
    }
    return error_set(run->err, STATUS_INPUT,
                     "%s: not the folder that the first process writes; with --qat it must be on a "
                     "file system that all hosts share",
                     run->options->folder);
}

enum who { ALL, FIRST, OTHERS };

static bool is_meant(const struct run *run, enum who who)
{
    return who == ALL || (who == FIRST) == (team_rank(run->options->team) == 0);
}

static enum status prepare(struct run *run)
{
    static const struct {
        enum who who;
        enum status (*take)(struct run *);
    } STEPS[] = {{ALL, open_device},    {FIRST, check_folder},        {ALL, load_inputs},
                 {ALL, set_search},     {ALL, open_source},           {FIRST, set_results},
                 {FIRST, open_journal}, {OTHERS, check_shared_folder}};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS && status == STATUS_OK; i++) {
        status = is_meant(run, STEPS[i].who) ? STEPS[i].take(run) : STATUS_OK;
        status = team_agree(run->options->team, status, run->err);
    }
    return status;
}

/* If nothing fits the core's memory: hands out the smallest candidate. If that fails, the search's
 * own failure says enough. */
static void tell_none_fits(const struct run *run)
{
    const struct dse_run_options *options = run->options;
    static const bool PTQ = true;
    struct container *container = NULL;
    struct error unused;
    if (!options->none_fits || run->results->count || !run->results->too_large_count) {
        return;
    }
    enum status status =
        dse_source_build(run->source, run->results->too_large[0].bits, PTQ, &container, &unused);
    if (status == STATUS_OK) {
        status =
            options->none_fits(options->context, container, dse_source_info(run->source), &unused);
    }
    container_free(container);
}

/* Searches with the workers of all processes. */
static enum status search_together(struct run *run, const struct dse_workers *own)
{
    struct dse_team *workers = NULL;
    enum status status = dse_team_open(run->options->team, own, &workers, run->err);
    if (status != STATUS_OK) {
        return status;
    }
    run->search.jobs = dse_team_jobs(workers);
    run->search.spares = are_boards(run->options);
    status = dse_search(&run->search, &dse_team_ops, workers, run->journal, run->results, run->err);
    dse_team_close(workers, status != STATUS_OK);
    return status;
}

/* The part of this process in the search. */
static enum status search(struct run *run)
{
    struct team *team = run->options->team;
    const struct dse_workers own = {&dse_source_ops, run->source, run->search.jobs,
                                    run->search.space.layer_count};
    run->search.spares = run->search.jobs > 1 && are_boards(run->options);
    if (!team) {
        return dse_search(&run->search, &dse_source_ops, run->source, run->journal, run->results,
                          run->err);
    }
    return team_rank(team) == 0 ? search_together(run, &own) : dse_team_serve(team, &own, run->err);
}

/* Whether a search that selected nothing failed: limits were given, or the method seeks one. */
static bool must_select(const struct run *run)
{
    const struct dse_run_options *options = run->options;
    return options->max_acc_drop >= 0 || options->max_cycles || options->max_size_bytes ||
           options->max_ram_bytes || run->results->method == SEARCH_CHEAPEST ||
           run->results->method == SEARCH_BINARY;
}

/* What the outcome means for the exit code. */
static enum status judge(struct run *run)
{
    size_t candidates = 0, images = 0;
    const struct results *results = run->results;
    for (size_t i = 0; i < results->count; i++) {
        candidates += results->candidates[i].mismatches > 0;
        images += results->candidates[i].mismatches;
    }
    if (candidates) {
        return error_set(run->err, STATUS_MISMATCH,
                         "core and integer model differ in %zu candidates (%zu images); first "
                         "differences above and in "
                         "%s/report.html",
                         candidates, images, run->options->folder);
    }
    if (!results->count) {
        return error_set(run->err, STATUS_INPUT,
                         "none of the configurations that were looked at fits the core's memory; "
                         "look at more (--evaluations) or at all (--search exhaustive)");
    }
    if (must_select(run) && results->selected < 0) {
        char limits[256];
        const char *way_out = results->limits.max_acc_drop < 100
                                  ? "allow more of them, or retrain (--qat EPOCHS)"
                                  : "allow more of them, or take fewer bits (--bits) or a smaller "
                                    "network";
        results_limits_text(results, limits, sizeof limits);
        return error_set(run->err, STATUS_INPUT,
                         "none of the configurations that were measured keeps to the limits: %s "
                         "(float: %.2f %%); %s",
                         limits, results->float_val_accuracy, way_out);
    }
    return STATUS_OK;
}

static void run_free(struct run *run)
{
    journal_close(run->journal);
    results_free(run->results);
    dse_source_free(run->source);
    team_data_free(&run->data);
    float_model_free(run->model);
    device_close(run->device);
}

enum status dse_run(const struct dse_run_options *options, struct results **out, struct error *err)
{
    struct run run = {.options = options, .err = err};
    const double start = clock_seconds();
    *out = NULL;
    enum status status = prepare(&run);
    if (status == STATUS_OK) {
        status = search(&run);
        if (status == STATUS_INPUT) {
            tell_none_fits(&run);
        }
    }
    const bool leads = team_rank(options->team) == 0;
    if (status == STATUS_OK && leads) {
        run.results->seconds = clock_seconds() - start;
        run.results->jobs = run.search.jobs;
        status = write_outputs(&run);
    }
    if (status == STATUS_OK && leads) {
        status = judge(&run);
        *out = run.results;
        run.results = NULL;
    } else if (interrupt_requested() && leads) {
        status = error_set(
            err, STATUS_CANCELLED,
            "interrupted; what is finished is kept in %s: the same command with --resume goes on",
            run.journal_path);
    }
    run_free(&run);
    return status;
}
