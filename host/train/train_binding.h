// SPDX-License-Identifier: Apache-2.0
/* What a training depends on, as text: an interrupted one goes on with nothing else. */
#ifndef MPQ_TRAIN_BINDING_H
#define MPQ_TRAIN_BINDING_H

#include "data/dataset.h"
#include "base/error.h"
#include "net/net.h"

/* Borrowed. */
struct train_binding {
    const struct net *net; /* text of the model, and epochs of the recipe */
    uint64_t seed;
    const struct data_split *data;
    size_t limit;       /* --limit that the data were loaded with */
    const char *device; /* kind, in words */
};

/* *out: JSON text, to be freed; NULL on failure. Reads all data. */
MUST_CHECK enum status train_binding_text(const struct train_binding *binding, char **out,
                                          struct error *err);
/* old: what train_binding_text() gave for the training that path holds. STATUS_USAGE, with both
 * values and what to do, if something differs. */
MUST_CHECK enum status train_binding_check(const struct train_binding *binding, const char *old,
                                           const char *path, struct error *err);

#endif
