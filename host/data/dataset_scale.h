// SPDX-License-Identifier: Apache-2.0
/* From what files hold to the bytes that the network takes.
 *
 * Bytes are taken as they are; for a signed input 128 is subtracted. Real values x become
 *   common    round(x / s), one step s for all: the largest magnitude / 255, signed / 127
 *   minmax    round(255 (x - low) / (high - low)) with column c's least and greatest value
 *   standard  128 + round(32 (x - mean) / deviation) with column c's; four deviations fit
 * clamped to 0..255; minmax and standard subtract 128 for a signed input, common clamps to
 * -128..127. A column without spread becomes 0 (minmax) or 128 (standard). Missing values are the
 * column's mean. Learned on the training part only, unless net->data.fit_all.
 *
 * Real value of one step: net->input_scale, or else s, 1/32 for standard, 1/255 for the others. */
#ifndef MPQ_DATASET_SCALE_H
#define MPQ_DATASET_SCALE_H

#include "data/dataset.h"
#include "data/dataset_split.h"

/* byte = clamp(round(zero + steps * (x - middle[c]) / spread[c])), zero without spread; then minus
 * 128 if signed. */
struct data_scaling {
    bool is_signed;
    float scale;
    double zero, steps;
    double *middle, *spread, *fill; /* [values of an item]; NULL for bytes */
};

/* *out is freed by the caller, after a failure too. */
MUST_CHECK enum status data_scaling_learn(const struct net *net, const struct data_parts *parts,
                                          struct data_scaling *out, struct error *err);
void data_scaling_free(struct data_scaling *scaling);

/* Makes a part's data set. *out is overwritten; data_free() frees what was made, after a failure
 * too. */
MUST_CHECK enum status data_scaling_apply(const struct data_scaling *scaling, const struct net *net,
                                          const struct data_part *part, struct dataset *out,
                                          struct error *err);

#endif
