// SPDX-License-Identifier: Apache-2.0
/* Where the tool finds the simulator and the firmware. */
#include "host/scratch.h"

#include <sys/stat.h>

#include "base/paths.h"
#include "target/link.h"

static int clear(void **state)
{
    (void)state;
    unsetenv("MPQ_SIM");
    unsetenv("MPQ_FIRMWARE");
    return 0;
}

static void make_program(const char *path)
{
    scratch_write(path, "#!/bin/sh\n", 10);
    assert_int_equal(chmod(path, 0755), 0);
}

static void the_environment_says_where(void **state)
{
    char path[PATHS_MAX];
    struct error err;
    (void)state;
    make_program("my-sim");
    scratch_write("my.elf", "x", 1);
    setenv("MPQ_SIM", "./my-sim", 1);
    setenv("MPQ_FIRMWARE", "./my.elf", 1);
    check_ok(paths_simulator("", path, &err), &err);
    assert_string_equal(path, "./my-sim");
    check_ok(paths_firmware(path, &err), &err);
    assert_string_equal(path, "./my.elf");
}

static void a_configuration_is_looked_up_beside_the_simulator(void **state)
{
    char path[PATHS_MAX];
    struct error err;
    (void)state;
    make_program("my-sim");
    mkdir("sim", 0777);
    mkdir("sim/default", 0777);
    make_program("sim/default/mpq-sim");
    setenv("MPQ_SIM", "./my-sim", 1);
    check_ok(paths_simulator("default", path, &err), &err);
    assert_string_equal(path, "./sim/default/mpq-sim");
    setenv("MPQ_SIM", "my-sim", 1);
    check_ok(paths_simulator("default", path, &err), &err);
    assert_string_equal(path, "./sim/default/mpq-sim");
}

static void without_it_the_programs_folder_counts(void **state)
{
    char path[PATHS_MAX], want[PATHS_MAX], own[1024] = "";
    struct error err;
    (void)state;
    assert_true(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
    *strrchr(own, '/') = '\0';
    setenv("MPQ_SIM", "", 1); /* as if unset */
    snprintf(want, sizeof want,
             "%s/mpq-sim: No such file or directory; build the simulator with: make sim (or set "
             "MPQ_SIM)",
             own);
    check_failed(paths_simulator("", path, &err), STATUS_INPUT, &err, want);
    snprintf(want, sizeof want,
             "%s/sim/default/mpq-sim: No such file or directory; build the simulator with: make "
             "sim-default (or set MPQ_SIM)",
             own);
    check_failed(paths_simulator("default", path, &err), STATUS_INPUT, &err, want);
    snprintf(want, sizeof want,
             "%s/firmware/loader.elf: No such file or directory; build it with: make firmware (or "
             "set MPQ_FIRMWARE)",
             own);
    check_failed(paths_firmware(path, &err), STATUS_INPUT, &err, want);
}

static void what_cannot_be_run_is_named(void **state)
{
    char path[PATHS_MAX], *name = malloc(PATHS_MAX + 10);
    struct error err;
    (void)state;
    assert_non_null(name);
    memset(name, 'x', PATHS_MAX + 9);
    name[PATHS_MAX + 9] = '\0';
    setenv("MPQ_SIM", name, 1);
    setenv("MPQ_FIRMWARE", name, 1);
    check_failed(paths_simulator("", path, &err), STATUS_INPUT, &err,
                 "MPQ_SIM: path longer than 4095 bytes");
    check_failed(paths_firmware(path, &err), STATUS_INPUT, &err,
                 "MPQ_FIRMWARE: path longer than 4095 bytes");
    free(name);
    setenv("MPQ_SIM", "./none", 1);
    check_failed(paths_simulator("", path, &err), STATUS_INPUT, &err,
                 "./none: No such file or directory; build the simulator with: make sim (or set "
                 "MPQ_SIM)");
    assert_int_equal(paths_simulator("nonsense", path, &err), STATUS_USAGE);
    check_contains(err.text, "sim:nonsense: no such core configuration; there are default");
    setenv("MPQ_FIRMWARE", "./none.elf", 1);
    check_failed(paths_firmware(path, &err), STATUS_INPUT, &err,
                 "./none.elf: No such file or directory; build it with: make firmware (or set "
                 "MPQ_FIRMWARE)");
}

/* link_open() passes these on for simulators. */
static void targets_of_simulators_are_checked(void **state)
{
    static const struct {
        const char *target, *text;
        enum status status;
    } table[] = {
        {"sim:", "sim:: the configuration's name is missing", STATUS_USAGE},
        {"sim:,--x", "sim:,--x: the configuration's name is missing", STATUS_USAGE},
        {"sim,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
         "sim,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17...: more than 16 options", STATUS_USAGE},
        {"sim",
         "./none: No such file or directory; build the simulator with: make sim (or set MPQ_SIM)",
         STATUS_INPUT},
    };
    (void)state;
    setenv("MPQ_SIM", "./none", 1);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct link *link = NULL;
        struct error err;
        check_failed(link_open(table[i].target, &link, &err), table[i].status, &err, table[i].text);
        assert_null(link);
    }
}

#define CASE(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_environment_says_where),
        CASE(a_configuration_is_looked_up_beside_the_simulator),
        CASE(without_it_the_programs_folder_counts),
        CASE(what_cannot_be_run_is_named),
        CASE(targets_of_simulators_are_checked),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
