// SPDX-License-Identifier: Apache-2.0
/* mpq info: what a core says about itself. */
#include "cmd.h"

#include <stdio.h>

#include "core_config.h"
#include "report.h"
#include "target.h"

struct info_command {
    const char *target;
    struct cmd_output mode;
    bool help;
};

static enum status parse(int argc, char **argv, struct info_command *command, struct error *err)
{
    static const struct arg_command about = {
        .name = "info",
        .positional = "TARGET",
        .summary = "Ask a core what it is.",
        .details = "TARGET is sim, sim:CONFIG, or a serial port, with :BAUD behind it if the rate "
                   "is not 115200.",
        .examples = "mpq info sim\n"
                    "mpq info sim:pristine --json\n"
                    "mpq info /dev/ttyUSB0",
    };
    const struct arg_option options[] = {
        {"--json", NULL, ARG_FLAG, &command->mode.json, "one JSON object"},
        {"-q,--quiet", NULL, ARG_FLAG, &command->mode.quiet, "no progress"},
    };
    return args_parse(argc, argv, &about, options, sizeof options / sizeof *options,
                      &command->target, 1, &command->help, err);
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

static void print_text(const struct info_command *command, const struct target_info *info,
                       const struct target_statistics *link)
{
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
    print_row("firmware", info->firmware, "");
    printf("%-16s version %u, window of %u frames\n", "protocol", info->protocol_version,
           info->window);
    printf("%-16s version %u\n", "container", info->model_version);
    printf("%-16s sent %llu bytes, frames %llu, repeated %llu; received %llu bytes; "
           "damaged %llu, timeouts %llu\n",
           "link", (unsigned long long)link->bytes_sent, (unsigned long long)link->frames_sent,
           (unsigned long long)link->frames_resent, (unsigned long long)link->bytes_received,
           (unsigned long long)link->naks, (unsigned long long)link->timeouts);
}

static void add_link(cJSON *object, const struct target_statistics *link)
{
    cJSON *part = cJSON_AddObjectToObject(object, "link");
    cJSON_AddNumberToObject(part, "bytes_sent", (double)link->bytes_sent);
    cJSON_AddNumberToObject(part, "bytes_received", (double)link->bytes_received);
    cJSON_AddNumberToObject(part, "frames_sent", (double)link->frames_sent);
    cJSON_AddNumberToObject(part, "frames_resent", (double)link->frames_resent);
    cJSON_AddNumberToObject(part, "naks", (double)link->naks);
    cJSON_AddNumberToObject(part, "timeouts", (double)link->timeouts);
}

static enum status print_json(const struct info_command *command, const struct target_info *info,
                              const struct target_statistics *link, struct error *err)
{
    char core[64];
    cJSON *object = cJSON_CreateObject();
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
    cJSON_AddNumberToObject(object, "protocol_version", info->protocol_version);
    cJSON_AddNumberToObject(object, "window", info->window);
    cJSON_AddNumberToObject(object, "container_version", info->model_version);
    add_link(object, link);
    return cmd_print_json(object, false, err);
}

static enum status run(const struct info_command *command, struct error *err)
{
    struct target *target = NULL;
    enum status status = target_open(command->target, &target, err);
    if (status != STATUS_OK)
        return status;
    if (command->mode.json)
        status = print_json(command, target_info(target), target_statistics(target), err);
    else
        print_text(command, target_info(target), target_statistics(target));
    target_close(target);
    return status;
}

int cmd_info(int argc, char **argv)
{
    struct info_command command = {.target = NULL};
    struct error err = {""};
    enum status status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help)
        status = run(&command, &err);
    return cmd_finish("info", status, &err);
}
