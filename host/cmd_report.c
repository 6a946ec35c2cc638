// SPDX-License-Identifier: Apache-2.0
/* mpq report: table, pictures and page of a search, made anew from results.json. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const struct arg_command COMMAND = {
    .name = "report",
    .positional = "RUN",
    .summary =
        "Prints a search's Pareto front and makes its pictures and its page from results.json.",
    .details = "Writes pareto.csv, pareto.png, pareto.svg and report.html into the folder RUN.",
    .examples = "mpq report build/runs/lenet5_mnist",
};

static enum status report_run(const char *folder, struct error *err)
{
    char path[4096], *text = NULL;
    struct results *results = NULL;
    snprintf(path, sizeof path, "%s/results.json", folder);
    enum status status = results_load(path, &results, err);
    if (status == STATUS_OK) {
        status = report_table(results, &text, err);
    }
    if (status == STATUS_OK) {
        fputs(text, stdout);
        status = report_write(results, folder, err);
    }
    if (status == STATUS_OK) {
        printf("\nwritten: %s/pareto.csv, pareto.png, pareto.svg, report.html\n", folder);
    }
    free(text);
    results_free(results);
    return status;
}

int cmd_report(int argc, char **argv)
{
    const char *folder = NULL;
    struct error err = {""};
    bool help = false;
    enum status status = args_parse(argc, argv, &COMMAND, NULL, 0, &folder, 1, &help, &err);
    if (help) {
        return 0;
    }
    if (status == STATUS_OK) {
        status = report_run(folder, &err);
    }
    return cmd_finish("report", status, &err);
}
