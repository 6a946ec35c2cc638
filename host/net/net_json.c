// SPDX-License-Identifier: Apache-2.0
/* Strict reading of a user's JSON. */
#include "net/net_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* JSON text of a value, shortened to fit a message. */
static void describe(const cJSON *value, char *out, size_t size)
{
    char text[256] = "nothing";
    if (value && !cJSON_PrintPreallocated((cJSON *)value, text, sizeof text, 0))
        snprintf(text, sizeof text, "a longer value");
    if (strlen(text) >= size)
        snprintf(text + size - 4, 4, "...");
    snprintf(out, size, "%.*s", (int)size - 1, text);
}

enum status json_complain(const struct json_scope *scope, const char *key, const char *want,
                          const cJSON *value)
{
    char got[64];
    describe(value, got, sizeof got);
    return error_set(scope->err, STATUS_INPUT, "%s: %s%s%s: want %s, got %s", scope->label,
                     scope->where, *scope->where && *key ? "." : "", key, want, got);
}

enum status json_enter(const struct json_scope *scope, const char *key, struct json_scope *out)
{
    *out = *scope;
    out->object = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    snprintf(out->where, sizeof out->where, "%.40s%s%.40s", scope->where, *scope->where ? "." : "",
             key);
    if (out->object && !cJSON_IsObject(out->object))
        return json_complain(scope, key, "an object", out->object);
    return STATUS_OK;
}

static enum status check_key(const struct json_scope *scope, const cJSON *item,
                             const char *const *allowed)
{
    char list[256] = "";
    if (!strcmp(item->string, "comment")) /* any number of them */
        return cJSON_IsString(item) ? STATUS_OK : json_complain(scope, "comment", "a text", item);
    for (const cJSON *other = item->next; other; other = other->next)
        if (!strcmp(other->string, item->string))
            return error_set(scope->err, STATUS_INPUT,
                             "%s: %s%s%.40s: the field comes twice; keep one", scope->label,
                             scope->where, *scope->where ? "." : "", item->string);
    for (size_t i = 0; allowed[i]; i++) {
        if (!strcmp(allowed[i], item->string))
            return STATUS_OK;
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", allowed[i]);
    }
    return error_set(scope->err, STATUS_INPUT, "%s: %s%s%.40s: unknown field; known here: %s",
                     scope->label, scope->where, *scope->where ? "." : "", item->string, list);
}

enum status json_check_keys(const struct json_scope *scope, const char *const *allowed)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, scope->object)
    {
        const enum status status = check_key(scope, item, allowed);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status json_require(const struct json_scope *scope, const char *key)
{
    if (cJSON_GetObjectItemCaseSensitive(scope->object, key))
        return STATUS_OK;
    return error_set(scope->err, STATUS_INPUT, "%s: %s%s%s: field is missing; add it", scope->label,
                     scope->where, *scope->where ? "." : "", key);
}

/* "> 0", "0 to 255" or ">= 0": what a range allows, in words. */
static void describe_range(struct json_range range, char *out, size_t size)
{
    const bool open = range.high > 1e6;
    if (open && range.low == 1)
        snprintf(out, size, "> 0");
    else if (open)
        snprintf(out, size, ">= %g", range.low);
    else
        snprintf(out, size, "%g to %g", range.low, range.high);
}

static bool in_range(const cJSON *item, struct json_range range)
{
    return cJSON_IsNumber(item) && item->valuedouble >= range.low &&
           item->valuedouble <= range.high;
}

enum status json_get_int(const struct json_scope *scope, const char *key, struct json_range range,
                         int *out)
{
    char want[64], whole[80];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    if (!item)
        return STATUS_OK;
    describe_range(range, want, sizeof want);
    if (!in_range(item, range))
        return json_complain(scope, key, want, item);
    snprintf(whole, sizeof whole, "a whole number %s", want);
    if (item->valuedouble != floor(item->valuedouble))
        return json_complain(scope, key, whole, item);
    *out = (int)item->valuedouble;
    return STATUS_OK;
}

enum status json_get_float(const struct json_scope *scope, const char *key, struct json_range range,
                           float *out)
{
    char want[64];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    if (!item)
        return STATUS_OK;
    describe_range(range, want, sizeof want);
    if (!in_range(item, range))
        return json_complain(scope, key, want, item);
    *out = (float)item->valuedouble;
    return STATUS_OK;
}

enum status json_get_bool(const struct json_scope *scope, const char *key, bool *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    if (!item)
        return STATUS_OK;
    if (!cJSON_IsBool(item))
        return json_complain(scope, key, "true or false", item);
    *out = cJSON_IsTrue(item);
    return STATUS_OK;
}

enum status json_get_seed(const struct json_scope *scope, const char *key, uint64_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    if (!item)
        return STATUS_OK;
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53) ||
        (double)(uint64_t)item->valuedouble != item->valuedouble)
        return json_complain(scope, key, "a whole number from 0 to 2^53", item);
    *out = (uint64_t)item->valuedouble;
    return STATUS_OK;
}

enum status json_get_choice(const struct json_scope *scope, const char *key,
                            const char *const *names, int *out)
{
    char want[128] = "";
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    if (!item)
        return STATUS_OK;
    for (int i = 0; names[i]; i++) {
        const char *join = !i ? "" : names[i + 1] ? ", " : " or ";
        const size_t used = strlen(want);
        if (cJSON_IsString(item) && !strcmp(item->valuestring, names[i])) {
            *out = i;
            return STATUS_OK;
        }
        snprintf(want + used, sizeof want - used, "%s\"%s\"", join, names[i]);
    }
    return json_complain(scope, key, want, item);
}

enum status json_get_text(const struct json_scope *scope, const char *key, char *out, size_t size)
{
    char want[48];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    if (!item)
        return STATUS_OK;
    snprintf(want, sizeof want, "text of 1 to %zu bytes", size - 1);
    if (!cJSON_IsString(item) || !*item->valuestring || strlen(item->valuestring) >= size)
        return json_complain(scope, key, want, item);
    snprintf(out, size, "%s", item->valuestring);
    return STATUS_OK;
}

enum status json_get_doubles(const struct json_scope *scope, const char *key,
                             struct json_range range, double *out, int max, int *count)
{
    char want[64], number[64], list[80];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key), *element;
    if (!item)
        return STATUS_OK;
    const bool is_list = cJSON_IsArray(item);
    const int n = is_list ? cJSON_GetArraySize(item) : 1;
    snprintf(list, sizeof list, "a number or a list of 1 to %d numbers", max);
    if (n < 1 || n > max || (!is_list && !cJSON_IsNumber(item)))
        return json_complain(scope, key, list, item);
    describe_range(range, want, sizeof want);
    for (int i = 0; i < n; i++) {
        element = is_list ? cJSON_GetArrayItem(item, i) : item;
        snprintf(number, sizeof number, is_list ? "%.40s[%d]" : "%.40s", key, i);
        if (!in_range(element, range))
            return json_complain(scope, number, want, element);
        out[i] = element->valuedouble;
    }
    *count = n;
    return STATUS_OK;
}
