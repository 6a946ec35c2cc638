// SPDX-License-Identifier: Apache-2.0
/* Frames: what is sent comes back, each damage has its reason, and whatever comes, the receiver
 * stays within its bytes and takes the next good frame. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "bytes.h"
#include "crc32.h"
#include "frame_run.h"
#include "model/build_container.h"
#include "model/test_random.h"
#include "wire.h"

enum { GUARD = 64, GUARD_BYTE = 0xa5, FUZZ_BYTES = 1000000, FUZZ_FRAMES = 20000 };

/* A receiver between guard bytes. */
struct guarded {
    uint8_t before[GUARD];
    struct frame_receiver rx;
    uint8_t after[GUARD];
};

/* What a series of bytes gave. */
struct events {
    unsigned ready, bad;
    uint8_t fault; /* of the last bad frame */
    struct wire_frame frame;
};

static void guard_init(struct guarded *guarded)
{
    memset(guarded, GUARD_BYTE, sizeof *guarded);
    frame_receiver_init(&guarded->rx);
}

static void assert_guards(const struct guarded *guarded)
{
    for (unsigned i = 0; i < GUARD; i++) {
        assert_int_equal(guarded->before[i], GUARD_BYTE);
        assert_int_equal(guarded->after[i], GUARD_BYTE);
    }
}

static void feed(struct frame_receiver *rx, const uint8_t *bytes, size_t size,
                 struct events *events)
{
    for (size_t i = 0; i < size; i++) {
        size_t payload_size = 0;
        const enum frame_event event = frame_receiver_feed(rx, bytes[i], &payload_size);

        assert_true(event == FRAME_NONE || bytes[i] == 0);
        if (event == FRAME_READY) {
            events->ready++;
            events->frame.type = rx->bytes[0];
            events->frame.seq = rx->bytes[1];
            events->frame.size = payload_size;
            assert_true(payload_size <= PROTO_PAYLOAD_MAX);
            memcpy(events->frame.payload, rx->bytes + 2, payload_size);
        } else if (event == FRAME_BAD) {
            events->bad++;
            events->fault = rx->fault;
            assert_in_range(rx->fault, NAK_CRC, NAK_TOO_SHORT);
        }
    }
}

static void assert_same_frame(const struct wire_frame *got, const struct wire_frame *want)
{
    assert_int_equal(got->type, want->type);
    assert_int_equal(got->seq, want->seq);
    assert_int_equal(got->size, want->size);
    assert_memory_equal(got->payload, want->payload, want->size);
}

/* Wants the frame, and nothing else, at the end of bytes. */
static void assert_received(const uint8_t *wire, size_t size, const struct wire_frame *want)
{
    struct guarded guarded;
    struct events events = {0};

    guard_init(&guarded);
    feed(&guarded.rx, wire, size - 1, &events);
    assert_int_equal(events.ready + events.bad, 0);
    feed(&guarded.rx, wire + size - 1, 1, &events);
    assert_int_equal(events.ready, 1);
    assert_int_equal(events.bad, 0);
    assert_same_frame(&events.frame, want);
    assert_guards(&guarded);
}

/* Wants one bad frame with this reason, and that a good one gets through behind it. */
static void assert_fault(const uint8_t *wire, size_t size, enum proto_nak want)
{
    const struct wire_frame good = {.type = 2, .seq = 7, .size = 1};
    uint8_t next[PROTO_WIRE_MAX];
    struct guarded guarded;
    struct events events = {0};

    guard_init(&guarded);
    feed(&guarded.rx, wire, size, &events);
    assert_int_equal(events.bad, 1);
    assert_int_equal(events.ready, 0);
    assert_int_equal(events.fault, want);
    feed(&guarded.rx, next, wire_encode(&good, next), &events);
    assert_int_equal(events.ready, 1);
    assert_int_equal(events.bad, 1);
    assert_same_frame(&events.frame, &good);
    assert_guards(&guarded);
}

static void fill(struct test_random *random, uint8_t *bytes, size_t size, unsigned kind)
{
    test_random_bytes(random, bytes, size);
    for (size_t i = 0; i < size; i++) {
        if (kind == 1)
            bytes[i] = 0;
        else if (kind == 2)
            bytes[i] = 0xff;
        else if (kind == 3)
            bytes[i] = (uint8_t)(bytes[i] | 1);
        else if (kind == 4)
            bytes[i] = bytes[i] < 250 ? 0x55 : 0;
    }
}

static void frames_come_back_as_they_were(void **state)
{
    struct test_random random = {1};
    struct wire_frame frame = {.type = PROTO_WRITE};
    uint8_t work[PROTO_FRAME_MAX], wire[PROTO_WIRE_MAX], want[PROTO_WIRE_MAX];

    (void)state;
    for (size_t size = 0; size <= PROTO_PAYLOAD_MAX; size += size < 300 ? 1 : 41) {
        for (unsigned kind = 0; kind < 5; kind++) {
            size_t wire_size;

            frame.size = size;
            frame.seq = (uint8_t)(size + kind);
            fill(&random, frame.payload, size, kind);
            wire_size = frame_encode(frame.type, frame.seq, frame.payload, size, work, wire);
            assert_int_equal(wire_size, wire_encode(&frame, want));
            assert_memory_equal(wire, want, wire_size);
            assert_received(wire, wire_size, &frame);
        }
    }
}

static void largest_frame_fits_its_buffers(void **state)
{
    struct wire_frame frame = {.type = 0xff, .seq = 0xff, .size = PROTO_PAYLOAD_MAX};
    uint8_t work[PROTO_FRAME_MAX], wire[PROTO_WIRE_MAX + GUARD];
    size_t size;

    (void)state;
    memset(frame.payload, 0xff, sizeof frame.payload);
    memset(wire, GUARD_BYTE, sizeof wire);
    size = frame_encode(frame.type, frame.seq, frame.payload, frame.size, work, wire);
    assert_true(size <= PROTO_WIRE_MAX);
    for (size_t i = size; i < sizeof wire; i++)
        assert_int_equal(wire[i], GUARD_BYTE);
    assert_received(wire, size, &frame);
}

static void cobs_equals_the_published_examples(void **state)
{
    static const struct {
        uint8_t in[4], size, want[7], want_size;
    } examples[] = {
        {{0}, 0, {1, 0}, 2},
        {{0}, 1, {1, 1, 0}, 3},
        {{0, 0}, 2, {1, 1, 1, 0}, 4},
        {{0, 0x11, 0}, 3, {1, 2, 0x11, 1, 0}, 5},
        {{0x11, 0x22, 0, 0x33}, 4, {3, 0x11, 0x22, 2, 0x33, 0}, 6},
        {{0x11, 0x22, 0x33, 0x44}, 4, {5, 0x11, 0x22, 0x33, 0x44, 0}, 6},
        {{0x11, 0, 0, 0}, 4, {2, 0x11, 1, 1, 1, 0}, 6},
    };
    uint8_t out[PROTO_WIRE_MAX];

    (void)state;
    for (unsigned i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        assert_int_equal(cobs_encode(examples[i].in, examples[i].size, out), examples[i].want_size);
        assert_memory_equal(out, examples[i].want, examples[i].want_size);
    }
}

static void changed_bits_are_a_crc_fault(void **state)
{
    const struct wire_frame frame = {.type = 2, .seq = 1, .size = 40, .payload = {1, 2, 3}};
    uint8_t wire[PROTO_WIRE_MAX];
    uint8_t bytes[PROTO_FRAME_MAX] = {2, 1, 1, 2, 3};
    uint32_t crc;

    (void)state;
    crc = build_crc32(bytes, frame.size + 2);
    memcpy(bytes + frame.size + 2, &crc, 4);
    for (unsigned bit = 0; bit < 8 * (frame.size + PROTO_OVERHEAD); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_fault(wire, wire_cobs(bytes, frame.size + PROTO_OVERHEAD, wire), NAK_CRC);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_received(wire, wire_encode(&frame, wire), &frame);
}

static void frame_cut_within_a_run_is_a_cobs_fault(void **state)
{
    struct wire_frame frame = {.type = 2, .seq = 1, .size = 100};
    uint8_t wire[PROTO_WIRE_MAX], cut[PROTO_WIRE_MAX];
    size_t size;

    (void)state;
    memset(frame.payload, 0x33, frame.size);
    size = wire_encode(&frame, wire);
    assert_int_equal(wire[0], size - 1); /* one run */
    for (size_t kept = 1; kept < size - 1; kept++) {
        memcpy(cut, wire, kept);
        cut[kept] = 0;
        assert_fault(cut, kept + 1, NAK_COBS);
    }
}

static void too_few_bytes_are_too_short(void **state)
{
    const uint8_t bytes[PROTO_OVERHEAD] = {1, 2, 3, 4, 5, 6};
    uint8_t wire[PROTO_WIRE_MAX];

    (void)state;
    for (size_t size = 1; size < PROTO_OVERHEAD; size++)
        assert_fault(wire, wire_cobs(bytes, size, wire), NAK_TOO_SHORT);
}

static void too_many_bytes_are_too_long(void **state)
{
    static uint8_t bytes[4 * PROTO_FRAME_MAX], wire[8 * PROTO_FRAME_MAX];

    (void)state;
    for (unsigned kind = 0; kind < 5; kind++) {
        struct test_random random = {kind + 1};

        for (size_t size = PROTO_FRAME_MAX + 1; size <= sizeof bytes; size += size / 3) {
            fill(&random, bytes, size, kind);
            assert_fault(wire, wire_cobs(bytes, size, wire), NAK_TOO_LONG);
        }
    }
}

static void empty_frames_are_silent(void **state)
{
    static const uint8_t zeros[100];
    struct guarded guarded;
    struct events events = {0};

    (void)state;
    guard_init(&guarded);
    feed(&guarded.rx, zeros, sizeof zeros, &events);
    assert_int_equal(events.ready + events.bad, 0);
}

/* Each byte in turn lost, repeated, or replaced: never another frame than the one sent. */
static void damage_never_makes_another_frame(void **state)
{
    struct wire_frame frame = {.type = PROTO_WRITE, .seq = 9, .size = 300};
    struct test_random random = {3};
    uint8_t wire[PROTO_WIRE_MAX], hurt[PROTO_WIRE_MAX + 1];
    size_t size;

    (void)state;
    fill(&random, frame.payload, frame.size, 0);
    size = wire_encode(&frame, wire);
    for (size_t at = 0; at < size; at++) {
        for (unsigned how = 0; how < 12; how++) {
            struct guarded guarded;
            struct events events = {0};
            size_t hurt_size = size;

            memcpy(hurt, wire, size);
            if (how == 0) { /* lost */
                memmove(hurt + at, hurt + at + 1, size - at - 1);
                hurt_size--;
            } else if (how == 1) { /* repeated */
                memmove(hurt + at + 1, wire + at, size - at);
                hurt_size++;
            } else if (how < 10) {
                hurt[at] ^= (uint8_t)(1 << (how - 2));
            } else {
                hurt[at] = (uint8_t)(how == 10 ? 0 : test_random_next(&random));
            }
            guard_init(&guarded);
            feed(&guarded.rx, hurt, hurt_size, &events);
            if (events.ready)
                assert_same_frame(&events.frame, &frame);
            assert_guards(&guarded);
        }
    }
}

static void any_bytes_leave_the_receiver_whole(void **state)
{
    const struct wire_frame good = {.type = 1, .seq = 2, .size = 3, .payload = {4, 5, 6}};
    struct test_random random = {5};
    uint8_t wire[PROTO_WIRE_MAX];
    struct guarded guarded;
    struct events events = {0};
    size_t size;

    (void)state;
    guard_init(&guarded);
    for (unsigned i = 0; i < FUZZ_BYTES; i++) {
        /* few delimiters, so that frames become too long as well */
        uint8_t byte = (uint8_t)(test_random_next(&random) >> 9);

        if (byte == 0 && test_random_between(&random, 0, 9))
            byte = 1;
        feed(&guarded.rx, &byte, 1, &events);
    }
    assert_guards(&guarded);
    feed(&guarded.rx, (const uint8_t[]){0}, 1, &events);
    memset(&events, 0, sizeof events);
    size = wire_encode(&good, wire);
    feed(&guarded.rx, wire, size, &events);
    assert_int_equal(events.ready, 1);
    assert_same_frame(&events.frame, &good);
}

/* Of the receiver, what the next byte finds. */
static void assert_same_receiver(const struct frame_receiver *got,
                                 const struct frame_receiver *want)
{
    assert_int_equal(got->size, want->size);
    assert_int_equal(got->crc, want->crc);
    assert_int_equal(got->code_left, want->code_left);
    assert_int_equal(got->pending_zero, want->pending_zero);
    assert_int_equal(got->fault, want->fault);
    assert_memory_equal(got->bytes, want->bytes, got->size);
}

/* Any byte; codes of short and of the longest runs more often, and a delimiter now and then. */
static uint8_t stream_byte(struct test_random *random)
{
    switch (test_random_between(random, 0, 7)) {
    case 0:
        return (uint8_t)test_random_between(random, 1, 3);
    case 1:
        return COBS_RUN_MAX;
    case 2:
        return (uint8_t)(test_random_between(random, 0, 99) ? 5 : 0);
    default:
        return (uint8_t)test_random_between(random, 1, 255);
    }
}

/* Some bytes, which the other receiver gets one by one. */
struct stream {
    struct test_random *random;
    struct frame_receiver *single;
    int left;
    unsigned given;
};

static int next_byte(void *context)
{
    struct stream *stream = context;
    struct events events = {0};
    uint8_t byte;

    if (!stream->left)
        return -1;
    stream->left--;
    stream->given++;
    byte = stream_byte(stream->random);
    feed(stream->single, &byte, 1, &events);
    return byte;
}

static void runs_leave_the_receiver_as_single_bytes_do(void **state)
{
    struct test_random random = {9};
    struct guarded single, runs;
    struct stream stream = {&random, &single.rx, 0, 0};
    unsigned passed = 0;

    (void)state;
    guard_init(&single);
    guard_init(&runs);
    while (stream.given < FUZZ_BYTES) {
        if (!test_random_between(&random, 0, 99)) { /* as loader_overrun() spoils a frame */
            single.rx.fault = runs.rx.fault = NAK_CRC;
            single.rx.code_left = runs.rx.code_left = 1;
        }
        stream.left = test_random_between(&random, 0, 60);
        const int last = frame_receiver_run(&runs.rx, next_byte, &stream);
        struct events events = {0};

        if (last >= 0) {
            const uint8_t byte = (uint8_t)last;

            feed(&runs.rx, &byte, 1, &events);
            passed++;
        }
        assert_same_receiver(&runs.rx, &single.rx);
    }
    assert_guards(&runs);
    assert_in_range(stream.given - passed, FUZZ_BYTES / 4, FUZZ_BYTES);
}

/* Receiver and the tests' decoder agree on every frame, good or not. */
static void receiver_agrees_with_a_plain_decoder(void **state)
{
    struct test_random random = {6};
    struct wire_frame frame = {.type = 2}, want;
    uint8_t wire[PROTO_WIRE_MAX];

    (void)state;
    for (unsigned i = 0; i < FUZZ_FRAMES; i++) {
        struct guarded guarded;
        struct events events = {0};
        size_t size;

        frame.size = (size_t)test_random_between(&random, 0, 40);
        fill(&random, frame.payload, frame.size, (unsigned)test_random_between(&random, 0, 4));
        size = wire_encode(&frame, wire);
        if (test_random_between(&random, 0, 1)) {
            uint8_t *hurt = &wire[test_random_between(&random, 0, (int)size - 2)];

            *hurt = (uint8_t)test_random_between(&random, 1, 255);
        }
        guard_init(&guarded);
        feed(&guarded.rx, wire, size, &events);
        assert_int_equal(events.ready, wire_decode(wire, size - 1, &want));
        assert_int_equal(events.ready + events.bad, 1);
        if (events.ready)
            assert_same_frame(&events.frame, &want);
    }
}

static void crc_is_that_of_ieee_802_3(void **state)
{
    struct test_random random = {7};
    uint8_t bytes[256];

    (void)state;
    assert_int_equal(crc32_update(0, "123456789", 9), 0xcbf43926);
    test_random_bytes(&random, bytes, sizeof bytes);
    for (size_t from = 0; from < 8; from++) {
        for (size_t size = 0; size <= 128; size++) {
            const uint32_t want = build_crc32(bytes + from, size);

            assert_int_equal(crc32_update(0, bytes + from, size), want);
            for (size_t first = 0; first <= size; first += 1 + size / 9)
                assert_int_equal(crc32_update(crc32_update(0, bytes + from, first),
                                              bytes + from + first, size - first),
                                 want);
        }
    }
}

static void crc_byte_by_byte_ends_in_its_residue_behind_the_right_crc_only(void **state)
{
    struct test_random random = {8};
    uint8_t bytes[64], behind[4];

    (void)state;
    test_random_bytes(&random, bytes, sizeof bytes);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        uint32_t crc = CRC32_START, right, wrong;

        for (size_t i = 0; i < size; i++)
            crc = crc32_step(crc, bytes[i]);
        assert_int_equal(~crc, build_crc32(bytes, size));
        put_u32(behind, build_crc32(bytes, size));
        for (unsigned bit = 0; bit < 32; bit++) {
            right = wrong = crc;
            for (unsigned i = 0; i < 4; i++) {
                right = crc32_step(right, behind[i]);
                wrong =
                    crc32_step(wrong, (uint8_t)(behind[i] ^ (bit / 8 == i ? 1u << bit % 8 : 0)));
            }
            assert_int_equal(right, CRC32_RESIDUE);
            assert_int_not_equal(wrong, CRC32_RESIDUE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_back_as_they_were),
        cmocka_unit_test(largest_frame_fits_its_buffers),
        cmocka_unit_test(cobs_equals_the_published_examples),
        cmocka_unit_test(changed_bits_are_a_crc_fault),
        cmocka_unit_test(frame_cut_within_a_run_is_a_cobs_fault),
        cmocka_unit_test(too_few_bytes_are_too_short),
        cmocka_unit_test(too_many_bytes_are_too_long),
        cmocka_unit_test(empty_frames_are_silent),
        cmocka_unit_test(damage_never_makes_another_frame),
        cmocka_unit_test(any_bytes_leave_the_receiver_whole),
        cmocka_unit_test(runs_leave_the_receiver_as_single_bytes_do),
        cmocka_unit_test(receiver_agrees_with_a_plain_decoder),
        cmocka_unit_test(crc_is_that_of_ieee_802_3),
        cmocka_unit_test(crc_byte_by_byte_ends_in_its_residue_behind_the_right_crc_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
