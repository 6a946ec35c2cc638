// SPDX-License-Identifier: Apache-2.0
/* The loader's surroundings for tests. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "bytes.h"
#include "loader_rig.h"
#include "model/build_container.h"

enum { GUARD_BYTE = 0xc7, WRITE_HEAD = 8 };

static void record(void *context, const uint8_t *bytes, size_t size)
{
    struct loader_rig *rig = context;

    assert_true(size <= PROTO_WIRE_MAX);
    assert_true(rig->sent_size + size <= RIG_SENT_ROOM);
    memcpy(rig->sent + rig->sent_size, bytes, size);
    rig->sent_size += size;
}

static void count(void *context, uint64_t counters[COUNTER_COUNT])
{
    struct loader_rig *rig = context;

    rig->counter_reads++;
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        counters[i] = (uint64_t)rig->counter_reads * RIG_COUNTER_STEP * (i + 1);
}

static void set_leds(void *context, unsigned leds)
{
    ((struct loader_rig *)context)->leds = leds;
}

static void reset(void *context)
{
    ((struct loader_rig *)context)->resets++;
}

static void set_rate(void *context, uint32_t baud_hz)
{
    ((struct loader_rig *)context)->baud_hz = baud_hz;
}

static void set_alarm(void *context, uint32_t cycles)
{
    ((struct loader_rig *)context)->alarm_cycles = cycles;
}

void rig_init(struct loader_rig *rig)
{
    memset(rig, 0, sizeof *rig);
    memset(rig->guard_a, GUARD_BYTE, RIG_GUARD);
    memset(rig->guard_b, GUARD_BYTE, RIG_GUARD);
    memset(rig->guard_c, GUARD_BYTE, RIG_GUARD);
    rig->baud_hz = PROTO_BAUD_HZ;
    rig->platform = (struct loader_platform){
        .context = rig,
        .send = record,
        .read_counters = count,
        .set_leds = set_leds,
        .reset = reset,
        .set_rate = set_rate,
        .set_alarm = set_alarm,
        .clock_hz = RIG_CLOCK_HZ,
        .ram_bytes = 0x100000,
        .core_config = 3,
        .marchid = 22,
        .mimpid = 0x01020304,
        .build_id = 0x89abcdef,
        .isa_version = 1,
    };
    loader_init(&rig->loader, &rig->platform, rig->area, RIG_AREA);
}

void rig_assert_guards(const struct loader_rig *rig)
{
    for (unsigned i = 0; i < RIG_GUARD; i++) {
        assert_int_equal(rig->guard_a[i], GUARD_BYTE);
        assert_int_equal(rig->guard_b[i], GUARD_BYTE);
        assert_int_equal(rig->guard_c[i], GUARD_BYTE);
    }
    assert_ptr_equal(rig->loader.area, rig->area);
    assert_int_equal(rig->loader.area_bytes, RIG_AREA);
}

void rig_clear(struct loader_rig *rig)
{
    rig->sent_size = 0;
}

void rig_feed(struct loader_rig *rig, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        loader_feed(&rig->loader, bytes[i]);
}

void rig_feed_frame(struct loader_rig *rig, uint8_t type, uint8_t seq, const uint8_t *payload,
                    size_t size)
{
    struct wire_frame frame = {.type = type, .seq = seq, .size = size};
    uint8_t wire[PROTO_WIRE_MAX];

    assert_true(size <= PROTO_PAYLOAD_MAX);
    if (size)
        memcpy(frame.payload, payload, size);
    rig_feed(rig, wire, wire_encode(&frame, wire));
}

bool rig_sent_frame(const struct loader_rig *rig, unsigned index, struct wire_frame *frame)
{
    size_t start = 0;

    for (size_t i = 0; i < rig->sent_size; i++) {
        if (rig->sent[i])
            continue;
        if (index-- == 0) {
            assert_true(wire_decode(rig->sent + start, i - start, frame));
            return true;
        }
        start = i + 1;
    }
    return false;
}

unsigned rig_sent_count(const struct loader_rig *rig)
{
    unsigned frames = 0;

    for (size_t i = 0; i < rig->sent_size; i++)
        frames += rig->sent[i] == 0;
    return frames;
}

const struct wire_frame *rig_request(struct loader_rig *rig, uint8_t type, const uint8_t *payload,
                                     size_t size)
{
    static struct wire_frame answer;

    rig_clear(rig);
    rig_feed_frame(rig, type, rig->seq, payload, size);
    assert_int_equal(rig_sent_count(rig), 1);
    assert_true(rig_sent_frame(rig, 0, &answer));
    assert_int_equal(answer.type, type | PROTO_RESPONSE);
    assert_int_equal(answer.seq, rig->seq);
    assert_true(answer.size >= PROTO_STATUS_BYTES);
    rig->seq++;
    rig_assert_guards(rig);
    return &answer;
}

enum proto_status rig_status(struct loader_rig *rig, uint8_t type, const uint8_t *payload,
                             size_t size)
{
    return (enum proto_status)rig_request(rig, type, payload, size)->payload[0];
}

void rig_hello(struct loader_rig *rig)
{
    const uint8_t payload[] = {0x78, 0x56, 0x34, 0x12, PROTO_VERSION, 0};

    assert_int_equal(rig_status(rig, PROTO_HELLO, payload, sizeof payload), PROTO_OK);
}

size_t rig_space_request(uint8_t *payload, unsigned space, unsigned index, uint32_t offset,
                         const uint32_t *more, unsigned words)
{
    payload[0] = (uint8_t)space;
    payload[1] = 0;
    put_u16(payload + 2, (uint16_t)index);
    put_u32(payload + 4, offset);
    for (unsigned i = 0; i < words; i++)
        put_u32(payload + WRITE_HEAD + 4 * i, more[i]);
    return WRITE_HEAD + 4 * words;
}

enum proto_status rig_write(struct loader_rig *rig, enum proto_space space, uint32_t offset,
                            const uint8_t *bytes, size_t size)
{
    uint8_t payload[PROTO_PAYLOAD_MAX];

    rig_space_request(payload, space, 0, offset, NULL, 0);
    if (size)
        memcpy(payload + WRITE_HEAD, bytes, size);
    return rig_status(rig, PROTO_WRITE, payload, WRITE_HEAD + size);
}

enum proto_status rig_commit(struct loader_rig *rig, uint32_t container_bytes)
{
    uint8_t payload[4];

    put_u32(payload, container_bytes);
    return rig_status(rig, PROTO_COMMIT, payload, sizeof payload);
}

void rig_load_sample(struct loader_rig *rig)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);

    rig_hello(rig);
    for (size_t at = 0; at < size; at += PROTO_DATA_MAX) {
        const size_t left = size - at;

        assert_int_equal(rig_write(rig, SPACE_MODEL, (uint32_t)at, sample + at,
                                   left < PROTO_DATA_MAX ? left : PROTO_DATA_MAX),
                         PROTO_OK);
    }
    assert_int_equal(rig_commit(rig, (uint32_t)size), PROTO_OK);
}
