// SPDX-License-Identifier: Apache-2.0
/* mpq report: table, pictures and page of a search, made anew from results.json. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

static const struct arg_command COMMAND = {
    .name = "report",
    .positional = "RUN",
    .summary =
        "Prints a search's Pareto front and makes its pictures and its page from results.json.",
    .details = "Writes pareto.csv, pareto.png, pareto.svg and report.html into the folder RUN.\n"
               "With --summary it writes no file and prints the search as one row of a Markdown\n"
               "table, with the selected candidate; for tables of several networks.",
    .examples = "mpq report build/runs/lenet5_mnist\n"
                "mpq report build/runs/lenet5_mnist --summary --head",
};

struct settings {
    bool summary, head;
};

static enum status print_summary(const struct results *results, bool head, struct error *err)
{
    char *text = NULL;
    const enum status status = report_summary(results, &text, err);
    if (status == STATUS_OK) {
        printf("%s%s", head ? REPORT_SUMMARY_HEAD : "", text);
    }
    free(text);
    return status;
}

static enum status print_report(const struct results *results, const char *folder,
                                struct error *err)
{
    char *text = NULL;
    enum status status = report_table(results, &text, err);
    if (status == STATUS_OK) {
        fputs(text, stdout);
        status = report_write(results, folder, err);
    }
    if (status == STATUS_OK) {
        printf("\nwritten: %s/pareto.csv, pareto.png, pareto.svg, report.html\n", folder);
    }
    free(text);
    return status;
}

static enum status report_run(const char *folder, const struct settings *set, struct error *err)
{
    char path[4096];
    struct results *results = NULL;
    snprintf(path, sizeof path, "%s/results.json", folder);
    enum status status = results_load(path, &results, err);
    if (status == STATUS_OK) {
        status = set->summary ? print_summary(results, set->head, err)
                              : print_report(results, folder, err);
    }
    results_free(results);
    return status;
}

int cmd_report(int argc, char **argv)
{
    struct settings set = {0};
    const struct arg_option options[] = {
        {"--summary", NULL, ARG_FLAG, &set.summary, "one row of a Markdown table"},
        {"--head", NULL, ARG_FLAG, &set.head, "with --summary: the table's head before it"},
    };
    const char *folder = NULL;
    struct error err = {""};
    bool help = false;
    enum status status = args_parse(argc, argv, &COMMAND, options, sizeof options / sizeof *options,
                                    &folder, 1, &help, &err);
    if (status == STATUS_OK && !help && set.head && !set.summary) {
        status = error_set(&err, STATUS_USAGE, "--head: only with --summary");
    }
    if (help) {
        return 0;
    }
    if (status == STATUS_OK) {
        status = report_run(folder, &set, &err);
    }
    return cmd_finish("report", status, &err);
}
