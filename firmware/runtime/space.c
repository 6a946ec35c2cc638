// SPDX-License-Identifier: Apache-2.0
/* The requests WRITE, HASH and READ: the address spaces of the model area (protocol.h). */
#include <string.h>
#include "bytes.h"
#include "copy.h"
#include "crc32.h"
#include "request.h"

enum { HASH_BLOCKS_MAX = 256 };
/* Fixed part of the requests' payloads. */
enum { WRITE_BYTES = 8, HASH_BYTES = 16, READ_BYTES = 10 };

/* A piece of an address space. */
struct span {
    uint8_t *bytes;
    uint32_t size;
};

/* The bytes of an address space: head points to "space u8, 0 u8, index u16" of a request. */
static enum proto_status find_space(struct loader *loader, const uint8_t *head, struct span *out)
{
    const uint16_t index = head[0] == SPACE_INPUT ? loader->model.input : get_u16(head + 2);
    const struct model_buffer *buffer;

    if (head[0] > SPACE_BUFFER || head[1])
        return PROTO_E_SPACE;
    if (head[0] == SPACE_MODEL) {
        out->bytes = loader->area;
        out->size = loader->area_bytes;
        return PROTO_OK;
    }
    if (!loader->ready)
        return PROTO_E_NO_MODEL;
    if (index >= loader->model.buffer_count)
        return PROTO_E_RANGE;
    buffer = &loader->model.buffers[index];
    out->bytes = loader->area + loader->model.arena_start + buffer->arena_offset;
    out->size = buffer->size_bytes;
    return PROTO_OK;
}

/* Narrows a space to size bytes from offset. */
static enum proto_status narrow(struct span *span, uint32_t offset, uint32_t size)
{
    if ((uint64_t)offset + size > span->size)
        return PROTO_E_RANGE;
    span->bytes += offset;
    span->size = size;
    return PROTO_OK;
}

enum proto_status do_write(struct loader *loader, const struct request *request)
{
    const uint8_t *p = request->payload;
    enum proto_status status;
    struct span span;

    if (request->size < WRITE_BYTES || request->size > WRITE_BYTES + PROTO_DATA_MAX)
        return PROTO_E_LENGTH;
    if (p[0] == SPACE_BUFFER)
        return PROTO_E_SPACE;
    status = find_space(loader, p, &span);
    if (!status)
        status = narrow(&span, get_u32(p + 4), (uint32_t)request->size - WRITE_BYTES);
    if (status)
        return status;
    if (p[0] == SPACE_MODEL)
        forget_model(loader);
    copy_long(p + WRITE_BYTES, span.bytes, span.size); /* the next bytes do not wait */
    return PROTO_OK;
}

enum proto_status do_hash(struct loader *loader, const struct request *request)
{
    const uint8_t *p = request->payload;
    uint8_t *data = response_data(loader);
    enum proto_status status;
    struct span span;
    uint32_t block;

    if (request->size != HASH_BYTES)
        return PROTO_E_LENGTH;
    status = find_space(loader, p, &span);
    if (!status)
        status = narrow(&span, get_u32(p + 4), get_u32(p + 8));
    if (status)
        return status;
    block = get_u32(p + 12);
    if (!block || span.size > (uint64_t)block * HASH_BLOCKS_MAX)
        return PROTO_E_RANGE;
    while (span.size) {
        const uint32_t size = span.size < block ? span.size : block;

        put_u32(data, crc32_update(0, span.bytes, size));
        data += 4;
        span.bytes += size;
        span.size -= size;
    }
    loader->response_size = (size_t)(data - response_payload(loader));
    return PROTO_OK;
}

enum proto_status do_read(struct loader *loader, const struct request *request)
{
    const uint8_t *p = request->payload;
    enum proto_status status;
    struct span span;

    if (request->size != READ_BYTES)
        return PROTO_E_LENGTH;
    status = find_space(loader, p, &span);
    if (!status)
        status = narrow(&span, get_u32(p + 4), get_u16(p + 8));
    if (status)
        return status;
    if (span.size > PROTO_DATA_MAX)
        return PROTO_E_RANGE;
    memcpy(response_data(loader), span.bytes, span.size);
    loader->response_size += span.size;
    return PROTO_OK;
}
