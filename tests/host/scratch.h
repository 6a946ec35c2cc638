// SPDX-License-Identifier: Apache-2.0
/* What the tests of host modules share: a folder of their own that is the working folder while they
 * run, small files, and checks of a status with its text. Include it first: it brings cmocka. */
#ifndef MPQ_TEST_SCRATCH_H
#define MPQ_TEST_SCRATCH_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

enum { SCRATCH_PATH_BYTES = 4096 };

/* The folders of the running program: where it was started, and its scratch folder. */
struct scratch {
    char start[SCRATCH_PATH_BYTES], folder[SCRATCH_PATH_BYTES];
};

enum { SCRATCH_SOURCE_BYTES = 2 * SCRATCH_PATH_BYTES + 256 };

static inline struct scratch *scratch_state(void)
{
    static struct scratch state;
    return &state;
}

/* Group set-up: makes the folder and goes there. */
static inline int scratch_enter(void **state)
{
    struct scratch *scratch = scratch_state();
    const char *parent = getenv("TMPDIR");
    (void)state;
    snprintf(scratch->folder, sizeof scratch->folder, "%s/mpq_test_XXXXXX",
             parent && *parent ? parent : P_tmpdir);
    if (!getcwd(scratch->start, sizeof scratch->start) || !mkdtemp(scratch->folder))
        return -1;
    return chdir(scratch->folder);
}

static inline int scratch_remove_one(const char *path, const struct stat *info, int kind,
                                     struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* Group tear-down: goes back and removes the folder. */
static inline int scratch_leave(void **state)
{
    struct scratch *scratch = scratch_state();
    (void)state;
    if (chdir(scratch->start))
        return -1;
    return nftw(scratch->folder, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Path of a file of the source tree: the tests are started in its root. */
static inline void scratch_source(const char *name, char path[SCRATCH_SOURCE_BYTES])
{
    snprintf(path, SCRATCH_SOURCE_BYTES, "%s/%.250s", scratch_state()->start, name);
}

static inline void scratch_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The whole file, with a NUL behind it; free() it. size may be NULL. */
static inline char *scratch_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be read", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const size_t length = (size_t)ftell(file);
    char *bytes = malloc(length + 1);
    rewind(file);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, length, file), length);
    bytes[length] = '\0';
    fclose(file);
    if (size)
        *size = length;
    return bytes;
}

/* The text with its first `from` replaced by `to`; free() it. */
static inline char *scratch_edit(const char *text, const char *from, const char *to)
{
    const size_t size = strlen(text) + strlen(to) + 1;
    size_t at = 0;
    while (text[at] && strncmp(text + at, from, strlen(from)) != 0)
        at++;
    if (!text[at])
        fail_msg("%s is not in the text to edit", from);
    char *out = malloc(size);
    assert_non_null(out);
    snprintf(out, size, "%.*s%s%s", (int)at, text, to, text + at + strlen(from));
    return out;
}

static inline void check_ok(enum status status, const struct error *err)
{
    if (status != STATUS_OK)
        fail_msg("got status %d: %s; want success", status, err->text);
}

/* The call failed as wanted, with exactly this text. */
static inline void check_failed(enum status got, enum status want, const struct error *err,
                                const char *text)
{
    if (got == STATUS_OK)
        fail_msg("got success; want status %d: %s", want, text);
    assert_string_equal(err->text, text);
    assert_int_equal(got, want);
}

/* The text has this part somewhere. */
static inline void check_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("got:\n%s\nwant in it:\n%s", text, part);
}

#endif
