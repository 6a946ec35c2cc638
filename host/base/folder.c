// SPDX-License-Identifier: Apache-2.0
#include "base/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/embedded.h"
#include "base/file.h"

enum { FILE_BYTES_MAX = 1 << 30 };

enum status folder_path(const char *folder, const char *name, char out[FOLDER_PATH_BYTES],
                        struct error *err)
{
    if (snprintf(out, FOLDER_PATH_BYTES, "%s/%s", folder, name) < FOLDER_PATH_BYTES)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "%.64s...: path is too long; choose another", folder);
}

static enum status make(const char *folder, struct error *err)
{
    if (!mkdir(folder, 0777) || errno == EEXIST)
        return STATUS_OK;
    return error_set(err, STATUS_IO, "%s: cannot be made: %s; choose another place", folder,
                     strerror(errno));
}

/* The folders in front of the path's last part, from position first on. */
static enum status make_parents(char *path, size_t first, struct error *err)
{
    enum status status = STATUS_OK;
    for (char *slash = strchr(path + first, '/'); slash && status == STATUS_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (*path)
            status = make(path, err);
        *slash = '/';
    }
    return status;
}

enum status folder_begin(const char *folder, bool overwrite, struct error *err)
{
    char path[FOLDER_PATH_BYTES];
    enum status status = folder_path(folder, "", path, err); /* with a slash behind it */
    if (status == STATUS_OK)
        status = make_parents(path, 0, err);
    if (status != STATUS_OK)
        return status;
    DIR *dir = opendir(folder);
    if (!dir)
        return error_set(err, STATUS_IO, "%s: cannot be opened: %s", folder, strerror(errno));
    int entries = 0;
    while (readdir(dir))
        entries++;
    closedir(dir);
    if (entries > 2 && !overwrite) /* "." and ".." */
        return error_set(err, STATUS_USAGE, "%s: there are files in it; choose another folder",
                         folder);
    return STATUS_OK;
}

static bool has_bytes(const char *path, const void *bytes, size_t size)
{
    struct error ignored;
    uint8_t *old = NULL;
    size_t old_size = 0;
    if (file_read(path, FILE_BYTES_MAX, &old, &old_size, &ignored) != STATUS_OK)
        return false;
    const bool same = old_size == size && !memcmp(old, bytes, size);
    free(old);
    return same;
}

enum status folder_write(const char *folder, const char *name, const void *bytes, size_t size,
                         struct error *err)
{
    char path[FOLDER_PATH_BYTES];
    enum status status = folder_path(folder, name, path, err);
    if (status == STATUS_OK)
        status = make_parents(path, strlen(folder) + 1, err);
    if (status != STATUS_OK || has_bytes(path, bytes, size))
        return status;
    return file_replace(path, bytes, size, err);
}

static const struct folder_word *word_at(const char *text, const struct folder_word *words,
                                         size_t count)
{
    for (size_t i = 0; *text == '@' && i < count; i++)
        if (!strncmp(text, words[i].name, strlen(words[i].name)))
            return &words[i];
    return NULL;
}

static void expand(FILE *to, const char *text, const struct folder_word *words, size_t count)
{
    while (*text) {
        const struct folder_word *word = word_at(text, words, count);
        if (word)
            fputs(word->value, to);
        else
            fputc(*text, to);
        text += word ? strlen(word->name) : 1;
    }
}

static enum status write_expanded(const char *folder, const char *name, const char *text,
                                  const struct folder_word *words, size_t count, struct error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&bytes, &size);
    if (!to)
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
    expand(to, text, words, count);
    const bool good = !fclose(to);
    const enum status status = good ? folder_write(folder, name, bytes, size, err)
                                    : error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
    free(bytes);
    return status;
}

enum status folder_write_embedded(const char *folder, const char *prefix,
                                  const struct folder_word *words, size_t count, struct error *err)
{
    const size_t length = strlen(prefix);
    enum status status = STATUS_OK;
    for (const struct embedded_file *file = embedded_files; file->path && status == STATUS_OK;
         file++)
        if (!strncmp(file->path, prefix, length))
            status = write_expanded(folder, file->path + length, file->text, words, count, err);
    return status;
}

void folder_safe_name(const char *name, char *out, size_t size)
{
    size_t used = 0;
    for (; *name && used + 1 < size; name++)
        out[used++] = isalnum((unsigned char)*name) && (unsigned char)*name < 128 ? *name : '_';
    out[used] = '\0';
}
