// SPDX-License-Identifier: Apache-2.0
/* mpq eval: accuracy of a FLOAT or QUANT file on this machine or on a core, where every output is
 * compared with the integer model. */
#include "cmd/cmd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd_memory.h"
#include "data/team_data.h"
#include "infer/infer.h"
#include "measure/measure_team.h"
#include "measure/outputs.h"
#include "pack/model_file.h"
#include "search/dse_choice.h"
#include "train/train.h"

enum { CORE_SAMPLES = 20, SHOWN_MISMATCHES = 20 };

struct eval_command {
    const char *path, *target, *tier, *data, *outputs, *samples;
    size_t threads, jobs;
    struct cmd_output mode;
    bool help;
    struct team *team;
    enum progress_mode progress;
};

/* What was found, on its way to the screen. */
struct eval_report {
    const struct eval_command *command;
    const struct model_file *file;
    size_t samples;
    double accuracy;
    bool on_core;
    enum proto_tier tier;
    struct measure_result result; /* on_core */
    cJSON *differences;           /* texts; owned until printed */
};

static bool is_host(const struct eval_command *command)
{
    return !strcmp(command->target, "host");
}

static enum status check_options(const struct eval_command *command, struct error *err)
{
    if (command->tier && strcmp(command->tier, "nn") && strcmp(command->tier, "rv32"))
        return error_set(err, STATUS_USAGE, "--tier: want nn or rv32, got '%s'", command->tier);
    if (command->tier && is_host(command))
        return error_set(err, STATUS_USAGE,
                         "--tier: only a core has tiers; say which one with --target");
    if (command->outputs && !is_host(command))
        return error_set(err, STATUS_USAGE,
                         "--outputs: only with --target host; a core is compared with these");
    return STATUS_OK;
}

static enum status parse(int argc, char **argv, struct eval_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "eval",
        .positional = "FLOAT|QUANT",
        .summary = "Measure accuracy on test images, on this machine or on a core.",
        .details = "On this machine (host): a QUANT file by the integer model, a FLOAT file in "
                   "floating point.\n"
                   "On a core: every output is compared with the integer model, bit for bit; the "
                   "exit code is 3 if\n"
                   "one differs. Several simulators share the images (--jobs), and under mpirun or "
                   "srun all\n"
                   "processes do; the first image tells how long all of them will take.",
        .examples = "mpq eval lenet.float\n"
                    "mpq eval lenet.quant\n"
                    "mpq eval lenet.quant --outputs values.npy\n"
                    "mpq eval lenet.quant --target sim --samples all\n"
                    "mpirun -n 64 mpq eval lenet.quant --target sim --samples all\n"
                    "mpq eval lenet.quant --target /dev/ttyUSB0 --tier rv32",
    };
    const struct arg_option options[] = {
        {"--target", "T", ARG_STRING, &command->target,
         "host, sim, sim:CONFIG or /dev/tty... (default host)"},
        {"--samples", "N", ARG_STRING, &command->samples,
         "test images, from the first one, or \"all\" (default: all on host, 20 on a core)"},
        {"--jobs", "N", ARG_SIZE, &command->jobs,
         "simulators at the same time (default: all cores; a board does one job)"},
        {"--tier", "TIER", ARG_STRING, &command->tier,
         "kernels on a core: nn (neural instructions, default) or rv32 (plain RV32IMC)"},
        {"--outputs", "NPY", ARG_STRING, &command->outputs,
         "write the values of every image, [images][classes] (QUANT: its integers)"},
        {"--data", "DIR", ARG_STRING, &command->data, "data folder (default build/data)"},
        {"--threads", "N", ARG_SIZE, &command->threads, "threads (default: all cores)"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "one JSON object, progress as JSON lines"},
        {"-q,--quiet", NULL, ARG_FLAG, &command->mode.quiet, "no progress"},
    };
    const enum status status =
        args_parse(argc, argv, &about, options, sizeof options / sizeof *options, &command->path, 1,
                   &command->help, err);
    return status != STATUS_OK || command->help ? status : check_options(command, err);
}

static void keep_mismatch(void *context, const struct error *mismatch)
{
    struct eval_report *report = context;
    if (report->command->mode.json)
        cJSON_AddItemToArray(report->differences, cJSON_CreateString(mismatch->text));
    else if (report->result.mismatches <= SHOWN_MISMATCHES)
        printf("mismatch: %s\n", mismatch->text);
}

/* This process's part of the images. */
static void take_part(const struct team *team, struct dataset *data)
{
    const size_t size = (size_t)team_size(team), rank = (size_t)team_rank(team);
    const size_t first = data->count * rank / size, end = data->count * (rank + 1) / size;
    data->images += first * shape_size(data->shape);
    data->labels += first;
    data->count = end - first;
}

static enum status eval_part(const struct eval_report *report, const struct dataset *part,
                             double *accuracy, struct error *err)
{
    const struct eval_command *command = report->command;
    const int threads =
        command->threads || !command->team ? (int)command->threads : (int)team_cores(command->team);
    struct infer *infer = NULL;
    if (report->file->model)
        return train_evaluate(report->file->model, part, threads, accuracy, err);
    enum status status = infer_create(report->file->container->model, &infer, err);
    if (status == STATUS_OK)
        status = infer_accuracy(infer, part, threads, accuracy, err);
    infer_free(infer);
    return status;
}

static enum status eval_host(struct eval_report *report, const struct dataset *test,
                             struct error *err)
{
    struct team *team = report->command->team;
    struct dataset part = *test; /* borrowed */
    take_part(team, &part);
    double accuracy = 0;
    enum status status = part.count ? eval_part(report, &part, &accuracy, err) : STATUS_OK;
    status = team_agree(team, status, err);
    int64_t correct = llround(accuracy / 100 * (double)part.count);
    team_sum(team, &correct, 1);
    report->accuracy = 100.0 * (double)correct / (double)test->count;
    return status;
}

/* Words before the work begins: how long it will take. */
static void print_estimate(const struct eval_report *report, size_t cores, double seconds)
{
    char duration[32];
    progress_duration(seconds, duration, sizeof duration);
    if (report->command->progress == PROGRESS_JSON)
        fprintf(stderr,
                "{\"event\":\"estimate\",\"label\":\"eval\",\"images\":%zu,\"cores\":%zu,"
                "\"seconds\":%.3f}\n",
                report->samples, cores, seconds);
    else if (report->command->progress != PROGRESS_QUIET)
        fprintf(stderr, "%zu images on %zu core%s: about %s\n", report->samples, cores,
                cores > 1 ? "s" : "", duration);
}

static enum status measure_all(struct eval_report *report, struct measure_team *team,
                               struct error *err)
{
    print_estimate(report, measure_team_cores(team), measure_team_estimate(team));
    struct progress *progress = progress_start(report->command->progress, "eval", report->samples);
    const enum status status = measure_team_run(team, progress, &report->result, err);
    progress_finish(progress, NULL);
    report->accuracy = 100.0 * (double)report->result.correct / (double)report->samples;
    return status;
}

/* Simulators of this process; a board is one. */
static enum status count_cores(const struct eval_report *report, size_t *count, struct error *err)
{
    const struct eval_command *command = report->command;
    const bool is_sim = strncmp(command->target, "sim", 3) == 0;
    const size_t wanted = !command->jobs && is_sim ? team_cores(command->team) : command->jobs;
    const enum status status = dse_choice_jobs(&command->target, 1, wanted, count, err);
    *count = *count < report->samples ? *count : report->samples;
    return status;
}

/* Opens the first core; the model must fit it. */
static enum status open_core(const struct eval_report *report, struct target **target,
                             struct error *err)
{
    const struct eval_command *command = report->command;
    enum status status = target_open(command->target, target, err);
    if (status == STATUS_OK && team_rank(command->team) == 0)
        status = cmd_check_memory(report->file->container, *target, command->target, &command->mode,
                                  err);
    return status;
}

static enum status eval_core(struct eval_report *report, const struct dataset *test,
                             struct error *err)
{
    const struct eval_command *command = report->command;
    struct measure_cores cores = {command->target, 0, command->team};
    struct target *target = NULL;
    struct infer *infer = NULL;
    struct measure_team *team = NULL;
    enum status status = count_cores(report, &cores.count, err);
    if (status == STATUS_OK)
        status = open_core(report, &target, err);
    if (status == STATUS_OK)
        status = infer_create(report->file->container->model, &infer, err);
    const struct measure_subject subject = {target, report->file->container, infer, test};
    const struct measure_options options = {.tier = report->tier,
                                            .samples = report->samples,
                                            .on_mismatch = keep_mismatch,
                                            .context = report};
    status = team_agree(command->team, status, err);
    if (status == STATUS_OK)
        status = measure_team_open(&subject, &options, &cores, &team, err);
    if (team)
        status = measure_all(report, team, err);
    measure_team_close(team);
    infer_free(infer);
    target_close(target);
    return status;
}

static enum status print_json(struct eval_report *report, struct error *err)
{
    const struct measure_result *result = &report->result;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "file", report->command->path);
    cJSON_AddStringToObject(object, "kind", report->file->model ? "float" : "quant");
    cJSON_AddStringToObject(object, "model", report->file->net->name);
    cJSON_AddStringToObject(object, "target", report->command->target);
    cJSON_AddNumberToObject(object, "samples", (double)report->samples);
    cJSON_AddNumberToObject(object, "accuracy", report->accuracy);
    if (report->on_core) {
        cJSON_AddStringToObject(object, "tier", measure_tier_name(report->tier));
        cJSON_AddNumberToObject(object, "verified", (double)result->verified);
        cJSON_AddNumberToObject(object, "mismatches", (double)result->mismatches);
        cJSON_AddNumberToObject(object, "mean_cycles", result->mean_cycles);
        cJSON_AddNumberToObject(object, "reopened", (double)result->reopened);
        cJSON_AddItemToObject(object, "differences", report->differences);
        report->differences = NULL;
    }
    return cmd_print_json(object, false, err);
}

static enum status print_report(struct eval_report *report, struct error *err)
{
    const struct measure_result *result = &report->result;
    if (report->command->mode.json)
        return print_json(report, err);
    if (report->on_core && result->mismatches > SHOWN_MISMATCHES)
        printf("... and %zu more\n", result->mismatches - SHOWN_MISMATCHES);
    printf("test accuracy %.2f %% (%zu images, %s)\n", report->accuracy, report->samples,
           report->on_core       ? "on the core"
           : report->file->model ? "floating point"
                                 : "integer model");
    if (report->on_core)
        printf("outputs compared bit for bit with the integer model: %zu, mismatches: %zu\n"
               "%.0f cycles on average (tier %s)\n",
               result->verified, result->mismatches, result->mean_cycles,
               measure_tier_name(report->tier));
    if (report->on_core && result->reopened)
        printf("cores that were lost and started anew: %zu\n", result->reopened);
    return STATUS_OK;
}

/* What --samples says: "all", a number, or nothing. */
static enum status parse_samples(struct eval_report *report, size_t count, struct error *err)
{
    const char *text = report->command->samples;
    char *end = NULL;
    if (!text || !strcmp(text, "all")) {
        report->samples = report->on_core && !text && count > CORE_SAMPLES ? CORE_SAMPLES : count;
        return STATUS_OK;
    }
    const unsigned long long value = strtoull(text, &end, 10);
    report->samples = (size_t)value;
    if (!strchr("0123456789", *text) || *end || value < 1 || value > count)
        return error_set(err, STATUS_USAGE,
                         "--samples: want 1 to %zu (the test images) or all, got %s", count, text);
    return STATUS_OK;
}

/* What the first process does with the outcome. */
static enum status tell(struct eval_report *report, const struct dataset *test, struct error *err)
{
    const struct eval_command *command = report->command;
    enum status status = STATUS_OK;
    if (command->outputs)
        status = outputs_write(report->file, test, (int)command->threads, command->outputs, err);
    if (status == STATUS_OK)
        status = print_report(report, err);
    if (status == STATUS_OK && report->result.mismatches)
        status = error_set(err, STATUS_MISMATCH,
                           "%s: core and integer model differ in %zu of %zu images",
                           command->target, report->result.mismatches, report->result.verified);
    return status;
}

static enum status evaluate(struct eval_report *report, const struct data_split *data,
                            struct error *err)
{
    struct dataset test = data->test; /* borrowed */
    enum status status = parse_samples(report, test.count, err);
    if (status != STATUS_OK)
        return status;
    test.count = report->samples;
    status = report->on_core ? eval_core(report, &test, err) : eval_host(report, &test, err);
    return status == STATUS_OK && team_rank(report->command->team) == 0 ? tell(report, &test, err)
                                                                        : status;
}

static enum status run(const struct eval_command *command, struct error *err)
{
    struct model_file file;
    struct team_data data;
    struct eval_report report = {.command = command, .file = &file, .on_core = !is_host(command)};
    memset(&data, 0, sizeof data);
    report.tier = command->tier && !strcmp(command->tier, "rv32") ? TIER_RV32 : TIER_NN;
    enum status status = report.on_core ? model_file_open_quant(command->path, &file, err)
                                        : model_file_open(command->path, &file, err);
    status = team_agree(command->team, status, err);
    if (status == STATUS_OK)
        status = team_data_load(command->team, file.net, command->data, 0, &data, err);
    if (status == STATUS_OK) {
        report.differences = cJSON_CreateArray();
        status = evaluate(&report, &data.split, err);
        cJSON_Delete(report.differences);
    }
    team_data_free(&data);
    model_file_close(&file);
    return status;
}

int cmd_eval(int argc, char **argv)
{
    struct eval_command command = {.target = "host", .data = "build/data"};
    struct error err = {""};
    enum status status = team_open(&command.team, &err);
    if (status == STATUS_OK)
        status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help) {
        command.progress = cmd_team_progress(command.team, cmd_progress_mode(&command.mode));
        interrupt_install();
        status = run(&command, &err);
    }
    return cmd_team_finish("eval", command.team, status, &err);
}
