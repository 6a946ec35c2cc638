// SPDX-License-Identifier: Apache-2.0
/* How fast a model of 60 KB goes over the simulated serial line, bit by bit, in the core's own
 * cycles. */
#include "host/bench.h"
#include "host/pty_simulator.h"

enum { BITS_A_BYTE = 10 };

static const int WIDEST[] = {8, 8, 8, 8, 8};

/* undisturbed: the host did not repeat frames because the simulator got too little of a busy
 * machine's time to answer. Cycles of a session that loads the container, or none if it is NULL. */
static uint64_t session_cycles(const struct container *container, int baud_hz, uint32_t *clock_hz,
                               bool *undisturbed)
{
    static const char *const BIT_LINE[] = {"--line", "bit", NULL};
    struct pty_simulator sim;
    struct target *target;
    struct error err;
    char name[96];
    pty_simulator_start(&sim, BIT_LINE);
    snprintf(name, sizeof name, "%s:%d", sim.name, baud_hz);
    check_ok(target_open(name, &target, &err), &err);
    if (target_statistics(target)->timeouts == 0)
        assert_int_equal(target_baud_hz(target), baud_hz);
    *clock_hz = target_info(target)->clock_hz;
    if (container) {
        check_ok(target_load(target, container, &err), &err);
        *undisturbed = target_statistics(target)->timeouts == 0;
        if (*undisturbed)
            assert_int_equal(target_statistics(target)->naks, 0);
    }
    target_close(target);
    return pty_simulator_end(&sim);
}

/* simulator: of $BUILD/sim; NULL: the one that all tests use. */
static void check_upload(const char *simulator, int baud_hz, unsigned least_percent)
{
    struct made_up made;
    uint32_t clock_hz;
    char path[4096];
    const char *build = getenv("BUILD");
    snprintf(path, sizeof path, "%s/sim/%s/mpq-sim", build ? build : "build", simulator);
    if (simulator)
        setenv("MPQ_SIM", path, 1);
    find_simulator();
    made_up_lenet5(&made, WIDEST, 1);
    struct container *container = made_up_pack(&made);
    assert_true(container->size >= 60000);
    bool undisturbed = false;
    uint64_t with = 0;
    for (int tries = 0; tries < 3 && !undisturbed; tries++)
        with = session_cycles(container, baud_hz, &clock_hz, &undisturbed);
    const uint64_t without = session_cycles(NULL, baud_hz, &clock_hz, &undisturbed);
    const uint64_t line = (uint64_t)container->size * BITS_A_BYTE * clock_hz / (uint64_t)baud_hz;
    const uint64_t percent = with > without ? 100 * line / (with - without) : 0;
    print_message("# %zu bytes at %d baud of %u Hz: %llu cycles, %llu %% of the line's rate\n",
                  container->size, baud_hz, clock_hz, (unsigned long long)(with - without),
                  (unsigned long long)percent);
    container_free(container);
    made_up_free(&made);
    if (!undisturbed) {
        print_message("# the simulator got too little time: frames were repeated\n");
        skip();
    }
    if (percent < least_percent)
        fail_msg("got %llu %%, want %u", (unsigned long long)percent, least_percent);
}

/* At 25 MHz a bit takes 8.33 cycles, and the core keeps up without a repetition. */
static void a_60_kb_model_uploads_at_85_percent_of_3000000_baud(void **state)
{
    (void)state;
    check_upload(NULL, 3000000, 85);
}

static void a_60_kb_model_uploads_at_90_percent_of_1500000_baud(void **state)
{
    (void)state;
    check_upload(NULL, 1500000, 90);
}

/* The clock of the boards with an ECP5: 11.67 cycles. */
static void a_core_at_35_mhz_does_3000000_baud(void **state)
{
    (void)state;
    check_upload("clock_35mhz", 3000000, 85);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_60_kb_model_uploads_at_85_percent_of_3000000_baud),
        cmocka_unit_test(a_60_kb_model_uploads_at_90_percent_of_1500000_baud),
        cmocka_unit_test(a_core_at_35_mhz_does_3000000_baud), /* last: sets MPQ_SIM */
    };
    return cmocka_run_group_tests_name("upload_rate", tests, NULL, NULL);
}
