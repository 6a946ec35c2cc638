// SPDX-License-Identifier: Apache-2.0
/* Upload of a container: only the blocks that the core does not hold. What it holds is known from
 * the last upload of this session, or else asked for (HASH). */
#include "target/target.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crc32.h"
#include "loader.h"
#include "target/target_state.h"

enum {
    BLOCKS_MAX = 256, /* in one HASH */
    BLOCK_MIN_BYTES = 64,
    PROBE_BLOCKS = BLOCKS_MAX / 8, /* if none of these is there, hashing the rest is no gain */
    HASH_HEAD = 16,
    NO_DETAIL = 0xff,
    HASH_CYCLES_PER_BYTE = 16,
    COMMIT_CYCLES_PER_BYTE = 8,
    TRIES = 3,
};

struct upload {
    struct target *target;
    const struct container *container;
    size_t block_bytes, block_count;
    bool from_held; /* what the core holds was not asked for */
    bool again;     /* the failure may be cured by another try */
    bool differs[BLOCKS_MAX];
};

static size_t block_size(const struct upload *upload, size_t block)
{
    const size_t left = upload->container->size - block * upload->block_bytes;
    return left < upload->block_bytes ? left : upload->block_bytes;
}

/* Nothing is sent that the core would refuse. */
static enum status check_fits(const struct target *target, const struct container *container,
                              struct error *err)
{
    const struct model *model = container->model;
    const uint64_t need = loader_model_bytes(model), has = target->info.model_area_bytes;
    if (target->info.model_version != MODEL_VERSION)
        return error_set(err, STATUS_INPUT,
                         "%s: the core reads model containers of version %u, this one has %d; use "
                         "firmware and tool of one build",
                         target->link->name, target->info.model_version, MODEL_VERSION);
    if (need <= has)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "%s: model %s does not fit: container %zu + activations %u + tables %llu = "
                     "%llu bytes, the core's model area has %llu; use fewer weight bits, a smaller "
                     "network or a target with more RAM (mpq info QUANT shows where bytes go)",
                     target->link->name, model->name, container->size, model->arena_bytes,
                     (unsigned long long)(need - container->size - model->arena_bytes),
                     (unsigned long long)need, (unsigned long long)has);
}

static void cut_blocks(struct upload *upload)
{
    const size_t size = upload->container->size;
    const size_t even = (size + BLOCKS_MAX - 1) / BLOCKS_MAX;
    upload->block_bytes = even > BLOCK_MIN_BYTES ? (even + 3) / 4 * 4 : BLOCK_MIN_BYTES;
    upload->block_count = (size + upload->block_bytes - 1) / upload->block_bytes;
    assert(upload->block_count <= BLOCKS_MAX);
}

static void compare_held(struct upload *upload)
{
    const struct target *target = upload->target;
    for (size_t i = 0; i < upload->block_count; i++) {
        const size_t offset = i * upload->block_bytes, size = block_size(upload, i);
        upload->differs[i] =
            offset + size > target->held_size ||
            memcmp(target->held + offset, upload->container->bytes + offset, size) != 0;
    }
}

/* Asks for the hashes of the blocks first .. end - 1. *same: how many the core holds. */
static enum status compare_hashes(struct upload *upload, size_t first, size_t end, size_t *same,
                                  struct error *err)
{
    struct target *target = upload->target;
    const struct container *container = upload->container;
    const size_t offset = first * upload->block_bytes;
    const size_t size = (end - 1 - first) * upload->block_bytes + block_size(upload, end - 1);
    uint8_t payload[HASH_HEAD] = {SPACE_MODEL};
    struct session_answer answer;
    put_u32(payload + 4, (uint32_t)offset);
    put_u32(payload + 8, (uint32_t)size);
    put_u32(payload + 12, (uint32_t)upload->block_bytes);
    const int work_ms = target_work_ms(target, size * HASH_CYCLES_PER_BYTE);
    const struct session_request request = {PROTO_HASH, payload, sizeof payload, work_ms, 0};
    const enum status status = session_demand(&target->session, &request, &answer, err);
    if (status != STATUS_OK)
        return status;
    if (answer.size != 4 * (end - first))
        return error_set(err, STATUS_LINK,
                         "%s: hash: %zu bytes for %zu blocks; use firmware and "
                         "tool of one build",
                         target->link->name, answer.size, end - first);
    *same = 0;
    for (size_t i = first; i < end; i++) {
        const uint8_t *bytes = container->bytes + i * upload->block_bytes;
        upload->differs[i] =
            get_u32(answer.data + 4 * (i - first)) != crc32_update(0, bytes, block_size(upload, i));
        *same += !upload->differs[i];
    }
    return STATUS_OK;
}

/* The first blocks tell whether the core holds anything like this container: header, tables, first
 * weights. If the widths of the first layers differ, so do the places of all behind them. */
static enum status ask_held(struct upload *upload, struct error *err)
{
    const size_t count = upload->block_count;
    const size_t probe = count < PROBE_BLOCKS ? count : PROBE_BLOCKS;
    size_t same;
    const enum status status = compare_hashes(upload, 0, probe, &same, err);
    if (status != STATUS_OK || probe == count)
        return status;
    if (same)
        return compare_hashes(upload, probe, count, &same, err);
    memset(upload->differs + probe, true, (count - probe) * sizeof *upload->differs);
    return STATUS_OK;
}

/* Sends the blocks that differ, neighbours together. */
static enum status send_blocks(struct upload *upload, struct error *err)
{
    struct session *session = &upload->target->session;
    enum status status = STATUS_OK;
    size_t i = 0;
    while (i < upload->block_count && status == STATUS_OK) {
        const size_t first = i, offset = i * upload->block_bytes;
        size_t size = 0;
        for (; i < upload->block_count && upload->differs[i]; i++)
            size += block_size(upload, i);
        session->statistics.blocks_sent += i - first;
        if (size)
            status = session_write(session, SPACE_MODEL, (uint32_t)offset,
                                   upload->container->bytes + offset, size, err);
        for (; i < upload->block_count && !upload->differs[i]; i++)
            session->statistics.blocks_skipped++;
    }
    return status == STATUS_OK ? session_drain(session, err) : status;
}

static enum status refused(const struct upload *upload, const uint8_t *detail, struct error *err)
{
    const enum model_fault_code code = detail[0];
    const char *text = code == MODEL_OK ? "no reason given" : model_fault_text(code);
    char where[64] = "", name[40];
    if (detail[1] != NO_DETAIL && code == MODEL_BAD_BUFFER) {
        snprintf(where, sizeof where, "buffer %u: ", detail[1]);
    } else if (detail[1] != NO_DETAIL && code != MODEL_BAD_RESERVED) { /* could be either */
        container_layer_name(upload->container, detail[1], name, sizeof name);
        snprintf(where, sizeof where, "layer %u (%s): ", detail[1], name);
    }
    return error_set(err, STATUS_INPUT, "%s: the core refused model %s: %s%s",
                     upload->target->link->name, upload->container->model->name, where, text);
}

static enum status commit(struct upload *upload, struct error *err)
{
    struct target *target = upload->target;
    const size_t size = upload->container->size;
    struct session_answer answer;
    uint8_t payload[4];
    put_u32(payload, (uint32_t)size);
    const struct session_request request = {PROTO_COMMIT, payload, sizeof payload,
                                            target_work_ms(target, size * COMMIT_CYCLES_PER_BYTE),
                                            0};
    const enum status status = session_ask(&target->session, &request, &answer, err);
    if (status != STATUS_OK)
        return status;
    if (answer.status == PROTO_E_MODEL) {
        upload->again = upload->from_held; /* the core's memory is not what we thought */
        return refused(upload, answer.detail, err);
    }
    return answer.status ? session_refused(&target->session, PROTO_COMMIT, answer.status, err)
                         : STATUS_OK;
}

/* Notes what the core holds from now on. */
static void remember(struct target *target, const struct container *container)
{
    const struct model *model = container->model;
    target->model = *model;
    target->model.bytes = NULL;
    model_set_tables(&target->model, &target->tables);
    memcpy(target->tables.buffers, model->buffers, model->buffer_count * sizeof *model->buffers);
    memcpy(target->tables.layers, model->layers, model->layer_count * sizeof *model->layers);
    target->loaded = true;
    uint8_t *held = realloc(target->held, container->size);
    if (!held)
        return; /* the next load asks the core */
    memcpy(held, container->bytes, container->size);
    target->held = held;
    target->held_size = container->size;
}

static enum status try_load(struct upload *upload, struct error *err)
{
    struct target *target = upload->target;
    enum status status = STATUS_OK;
    upload->again = false;
    if (!target->session.open)
        status = target_greet(target, err);
    if (status == STATUS_OK)
        status = check_fits(target, upload->container, err);
    if (status != STATUS_OK)
        return status;
    upload->from_held = target->held_size > 0;
    if (upload->from_held)
        compare_held(upload);
    else
        status = ask_held(upload, err);
    target->loaded = false;
    target->held_size = 0;
    if (status == STATUS_OK)
        status = send_blocks(upload, err);
    if (status == STATUS_OK)
        status = commit(upload, err);
    if (status == STATUS_OK)
        remember(target, upload->container);
    else
        upload->again = upload->again || target->session.restarted;
    return status;
}

enum status target_load(struct target *target, const struct container *container, struct error *err)
{
    struct upload upload = {.target = target, .container = container};
    enum status status;
    int tries = 0;
    cut_blocks(&upload);
    do
        status = try_load(&upload, err);
    while (status != STATUS_OK && upload.again && ++tries < TRIES);
    return status;
}
