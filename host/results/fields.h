// SPDX-License-Identifier: Apache-2.0
/* Fields of JSON objects, checked while they are read: the first fault is remembered, so that the
 * caller asks once, at the end. What could not be read is 0, false, empty or NULL. */
#ifndef MPQ_FIELDS_H
#define MPQ_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>
#include "base/error.h"

struct fields {
    const char *label; /* names the text in errors */
    struct error *err;
    enum status status; /* begins as STATUS_OK */
};

/* The field is not what is wanted ("a number"). */
void fields_fault(struct fields *fields, const char *field, const char *wanted);

double fields_number(struct fields *fields, const cJSON *object, const char *field);
/* 0 to 2^53, which a JSON number holds exactly. */
uint64_t fields_integer(struct fields *fields, const cJSON *object, const char *field);
double fields_percent(struct fields *fields, const cJSON *object, const char *field);
bool fields_bool(struct fields *fields, const cJSON *object, const char *field);
/* A text that fits out with its end. */
void fields_text(struct fields *fields, const cJSON *object, const char *field, char *out,
                 size_t size);
const cJSON *fields_object(struct fields *fields, const cJSON *object, const char *field);
/* Weight widths of a list, into out. Returns their count, at most max. */
int fields_widths(struct fields *fields, const cJSON *object, const char *field, int *out, int max);

/* Adds the shortest text that reads back as the same double: cJSON's own numbers may be a last bit
 * off, and a search that is resumed would see two equal accuracies as different. Not finite: null. */
void fields_add_exact(cJSON *object, const char *field, double value);

#endif
