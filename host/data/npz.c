// SPDX-License-Identifier: Apache-2.0
#include "data/npz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "bytes.h"
#include "data/dataset_raw.h"

enum {
    END_BYTES = 22,
    COMMENT_MAX = 65535,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    FLAG_ENCRYPTED = 1,
    RATIO_MAX = 1032, /* of deflate */
    LIST_BYTES = 200,
};
static const uint32_t END_MAGIC = 0x06054b50, ENTRY_MAGIC = 0x02014b50, LOCAL_MAGIC = 0x04034b50;
static const uint32_t ZIP64 = 0xffffffff;

struct zip {
    const char *path;
    uint8_t *bytes;
    size_t size;
    size_t entries, entry_count; /* the directory: where it begins */
};

struct entry {
    size_t at; /* of the entry, then of the packed bytes */
    uint32_t crc, packed, size;
    unsigned method;
};

static enum status damaged(const struct zip *zip, size_t at, const char *what, struct error *err)
{
    return error_set(err, STATUS_INPUT, "%s: byte %zu: %s; the archive is damaged, make it again",
                     zip->path, at, what);
}

/* The record at the end, behind which only a comment may stand. */
static enum status find_directory(struct zip *zip, struct error *err)
{
    const size_t reach = END_BYTES + COMMENT_MAX;
    const size_t stop = zip->size > reach ? zip->size - reach : 0;
    if (zip->size < END_BYTES)
        return damaged(zip, zip->size, "too short for a ZIP archive", err);
    size_t at = zip->size - END_BYTES;
    while (at > stop && get_u32(zip->bytes + at) != END_MAGIC)
        at--;
    if (get_u32(zip->bytes + at) != END_MAGIC)
        return damaged(zip, zip->size, "no ZIP directory at the end", err);
    const uint8_t *end = zip->bytes + at;
    zip->entry_count = get_u16(end + 10);
    zip->entries = get_u32(end + 16);
    if (zip->entries == ZIP64 || zip->entry_count == 0xffff)
        return error_set(err, STATUS_INPUT,
                         "%s: a ZIP64 archive; want one below 4 GiB, or .npy files", zip->path);
    if (zip->entries > at || get_u32(end + 12) > at - zip->entries)
        return damaged(zip, at, "the ZIP directory lies outside the file", err);
    return STATUS_OK;
}

/* Checks the entry at `at`; its whole length goes to *length. */
static enum status check_entry(const struct zip *zip, size_t at, size_t *length, struct error *err)
{
    if (zip->size - at < ENTRY_BYTES || get_u32(zip->bytes + at) != ENTRY_MAGIC)
        return damaged(zip, at, "no entry of the ZIP directory", err);
    const uint8_t *entry = zip->bytes + at;
    *length = (size_t)ENTRY_BYTES + get_u16(entry + 28) + get_u16(entry + 30) + get_u16(entry + 32);
    if (*length > zip->size - at)
        return damaged(zip, at, "the entry of the ZIP directory is cut short", err);
    return STATUS_OK;
}

/* Finds array's entry; list collects the names of the others. */
static enum status find_entry(const struct zip *zip, const char *array, struct entry *out,
                              struct error *err)
{
    char list[LIST_BYTES] = "";
    size_t at = zip->entries, length = 0;
    for (size_t i = 0; i < zip->entry_count; i++, at += length) {
        const enum status status = check_entry(zip, at, &length, err);
        if (status != STATUS_OK)
            return status;
        const uint8_t *entry = zip->bytes + at;
        const char *name = (const char *)entry + ENTRY_BYTES;
        size_t name_bytes = get_u16(entry + 28);
        name_bytes -= name_bytes > 4 && !memcmp(name + name_bytes - 4, ".npy", 4) ? 4 : 0;
        if (name_bytes == strlen(array) && !memcmp(name, array, name_bytes)) {
            *out = (struct entry){at, get_u32(entry + 16), get_u32(entry + 20), get_u32(entry + 24),
                                  get_u16(entry + 10)};
            if (get_u16(entry + 8) & FLAG_ENCRYPTED)
                return damaged(zip, at, "the array is encrypted", err);
            return STATUS_OK;
        }
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.*s", used ? ", " : "", (int)name_bytes,
                 name);
    }
    return error_set(err, STATUS_INPUT, "%s: no array \"%s\"; there are: %s", zip->path, array,
                     list);
}

/* Moves entry->at to the packed bytes. */
static enum status find_bytes(const struct zip *zip, struct entry *entry, struct error *err)
{
    const size_t at = get_u32(zip->bytes + entry->at + 42);
    if (entry->packed == ZIP64 || entry->size == ZIP64)
        return damaged(zip, entry->at, "an array above 4 GiB", err);
    if (at > zip->size || zip->size - at < LOCAL_BYTES || get_u32(zip->bytes + at) != LOCAL_MAGIC)
        return damaged(zip, at, "no local header of an array", err);
    const size_t head =
        (size_t)LOCAL_BYTES + get_u16(zip->bytes + at + 26) + get_u16(zip->bytes + at + 28);
    if (head > zip->size - at || entry->packed > zip->size - at - head)
        return damaged(zip, at, "the array's bytes lie outside the file", err);
    entry->at = at + head;
    return STATUS_OK;
}

static bool inflate_bytes(const uint8_t *packed, size_t packed_size, uint8_t *out, size_t size)
{
    z_stream stream = {.next_in = (uint8_t *)packed,
                       .avail_in = (uInt)packed_size,
                       .next_out = out,
                       .avail_out = (uInt)size};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return false;
    const int result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return result == Z_STREAM_END && !stream.avail_out;
}

static enum status unpack(const struct zip *zip, const struct entry *entry, uint8_t **out,
                          struct error *err)
{
    const uint8_t *packed = zip->bytes + entry->at;
    const size_t size = entry->size;
    if (entry->method != METHOD_STORED && entry->method != METHOD_DEFLATED)
        return error_set(err, STATUS_INPUT,
                         "%s: byte %zu: compression method %u; want stored or deflated", zip->path,
                         entry->at, entry->method);
    if (entry->method == METHOD_STORED ? entry->packed != size
                                       : size / RATIO_MAX > (size_t)entry->packed + 1)
        return damaged(zip, entry->at, "the array's sizes contradict each other", err);
    uint8_t *bytes = malloc(size + 1);
    if (!bytes)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to unpack it", zip->path);
    bool good = true;
    if (entry->method == METHOD_STORED)
        memcpy(bytes, packed, size);
    else
        good = inflate_bytes(packed, entry->packed, bytes, size);
    good = good && (uint32_t)crc32_z(0, bytes, size) == entry->crc;
    if (!good) {
        free(bytes);
        return damaged(zip, entry->at, "the array's checksum is wrong", err);
    }
    *out = bytes;
    return STATUS_OK;
}

enum status npz_read(const char *path, const char *array, uint8_t **out, size_t *size,
                     struct error *err)
{
    struct zip zip = {.path = path};
    struct entry entry = {.at = 0};
    *out = NULL;
    enum status status = file_read(path, DATA_FILE_MAX - 1, &zip.bytes, &zip.size, err);
    if (status == STATUS_OK)
        status = find_directory(&zip, err);
    if (status == STATUS_OK)
        status = find_entry(&zip, array, &entry, err);
    if (status == STATUS_OK)
        status = find_bytes(&zip, &entry, err);
    if (status == STATUS_OK)
        status = unpack(&zip, &entry, out, err);
    *size = entry.size;
    free(zip.bytes);
    return status;
}
