// SPDX-License-Identifier: Apache-2.0
#include "data/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "bytes.h"
#include "data/dataset_raw.h"
#include "data/npz.h"

enum { MAGIC_BYTES = 6, HEAD_V1 = 10, HEAD_V2 = 12, HEADER_MAX = 65536 };
static const char MAGIC[] = "\x93NUMPY";

static enum status complain(const struct npy *npy, size_t at, const char *what, struct error *err)
{
    return error_set(err, STATUS_INPUT, "%s: byte %zu: %s", npy->path, at, what);
}

static enum status read_bytes(const char *path, uint8_t **out, size_t *size, struct error *err)
{
    const char *colon = strstr(path, ".npz:");
    if (!colon)
        return file_read(path, DATA_FILE_MAX, out, size, err);
    const char *array = colon + strlen(".npz:");
    char archive[DATA_PATH_BYTES];
    snprintf(archive, sizeof archive, "%.*s", (int)(array - 1 - path), path);
    return npz_read(archive, array, out, size, err);
}

/* What stands behind 'key': in the header, a Python dictionary; NULL if it has no such key. */
static const char *find_value(const char *header, const char *key)
{
    const char *found = strstr(header, key);
    if (!found)
        return NULL;
    found += strlen(key);
    return found + strspn(found, " ");
}

/* "<f4" and the like. */
static bool parse_type(const char *text, struct npy *out)
{
    char order = 0, quote = 0;
    if (!text || sscanf(text, "'%c%c%zu%c", &order, &out->kind, &out->item_bytes, &quote) != 4)
        return false;
    const size_t size = out->item_bytes;
    const bool is_float = out->kind == 'f' && (size == 4 || size == 8);
    const bool is_integer = (out->kind == 'u' || out->kind == 'i') &&
                            (size == 1 || size == 2 || size == 4 || size == 8);
    out->is_big_endian = order == '>';
    return quote == '\'' && strchr("<>|=", order) && (is_float || is_integer);
}

/* "(3, 4)", "(3,)" or "()"; the product must not exceed what a file can hold. */
static bool parse_shape(const char *text, struct npy *out)
{
    if (!text || *text++ != '(')
        return false;
    out->count = 1;
    for (;;) {
        char *end = NULL;
        text += strspn(text, ", ");
        if (*text == ')')
            return true;
        if (*text < '0' || *text > '9' || out->rank == NPY_MAX_RANK)
            return false;
        const unsigned long long dim = strtoull(text, &end, 10);
        if (dim > DATA_FILE_MAX || (dim && out->count > DATA_FILE_MAX / dim))
            return false;
        out->dims[out->rank++] = (size_t)dim;
        out->count *= (size_t)dim;
        text = end;
    }
}

static enum status parse_header(const char *header, struct npy *out, size_t at, struct error *err)
{
    const char *order = find_value(header, "'fortran_order':");
    if (!parse_type(find_value(header, "'descr':"), out))
        return complain(out, at,
                        "element type is none of integer, float32 and float64; convert the array",
                        err);
    if (!order || strncmp(order, "False", 5) != 0)
        return complain(out, at, "elements are in Fortran order; save numpy.ascontiguousarray(x)",
                        err);
    if (!parse_shape(find_value(header, "'shape':"), out))
        return complain(out, at, "no shape that can be read; the file is damaged", err);
    return STATUS_OK;
}

/* Header and size. */
static enum status parse(struct npy *out, size_t size, struct error *err)
{
    static char const cut[] = "ends inside the header; the file is cut short";
    if (size < HEAD_V2)
        return complain(out, size, cut, err);
    if (memcmp(out->bytes, MAGIC, MAGIC_BYTES) != 0 || !out->bytes[6] || out->bytes[6] > 3)
        return complain(out, 0, "not a NumPy array of version 1 to 3", err);
    const size_t head = out->bytes[6] == 1 ? HEAD_V1 : HEAD_V2;
    const size_t length = head == HEAD_V1 ? get_u16(out->bytes + 8) : get_u32(out->bytes + 8);
    if (length > HEADER_MAX || length > size - head)
        return complain(out, size, cut, err);
    char *header = strndup((const char *)out->bytes + head, length);
    if (!header)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", out->path);
    enum status status = parse_header(header, out, head, err);
    free(header);
    out->data = head + length;
    if (status == STATUS_OK && size - out->data != out->count * out->item_bytes)
        return error_set(err, STATUS_INPUT,
                         "%s: %zu bytes behind the header, want %zu; the file is damaged, make it "
                         "again",
                         out->path, size - out->data, out->count * out->item_bytes);
    return status;
}

enum status npy_load(const char *path, struct npy *out, struct error *err)
{
    size_t size = 0;
    *out = (struct npy){.path = path};
    const enum status status = read_bytes(path, &out->bytes, &size, err);
    return status == STATUS_OK ? parse(out, size, err) : status;
}

void npy_free(struct npy *npy)
{
    free(npy->bytes);
    npy->bytes = NULL;
}

double npy_number(const struct npy *npy, size_t i)
{
    const uint8_t *at = npy->bytes + npy->data + i * npy->item_bytes;
    const unsigned unused = 64 - 8 * (unsigned)npy->item_bytes;
    uint64_t bits = 0;
    for (size_t b = 0; b < npy->item_bytes; b++)
        bits |= (uint64_t)at[npy->is_big_endian ? npy->item_bytes - 1 - b : b] << 8 * b;
    if (npy->kind == 'f' && npy->item_bytes == 4) {
        const uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        return (double)value;
    }
    if (npy->kind == 'f') {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    return npy->kind == 'u' ? (double)bits : (double)((int64_t)(bits << unused) >> unused);
}

void npy_shape_text(const struct npy *npy, char *out, size_t size)
{
    snprintf(out, size, "(");
    for (int i = 0; i < npy->rank; i++) {
        const size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%zu", i ? ", " : "", npy->dims[i]);
    }
    const size_t used = strlen(out);
    snprintf(out + used, size - used, "%s)", npy->rank == 1 ? "," : "");
}
