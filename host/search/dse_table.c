// SPDX-License-Identifier: Apache-2.0
/* Candidates by their widths. */
#include "search/dse_table.h"

#include <stdlib.h>
#include <string.h>

void dse_table_free(struct dse_table *table)
{
    for (size_t i = 0; table->slots && i < table->size; i++) {
        free(table->slots[i]);
    }
    free(table->slots);
    table->slots = NULL;
    table->size = table->count = 0;
}

/* FNV-1a (Fowler, Noll, Vo) over the widths. */
static size_t hash(const struct dse_table *table, const int *bits)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (int i = 0; i < table->space->layer_count; i++) {
        value = (value ^ (uint64_t)bits[i]) * 0x100000001b3u;
    }
    return (size_t)(value ^ value >> 32);
}

/* The slot that holds bits, or the free one where they belong. table->size > 0. */
static struct candidate **find_slot(const struct dse_table *table, const int *bits)
{
    const size_t bytes = (size_t)table->space->layer_count * sizeof *bits;
    size_t at = hash(table, bits) & (table->size - 1);
    while (table->slots[at] && memcmp(table->slots[at]->bits, bits, bytes) != 0) {
        at = (at + 1) & (table->size - 1);
    }
    return &table->slots[at];
}

static bool grow(struct dse_table *table)
{
    enum { FIRST_SIZE = 64 };
    struct dse_table larger = *table;
    larger.size = table->size ? 2 * table->size : FIRST_SIZE;
    larger.slots = calloc(larger.size, sizeof(struct candidate *));
    if (!larger.slots) {
        return false;
    }
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i]) {
            *find_slot(&larger, table->slots[i]->bits) = table->slots[i];
        }
    }
    free(table->slots);
    *table = larger;
    return true;
}

struct candidate *dse_table_find(const struct dse_table *table, const int *bits)
{
    return table->size ? *find_slot(table, bits) : NULL;
}

struct candidate *dse_table_get(struct dse_table *table, const int *bits)
{
    struct candidate *found = dse_table_find(table, bits);
    if (found) {
        return found;
    }
    if (2 * (table->count + 1) > table->size && !grow(table)) {
        return NULL;
    }
    found = calloc(1, sizeof *found);
    if (found) {
        memcpy(found->bits, bits, (size_t)table->space->layer_count * sizeof *bits);
        found->index = dse_space_index(table->space, bits);
        *find_slot(table, bits) = found;
        table->count++;
    }
    return found;
}

static int compare(const void *a, const void *b, void *space)
{
    const struct candidate *const *x = a, *const *y = b;
    return dse_space_compare(space, (*x)->bits, (*y)->bits);
}

struct candidate **dse_table_list(const struct dse_table *table)
{
    struct candidate **list = calloc(table->count + 1, sizeof(struct candidate *));
    size_t count = 0;
    for (size_t i = 0; list && i < table->size; i++) {
        if (table->slots[i]) {
            list[count++] = table->slots[i];
        }
    }
    if (list) {
        qsort_r(list, count, sizeof *list, compare, (void *)table->space);
    }
    return list;
}
