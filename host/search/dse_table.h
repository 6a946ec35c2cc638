// SPDX-License-Identifier: Apache-2.0
/* Candidates by their widths. Used by dse*.c only. */
#ifndef MPQ_DSE_TABLE_H
#define MPQ_DSE_TABLE_H

#include "search/dse.h"

/* Empty: {.space = ...}; open addressing with linear probing, at most half full. */
struct dse_table {
    const struct dse_space *space; /* borrowed */
    struct candidate **slots;      /* [size]; owned */
    size_t size, count;
};

void dse_table_free(struct dse_table *table);

/* NULL: there is none. */
struct candidate *dse_table_find(const struct dse_table *table, const int *bits);

/* The entry for bits, made if there is none, with bits and index set; NULL: no memory. It stays
 * where it is until it is removed. */
struct candidate *dse_table_get(struct dse_table *table, const int *bits);

/* All entries in the space's order; free() the list. NULL: no memory. */
struct candidate **dse_table_list(const struct dse_table *table);

#endif
