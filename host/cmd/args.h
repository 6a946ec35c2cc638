// SPDX-License-Identifier: Apache-2.0
/* Command lines: one table an option set, from which --help is made. */
#ifndef MPQ_ARGS_H
#define MPQ_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum arg_kind { ARG_FLAG, ARG_STRING, ARG_SIZE, ARG_DOUBLE, ARG_LIST };

/* Of ARG_LIST, an option that may be given several times. */
struct arg_list {
    const char *items[16];
    size_t count;
};

struct arg_option {
    const char *name;  /* "--jobs", or with a short form "-o,--output"; also --jobs=N and -oFILE */
    const char *value; /* "N"; NULL for ARG_FLAG */
    enum arg_kind kind;
    void *out;        /* bool *, const char **, size_t *, double *, struct arg_list * */
    const char *help; /* one line, default included */
};

struct arg_command {
    const char *name; /* "train" */
    /* "MODEL.json" in usage; each word one positional argument, optional if it begins with '[' */
    const char *positional;
    const char *summary;  /* one line */
    const char *details;  /* paragraphs, may be NULL */
    const char *examples; /* lines */
};

/* Parses argv[1..]; fills options and up to positional_max positionals (their exact number is
 * demanded).
 * --help: prints help to stdout and sets *help. STATUS_USAGE names the argument and what was
 * wanted. */
MUST_CHECK enum status args_parse(int argc, char **argv, const struct arg_command *command,
                                  const struct arg_option *options, size_t option_count,
                                  const char **positionals, size_t positional_count, bool *help,
                                  struct error *err);

/* The candidate that word is most likely a misspelling of; NULL if none is near. */
const char *args_nearest(const char *word, const char *const *candidates, size_t count);

#endif
