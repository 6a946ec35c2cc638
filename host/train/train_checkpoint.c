// SPDX-License-Identifier: Apache-2.0
/* Checkpoint, little-endian: header below | JSON text of train_binding.h | the memory that was added, as
 * it was | CRC-32 of everything before it. */
#include "train/train_checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "bytes.h"
#include "crc32.h"

enum { CHECKPOINT_MAGIC = 0x4351504d, CHECKPOINT_VERSION = 1 }; /* "MPQC" */
enum {
    CH_MAGIC = 0,
    CH_VERSION = 4,
    CH_BINDING_BYTES = 8,
    CH_LAYOUT = 12, /* CRC-32 of names and sizes of what was added */
    CH_STATE_BYTES = 16,
    CH_BYTES = 24,
    CRC_BYTES = 4,
};
enum { WRITE_SHARE = 50 }; /* writing takes a time of so many, at most */
static const size_t MAX_FILE_BYTES = (size_t)1 << 40;

struct span {
    const char *name;
    void *bytes;
    size_t size;
};

struct train_checkpoint {
    struct train_binding binding;
    char *binding_text; /* made when it is first needed */
    const char *path;
    double interval_s, due_s;
    bool resume, incomplete, has_warned; /* incomplete: something could not be added */
    struct span *spans;
    size_t span_count, span_room;
};

static enum status no_memory(const struct train_checkpoint *checkpoint, struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory for a checkpoint",
                     checkpoint->path);
}

enum status train_checkpoint_create(const struct train_binding *binding, const char *path,
                                    double interval_s, bool resume, struct train_checkpoint **out,
                                    struct error *err)
{
    struct train_checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    *out = checkpoint;
    if (!checkpoint)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory for a checkpoint", path);
    checkpoint->binding = *binding;
    checkpoint->path = path;
    checkpoint->interval_s = interval_s;
    checkpoint->due_s = clock_seconds() + interval_s;
    checkpoint->resume = resume;
    return STATUS_OK;
}

void train_checkpoint_free(struct train_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    free(checkpoint->binding_text);
    free(checkpoint->spans);
    free(checkpoint);
}

const char *train_checkpoint_path(const struct train_checkpoint *checkpoint)
{
    return checkpoint->path;
}

void train_checkpoint_add(struct train_checkpoint *checkpoint, const char *name, void *bytes,
                          size_t size)
{
    if (checkpoint->span_count == checkpoint->span_room) {
        const size_t room = 2 * checkpoint->span_room + 16;
        struct span *spans = realloc(checkpoint->spans, room * sizeof *spans);
        if (!spans) {
            checkpoint->incomplete = true;
            return;
        }
        checkpoint->spans = spans;
        checkpoint->span_room = room;
    }
    checkpoint->spans[checkpoint->span_count++] = (struct span){name, bytes, size};
}

/* CRC-32 of names and sizes, and the sum of these. */
static uint32_t layout(const struct train_checkpoint *checkpoint, size_t *state_bytes)
{
    uint32_t crc = 0;
    *state_bytes = 0;
    for (size_t i = 0; i < checkpoint->span_count; i++) {
        const struct span *span = &checkpoint->spans[i];
        uint8_t size[8];
        put_u64(size, span->size);
        crc = crc32_update(crc, span->name, strlen(span->name) + 1);
        crc = crc32_update(crc, size, sizeof size);
        *state_bytes += span->size;
    }
    return crc;
}

/* ---- Loading ---- */

/* That it is a whole file of this version, whatever it holds. */
static enum status check_file(const char *path, const uint8_t *bytes, size_t size,
                              struct error *err)
{
    if (size < CH_BYTES + CRC_BYTES || get_u32(bytes + CH_MAGIC) != CHECKPOINT_MAGIC)
        return error_set(err, STATUS_INPUT,
                         "%s: not a checkpoint of a training, or cut short; --force starts over",
                         path);
    if (get_u32(bytes + CH_VERSION) != CHECKPOINT_VERSION)
        return error_set(err, STATUS_INPUT,
                         "%s: checkpoint version %u, this tool reads %d; --force starts over", path,
                         get_u32(bytes + CH_VERSION), CHECKPOINT_VERSION);
    if (get_u32(bytes + size - CRC_BYTES) != crc32_update(0, bytes, size - CRC_BYTES))
        return error_set(err, STATUS_INPUT,
                         "%s: checksum does not match; the file is damaged or cut short, --force "
                         "starts over",
                         path);
    const size_t rest = size - CH_BYTES - CRC_BYTES;
    const uint32_t binding_bytes = get_u32(bytes + CH_BINDING_BYTES);
    if (binding_bytes > rest || get_u64(bytes + CH_STATE_BYTES) != rest - binding_bytes)
        return error_set(err, STATUS_INPUT,
                         "%s: its parts do not make up the file; --force starts over", path);
    return STATUS_OK;
}

static enum status check_binding(const struct train_checkpoint *checkpoint, const uint8_t *bytes,
                                 struct error *err)
{
    char *text = strndup((const char *)bytes + CH_BYTES, get_u32(bytes + CH_BINDING_BYTES));
    const enum status status =
        text ? train_binding_check(&checkpoint->binding, text, checkpoint->path, err)
             : no_memory(checkpoint, err);
    free(text);
    return status;
}

static enum status bring_back(const struct train_checkpoint *checkpoint, const uint8_t *bytes,
                              struct error *err)
{
    size_t state_bytes;
    const uint32_t own = layout(checkpoint, &state_bytes);
    const uint8_t *p = bytes + CH_BYTES + get_u32(bytes + CH_BINDING_BYTES);
    if (get_u32(bytes + CH_LAYOUT) != own || get_u64(bytes + CH_STATE_BYTES) != state_bytes)
        return error_set(err, STATUS_INPUT,
                         "%s: holds another state than this build of mpq trains with; resume with "
                         "the build that wrote it, or --force to start over",
                         checkpoint->path);
    for (size_t i = 0; i < checkpoint->span_count; i++) {
        memcpy(checkpoint->spans[i].bytes, p, checkpoint->spans[i].size);
        p += checkpoint->spans[i].size;
    }
    return STATUS_OK;
}

enum status train_checkpoint_load(const struct train_checkpoint *checkpoint, bool *resumed,
                                  struct error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    *resumed = false;
    if (!checkpoint->resume || access(checkpoint->path, F_OK) != 0)
        return STATUS_OK;
    if (checkpoint->incomplete)
        return no_memory(checkpoint, err);
    enum status status = file_read(checkpoint->path, MAX_FILE_BYTES, &bytes, &size, err);
    if (status == STATUS_OK)
        status = check_file(checkpoint->path, bytes, size, err);
    if (status == STATUS_OK)
        status = check_binding(checkpoint, bytes, err);
    if (status == STATUS_OK)
        status = bring_back(checkpoint, bytes, err);
    free(bytes);
    *resumed = status == STATUS_OK;
    return status;
}

/* ---- Saving ---- */

/* The whole file in memory. */
static uint8_t *serialize(const struct train_checkpoint *checkpoint, size_t *size)
{
    const size_t binding_bytes = strlen(checkpoint->binding_text);
    size_t state_bytes;
    const uint32_t crc = layout(checkpoint, &state_bytes);
    *size = CH_BYTES + binding_bytes + state_bytes + CRC_BYTES;
    uint8_t *bytes = malloc(*size), *p = bytes;
    if (!bytes)
        return NULL;
    put_u32(p + CH_MAGIC, CHECKPOINT_MAGIC);
    put_u32(p + CH_VERSION, CHECKPOINT_VERSION);
    put_u32(p + CH_BINDING_BYTES, (uint32_t)binding_bytes);
    put_u32(p + CH_LAYOUT, crc);
    put_u64(p + CH_STATE_BYTES, state_bytes);
    memcpy(p + CH_BYTES, checkpoint->binding_text, binding_bytes);
    p += CH_BYTES + binding_bytes;
    for (size_t i = 0; i < checkpoint->span_count; i++) {
        memcpy(p, checkpoint->spans[i].bytes, checkpoint->spans[i].size);
        p += checkpoint->spans[i].size;
    }
    put_u32(p, crc32_update(0, bytes, *size - CRC_BYTES));
    return bytes;
}

static enum status write_file(struct train_checkpoint *checkpoint, struct error *err)
{
    size_t size = 0;
    enum status status = STATUS_OK;
    if (checkpoint->incomplete)
        return no_memory(checkpoint, err);
    if (!checkpoint->binding_text)
        status = train_binding_text(&checkpoint->binding, &checkpoint->binding_text, err);
    if (status != STATUS_OK)
        return status;
    uint8_t *bytes = serialize(checkpoint, &size);
    status = bytes ? file_replace(checkpoint->path, bytes, size, err) : no_memory(checkpoint, err);
    free(bytes);
    return status;
}

enum status train_checkpoint_save(struct train_checkpoint *checkpoint, struct error *err)
{
    const double start_s = clock_seconds();
    const enum status status = write_file(checkpoint, err);
    const double now_s = clock_seconds(), pause_s = WRITE_SHARE * (now_s - start_s);
    checkpoint->due_s = now_s;
    if (checkpoint->interval_s > 0)
        checkpoint->due_s += pause_s > checkpoint->interval_s ? pause_s : checkpoint->interval_s;
    return status;
}

void train_checkpoint_keep(struct train_checkpoint *checkpoint, enum progress_mode mode)
{
    struct error why, text;
    if (clock_seconds() < checkpoint->due_s ||
        train_checkpoint_save(checkpoint, &why) == STATUS_OK || checkpoint->has_warned)
        return;
    checkpoint->has_warned = true;
    error_format(&text, "%.400s; training goes on, an interruption would lose it", why.text);
    progress_warn(mode, text.text);
}
