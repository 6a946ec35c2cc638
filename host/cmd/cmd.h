// SPDX-License-Identifier: Apache-2.0
/* The commands of the tool. argv[0] is the command's name; each returns the process' exit code
 * (error.h). */
#ifndef MPQ_CMD_H
#define MPQ_CMD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include "base/error.h"
#include "base/progress.h"
#include "cmd/args.h"
#include "team/team.h"

int cmd_train(int argc, char **argv);
int cmd_quantize(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_dse(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_boards(int argc, char **argv);
int cmd_ports(int argc, char **argv);
int cmd_flash(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_codegen(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_init(int argc, char **argv);

/* Last words of a command: prints "mpq COMMAND: text" on stderr unless status is STATUS_OK, adds
 * how to get help after STATUS_USAGE, and returns the exit code. */
int cmd_finish(const char *command, enum status status, const struct error *err);

/* For commands that several processes share. How one of them shows progress: only the first does. */
enum progress_mode cmd_team_progress(const struct team *team, enum progress_mode mode);
/* cmd_finish() in the first process, whose exit code is the job's, and team_close(). */
int cmd_team_finish(const char *command, struct team *team, enum status status,
                    const struct error *err);

/* --json and --quiet. */
struct cmd_output {
    bool json, quiet;
};

enum progress_mode cmd_progress_mode(const struct cmd_output *output);

/* A train_epoch_fn; context: the struct cmd_output. A line of text, or an event object with --json,
 * nothing with --quiet. */
void cmd_print_epoch(void *context, int epoch, double loss, double accuracy, double seconds);

/* "name":value and end on stdout; JSON has no NaN: what is not known is null. */
void cmd_print_json_number(const char *name, double value, const char *end);

/* Prints an object on stdout, on one line or on many, and frees it. NULL, or a print that fails:
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status cmd_print_json(cJSON *object, bool one_line, struct error *err);

#endif
