// SPDX-License-Identifier: Apache-2.0
/* A candidate in results.json and in a search's journal: written and read back. */
#include "results/fields.h"
#include "results/results.h"

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
    fields_add_exact(object, "val_accuracy", candidate->val_accuracy);
    fields_add_exact(object, "val_loss", candidate->val_loss);
    fields_add_exact(object, "accuracy", candidate->accuracy);
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
static void read_measured(struct fields *fields, const cJSON *object, struct candidate *out)
{
    out->val_accuracy = fields_percent(fields, object, "val_accuracy");
    out->val_loss = fields_number(fields, object, "val_loss");
    out->accuracy = fields_percent(fields, object, "accuracy");
    out->cycles = fields_integer(fields, object, "cycles");
    out->predicted_cycles = fields_integer(fields, object, "predicted_cycles");
    out->instructions = fields_integer(fields, object, "instructions");
    out->verified = (size_t)fields_integer(fields, object, "verified");
    out->mismatches = (size_t)fields_integer(fields, object, "mismatches");
    if (out->mismatches > out->verified) {
        fields_fault(fields, "mismatches", "at most as many as verified");
    }
    out->pareto = fields_bool(fields, object, "pareto");
    if (cJSON_HasObjectItem(object, "mismatch")) {
        fields_text(fields, object, "mismatch", out->mismatch, sizeof out->mismatch);
    }
}

enum status results_candidate_from_json(const cJSON *object, const char *label, int layer_count,
                                        struct candidate *out, struct error *err)
{
    struct fields fields = {label, err, STATUS_OK};
    *out = (struct candidate){0};
    out->index = SEARCH_NO_INDEX;
    if (cJSON_HasObjectItem(object, "index")) {
        out->index = (size_t)fields_integer(&fields, object, "index");
    }
    if (fields_widths(&fields, object, "bits", out->bits, NET_MAX_LAYERS) != layer_count) {
        fields_fault(&fields, "bits", "one width for each weighted layer");
    }
    out->size_bytes = (size_t)fields_integer(&fields, object, "size_bytes");
    out->ram_bytes = (size_t)fields_integer(&fields, object, "ram_bytes");
    out->too_large =
        cJSON_HasObjectItem(object, "too_large") && fields_bool(&fields, object, "too_large");
    if (!out->too_large) {
        read_measured(&fields, object, out);
    }
    return fields.status;
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
    fields_add_exact(object, "val_accuracy", candidate->val_accuracy);
    fields_add_exact(object, "val_loss", candidate->val_loss);
    return object;
}

enum status results_screened_from_json(const cJSON *object, const char *label, int layer_count,
                                       struct candidate *out, struct error *err)
{
    struct fields fields = {label, err, STATUS_OK};
    *out = (struct candidate){.index = SEARCH_NO_INDEX};
    if (fields_widths(&fields, object, "screened", out->bits, NET_MAX_LAYERS) != layer_count) {
        fields_fault(&fields, "screened", "one width for each weighted layer");
    }
    out->val_accuracy = fields_percent(&fields, object, "val_accuracy");
    out->val_loss = fields_number(&fields, object, "val_loss");
    return fields.status;
}
