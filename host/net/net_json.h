// SPDX-License-Identifier: Apache-2.0
/* Strict reading of a user's JSON: every complaint names file, field and value. Knows nothing of
 * networks. */
#ifndef MPQ_NET_JSON_H
#define MPQ_NET_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>
#include "base/error.h"

/* An object of the file and its name in messages ("layers[2]", "" for the whole file). All
 * borrowed. */
struct json_scope {
    const char *label; /* the file */
    const cJSON *object;
    char where[96];
    struct error *err;
};

struct json_range {
    double low, high; /* inclusive */
};

/* Status with "label: where.key: want WANT, got VALUE" (value: the JSON text of the field,
 * "nothing" if NULL). */
MUST_CHECK enum status json_complain(const struct json_scope *scope, const char *key,
                                     const char *want, const cJSON *value);

/* Scope of a member that must be an object; out->object is NULL if there is none. */
MUST_CHECK enum status json_enter(const struct json_scope *scope, const char *key,
                                  struct json_scope *out);

/* Fails on a member whose name is not in allowed (NULL-terminated) or comes twice. "comment", a
 * text, is always allowed and means nothing. */
MUST_CHECK enum status json_check_keys(const struct json_scope *scope, const char *const *allowed);

/* Fails if there is no such member. */
MUST_CHECK enum status json_require(const struct json_scope *scope, const char *key);

/* Each reads a member into *out and leaves *out as it was if there is none. */
MUST_CHECK enum status json_get_int(const struct json_scope *scope, const char *key,
                                    struct json_range range, int *out);
MUST_CHECK enum status json_get_float(const struct json_scope *scope, const char *key,
                                      struct json_range range, float *out);
MUST_CHECK enum status json_get_bool(const struct json_scope *scope, const char *key, bool *out);
/* A whole number that a double holds exactly, from 0 to 2^53. */
MUST_CHECK enum status json_get_seed(const struct json_scope *scope, const char *key,
                                     uint64_t *out);
/* Which of the names (NULL-terminated) the text is. */
MUST_CHECK enum status json_get_choice(const struct json_scope *scope, const char *key,
                                       const char *const *names, int *out);
/* Text of 1..size-1 bytes. */
MUST_CHECK enum status json_get_text(const struct json_scope *scope, const char *key, char *out,
                                     size_t size);
/* A number, or a list of 1..max of them. *count is 1 for a plain number; both are left alone if
 * there is no member. */
MUST_CHECK enum status json_get_doubles(const struct json_scope *scope, const char *key,
                                        struct json_range range, double *out, int max, int *count);

#endif
