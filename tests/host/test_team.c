// SPDX-License-Identifier: Apache-2.0
/* A process that is alone, and one that was started as one of several but cannot find the others.
 * What several processes do together: tests/system/test_mpi.sh. */
#include "host/scratch.h"

#include "team/team.h"

static const char *const VARIABLES[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK",
                                        "SLURM_STEP_NUM_TASKS", "MPQ_MPI"};

static int forget_launchers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++)
        unsetenv(VARIABLES[i]);
    return 0;
}

static void a_process_without_a_launcher_is_alone(void **state)
{
    struct team *team = NULL;
    struct error err;
    int64_t values[] = {3, -4};
    int word = 7;
    (void)state;
    setenv("MPQ_MPI", "/none", 1); /* is not looked for */
    check_ok(team_open(&team, &err), &err);
    assert_null(team);
    assert_int_equal(team_rank(team), 0);
    assert_int_equal(team_size(team), 1);
    assert_int_equal(team_host_rank(team), 0);
    assert_int_equal(team_host_size(team), 1);
    assert_int_equal(team_cores(team), sysconf(_SC_NPROCESSORS_ONLN));
    team_broadcast(team, &word, sizeof word);
    team_host_broadcast(team, &word, sizeof word);
    team_sum(team, values, 2);
    assert_int_equal(word, 7);
    assert_int_equal(values[0], 3);
    assert_int_equal(values[1], -4);
    team_close(team);
}

static void an_agreement_with_oneself_changes_nothing(void **state)
{
    struct error err = {"disk full"};
    (void)state;
    assert_int_equal(team_agree(NULL, STATUS_OK, &err), STATUS_OK);
    check_failed(team_agree(NULL, STATUS_IO, &err), STATUS_IO, &err, "disk full");
}

static void a_launched_tool_without_mpi_says_how_to_get_it(void **state)
{
    static const char *const LAUNCHERS[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"};
    (void)state;
    for (size_t i = 0; i < sizeof LAUNCHERS / sizeof *LAUNCHERS; i++) {
        struct team *team = NULL;
        struct error err;
        char want[256];
        forget_launchers(NULL);
        setenv(LAUNCHERS[i], "2", 1);
        setenv("MPQ_MPI", "/none", 1);
        snprintf(want, sizeof want,
                 "started by mpirun or srun (%s is set): /none: No such file or directory; install "
                 "libopenmpi-dev and openmpi-bin and build again, or set MPQ_MPI",
                 LAUNCHERS[i]);
        check_failed(team_open(&team, &err), STATUS_INPUT, &err, want);
        assert_null(team);
    }
}

static void a_library_that_is_none_is_named(void **state)
{
    struct team *team = NULL;
    struct error err;
    (void)state;
    scratch_write("mpi.so", "text", 4);
    setenv("PMIX_RANK", "0", 1);
    setenv("MPQ_MPI", "./mpi.so", 1);
    assert_int_equal(team_open(&team, &err), STATUS_INPUT);
    check_contains(err.text, "./mpi.so: ");
    assert_null(team);
}

static void tasks_of_srun_without_mpi_are_refused(void **state)
{
    struct team *team = NULL;
    struct error err;
    (void)state;
    setenv("SLURM_STEP_NUM_TASKS", "1", 1);
    check_ok(team_open(&team, &err), &err);
    setenv("SLURM_STEP_NUM_TASKS", "4", 1);
    check_failed(
        team_open(&team, &err), STATUS_USAGE, &err,
        "srun has started 4 processes that do not know one another; give it --mpi=pmix, or "
        "use mpirun");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_process_without_a_launcher_is_alone, forget_launchers),
        cmocka_unit_test_setup(an_agreement_with_oneself_changes_nothing, forget_launchers),
        cmocka_unit_test_setup(a_launched_tool_without_mpi_says_how_to_get_it, forget_launchers),
        cmocka_unit_test_setup(a_library_that_is_none_is_named, forget_launchers),
        cmocka_unit_test_setup(tasks_of_srun_without_mpi_are_refused, forget_launchers),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
