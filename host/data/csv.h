// SPDX-License-Identifier: Apache-2.0
/* Records of comma-separated values in memory (RFC 4180: quotes, doubled quotes and line breaks in
 * them). Blanks round unquoted fields do not count; empty lines are skipped; a byte order mark too.
 */
#ifndef MPQ_CSV_H
#define MPQ_CSV_H

#include <stddef.h>
#include "base/error.h"

struct csv {
    const char *path; /* for messages */
    char *at, *end;   /* text still to read; *end is writable and becomes NUL */
    size_t row;       /* of the last record; the header is row 1 */
    size_t count;     /* fields of the last record */
    char **fields;    /* [count] NUL-terminated, in the text itself; owned */
    size_t capacity;
};

/* text: size bytes and one more that may be written; changed while it is read, borrowed. */
void csv_start(struct csv *csv, const char *path, char *text, size_t size);

/* Reads the next record; count is 0 at the end. */
MUST_CHECK enum status csv_next(struct csv *csv, struct error *err);
void csv_free(struct csv *csv);

#endif
