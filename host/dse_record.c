// SPDX-License-Identifier: Apache-2.0
/* Journal records of a search as JSON. */
#include "dse_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SCHEMA "mpq-journal-1"

/* Header fields and where a user sets them. */
static const struct {
    const char *field, *option;
} BINDINGS[] = {
    {"schema", "the version of mpq"},
    {"mpq", "the version of mpq"},
    {"model", "FLOAT"},
    {"model_crc32", "FLOAT"},
    {"seed", "FLOAT"},
    {"data_crc32", "--data"},
    {"limit", "--limit"},
    {"bits", "--bits"},
    {"qat_epochs", "--qat"},
    {"search", "--max-acc-drop"},
    {"max_acc_drop", "--max-acc-drop"},
    {"samples", "--samples"},
    {"front_samples", "--samples"},
    {"core", "--target"},
    {"isa", "--target"},
    {"firmware", "--target"},
};

static void add_hex(cJSON *object, const char *field, uint32_t value)
{
    char text[12];
    snprintf(text, sizeof text, "%08x", (unsigned)value);
    cJSON_AddStringToObject(object, field, text);
}

static cJSON *header_object(const struct dse_binding *binding)
{
    const struct results *results = binding->results;
    char seed[24];
    cJSON *object = cJSON_CreateObject();
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)results->seed);
    cJSON_AddStringToObject(object, "schema", RECORD_SCHEMA);
    cJSON_AddStringToObject(object, "mpq", results->mpq);
    cJSON_AddStringToObject(object, "model", results->model);
    add_hex(object, "model_crc32", binding->model_crc);
    cJSON_AddStringToObject(object, "seed", seed);
    add_hex(object, "data_crc32", binding->data_crc);
    cJSON_AddNumberToObject(object, "limit", (double)results->limit);
    cJSON_AddItemToObject(object, "bits",
                          cJSON_CreateIntArray(results->widths, results->width_count));
    cJSON_AddNumberToObject(object, "qat_epochs", (double)results->qat_epochs);
    cJSON_AddStringToObject(object, "search", results->exhaustive ? "exhaustive" : "max_acc_drop");
    cJSON_AddNumberToObject(object, "max_acc_drop", results->max_acc_drop);
    cJSON_AddNumberToObject(object, "samples", (double)results->samples);
    cJSON_AddNumberToObject(object, "front_samples", (double)results->front_samples);
    cJSON_AddStringToObject(object, "core", results->core);
    cJSON_AddNumberToObject(object, "isa", results->isa);
    cJSON_AddStringToObject(object, "firmware", results->firmware);
    return object;
}

enum status dse_record_header(const struct dse_binding *binding, char **text, struct error *err)
{
    cJSON *object = header_object(binding);
    *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return *text ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "journal: out of memory");
}

static enum status binding_differs(const char *path, size_t which, const cJSON *old,
                                   const cJSON *now, struct error *err)
{
    char *old_text = cJSON_PrintUnformatted(old), *now_text = cJSON_PrintUnformatted(now);
    const enum status status =
        error_set(err, STATUS_USAGE,
                  "%s: cannot resume: it was begun with another %s (%s %s, now %s); give the same "
                  "again, another folder "
                  "(-o), or --force to start over",
                  path, BINDINGS[which].option, BINDINGS[which].field,
                  old_text ? old_text : "missing", now_text ? now_text : "missing");
    free(old_text);
    free(now_text);
    return status;
}

enum status dse_record_check_header(const struct journal *journal, const char *path,
                                    const struct dse_binding *binding, struct error *err)
{
    cJSON *old = cJSON_Parse(journal_header(journal)), *now = header_object(binding);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof BINDINGS / sizeof *BINDINGS && status == STATUS_OK; i++) {
        const cJSON *a = cJSON_GetObjectItemCaseSensitive(old, BINDINGS[i].field);
        const cJSON *b = cJSON_GetObjectItemCaseSensitive(now, BINDINGS[i].field);
        if (!cJSON_Compare(a, b, true)) {
            status = binding_differs(path, i, a, b, err);
        }
    }
    cJSON_Delete(old);
    cJSON_Delete(now);
    return status;
}

enum status dse_record_append(struct journal *journal, const struct candidate *candidate,
                              int layer_count, struct error *err)
{
    cJSON *object = results_candidate_to_json(candidate, layer_count);
    char *text = object ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    const enum status status = text ? journal_append(journal, text, err)
                                    : error_set(err, STATUS_NO_MEMORY, "journal: out of memory");
    free(text);
    return status;
}

enum status dse_record_read(const struct journal *journal, size_t i, int layer_count,
                            struct candidate *out, struct error *err)
{
    char label[64];
    cJSON *object = cJSON_Parse(journal_record(journal, i));
    snprintf(label, sizeof label, "journal.jsonl: record %zu", i + 1);
    const enum status status = results_candidate_from_json(object, label, layer_count, out, err);
    cJSON_Delete(object);
    return status;
}
