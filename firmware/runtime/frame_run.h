// SPDX-License-Identifier: Apache-2.0
/* The way of nearly all received bytes: those inside of a frame, which only need storing. As a loop of its own, made
 * where the bytes come from, it needs 14 cycles for a byte; the receiver's state stays in registers. */
#ifndef MPQ_FRAME_RUN_H
#define MPQ_FRAME_RUN_H

#include "protocol.h"

/* A received byte, 0 to 255; negative if none waits. */
typedef int frame_source_fn(void *context);

/* The receiver inside of a frame, held in registers. Between begin and end the receiver itself is not to be touched. */
struct frame_run {
    uint8_t *next, *end;  /* equal: takes nothing */
    uint8_t *code_end;    /* where the current COBS run ends, no farther than end */
    uint32_t code_behind; /* bytes of the run for which there is no room in front of end */
    uint32_t crc, pending_zero;
};

static inline void frame_run_set_code(struct frame_run *run, uint32_t code_left)
{
    const uint32_t room = (uint32_t)(run->end - run->next);
    const uint32_t fits = code_left < room ? code_left : room;

    run->code_end = run->next + fits;
    run->code_behind = code_left - fits;
}

static inline struct frame_run frame_run_begin(struct frame_receiver *rx)
{
    const bool inside = rx->size && !rx->fault;
    struct frame_run run = {
        .next = rx->bytes + rx->size,
        .end = inside ? rx->bytes + PROTO_FRAME_MAX : rx->bytes + rx->size,
        .crc = rx->crc,
        .pending_zero = rx->pending_zero,
    };

    frame_run_set_code(&run, rx->code_left);
    return run;
}

/* Whether the next byte, if it is not 0, is to be stored; else it is a code, or not taken. */
static inline bool frame_run_in_code(const struct frame_run *run)
{
    return run->next != run->code_end;
}

static inline void frame_run_store(struct frame_run *run, uint8_t byte)
{
    *run->next++ = byte;
    run->crc = crc32_step(run->crc, byte);
}

/* code: 1 to 255. False: it was not taken. */
static inline bool frame_run_take_code(struct frame_run *run, uint32_t code)
{
    if (run->next == run->end)
        return false;
    if (run->pending_zero)
        frame_run_store(run, 0);
    run->pending_zero = code != COBS_RUN_MAX;
    frame_run_set_code(run, code - 1);
    return true;
}

static inline void frame_run_end(struct frame_receiver *rx, const struct frame_run *run)
{
    rx->size = (uint16_t)(run->next - rx->bytes);
    rx->crc = run->crc;
    rx->code_left = (uint8_t)((uint32_t)(run->code_end - run->next) + run->code_behind);
    rx->pending_zero = (uint8_t)run->pending_zero;
}

/* The bytes of a COBS run. Returns the last byte; one that is not positive was not taken. */
__attribute__((always_inline)) static inline int
frame_run_store_code(struct frame_run *run, frame_source_fn *receive, void *context)
{
    int byte = 1;

    while (frame_run_in_code(run) && (byte = receive(context)) > 0)
        frame_run_store(run, (uint8_t)byte);
    return byte;
}

/* Stores bytes in rx as long as they need nothing else. Returns the first other one, which frame_receiver_feed() must
 * have; negative if none waits. */
__attribute__((always_inline)) static inline int
frame_receiver_run(struct frame_receiver *rx, frame_source_fn *receive, void *context)
{
    struct frame_run run = frame_run_begin(rx);
    int byte;

    do {
        byte = frame_run_store_code(&run, receive, context);
        if (byte > 0)
            byte = receive(context);
    } while (byte > 0 && frame_run_take_code(&run, (uint32_t)byte));
    frame_run_end(rx, &run);
    return byte;
}

#endif
