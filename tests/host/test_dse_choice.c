// SPDX-License-Identifier: Apache-2.0
/* What a search is told by its options: method, limits, widths, jobs; and what tells one target
 * from another. */
#include "host/scratch.h"

#include <sys/stat.h>

#include "search/dse_choice.h"
#include "target/target_identity.h"

static struct dse_options choose(const struct dse_run_options *options, const char *preset,
                                 int layers)
{
    struct error err;
    struct dse_options search = {
        .space = {.layer_count = layers, .widths = {8, 4, 2}, .width_count = 3}};
    assert_int_equal(dse_space_divide(&search.space, NULL, NULL), -1);
    check_ok(dse_choice_method(options, preset, &search, &err), &err);
    return search;
}

static void the_method_follows_option_model_drop_and_size(void **state)
{
    static const struct {
        const char *search, *preset;
        double drop;
        int layers;
        enum search_method want;
    } table[] = {
        {NULL, "", -1, 5, SEARCH_EXHAUSTIVE},
        {NULL, "", -1, 8, SEARCH_EXHAUSTIVE},
        {NULL, "", -1, 9, SEARCH_GREEDY},
        {NULL, "", 0.5, 5, SEARCH_CHEAPEST},
        {NULL, "", 0.5, 12, SEARCH_CHEAPEST},
        {NULL, "", 0.5, 13, SEARCH_GREEDY},
        {NULL, "greedy", 0.5, 5, SEARCH_GREEDY},
        {"binary", "greedy", -1, 5, SEARCH_BINARY},
        {"exhaustive", "", 1, 5, SEARCH_EXHAUSTIVE},
        {"evolution", "", -1, 5, SEARCH_EVOLUTION},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct dse_run_options options = {.search = table[i].search,
                                                .max_acc_drop = table[i].drop};
        const struct dse_options search = choose(&options, table[i].preset, table[i].layers);
        if (search.method != table[i].want)
            fail_msg("row %zu: got %s, want %s", i, results_method_name(search.method),
                     results_method_name(table[i].want));
    }
}

static void limits_on_cost_alone_ask_for_the_most_accurate(void **state)
{
    struct dse_run_options options = {.max_acc_drop = -1};
    (void)state;
    struct dse_options search = choose(&options, "", 5);
    assert_true(search.limits.max_acc_drop > 0.99 && search.limits.max_acc_drop < 1.01);
    assert_false(search.limits.most_accurate);
    options.max_ram_bytes = 1000;
    search = choose(&options, "", 5);
    assert_true(search.limits.max_acc_drop > 99);
    assert_true(search.limits.most_accurate);
    assert_int_equal(search.limits.max_ram_bytes, 1000);
    options.max_acc_drop = 0.5;
    search = choose(&options, "", 5);
    assert_false(search.limits.most_accurate);
    options.max_acc_drop = -1;
    options.search = "cheapest"; /* which stops at the first that passes */
    search = choose(&options, "", 5);
    assert_false(search.limits.most_accurate);
}

static void unknown_methods_are_refused(void **state)
{
    const struct dse_run_options options = {.search = "ilp", .max_acc_drop = -1};
    struct dse_options search = {.jobs = 1};
    struct error err;
    (void)state;
    check_failed(dse_choice_method(&options, "", &search, &err), STATUS_USAGE, &err,
                 "--search: want exhaustive, cheapest, binary, greedy or evolution, got 'ilp'");
}

static void boards_do_one_job(void **state)
{
    struct error err;
    size_t jobs = 0;
    (void)state;
    const char *const sim[] = {"sim"}, *const boards[] = {"/dev/ttyUSB0", "/dev/ttyUSB1"};
    const char *const twice[] = {"/dev/ttyUSB0", "/dev/ttyUSB0"}, *const mixed[] = {"/dev/x",
                                                                                    "sim"};
    check_ok(dse_choice_jobs(sim, 1, 3, &jobs, &err), &err);
    assert_int_equal(jobs, 3);
    check_ok(dse_choice_jobs(boards, 1, 0, &jobs, &err), &err);
    assert_int_equal(jobs, 1);
    assert_int_equal(dse_choice_jobs(boards, 1, 2, &jobs, &err), STATUS_USAGE);
    check_ok(dse_choice_jobs(boards, 2, 0, &jobs, &err), &err);
    assert_int_equal(jobs, 2);
    check_failed(dse_choice_jobs(twice, 2, 0, &jobs, &err), STATUS_USAGE, &err,
                 "--target: /dev/ttyUSB0 is given twice");
    check_failed(dse_choice_jobs(mixed, 2, 0, &jobs, &err), STATUS_USAGE, &err,
                 "--target: several must be boards; for several simulators give one target and "
                 "--jobs");
}

static uint32_t identity(const char *name, const struct target_info *info)
{
    struct error err;
    uint32_t crc = 0;
    check_ok(target_identity(name, info, &crc, &err), &err);
    return crc;
}

static void a_rebuilt_simulator_or_firmware_is_another_target(void **state)
{
    const struct target_info info = {.ram_bytes = 1 << 20, .firmware = "0.1.0"};
    (void)state;
    setenv("MPQ_SIM", "./simulator", 1);
    setenv("MPQ_FIRMWARE", "./firmware", 1);
    scratch_write("simulator", "one", 3);
    scratch_write("firmware", "two", 3);
    assert_int_equal(chmod("simulator", 0755), 0);
    const uint32_t before = identity("sim", &info);
    assert_int_equal(identity("sim", &info), before);
    scratch_write("firmware", "tw0", 3);
    assert_int_not_equal(identity("sim", &info), before);
    scratch_write("firmware", "two", 3);
    assert_int_equal(identity("sim", &info), before);
    scratch_write("simulator", "0ne", 3);
    assert_int_not_equal(identity("sim", &info), before);
    assert_int_not_equal(identity("sim,--slow", &info), identity("sim", &info));
}

static void boards_are_told_apart_by_what_they_say(void **state)
{
    struct target_info info = {.ram_bytes = 1 << 20, .model_area_bytes = 900, .firmware = "0.1.0"};
    (void)state;
    const uint32_t before = identity("/dev/ttyUSB0", &info);
    assert_int_equal(identity("/dev/ttyUSB1", &info), before);
    info.model_area_bytes = 896;
    assert_int_not_equal(identity("/dev/ttyUSB0", &info), before);
    info.model_area_bytes = 900;
    info.firmware[4] = '1';
    assert_int_not_equal(identity("/dev/ttyUSB0", &info), before);
    info.firmware[4] = '0';
    assert_int_equal(identity("/dev/ttyUSB0", &info), before);
    info.firmware_id = 1; /* the same version, built from other sources */
    assert_int_not_equal(identity("/dev/ttyUSB0", &info), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_method_follows_option_model_drop_and_size),
        cmocka_unit_test(limits_on_cost_alone_ask_for_the_most_accurate),
        cmocka_unit_test(unknown_methods_are_refused),
        cmocka_unit_test(boards_do_one_job),
        cmocka_unit_test(a_rebuilt_simulator_or_firmware_is_another_target),
        cmocka_unit_test(boards_are_told_apart_by_what_they_say),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
