// SPDX-License-Identifier: Apache-2.0
/* mpq flash: a bitstream into a board. */
#include "cmd/cmd.h"
#include "target/flash.h"

#include <stdio.h>
#include <string.h>

#include "base/paths.h"

static const struct arg_command COMMAND = {
    .name = "flash",
    .positional = "BOARD [FILE]",
    .summary = "Loads a bitstream into a board by openFPGALoader.",
    .details =
        "Looks first which device answers; another one is not written to. Without --permanent the\n"
        "bitstream is gone when power goes. FILE defaults to the one of 'make bitstream\n"
        "BOARD=...', in hw/ beside the tool; 'make flash BOARD=...' builds and loads it.",
    .examples = "mpq flash ulx3s\n"
                "mpq flash ulx3s --permanent\n"
                "mpq flash arty_a7_100 my.bit",
};

struct flash_command {
    const char *words[2]; /* board, file */
    bool permanent, help;
    struct cmd_output mode;
};

static enum status parse(int argc, char **argv, struct flash_command *command, struct error *err)
{
    const struct arg_option options[] = {
        {"--permanent", NULL, ARG_FLAG, &command->permanent,
         "into the board's flash, for every power-up"},
        {"--json", NULL, ARG_FLAG, &command->mode.json, "print JSON"},
        {"-q,--quiet", NULL, ARG_FLAG, &command->mode.quiet, "not what openFPGALoader says"},
    };
    return args_parse(argc, argv, &COMMAND, options, sizeof options / sizeof *options,
                      command->words, 2, &command->help, err);
}

static enum status unknown_board(const char *name, struct error *err)
{
    size_t count, used = 0;
    char known[256] = "";
    const struct board *boards = boards_all(&count);
    for (size_t i = 0; i < count && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 boards[i].name);
    return error_set(err, STATUS_USAGE, "%s: no such board; there are %s", name, known);
}

static void print_line(void *context, const char *line)
{
    const struct flash_command *command = context;
    if (!command->mode.quiet)
        fprintf(stderr, "%s\n", line);
}

static enum status print_done(const struct flash_command *command, const char *file,
                              struct error *err)
{
    if (!command->mode.json) {
        printf("%s: loaded %s%s\n", command->words[0], file,
               command->permanent ? " into its flash" : "; it is gone when power goes");
        return STATUS_OK;
    }
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "board", command->words[0]);
    cJSON_AddStringToObject(object, "file", file);
    cJSON_AddBoolToObject(object, "permanent", command->permanent);
    return cmd_print_json(object, false, err);
}

static enum status run(struct flash_command *command, struct error *err)
{
    const struct board *board = boards_find(command->words[0]);
    char built[PATHS_MAX];
    enum status status = STATUS_OK;
    if (!board)
        return unknown_board(command->words[0], err);
    if (!command->words[1])
        status = paths_bitstream(board->name, built, err);
    if (status)
        return status;
    const struct flash_options options = {
        .file = command->words[1] ? command->words[1] : built,
        .permanent = command->permanent,
        .on_line = print_line,
        .context = command,
    };
    status = flash_board(board, &options, err);
    return status ? status : print_done(command, options.file, err);
}

int cmd_flash(int argc, char **argv)
{
    struct flash_command command = {.words = {NULL, NULL}};
    struct error err = {""};
    enum status status = parse(argc, argv, &command, &err);
    if (status == STATUS_OK && !command.help) {
        interrupt_install();
        status = run(&command, &err);
    }
    return cmd_finish("flash", status, &err);
}
