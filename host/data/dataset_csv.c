// SPDX-License-Identifier: Apache-2.0
/* CSV tables: a row an item, a column an input. All files have the columns of the training file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/csv.h"
#include "data/csv_labels.h"
#include "data/dataset_formats.h"

enum { CELL_BYTES = 40, ROWS_AT_FIRST = 256 };

/* One file: what its columns are, and its rows. */
struct table {
    const struct net *net;
    char path[DATA_PATH_BYTES];
    char *text; /* that csv and labels point into */
    struct csv csv;
    size_t column_count;
    int label_column;
    bool *is_input;                  /* [column_count] */
    char (*names)[NET_COLUMN_BYTES]; /* [column_count], long ones cut */
    size_t count, capacity, size;    /* rows; inputs of a row */
    float *values;                   /* [count][size] */
    const char **labels;             /* [count] */
    size_t *rows;                    /* [count] their numbers */
};

static void table_free(struct table *table)
{
    csv_free(&table->csv);
    free(table->text);
    free(table->is_input);
    free(table->names);
    free(table->values);
    free(table->labels);
    free(table->rows);
}

static enum status no_memory(const struct table *table, struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", table->path);
}

/* ---- Header ---- */

static int find_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (!strcmp(table->names[i], name))
            return (int)i;
    return -1;
}

/* The column of a name in the model file. */
static enum status require_column(const struct table *table, const char *field, const char *name,
                                  int *column, struct error *err)
{
    *column = find_column(table, name);
    if (*column >= 0)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "%s: row 1: no column \"%s\"; correct the model's data.%s or the file",
                     table->path, name, field);
}

static enum status choose_inputs(struct table *table, struct error *err)
{
    const struct net_data *data = &table->net->data;
    enum status status = require_column(table, "label", data->label, &table->label_column, err);
    for (size_t i = 0; i < table->column_count; i++)
        table->is_input[i] = true;
    if (status == STATUS_OK)
        table->is_input[table->label_column] = false;
    for (int i = 0; status == STATUS_OK && i < data->drop_count; i++) {
        int column = 0;
        status = require_column(table, "drop", data->drop[i], &column, err);
        if (status == STATUS_OK)
            table->is_input[column] = false;
    }
    for (size_t i = 0; status == STATUS_OK && i < table->column_count; i++)
        table->size += table->is_input[i];
    return status;
}

static enum status read_header(struct table *table, struct error *err)
{
    const struct net *net = table->net;
    enum status status = csv_next(&table->csv, err);
    if (status != STATUS_OK)
        return status;
    table->column_count = table->csv.count;
    if (!table->column_count)
        return error_set(err, STATUS_INPUT, "%s: row 1: want a header with column names",
                         table->path);
    table->is_input = calloc(table->column_count, sizeof *table->is_input);
    table->names = calloc(table->column_count, sizeof *table->names);
    if (!table->is_input || !table->names)
        return no_memory(table, err);
    for (size_t i = 0; i < table->column_count; i++)
        snprintf(table->names[i], sizeof table->names[i], "%.*s", NET_COLUMN_BYTES - 1,
                 table->csv.fields[i]);
    status = choose_inputs(table, err);
    if (status == STATUS_OK && table->size != shape_size(net->input))
        return error_set(err, STATUS_INPUT,
                         "%s: row 1: %zu input columns (label and dropped ones left out), but %s "
                         "takes %dx%dx%d; correct data.drop or \"input\"",
                         table->path, table->size, net->name, net->input.h, net->input.w,
                         net->input.c);
    return status;
}

/* ---- Rows ---- */

static bool is_missing(const char *text)
{
    static const char *const words[] = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(text, words[i]))
            return true;
    return false;
}

static enum status read_cell(const struct table *table, size_t column, float *out,
                             struct error *err)
{
    const char *text = table->csv.fields[column];
    char *end = NULL;
    *out = NAN;
    if (is_missing(text))
        return STATUS_OK;
    *out = strtof(text, &end);
    if (!*end && isfinite(*out))
        return STATUS_OK;
    *out = NAN;
    if (table->net->data.text_is_missing)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "%s: row %zu, column \"%s\": \"%.*s\" is no number; correct it or add the "
                     "column to data.drop",
                     table->path, table->csv.row, table->names[column], CELL_BYTES, text);
}

static enum status grow(struct table *table, struct error *err)
{
    if (table->count < table->capacity)
        return STATUS_OK;
    const size_t capacity = table->capacity ? 2 * table->capacity : ROWS_AT_FIRST;
    float *values = realloc(table->values, capacity * table->size * sizeof *values);
    table->values = values ? values : table->values;
    const char **labels = realloc(table->labels, capacity * sizeof *labels);
    table->labels = labels ? labels : table->labels;
    size_t *rows = realloc(table->rows, capacity * sizeof *rows);
    table->rows = rows ? rows : table->rows;
    if (!values || !labels || !rows)
        return no_memory(table, err);
    table->capacity = capacity;
    return STATUS_OK;
}

static enum status add_row(struct table *table, struct error *err)
{
    const struct csv *csv = &table->csv;
    if (csv->count != table->column_count)
        return error_set(err, STATUS_INPUT, "%s: row %zu: %zu fields, want %zu as in the header",
                         table->path, csv->row, csv->count, table->column_count);
    enum status status = grow(table, err);
    if (status != STATUS_OK)
        return status;
    float *values = table->values + table->count * table->size;
    for (size_t i = 0; status == STATUS_OK && i < table->column_count; i++)
        if (table->is_input[i])
            status = read_cell(table, i, values++, err);
    table->labels[table->count] = csv->fields[table->label_column];
    table->rows[table->count] = csv->row;
    if (status == STATUS_OK && is_missing(table->labels[table->count]))
        return error_set(err, STATUS_INPUT, "%s: row %zu, column \"%s\": the label is missing",
                         table->path, csv->row, table->names[table->label_column]);
    table->count += status == STATUS_OK;
    return status;
}

static enum status table_read(struct table *table, const char *folder, const char *name,
                              struct error *err)
{
    size_t size = 0;
    uint8_t *bytes = NULL;
    enum status status = data_path(folder, name, table->path, err);
    if (status == STATUS_OK)
        status = file_read(table->path, DATA_FILE_MAX, &bytes, &size, err);
    if (status != STATUS_OK)
        return status;
    table->text = (char *)bytes; /* file_read() leaves room for one more byte */
    csv_start(&table->csv, table->path, table->text, size);
    status = read_header(table, err);
    while (status == STATUS_OK && table->csv.count) {
        status = csv_next(&table->csv, err);
        if (status == STATUS_OK && table->csv.count)
            status = add_row(table, err);
    }
    if (status == STATUS_OK && !table->count)
        return error_set(err, STATUS_INPUT, "%s: row 2: want at least one row of data",
                         table->path);
    return status;
}

/* ---- Tables to data ---- */

static enum status check_same_columns(const struct table *train, const struct table *table,
                                      struct error *err)
{
    for (size_t i = 0; i < train->column_count || i < table->column_count; i++)
        if (i >= train->column_count || i >= table->column_count ||
            strcmp(train->names[i], table->names[i]) != 0)
            return error_set(err, STATUS_INPUT,
                             "%s: row 1: column %zu is \"%s\", in %s \"%s\"; want the same columns",
                             table->path, i + 1, i < table->column_count ? table->names[i] : "",
                             train->path, i < train->column_count ? train->names[i] : "");
    return STATUS_OK;
}

static enum status take_labels(const struct table *table, const struct csv_labels *labels,
                               struct raw_data *out, struct error *err)
{
    for (size_t i = 0; i < table->count; i++) {
        const int label = csv_labels_find(labels, table->labels[i]);
        if (label < 0)
            return error_set(err, STATUS_INPUT,
                             "%s: row %zu, column \"%s\": the training data have no label \"%.*s\"",
                             table->path, table->rows[i], table->names[table->label_column],
                             CELL_BYTES, table->labels[i]);
        out->labels[i] = (uint16_t)label;
    }
    return STATUS_OK;
}

static enum status table_take(const struct table *table, const struct csv_labels *labels,
                              struct raw_data *out, struct error *err)
{
    const enum status status = raw_create(table->net, table->path, table->count, true, out, err);
    if (status != STATUS_OK)
        return status;
    memcpy(out->values, table->values, table->count * table->size * sizeof *out->values);
    out->columns = calloc(table->size, sizeof *out->columns);
    if (!out->columns)
        return no_memory(table, err);
    for (size_t i = 0, to = 0; i < table->column_count; i++)
        if (table->is_input[i])
            memcpy(out->columns[to++], table->names[i], sizeof *out->columns);
    return take_labels(table, labels, out, err);
}

enum status dataset_csv_read(const struct net *net, const char *folder,
                             struct raw_data parts[NET_PARTS], struct error *err)
{
    struct csv_labels labels = {.class_count = net->class_count};
    struct table *tables = calloc(NET_PARTS, sizeof *tables), *train = tables;
    enum status status = STATUS_OK;
    if (!tables)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", folder);
    for (int p = 0; status == STATUS_OK && p < NET_PARTS; p++) {
        tables[p].net = net;
        if (!*net->data.files[p].images)
            continue;
        status = table_read(&tables[p], folder, net->data.files[p].images, err);
        if (status == STATUS_OK)
            status = check_same_columns(train, &tables[p], err);
        if (status == STATUS_OK && p == NET_TRAIN)
            status = csv_labels_learn(&labels, train->labels, train->count, train->path,
                                      net->data.label, err);
        if (status == STATUS_OK)
            status = table_take(&tables[p], &labels, &parts[p], err);
    }
    for (int p = 0; p < NET_PARTS; p++)
        table_free(&tables[p]);
    free(tables);
    csv_labels_free(&labels);
    return status;
}
