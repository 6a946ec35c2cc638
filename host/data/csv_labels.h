// SPDX-License-Identifier: Apache-2.0
/* From the texts of a label column to class numbers. */
#ifndef MPQ_CSV_LABELS_H
#define MPQ_CSV_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct csv_labels {
    int class_count;
    bool is_direct;     /* the texts are class numbers themselves */
    const char **texts; /* else: [count] in the order of their classes; texts borrowed */
    int count;
};

/* Learns the classes of texts[count], of column `column` of path. Whole numbers that are all below
 * class_count are classes themselves; other texts are sorted, by value if all are numbers, else by
 * bytes. Fails if they are more than class_count. */
MUST_CHECK enum status csv_labels_learn(struct csv_labels *labels, const char *const *texts,
                                        size_t count, const char *path, const char *column,
                                        struct error *err);
void csv_labels_free(struct csv_labels *labels);

/* The class of a text, or -1. */
int csv_labels_find(const struct csv_labels *labels, const char *text);

#endif
