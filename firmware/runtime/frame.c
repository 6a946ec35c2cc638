// SPDX-License-Identifier: Apache-2.0
/* Frames on the wire: COBS and CRC-32 around type, sequence number and payload. Knows no request
 * and no line. */
#include <stdbool.h>
#include <string.h>
#include "bytes.h"
#include "crc32.h"
#include "protocol.h"

size_t cobs_encode(const uint8_t *in, size_t size, uint8_t *out)
{
    size_t code_at = 0, written = 1;
    uint8_t code = 1;

    for (size_t i = 0; i < size; i++) {
        if (code == COBS_RUN_MAX) { /* a full run stands for no zero behind it */
            out[code_at] = code;
            code_at = written++;
            code = 1;
        }
        if (in[i]) {
            out[written++] = in[i];
            code++;
        } else {
            out[code_at] = code;
            code_at = written++;
            code = 1;
        }
    }
    out[code_at] = code;
    out[written++] = 0;
    return written;
}

size_t frame_encode(uint8_t type, uint8_t seq, const uint8_t *payload, size_t size, uint8_t *frame,
                    uint8_t *wire)
{
    if (size)
        memmove(frame + 2, payload, size);
    frame[0] = type;
    frame[1] = seq;
    put_u32(frame + 2 + size, crc32_update(0, frame, size + 2));
    return cobs_encode(frame, size + PROTO_OVERHEAD, wire);
}

void frame_receiver_init(struct frame_receiver *rx)
{
    rx->size = 0;
    rx->crc = CRC32_START;
    rx->code_left = 0;
    rx->pending_zero = 0;
    rx->fault = 0;
}

/* Invariant: a fault inside a frame leaves code_left at 1, so that only a receiver between two
 * frames has size, code_left and pending_zero all 0. */
static void set_fault(struct frame_receiver *rx, enum proto_nak fault)
{
    rx->fault = (uint8_t)fault;
    rx->code_left = 1;
}

static bool between_frames(const struct frame_receiver *rx)
{
    return !rx->size && !rx->code_left && !rx->pending_zero;
}

static void append(struct frame_receiver *rx, uint8_t byte)
{
    if (rx->size == PROTO_FRAME_MAX) {
        set_fault(rx, NAK_TOO_LONG);
        return;
    }
    rx->bytes[rx->size++] = byte;
    rx->crc = crc32_step(rx->crc, byte);
}

static enum frame_event end_frame(struct frame_receiver *rx, size_t *payload_size)
{
    const uint16_t size = rx->size;
    uint8_t fault = rx->fault;

    if (!fault && rx->code_left)
        fault = NAK_COBS;
    else if (!fault && size < PROTO_OVERHEAD)
        fault = NAK_TOO_SHORT;
    else if (!fault && rx->crc != CRC32_RESIDUE)
        fault = NAK_CRC;
    frame_receiver_init(rx);
    rx->fault = fault;
    if (fault)
        return FRAME_BAD;
    *payload_size = size - (size_t)PROTO_OVERHEAD;
    return FRAME_READY;
}

enum frame_event frame_receiver_feed(struct frame_receiver *rx, uint8_t byte, size_t *payload_size)
{
    if (between_frames(rx)) {
        rx->fault = 0;
        if (!byte)
            return FRAME_NONE;
    }
    if (!byte)
        return end_frame(rx, payload_size);
    if (rx->fault)
        return FRAME_NONE;
    if (rx->code_left) {
        rx->code_left--;
        append(rx, byte);
        return FRAME_NONE;
    }
    rx->code_left = (uint8_t)(byte - 1);
    if (rx->pending_zero)
        append(rx, 0);
    rx->pending_zero = byte != COBS_RUN_MAX;
    return FRAME_NONE;
}
