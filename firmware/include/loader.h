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
#include "run.h"

/* Everything that the loader needs from the system it runs on. */
struct loader_platform {
    void *context;
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    void (*read_counters)(void *context, uint64_t counters[COUNTER_COUNT]);
    void (*set_leds)(void *context, unsigned leds); /* bits as in sysctl leds */
    void (*reset)(void *context);                   /* may return on a host */
    /* The line's rate, from the next byte on; what was sent goes out at the old one. */
    void (*set_rate)(void *context, uint32_t baud_hz);
    void (*set_alarm)(void *context, uint32_t cycles); /* call loader_alarm() then; 0: never */
    uint32_t clock_hz, ram_bytes, core_config, marchid, mimpid;
    uint32_t build_id;    /* tells programs of the same version apart */
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
    bool rate_changed;      /* the line's rate is not the one at start-up; rate.c */
    bool rate_doubted;      /* the alarm will set it back unless a good frame comes */
    uint8_t answered;       /* requests answered since HELLO, saturates at PROTO_WINDOW_MAX */
    uint16_t running_layer; /* MODEL_NONE when no layer runs; the trap handler reports it */
    uint16_t profiled_layers;
    struct run_call *calls; /* of the model's layers */
#if UINTPTR_MAX > UINT32_MAX
    struct run_call call_room[MODEL_MAX_LAYERS]; /* a host's do not fit where the core's lie */
#endif
    uint32_t (
        *profile)[COUNTER_COUNT];      /* of the model's layers; 2^32 - 1: that or anything above */
    uint8_t response[PROTO_FRAME_MAX]; /* the last response, kept for a repetition */
    size_t response_size;
    uint8_t wire[PROTO_WIRE_MAX];
};

/* What the loader takes for itself at the model area's end once a model is committed, behind
 * container and arena: the model's tables, the calls of its layers and their counters. */
static inline uint32_t loader_table_bytes(uint32_t layer_count, uint32_t buffer_count)
{
    const uint32_t layer_bytes =
        (uint32_t)(sizeof(struct model_layer) + RUN_CALL_BYTES + COUNTER_COUNT * 4);

    return 3 + layer_count * layer_bytes + buffer_count * (uint32_t)sizeof(struct model_buffer);
}

/* The model area that a model takes: the container, a gap up to the arena, the arena, the tables. */
static inline uint64_t loader_model_bytes(const struct model *model)
{
    return (uint64_t)model->container_bytes + MODEL_ALIGN - 1 + model->arena_bytes +
           loader_table_bytes(model->layer_count, model->buffer_count);
}

void loader_init(struct loader *loader, const struct loader_platform *platform, uint8_t *area,
                 uint32_t area_bytes);

/* Takes one received byte; a complete request is executed and answered before the call returns. A
 * byte that frame_receiver_run() stores need not be passed. */
void loader_feed(struct loader *loader, uint8_t byte);

/* The receiver lost bytes (FIFO overrun, framing error): the current frame is bad. */
void loader_overrun(struct loader *loader);

/* The alarm that platform->set_alarm() has set is due. */
void loader_alarm(struct loader *loader);

#endif
