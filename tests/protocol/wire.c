// SPDX-License-Identifier: Apache-2.0
/* COBS run by run, CRC bit by bit. */
#include "wire.h"
#include <string.h>
#include "model/build_container.h"

enum { RUN_MAX = 254, HEAD = 2, CRC = 4 };

size_t wire_cobs(const uint8_t *in, size_t size, uint8_t *out)
{
    size_t at = 0, written = 0;

    for (;;) {
        size_t run = 0;

        while (run < RUN_MAX && at + run < size && in[at + run])
            run++;
        out[written++] = (uint8_t)(run + 1);
        memcpy(out + written, in + at, run);
        written += run;
        at += run;
        if (at == size)
            break;
        if (run < RUN_MAX)
            at++; /* the zero that ended the run */
    }
    out[written++] = 0;
    return written;
}

size_t wire_encode(const struct wire_frame *frame, uint8_t *wire)
{
    uint8_t bytes[PROTO_FRAME_MAX] = {frame->type, frame->seq};
    uint32_t crc;

    memcpy(bytes + HEAD, frame->payload, frame->size);
    crc = build_crc32(bytes, HEAD + frame->size);
    for (unsigned i = 0; i < CRC; i++)
        bytes[HEAD + frame->size + i] = (uint8_t)(crc >> 8 * i);
    return wire_cobs(bytes, HEAD + frame->size + CRC, wire);
}

static bool decode_cobs(const uint8_t *wire, size_t size, uint8_t *out, size_t *out_size)
{
    size_t written = 0;

    for (size_t at = 0; at < size;) {
        const size_t code = wire[at++];

        if (!code || at + code - 1 > size || written + code > PROTO_FRAME_MAX)
            return false;
        memcpy(out + written, wire + at, code - 1);
        written += code - 1;
        at += code - 1;
        if (code <= RUN_MAX && at < size)
            out[written++] = 0;
    }
    *out_size = written;
    return true;
}

bool wire_decode(const uint8_t *wire, size_t size, struct wire_frame *frame)
{
    uint8_t bytes[PROTO_FRAME_MAX + 1];
    uint32_t crc = 0;
    size_t count;

    if (!decode_cobs(wire, size, bytes, &count) || count < HEAD + CRC)
        return false;
    for (unsigned i = 0; i < CRC; i++)
        crc |= (uint32_t)bytes[count - CRC + i] << 8 * i;
    if (crc != build_crc32(bytes, count - CRC))
        return false;
    frame->type = bytes[0];
    frame->seq = bytes[1];
    frame->size = count - HEAD - CRC;
    memcpy(frame->payload, bytes + HEAD, frame->size);
    return true;
}
