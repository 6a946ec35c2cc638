// SPDX-License-Identifier: Apache-2.0
/* The journal of a search: an append-only file of JSON lines, each with its own checksum, so that a
 * process that is killed at any byte loses at most the line it was writing. Knows nothing of what
 * the records mean.
 *
 * Line:    {"crc":"0123abcd","record":RECORD}\n    the CRC-32 covers the bytes of RECORD
 * The first line's record is the header, which says what the others belong to.
 *
 * Threads: journal_append() may be called from several; the other functions by one at a time. */
#ifndef MPQ_JOURNAL_H
#define MPQ_JOURNAL_H

#include <stddef.h>
#include "base/error.h"

struct journal;

enum { JOURNAL_SYNC_RECORDS = 16 }; /* records between two fsync() */

/* Starts a journal with this header (JSON text without newlines); an old file of that name is
 * replaced. */
MUST_CHECK enum status journal_create(const char *path, const char *header, struct journal **out,
                                      struct error *err);

/* Renames a journal that no search is writing: else it fails and stays. */
MUST_CHECK enum status journal_move(const char *path, const char *to, struct error *err);

/* Opens for reading back and appending. An unreadable tail (the line being written when the writer
 * was killed) is cut off the file; a damaged line with good ones behind it is an error, since
 * something other than a kill was at work. A file without a readable header gives STATUS_OK and
 * *out NULL: there is nothing to go on with. */
MUST_CHECK enum status journal_open(const char *path, struct journal **out, struct error *err);

const char *journal_header(const struct journal *journal);
size_t journal_count(const struct journal *journal); /* records read at journal_open() */
const char *journal_record(const struct journal *journal, size_t index); /* borrowed, JSON text */

/* Appends a record (JSON text without newlines). It survives the end of this process at once, a
 * power failure after the next sync: every JOURNAL_SYNC_RECORDS records, and at journal_close(). */
MUST_CHECK enum status journal_append(struct journal *journal, const char *record,
                                      struct error *err);
/* Syncs, closes and frees; accepts NULL. */
void journal_close(struct journal *journal);

#endif
