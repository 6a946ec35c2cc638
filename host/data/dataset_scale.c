// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE_MAX = 255, SIGN_BIT = 0x80, STANDARD_STEPS = 32 };

/* What the training part says about one column. */
struct column {
    double low, high, sum, squares; /* squares: of the distance to the first value */
    double first;
    size_t count;
};

static size_t item_of(const struct data_part *part, size_t i)
{
    return part->order ? part->order[i] : i;
}

static void column_add(struct column *column, double value)
{
    if (!column->count++)
        column->low = column->high = column->first = value;
    column->low = value < column->low ? value : column->low;
    column->high = value > column->high ? value : column->high;
    column->sum += value - column->first;
    column->squares += (value - column->first) * (value - column->first);
}

static double column_mean(const struct column *column)
{
    return column->first + column->sum / (double)column->count;
}

static double column_deviation(const struct column *column)
{
    const double n = (double)column->count, mean = column->sum / n;
    const double variance = column->squares / n - mean * mean;
    return variance > 0 ? sqrt(variance) : 0;
}

static void measure_part(const struct data_part *part, struct column *columns)
{
    const size_t size = part->from->size;
    for (size_t i = 0; i < part->count; i++) {
        const float *item = part->from->values + item_of(part, i) * size;
        for (size_t c = 0; c < size; c++)
            if (!isnan(item[c]))
                column_add(&columns[c], (double)item[c]);
    }
}

static enum status check_columns(const struct net *net, const struct raw_data *raw,
                                 const struct column *columns, struct error *err)
{
    for (size_t c = 0; c < raw->size; c++)
        if (!columns[c].count && raw->columns)
            return error_set(err, STATUS_INPUT,
                             "%s: column \"%s\" has no value in the training part; add it to "
                             "data.drop",
                             net->data.files[NET_TRAIN].images, raw->columns[c]);
    return STATUS_OK;
}

/* One step for all columns. */
static enum status learn_common(const struct net *net, const struct column *columns, size_t size,
                                struct data_scaling *out, struct error *err)
{
    double low = 0, high = 0;
    for (size_t c = 0; c < size; c++) {
        low = columns[c].low < low ? columns[c].low : low;
        high = columns[c].high > high ? columns[c].high : high;
    }
    if (low < 0 && !net->input_signed)
        return error_set(err, STATUS_INPUT,
                         "%s: values down to %g, but the input is unsigned; set \"signed\" in the "
                         "model's \"input\"",
                         net->data.files[NET_TRAIN].images, low);
    const double largest = high > -low ? high : -low;
    const double steps = net->input_signed ? 127 : BYTE_MAX;
    if (!(out->scale > 0))
        out->scale = (float)(largest > 0 ? largest / steps : 1 / steps);
    out->zero = net->input_signed ? SIGN_BIT : 0;
    out->steps = 1;
    for (size_t c = 0; c < size; c++)
        out->spread[c] = (double)out->scale;
    return STATUS_OK;
}

static void learn_columns(const struct net *net, const struct column *columns, size_t size,
                          struct data_scaling *out)
{
    const bool standard = net->data.scaling == NET_SCALING_STANDARD;
    out->zero = standard ? SIGN_BIT : 0;
    out->steps = standard ? STANDARD_STEPS : BYTE_MAX;
    for (size_t c = 0; c < size; c++) {
        out->middle[c] = standard ? column_mean(&columns[c]) : columns[c].low;
        out->spread[c] =
            standard ? column_deviation(&columns[c]) : columns[c].high - columns[c].low;
    }
    if (!(out->scale > 0))
        out->scale = standard ? 1.0f / STANDARD_STEPS : 1.0f / BYTE_MAX;
}

static enum status learn_values(const struct net *net, const struct data_parts *parts,
                                struct data_scaling *out, struct error *err)
{
    const struct raw_data *raw = parts->parts[NET_TRAIN].from;
    struct column *columns = calloc(raw->size, sizeof *columns);
    out->middle = calloc(raw->size, sizeof *out->middle);
    out->spread = calloc(raw->size, sizeof *out->spread);
    out->fill = calloc(raw->size, sizeof *out->fill);
    enum status status = STATUS_OK;
    if (!columns || !out->middle || !out->spread || !out->fill) {
        status =
            error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to scale the data", net->name);
        goto out;
    }
    for (int p = NET_TRAIN; p < (net->data.fit_all ? NET_PARTS : NET_TRAIN + 1); p++)
        measure_part(&parts->parts[p], columns);
    status = check_columns(net, raw, columns, err);
    if (status != STATUS_OK)
        goto out;
    for (size_t c = 0; c < raw->size; c++)
        out->fill[c] = column_mean(&columns[c]);
    if (net->data.scaling == NET_SCALING_COMMON)
        status = learn_common(net, columns, raw->size, out, err);
    else
        learn_columns(net, columns, raw->size, out);
out:
    free(columns);
    return status;
}

enum status data_scaling_learn(const struct net *net, const struct data_parts *parts,
                               struct data_scaling *out, struct error *err)
{
    const bool is_real = parts->parts[NET_TRAIN].from->values != NULL;
    *out = (struct data_scaling){.is_signed = net->input_signed, .scale = net->input_scale};
    for (int p = 0; p < NET_PARTS; p++)
        if (parts->parts[p].count && (parts->parts[p].from->values != NULL) != is_real)
            return error_set(err, STATUS_INPUT,
                             "%s: some of its data are bytes and some real values; want all of a "
                             "kind",
                             net->name);
    if (is_real)
        return learn_values(net, parts, out, err);
    if (net->data.scaling != NET_SCALING_COMMON)
        return error_set(err, STATUS_INPUT,
                         "%s: bytes are taken as they are; leave out the model's data.scaling",
                         net->data.files[NET_TRAIN].images);
    if (!(out->scale > 0))
        out->scale = 1.0f / BYTE_MAX;
    return STATUS_OK;
}

void data_scaling_free(struct data_scaling *scaling)
{
    free(scaling->middle);
    free(scaling->spread);
    free(scaling->fill);
    memset(scaling, 0, sizeof *scaling);
}

static void scale_item(const struct data_scaling *scaling, const float *from, size_t size,
                       uint8_t *to)
{
    for (size_t c = 0; c < size; c++) {
        const double x = isnan(from[c]) ? scaling->fill[c] : (double)from[c];
        const double spread = scaling->spread[c];
        const double part = spread > 0 ? scaling->steps * (x - scaling->middle[c]) / spread : 0;
        const double t = nearbyint(scaling->zero + part);
        to[c] = (uint8_t)(t > 0 ? t < BYTE_MAX ? t : BYTE_MAX : 0);
    }
}

enum status data_scaling_apply(const struct data_scaling *scaling, const struct net *net,
                               const struct data_part *part, struct dataset *out, struct error *err)
{
    const size_t size = shape_size(net->input);
    *out = (struct dataset){.count = part->count,
                            .shape = net->input,
                            .is_signed = scaling->is_signed,
                            .scale = scaling->scale,
                            .images = malloc(part->count * size + 1),
                            .labels = malloc((part->count + 1) * sizeof(uint16_t))};
    if (!out->images || !out->labels)
        return error_set(err, STATUS_NO_MEMORY, "not enough memory for %zu images", part->count);
    for (size_t i = 0; i < part->count; i++) {
        const size_t item = item_of(part, i);
        uint8_t *image = out->images + i * size;
        out->labels[i] = part->from->labels[item];
        if (part->from->values)
            scale_item(scaling, part->from->values + item * size, size, image);
        else
            memcpy(image, part->from->bytes + item * size, size);
        for (size_t j = 0; scaling->is_signed && j < size; j++)
            image[j] ^= SIGN_BIT;
    }
    return STATUS_OK;
}
