// SPDX-License-Identifier: Apache-2.0
/* The loader and the line's rate: when it changes, when it comes back (protocol.h). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "bytes.h"
#include "line_rate.h"
#include "loader_rig.h"

enum { FAST_HZ = 1000000, DOUBT_CYCLES = RIG_CLOCK_HZ / 1000 * PROTO_RATE_DOUBT_MS };

static struct loader_rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_hello(&rig);
    return 0;
}

static enum proto_status ask_rate(uint32_t baud_hz)
{
    uint8_t payload[4];

    put_u32(payload, baud_hz);
    return rig_status(&rig, PROTO_RATE, payload, sizeof payload);
}

/* At the fast rate, proved by a good frame. */
static void go_fast(void)
{
    assert_int_equal(ask_rate(FAST_HZ), PROTO_OK);
    assert_int_equal(rig_status(&rig, PROTO_ECHO, NULL, 0), PROTO_OK);
    assert_int_equal(rig.alarm_cycles, 0);
}

static void echo_gives_the_bytes_back(void **state)
{
    uint8_t bytes[PROTO_DATA_MAX + 1];
    const struct wire_frame *answer;

    (void)state;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    answer = rig_request(&rig, PROTO_ECHO, bytes, PROTO_DATA_MAX);
    assert_int_equal(answer->payload[0], PROTO_OK);
    assert_int_equal(answer->size, PROTO_STATUS_BYTES + PROTO_DATA_MAX);
    assert_memory_equal(answer->payload + PROTO_STATUS_BYTES, bytes, PROTO_DATA_MAX);
    assert_int_equal(rig_status(&rig, PROTO_ECHO, bytes, sizeof bytes), PROTO_E_LENGTH);
}

/* ---- The divisor ---- */

static void the_divisor_is_the_nearest_sixteenth_of_a_cycle(void **state)
{
    static const struct {
        uint32_t clock_hz, baud_hz, want;
    } cases[] = {
        {25000000, 115200, 3472},                           /* 217.01 cycles */
        {25000000, 3000000, 133},                           /* 8.33 */
        {35000000, 3000000, 187},                           /* 11.67 */
        {40000000, 3000000, 213},                           /* 13.33 */
        {12000000, 3000000, 64},                            /* 4: the least */
        {11900000, 3000000, 0},        {65536000, 1000, 0}, /* 65536: one sixteenth too much */
        {65535900, 1000, 0xfffff - 1}, {1000000000, 1, 0},  {25000000, 0, 0},
        {25000000, UINT32_MAX, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (line_divisor(cases[i].clock_hz, cases[i].baud_hz) != cases[i].want)
            fail_msg("%u baud of %u Hz: got %u, want %u", cases[i].baud_hz, cases[i].clock_hz,
                     line_divisor(cases[i].clock_hz, cases[i].baud_hz), cases[i].want);
}

static void a_divisor_misses_its_rate_by_less_than_a_hundredth(void **state)
{
    unsigned made = 0;
    (void)state;
    for (uint64_t clock_hz = 1000000; clock_hz <= 1000000000; clock_hz += clock_hz / 7)
        for (uint64_t baud_hz = 300; baud_hz < clock_hz; baud_hz += baud_hz / 9) {
            const uint64_t divisor = line_divisor((uint32_t)clock_hz, (uint32_t)baud_hz);
            const uint64_t got = divisor * baud_hz, want = 16 * clock_hz;
            const uint64_t missed = got > want ? got - want : want - got;
            const bool possible = want >= 64 * baud_hz && want <= 0xfffff * baud_hz;
            if (possible ? !divisor || missed * 100 > want : divisor && missed * 100 > want)
                fail_msg("%llu baud of %llu Hz: got divisor %llu", (unsigned long long)baud_hz,
                         (unsigned long long)clock_hz, (unsigned long long)divisor);
            made += possible;
        }
    assert_true(made > 1000);
}

/* ---- The loader ---- */

static void a_rate_that_the_divisor_cannot_do_is_refused(void **state)
{
    (void)state;
    assert_int_equal(ask_rate(0), PROTO_E_RANGE);
    assert_int_equal(ask_rate(RIG_CLOCK_HZ / 4 + 1000000), PROTO_E_RANGE);
    assert_int_equal(ask_rate(RIG_CLOCK_HZ / 70000), PROTO_E_RANGE);
    assert_int_equal(ask_rate(UINT32_MAX), PROTO_E_RANGE);
    assert_int_equal(rig_status(&rig, PROTO_RATE, (const uint8_t *)"abc", 3), PROTO_E_LENGTH);
    assert_int_equal(rig.baud_hz, PROTO_BAUD_HZ);
    assert_int_equal(rig.alarm_cycles, 0);
}

static void a_rate_is_on_trial_until_a_good_frame_comes(void **state)
{
    (void)state;
    assert_int_equal(ask_rate(FAST_HZ), PROTO_OK);
    assert_int_equal(rig.baud_hz, FAST_HZ);
    assert_int_equal(rig.alarm_cycles, DOUBT_CYCLES);
    assert_int_equal(rig_status(&rig, PROTO_ECHO, NULL, 0), PROTO_OK);
    assert_int_equal(rig.alarm_cycles, 0);
    assert_int_equal(rig.baud_hz, FAST_HZ);
}

static void a_rate_that_nobody_uses_is_given_up_and_the_session_goes_on(void **state)
{
    (void)state;
    assert_int_equal(ask_rate(FAST_HZ), PROTO_OK);
    loader_alarm(&rig.loader);
    assert_int_equal(rig.baud_hz, PROTO_BAUD_HZ);
    assert_int_equal(rig.alarm_cycles, 0);
    assert_int_equal(rig_status(&rig, PROTO_ECHO, NULL, 0), PROTO_OK);
}

static void noise_puts_a_proved_rate_in_doubt(void **state)
{
    (void)state;
    go_fast();
    rig_feed(&rig, (const uint8_t *)"\x41", 1);
    assert_int_equal(rig.alarm_cycles, DOUBT_CYCLES);
    assert_int_equal(rig.baud_hz, FAST_HZ);
    rig_feed(&rig, (const uint8_t *)"", 1); /* ends the noise */
    assert_int_equal(rig_status(&rig, PROTO_ECHO, NULL, 0), PROTO_OK);
    assert_int_equal(rig.alarm_cycles, 0);
}

static void more_noise_does_not_put_the_alarm_off(void **state)
{
    (void)state;
    go_fast();
    rig_feed(&rig, (const uint8_t *)"\x01\x01", 2);
    rig.alarm_cycles = 1;
    rig_feed(&rig, (const uint8_t *)"\x01\x01\x00\x01", 4);
    loader_overrun(&rig.loader);
    assert_int_equal(rig.alarm_cycles, 1);
}

static void a_framing_error_puts_the_rate_in_doubt(void **state)
{
    (void)state;
    go_fast();
    loader_overrun(&rig.loader);
    assert_int_equal(rig.alarm_cycles, DOUBT_CYCLES);
    loader_alarm(&rig.loader);
    assert_int_equal(rig.baud_hz, PROTO_BAUD_HZ);
}

static void at_the_start_up_rate_noise_changes_nothing(void **state)
{
    (void)state;
    rig_feed(&rig, (const uint8_t *)"\x41\x42\x00\x43", 4);
    loader_overrun(&rig.loader);
    loader_alarm(&rig.loader);
    assert_int_equal(rig.alarm_cycles, 0);
    assert_int_equal(rig.baud_hz, PROTO_BAUD_HZ);
}

/* The host did not get the answer, and the core has come back. */
static void a_repeated_change_changes_again(void **state)
{
    uint8_t payload[4];

    (void)state;
    assert_int_equal(ask_rate(FAST_HZ), PROTO_OK);
    loader_alarm(&rig.loader);
    put_u32(payload, FAST_HZ);
    rig_clear(&rig);
    rig_feed_frame(&rig, PROTO_RATE, (uint8_t)(rig.seq - 1), payload, sizeof payload);
    assert_int_equal(rig_sent_count(&rig), 1);
    assert_int_equal(rig.baud_hz, FAST_HZ);
    assert_int_equal(rig.alarm_cycles, DOUBT_CYCLES);
}

static void the_start_up_rate_needs_no_trial(void **state)
{
    (void)state;
    go_fast();
    assert_int_equal(ask_rate(PROTO_BAUD_HZ), PROTO_OK);
    assert_int_equal(rig.baud_hz, PROTO_BAUD_HZ);
    assert_int_equal(rig.alarm_cycles, 0);
}

static void a_change_without_a_session_is_refused(void **state)
{
    const uint8_t payload[] = {0x40, 0x42, 0x0f, 0};

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_status(&rig, PROTO_RATE, payload, sizeof payload), PROTO_E_NO_SESSION);
    assert_int_equal(rig.baud_hz, PROTO_BAUD_HZ);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, set_up)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_divisor_is_the_nearest_sixteenth_of_a_cycle),
        cmocka_unit_test(a_divisor_misses_its_rate_by_less_than_a_hundredth),
        CASE(echo_gives_the_bytes_back),
        CASE(a_rate_that_the_divisor_cannot_do_is_refused),
        CASE(a_rate_is_on_trial_until_a_good_frame_comes),
        CASE(a_rate_that_nobody_uses_is_given_up_and_the_session_goes_on),
        CASE(noise_puts_a_proved_rate_in_doubt),
        CASE(more_noise_does_not_put_the_alarm_off),
        CASE(a_framing_error_puts_the_rate_in_doubt),
        CASE(at_the_start_up_rate_noise_changes_nothing),
        CASE(a_repeated_change_changes_again),
        CASE(the_start_up_rate_needs_no_trial),
        CASE(a_change_without_a_session_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
