// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status read_open(const char *path, FILE *file, size_t max_bytes, uint8_t **out,
                             size_t *size, struct error *err)
{
    struct stat info;
    if (fstat(fileno(file), &info))
        return error_set(err, STATUS_IO, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_set(err, STATUS_INPUT, "%s: not a regular file", path);
    if ((uintmax_t)info.st_size > max_bytes)
        return error_set(err, STATUS_INPUT, "%s: %jd bytes, at most %zu are possible", path,
                         (intmax_t)info.st_size, max_bytes);
    *size = (size_t)info.st_size;
    *out = malloc(*size + 1);
    if (!*out)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", path);
    if (fread(*out, 1, *size, file) != *size)
        return error_set(err, STATUS_IO, "%s: cannot be read: %s", path,
                         ferror(file) ? strerror(errno) : "it became shorter meanwhile");
    return STATUS_OK;
}

enum status file_read(const char *path, size_t max_bytes, uint8_t **out, size_t *size,
                      struct error *err)
{
    *out = NULL;
    FILE *file = fopen(path, "rb");
    if (!file)
        return error_set(err, STATUS_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    const enum status status = read_open(path, file, max_bytes, out, size, err);
    fclose(file);
    if (status != STATUS_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

static bool write_all(FILE *file, const void *bytes, size_t size)
{
    return fwrite(bytes, 1, size, file) == size && !fflush(file) && !fsync(fileno(file));
}

enum status file_replace(const char *path, const void *bytes, size_t size, struct error *err)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid()) >=
        (int)sizeof temporary)
        return error_set(err, STATUS_INPUT, "%.64s...: path is too long; choose another", path);
    FILE *file = fopen(temporary, "wb");
    if (!file)
        return error_set(err, STATUS_IO, "%s: cannot be written: %s; choose another place", path,
                         strerror(errno));
    bool good = write_all(file, bytes, size);
    int cause = errno;
    if (fclose(file) && good) {
        good = false;
        cause = errno;
    }
    if (good && rename(temporary, path)) {
        good = false;
        cause = errno;
    }
    if (good)
        return STATUS_OK;
    unlink(temporary);
    return error_set(err, STATUS_IO, "%s: cannot be written: %s", path, strerror(cause));
}

enum status file_replace_stream(const char *path, FILE *stream, char **text, size_t *size,
                                struct error *err)
{
    const enum status status = fclose(stream) != 0
                                   ? error_set(err, STATUS_NO_MEMORY, "%s: out of memory", path)
                                   : file_replace(path, *text, *size, err);
    free(*text);
    *text = NULL;
    return status;
}
