// SPDX-License-Identifier: Apache-2.0
/* IDX files of unsigned bytes. */
#include "data/dataset_formats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDX_MAX_RANK = 4, IDX_UBYTE = 8, IDX_MAX_DIM = 1 << 28 };

struct idx_file {
    FILE *file;
    const char *path;
    int rank;
    size_t dims[IDX_MAX_RANK]; /* dims[0]: items */
    size_t item_bytes;
};

static enum status read_exactly(struct idx_file *idx, void *out, size_t size, struct error *err)
{
    const long at = ftell(idx->file);
    const size_t got = fread(out, 1, size, idx->file);
    if (got == size)
        return STATUS_OK;
    if (ferror(idx->file))
        return error_set(err, STATUS_IO, "%s: cannot be read: %s", idx->path, strerror(errno));
    return error_set(err, STATUS_INPUT,
                     "%s: ends at byte %ld, want %zu more; the file is cut short, fetch it again",
                     idx->path, at + (long)got, size - got);
}

static enum status read_header(struct idx_file *idx, int min_rank, int max_rank, struct error *err)
{
    uint8_t magic[4], dim[4];
    enum status status = read_exactly(idx, magic, sizeof magic, err);
    if (status != STATUS_OK)
        return status;
    if (magic[0] || magic[1] || magic[2] != IDX_UBYTE || magic[3] < min_rank || magic[3] > max_rank)
        return error_set(err, STATUS_INPUT,
                         "%s: byte 0: magic %02x%02x%02x%02x, want 0000080%d; not an IDX file of "
                         "this kind (still compressed?)",
                         idx->path, magic[0], magic[1], magic[2], magic[3], min_rank);
    idx->rank = magic[3];
    idx->item_bytes = 1;
    for (int i = 0; i < idx->rank; i++) {
        status = read_exactly(idx, dim, sizeof dim, err);
        if (status != STATUS_OK)
            return status;
        idx->dims[i] = (size_t)dim[0] << 24 | (size_t)dim[1] << 16 | (size_t)dim[2] << 8 | dim[3];
        if (!idx->dims[i] || idx->dims[i] > IDX_MAX_DIM || idx->item_bytes > IDX_MAX_DIM)
            return error_set(err, STATUS_INPUT,
                             "%s: byte %d: size %zu is out of range; the file is damaged",
                             idx->path, 4 + 4 * i, idx->dims[i]);
        idx->item_bytes *= i ? idx->dims[i] : 1;
    }
    return STATUS_OK;
}

/* The file must end exactly behind the items that its header announces. */
static enum status check_size(struct idx_file *idx, struct error *err)
{
    const long start = ftell(idx->file);
    if (start < 0 || fseek(idx->file, 0, SEEK_END))
        return error_set(err, STATUS_IO, "%s: cannot be read: %s", idx->path, strerror(errno));
    const size_t got = (size_t)(ftell(idx->file) - start), want = idx->dims[0] * idx->item_bytes;
    if (got != want)
        return error_set(err, STATUS_INPUT,
                         "%s: %zu bytes behind the header, want %zu for %zu items; the file is "
                         "damaged, fetch it again",
                         idx->path, got, want, idx->dims[0]);
    if (fseek(idx->file, start, SEEK_SET))
        return error_set(err, STATUS_IO, "%s: cannot be read: %s", idx->path, strerror(errno));
    return STATUS_OK;
}

static enum status idx_open(const char *path, int min_rank, int max_rank, struct idx_file *idx,
                            struct error *err)
{
    memset(idx, 0, sizeof *idx);
    idx->path = path;
    idx->file = fopen(path, "rb");
    if (!idx->file)
        return error_set(err, STATUS_INPUT,
                         "%s: %s; fetch the data (make data) or name its folder "
                         "with --data",
                         path, strerror(errno));
    enum status status = read_header(idx, min_rank, max_rank, err);
    if (status == STATUS_OK)
        status = check_size(idx, err);
    return status;
}

static void idx_close(struct idx_file *idx)
{
    if (idx->file)
        fclose(idx->file);
    idx->file = NULL;
}

static enum status check_pair(const struct idx_file *images, const struct idx_file *labels,
                              const struct net *want, struct error *err)
{
    const size_t channels = images->rank == 4 ? images->dims[3] : 1;
    if (images->dims[0] != labels->dims[0])
        return error_set(err, STATUS_INPUT,
                         "%s: %zu images, but %zu labels in %s; the files do not belong together",
                         images->path, images->dims[0], labels->dims[0], labels->path);
    if (images->dims[1] != (size_t)want->input.h || images->dims[2] != (size_t)want->input.w ||
        channels != (size_t)want->input.c)
        return error_set(err, STATUS_INPUT,
                         "%s: images of %zux%zux%zu, but %s takes %dx%dx%d; correct the model's "
                         "\"input\"",
                         images->path, images->dims[1], images->dims[2], channels, want->name,
                         want->input.h, want->input.w, want->input.c);
    return STATUS_OK;
}

static enum status read_labels(struct idx_file *labels, size_t count, int class_count,
                               uint16_t *out, struct error *err)
{
    uint8_t *bytes = malloc(count);
    enum status status = STATUS_OK;
    if (!bytes)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", labels->path);
    status = read_exactly(labels, bytes, count, err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        out[i] = bytes[i];
        if (bytes[i] >= class_count)
            status = error_set(err, STATUS_INPUT,
                               "%s: byte %zu: label %u, want 0 to %d; correct the model's "
                               "\"classes\" or the file",
                               labels->path, 8 + i, bytes[i], class_count - 1);
    }
    free(bytes);
    return status;
}

static enum status load_pair(const struct net *net, const char *image_path, const char *label_path,
                             struct raw_data *out, struct error *err)
{
    struct idx_file images, labels = {.file = NULL};
    enum status status = idx_open(image_path, 3, 4, &images, err);
    if (status == STATUS_OK)
        status = idx_open(label_path, 1, 1, &labels, err);
    if (status == STATUS_OK)
        status = check_pair(&images, &labels, net, err);
    if (status == STATUS_OK)
        status = raw_create(net, image_path, images.dims[0], false, out, err);
    if (status == STATUS_OK)
        status = read_exactly(&images, out->bytes, out->count * images.item_bytes, err);
    if (status == STATUS_OK)
        status = read_labels(&labels, out->count, net->class_count, out->labels, err);
    idx_close(&labels);
    idx_close(&images);
    return status;
}

enum status dataset_idx_read(const struct net *net, const char *folder,
                             struct raw_data parts[NET_PARTS], struct error *err)
{
    return data_read_pairs(net, folder, load_pair, parts, err);
}
