// SPDX-License-Identifier: Apache-2.0
/* mpq-sim as a board on a pseudo-terminal, for tests that have called find_simulator(). */
#ifndef MPQ_TEST_PTY_SIMULATOR_H
#define MPQ_TEST_PTY_SIMULATOR_H

#include "host/find_simulator.h"

#include <signal.h>
#include <sys/wait.h>

struct pty_simulator {
    pid_t pid;
    char name[64];  /* of its terminal */
    FILE *messages; /* its standard error */
};

/* options: NULL-terminated, eight at most. It ends when the terminal's user closes it. */
static inline void pty_simulator_start(struct pty_simulator *sim, const char *const *options)
{
    const char *arguments[16] = {"mpq-sim", "--firmware", getenv("MPQ_FIRMWARE"),
                                 "--pty",   "--once",     "--stats"};
    int out[2], messages[2];
    for (size_t count = 6; *options && count < 15; count++)
        arguments[count] = *options++;
    assert_int_equal(pipe(out) | pipe(messages), 0);
    sim->pid = fork();
    assert_true(sim->pid >= 0);
    if (sim->pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(messages[1], STDERR_FILENO);
        for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
            close(fd);
        execv(getenv("MPQ_SIM"), (char *const *)arguments);
        _exit(127);
    }
    close(out[1]);
    close(messages[1]);
    FILE *names = fdopen(out[0], "r");
    assert_non_null(fgets(sim->name, sizeof sim->name, names));
    fclose(names);
    sim->name[strcspn(sim->name, "\n")] = '\0';
    sim->messages = fdopen(messages[0], "r");
}

/* Waits for its end after its user has gone. Returns how many cycles it ran. */
static inline uint64_t pty_simulator_end(struct pty_simulator *sim)
{
    unsigned long long cycles = 0;
    char line[256];
    int code;
    while (fgets(line, sizeof line, sim->messages))
        (void)sscanf(line, "mpq-sim: %llu cycles", &cycles);
    fclose(sim->messages);
    assert_int_equal(waitpid(sim->pid, &code, 0), sim->pid);
    return cycles;
}

#endif
