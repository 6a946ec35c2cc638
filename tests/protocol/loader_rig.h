// SPDX-License-Identifier: Apache-2.0
/* A loader on the host for tests: its model area and itself between guard bytes, a platform that
 * records what happens, and requests with their answers. */
#ifndef MPQ_LOADER_RIG_H
#define MPQ_LOADER_RIG_H

#include "loader.h"
#include "wire.h"

enum {
    RIG_AREA = 8192,
    RIG_GUARD = 256,
    RIG_SENT_ROOM = 64 * 1024,
    RIG_CLOCK_HZ = 50000000,
    RIG_COUNTER_STEP = 1000
};

struct loader_rig {
    uint8_t guard_a[RIG_GUARD];
    _Alignas(16) uint8_t area[RIG_AREA];
    uint8_t guard_b[RIG_GUARD];
    struct loader loader;
    uint8_t guard_c[RIG_GUARD];
    struct loader_platform platform;
    uint8_t sent[RIG_SENT_ROOM]; /* since rig_clear() */
    size_t sent_size;
    unsigned leds, resets, counter_reads;
    uint32_t baud_hz, alarm_cycles; /* as last set; alarm_cycles 0: none */
    uint8_t seq;                    /* of the next request */
};

/* Power-up. isa_version 1, every counter goes on by RIG_COUNTER_STEP with each reading. */
void rig_init(struct loader_rig *rig);

/* Fails the test if anything outside area and loader was written. */
void rig_assert_guards(const struct loader_rig *rig);

void rig_clear(struct loader_rig *rig);

/* Feeds bytes to the loader. */
void rig_feed(struct loader_rig *rig, const uint8_t *bytes, size_t size);

/* Feeds one frame, damaged by nothing. */
void rig_feed_frame(struct loader_rig *rig, uint8_t type, uint8_t seq, const uint8_t *payload,
                    size_t size);

/* Takes frame number `index` of those sent since rig_clear(); false if there are fewer. */
bool rig_sent_frame(const struct loader_rig *rig, unsigned index, struct wire_frame *frame);
unsigned rig_sent_count(const struct loader_rig *rig);

/* One request with the next number; wants exactly one answer to it and returns that. */
const struct wire_frame *rig_request(struct loader_rig *rig, uint8_t type, const uint8_t *payload,
                                     size_t size);

/* The same, status of the answer only. */
enum proto_status rig_status(struct loader_rig *rig, uint8_t type, const uint8_t *payload,
                             size_t size);

/* Requests by name; all want PROTO_OK, but rig_write and rig_commit return the status. */
void rig_hello(struct loader_rig *rig);
enum proto_status rig_write(struct loader_rig *rig, enum proto_space space, uint32_t offset,
                            const uint8_t *bytes, size_t size);
enum proto_status rig_commit(struct loader_rig *rig, uint32_t container_bytes);

/* HELLO, the sample container written and committed. */
void rig_load_sample(struct loader_rig *rig);

/* Payload of a request on an address space: head, offset, then two more words. Returns its size
 * with `words` of them. */
size_t rig_space_request(uint8_t *payload, unsigned space, unsigned index, uint32_t offset,
                         const uint32_t *more, unsigned words);

#endif
