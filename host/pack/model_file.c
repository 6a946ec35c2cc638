// SPDX-License-Identifier: Apache-2.0
/* Opening model files of either kind. */
#include "pack/model_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

enum kind { KIND_OTHER, KIND_FLOAT, KIND_QUANT };

static enum status read_kind(const char *path, enum kind *kind, struct error *err)
{
    uint8_t magic[4] = {0};
    FILE *file = fopen(path, "rb");
    *kind = KIND_OTHER;
    if (!file)
        return error_set(err, STATUS_INPUT, "%s: %s; make one with mpq train or mpq quantize", path,
                         strerror(errno));
    errno = 0;
    const size_t got = fread(magic, 1, sizeof magic, file);
    const int cause = errno;
    (void)fclose(file);
    if (got < sizeof magic && cause)
        return error_set(err, STATUS_IO, "%s: cannot be read: %s", path, strerror(cause));
    if (got == sizeof magic && get_u32(magic) == FLOAT_MODEL_MAGIC)
        *kind = KIND_FLOAT;
    else if (got == sizeof magic && get_u32(magic) == MODEL_MAGIC)
        *kind = KIND_QUANT;
    return STATUS_OK;
}

static enum status open_float(const char *path, struct model_file *out, struct error *err)
{
    const enum status status = float_model_load(path, &out->model, err);
    if (status == STATUS_OK)
        out->net = out->model->net;
    return status;
}

static enum status open_quant(const char *path, struct model_file *out, struct error *err)
{
    enum status status = container_load(path, &out->container, err);
    if (status == STATUS_OK)
        status = quant_meta_read(out->container, path, &out->meta, &out->own_net, err);
    out->net = out->own_net;
    return status;
}

enum status model_file_open(const char *path, struct model_file *out, struct error *err)
{
    enum kind kind;
    memset(out, 0, sizeof *out);
    enum status status = read_kind(path, &kind, err);
    if (status != STATUS_OK)
        return status;
    if (kind == KIND_FLOAT)
        status = open_float(path, out, err);
    else if (kind == KIND_QUANT)
        status = open_quant(path, out, err);
    else
        status = error_set(err, STATUS_INPUT,
                           "%s: neither a FLOAT nor a QUANT file; make one with mpq train or mpq "
                           "quantize",
                           path);
    if (status != STATUS_OK)
        model_file_close(out);
    return status;
}

enum status model_file_open_quant(const char *path, struct model_file *out, struct error *err)
{
    const enum status status = model_file_open(path, out, err);
    if (status != STATUS_OK || out->container)
        return status;
    model_file_close(out);
    return error_set(err, STATUS_INPUT,
                     "%s: a FLOAT file, which no core can run; quantize it: mpq quantize %s --bits "
                     "8 -o QUANT",
                     path, path);
}

void model_file_close(struct model_file *file)
{
    float_model_free(file->model);
    container_free(file->container);
    net_free(file->own_net);
    memset(file, 0, sizeof *file);
}
