// SPDX-License-Identifier: Apache-2.0
#include "onnx/onnx_tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "bytes.h"

enum { MAX_ELEMENTS = 1 << 24 };
static const size_t MAX_DATA_BYTES = (size_t)1 << 32;

static bool count_elements(int rank, const int64_t *dims, size_t *count)
{
    *count = 1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0 || dims[i] > MAX_ELEMENTS)
            return false;
        *count *= (size_t)dims[i];
        if (*count > MAX_ELEMENTS)
            return false;
    }
    return true;
}

enum status onnx_tensor_create(int rank, const int64_t *dims, struct onnx_tensor *out,
                               struct error *err)
{
    char text[96];
    *out = (struct onnx_tensor){.rank = rank};
    if (!count_elements(rank, dims, &out->count))
        return error_set(err, STATUS_INPUT, "dimensions %s: want at most %d elements",
                         onnx_dims_text(rank, dims, text, sizeof text), MAX_ELEMENTS);
    if (rank)
        memcpy(out->dims, dims, (size_t)rank * sizeof *dims);
    out->values = calloc(out->count + 1, sizeof *out->values);
    return out->values ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "out of memory");
}

enum status onnx_tensor_copy(const struct onnx_tensor *from, struct onnx_tensor *out,
                             struct error *err)
{
    const enum status status = onnx_tensor_create(from->rank, from->dims, out, err);
    if (status == STATUS_OK)
        memcpy(out->values, from->values, from->count * sizeof *out->values);
    out->is_integer = from->is_integer;
    return status;
}

void onnx_tensor_clear(struct onnx_tensor *tensor)
{
    free(tensor->values);
    *tensor = (struct onnx_tensor){.values = NULL};
}

/* ---- Elements ---- */

static size_t element_bytes(int type)
{
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
        return 8;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
        return 4;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16:
        return 2;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
        return 1;
    default:
        return 0;
    }
}

static bool is_integer_type(int type)
{
    return type != ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE &&
           type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT &&
           type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 &&
           type != ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
}

static double from_bits32(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double from_bits64(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16. */
static double from_half(uint32_t bits)
{
    const int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
    double value;
    if (exponent == 31)
        value = fraction ? (double)NAN : (double)INFINITY;
    else
        value = ldexp(fraction + (exponent ? 1024 : 0), (exponent ? exponent : 1) - 25);
    return bits >> 15 ? -value : value;
}

static double decode_element(int type, const uint8_t *p)
{
    const uint32_t half = element_bytes(type) == 2 ? (uint32_t)(p[0] | p[1] << 8) : 0;
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return from_bits64(get_u64(p));
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return (double)(int64_t)get_u64(p);
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
        return (double)get_u64(p);
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return from_bits32(get_u32(p));
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return (int32_t)get_u32(p);
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
        return get_u32(p);
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        return from_half(half);
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        return from_bits32(half << 16);
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
        return (int16_t)half;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16:
        return half;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        return (int8_t)*p;
    default:
        return *p;
    }
}

/* ---- Where the elements are ---- */

static enum status decode_raw(const char *name, int type, const uint8_t *bytes, size_t size,
                              struct onnx_tensor *out, struct error *err)
{
    const size_t step = element_bytes(type);
    if (size != out->count * step)
        return error_set(err, STATUS_INPUT,
                         "tensor %s: %zu bytes of data, its dimensions want %zu; export the "
                         "network again",
                         name, size, out->count * step);
    for (size_t i = 0; i < out->count; i++)
        out->values[i] = decode_element(type, bytes + i * step);
    return STATUS_OK;
}

/* Elements in the message's own lists. Small types stand in int32_data, 16-bit floats as bits. */
static size_t list_length(const Onnx__TensorProto *from)
{
    switch (from->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return from->n_double_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return from->n_float_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return from->n_int64_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
        return from->n_uint64_data;
    default:
        return from->n_int32_data;
    }
}

static double list_element(const Onnx__TensorProto *from, size_t i)
{
    switch (from->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return from->double_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return (double)from->float_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return (double)from->int64_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
        return (double)from->uint64_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        return from_half((uint32_t)from->int32_data[i] & 0xffff);
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        return from_bits32((uint32_t)from->int32_data[i] << 16);
    default:
        return from->int32_data[i];
    }
}

static enum status decode_list(const char *name, const Onnx__TensorProto *from,
                               struct onnx_tensor *out, struct error *err)
{
    const size_t length = list_length(from);
    if (length != out->count)
        return error_set(err, STATUS_INPUT,
                         "tensor %s: %zu elements of data, its dimensions want %zu; export the "
                         "network again",
                         name, length, out->count);
    for (size_t i = 0; i < length; i++)
        out->values[i] = list_element(from, i);
    return STATUS_OK;
}

/* What external_data says. */
struct outside {
    const char *location;
    uint64_t offset, length;
    bool has_length;
};

static bool parse_number(const char *text, uint64_t *out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    *out = strtoull(text, &end, 10);
    return !*end;
}

static bool parse_outside(const Onnx__TensorProto *from, struct outside *out)
{
    *out = (struct outside){.location = NULL};
    bool good = true;
    for (size_t i = 0; i < from->n_external_data; i++) {
        const Onnx__StringStringEntryProto *entry = from->external_data[i];
        if (!entry->key || !entry->value)
            return false;
        if (!strcmp(entry->key, "location"))
            out->location = entry->value;
        else if (!strcmp(entry->key, "offset"))
            good = good && parse_number(entry->value, &out->offset);
        else if (!strcmp(entry->key, "length"))
            good = good && (out->has_length = parse_number(entry->value, &out->length));
    }
    return good && out->location && *out->location;
}

/* A name that leads out of the model's folder could read any file. */
static bool is_below(const char *location)
{
    if (*location == '/')
        return false;
    for (const char *p = location; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2]))
            return false;
    }
    return true;
}

static enum status decode_outside(const char *name, const Onnx__TensorProto *from,
                                  const char *folder, struct onnx_tensor *out, struct error *err)
{
    struct outside where;
    char path[4096];
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (!parse_outside(from, &where) || !is_below(where.location) ||
        snprintf(path, sizeof path, "%s/%s", folder, where.location) >= (int)sizeof path)
        return error_set(err, STATUS_INPUT,
                         "tensor %s: its external data have no usable location; export the "
                         "network again, weights inside",
                         name);
    enum status status = file_read(path, MAX_DATA_BYTES, &bytes, &size, err);
    if (status != STATUS_OK)
        return error_wrap(err, status,
                          "tensor %s is in a file of its own, keep it beside the model", name);
    const size_t want = out->count * element_bytes(from->data_type);
    if (where.offset > size || want > size - where.offset ||
        (where.has_length && where.length != want))
        status = error_set(err, STATUS_INPUT,
                           "%s: tensor %s wants %zu bytes from byte %llu on, but the file has %zu "
                           "bytes; export the network again",
                           path, name, want, (unsigned long long)where.offset, size);
    else
        status = decode_raw(name, from->data_type, bytes + where.offset, want, out, err);
    free(bytes);
    return status;
}

static enum status read_elements(const char *name, const Onnx__TensorProto *from,
                                 const char *folder, struct onnx_tensor *out, struct error *err)
{
    if (from->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return decode_outside(name, from, folder, out, err);
    if (from->has_raw_data)
        return decode_raw(name, from->data_type, from->raw_data.data, from->raw_data.len, out, err);
    return decode_list(name, from, out, err);
}

enum status onnx_tensor_read(const Onnx__TensorProto *from, const char *folder,
                             struct onnx_tensor *out, struct error *err)
{
    const char *name = from->name && *from->name ? from->name : "without a name";
    *out = (struct onnx_tensor){.values = NULL};
    if (from->n_dims > ONNX_MAX_RANK)
        return error_set(err, STATUS_INPUT, "tensor %s: %zu dimensions; at most %d are supported",
                         name, from->n_dims, ONNX_MAX_RANK);
    if (!element_bytes(from->data_type))
        return error_set(err, STATUS_INPUT,
                         "tensor %s: elements of type %d; supported are floats and integers of 8 "
                         "to 64 bits",
                         name, (int)from->data_type);
    enum status status = onnx_tensor_create((int)from->n_dims, from->dims, out, err);
    if (status != STATUS_OK)
        status = error_wrap(err, status, "tensor %s", name);
    else
        status = read_elements(name, from, folder, out, err);
    out->is_integer = is_integer_type(from->data_type);
    if (status != STATUS_OK)
        onnx_tensor_clear(out);
    return status;
}

/* ---- Indices ---- */

size_t onnx_index(int rank, const int64_t *dims, const int64_t *position)
{
    size_t index = 0;
    for (int i = 0; i < rank; i++)
        index = index * (size_t)dims[i] + (size_t)position[i];
    return index;
}

bool onnx_step(int rank, const int64_t *dims, int64_t *position)
{
    for (int i = rank - 1; i >= 0; i--) {
        if (++position[i] < dims[i])
            return true;
        position[i] = 0;
    }
    return false;
}

const char *onnx_dims_text(int rank, const int64_t *dims, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < rank && used < size; i++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%lld", i ? ", " : "", (long long)dims[i]);
    if (used < size)
        snprintf(out + used, size - used, "]");
    return out;
}
