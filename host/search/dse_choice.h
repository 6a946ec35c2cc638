// SPDX-License-Identifier: Apache-2.0
/* What the arguments of a search decide: widths, method and limits, cores at a time. STATUS_USAGE
 * names the argument that cannot be. */
#ifndef MPQ_DSE_CHOICE_H
#define MPQ_DSE_CHOICE_H

#include "search/dse_run.h"

/* space->widths from a list like "8,4,2", the widest of which need not come first. */
MUST_CHECK enum status dse_choice_bits(const char *text, struct dse_space *space,
                                       struct error *err);
/* Method and limits from the options and the model's default (empty: none), by the size of
 * search->space where both are silent. */
MUST_CHECK enum status dse_choice_method(const struct dse_run_options *options, const char *preset,
                                         struct dse_options *search, struct error *err);
/* *jobs: cores at the same time; wanted 0: all of this machine for a simulator, one for each
 * board. */
MUST_CHECK enum status dse_choice_jobs(const char *const *targets, size_t target_count,
                                       size_t wanted, size_t *jobs, struct error *err);

#endif
