// SPDX-License-Identifier: Apache-2.0
/* Uploads and runs when something goes wrong, on the line or on the core. */
#include "host/bench.h"

enum { SEED_COUNT = 12, SESSIONS = 120 };

/* ---- A bad line ---- */

/* One in a thousand bytes lost, damaged or repeated, both ways: the transfer is right, or a clear
 * error; then a second try may be made. */
static void noisy_line_ends_in_a_right_transfer_or_an_error(void **state)
{
    unsigned right = 0;
    uint64_t resent = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        struct bench bench;
        struct error err = {""};
        bench_open(&bench, &(struct loader_link_setup){.area_bytes = BENCH_AREA_BYTES,
                                                       .isa_version = 1,
                                                       .seed = seed,
                                                       .noise = 1000});
        if (target_load(bench.target, bench.container, &err) != STATUS_OK) {
            check_contains(err.text, "core: ");
        } else {
            bench_check_core(&bench);
            bench_set_input(&bench);
            bench_check_run(&bench, TIER_NN);
            right++;
        }
        resent += target_statistics(bench.target)->frames_resent;
        bench_close(&bench);
    }
    if (right < SEED_COUNT - 1)
        fail_msg("got %u right transfers of %d", right, SEED_COUNT);
    assert_true(resent > 0);
}

/* One bad byte in 200 to 1000 both ways, on a line whose rate changes too, whole sessions: never a
 * wrong number. */
static void sessions_on_bad_lines_end_right_or_with_an_error(void **state)
{
    unsigned right = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SESSIONS; seed++) {
        struct bench bench;
        struct error err = {""};
        struct loader_link *link = loader_link_create(
            &(struct loader_link_setup){.area_bytes = BENCH_AREA_BYTES,
                                        .isa_version = 1,
                                        .seed = seed,
                                        .noise = (uint32_t)(200 * (1 + seed % 5)),
                                        .baud_max_hz = LINK_BAUD_MAX_HZ,
                                        .good_baud_hz = LINK_BAUD_MAX_HZ});
        made_up_lenet5(&bench.made, BENCH_BITS, seed);
        bench.container = made_up_pack(&bench.made);
        made_up_image(bench.image, sizeof bench.image, seed);
        bench.link = link;
        enum status status = target_attach(&link->base, &bench.target, &err);
        if (status == STATUS_OK)
            status = target_load(bench.target, bench.container, &err);
        if (status == STATUS_OK) {
            bench_check_core(&bench);
            bench_set_input(&bench);
            bench_check_run(&bench, TIER_NN);
            right++;
        } else {
            assert_int_equal(status, STATUS_LINK);
            check_contains(err.text, "core: ");
        }
        bench_close(&bench);
    }
    print_message("# %u of %d sessions were right\n", right, SESSIONS);
    assert_true(right >= SESSIONS * 5 / 6);
}

static void hopeless_line_is_an_error(void **state)
{
    struct loader_link *link = loader_link_create(&(struct loader_link_setup){
        .area_bytes = BENCH_AREA_BYTES, .isa_version = 1, .seed = 3, .noise = 5});
    struct target *target;
    struct error err = {""};
    bool closed = false;
    (void)state;
    link->closed = &closed;
    if (target_attach(&link->base, &target, &err) == STATUS_OK) {
        struct made_up made;
        made_up_lenet5(&made, BENCH_BITS, 1);
        struct container *container = made_up_pack(&made);
        assert_int_equal(target_load(target, container, &err), STATUS_LINK);
        container_free(container);
        made_up_free(&made);
        target_close(target);
    }
    check_contains(err.text, "core: ");
    assert_true(closed);
}

static void silent_port_is_an_error_and_closed(void **state)
{
    struct loader_link *link = loader_link_create(&QUIET);
    struct target *target;
    struct error err;
    bool closed = false;
    (void)state;
    link->is_dead = true;
    link->closed = &closed;
    assert_int_equal(target_attach(&link->base, &target, &err), STATUS_LINK);
    assert_null(target);
    assert_true(closed);
    check_contains(err.text, "core: no answer to hello after ");
    check_contains(err.text, "check that this is the right port");
}

/* ---- A core in trouble ---- */

static void trap_is_reported_and_the_core_can_be_used_again(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &QUIET);
    bench_check_trap(&bench);
    bench_check_run_fails(&bench, TIER_NN, STATUS_LINK,
                          "core: run: the core was lost since its model was loaded; load it again");
    bench_load(&bench);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_NN);
    bench_close(&bench);
}

static void restart_before_a_run_is_an_error_that_says_so(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    bench_set_input(&bench);
    bench.link->event =
        (struct loader_link_event){PROTO_RUN, 0, loader_link_restart, bench.link, true};
    bench_check_run_fails(&bench, TIER_NN, STATUS_LINK,
                          "core: run: the core has restarted and lost its model; load it again");
    bench_load(&bench);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_NN);
    bench_close(&bench);
}

static void restart_while_the_input_is_sent_is_an_error_that_says_so(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    bench.link->event =
        (struct loader_link_event){PROTO_WRITE, 0, loader_link_restart, bench.link, true};
    bench_set_input(&bench);
    bench_check_run_fails(&bench, TIER_NN, STATUS_LINK,
                          "core: write: the core has restarted and lost its model; load it again");
    bench_load(&bench);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_NN);
    bench_close(&bench);
}

/* An upload starts afresh. */
static void restart_during_an_upload_is_repaired(void **state)
{
    static const struct loader_link_event events[] = {
        {PROTO_HASH, 0, loader_link_restart, NULL, true},
        {PROTO_WRITE, 0, loader_link_restart, NULL, true},
        {PROTO_WRITE, 9, loader_link_restart, NULL, true},
        {PROTO_WRITE, 20, loader_link_restart, NULL, true},
        {PROTO_COMMIT, 0, loader_link_restart, NULL, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct bench bench;
        bench_open(&bench, &QUIET);
        bench.link->event = events[i];
        bench.link->event.context = bench.link;
        bench_load(&bench);
        assert_null(bench.link->event.act); /* it happened */
        bench_check_core(&bench);
        bench_set_input(&bench);
        bench_check_run(&bench, TIER_NN);
        bench_close(&bench);
    }
}

static void trap_during_an_upload_is_an_error(void **state)
{
    struct bench bench;
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    bench.link->event =
        (struct loader_link_event){PROTO_COMMIT, 0, loader_link_trap, bench.link, true};
    assert_int_equal(target_load(bench.target, bench.container, &err), STATUS_LINK);
    check_contains(err.text, "core: the core trapped in layer 2: illegal instruction");
    bench_load(&bench);
    bench_check_core(&bench);
    bench_close(&bench);
}

static void hang_is_an_error_and_not_waited_for(void **state)
{
    struct bench bench;
    struct target_result result;
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    bench_set_input(&bench);
    bench.link->event = (struct loader_link_event){PROTO_RUN, 0, loader_link_die, bench.link, true};
    assert_int_equal(target_run(bench.target, TIER_RV32, false, 0, &result, &err), STATUS_LINK);
    check_contains(err.text, "core: no answer to run after ");
    check_contains(err.text, "the core hangs or the line is broken: reset the board");
    bench.link->is_dead = false; /* somebody pressed the button */
    loader_link_restart(bench.link);
    bench_load(&bench);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_NN);
    bench_close(&bench);
}

/* The reset is done, its answer is lost. */
static void reset_counts_even_if_its_answer_is_lost(void **state)
{
    struct bench bench;
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    bench.link->event =
        (struct loader_link_event){PROTO_RESET, 0, loader_link_restart, bench.link, true};
    check_ok(target_reset(bench.target, &err), &err);
    bench_load(&bench);
    bench_check_core(&bench);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noisy_line_ends_in_a_right_transfer_or_an_error),
        cmocka_unit_test(sessions_on_bad_lines_end_right_or_with_an_error),
        cmocka_unit_test(hopeless_line_is_an_error),
        cmocka_unit_test(silent_port_is_an_error_and_closed),
        cmocka_unit_test(trap_is_reported_and_the_core_can_be_used_again),
        cmocka_unit_test(restart_before_a_run_is_an_error_that_says_so),
        cmocka_unit_test(restart_while_the_input_is_sent_is_an_error_that_says_so),
        cmocka_unit_test(restart_during_an_upload_is_repaired),
        cmocka_unit_test(trap_during_an_upload_is_an_error),
        cmocka_unit_test(hang_is_an_error_and_not_waited_for),
        cmocka_unit_test(reset_counts_even_if_its_answer_is_lost),
    };
    return cmocka_run_group_tests_name("target_faults", tests, NULL, NULL);
}
