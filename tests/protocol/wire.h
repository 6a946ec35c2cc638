// SPDX-License-Identifier: Apache-2.0
/* Frames as the tests see them: COBS and CRC written again from the description, so that both ends
 * cannot share a mistake. */
#ifndef MPQ_TEST_WIRE_H
#define MPQ_TEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol.h"

struct wire_frame {
    uint8_t type, seq;
    uint8_t payload[PROTO_PAYLOAD_MAX];
    size_t size;
};

/* COBS of size bytes with the delimiter; returns the bytes written. */
size_t wire_cobs(const uint8_t *in, size_t size, uint8_t *out);

/* A whole frame for the wire, room PROTO_WIRE_MAX; returns its bytes. */
size_t wire_encode(const struct wire_frame *frame, uint8_t *wire);

/* One frame without its delimiter. False if it is damaged in any way. */
bool wire_decode(const uint8_t *wire, size_t size, struct wire_frame *frame);

#endif
