// SPDX-License-Identifier: Apache-2.0
/* Folders that the tool writes: made new, files put in by name. */
#ifndef MPQ_FOLDER_H
#define MPQ_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum { FOLDER_PATH_BYTES = 4096 };

/* "folder/name" to out. */
MUST_CHECK enum status folder_path(const char *folder, const char *name,
                                   char out[FOLDER_PATH_BYTES], struct error *err);

/* Makes the folder if it does not exist. One that has files is STATUS_USAGE, unless overwrite. */
MUST_CHECK enum status folder_begin(const char *folder, bool overwrite, struct error *err);

/* Writes a file, name relative to the folder, and makes the folders between. A file that has these
 * bytes already stays untouched, its time too. */
MUST_CHECK enum status folder_write(const char *folder, const char *name, const void *bytes,
                                    size_t size, struct error *err);

/* A text in which @NAME@ stands for a value. */
struct folder_word {
    const char *name, *value; /* "@NAME@" */
};

/* All embedded files whose path begins with prefix ("init/"), below the folder under the rest of
 * their path, with count words replaced. */
MUST_CHECK enum status folder_write_embedded(const char *folder, const char *prefix,
                                             const struct folder_word *words, size_t count,
                                             struct error *err);

/* A name for files and for C: letters, digits and underscores of name, others become underscores. */
void folder_safe_name(const char *name, char *out, size_t size);

#endif
