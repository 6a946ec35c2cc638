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

static void check_upload(int baud_hz, unsigned least_percent)
{
    struct made_up made;
    uint32_t clock_hz;
    find_simulator();
    made_up_lenet5(&made, WIDEST, 1);
    struct container *container = made_up_pack(&made);
    assert_true(container->size >= 60000);
    bool undisturbed = false;
    uint64_t with = 0;
    for (int tries = 0; tries < 3 && !undisturbed; tries++)
        with = session_cycles(container, baud_hz, &clock_hz, &undisturbed);
    const uint64_t without = session_cycles(NULL, baud_hz, &clock_hz, &undisturbed);
    const uint32_t bit_cycles = (clock_hz + (uint32_t)baud_hz / 2) / (uint32_t)baud_hz;
    const uint64_t line = container->size * BITS_A_BYTE * bit_cycles;
    const uint64_t percent = with > without ? 100 * line / (with - without) : 0;
    print_message("# %zu bytes at %d baud: %llu cycles, %llu %% of the line's rate\n",
                  container->size, baud_hz, (unsigned long long)(with - without),
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

static void a_60_kb_model_uploads_at_85_percent_of_1500000_baud(void **state)
{
    (void)state;
    check_upload(1500000, 85);
}

/* Ten cycles a bit: the core keeps up without a repetition, but the two checksums of the whole
 * model, before and behind it, show. */
static void ten_cycles_a_bit_are_enough_for_80_percent(void **state)
{
    (void)state;
    check_upload(2500000, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_60_kb_model_uploads_at_85_percent_of_1500000_baud),
        cmocka_unit_test(ten_cycles_a_bit_are_enough_for_80_percent),
    };
    return cmocka_run_group_tests_name("upload_rate", tests, NULL, NULL);
}
