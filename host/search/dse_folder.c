// SPDX-License-Identifier: Apache-2.0
/* Files are renamed one by one: a process that is killed in between leaves each in one of the two
 * places, and a folder without a journal, which no --resume takes for a search. */
#include "search/dse_folder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "search/journal.h"

enum { PATH_BYTES = 4096, PREVIOUS_MAX = 100000 };

static const char *const NAMES[] = {"journal.jsonl", "results.json", "pareto.csv", "pareto.png",
                                    "pareto.svg",    "report.html",  "quant",      "candidates"};
enum { NAME_COUNT = sizeof NAMES / sizeof *NAMES };

static enum status join(const char *folder, const char *name, char path[PATH_BYTES],
                        struct error *err)
{
    return snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES
               ? STATUS_OK
               : error_set(err, STATUS_USAGE, "%.64s...: path too long", folder);
}

/* The first of previous-1, previous-2 ... that does not exist yet. */
static enum status make_previous(const char *folder, char path[PATH_BYTES], struct error *err)
{
    char name[32];
    for (int i = 1; i <= PREVIOUS_MAX; i++) {
        snprintf(name, sizeof name, "previous-%d", i);
        const enum status status = join(folder, name, path, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (mkdir(path, 0777) == 0) {
            return STATUS_OK;
        }
        if (errno != EEXIST) {
            return error_set(err, STATUS_IO, "%s: cannot make the folder: %s", path,
                             strerror(errno));
        }
    }
    return error_set(err, STATUS_IO, "%s: too many folders previous-N; remove some", folder);
}

static enum status move(const char *folder, const char *name, const char *previous,
                        struct error *err)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    enum status status = join(folder, name, from, err);
    if (status == STATUS_OK) {
        status = join(previous, name, to, err);
    }
    if (status != STATUS_OK || access(from, F_OK) != 0) {
        return status;
    }
    if (name == NAMES[0]) {
        return journal_move(from, to, err);
    }
    return rename(from, to) == 0 ? STATUS_OK
                                 : error_set(err, STATUS_IO, "%s: cannot be moved to %s: %s", from,
                                             previous, strerror(errno));
}

static enum status is_empty(const char *folder, bool *empty, struct error *err)
{
    char path[PATH_BYTES];
    *empty = true;
    for (int i = 0; i < NAME_COUNT; i++) {
        const enum status status = join(folder, NAMES[i], path, err);
        if (status != STATUS_OK) {
            return status;
        }
        *empty = *empty && access(path, F_OK) != 0;
    }
    return STATUS_OK;
}

enum status dse_folder_set_aside(const char *folder, struct error *err)
{
    char previous[PATH_BYTES];
    bool empty;
    enum status status = is_empty(folder, &empty, err);
    if (status != STATUS_OK || empty) {
        return status;
    }
    status = make_previous(folder, previous, err);
    for (int i = 0; i < NAME_COUNT && status == STATUS_OK; i++) {
        status = move(folder, NAMES[i], previous, err);
    }
    if (status != STATUS_OK) {
        (void)rmdir(previous); /* only if nothing was moved */
    }
    return status;
}
