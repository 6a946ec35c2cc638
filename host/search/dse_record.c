// SPDX-License-Identifier: Apache-2.0
/* Journal records of a search as JSON. */
#include "search/dse_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/binding.h"

#define RECORD_SCHEMA "mpq-journal-2"

static const struct binding_field FIELDS[] = {
    {.name = "schema", .option = "the version of mpq"},
    {.name = "mpq", .option = "the version of mpq"},
    {.name = "model", .option = "FLOAT"},
    {.name = "model_crc32", .option = "FLOAT"},
    {.name = "seed", .option = "FLOAT"},
    {.name = "data_crc32", .option = "--data"},
    {.name = "limit", .option = "--limit"},
    {.name = "bits", .option = "--bits"},
    {.name = "qat_epochs", .option = "--qat"},
    {.name = "groups", .option = "grouping of layers"},
    {.name = "layer_bits", .option = "choice of widths by layer"},
    {.name = "search", .option = "--search"},
    {.name = "max_acc_drop", .option = "--max-acc-drop"},
    {.name = "max_cycles", .option = "--max-cycles"},
    {.name = "max_bytes", .option = "--max-bytes"},
    {.name = "max_ram", .option = "--max-ram"},
    {.name = "select", .option = "--max-acc-drop"},
    {.name = "points", .option = "--points"},
    {.name = "evaluations", .option = "--evaluations"},
    {.name = "screen_images", .option = "--screen-images"},
    {.name = "samples", .option = "--samples"},
    {.name = "front_samples", .option = "--samples"},
    {.name = "core", .option = "--target"},
    {.name = "isa", .option = "--target"},
    {.name = "firmware", .option = "--target"},
    {.name = "target_crc32", .option = "simulator or firmware"},
};
static const struct binding BINDING = {FIELDS, sizeof FIELDS / sizeof *FIELDS, "folder"};

static void add_hex(cJSON *object, const char *field, uint32_t value)
{
    char text[12];
    snprintf(text, sizeof text, "%08x", (unsigned)value);
    cJSON_AddStringToObject(object, field, text);
}

static void add_search(cJSON *object, const struct results *results)
{
    const struct search_limits *limits = &results->limits;
    cJSON *groups = cJSON_AddArrayToObject(object, "groups");
    cJSON *layer_bits = cJSON_AddArrayToObject(object, "layer_bits");
    for (int i = 0; i < results->layer_count; i++) {
        cJSON_AddItemToArray(groups, cJSON_CreateNumber(results->group[i]));
        cJSON_AddItemToArray(layer_bits, cJSON_CreateNumber(results->allowed[i]));
    }
    cJSON_AddStringToObject(object, "search", results_method_name(results->method));
    cJSON_AddNumberToObject(object, "max_acc_drop", limits->max_acc_drop);
    cJSON_AddNumberToObject(object, "max_cycles", (double)limits->max_cycles);
    cJSON_AddNumberToObject(object, "max_bytes", (double)limits->max_size_bytes);
    cJSON_AddNumberToObject(object, "max_ram", (double)limits->max_ram_bytes);
    cJSON_AddStringToObject(object, "select", limits->most_accurate ? "accuracy" : "cycles");
    cJSON_AddNumberToObject(object, "points", (double)results->points);
    cJSON_AddNumberToObject(object, "evaluations", (double)results->max_screened);
    cJSON_AddNumberToObject(object, "screen_images", (double)results->screen_images);
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
    add_search(object, results);
    cJSON_AddNumberToObject(object, "samples", (double)results->samples);
    cJSON_AddNumberToObject(object, "front_samples", (double)results->front_samples);
    cJSON_AddStringToObject(object, "core", results->core);
    cJSON_AddNumberToObject(object, "isa", results->isa);
    cJSON_AddStringToObject(object, "firmware", results->firmware);
    add_hex(object, "target_crc32", binding->target_crc);
    return object;
}

enum status dse_record_header(const struct dse_binding *binding, char **text, struct error *err)
{
    cJSON *object = header_object(binding);
    *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return *text ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "journal: out of memory");
}

enum status dse_record_check_header(const struct journal *journal, const char *path,
                                    const struct dse_binding *binding, struct error *err)
{
    return binding_check(&BINDING, journal_header(journal), header_object(binding), path, err);
}

/* object: consumed. */
static enum status append(struct journal *journal, cJSON *object, struct error *err)
{
    char *text = object ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    const enum status status = text ? journal_append(journal, text, err)
                                    : error_set(err, STATUS_NO_MEMORY, "journal: out of memory");
    free(text);
    return status;
}

enum status dse_record_append(struct journal *journal, const struct candidate *candidate,
                              int layer_count, struct error *err)
{
    return append(journal, results_candidate_to_json(candidate, layer_count), err);
}

enum status dse_record_append_screened(struct journal *journal, const struct candidate *candidate,
                                       int layer_count, struct error *err)
{
    return append(journal, results_screened_to_json(candidate, layer_count), err);
}

enum status dse_record_read(const struct journal *journal, size_t i, int layer_count,
                            struct candidate *out, bool *screened, struct error *err)
{
    char label[64];
    cJSON *object = cJSON_Parse(journal_record(journal, i));
    snprintf(label, sizeof label, "journal.jsonl: record %zu", i + 1);
    *screened = cJSON_HasObjectItem(object, "screened");
    const enum status status =
        *screened ? results_screened_from_json(object, label, layer_count, out, err)
                  : results_candidate_from_json(object, label, layer_count, out, err);
    cJSON_Delete(object);
    return status;
}
