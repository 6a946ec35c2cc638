// SPDX-License-Identifier: Apache-2.0
/* Whole files, read and written at once. Knows no format. */
#ifndef MPQ_FILE_H
#define MPQ_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* Reads a regular file of at most max_bytes; the caller frees *out, which is NULL after a failure. */
MUST_CHECK enum status file_read(const char *path, size_t max_bytes, uint8_t **out, size_t *size,
                                 struct error *err);

/* Writes a temporary file beside path, then renames it: an old file survives any failure, and a
 * reader sees the old or the new one, never a part. */
MUST_CHECK enum status file_replace(const char *path, const void *bytes, size_t size,
                                    struct error *err);

/* file_replace() with what a stream of open_memstream(text, size) holds. Closes the stream and frees
 * its text. */
MUST_CHECK enum status file_replace_stream(const char *path, FILE *stream, char **text,
                                           size_t *size, struct error *err);

#endif
