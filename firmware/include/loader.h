// SPDX-License-Identifier: Apache-2.0
/* The loader's state machine, apart from any I/O: bytes in, bytes out through the platform's
 * functions. Runs on the core, and on the host for tests. Conversation and states: protocol.h;
 * invariants: loader.c. Writes nothing outside its own struct and the model area it is given. */
#ifndef MPQ_LOADER_H
#define MPQ_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model.h"
#include "protocol.h"

/* Everything that the loader needs from the system it runs on. */
struct loader_platform {
    void *context;
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    void (*read_counters)(void *context, uint64_t counters[COUNTER_COUNT]);
    void (*set_leds)(void *context, unsigned leds); /* bits as in sysctl leds */
    void (*reset)(void *context);                   /* may return on a host */
    uint32_t clock_hz, ram_bytes, core_config, marchid, mimpid;
    uint16_t isa_version; /* 0: the nn tier cannot run */
};

struct loader {
    const struct loader_platform *platform;
    uint8_t *area; /* model area, 16-byte aligned */
    uint32_t area_bytes;
    struct frame_receiver receiver;
    struct model model;
    bool ready;             /* a model is committed */
    bool in_session;        /* HELLO was seen */
    bool nak_sent;          /* since the last good frame */
    uint8_t expected;       /* seq of the next request */
    uint8_t answered;       /* requests answered since HELLO, saturates at PROTO_WINDOW_MAX */
    uint16_t running_layer; /* MODEL_NONE when no layer runs; the trap handler reports it */
    uint16_t profiled_layers;
    uint32_t profile[MODEL_MAX_LAYERS][COUNTER_COUNT]; /* 2^32 - 1 stands for anything above */
    uint8_t response[PROTO_FRAME_MAX]; /* the last response, kept for a repetition */
    size_t response_size;
    uint8_t wire[PROTO_WIRE_MAX];
};

void loader_init(struct loader *loader, const struct loader_platform *platform, uint8_t *area,
                 uint32_t area_bytes);

/* Takes one received byte; a complete request is executed and answered before the call returns. */
void loader_feed(struct loader *loader, uint8_t byte);

/* The receiver lost bytes (FIFO overrun): the current frame is bad. */
void loader_overrun(struct loader *loader);

#endif
