// SPDX-License-Identifier: Apache-2.0
/* Containers in memory, their metadata, and the QUANT file:
 * container (model_format.h; its header tells its size) | JSON text, not terminated | CRC-32 of
 * everything before it, little-endian. */
#include "pack/container.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "bytes.h"
#include "crc32.h"

enum { ALIGN_BYTES = 16, FILE_BYTES_MAX = 1 << 30, ARENA_BYTES_MAX = 1 << 30, CRC_BYTES = 4 };
static const uint32_t FLOAT_MAGIC = 0x4651504d; /* "MPQF": the other kind of file, for a hint */

struct parsed {
    struct model model;
    struct model_tables tables;
};

static struct model *create_model(void)
{
    struct parsed *parsed = calloc(1, sizeof *parsed);
    if (!parsed)
        return NULL;
    model_set_tables(&parsed->model, &parsed->tables);
    return &parsed->model; /* the first member: it can be freed */
}

struct container *container_create(size_t size)
{
    const size_t whole = (size + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    struct container *container = calloc(1, sizeof *container);
    if (!container)
        return NULL;
    container->bytes = aligned_alloc(ALIGN_BYTES, whole);
    container->model = create_model();
    container->size = size;
    if (!container->bytes || !container->model) {
        container_free(container);
        return NULL;
    }
    memset(container->bytes, 0, size);
    return container;
}

void container_free(struct container *container)
{
    if (!container)
        return;
    free(container->bytes);
    free(container->model);
    free(container->meta_json);
    free(container);
}

bool container_parse(struct container *container, struct model_fault *fault)
{
    const uint32_t size = (uint32_t)container->size;
    return model_parse(container->bytes, size, size + ALIGN_BYTES + ARENA_BYTES_MAX,
                       container->model, fault) == MODEL_OK;
}

enum status container_refused(const struct container *container, const char *label,
                              const struct model_fault *fault, struct error *err)
{
    char where[64] = "", name[40];
    if (fault->layer >= 0) {
        container_layer_name(container, (unsigned)fault->layer, name, sizeof name);
        snprintf(where, sizeof where, "layer %d (%s): ", fault->layer, name);
    } else if (fault->buffer >= 0) {
        snprintf(where, sizeof where, "buffer %d: ", fault->buffer);
    }
    return error_set(err, STATUS_INPUT, "%s: %s%s", label, where, model_fault_text(fault->code));
}

const char *container_op_name(unsigned op)
{
    static const char *const names[] = {
        [OP_CONV2D] = "conv2d",   [OP_FC] = "fc",     [OP_MAXPOOL] = "maxpool",
        [OP_AVGPOOL] = "avgpool", [OP_RELU] = "relu", [OP_FLATTEN] = "flatten",
        [OP_ARGMAX] = "argmax",   [OP_ADD] = "add",
    };
    return op >= OP_CONV2D && op < sizeof names / sizeof *names ? names[op] : "operation";
}

void container_layer_name(const struct container *container, unsigned layer, char *name,
                          size_t size)
{
    cJSON *meta = container->meta_json ? cJSON_Parse(container->meta_json) : NULL;
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(meta, "layers");
    const char *own = cJSON_GetStringValue(cJSON_GetArrayItem(names, (int)layer));
    const unsigned op = layer < MODEL_MAX_LAYERS ? container->model->layers[layer].op : 0;
    snprintf(name, size, "%s", own ? own : container_op_name(op));
    cJSON_Delete(meta);
}

/* The value of a member; a number that JSON cannot write is null. */
static cJSON *make_value(const char *text, double number)
{
    if (text)
        return cJSON_CreateString(text);
    return isfinite(number) ? cJSON_CreateNumber(number) : cJSON_CreateNull();
}

enum status container_meta_set(struct container *container, const char *key, const char *text,
                               double number, struct error *err)
{
    cJSON *meta = container->meta_json ? cJSON_Parse(container->meta_json) : cJSON_CreateObject();
    cJSON *value = make_value(text, number);
    char *json = NULL;
    cJSON_DeleteItemFromObjectCaseSensitive(meta, key);
    if (value && cJSON_AddItemToObject(meta, key, value)) {
        value = NULL; /* meta's now */
        json = cJSON_PrintUnformatted(meta);
    }
    cJSON_Delete(value);
    cJSON_Delete(meta);
    if (!json)
        return error_set(err, STATUS_NO_MEMORY, "metadata %s: out of memory", key);
    free(container->meta_json);
    container->meta_json = json;
    return STATUS_OK;
}

enum status container_save(const struct container *container, const char *path, struct error *err)
{
    const char *json = container->meta_json ? container->meta_json : "{}";
    const size_t json_bytes = strlen(json), size = container->size + json_bytes + CRC_BYTES;
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to write it", path);
    memcpy(bytes, container->bytes, container->size);
    memcpy(bytes + container->size, json, json_bytes);
    put_u32(bytes + size - CRC_BYTES, crc32_update(0, bytes, size - CRC_BYTES));
    const enum status status = file_replace(path, bytes, size, err);
    free(bytes);
    return status;
}

/* What can be told before the container is parsed: the right kind of file, whole and undamaged.
 * *container_bytes: what the header says. */
static enum status check_file(const char *path, const uint8_t *bytes, size_t size,
                              size_t *container_bytes, struct error *err)
{
    if (size >= 4 && get_u32(bytes) == FLOAT_MAGIC)
        return error_set(err, STATUS_INPUT,
                         "%s: a FLOAT file, want a QUANT file; make one with mpq quantize", path);
    if (size < 4 || get_u32(bytes) != MODEL_MAGIC)
        return error_set(err, STATUS_INPUT, "%s: not a QUANT file; make one with mpq quantize",
                         path);
    if (size < MODEL_HEADER_BYTES + CRC_BYTES)
        return error_set(err, STATUS_INPUT,
                         "%s: cut short, %zu bytes; make it anew with mpq "
                         "quantize",
                         path, size);
    if (get_u16(bytes + MH_VERSION) != MODEL_VERSION)
        return error_set(err, STATUS_INPUT,
                         "%s: container version %u, this tool reads %d; make it anew with mpq "
                         "quantize",
                         path, get_u16(bytes + MH_VERSION), MODEL_VERSION);
    *container_bytes = get_u32(bytes + MH_CONTAINER_BYTES);
    if (*container_bytes > size - CRC_BYTES)
        return error_set(err, STATUS_INPUT,
                         "%s: cut short: %zu bytes, its container alone has %zu; make it anew with "
                         "mpq quantize",
                         path, size, *container_bytes);
    if (get_u32(bytes + size - CRC_BYTES) != crc32_update(0, bytes, size - CRC_BYTES))
        return error_set(err, STATUS_INPUT,
                         "%s: checksum does not match; the file is damaged or cut short, make it "
                         "anew with mpq quantize",
                         path);
    if (*container_bytes < MODEL_HEADER_BYTES || *container_bytes % 4)
        return error_set(err, STATUS_INPUT, "%s: %s", path, model_fault_text(MODEL_BAD_HEADER));
    return STATUS_OK;
}

static enum status load_meta(const char *path, const uint8_t *text, size_t size, char **out,
                             struct error *err)
{
    char *json = malloc(size + 1);
    if (!json)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", path);
    memcpy(json, text, size);
    json[size] = '\0';
    cJSON *meta = strlen(json) == size ? cJSON_ParseWithOpts(json, NULL, true) : NULL;
    const bool good = cJSON_IsObject(meta);
    cJSON_Delete(meta);
    if (!good) {
        free(json);
        return error_set(err, STATUS_INPUT,
                         "%s: metadata is not a JSON object; make it anew with mpq quantize", path);
    }
    *out = json;
    return STATUS_OK;
}

/* bytes: a checked file. */
static enum status load(const char *path, const uint8_t *bytes, size_t size, size_t container_bytes,
                        struct container **out, struct error *err)
{
    struct container *container = container_create(container_bytes);
    struct model_fault fault;
    if (!container)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", path);
    memcpy(container->bytes, bytes, container_bytes);
    enum status status = load_meta(path, bytes + container_bytes,
                                   size - CRC_BYTES - container_bytes, &container->meta_json, err);
    if (status == STATUS_OK && !container_parse(container, &fault))
        status = container_refused(container, path, &fault, err);
    if (status == STATUS_OK)
        *out = container;
    else
        container_free(container);
    return status;
}

enum status container_load(const char *path, struct container **out, struct error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0, container_bytes = 0;
    *out = NULL;
    enum status status = file_read(path, FILE_BYTES_MAX, &bytes, &size, err);
    if (status == STATUS_OK)
        status = check_file(path, bytes, size, &container_bytes, err);
    if (status == STATUS_OK)
        status = load(path, bytes, size, container_bytes, out, err);
    free(bytes);
    return status;
}
