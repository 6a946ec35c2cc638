// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status raw_create(const struct net *net, const char *path, size_t count, bool has_values,
                       struct raw_data *out, struct error *err)
{
    const size_t size = shape_size(net->input);
    *out = (struct raw_data){.count = count, .size = size};
    if (has_values)
        out->values = calloc(count * size + 1, sizeof *out->values);
    else
        out->bytes = malloc(count * size + 1);
    out->labels = calloc(count + 1, sizeof *out->labels);
    if (out->labels && (out->values || out->bytes))
        return STATUS_OK;
    raw_free(out);
    return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory for %zu images", path, count);
}

void raw_free(struct raw_data *raw)
{
    free(raw->bytes);
    free(raw->values);
    free(raw->labels);
    free(raw->columns);
    memset(raw, 0, sizeof *raw);
}

enum status data_path(const char *folder, const char *name, char out[DATA_PATH_BYTES],
                      struct error *err)
{
    if (snprintf(out, DATA_PATH_BYTES, "%s/%s", folder, name) >= DATA_PATH_BYTES)
        return error_set(err, STATUS_INPUT,
                         "%.64s...: path of the data folder is too long; move it", folder);
    return STATUS_OK;
}

enum status data_read_pairs(const struct net *net, const char *folder, data_load_fn *load,
                            struct raw_data parts[NET_PARTS], struct error *err)
{
    char images[DATA_PATH_BYTES], labels[DATA_PATH_BYTES];
    for (int p = 0; p < NET_PARTS; p++) {
        const struct net_files *files = &net->data.files[p];
        if (!*files->images)
            continue;
        enum status status = data_path(folder, files->images, images, err);
        if (status == STATUS_OK)
            status = data_path(folder, files->labels, labels, err);
        if (status == STATUS_OK)
            status = load(net, images, labels, &parts[p], err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
