// SPDX-License-Identifier: Apache-2.0
/* The loader's conversation: sequence numbers, repetition without a second execution, the reasons
 * of a NAK, and a long transfer over a line that changes, loses and repeats 1 byte in 1000. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "bytes.h"
#include "loader_rig.h"
#include "model/build_container.h"
#include "model/test_random.h"

enum { WRITE_HEAD = 8 };

static struct loader_rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_assert_guards(&rig);
    return 0;
}

/* Feeds a WRITE of one byte to the model area under a number; wants no answer in particular. */
static void write_byte(uint8_t seq, uint32_t offset, uint8_t value)
{
    uint8_t payload[WRITE_HEAD + 1];

    rig_space_request(payload, SPACE_MODEL, 0, offset, NULL, 0);
    payload[WRITE_HEAD] = value;
    rig_feed_frame(&rig, PROTO_WRITE, seq, payload, sizeof payload);
}

static void assert_answer(unsigned index, uint8_t type, uint8_t seq, enum proto_status status)
{
    struct wire_frame frame;

    assert_true(rig_sent_frame(&rig, index, &frame));
    assert_int_equal(frame.type, type | PROTO_RESPONSE);
    assert_int_equal(frame.seq, seq);
    assert_int_equal(frame.payload[0], status);
}

/* Wants exactly one frame since rig_clear(), a NAK. */
static void assert_nak(uint8_t expected, enum proto_nak reason)
{
    struct wire_frame frame;

    assert_int_equal(rig_sent_count(&rig), 1);
    assert_true(rig_sent_frame(&rig, 0, &frame));
    assert_int_equal(frame.type, PROTO_NAK);
    assert_int_equal(frame.size, 2);
    assert_int_equal(frame.payload[0], expected);
    assert_int_equal(frame.payload[1], reason);
}

/* ---- NAK ---- */

static void each_damage_has_its_nak(void **state)
{
    static uint8_t long_frame[PROTO_FRAME_MAX + 100];
    static const struct {
        uint8_t wire[10];
        size_t size;
        enum proto_nak want;
    } damages[] = {
        {{7, 2, 1, 9, 9, 9, 9, 0}, 8, NAK_CRC},
        {{9, 2, 1, 0}, 4, NAK_COBS},
        {{3, 2, 1, 0}, 4, NAK_TOO_SHORT},
    };

    (void)state;
    rig_hello(&rig);
    for (unsigned i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        write_byte(rig.seq++, 0, 1); /* a good frame, so that the next NAK is sent */
        rig_clear(&rig);
        rig_feed(&rig, damages[i].wire, damages[i].size);
        assert_nak(rig.seq, damages[i].want);
    }
    write_byte(rig.seq++, 0, 1);
    rig_clear(&rig);
    memset(long_frame, 1, sizeof long_frame - 1); /* zeros, more than fit */
    long_frame[0] = 1;
    rig_feed(&rig, long_frame, sizeof long_frame);
    assert_nak(rig.seq, NAK_TOO_LONG);

    write_byte(rig.seq++, 0, 1);
    rig_clear(&rig);
    loader_feed(&rig.loader, 5);
    loader_overrun(&rig.loader);
    rig_feed(&rig, damages[0].wire, damages[0].size);
    assert_nak(rig.seq, NAK_OVERRUN);

    write_byte(rig.seq++, 0, 1);
    rig_clear(&rig);
    write_byte((uint8_t)(rig.seq + 1), 0, 2);
    assert_nak(rig.seq, NAK_SEQUENCE);
}

static void overrun_between_frames_spoils_the_next(void **state)
{
    (void)state;
    rig_hello(&rig);
    rig.area[5] = 0;
    rig_clear(&rig);
    loader_overrun(&rig.loader);
    write_byte(rig.seq, 5, 1);
    assert_nak(rig.seq, NAK_OVERRUN);
    assert_int_equal(rig.area[5], 0);
    rig_clear(&rig);
    write_byte(rig.seq, 5, 1);
    assert_answer(0, PROTO_WRITE, rig.seq, PROTO_OK);
    assert_int_equal(rig.area[5], 1);
}

static void one_nak_is_sent_until_a_good_frame(void **state)
{
    const uint8_t bad[] = {3, 2, 1, 0};

    (void)state;
    rig_hello(&rig);
    rig_clear(&rig);
    for (unsigned i = 0; i < 10; i++)
        rig_feed(&rig, bad, sizeof bad);
    for (unsigned i = 2; i < 10; i++)
        write_byte((uint8_t)(rig.seq + i), 0, 9);
    assert_nak(rig.seq, NAK_TOO_SHORT);
    write_byte(rig.seq++, 0, 9);
    rig_clear(&rig);
    rig_feed(&rig, bad, sizeof bad);
    assert_nak(rig.seq, NAK_TOO_SHORT);
}

/* ---- Repetition ---- */

static void repeated_writes_are_answered_and_not_executed(void **state)
{
    uint8_t first;

    (void)state;
    rig_hello(&rig);
    first = rig.seq;
    write_byte(first, 0, 10);
    write_byte((uint8_t)(first + 1), 0, 20);
    write_byte((uint8_t)(first + 2), 0, 30);
    rig_clear(&rig);
    for (unsigned i = 0; i < 3; i++)
        write_byte((uint8_t)(first + i), 0, (uint8_t)(10 * (i + 1)));
    assert_int_equal(rig_sent_count(&rig), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_answer(i, PROTO_WRITE, (uint8_t)(first + i), PROTO_OK);
    assert_int_equal(rig.area[0], 30);
    write_byte((uint8_t)(first + 1), 0, 77);
    assert_int_equal(rig.area[0], 30);
    assert_int_equal(rig.loader.expected, (uint8_t)(first + 3));
}

static void a_repeated_run_gives_the_stored_answer(void **state)
{
    const uint8_t payload[4] = {TIER_NN, RUN_PROFILE};
    uint8_t first[PROTO_WIRE_MAX];
    size_t size;
    unsigned reads;

    (void)state;
    rig_load_sample(&rig);
    rig_clear(&rig);
    rig_feed_frame(&rig, PROTO_RUN, rig.seq, payload, sizeof payload);
    size = rig.sent_size;
    assert_true(size <= sizeof first);
    memcpy(first, rig.sent, size);
    reads = rig.counter_reads;
    for (unsigned i = 0; i < 3; i++) {
        rig_clear(&rig);
        rig_feed_frame(&rig, PROTO_RUN, rig.seq, payload, sizeof payload);
        assert_int_equal(rig.sent_size, size);
        assert_memory_equal(rig.sent, first, size);
    }
    assert_int_equal(rig.counter_reads, reads);
}

static void a_refused_request_is_refused_again(void **state)
{
    (void)state;
    rig_hello(&rig);
    rig_clear(&rig);
    write_byte(rig.seq, RIG_AREA, 1);
    write_byte(rig.seq, RIG_AREA, 1);
    assert_answer(0, PROTO_WRITE, rig.seq, PROTO_E_RANGE);
    assert_answer(1, PROTO_WRITE, rig.seq, PROTO_E_RANGE);
    assert_int_equal(rig.loader.expected, (uint8_t)(rig.seq + 1));
}

static void a_refused_hello_changes_nothing(void **state)
{
    const uint8_t other[] = {9, 9, 9, 9, 0x55, 0};

    (void)state;
    rig_hello(&rig);
    write_byte(rig.seq, RIG_AREA, 1);
    rig_clear(&rig);
    rig_feed_frame(&rig, PROTO_HELLO, 200, other, sizeof other);
    rig_feed_frame(&rig, PROTO_HELLO, 201, other, 3);
    write_byte(rig.seq, RIG_AREA, 1);
    assert_int_equal(rig_sent_count(&rig), 3);
    assert_answer(0, PROTO_HELLO, 200, PROTO_E_VERSION);
    assert_answer(1, PROTO_HELLO, 201, PROTO_E_LENGTH);
    assert_answer(2, PROTO_WRITE, rig.seq, PROTO_E_RANGE);
}

/* ---- Numbers ---- */

static void a_window_of_writes_may_be_repeated_and_no_more(void **state)
{
    uint8_t first;

    (void)state;
    rig_hello(&rig);
    for (unsigned i = 0; i < 300; i++) /* numbers wrap on the way */
        write_byte(rig.seq++, i, (uint8_t)i);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(rig.area[i], (uint8_t)i);
    first = (uint8_t)(rig.seq - PROTO_WINDOW_MAX);
    rig_clear(&rig);
    for (unsigned i = 0; i < PROTO_WINDOW_MAX; i++)
        write_byte((uint8_t)(first + i), 0, 99);
    assert_int_equal(rig_sent_count(&rig), PROTO_WINDOW_MAX);
    for (unsigned i = 0; i < PROTO_WINDOW_MAX; i++)
        assert_answer(i, PROTO_WRITE, (uint8_t)(first + i), PROTO_OK);
    assert_int_equal(rig.area[0], 0);
    rig_clear(&rig);
    write_byte((uint8_t)(first - 1), 0, 99);
    assert_nak(rig.seq, NAK_SEQUENCE);
    assert_int_equal(rig.area[0], 0);
}

static void every_other_number_is_refused(void **state)
{
    (void)state;
    rig_hello(&rig);
    write_byte(rig.seq++, 0, 1);
    for (unsigned ahead = 1; ahead < 255; ahead++) { /* 255 is the last one's repetition */
        rig_clear(&rig);
        write_byte((uint8_t)(rig.seq + ahead), 0, 2);
        assert_nak(rig.seq, NAK_SEQUENCE);
        assert_int_equal(rig.area[0], 1);
        write_byte(rig.seq++, 1, 1);
        rig_hello(&rig); /* empties the window */
        write_byte(rig.seq++, 0, 1);
    }
}

static void hello_restarts_the_numbers(void **state)
{
    (void)state;
    rig_hello(&rig);
    for (unsigned i = 0; i < 5; i++)
        write_byte(rig.seq++, 0, 1);
    rig.seq = 200;
    rig_hello(&rig);
    assert_int_equal(rig.loader.expected, 201);
    rig_clear(&rig);
    write_byte(200, 0, 2); /* HELLO's own number, and those before it, are no repetition */
    assert_nak(201, NAK_SEQUENCE);
    rig_clear(&rig);
    write_byte(201, 0, 3);
    assert_answer(0, PROTO_WRITE, 201, PROTO_OK);
    assert_int_equal(rig.area[0], 3);
}

static void hello_keeps_the_model(void **state)
{
    const uint8_t run_all[4] = {TIER_RV32};

    (void)state;
    rig_load_sample(&rig);
    rig_hello(&rig);
    assert_int_equal(rig_status(&rig, PROTO_RUN, run_all, 4), PROTO_OK);
}

/* ---- A bad line ---- */

enum { CHUNK = 48, CHUNKS = 170, IN_FLIGHT = 8, ROUNDS = 12, STEPS_MAX = 200000, DAMAGE_OF = 1000 };

struct line {
    struct test_random random;
    unsigned changed, lost, repeated;
};

/* One direction; returns the bytes that arrive. out has room for twice the size. */
static size_t pass(struct line *line, const uint8_t *in, size_t size, uint8_t *out)
{
    size_t written = 0;

    for (size_t i = 0; i < size; i++) {
        const int damage = test_random_between(&line->random, 0, DAMAGE_OF - 1);

        if (damage == 0) { /* lost */
            line->lost++;
            continue;
        }
        out[written++] = in[i];
        if (damage == 1) {
            out[written - 1] = (uint8_t)(in[i] ^ (test_random_next(&line->random) >> 24 | 1));
            line->changed++;
        } else if (damage == 2) {
            out[written++] = in[i];
            line->repeated++;
        }
    }
    return written;
}

/* A host that writes chunks with a window, and goes back to the oldest after a NAK or silence. */
struct host {
    uint8_t first_seq; /* of chunk 0 */
    unsigned oldest, next;
    unsigned resent;
};

static void send_chunk(struct line *line, const struct host *host, unsigned chunk,
                       const uint8_t *bytes)
{
    struct wire_frame frame = {
        .type = PROTO_WRITE, .seq = (uint8_t)(host->first_seq + chunk), .size = WRITE_HEAD + CHUNK};
    uint8_t wire[PROTO_WIRE_MAX], hurt[2 * PROTO_WIRE_MAX];

    rig_space_request(frame.payload, SPACE_MODEL, 0, chunk * CHUNK, NULL, 0);
    memcpy(frame.payload + WRITE_HEAD, bytes + chunk * CHUNK, CHUNK);
    rig_feed(&rig, hurt, pass(line, wire, wire_encode(&frame, wire), hurt));
}

/* Reads what came back over the line; true if something was answered. */
static bool take_answers(struct line *line, struct host *host)
{
    static uint8_t hurt[2 * RIG_SENT_ROOM];
    const size_t size = pass(line, rig.sent, rig.sent_size, hurt);
    const unsigned before = host->oldest;
    size_t start = 0;

    for (size_t i = 0; i < size; i++) {
        struct wire_frame frame;
        unsigned ahead;

        if (hurt[i])
            continue;
        if (wire_decode(hurt + start, i - start, &frame) &&
            frame.type == (PROTO_WRITE | PROTO_RESPONSE)) {
            assert_int_equal(frame.payload[0], PROTO_OK);
            ahead = (uint8_t)(frame.seq - (uint8_t)(host->first_seq + host->oldest));
            if (ahead < host->next - host->oldest)
                host->oldest += ahead + 1; /* answers come in order */
        }
        start = i + 1;
    }
    rig_clear(&rig);
    return host->oldest != before;
}

static void transfer(struct line *line, const uint8_t *bytes)
{
    struct host host = {.first_seq = rig.seq};

    rig_clear(&rig);
    for (unsigned step = 0; host.oldest < CHUNKS; step++) {
        assert_true(step < STEPS_MAX);
        while (host.next < CHUNKS && host.next - host.oldest < IN_FLIGHT)
            send_chunk(line, &host, host.next++, bytes);
        if (!take_answers(line, &host)) {
            host.resent += host.next - host.oldest;
            host.next = host.oldest;
        }
        rig_assert_guards(&rig);
    }
    rig.seq = (uint8_t)(host.first_seq + CHUNKS);
}

static void a_bad_line_ends_in_a_correct_transfer(void **state)
{
    static uint8_t bytes[CHUNK * CHUNKS];
    struct line line = {.random = {31}};

    (void)state;
    assert_true(sizeof bytes <= RIG_AREA);
    for (unsigned round = 0; round < ROUNDS; round++) {
        test_random_bytes(&line.random, bytes, sizeof bytes);
        loader_feed(&rig.loader, 0);
        rig_hello(&rig);
        transfer(&line, bytes);
        assert_memory_equal(rig.area, bytes, sizeof bytes);
    }
    print_message("# %u bytes changed, %u lost, %u repeated\n", line.changed, line.lost,
                  line.repeated);
    assert_true(line.changed > 50 && line.lost > 50 && line.repeated > 50);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_damage_has_its_nak),
        CASE(overrun_between_frames_spoils_the_next),
        CASE(one_nak_is_sent_until_a_good_frame),
        CASE(repeated_writes_are_answered_and_not_executed),
        CASE(a_repeated_run_gives_the_stored_answer),
        CASE(a_refused_request_is_refused_again),
        CASE(a_refused_hello_changes_nothing),
        CASE(a_window_of_writes_may_be_repeated_and_no_more),
        CASE(every_other_number_is_refused),
        CASE(hello_restarts_the_numbers),
        CASE(hello_keeps_the_model),
        CASE(a_bad_line_ends_in_a_correct_transfer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
