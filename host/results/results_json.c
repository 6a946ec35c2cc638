// SPDX-License-Identifier: Apache-2.0
/* results.json: written and read back, every field checked. */
#include "results/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* Largest integer that a JSON number (a double) holds exactly. */
static const double INTEGER_MAX = 9007199254740992.0;

/* A reader that remembers its first fault, so that the caller asks once at the end. */
struct reader {
    const char *label;
    struct error *err;
    enum status status;
};

static void fault(struct reader *reader, const char *field, const char *wanted)
{
    if (reader->status == STATUS_OK) {
        reader->status =
            error_set(reader->err, STATUS_INPUT, "%s: %s: want %s; make it anew with mpq dse",
                      reader->label, field, wanted);
    }
}

static double get_number(struct reader *reader, const cJSON *object, const char *field)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) {
        fault(reader, field, "a number");
        return 0;
    }
    return item->valuedouble;
}

static uint64_t get_integer(struct reader *reader, const cJSON *object, const char *field)
{
    const double value = get_number(reader, object, field);
    if (!(value >= 0) || value > INTEGER_MAX || floor(value) < value) {
        fault(reader, field, "an integer >= 0");
        return 0;
    }
    return (uint64_t)value;
}

/* All 64 bits are allowed; beyond 2^53 the value read back is the nearest that a double holds. */
static uint64_t get_seed(struct reader *reader, const cJSON *object)
{
    const double value = get_number(reader, object, "seed");
    if (!(value >= 0)) {
        fault(reader, "seed", "an integer >= 0");
        return 0;
    }
    return value >= 0x1p64 ? UINT64_MAX : (uint64_t)value;
}

static double get_percent(struct reader *reader, const cJSON *object, const char *field)
{
    const double value = get_number(reader, object, field);
    if (value < 0 || value > 100) {
        fault(reader, field, "a percentage, 0 to 100");
    }
    return value;
}

static bool get_bool(struct reader *reader, const cJSON *object, const char *field)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    if (!cJSON_IsBool(item)) {
        fault(reader, field, "true or false");
    }
    return cJSON_IsTrue(item);
}

static void get_text(struct reader *reader, const cJSON *object, const char *field, char *out,
                     size_t size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    if (!cJSON_IsString(item) || strlen(item->valuestring) >= size) {
        fault(reader, field, "a short text");
        return;
    }
    snprintf(out, size, "%s", item->valuestring);
}

static const cJSON *get_object(struct reader *reader, const cJSON *object, const char *field)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    if (!cJSON_IsObject(item)) {
        fault(reader, field, "an object");
    }
    return item;
}

/* Integers of an array into out; returns their count, at most max. */
static int get_widths(struct reader *reader, const cJSON *object, const char *field, int *out,
                      int max)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, field), *item = NULL;
    int count = 0;
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) > max) {
        fault(reader, field, "a list of weight widths, one for each layer");
        return 0;
    }
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsNumber(item) ||
            (item->valueint != 8 && item->valueint != 4 && item->valueint != 2)) {
            fault(reader, field, "weight widths 8, 4 or 2");
            return 0;
        }
        out[count++] = item->valueint;
    }
    return count;
}

/* The shortest text that reads back as the same double: cJSON's own numbers may be a last bit off,
 * and a search that is resumed would see two equal accuracies as different. */
static void add_exact(cJSON *object, const char *field, double value)
{
    char text[32];
    if (!isfinite(value)) {
        cJSON_AddNullToObject(object, field);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        const double back = strtod(text, NULL);
        if (!(back < value) && !(back > value)) {
            break;
        }
    }
    cJSON_AddRawToObject(object, field, text);
}

/* What is known of a candidate whether it fits the core or not. NULL: no memory. */
static cJSON *create_candidate(const struct candidate *candidate, int layer_count)
{
    cJSON *object = cJSON_CreateObject();
    if (object && candidate->index != SEARCH_NO_INDEX) {
        cJSON_AddNumberToObject(object, "index", (double)candidate->index);
    }
    if (object) {
        cJSON_AddItemToObject(object, "bits", cJSON_CreateIntArray(candidate->bits, layer_count));
    }
    return object;
}

static cJSON *too_large_to_json(const struct candidate *candidate, int layer_count)
{
    cJSON *object = create_candidate(candidate, layer_count);
    cJSON_AddBoolToObject(object, "too_large", true);
    cJSON_AddNumberToObject(object, "size_bytes", (double)candidate->size_bytes);
    if (!cJSON_AddNumberToObject(object, "ram_bytes", (double)candidate->ram_bytes)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

cJSON *results_candidate_to_json(const struct candidate *candidate, int layer_count)
{
    if (candidate->too_large) {
        return too_large_to_json(candidate, layer_count);
    }
    cJSON *object = create_candidate(candidate, layer_count);
    if (!object) {
        return NULL;
    }
    add_exact(object, "val_accuracy", candidate->val_accuracy);
    add_exact(object, "val_loss", candidate->val_loss);
    add_exact(object, "accuracy", candidate->accuracy);
    cJSON_AddNumberToObject(object, "cycles", (double)candidate->cycles);
    cJSON_AddNumberToObject(object, "predicted_cycles", (double)candidate->predicted_cycles);
    cJSON_AddNumberToObject(object, "instructions", (double)candidate->instructions);
    cJSON_AddNumberToObject(object, "size_bytes", (double)candidate->size_bytes);
    cJSON_AddNumberToObject(object, "ram_bytes", (double)candidate->ram_bytes);
    cJSON_AddNumberToObject(object, "verified", (double)candidate->verified);
    cJSON_AddNumberToObject(object, "mismatches", (double)candidate->mismatches);
    if (candidate->mismatch[0]) {
        cJSON_AddStringToObject(object, "mismatch", candidate->mismatch);
    }
    if (!cJSON_AddBoolToObject(object, "pareto", candidate->pareto)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

/* What is known of a candidate that fits the core. */
static void read_measured(struct reader *reader, const cJSON *object, struct candidate *out)
{
    out->val_accuracy = get_percent(reader, object, "val_accuracy");
    out->val_loss = get_number(reader, object, "val_loss");
    out->accuracy = get_percent(reader, object, "accuracy");
    out->cycles = get_integer(reader, object, "cycles");
    out->predicted_cycles = get_integer(reader, object, "predicted_cycles");
    out->instructions = get_integer(reader, object, "instructions");
    out->verified = (size_t)get_integer(reader, object, "verified");
    out->mismatches = (size_t)get_integer(reader, object, "mismatches");
    if (out->mismatches > out->verified) {
        fault(reader, "mismatches", "at most as many as verified");
    }
    out->pareto = get_bool(reader, object, "pareto");
    if (cJSON_HasObjectItem(object, "mismatch")) {
        get_text(reader, object, "mismatch", out->mismatch, sizeof out->mismatch);
    }
}

enum status results_candidate_from_json(const cJSON *object, const char *label, int layer_count,
                                        struct candidate *out, struct error *err)
{
    struct reader reader = {label, err, STATUS_OK};
    *out = (struct candidate){0};
    out->index = SEARCH_NO_INDEX;
    if (cJSON_HasObjectItem(object, "index")) {
        out->index = (size_t)get_integer(&reader, object, "index");
    }
    if (get_widths(&reader, object, "bits", out->bits, NET_MAX_LAYERS) != layer_count) {
        fault(&reader, "bits", "one width for each weighted layer");
    }
    out->size_bytes = (size_t)get_integer(&reader, object, "size_bytes");
    out->ram_bytes = (size_t)get_integer(&reader, object, "ram_bytes");
    out->too_large =
        cJSON_HasObjectItem(object, "too_large") && get_bool(&reader, object, "too_large");
    if (!out->too_large) {
        read_measured(&reader, object, out);
    }
    return reader.status;
}

cJSON *results_screened_to_json(const struct candidate *candidate, int layer_count)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *bits = cJSON_CreateIntArray(candidate->bits, layer_count);
    if (!object || !cJSON_AddItemToObject(object, "screened", bits)) {
        cJSON_Delete(bits);
        cJSON_Delete(object);
        return NULL;
    }
    add_exact(object, "val_accuracy", candidate->val_accuracy);
    add_exact(object, "val_loss", candidate->val_loss);
    return object;
}

enum status results_screened_from_json(const cJSON *object, const char *label, int layer_count,
                                       struct candidate *out, struct error *err)
{
    struct reader reader = {label, err, STATUS_OK};
    *out = (struct candidate){.index = SEARCH_NO_INDEX};
    if (get_widths(&reader, object, "screened", out->bits, NET_MAX_LAYERS) != layer_count) {
        fault(&reader, "screened", "one width for each weighted layer");
    }
    out->val_accuracy = get_percent(&reader, object, "val_accuracy");
    out->val_loss = get_number(&reader, object, "val_loss");
    return reader.status;
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
    add_exact(search, "max_acc_drop", limits->max_acc_drop);
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
    add_exact(root, "float_accuracy", results->float_accuracy);
    add_exact(root, "float_val_accuracy", results->float_val_accuracy);
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

static void read_groups(struct reader *reader, const cJSON *search, struct results *out)
{
    const cJSON *groups = cJSON_GetObjectItemCaseSensitive(search, "groups"), *group, *name;
    for (int i = 0; i < out->layer_count; i++) {
        out->group[i] = i;
    }
    if (!cJSON_IsArray(groups)) {
        fault(reader, "search.groups", "a list");
        return;
    }
    cJSON_ArrayForEach(group, groups)
    {
        const int first = find_layer(out, cJSON_GetArrayItem(group, 0));
        cJSON_ArrayForEach(name, group)
        {
            const int layer = find_layer(out, name);
            if (first < 0 || layer < 0) {
                fault(reader, "search.groups", "lists of layer names");
                return;
            }
            out->group[layer] = first;
        }
    }
}

static void read_layer_bits(struct reader *reader, const cJSON *search, struct results *out)
{
    const cJSON *all = get_object(reader, search, "layer_bits"), *item;
    cJSON_ArrayForEach(item, all)
    {
        int widths[NET_MAX_BITS];
        const cJSON name = {.type = cJSON_String, .valuestring = item->string};
        const int layer = find_layer(out, &name);
        const int count = get_widths(reader, all, item->string, widths, NET_MAX_BITS);
        for (int i = 0; layer >= 0 && i < count; i++) {
            out->allowed[layer] |= 1u << widths[i];
        }
    }
}

static void read_limits(struct reader *reader, const cJSON *search, struct search_limits *out)
{
    char select[16] = "";
    out->max_acc_drop = get_number(reader, search, "max_acc_drop");
    out->max_cycles = get_integer(reader, search, "max_cycles");
    out->max_size_bytes = get_integer(reader, search, "max_bytes");
    out->max_ram_bytes = get_integer(reader, search, "max_ram");
    get_text(reader, search, "select", select, sizeof select);
    out->most_accurate = strcmp(select, "accuracy") == 0;
}

static void read_search(struct reader *reader, const cJSON *root, struct results *out)
{
    const cJSON *search = get_object(reader, root, "search"), *item = NULL;
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(search, "layers");
    char mode[16] = "";
    if (!cJSON_IsArray(layers) || cJSON_GetArraySize(layers) < 1 ||
        cJSON_GetArraySize(layers) > NET_MAX_LAYERS) {
        fault(reader, "search.layers", "a list of layer names");
        return;
    }
    cJSON_ArrayForEach(item, layers)
    {
        if (!cJSON_IsString(item)) {
            fault(reader, "search.layers", "a list of layer names");
            return;
        }
        snprintf(out->layers[out->layer_count++], NET_NAME_BYTES, "%s", item->valuestring);
    }
    get_text(reader, search, "mode", mode, sizeof mode);
    out->method = results_method(mode);
    if (out->method == SEARCH_METHODS) {
        fault(reader, "search.mode", "the name of a kind of search");
        out->method = SEARCH_EXHAUSTIVE;
    }
    out->width_count = get_widths(reader, search, "bits", out->widths, NET_MAX_BITS);
    read_groups(reader, search, out);
    read_layer_bits(reader, search, out);
    out->space_count = get_number(reader, search, "space");
    read_limits(reader, search, &out->limits);
    out->qat_epochs = (size_t)get_integer(reader, search, "qat_epochs");
    out->samples = (size_t)get_integer(reader, search, "samples");
    out->front_samples = (size_t)get_integer(reader, search, "front_samples");
    out->limit = (size_t)get_integer(reader, search, "limit");
    out->points = (size_t)get_integer(reader, search, "points");
    out->max_screened = (size_t)get_integer(reader, search, "evaluations");
    out->screen_images = (size_t)get_integer(reader, search, "screen_images");
    out->screened = (size_t)get_integer(reader, search, "screened");
    out->screened_front = (size_t)get_integer(reader, search, "screened_front");
}

static void read_head(struct reader *reader, const cJSON *root, struct results *out)
{
    char schema[RESULTS_TEXT_BYTES] = "";
    get_text(reader, root, "schema", schema, sizeof schema);
    if (strcmp(schema, RESULTS_SCHEMA) != 0) {
        fault(reader, "schema", "\"" RESULTS_SCHEMA "\"");
    }
    get_text(reader, root, "model", out->model, sizeof out->model);
    out->seed = get_seed(reader, root);
    const cJSON *versions = get_object(reader, root, "versions");
    get_text(reader, versions, "mpq", out->mpq, sizeof out->mpq);
    get_text(reader, versions, "firmware", out->firmware, sizeof out->firmware);
    get_text(reader, versions, "core", out->core, sizeof out->core);
    if (cJSON_HasObjectItem(versions, "ram_bytes")) { /* files of earlier versions have none */
        out->ram_bytes = get_integer(reader, versions, "ram_bytes");
    }
    out->protocol = (unsigned)get_integer(reader, versions, "protocol");
    out->container = (unsigned)get_integer(reader, versions, "container");
    out->isa = (unsigned)get_integer(reader, versions, "isa");
    out->float_accuracy = get_percent(reader, root, "float_accuracy");
    out->float_val_accuracy = get_percent(reader, root, "float_val_accuracy");
    const cJSON *timing = get_object(reader, root, "timing");
    out->seconds = get_number(reader, timing, "seconds");
    out->jobs = (size_t)get_integer(reader, timing, "jobs");
    out->resumed = (size_t)get_integer(reader, timing, "resumed");
}

static void read_selected(struct reader *reader, const cJSON *root, struct results *out)
{
    int bits[NET_MAX_LAYERS];
    out->selected = -1;
    if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(root, "selected"))) {
        return;
    }
    const int count = get_widths(reader, root, "selected", bits, NET_MAX_LAYERS);
    for (size_t i = 0; i < out->count && count == out->layer_count; i++) {
        if (memcmp(out->candidates[i].bits, bits, (size_t)count * sizeof *bits) == 0) {
            out->selected = (long)i;
        }
    }
    if (out->selected < 0) {
        fault(reader, "selected", "the bits of one of the candidates");
    }
}

/* One of the two lists: too_large says which. */
static void read_candidates(struct reader *reader, const cJSON *root, bool too_large,
                            int layer_count, struct candidate **out, size_t *count)
{
    const char *field = too_large ? "too_large" : "candidates";
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(root, field), *item = NULL;
    char label[256];
    if (!cJSON_IsArray(array)) {
        fault(reader, field, "a list");
        return;
    }
    *out = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof **out);
    if (!*out) {
        reader->status =
            error_set(reader->err, STATUS_NO_MEMORY, "%s: out of memory", reader->label);
        return;
    }
    cJSON_ArrayForEach(item, array)
    {
        struct candidate *candidate = &(*out)[*count];
        snprintf(label, sizeof label, "%s: %s[%zu]", reader->label, field, *count);
        if (reader->status == STATUS_OK) {
            reader->status =
                results_candidate_from_json(item, label, layer_count, candidate, reader->err);
            if (reader->status == STATUS_OK && candidate->too_large != too_large) {
                struct reader here = {label, reader->err, STATUS_OK};
                fault(&here, "too_large", too_large ? "true" : "a place in the list of that name");
                reader->status = here.status;
            }
        }
        ++*count;
    }
}

enum status results_parse(const char *text, const char *label, struct results **out,
                          struct error *err)
{
    struct reader reader = {label, err, STATUS_OK};
    const char *end = NULL;
    *out = NULL;
    cJSON *root = cJSON_ParseWithOpts(text, &end, true);
    struct results *results = results_create();
    if (!results) {
        reader.status = error_set(err, STATUS_NO_MEMORY, "%s: out of memory", label);
    } else if (!cJSON_IsObject(root)) {
        reader.status = error_set(err, STATUS_INPUT,
                                  "%s: not JSON, from byte %zu on; make it anew with mpq dse",
                                  label, end ? (size_t)(end - text) : 0);
    } else {
        read_head(&reader, root, results);
        read_search(&reader, root, results);
        if (reader.status == STATUS_OK) {
            read_candidates(&reader, root, false, results->layer_count, &results->candidates,
                            &results->count);
        }
        if (reader.status == STATUS_OK && cJSON_HasObjectItem(root, "too_large")) {
            read_candidates(&reader, root, true, results->layer_count, &results->too_large,
                            &results->too_large_count);
        }
        if (reader.status == STATUS_OK) {
            read_selected(&reader, root, results);
        }
    }
    cJSON_Delete(root);
    if (reader.status != STATUS_OK) {
        results_free(results);
        return reader.status;
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
