// SPDX-License-Identifier: Apache-2.0
#include "train/train_binding.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32.h"

enum { VALUE_BYTES = 64 };

/* Fields and where a user sets them. The model's text comes first: much else follows from it. */
static const struct {
    const char *field, *option;
} BINDINGS[] = {
    {"mpq", "version of mpq"}, {"model", "MODEL.json"}, {"seed", "--seed"},
    {"epochs", "--epochs"},    {"limit", "--limit"},    {"device", "--device"},
    {"data_crc32", "--data"},
};

/* Images, labels, and what an image's integers are worth. */
static uint32_t data_identity(const struct data_split *data)
{
    const uint32_t crc = data_crc(data);
    return crc32_update(crc, &data->train.scale, sizeof data->train.scale);
}

static cJSON *binding_object(const struct train_binding *binding)
{
    const struct net_recipe *recipe = &binding->net->recipe;
    char seed[24], crc[12];
    cJSON *object = cJSON_CreateObject();
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)binding->seed);
    snprintf(crc, sizeof crc, "%08x", (unsigned)data_identity(binding->data));
    cJSON_AddStringToObject(object, "mpq", MPQ_VERSION);
    cJSON_AddStringToObject(object, "model", binding->net->json_text);
    cJSON_AddStringToObject(object, "seed", seed);
    cJSON_AddItemToObject(object, "epochs",
                          cJSON_CreateIntArray(recipe->epochs, recipe->phase_count));
    cJSON_AddNumberToObject(object, "limit", (double)binding->limit);
    cJSON_AddStringToObject(object, "device", binding->device);
    cJSON_AddStringToObject(object, "data_crc32", crc);
    return object;
}

enum status train_binding_text(const struct train_binding *binding, char **out, struct error *err)
{
    cJSON *object = binding_object(binding);
    *out = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return *out ? STATUS_OK
                : error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to train",
                            binding->net->name);
}

/* What stands at text, up to the end of the line. */
static void copy_line(const char *text, bool is_cut, char out[VALUE_BYTES])
{
    if (!is_cut)
        text += strspn(text, " \t");
    snprintf(out, VALUE_BYTES, "%s%.*s", is_cut ? "..." : "", (int)strcspn(text, "\r\n"), text);
}

/* "line 14: "batch": 64", and the same of the present text: where they begin to differ. */
static void tell_lines(const char *old, const char *now, char was[2 * VALUE_BYTES],
                       char is[VALUE_BYTES])
{
    char text[VALUE_BYTES];
    size_t at = 0, line = 0;
    int number = 1;
    for (; old[at] && old[at] == now[at]; at++)
        if (old[at] == '\n') {
            line = at + 1;
            number++;
        }
    const bool is_cut = at - line > VALUE_BYTES / 2;
    const size_t from = is_cut ? at - VALUE_BYTES / 2 : line;
    copy_line(old + from, is_cut, text);
    copy_line(now + from, is_cut, is);
    snprintf(was, 2 * VALUE_BYTES, "line %d: %s", number, text);
}

static void tell_values(const char *field, const cJSON *old, const cJSON *now,
                        char was[2 * VALUE_BYTES], char is[VALUE_BYTES])
{
    char *old_text = cJSON_PrintUnformatted(old), *now_text = cJSON_PrintUnformatted(now);
    snprintf(was, 2 * VALUE_BYTES, "%s %s", field, old_text ? old_text : "missing");
    snprintf(is, VALUE_BYTES, "%s", now_text ? now_text : "missing");
    free(old_text);
    free(now_text);
}

static enum status differs(const char *path, size_t which, const cJSON *old, const cJSON *now,
                           struct error *err)
{
    const char *field = BINDINGS[which].field;
    char was[2 * VALUE_BYTES], is[VALUE_BYTES];
    if (strcmp(field, "model") == 0 && cJSON_IsString(old) && cJSON_IsString(now))
        tell_lines(cJSON_GetStringValue(old), cJSON_GetStringValue(now), was, is);
    else
        tell_values(field, old, now, was, is);
    return error_set(err, STATUS_USAGE,
                     "%.128s: cannot resume: it was begun with another %s (%s, now %s); give the "
                     "same again, another file (-o), or --force to start over",
                     path, BINDINGS[which].option, was, is);
}

enum status train_binding_check(const struct train_binding *binding, const char *old_text,
                                const char *path, struct error *err)
{
    cJSON *old = cJSON_Parse(old_text), *now = binding_object(binding);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof BINDINGS / sizeof *BINDINGS && status == STATUS_OK; i++) {
        const cJSON *a = cJSON_GetObjectItemCaseSensitive(old, BINDINGS[i].field);
        const cJSON *b = cJSON_GetObjectItemCaseSensitive(now, BINDINGS[i].field);
        if (!cJSON_Compare(a, b, true))
            status = differs(path, i, a, b, err);
    }
    cJSON_Delete(old);
    cJSON_Delete(now);
    return status;
}
