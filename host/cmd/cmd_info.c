// SPDX-License-Identifier: Apache-2.0
/* mpq info: what a core says about itself, or what a QUANT file holds and what it takes there. */
#include "cmd/cmd.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "cmd/cmd_memory.h"
#include "pack/model_file.h"
#include "report/report.h"
#include "results/results.h"
#include "target/core_config.h"
#include "target/target.h"

enum { BITS_BYTES = 4 * NET_MAX_LAYERS };

struct info_command {
    const char *subject, *target;
    size_t ram_bytes; /* 0: the target's */
    struct cmd_output mode;
    bool help;
};

static enum status parse(int argc, char **argv, struct info_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "info",
        .positional = "TARGET|QUANT",
        .summary = "Ask a core what it is, or show a QUANT file and the memory it takes.",
        .details =
            "TARGET is sim, sim:CONFIG, or a serial port, with :BAUD behind it for a highest "
            "rate.\n"
            "QUANT: a table of where the target's memory goes, firmware included. --ram N "
            "asks no target: it\n"
            "takes the firmware that was built, and N bytes of RAM.",
        .examples = "mpq info sim\n"
                    "mpq info sim:pristine --json\n"
                    "mpq info /dev/ttyUSB0\n"
                    "mpq info lenet.quant --target /dev/ttyUSB0\n"
                    "mpq info lenet.quant --ram 131072",
    };
    const struct arg_option options[] = {
        {"--target", "T", ARG_STRING, &command->target, "QUANT: on which core (default sim)"},
        {"--ram", "N", ARG_SIZE, &command->ram_bytes, "QUANT: on a core with N bytes of RAM"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "one JSON object"},
        {"-q,--quiet", NULL, ARG_FLAG, &command->mode.quiet, "no progress"},
    };
    return args_parse(argc, argv, &about, options, sizeof options / sizeof *options,
                      &command->subject, 1, &command->help, err);
}

static void tiers_text(unsigned tiers, char *text, size_t size)
{
    snprintf(text, size, "%s%s%s", tiers & 1u << TIER_NN ? "nn" : "",
             (tiers & 3u) == 3u ? ", " : "", tiers & 1u << TIER_RV32 ? "rv32" : "");
}

static void print_row(const char *label, const char *value, const char *more)
{
    printf("%-16s %s%s\n", label, value, more);
}

static void print_bytes(const char *label, uint32_t bytes)
{
    char number[32], more[48];
    report_number(bytes, number, sizeof number);
    snprintf(more, sizeof more, " bytes (%g KiB)", bytes / 1024.0);
    print_row(label, number, more);
}

static void print_text(const struct info_command *command, const struct target *target)
{
    const struct target_info *info = target_info(target);
    const struct target_statistics *link = target_statistics(target);
    char core[64], tiers[32];
    core_config_text(info->core_config, core, sizeof core);
    tiers_text(info->tiers, tiers, sizeof tiers);
    print_row("target", command->target, "");
    print_row("core", core, "");
    printf("%-16s marchid %u, mimpid %u\n", "", (unsigned)info->marchid, (unsigned)info->mimpid);
    if (info->isa_version)
        printf("%-16s version %u\n", "instructions", info->isa_version);
    else
        print_row("instructions", "none: no neural unit", "");
    print_row("tiers", tiers, "");
    printf("%-16s %g MHz\n", "clock", info->clock_hz / 1e6);
    print_bytes("RAM", info->ram_bytes);
    print_bytes("model area", info->model_area_bytes);
    printf("%-16s %s, build %08x\n", "firmware", info->firmware, (unsigned)info->firmware_id);
    printf("%-16s version %u, window of %u frames\n", "protocol", info->protocol_version,
           info->window);
    printf("%-16s version %u\n", "container", info->model_version);
    printf("%-16s sent %llu bytes, frames %llu, repeated %llu; received %llu bytes; "
           "damaged %llu, timeouts %llu\n",
           "link", (unsigned long long)link->bytes_sent, (unsigned long long)link->frames_sent,
           (unsigned long long)link->frames_resent, (unsigned long long)link->bytes_received,
           (unsigned long long)link->naks, (unsigned long long)link->timeouts);
    if (target_baud_hz(target))
        printf("%-16s %d baud\n", "line", target_baud_hz(target));
}

static void add_link(cJSON *object, const struct target *target)
{
    const struct target_statistics *link = target_statistics(target);
    const int baud_hz = target_baud_hz(target);
    cJSON *part = cJSON_AddObjectToObject(object, "link");
    cJSON_AddItemToObject(part, "baud_hz",
                          baud_hz ? cJSON_CreateNumber(baud_hz) : cJSON_CreateNull());
    cJSON_AddNumberToObject(part, "bytes_sent", (double)link->bytes_sent);
    cJSON_AddNumberToObject(part, "bytes_received", (double)link->bytes_received);
    cJSON_AddNumberToObject(part, "frames_sent", (double)link->frames_sent);
    cJSON_AddNumberToObject(part, "frames_resent", (double)link->frames_resent);
    cJSON_AddNumberToObject(part, "naks", (double)link->naks);
    cJSON_AddNumberToObject(part, "timeouts", (double)link->timeouts);
}

static enum status print_json(const struct info_command *command, const struct target *target,
                              struct error *err)
{
    const struct target_info *info = target_info(target);
    char core[64], build[12];
    cJSON *object = cJSON_CreateObject();
    snprintf(build, sizeof build, "%08x", (unsigned)info->firmware_id);
    core_config_text(info->core_config, core, sizeof core);
    cJSON_AddStringToObject(object, "target", command->target);
    cJSON_AddStringToObject(object, "core", core);
    cJSON_AddNumberToObject(object, "marchid", info->marchid);
    cJSON_AddNumberToObject(object, "mimpid", info->mimpid);
    cJSON_AddNumberToObject(object, "isa_version", info->isa_version);
    cJSON *tiers = cJSON_AddArrayToObject(object, "tiers");
    if (info->tiers & 1u << TIER_NN)
        cJSON_AddItemToArray(tiers, cJSON_CreateString("nn"));
    if (info->tiers & 1u << TIER_RV32)
        cJSON_AddItemToArray(tiers, cJSON_CreateString("rv32"));
    cJSON_AddNumberToObject(object, "clock_hz", info->clock_hz);
    cJSON_AddNumberToObject(object, "ram_bytes", info->ram_bytes);
    cJSON_AddNumberToObject(object, "model_area_bytes", info->model_area_bytes);
    cJSON_AddStringToObject(object, "firmware", info->firmware);
    cJSON_AddStringToObject(object, "firmware_build", build);
    cJSON_AddNumberToObject(object, "protocol_version", info->protocol_version);
    cJSON_AddNumberToObject(object, "window", info->window);
    cJSON_AddNumberToObject(object, "container_version", info->model_version);
    add_link(object, target);
    return cmd_print_json(object, false, err);
}

static enum status show_target(const struct info_command *command, struct error *err)
{
    struct target *target = NULL;
    enum status status = target_open(command->target, &target, err);
    if (status != STATUS_OK)
        return status;
    if (command->mode.json)
        status = print_json(command, target, err);
    else
        print_text(command, target);
    target_close(target);
    return status;
}

/* The memory of the target, or that of a core of which only the size is known. */
static enum status map_memory(const struct info_command *command, const struct model_file *file,
                              struct memory_map *map, struct error *err)
{
    struct target *target = NULL;
    char path[PATHS_MAX];
    uint64_t firmware_bytes = 0;
    enum status status;
    if (command->ram_bytes) {
        status = paths_firmware(path, err);
        if (status == STATUS_OK)
            status = memory_firmware_bytes(path, &firmware_bytes, err);
        if (status == STATUS_OK)
            memory_map_make(file->container, firmware_bytes, command->ram_bytes, path, map);
        return status;
    }
    status = target_open(command->target, &target, err);
    if (status == STATUS_OK)
        cmd_memory_map(file->container, target_info(target), map);
    target_close(target);
    return status;
}

static void add_percent(cJSON *object, const char *name, double value)
{
    cJSON_AddItemToObject(object, name,
                          isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static enum status print_model_json(const struct info_command *command,
                                    const struct model_file *file, const struct memory_map *map,
                                    struct error *err)
{
    const struct quant_meta *meta = &file->meta;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "file", command->subject);
    cJSON_AddStringToObject(object, "model", file->net->name);
    cJSON_AddItemToObject(object, "bits", cJSON_CreateIntArray(meta->bits, meta->layer_count));
    cJSON_AddStringToObject(object, "method", meta->qat_epochs ? "qat" : "ptq");
    cJSON_AddNumberToObject(object, "qat_epochs", meta->qat_epochs);
    cJSON_AddNumberToObject(object, "seed", (double)meta->seed);
    add_percent(object, "val_accuracy", meta->val_accuracy);
    add_percent(object, "accuracy", meta->accuracy);
    cJSON_AddItemToObject(object, "memory", cmd_memory_json(file->container, map));
    return cmd_print_json(object, false, err);
}

static void print_percent(const char *label, double value)
{
    if (isfinite(value))
        printf("%-16s %.2f %%\n", label, value);
}

static void print_model(const struct info_command *command, const struct model_file *file,
                        const struct memory_map *map)
{
    const struct quant_meta *meta = &file->meta;
    char bits[BITS_BYTES];
    results_bits_text(meta->bits, meta->layer_count, bits, sizeof bits);
    print_row("file", command->subject, "");
    print_row("model", file->net->name, "");
    print_row("weight bits", bits, "");
    if (meta->qat_epochs)
        printf("%-16s QAT, %d epochs\n", "quantization", meta->qat_epochs);
    else
        print_row("quantization", "PTQ", "");
    printf("%-16s %llu\n", "seed", (unsigned long long)meta->seed);
    print_percent("validation", meta->val_accuracy);
    print_percent("test", meta->accuracy);
    putchar('\n');
    cmd_print_memory(stdout, file->container, map);
}

static enum status show_model(const struct info_command *command, struct error *err)
{
    struct model_file file;
    struct memory_map map;
    enum status status = model_file_open_quant(command->subject, &file, err);
    if (status != STATUS_OK)
        return status;
    status = map_memory(command, &file, &map, err);
    if (status == STATUS_OK && command->mode.json)
        status = print_model_json(command, &file, &map, err);
    else if (status == STATUS_OK)
        print_model(command, &file, &map);
    model_file_close(&file);
    return status;
}

static enum status run(struct info_command *command, struct error *err)
{
    struct stat about;
    if (stat(command->subject, &about) == 0 && S_ISREG(about.st_mode))
        return show_model(command, err);
    command->target = command->subject;
    return show_target(command, err);
}

int cmd_info(int argc, char **argv)
{
    struct info_command command = {.target = "sim"};
    struct error err = {""};
    enum status status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help)
        status = run(&command, &err);
    return cmd_finish("info", status, &err);
}
