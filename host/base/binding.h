// SPDX-License-Identifier: Apache-2.0
/* What interrupted work belongs to: a JSON object of facts that must be the same when it is resumed.
 * Knows no fact: the caller says which there are, and where a user sets each. */
#ifndef MPQ_BINDING_H
#define MPQ_BINDING_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

struct binding_field {
    const char *name, *option; /* option: where a user sets it */
    bool is_text;              /* of several lines: the first one that differs is told */
};

struct binding {
    const struct binding_field *fields; /* compared in this order */
    size_t field_count;
    const char *place; /* what -o names: "file" or "folder" */
};

/* Compares what the old work in path began with (JSON text) with now, which is consumed. STATUS_USAGE
 * if a field differs: the text names its option and both values. */
MUST_CHECK enum status binding_check(const struct binding *binding, const char *old_text,
                                     cJSON *now, const char *path, struct error *err);

#endif
