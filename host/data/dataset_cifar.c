// SPDX-License-Identifier: Apache-2.0
/* The binary version of CIFAR-10. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "data/dataset_formats.h"

enum {
    SIDE = 32,
    PLANE_BYTES = SIDE * SIDE,
    CHANNELS = 3,
    RECORD_BYTES = 1 + CHANNELS * PLANE_BYTES,
    BATCHES = 5,
};

struct batch {
    char path[DATA_PATH_BYTES];
    uint8_t *bytes;
    size_t count; /* records */
};

static enum status load_batch(const char *folder, const char *name, struct batch *out,
                              struct error *err)
{
    size_t size = 0;
    enum status status = data_path(folder, name, out->path, err);
    if (status == STATUS_OK)
        status = file_read(out->path, DATA_FILE_MAX, &out->bytes, &size, err);
    if (status != STATUS_OK)
        return status;
    out->count = size / RECORD_BYTES;
    if (size % RECORD_BYTES || !size)
        return error_set(
            err, STATUS_INPUT,
            "%s: %zu bytes, want records of %d bytes; the file ends inside record %zu, "
            "fetch it again",
            out->path, size, RECORD_BYTES, out->count);
    return STATUS_OK;
}

/* Planes to channels last. */
static void interleave(const uint8_t *planes, uint8_t *out)
{
    for (int i = 0; i < PLANE_BYTES; i++)
        for (int c = 0; c < CHANNELS; c++)
            out[i * CHANNELS + c] = planes[c * PLANE_BYTES + i];
}

static enum status take_batch(const struct net *net, const struct batch *batch, size_t first,
                              struct raw_data *out, struct error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        const uint8_t *record = batch->bytes + i * RECORD_BYTES;
        if (record[0] >= net->class_count)
            return error_set(err, STATUS_INPUT,
                             "%s: byte %zu: label %u, want 0 to %d; correct the model's "
                             "\"classes\" or the file",
                             batch->path, i * RECORD_BYTES, record[0], net->class_count - 1);
        out->labels[first + i] = record[0];
        interleave(record + 1, out->bytes + (first + i) * out->size);
    }
    return STATUS_OK;
}

static enum status join_batches(const struct net *net, const struct batch *batches, int n,
                                struct raw_data *out, struct error *err)
{
    size_t count = 0, first = 0;
    for (int i = 0; i < n; i++)
        count += batches[i].count;
    enum status status = raw_create(net, batches->path, count, false, out, err);
    for (int i = 0; status == STATUS_OK && i < n; i++) {
        status = take_batch(net, &batches[i], first, out, err);
        first += batches[i].count;
    }
    return status;
}

static enum status load_part(const struct net *net, const char *folder, const char *const *names,
                             int n, struct raw_data *out, struct error *err)
{
    struct batch *batches = calloc((size_t)n, sizeof *batches);
    enum status status = STATUS_OK;
    if (!batches)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", folder);
    for (int i = 0; status == STATUS_OK && i < n; i++)
        status = load_batch(folder, names[i], &batches[i], err);
    if (status == STATUS_OK)
        status = join_batches(net, batches, n, out, err);
    for (int i = 0; i < n; i++)
        free(batches[i].bytes);
    free(batches);
    return status;
}

enum status dataset_cifar_read(const struct net *net, const char *folder,
                               struct raw_data parts[NET_PARTS], struct error *err)
{
    static const char *const train[BATCHES] = {"data_batch_1.bin", "data_batch_2.bin",
                                               "data_batch_3.bin", "data_batch_4.bin",
                                               "data_batch_5.bin"};
    static const char *const test[] = {"test_batch.bin"};
    char path[DATA_PATH_BYTES];
    enum status status = data_path(folder, net->data.folder, path, err);
    if (status != STATUS_OK)
        return status;
    if (net->input.h != SIDE || net->input.w != SIDE || net->input.c != CHANNELS)
        return error_set(err, STATUS_INPUT,
                         "%s: images of 32x32x3, but %s takes %dx%dx%d; correct the model's "
                         "\"input\"",
                         path, net->name, net->input.h, net->input.w, net->input.c);
    status = load_part(net, path, train, BATCHES, &parts[NET_TRAIN], err);
    if (status == STATUS_OK)
        status = load_part(net, path, test, 1, &parts[NET_TEST], err);
    return status;
}
