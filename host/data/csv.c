// SPDX-License-Identifier: Apache-2.0
#include "data/csv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char BYTE_ORDER_MARK[] = "\xef\xbb\xbf";

void csv_start(struct csv *csv, const char *path, char *text, size_t size)
{
    *csv = (struct csv){.path = path, .at = text, .end = text + size};
    *csv->end = '\0';
    if (size >= 3 && !memcmp(text, BYTE_ORDER_MARK, 3))
        csv->at += 3;
}

void csv_free(struct csv *csv)
{
    free(csv->fields);
    csv->fields = NULL;
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

static char *skip_blanks(char *at)
{
    return at + strspn(at, " \t");
}

/* From behind the opening quote. The field is moved together over doubled quotes. NULL: it is never
 * closed. */
static char *read_quoted(struct csv *csv)
{
    char *field = csv->at, *to = field;
    for (char *from = field; from < csv->end; from++) {
        if (*from == '"' && from[1] != '"') {
            csv->at = skip_blanks(from + 1);
            *to = '\0';
            return field;
        }
        from += *from == '"';
        *to++ = *from;
    }
    return NULL;
}

/* csv->at stays at the separator, which the caller overwrites only after a look at it. */
static char *read_plain(struct csv *csv, char **tail)
{
    char *field = csv->at;
    csv->at += strcspn(csv->at, ",\r\n");
    *tail = csv->at;
    while (*tail > field && ((*tail)[-1] == ' ' || (*tail)[-1] == '\t'))
        --*tail;
    return field;
}

static enum status add_field(struct csv *csv, char *field, struct error *err)
{
    if (csv->count == csv->capacity) {
        const size_t capacity = csv->capacity ? 2 * csv->capacity : 64;
        char **fields = realloc(csv->fields, capacity * sizeof *fields);
        if (!fields)
            return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", csv->path);
        csv->fields = fields;
        csv->capacity = capacity;
    }
    csv->fields[csv->count++] = field;
    return STATUS_OK;
}

/* One field and what ends it, which goes to *ending. */
static enum status read_field(struct csv *csv, char *ending, struct error *err)
{
    char *tail = NULL, *field = NULL;
    csv->at = skip_blanks(csv->at);
    if (*csv->at == '"') {
        csv->at++;
        field = read_quoted(csv);
        if (!field)
            return error_set(err, STATUS_INPUT, "%s: row %zu: a quote is never closed", csv->path,
                             csv->row);
    } else {
        field = read_plain(csv, &tail);
    }
    *ending = *csv->at;
    if (*ending != ',' && !is_break(*ending) && csv->at != csv->end)
        return error_set(err, STATUS_INPUT, "%s: row %zu: %s", csv->path, csv->row,
                         *ending ? "text behind a closing quote" : "has a zero byte");
    if (tail)
        *tail = '\0';
    csv->at += csv->at != csv->end;
    return add_field(csv, field, err);
}

enum status csv_next(struct csv *csv, struct error *err)
{
    char ending = ',';
    csv->count = 0;
    csv->row++;
    while (is_break(*csv->at))
        csv->at++;
    if (csv->at == csv->end)
        return STATUS_OK;
    while (ending == ',') {
        const enum status status = read_field(csv, &ending, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
