// SPDX-License-Identifier: Apache-2.0
#include "data/csv_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* NaN if the text is not a number as a whole. */
static double number_of(const char *text)
{
    char *end = NULL;
    const double value = strtod(text, &end);
    return *text && !*end ? value : (double)NAN;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_numbers(const void *a, const void *b)
{
    const double x = number_of(*(const char *const *)a), y = number_of(*(const char *const *)b);
    return x != y ? (x > y) - (x < y) : compare_texts(a, b);
}

static bool is_class(const char *text, int class_count)
{
    const double value = number_of(text);
    return value >= 0 && value < class_count && value == floor(value);
}

/* Sorts the texts and keeps one of each. */
static int sort_unique(const char **texts, size_t count, bool all_numbers)
{
    size_t kept = 0;
    qsort(texts, count, sizeof *texts, all_numbers ? compare_numbers : compare_texts);
    for (size_t i = 0; i < count; i++)
        if (!kept || strcmp(texts[kept - 1], texts[i]) != 0)
            texts[kept++] = texts[i];
    return (int)kept;
}

enum status csv_labels_learn(struct csv_labels *labels, const char *const *texts, size_t count,
                             const char *path, const char *column, struct error *err)
{
    bool all_numbers = true;
    labels->is_direct = true;
    for (size_t i = 0; i < count; i++) {
        all_numbers = all_numbers && isfinite(number_of(texts[i]));
        labels->is_direct = labels->is_direct && is_class(texts[i], labels->class_count);
    }
    if (labels->is_direct)
        return STATUS_OK;
    labels->texts = malloc((count + 1) * sizeof *labels->texts);
    if (!labels->texts)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", path);
    memcpy(labels->texts, texts, count * sizeof *texts);
    labels->count = sort_unique(labels->texts, count, all_numbers);
    if (labels->count > labels->class_count)
        return error_set(err, STATUS_INPUT,
                         "%s: column \"%s\" has %d different labels, the model %d classes; correct "
                         "\"classes\" or \"label\"",
                         path, column, labels->count, labels->class_count);
    return STATUS_OK;
}

void csv_labels_free(struct csv_labels *labels)
{
    free(labels->texts);
    labels->texts = NULL;
}

int csv_labels_find(const struct csv_labels *labels, const char *text)
{
    if (labels->is_direct)
        return is_class(text, labels->class_count) ? (int)number_of(text) : -1;
    for (int i = 0; i < labels->count; i++)
        if (!strcmp(labels->texts[i], text))
            return i;
    return -1;
}
