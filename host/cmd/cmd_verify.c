// SPDX-License-Identifier: Apache-2.0
/* mpq verify: proves that a folder of mpq codegen computes what the integer model computes. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/folder.h"
#include "codegen/codegen.h"
#include "codegen/codegen_verify.h"
#include "measure/measure.h"
#include "pack/model_file.h"

enum { USUAL_SAMPLES = 32 };

struct verify_command {
    const char *folder, *quant, *target, *tier, *data;
    size_t samples;
    bool random_input, help;
    struct cmd_output mode;
    bool tiers[CODEGEN_TIERS]; /* wanted */
};

/* Everything that the command works with. */
struct verify_work {
    const struct verify_command *command;
    struct model_file file;
    struct data_split data;
    struct dataset random;
    struct codegen_verify_result results[CODEGEN_TIERS];
};

static enum status check_options(struct verify_command *command, struct error *err)
{
    for (int tier = 0; tier < CODEGEN_TIERS; tier++)
        command->tiers[tier] =
            !command->tier || !strcmp(command->tier, codegen_tier_folder((enum proto_tier)tier));
    if (!command->tiers[TIER_NN] && !command->tiers[TIER_RV32])
        return error_set(err, STATUS_USAGE, "--tier: want %s or %s, got '%s'",
                         codegen_tier_folder(TIER_NN), codegen_tier_folder(TIER_RV32),
                         command->tier);
    if (strncmp(command->target, "sim", 3) != 0)
        return error_set(err, STATUS_USAGE,
                         "--target: want sim or sim:CONFIG, got '%s': only the simulator can be "
                         "given another program",
                         command->target);
    if (command->samples < 1)
        return error_set(err, STATUS_USAGE, "--samples: want 1 or more, got 0");
    return STATUS_OK;
}

static enum status parse(int argc, char **argv, struct verify_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "verify",
        .positional = "DIR",
        .summary = "Prove that a folder of mpq codegen computes what the integer model computes.",
        .details =
            "Builds both tiers, runs them in the simulator on test images, and compares every "
            "output and class\n"
            "with the integer model of the QUANT file, bit for bit; the exit code is 3 if one "
            "differs.",
        .examples = "mpq verify lenet5_mnist\n"
                    "mpq verify lenet5_mnist --samples 100 --tier optimized\n"
                    "mpq verify lenet5_mnist --quant lenet.quant --random-input",
    };
    const struct arg_option options[] = {
        {"--samples", "N", ARG_SIZE, &command->samples,
         "test images, from the first one (default 32, or all if there are fewer)"},
        {"--tier", "TIER", ARG_STRING, &command->tier,
         "optimized (neural instructions) or original (plain RV32IMC); default: both"},
        {"--quant", "FILE", ARG_STRING, &command->quant,
         "model to compare with (default: network.quant in DIR)"},
        {"--target", "T", ARG_STRING, &command->target, "sim or sim:CONFIG (default sim)"},
        {"--random-input", NULL, ARG_FLAG, &command->random_input,
         "random bytes instead of test images: no data needed"},
        {"--data", "DIR", ARG_STRING, &command->data, "data folder (default build/data)"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "one JSON object, progress as JSON lines"},
        {"-q,--quiet", NULL, ARG_FLAG, &command->mode.quiet, "no progress"},
    };
    const enum status status =
        args_parse(argc, argv, &about, options, sizeof options / sizeof *options, &command->folder,
                   1, &command->help, err);
    return status != STATUS_OK || command->help ? status : check_options(command, err);
}

static enum status prepare(struct verify_work *work, struct error *err)
{
    const struct verify_command *command = work->command;
    char own[FOLDER_PATH_BYTES];
    const size_t samples = command->samples == SIZE_MAX ? USUAL_SAMPLES : command->samples;
    enum status status = folder_path(command->folder, CODEGEN_QUANT, own, err);
    if (status == STATUS_OK)
        status = model_file_open_quant(command->quant ? command->quant : own, &work->file, err);
    if (status == STATUS_OK && command->random_input)
        return measure_random_images(work->file.container->model, samples, &work->random, err);
    if (status == STATUS_OK)
        status = data_load(work->file.net, command->data, 0, &work->data, err);
    return status;
}

/* The images to run, borrowed. */
static enum status choose(const struct verify_work *work, struct dataset *out, struct error *err)
{
    const size_t wanted = work->command->samples;
    *out = work->command->random_input ? work->random : work->data.test;
    const size_t usual = out->count < USUAL_SAMPLES ? out->count : USUAL_SAMPLES;
    const size_t samples = wanted == SIZE_MAX ? usual : wanted;
    if (samples > out->count)
        return error_set(err, STATUS_USAGE, "--samples: want 1 to %zu (the test images), got %zu",
                         out->count, samples);
    out->count = samples;
    return STATUS_OK;
}

static enum status verify_tiers(struct verify_work *work, const struct dataset *data,
                                struct error *err)
{
    const struct verify_command *command = work->command;
    const size_t tiers = (size_t)(command->tiers[TIER_NN] + command->tiers[TIER_RV32]);
    struct codegen_verify verify = {
        .folder = command->folder,
        .simulator = command->target,
        .model = work->file.container->model,
        .data = data,
        .progress =
            progress_start(cmd_progress_mode(&command->mode), "verify", tiers * data->count),
    };
    enum status status = STATUS_OK;
    for (int tier = 0; tier < CODEGEN_TIERS && status == STATUS_OK; tier++) {
        if (!command->tiers[tier])
            continue;
        progress_update(verify.progress, verify.done, "build");
        status = codegen_build(command->folder, (enum proto_tier)tier, err);
        if (status == STATUS_OK)
            status = codegen_verify_tier(&verify, (enum proto_tier)tier, &work->results[tier], err);
        verify.done += data->count;
    }
    progress_finish(verify.progress, NULL);
    return status;
}

static enum status print_json(const struct verify_work *work, struct error *err)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "folder", work->command->folder);
    cJSON_AddStringToObject(object, "model", work->file.net->name);
    cJSON *tiers = cJSON_AddObjectToObject(object, "tiers");
    for (int tier = 0; tier < CODEGEN_TIERS; tier++) {
        const struct codegen_verify_result *result = &work->results[tier];
        if (!work->command->tiers[tier])
            continue;
        cJSON *part = cJSON_AddObjectToObject(tiers, codegen_tier_folder((enum proto_tier)tier));
        cJSON_AddNumberToObject(part, "verified", (double)result->verified);
        cJSON_AddNumberToObject(part, "mismatches", (double)result->mismatches);
        if (result->mismatches)
            cJSON_AddStringToObject(part, "first", result->first.text);
    }
    return cmd_print_json(object, false, err);
}

static void print_text(const struct verify_work *work)
{
    for (int tier = 0; tier < CODEGEN_TIERS; tier++) {
        const struct codegen_verify_result *result = &work->results[tier];
        if (!work->command->tiers[tier])
            continue;
        printf("%-9s  outputs compared bit for bit with the integer model: %zu, mismatches: %zu\n",
               codegen_tier_folder((enum proto_tier)tier), result->verified, result->mismatches);
        if (result->mismatches)
            printf("first mismatch: %s\n", result->first.text);
    }
}

static enum status run(struct verify_work *work, struct error *err)
{
    struct dataset data;
    enum status status = prepare(work, err);
    if (status == STATUS_OK)
        status = choose(work, &data, err);
    if (status == STATUS_OK)
        status = verify_tiers(work, &data, err);
    if (status != STATUS_OK)
        return status;
    if (work->command->mode.json)
        status = print_json(work, err);
    else
        print_text(work);
    const size_t mismatches =
        work->results[TIER_NN].mismatches + work->results[TIER_RV32].mismatches;
    if (status == STATUS_OK && mismatches)
        status = error_set(err, STATUS_MISMATCH,
                           "%s: program and integer model differ in %zu of %zu runs",
                           work->command->folder, mismatches,
                           work->results[TIER_NN].verified + work->results[TIER_RV32].verified);
    return status;
}

int cmd_verify(int argc, char **argv)
{
    struct verify_command command = {.target = "sim", .data = "build/data", .samples = SIZE_MAX};
    struct error err = {""};
    struct verify_work work;
    memset(&work, 0, sizeof work);
    work.command = &command;
    enum status status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help) {
        interrupt_install();
        status = run(&work, &err);
    }
    measure_free_images(&work.random);
    data_free(&work.data);
    model_file_close(&work.file);
    return cmd_finish("verify", status, &err);
}
