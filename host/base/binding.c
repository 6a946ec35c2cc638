// SPDX-License-Identifier: Apache-2.0
#include "base/binding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 64 };

/* Two values that differ, and what to call them. */
struct difference {
    const char *label, *was, *is;
};

static enum status cannot_resume(const struct binding *binding, size_t which, const char *path,
                                 const struct difference *difference, struct error *err)
{
    return error_set(err, STATUS_USAGE,
                     "%.128s: cannot resume: it was begun with another %s (%s %s, now %s); give "
                     "the same again, another %s (-o), or --force to start over",
                     path, binding->fields[which].option, difference->label, difference->was,
                     difference->is, binding->place);
}

/* What stands at text, up to the end of the line. */
static void copy_line(const char *text, bool is_cut, char out[LINE_BYTES])
{
    if (!is_cut)
        text += strspn(text, " \t");
    snprintf(out, LINE_BYTES, "%s%.*s", is_cut ? "..." : "", (int)strcspn(text, "\r\n"), text);
}

static enum status lines_differ(const struct binding *binding, size_t which, const char *path,
                                const char *old, const char *now, struct error *err)
{
    char label[32], was[LINE_BYTES], is[LINE_BYTES];
    size_t at = 0, line = 0;
    int number = 1;
    for (; old[at] && old[at] == now[at]; at++)
        if (old[at] == '\n') {
            line = at + 1;
            number++;
        }
    const bool is_cut = at - line > LINE_BYTES / 2;
    const size_t from = is_cut ? at - LINE_BYTES / 2 : line;
    copy_line(old + from, is_cut, was);
    copy_line(now + from, is_cut, is);
    snprintf(label, sizeof label, "line %d:", number);
    const struct difference difference = {label, was, is};
    return cannot_resume(binding, which, path, &difference, err);
}

static enum status values_differ(const struct binding *binding, size_t which, const char *path,
                                 const cJSON *old, const cJSON *now, struct error *err)
{
    char *was = cJSON_PrintUnformatted(old), *is = cJSON_PrintUnformatted(now);
    const struct difference difference = {binding->fields[which].name, was ? was : "missing",
                                          is ? is : "missing"};
    const enum status status = cannot_resume(binding, which, path, &difference, err);
    free(was);
    free(is);
    return status;
}

static enum status check_field(const struct binding *binding, size_t which, const char *path,
                               const cJSON *old, const cJSON *now, struct error *err)
{
    if (cJSON_Compare(old, now, true))
        return STATUS_OK;
    if (binding->fields[which].is_text && cJSON_IsString(old) && cJSON_IsString(now))
        return lines_differ(binding, which, path, cJSON_GetStringValue(old),
                            cJSON_GetStringValue(now), err);
    return values_differ(binding, which, path, old, now, err);
}

enum status binding_check(const struct binding *binding, const char *old_text, cJSON *now,
                          const char *path, struct error *err)
{
    cJSON *old = cJSON_Parse(old_text);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < binding->field_count && status == STATUS_OK; i++) {
        const char *name = binding->fields[i].name;
        status = check_field(binding, i, path, cJSON_GetObjectItemCaseSensitive(old, name),
                             cJSON_GetObjectItemCaseSensitive(now, name), err);
    }
    cJSON_Delete(old);
    cJSON_Delete(now);
    return status;
}
