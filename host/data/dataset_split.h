// SPDX-License-Identifier: Apache-2.0
/* Which items belong to training, validation and test. */
#ifndef MPQ_DATASET_SPLIT_H
#define MPQ_DATASET_SPLIT_H

#include "data/dataset_raw.h"

/* Items order[0..count-1] of from; order NULL: the first count. Both borrowed. */
struct data_part {
    const struct raw_data *from;
    const uint32_t *order;
    size_t count;
};

struct data_parts {
    struct data_part parts[NET_PARTS];
    uint32_t *order; /* of the training files' items; owned */
};

/* Shuffles the items of raw[NET_TRAIN] with the split's seed, or else the recipe's. From the front
 * of that order the test part is taken, unless it has files of its own; then validation, unless it
 * has files; the rest trains, one item at least. Shares are fractions of all items. Stratified: the
 * order is such that every run of consecutive items has each class in its share, to within one
 * item. raw is borrowed. */
MUST_CHECK enum status data_split_parts(const struct net *net, const struct raw_data *raw,
                                        struct data_parts *out, struct error *err);

/* Cuts each part, from its end, to limit items; training and validation together where they come
 * from the same files, in proportion. */
void data_limit_parts(struct data_parts *parts, size_t limit);

void data_free_parts(struct data_parts *parts);

#endif
