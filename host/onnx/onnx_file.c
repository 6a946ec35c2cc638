// SPDX-License-Identifier: Apache-2.0
#include "onnx/onnx_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"

enum { MAX_NESTING = 16 };
static const size_t MAX_FILE_BYTES = (size_t)1 << 30;

/* Bytes of one message that are still to be looked at. */
struct cursor {
    const uint8_t *at, *end;
};

static bool read_varint(struct cursor *cursor, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        const uint8_t byte = *cursor->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* Steps over a field's value; of a length-delimited one, body is the contents. */
static bool read_value(struct cursor *cursor, unsigned wire_type, struct cursor *body)
{
    uint64_t value;
    uint64_t size = wire_type == 1 ? 8 : 4;
    *body = (struct cursor){NULL, NULL};
    if (wire_type == 0)
        return read_varint(cursor, &value);
    if (wire_type == 2 && !read_varint(cursor, &size))
        return false;
    if ((wire_type != 1 && wire_type != 2 && wire_type != 5) ||
        size > (uint64_t)(cursor->end - cursor->at))
        return false;
    if (wire_type == 2)
        *body = (struct cursor){cursor->at, cursor->at + size};
    cursor->at += size;
    return true;
}

/* protobuf-c unpacks by recursion without a limit, so the tree is walked first. Messages inside
 * unknown fields are not unpacked. */
static bool is_sound(struct cursor cursor, const ProtobufCMessageDescriptor *type, int depth)
{
    if (depth > MAX_NESTING)
        return false;
    while (cursor.at < cursor.end) {
        uint64_t tag;
        struct cursor body;
        if (!read_varint(&cursor, &tag) || tag >> 3 == 0 || tag >> 3 > INT32_MAX)
            return false;
        const unsigned number = (unsigned)(tag >> 3);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, number);
        if (!read_value(&cursor, (unsigned)(tag & 7), &body))
            return false;
        if (field && field->type == PROTOBUF_C_TYPE_MESSAGE && body.at &&
            !is_sound(body, field->descriptor, depth + 1))
            return false;
    }
    return true;
}

enum status onnx_file_parse(const char *label, const uint8_t *bytes, size_t size,
                            Onnx__ModelProto **out, struct error *err)
{
    *out = NULL;
    const struct cursor whole = {bytes, bytes + size};
    Onnx__ModelProto *model = NULL;
    if (size && is_sound(whole, &onnx__model_proto__descriptor, 0))
        model = onnx__model_proto__unpack(NULL, size, bytes);
    if (!model)
        return error_set(err, STATUS_INPUT,
                         "%s: not an ONNX file, or damaged or cut short; export the network again",
                         label);
    if (!model->graph) {
        onnx_file_free(model);
        return error_set(err, STATUS_INPUT,
                         "%s: holds no graph, so it is not an ONNX model; export the network again",
                         label);
    }
    *out = model;
    return STATUS_OK;
}

enum status onnx_file_load(const char *path, Onnx__ModelProto **out, struct error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    enum status status = file_read(path, MAX_FILE_BYTES, &bytes, &size, err);
    if (status == STATUS_OK)
        status = onnx_file_parse(path, bytes, size, out, err);
    free(bytes);
    return status;
}

void onnx_file_free(Onnx__ModelProto *model)
{
    if (model)
        onnx__model_proto__free_unpacked(model, NULL);
}

enum status onnx_file_save(const char *path, const Onnx__ModelProto *model, struct error *err)
{
    const size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = malloc(size + 1);
    if (!bytes)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to write it", path);
    const size_t packed = onnx__model_proto__pack(model, bytes);
    const enum status status = file_replace(path, bytes, packed, err);
    free(bytes);
    return status;
}

int64_t onnx_file_opset(const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *set = model->opset_import[i];
        if (!set->domain || !*set->domain || !strcmp(set->domain, "ai.onnx"))
            return set->has_version ? set->version : 0;
    }
    return 0;
}
