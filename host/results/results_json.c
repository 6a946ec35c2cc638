// SPDX-License-Identifier: Apache-2.0
/* results.json: written and read back, every field checked. */
#include "results/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "results/fields.h"

/* All 64 bits are allowed; beyond 2^53 the value read back is the nearest that a double holds. */
static uint64_t get_seed(struct fields *fields, const cJSON *object)
{
    const double value = fields_number(fields, object, "seed");
    if (!(value >= 0)) {
        fields_fault(fields, "seed", "an integer >= 0");
        return 0;
    }
    return value >= 0x1p64 ? UINT64_MAX : (uint64_t)value;
}

static void add_versions(cJSON *root, const struct results *results)
{
    cJSON *versions = cJSON_AddObjectToObject(root, "versions");
    cJSON_AddStringToObject(versions, "mpq", results->mpq);
    cJSON_AddNumberToObject(versions, "protocol", results->protocol);
    cJSON_AddNumberToObject(versions, "container", results->container);
    cJSON_AddNumberToObject(versions, "isa", results->isa);
    cJSON_AddStringToObject(versions, "firmware", results->firmware);
    cJSON_AddStringToObject(versions, "core", results->core);
    cJSON_AddNumberToObject(versions, "ram_bytes", (double)results->ram_bytes);
}

/* A list of lists: the names of the layers that share a width, where there are several. */
static void add_groups(cJSON *search, const struct results *results)
{
    cJSON *groups = cJSON_AddArrayToObject(search, "groups");
    for (int i = 0; i < results->layer_count; i++) {
        cJSON *group = NULL;
        bool is_first = true;
        for (int k = 0; k < i; k++) {
            is_first = is_first && results->group[k] != results->group[i];
        }
        for (int k = i + 1; is_first && k < results->layer_count; k++) {
            if (results->group[k] != results->group[i]) {
                continue;
            }
            if (!group) {
                group = cJSON_CreateArray();
                cJSON_AddItemToArray(groups, group);
                cJSON_AddItemToArray(group, cJSON_CreateString(results->layers[i]));
            }
            cJSON_AddItemToArray(group, cJSON_CreateString(results->layers[k]));
        }
    }
}

/* By layer name, the widths of the layers that may not have all. */
static void add_layer_bits(cJSON *search, const struct results *results)
{
    cJSON *all = cJSON_AddObjectToObject(search, "layer_bits");
    for (int i = 0; i < results->layer_count; i++) {
        int widths[NET_MAX_BITS], count = 0;
        for (int w = 0; w < results->width_count; w++) {
            if (results->allowed[i] & 1u << results->widths[w]) {
                widths[count++] = results->widths[w];
            }
        }
        if (count > 0 && count < results->width_count) {
            cJSON_AddItemToObject(all, results->layers[i], cJSON_CreateIntArray(widths, count));
        }
    }
}

static void add_limits(cJSON *search, const struct search_limits *limits)
{
    fields_add_exact(search, "max_acc_drop", limits->max_acc_drop);
    cJSON_AddNumberToObject(search, "max_cycles", (double)limits->max_cycles);
    cJSON_AddNumberToObject(search, "max_bytes", (double)limits->max_size_bytes);
    cJSON_AddNumberToObject(search, "max_ram", (double)limits->max_ram_bytes);
    cJSON_AddStringToObject(search, "select", limits->most_accurate ? "accuracy" : "cycles");
}

static void add_search(cJSON *root, const struct results *results)
{
    cJSON *search = cJSON_AddObjectToObject(root, "search");
    cJSON *layers = cJSON_AddArrayToObject(search, "layers");
    cJSON_AddStringToObject(search, "mode", results_method_name(results->method));
    for (int i = 0; i < results->layer_count; i++) {
        cJSON_AddItemToArray(layers, cJSON_CreateString(results->layers[i]));
    }
    cJSON_AddItemToObject(search, "bits",
                          cJSON_CreateIntArray(results->widths, results->width_count));
    add_groups(search, results);
    add_layer_bits(search, results);
    cJSON_AddNumberToObject(search, "space", results->space_count);
    add_limits(search, &results->limits);
    cJSON_AddNumberToObject(search, "qat_epochs", (double)results->qat_epochs);
    cJSON_AddNumberToObject(search, "samples", (double)results->samples);
    cJSON_AddNumberToObject(search, "front_samples", (double)results->front_samples);
    cJSON_AddNumberToObject(search, "limit", (double)results->limit);
    cJSON_AddNumberToObject(search, "points", (double)results->points);
    cJSON_AddNumberToObject(search, "evaluations", (double)results->max_screened);
    cJSON_AddNumberToObject(search, "screen_images", (double)results->screen_images);
    cJSON_AddNumberToObject(search, "screened", (double)results->screened);
    cJSON_AddNumberToObject(search, "screened_front", (double)results->screened_front);
}

static void add_candidates(cJSON *root, const char *field, const struct candidate *candidates,
                           size_t count, int layer_count)
{
    cJSON *list = cJSON_AddArrayToObject(root, field);
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(list, results_candidate_to_json(&candidates[i], layer_count));
    }
}

static void add_outcome(cJSON *root, const struct results *results)
{
    fields_add_exact(root, "float_accuracy", results->float_accuracy);
    fields_add_exact(root, "float_val_accuracy", results->float_val_accuracy);
    if (results->selected >= 0) {
        const struct candidate *selected = &results->candidates[results->selected];
        cJSON_AddItemToObject(root, "selected",
                              cJSON_CreateIntArray(selected->bits, results->layer_count));
    } else {
        cJSON_AddNullToObject(root, "selected");
    }
    add_candidates(root, "candidates", results->candidates, results->count, results->layer_count);
    add_candidates(root, "too_large", results->too_large, results->too_large_count,
                   results->layer_count);
}

enum status results_to_text(const struct results *results, char **text, struct error *err)
{
    char seed[24];
    cJSON *root = cJSON_CreateObject();
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)results->seed);
    cJSON_AddStringToObject(root, "schema", RESULTS_SCHEMA);
    cJSON_AddStringToObject(root, "model", results->model);
    cJSON_AddRawToObject(root, "seed", seed);
    add_versions(root, results);
    add_search(root, results);
    add_outcome(root, results);
    cJSON *timing = cJSON_AddObjectToObject(root, "timing");
    cJSON_AddNumberToObject(timing, "seconds", results->seconds);
    cJSON_AddNumberToObject(timing, "jobs", (double)results->jobs);
    cJSON_AddNumberToObject(timing, "resumed", (double)results->resumed);
    *text = timing ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    return *text ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "results: out of memory");
}

static int find_layer(const struct results *results, const cJSON *name)
{
    for (int i = 0; cJSON_IsString(name) && i < results->layer_count; i++) {
        if (strcmp(results->layers[i], name->valuestring) == 0) {
            return i;
        }
    }
    return -1;
}

static void read_groups(struct fields *fields, const cJSON *search, struct results *out)
{
    const cJSON *groups = cJSON_GetObjectItemCaseSensitive(search, "groups"), *group, *name;
    for (int i = 0; i < out->layer_count; i++) {
        out->group[i] = i;
    }
    if (!cJSON_IsArray(groups)) {
        fields_fault(fields, "search.groups", "a list");
        return;
    }
    cJSON_ArrayForEach(group, groups)
    {
        const int first = find_layer(out, cJSON_GetArrayItem(group, 0));
        cJSON_ArrayForEach(name, group)
        {
            const int layer = find_layer(out, name);
            if (first < 0 || layer < 0) {
                fields_fault(fields, "search.groups", "lists of layer names");
                return;
            }
            out->group[layer] = first;
        }
    }
}

static void read_layer_bits(struct fields *fields, const cJSON *search, struct results *out)
{
    const cJSON *all = fields_object(fields, search, "layer_bits"), *item;
    cJSON_ArrayForEach(item, all)
    {
        int widths[NET_MAX_BITS];
        const cJSON name = {.type = cJSON_String, .valuestring = item->string};
        const int layer = find_layer(out, &name);
        const int count = fields_widths(fields, all, item->string, widths, NET_MAX_BITS);
        for (int i = 0; layer >= 0 && i < count; i++) {
            out->allowed[layer] |= 1u << widths[i];
        }
    }
}

static void read_limits(struct fields *fields, const cJSON *search, struct search_limits *out)
{
    char select[16] = "";
    out->max_acc_drop = fields_number(fields, search, "max_acc_drop");
    out->max_cycles = fields_integer(fields, search, "max_cycles");
    out->max_size_bytes = fields_integer(fields, search, "max_bytes");
    out->max_ram_bytes = fields_integer(fields, search, "max_ram");
    fields_text(fields, search, "select", select, sizeof select);
    out->most_accurate = strcmp(select, "accuracy") == 0;
}

static void read_search(struct fields *fields, const cJSON *root, struct results *out)
{
    const cJSON *search = fields_object(fields, root, "search"), *item = NULL;
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(search, "layers");
    char mode[16] = "";
    if (!cJSON_IsArray(layers) || cJSON_GetArraySize(layers) < 1 ||
        cJSON_GetArraySize(layers) > NET_MAX_LAYERS) {
        fields_fault(fields, "search.layers", "a list of layer names");
        return;
    }
    cJSON_ArrayForEach(item, layers)
    {
        if (!cJSON_IsString(item)) {
            fields_fault(fields, "search.layers", "a list of layer names");
            return;
        }
        snprintf(out->layers[out->layer_count++], NET_NAME_BYTES, "%s", item->valuestring);
    }
    fields_text(fields, search, "mode", mode, sizeof mode);
    out->method = results_method(mode);
    if (out->method == SEARCH_METHODS) {
        fields_fault(fields, "search.mode", "the name of a kind of search");
        out->method = SEARCH_EXHAUSTIVE;
    }
    out->width_count = fields_widths(fields, search, "bits", out->widths, NET_MAX_BITS);
    read_groups(fields, search, out);
    read_layer_bits(fields, search, out);
    out->space_count = fields_number(fields, search, "space");
    read_limits(fields, search, &out->limits);
    out->qat_epochs = (size_t)fields_integer(fields, search, "qat_epochs");
    out->samples = (size_t)fields_integer(fields, search, "samples");
    out->front_samples = (size_t)fields_integer(fields, search, "front_samples");
    out->limit = (size_t)fields_integer(fields, search, "limit");
    out->points = (size_t)fields_integer(fields, search, "points");
    out->max_screened = (size_t)fields_integer(fields, search, "evaluations");
    out->screen_images = (size_t)fields_integer(fields, search, "screen_images");
    out->screened = (size_t)fields_integer(fields, search, "screened");
    out->screened_front = (size_t)fields_integer(fields, search, "screened_front");
}

static void read_head(struct fields *fields, const cJSON *root, struct results *out)
{
    char schema[RESULTS_TEXT_BYTES] = "";
    fields_text(fields, root, "schema", schema, sizeof schema);
    if (strcmp(schema, RESULTS_SCHEMA) != 0) {
        fields_fault(fields, "schema", "\"" RESULTS_SCHEMA "\"");
    }
    fields_text(fields, root, "model", out->model, sizeof out->model);
    out->seed = get_seed(fields, root);
    const cJSON *versions = fields_object(fields, root, "versions");
    fields_text(fields, versions, "mpq", out->mpq, sizeof out->mpq);
    fields_text(fields, versions, "firmware", out->firmware, sizeof out->firmware);
    fields_text(fields, versions, "core", out->core, sizeof out->core);
    if (cJSON_HasObjectItem(versions, "ram_bytes")) { /* files of earlier versions have none */
        out->ram_bytes = fields_integer(fields, versions, "ram_bytes");
    }
    out->protocol = (unsigned)fields_integer(fields, versions, "protocol");
    out->container = (unsigned)fields_integer(fields, versions, "container");
    out->isa = (unsigned)fields_integer(fields, versions, "isa");
    out->float_accuracy = fields_percent(fields, root, "float_accuracy");
    out->float_val_accuracy = fields_percent(fields, root, "float_val_accuracy");
    const cJSON *timing = fields_object(fields, root, "timing");
    out->seconds = fields_number(fields, timing, "seconds");
    out->jobs = (size_t)fields_integer(fields, timing, "jobs");
    out->resumed = (size_t)fields_integer(fields, timing, "resumed");
}

static void read_selected(struct fields *fields, const cJSON *root, struct results *out)
{
    int bits[NET_MAX_LAYERS];
    out->selected = -1;
    if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(root, "selected"))) {
        return;
    }
    const int count = fields_widths(fields, root, "selected", bits, NET_MAX_LAYERS);
    for (size_t i = 0; i < out->count && count == out->layer_count; i++) {
        if (memcmp(out->candidates[i].bits, bits, (size_t)count * sizeof *bits) == 0) {
            out->selected = (long)i;
        }
    }
    if (out->selected < 0) {
        fields_fault(fields, "selected", "the bits of one of the candidates");
    }
}

/* One of the two lists: too_large says which. */
static void read_candidates(struct fields *fields, const cJSON *root, bool too_large,
                            int layer_count, struct candidate **out, size_t *count)
{
    const char *field = too_large ? "too_large" : "candidates";
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(root, field), *item = NULL;
    char label[256];
    if (!cJSON_IsArray(array)) {
        fields_fault(fields, field, "a list");
        return;
    }
    *out = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof **out);
    if (!*out) {
        fields->status =
            error_set(fields->err, STATUS_NO_MEMORY, "%s: out of memory", fields->label);
        return;
    }
    cJSON_ArrayForEach(item, array)
    {
        struct candidate *candidate = &(*out)[*count];
        snprintf(label, sizeof label, "%s: %s[%zu]", fields->label, field, *count);
        if (fields->status == STATUS_OK) {
            fields->status =
                results_candidate_from_json(item, label, layer_count, candidate, fields->err);
            if (fields->status == STATUS_OK && candidate->too_large != too_large) {
                struct fields here = {label, fields->err, STATUS_OK};
                fields_fault(&here, "too_large",
                             too_large ? "true" : "a place in the list of that name");
                fields->status = here.status;
            }
        }
        ++*count;
    }
}

enum status results_parse(const char *text, const char *label, struct results **out,
                          struct error *err)
{
    struct fields fields = {label, err, STATUS_OK};
    const char *end = NULL;
    *out = NULL;
    cJSON *root = cJSON_ParseWithOpts(text, &end, true);
    struct results *results = results_create();
    if (!results) {
        fields.status = error_set(err, STATUS_NO_MEMORY, "%s: out of memory", label);
    } else if (!cJSON_IsObject(root)) {
        fields.status = error_set(err, STATUS_INPUT,
                                  "%s: not JSON, from byte %zu on; make it anew with mpq dse",
                                  label, end ? (size_t)(end - text) : 0);
    } else {
        read_head(&fields, root, results);
        read_search(&fields, root, results);
        if (fields.status == STATUS_OK) {
            read_candidates(&fields, root, false, results->layer_count, &results->candidates,
                            &results->count);
        }
        if (fields.status == STATUS_OK && cJSON_HasObjectItem(root, "too_large")) {
            read_candidates(&fields, root, true, results->layer_count, &results->too_large,
                            &results->too_large_count);
        }
        if (fields.status == STATUS_OK) {
            read_selected(&fields, root, results);
        }
    }
    cJSON_Delete(root);
    if (fields.status != STATUS_OK) {
        results_free(results);
        return fields.status;
    }
    *out = results;
    return STATUS_OK;
}

enum status results_save(const struct results *results, const char *path, struct error *err)
{
    char *text = NULL;
    enum status status = results_to_text(results, &text, err);
    if (status == STATUS_OK) {
        status = file_replace(path, text, strlen(text), err);
    }
    free(text);
    return status;
}

enum status results_load(const char *path, struct results **out, struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    *out = NULL;
    enum status status = results_read_file(path, &text, &size, err);
    if (status == STATUS_OK) {
        status = results_parse(text, path, out, err);
    }
    free(text);
    return status;
}
