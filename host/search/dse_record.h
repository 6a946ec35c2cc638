// SPDX-License-Identifier: Apache-2.0
/* What a search writes into its journal: a header that binds it to model, target and options, then
 * a record for each finished candidate, and one for each that was screened. A later record of the
 * same candidate (more images verified) replaces the earlier one. */
#ifndef MPQ_DSE_RECORD_H
#define MPQ_DSE_RECORD_H

#include "results/results.h"
#include "search/journal.h"

/* Everything that a finished candidate depends on. */
struct dse_binding {
    const struct results *results; /* model, seed, versions, search and float accuracies */
    uint32_t model_crc, data_crc, target_crc;
};

MUST_CHECK enum status dse_record_header(const struct dse_binding *binding, char **text,
                                         struct error *err);

/* STATUS_USAGE if the journal was begun with something else; the text names the option and both
 * values. */
MUST_CHECK enum status dse_record_check_header(const struct journal *journal, const char *path,
                                               const struct dse_binding *binding,
                                               struct error *err);

MUST_CHECK enum status dse_record_append(struct journal *journal, const struct candidate *candidate,
                                         int layer_count, struct error *err);

/* Keeps bits, val_accuracy and val_loss only. */
MUST_CHECK enum status dse_record_append_screened(struct journal *journal,
                                                  const struct candidate *candidate,
                                                  int layer_count, struct error *err);

/* Reads record number i of the journal. *screened: it is one of a screened candidate. */
MUST_CHECK enum status dse_record_read(const struct journal *journal, size_t i, int layer_count,
                                       struct candidate *out, bool *screened, struct error *err);

#endif
