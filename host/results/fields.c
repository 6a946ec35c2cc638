// SPDX-License-Identifier: Apache-2.0
#include "results/fields.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Largest integer that a JSON number (a double) holds exactly. */
static const double INTEGER_MAX = 9007199254740992.0;

void fields_fault(struct fields *fields, const char *field, const char *wanted)
{
    if (fields->status == STATUS_OK) {
        fields->status =
            error_set(fields->err, STATUS_INPUT, "%s: %s: want %s; make it anew with mpq dse",
                      fields->label, field, wanted);
    }
}

double fields_number(struct fields *fields, const cJSON *object, const char *field)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) {
        fields_fault(fields, field, "a number");
        return 0;
    }
    return item->valuedouble;
}

uint64_t fields_integer(struct fields *fields, const cJSON *object, const char *field)
{
    const double value = fields_number(fields, object, field);
    if (!(value >= 0) || value > INTEGER_MAX || floor(value) < value) {
        fields_fault(fields, field, "an integer >= 0");
        return 0;
    }
    return (uint64_t)value;
}

double fields_percent(struct fields *fields, const cJSON *object, const char *field)
{
    const double value = fields_number(fields, object, field);
    if (value < 0 || value > 100) {
        fields_fault(fields, field, "a percentage, 0 to 100");
    }
    return value;
}

bool fields_bool(struct fields *fields, const cJSON *object, const char *field)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    if (!cJSON_IsBool(item)) {
        fields_fault(fields, field, "true or false");
    }
    return cJSON_IsTrue(item);
}

void fields_text(struct fields *fields, const cJSON *object, const char *field, char *out,
                 size_t size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    if (!cJSON_IsString(item) || strlen(item->valuestring) >= size) {
        fields_fault(fields, field, "a short text");
        return;
    }
    snprintf(out, size, "%s", item->valuestring);
}

const cJSON *fields_object(struct fields *fields, const cJSON *object, const char *field)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    if (!cJSON_IsObject(item)) {
        fields_fault(fields, field, "an object");
    }
    return item;
}

int fields_widths(struct fields *fields, const cJSON *object, const char *field, int *out, int max)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, field), *item = NULL;
    int count = 0;
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) > max) {
        fields_fault(fields, field, "a list of weight widths, one for each layer");
        return 0;
    }
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsNumber(item) ||
            (item->valueint != 8 && item->valueint != 4 && item->valueint != 2)) {
            fields_fault(fields, field, "weight widths 8, 4 or 2");
            return 0;
        }
        out[count++] = item->valueint;
    }
    return count;
}

void fields_add_exact(cJSON *object, const char *field, double value)
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
