// SPDX-License-Identifier: Apache-2.0
/* The line's rate, both sides of it: the host's session against the loader itself, on a line that
 * garbles bytes where the two sides' rates differ or are more than it can do. */
#include "host/bench.h"

#include "rate.h"
#include "target/session_rate.h"
#include "target/target_state.h"

enum { FAST_HZ = 3000000, NO_MORE_HZ = 500000 };

static const struct loader_link_setup LINE = {.area_bytes = BENCH_AREA_BYTES,
                                              .isa_version = NN_ISA_VERSION,
                                              .seed = 1,
                                              .baud_max_hz = LINK_BAUD_MAX_HZ,
                                              .good_baud_hz = LINK_BAUD_MAX_HZ};

static void check_rates(const struct bench *bench, int want_hz)
{
    assert_int_equal(target_baud_hz(bench->target), want_hz);
    assert_int_equal(bench->link->core_baud_hz, want_hz);
}

static void check_works(struct bench *bench)
{
    bench_load(bench);
    bench_check_core(bench);
    bench_set_input(bench);
    bench_check_run(bench, TIER_NN);
}

/* ---- Which rates ---- */

static void only_rates_that_the_clock_makes_are_tried(void **state)
{
    static const struct {
        uint32_t clock_hz;
        int most_hz;
        int want[SESSION_RATES_MAX];
    } cases[] = {
        {25000000, 3000000, {3000000, 2500000, 2000000, 1500000, 1000000, 921600, 460800, 230400}},
        {35000000, 3000000, {3000000, 2500000, 2000000, 1500000, 1000000, 921600, 460800, 230400}},
        {10000000, 3000000, {2500000, 2000000, 1500000, 1000000, 921600, 460800, 230400}},
        {48000000, 3000000, {3000000, 2500000, 2000000, 1500000, 1000000, 921600, 460800, 230400}},
        {48000000, 921600, {921600, 460800, 230400}},
        {48000000, 115200, {0}},
        {1000000, 3000000, {230400}}, /* 4.34 cycles a bit */
        {900000, 3000000, {0}},       /* not even 4 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rates[SESSION_RATES_MAX] = {0};
        (void)session_rates(cases[i].clock_hz, cases[i].most_hz, rates);
        for (size_t r = 0; r < SESSION_RATES_MAX; r++)
            if (rates[r] != cases[i].want[r])
                fail_msg("clock %u, rate %zu: got %d, want %d", cases[i].clock_hz, r, rates[r],
                         cases[i].want[r]);
    }
}

/* ---- Going over ---- */

static void both_sides_go_over_to_the_fastest_rate(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &LINE);
    check_rates(&bench, FAST_HZ);
    check_works(&bench);
    assert_int_equal(target_statistics(bench.target)->frames_resent, 0);
    bench_close(&bench);
}

static void rates_that_the_line_cannot_do_are_passed_over(void **state)
{
    struct bench bench;
    struct loader_link_setup setup = LINE;
    (void)state;
    setup.good_baud_hz = NO_MORE_HZ;
    bench_open(&bench, &setup);
    check_rates(&bench, 460800);
    check_works(&bench);
    bench_close(&bench);
}

static void a_line_that_can_do_nothing_faster_stays_at_the_start_up_rate(void **state)
{
    struct bench bench;
    struct loader_link_setup setup = LINE;
    (void)state;
    setup.good_baud_hz = PROTO_BAUD_HZ;
    bench_open(&bench, &setup);
    check_rates(&bench, PROTO_BAUD_HZ);
    check_works(&bench);
    bench_close(&bench);
}

static void the_users_highest_rate_is_kept_to(void **state)
{
    struct bench bench;
    struct loader_link_setup setup = LINE;
    (void)state;
    setup.baud_max_hz = 1000000;
    bench_open(&bench, &setup);
    check_rates(&bench, 1000000);
    bench_close(&bench);
    setup.baud_max_hz = PROTO_BAUD_HZ;
    bench_open(&bench, &setup);
    check_rates(&bench, PROTO_BAUD_HZ);
    assert_int_equal(bench.link->rates_set, 0);
    bench_close(&bench);
}

/* The answer to the first RATE is lost: the core has gone over, and comes back. */
static void a_lost_answer_to_the_change_is_survived(void **state)
{
    struct loader_link *link = loader_link_create(&LINE);
    struct bench bench;
    (void)state;
    link->lose_answer_to = PROTO_RATE;
    made_up_lenet5(&bench.made, BENCH_BITS, 1);
    bench.container = made_up_pack(&bench.made);
    made_up_image(bench.image, sizeof bench.image, 1);
    bench.link = link;
    bench.target = bench_attach(link);
    assert_int_equal(link->lose_answer_to, 0); /* it happened */
    check_rates(&bench, FAST_HZ);
    check_works(&bench);
    bench_close(&bench);
}

/* ---- Coming back ---- */

/* The core at the fast rate meets a host that knows nothing of that. */
static void a_core_at_another_rate_is_met_by_a_new_host(void **state)
{
    struct bench bench;
    struct error err;
    (void)state;
    bench_open(&bench, &LINE);
    check_rates(&bench, FAST_HZ);
    bench.link->base.baud_hz = PROTO_BAUD_HZ; /* as a port that was opened anew */
    check_ok(target_reset(bench.target, &err), &err);
    check_rates(&bench, FAST_HZ);
    check_works(&bench);
    bench_close(&bench);
}

static void a_reset_of_the_board_is_followed_to_the_start_up_rate(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &LINE);
    bench_load(&bench);
    loader_link_restart(bench.link);
    bench_set_input(&bench);
    bench_check_run_fails(&bench, TIER_NN, STATUS_LINK,
                          "core: write: the core has restarted and lost its model; load it again");
    check_rates(&bench, PROTO_BAUD_HZ);
    check_works(&bench);
    check_rates(&bench, FAST_HZ);
    bench_close(&bench);
}

static void a_trap_is_followed_to_the_start_up_rate(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &LINE);
    bench_check_trap(&bench);
    check_works(&bench);
    check_rates(&bench, FAST_HZ);
    bench_close(&bench);
}

/* After a stall of the line: answers were slow, and the core has gone back. */
static void a_core_that_left_the_rate_is_followed_however_late_its_answers_were(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &LINE);
    bench_load(&bench);
    bench.target->session.latency_ms = 3000;
    rate_doubt(&bench.link->loader);
    loader_alarm(&bench.link->loader);
    assert_int_equal(bench.link->core_baud_hz, PROTO_BAUD_HZ);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_NN);
    check_rates(&bench, PROTO_BAUD_HZ);
    bench_close(&bench);
}

/* The line turns bad in mid-upload: the upload goes on at the start-up rate in the same session. */
static void a_rate_that_fails_later_is_given_up_without_a_new_session(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &LINE);
    check_rates(&bench, FAST_HZ);
    const uint32_t session = bench.target->session.nonce;
    bench.link->good_baud_hz = PROTO_BAUD_HZ;
    check_works(&bench);
    check_rates(&bench, PROTO_BAUD_HZ);
    assert_int_equal(bench.target->session.nonce, session);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_rates_that_the_clock_makes_are_tried),
        cmocka_unit_test(both_sides_go_over_to_the_fastest_rate),
        cmocka_unit_test(rates_that_the_line_cannot_do_are_passed_over),
        cmocka_unit_test(a_line_that_can_do_nothing_faster_stays_at_the_start_up_rate),
        cmocka_unit_test(the_users_highest_rate_is_kept_to),
        cmocka_unit_test(a_lost_answer_to_the_change_is_survived),
        cmocka_unit_test(a_core_at_another_rate_is_met_by_a_new_host),
        cmocka_unit_test(a_reset_of_the_board_is_followed_to_the_start_up_rate),
        cmocka_unit_test(a_trap_is_followed_to_the_start_up_rate),
        cmocka_unit_test(a_core_that_left_the_rate_is_followed_however_late_its_answers_were),
        cmocka_unit_test(a_rate_that_fails_later_is_given_up_without_a_new_session),
    };
    return cmocka_run_group_tests_name("session_rate", tests, NULL, NULL);
}
