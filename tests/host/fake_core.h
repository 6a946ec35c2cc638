// SPDX-License-Identifier: Apache-2.0
/* A core at the other end of a bad line, in virtual time: speaks protocol.h in the plainest way,
 * and loses, damages, repeats and delays frames as a test wants. Shares no code with loader.c.
 * Defines clock_gettime(), so that the host's half lives in the same virtual time: one test program
 * each. */
#ifndef MPQ_TEST_FAKE_CORE_H
#define MPQ_TEST_FAKE_CORE_H

#include "host/scratch.h"

#include <time.h>

#include "base/rng.h"
#include "bytes.h"
#include "protocol.h"
#include "target/link.h"

enum { FAKE_MEMORY_BYTES = 65536, FAKE_QUEUE = 512, FAKE_WAY_MS = 5, FAKE_LATE_MS = 700 };

enum fate { FATE_ARRIVES, FATE_LOST, FATE_DAMAGED, FATE_TWICE, FATE_LATE };
enum way { TO_CORE, TO_HOST };

struct fake_frame {
    int64_t at_ms;
    size_t size;
    uint8_t wire[PROTO_WIRE_MAX];
};

struct fake_core {
    struct link link; /* first: a struct link * is a struct fake_core * */
    /* What a test orders. fate: of frame number `number` (from 0) that way; NULL: all arrive. */
    enum fate (*fate)(struct fake_core *core, enum way way, unsigned number);
    struct rng rng;         /* for fates */
    unsigned target;        /* for fates: a frame's number, a share */
    enum fate target_fate;  /* for fates */
    unsigned window;        /* that HELLO's answer tells */
    int compute_ms;         /* that READ takes */
    uint8_t refuse_write;   /* status for each WRITE; 0: carry out */
    bool silent, chatters;  /* says nothing; says nonsense without end */
    bool naks_all;          /* refuses every frame as damaged */
    uint32_t nonce_mask;    /* for a HELLO answer that belongs to another one */
    unsigned trap_at_write; /* WRITE number (from 1) that traps; 0: none */
    /* State. */
    struct frame_receiver receiver;
    bool in_session, nak_sent;
    uint8_t expected;
    unsigned frames[2]; /* by way */
    unsigned writes, reads, hellos;
    uint8_t memory[FAKE_MEMORY_BYTES], last[PROTO_FRAME_MAX];
    size_t last_size; /* of the last answer that was none to WRITE */
    uint8_t last_type, last_seq;
    unsigned unanswered, most_unanswered; /* requests between host and host */
    size_t queued;
    struct fake_frame queue[FAKE_QUEUE]; /* towards the host, by time */
};

static int64_t fake_now_us = 1000000;

/* The host's clock. The name is libc's. */
int clock_gettime(clockid_t id, struct timespec *out)
{
    (void)id;
    out->tv_sec = fake_now_us / 1000000;
    out->tv_nsec = fake_now_us % 1000000 * 1000;
    return 0;
}

static inline int64_t fake_now_ms(void)
{
    return fake_now_us / 1000;
}

static inline enum fate fake_fate(struct fake_core *core, enum way way)
{
    const unsigned number = core->frames[way]++;
    return core->fate ? core->fate(core, way, number) : FATE_ARRIVES;
}

static inline void fake_queue(struct fake_core *core, int64_t at_ms, const uint8_t *wire,
                              size_t size)
{
    size_t place = core->queued;
    assert_true(core->queued < FAKE_QUEUE);
    while (place > 0 && core->queue[place - 1].at_ms > at_ms) {
        core->queue[place] = core->queue[place - 1];
        place--;
    }
    core->queue[place].at_ms = at_ms;
    core->queue[place].size = size;
    memcpy(core->queue[place].wire, wire, size);
    core->queued++;
}

/* A frame from the core, at the mercy of the line. */
static inline void fake_send(struct fake_core *core, uint8_t type, uint8_t seq,
                             const uint8_t *payload, size_t size, int delay_ms)
{
    uint8_t frame[PROTO_FRAME_MAX], wire[PROTO_WIRE_MAX];
    const size_t wire_size = frame_encode(type, seq, payload, size, frame, wire);
    const int64_t at_ms = fake_now_ms() + delay_ms + FAKE_WAY_MS;
    const enum fate fate = fake_fate(core, TO_HOST);
    if (fate == FATE_DAMAGED)
        wire[wire_size / 2] ^= 0x55;
    if (fate != FATE_LOST)
        fake_queue(core, at_ms + (fate == FATE_LATE ? FAKE_LATE_MS : 0), wire, wire_size);
    if (fate == FATE_TWICE)
        fake_queue(core, at_ms + 1, wire, wire_size);
}

static inline void fake_answer(struct fake_core *core, uint8_t type, uint8_t seq, uint8_t status,
                               const uint8_t *data, size_t size, int delay_ms)
{
    uint8_t payload[PROTO_PAYLOAD_MAX] = {status};
    if (size)
        memcpy(payload + PROTO_STATUS_BYTES, data, size);
    if (type != PROTO_WRITE) {
        memcpy(core->last, payload, PROTO_STATUS_BYTES + size);
        core->last_size = PROTO_STATUS_BYTES + size;
        core->last_type = type;
        core->last_seq = seq;
    }
    fake_send(core, type | PROTO_RESPONSE, seq, payload, PROTO_STATUS_BYTES + size, delay_ms);
}

static inline void fake_nak(struct fake_core *core, enum proto_nak reason)
{
    const uint8_t payload[2] = {core->expected, (uint8_t)reason};
    if (!core->nak_sent)
        fake_send(core, PROTO_NAK, 0, payload, sizeof payload, 0);
    core->nak_sent = true;
}

static inline void fake_hello(struct fake_core *core, uint8_t seq, const uint8_t *payload)
{
    uint8_t data[HELLO_DATA_BYTES] = {0};
    put_u32(data + HELLO_NONCE, get_u32(payload) ^ core->nonce_mask);
    put_u16(data + HELLO_VERSION, PROTO_VERSION);
    data[HELLO_WINDOW] = (uint8_t)core->window;
    data[HELLO_TIERS] = 3;
    put_u16(data + HELLO_ISA_VERSION, 1);
    put_u16(data + HELLO_MODEL_VERSION, 1);
    put_u32(data + HELLO_CLOCK_HZ, 50000000);
    put_u32(data + HELLO_RAM_BYTES, 1 << 20);
    put_u32(data + HELLO_MODEL_AREA_BYTES, FAKE_MEMORY_BYTES);
    memcpy(data + HELLO_FIRMWARE, "fake 1.2.3.4", 12); /* fills the field: no NUL */
    core->in_session = true;
    core->expected = (uint8_t)(seq + 1);
    core->hellos++;
    fake_answer(core, PROTO_HELLO, seq, PROTO_OK, data, sizeof data, 0);
}

static inline void fake_trap(struct fake_core *core)
{
    uint8_t payload[14];
    put_u32(payload, 2);
    put_u32(payload + 4, 0x00101234);
    put_u32(payload + 8, 0xdeadbeef);
    put_u16(payload + 12, 3);
    core->in_session = false;
    fake_send(core, PROTO_TRAP, 0, payload, sizeof payload, 0);
}

static inline void fake_execute(struct fake_core *core, uint8_t type, uint8_t seq,
                                const uint8_t *payload, size_t size)
{
    const uint32_t offset = get_u32(payload + 4);
    core->expected++;
    if (type == PROTO_WRITE) {
        if (++core->writes == core->trap_at_write) {
            fake_trap(core);
            return;
        }
        assert_true(offset + size - 8 <= FAKE_MEMORY_BYTES);
        if (!core->refuse_write)
            memcpy(core->memory + offset, payload + 8, size - 8);
        fake_answer(core, type, seq, core->refuse_write, NULL, 0, 0);
    } else if (type == PROTO_READ) {
        core->reads++;
        fake_answer(core, type, seq, PROTO_OK, core->memory + offset, get_u16(payload + 8),
                    core->compute_ms);
    } else {
        fake_answer(core, type, seq, PROTO_E_TYPE, NULL, 0, 0);
    }
}

/* A request was executed before: answers again and changes nothing. */
static inline void fake_repeat(struct fake_core *core, uint8_t type, uint8_t seq)
{
    const uint8_t done[PROTO_STATUS_BYTES] = {PROTO_OK};
    const bool is_last = type == core->last_type && seq == core->last_seq;
    fake_send(core, type | PROTO_RESPONSE, seq, is_last ? core->last : done,
              is_last ? core->last_size : sizeof done, is_last ? core->compute_ms : 0);
}

static inline void fake_take(struct fake_core *core, size_t size)
{
    const uint8_t type = core->receiver.bytes[0], seq = core->receiver.bytes[1];
    uint8_t payload[PROTO_PAYLOAD_MAX + 8] = {0};
    const uint8_t age = (uint8_t)(core->expected - seq);
    memcpy(payload, core->receiver.bytes + 2, size);
    if (core->naks_all) {
        core->nak_sent = false;
        fake_nak(core, NAK_CRC);
        return;
    }
    if (type != PROTO_HELLO && core->in_session && age > PROTO_WINDOW_MAX) {
        fake_nak(core, NAK_SEQUENCE);
        return;
    }
    core->nak_sent = false;
    if (type == PROTO_HELLO)
        fake_hello(core, seq, payload);
    else if (!core->in_session)
        fake_answer(core, type, seq, PROTO_E_NO_SESSION, NULL, 0, 0);
    else if (age == 0)
        fake_execute(core, type, seq, payload, size);
    else
        fake_repeat(core, type, seq);
}

static inline void fake_receive(struct fake_core *core, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        size_t payload_size;
        switch (frame_receiver_feed(&core->receiver, bytes[i], &payload_size)) {
        case FRAME_READY:
            fake_take(core, payload_size);
            break;
        case FRAME_BAD:
            fake_nak(core, (enum proto_nak)core->receiver.fault);
            break;
        case FRAME_NONE:
            break;
        }
    }
}

/* Each write of the host is one frame. */
static inline enum status fake_link_write(struct link *link, const uint8_t *bytes, size_t size,
                                          struct error *err)
{
    struct fake_core *core = (struct fake_core *)link;
    uint8_t damaged[PROTO_WIRE_MAX + 1];
    const enum fate fate = fake_fate(core, TO_CORE);
    (void)err;
    assert_true(size <= sizeof damaged);
    memcpy(damaged, bytes, size);
    if (fate == FATE_DAMAGED)
        damaged[size / 2] ^= 0x2a;
    if (++core->unanswered > core->most_unanswered)
        core->most_unanswered = core->unanswered;
    if (core->silent || fate == FATE_LOST)
        return STATUS_OK;
    fake_receive(core, damaged, size);
    if (fate == FATE_TWICE)
        fake_receive(core, damaged, size);
    return STATUS_OK;
}

static inline enum status fake_link_read(struct link *link, uint8_t *bytes, size_t size,
                                         int timeout_ms, size_t *got, struct error *err)
{
    struct fake_core *core = (struct fake_core *)link;
    (void)err;
    *got = 0;
    if (core->chatters) {
        fake_now_us += 1000;
        memset(bytes, 0x41, size < 8 ? size : 8);
        *got = size < 8 ? size : 8;
        return STATUS_OK;
    }
    const int64_t end_us = fake_now_us + (int64_t)timeout_ms * 1000;
    if (!core->queued || core->queue[0].at_ms * 1000 > end_us) {
        fake_now_us = end_us;
        return STATUS_OK;
    }
    if (core->queue[0].at_ms * 1000 > fake_now_us)
        fake_now_us = core->queue[0].at_ms * 1000;
    assert_true(core->queue[0].size <= size);
    *got = core->queue[0].size;
    memcpy(bytes, core->queue[0].wire, *got);
    core->queued--;
    memmove(core->queue, core->queue + 1, core->queued * sizeof *core->queue);
    core->unanswered = core->unanswered ? core->unanswered - 1 : 0;
    return STATUS_OK;
}

static inline void fake_link_close(struct link *link)
{
    (void)link;
}

static const struct link_ops FAKE_LINK_OPS = {fake_link_read, fake_link_write, fake_link_close,
                                              NULL};

static inline void fake_core_init(struct fake_core *core)
{
    memset(core, 0, sizeof *core);
    core->link.ops = &FAKE_LINK_OPS;
    snprintf(core->link.name, sizeof core->link.name, "fake");
    core->window = 8;
    frame_receiver_init(&core->receiver);
}

#endif
