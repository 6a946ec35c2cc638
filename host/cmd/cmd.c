// SPDX-License-Identifier: Apache-2.0
/* What all commands share: how they print and how they end. */
#include "cmd/cmd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int cmd_finish(const char *command, enum status status, const struct error *err)
{
    if (status != STATUS_OK) {
        fflush(stdout);
        fprintf(stderr, "mpq %s: %s\n", command, err->text);
    }
    if (status == STATUS_USAGE)
        fprintf(stderr, "See: mpq %s --help\n", command);
    return status_exit_code(status);
}

enum progress_mode cmd_team_progress(const struct team *team, enum progress_mode mode)
{
    return team_rank(team) == 0 ? mode : PROGRESS_QUIET;
}

int cmd_team_finish(const char *command, struct team *team, enum status status,
                    const struct error *err)
{
    const int code = team_rank(team) == 0 ? cmd_finish(command, status, err) : 0;
    team_close(team);
    return code;
}

enum progress_mode cmd_progress_mode(const struct cmd_output *output)
{
    if (output->quiet)
        return PROGRESS_QUIET;
    return output->json ? PROGRESS_JSON : PROGRESS_AUTO;
}

void cmd_print_json_number(const char *name, double value, const char *end)
{
    if (isfinite(value))
        printf("\"%s\":%.4f%s", name, value, end);
    else
        printf("\"%s\":null%s", name, end);
}

void cmd_print_epoch(void *context, int epoch, double loss, double accuracy, double seconds)
{
    const struct cmd_output *output = context;
    if (output->json) {
        printf("{\"event\":\"epoch\",\"epoch\":%d,", epoch);
        cmd_print_json_number("loss", loss, ",");
        cmd_print_json_number("validation_accuracy", accuracy, ",");
        cmd_print_json_number("seconds", seconds, "}\n");
    } else if (!output->quiet) {
        printf("epoch %3d  loss %.4f  validation %6.2f %%  %.1f s\n", epoch, loss, accuracy,
               seconds);
    }
    fflush(stdout);
}

enum status cmd_print_json(cJSON *object, bool one_line, struct error *err)
{
    char *text = one_line ? cJSON_PrintUnformatted(object) : cJSON_Print(object);
    cJSON_Delete(object);
    if (!text)
        return error_set(err, STATUS_NO_MEMORY, "--json: out of memory");
    puts(text);
    free(text);
    return STATUS_OK;
}
