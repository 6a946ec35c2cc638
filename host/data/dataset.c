// SPDX-License-Identifier: Apache-2.0
/* From files to the three parts of a data set. */
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>
#include "base/vector.h"
#include "crc32.h"
#include "data/dataset_formats.h"
#include "data/dataset_scale.h"
#include "data/dataset_split.h"
#include "net/net_data.h"

static data_read_fn *const READERS[] = {
    [NET_FORMAT_IDX] = dataset_idx_read,
    [NET_FORMAT_CIFAR] = dataset_cifar_read,
    [NET_FORMAT_NPY] = dataset_npy_read,
    [NET_FORMAT_CSV] = dataset_csv_read,
};

static void dataset_free(struct dataset *data)
{
    free(data->images);
    free(data->labels);
    memset(data, 0, sizeof *data);
}

static uint32_t dataset_crc(uint32_t crc, const struct dataset *data)
{
    crc = crc32_update(crc, data->images, data->count * shape_size(data->shape));
    return crc32_update(crc, data->labels, data->count * sizeof *data->labels);
}

uint32_t data_crc(const struct data_split *split)
{
    const uint32_t judged = dataset_crc(dataset_crc(0, &split->validation), &split->test);
    return dataset_crc(judged, &split->train);
}

static enum status make_sets(const struct net *net, struct data_parts *parts, size_t limit,
                             struct data_split *out, struct error *err)
{
    struct dataset *const sets[NET_PARTS] = {&out->train, &out->validation, &out->test};
    struct data_scaling scaling;
    enum status status = data_scaling_learn(net, parts, &scaling, err);
    if (limit)
        data_limit_parts(parts, limit);
    for (int p = 0; status == STATUS_OK && p < NET_PARTS; p++)
        status = data_scaling_apply(&scaling, net, &parts->parts[p], sets[p], err);
    data_scaling_free(&scaling);
    return status;
}

/* Not filled in since mpq import wrote it. */
static enum status check_stub(const struct net *net, struct error *err)
{
    for (int p = 0; p < NET_PARTS; p++)
        if (!strncmp(net->data.files[p].images, NET_DATA_STUB "/", strlen(NET_DATA_STUB "/")))
            return error_set(err, STATUS_INPUT,
                             "%s: its \"data\" is still the stub that mpq import wrote (%s); name "
                             "your files in the model's JSON, then run mpq import again with "
                             "--data-from that JSON",
                             net->name, net->data.files[p].images);
    return STATUS_OK;
}

enum status data_load(const struct net *net, const char *folder, size_t limit,
                      struct data_split *out, struct error *err)
{
    struct raw_data raw[NET_PARTS];
    struct data_parts parts = {.order = NULL};
    memset(out, 0, sizeof *out);
    memset(raw, 0, sizeof raw);
    enum status status = check_stub(net, err);
    if (status == STATUS_OK)
        status = READERS[net->data.format](net, folder, raw, err);
    if (status == STATUS_OK)
        status = data_split_parts(net, raw, &parts, err);
    if (status == STATUS_OK)
        status = make_sets(net, &parts, limit, out, err);
    data_free_parts(&parts);
    for (int p = 0; p < NET_PARTS; p++)
        raw_free(&raw[p]);
    if (status != STATUS_OK)
        data_free(out);
    return status;
}

void data_free(struct data_split *split_data)
{
    if (!split_data)
        return;
    dataset_free(&split_data->train);
    dataset_free(&split_data->validation);
    dataset_free(&split_data->test);
}

VECTOR_CLONES
void dataset_values(const struct dataset *data, size_t index, float scale, float *out)
{
    const size_t size = shape_size(data->shape);
    const uint8_t *image = data->images + index * size;
    for (size_t j = 0; data->is_signed && j < size; j++)
        out[j] = (float)(int8_t)image[j] * scale;
    for (size_t j = 0; !data->is_signed && j < size; j++)
        out[j] = (float)image[j] * scale;
}
