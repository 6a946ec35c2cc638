// SPDX-License-Identifier: Apache-2.0
/* The simulator's links: sockets and pseudo-terminals, whole bytes and the true serial line, and
 * the end of the simulator with its peer. $BUILD/mpq-sim runs the firmware ($MPQ_FIRMWARE names another
 * than $BUILD/firmware/loader.elf) or tests/rtl/core/commands.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "protocol.h"

enum {
    CHILD_FD = 3,
    LIMIT_MS = 60000,
    ARGUMENTS_MAX = 12,
    ECHO_BYTES = 200000,
    BULK_BYTES = 100000
};

struct sim {
    pid_t pid;
    int fd;        /* the link, or the simulator's standard output */
    char name[64]; /* of its pseudo-terminal */
};

/* ---- Processes ---- */

static const char *build_path(const char *rest)
{
    static char path[4][512];
    static unsigned next;
    const char *build = getenv("BUILD");
    char *text = path[next++ % 4];
    snprintf(text, sizeof path[0], "%s/%s", build ? build : "build", rest);
    return text;
}

static const char *firmware(void)
{
    const char *path = getenv("MPQ_FIRMWARE");
    return path ? path : build_path("firmware/loader.elf");
}

static const char *commands(void)
{
    return build_path("tests/rtl/core/commands.elf");
}

/* Becomes the simulator; child_fd turns up as target. options: NULL-terminated. */
static _Noreturn void exec_simulator(int child_fd, int target, const char *elf,
                                     const char *const *options)
{
    const char *arguments[ARGUMENTS_MAX] = {"mpq-sim", "--firmware", elf};
    size_t count = 3;
    while (*options)
        arguments[count++] = *options++;
    if (child_fd != target)
        dup2(child_fd, target);
    else
        fcntl(target, F_SETFD, 0);
    execv(build_path("mpq-sim"), (char *const *)arguments);
    _exit(127);
}

static struct sim start_on_socket(const char *elf, const char *const *options)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        exec_simulator(fds[1], CHILD_FD, elf, options);
    close(fds[1]);
    return (struct sim){.pid = pid, .fd = fds[0]};
}

/* Reads the terminal's name, the first line of its output. */
static struct sim start_on_pty(const char *elf, const char *const *options)
{
    int fds[2];
    struct sim sim = {0};
    assert_int_equal(pipe(fds), 0);
    sim.pid = fork();
    assert_true(sim.pid >= 0);
    if (sim.pid == 0)
        exec_simulator(fds[1], STDOUT_FILENO, elf, options);
    close(fds[1]);
    sim.fd = fds[0];
    for (size_t i = 0; i + 1 < sizeof sim.name; i++) {
        assert_int_equal(read(sim.fd, sim.name + i, 1), 1);
        if (sim.name[i] == '\n') {
            sim.name[i] = '\0';
            break;
        }
    }
    return sim;
}

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* The simulator's exit code; -1 if it does not end by itself (it is killed then). */
static int wait_for_exit(const struct sim *sim)
{
    const int64_t limit = now_ms() + LIMIT_MS;
    int status = 0;
    while (waitpid(sim->pid, &status, WNOHANG) == 0) {
        if (now_ms() > limit) {
            kill(sim->pid, SIGKILL);
            waitpid(sim->pid, &status, 0);
            return -1;
        }
        poll(NULL, 0, 2);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void kill_and_wait(const struct sim *sim)
{
    kill(sim->pid, SIGTERM);
    waitpid(sim->pid, NULL, 0);
    close(sim->fd);
}

/* ---- Bytes ---- */

static void write_all(int fd, const void *bytes, size_t size)
{
    assert_int_equal(write(fd, bytes, size), size);
}

/* Reads size bytes, or fewer if the stream ends or nothing comes. */
static size_t read_some(int fd, uint8_t *bytes, size_t size)
{
    size_t count = 0;
    while (count < size) {
        struct pollfd entry = {fd, POLLIN, 0};
        if (poll(&entry, 1, LIMIT_MS) <= 0)
            break;
        const ssize_t got = read(fd, bytes + count, size - count);
        if (got <= 0)
            break;
        count += (size_t)got;
    }
    return count;
}

/* Says HELLO; the data of the answer in data. */
static void say_hello(int fd, uint32_t nonce, uint8_t data[HELLO_DATA_BYTES])
{
    uint8_t request[6], frame[PROTO_FRAME_MAX], wire[PROTO_WIRE_MAX], byte;
    struct frame_receiver rx;
    size_t size = 0;
    enum frame_event event = FRAME_NONE;

    put_u32(request, nonce);
    put_u16(request + 4, PROTO_VERSION);
    write_all(fd, wire, frame_encode(PROTO_HELLO, 9, request, sizeof request, frame, wire));
    frame_receiver_init(&rx);
    while (event == FRAME_NONE) {
        assert_int_equal(read_some(fd, &byte, 1), 1);
        event = frame_receiver_feed(&rx, byte, &size);
    }
    assert_int_equal(event, FRAME_READY);
    assert_int_equal(rx.bytes[0], PROTO_HELLO | PROTO_RESPONSE);
    assert_int_equal(size, PROTO_STATUS_BYTES + HELLO_DATA_BYTES);
    assert_int_equal(rx.bytes[2], PROTO_OK);
    memcpy(data, rx.bytes + 2 + PROTO_STATUS_BYTES, HELLO_DATA_BYTES);
    assert_int_equal(get_u32(data + HELLO_NONCE), nonce);
}

/* ---- Sockets ---- */

static void bit_and_byte_line_give_the_same_hello_answer(void **state)
{
    static const char *const lines[2] = {"byte", "bit"};
    uint8_t data[2][HELLO_DATA_BYTES];
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct sim sim =
            start_on_socket(firmware(), (const char *[]){"--fd", "3", "--line", lines[i], NULL});
        say_hello(sim.fd, 0x1badb002, data[i]);
        close(sim.fd);
        assert_int_equal(wait_for_exit(&sim), 0);
    }
    assert_memory_equal(data[0], data[1], HELLO_DATA_BYTES);
    assert_int_equal(get_u32(data[0] + HELLO_CLOCK_HZ), 25000000);
}

static void a_sleeping_core_ends_with_its_socket(void **state)
{
    (void)state;
    const struct sim sim = start_on_socket(commands(), (const char *[]){"--fd", "3", NULL});
    uint8_t echo[2] = {0};
    write_all(sim.fd, "e!", 2);
    assert_int_equal(read_some(sim.fd, echo, 1), 1);
    assert_int_equal(echo[0], '!');
    close(sim.fd);
    assert_int_equal(wait_for_exit(&sim), 0);
}

static void a_busy_core_ends_with_its_socket(void **state)
{
    (void)state;
    const struct sim sim = start_on_socket(
        commands(), (const char *[]){"--fd", "3", "--hang-cycles", "0x7fffffffffffffff", NULL});
    write_all(sim.fd, "n", 1);
    poll(NULL, 0, 50);
    close(sim.fd);
    assert_int_equal(wait_for_exit(&sim), 0);
}

static void output_goes_on_after_the_end_of_input(void **state)
{
    static uint8_t bytes[BULK_BYTES + 1];
    (void)state;
    const struct sim sim = start_on_socket(commands(), (const char *[]){"--fd", "3", NULL});
    write_all(sim.fd, "b", 1);
    shutdown(sim.fd, SHUT_WR);
    assert_int_equal(read_some(sim.fd, bytes, sizeof bytes), BULK_BYTES);
    for (uint32_t i = 0; i < BULK_BYTES; i++)
        if (bytes[i] != (uint8_t)(i * 7 + (i >> 8)))
            fail_msg("byte %u: got %u", (unsigned)i, bytes[i]);
    assert_int_equal(wait_for_exit(&sim), 0);
    close(sim.fd);
}

static void pass_through_echo(int fd, const uint8_t *sent, uint8_t *received, size_t size)
{
    size_t out = 0, in = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (in < size) {
        struct pollfd entry = {fd, (short)(out < size ? POLLIN | POLLOUT : POLLIN), 0};
        assert_true(poll(&entry, 1, LIMIT_MS) > 0);
        if (entry.revents & POLLOUT) {
            const ssize_t count = write(fd, sent + out, size - out);
            out += count > 0 ? (size_t)count : 0;
        }
        if (entry.revents & POLLIN) {
            const ssize_t count = read(fd, received + in, size - in);
            assert_true(count > 0);
            in += (size_t)count;
        }
    }
}

static void echo_returns_every_byte(const char *line, size_t size)
{
    static uint8_t sent[ECHO_BYTES], received[ECHO_BYTES];
    const struct sim sim =
        start_on_socket(commands(), (const char *[]){"--fd", "3", "--line", line, NULL});
    for (uint32_t i = 0; i < size; i++)
        sent[i] = (uint8_t)(i * 5 + (i >> 8));
    write_all(sim.fd, "e", 1);
    pass_through_echo(sim.fd, sent, received, size);
    assert_memory_equal(received, sent, size);
    close(sim.fd);
    assert_int_equal(wait_for_exit(&sim), 0);
}

static void the_byte_port_loses_nothing_however_much_comes(void **state)
{
    (void)state;
    echo_returns_every_byte("byte", ECHO_BYTES);
}

static void the_serial_line_passes_every_byte_both_ways_at_once(void **state)
{
    (void)state;
    echo_returns_every_byte("bit", 512);
}

/* ---- Pseudo-terminals ---- */

static int open_terminal(const struct sim *sim)
{
    const int fd = open(sim->name, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    return fd;
}

/* No mode is set by us: as a plain program would find it */
static void a_terminal_is_raw_from_the_start(void **state)
{
    uint8_t echo[4] = {0};
    struct termios settings;
    (void)state;
    const struct sim sim = start_on_pty(commands(), (const char *[]){"--pty", NULL});
    const int fd = open_terminal(&sim);
    assert_int_equal(tcgetattr(fd, &settings), 0);
    assert_int_equal(settings.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG), 0);
    assert_int_equal(settings.c_oflag & (tcflag_t)OPOST, 0);
    write_all(fd, "e\r\n\x03\xff", 5);
    assert_int_equal(read_some(fd, echo, 4), 4);
    assert_memory_equal(echo, "\r\n\x03\xff", 4);
    close(fd);
    kill_and_wait(&sim);
}

static void a_terminal_stays_when_its_user_leaves(void **state)
{
    uint8_t data[HELLO_DATA_BYTES];
    (void)state;
    const struct sim sim = start_on_pty(firmware(), (const char *[]){"--pty", NULL});
    for (uint32_t user = 1; user < 4; user++) {
        const int fd = open_terminal(&sim);
        say_hello(fd, user, data);
        close(fd);
    }
    assert_int_equal(waitpid(sim.pid, NULL, WNOHANG), 0);
    kill_and_wait(&sim);
}

static void with_once_it_ends_when_its_user_leaves(void **state)
{
    uint8_t data[HELLO_DATA_BYTES];
    (void)state;
    const struct sim sim = start_on_pty(firmware(), (const char *[]){"--pty", "--once", NULL});
    const int fd = open_terminal(&sim);
    say_hello(fd, 7, data);
    close(fd);
    assert_int_equal(wait_for_exit(&sim), 0);
    close(sim.fd);
}

static void a_terminal_may_speak_the_true_serial_line(void **state)
{
    uint8_t data[HELLO_DATA_BYTES];
    (void)state;
    const struct sim sim =
        start_on_pty(firmware(), (const char *[]){"--pty", "--once", "--line", "bit", NULL});
    const int fd = open_terminal(&sim);
    say_hello(fd, 8, data);
    close(fd);
    assert_int_equal(wait_for_exit(&sim), 0);
    close(sim.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bit_and_byte_line_give_the_same_hello_answer),
        cmocka_unit_test(a_sleeping_core_ends_with_its_socket),
        cmocka_unit_test(a_busy_core_ends_with_its_socket),
        cmocka_unit_test(output_goes_on_after_the_end_of_input),
        cmocka_unit_test(the_byte_port_loses_nothing_however_much_comes),
        cmocka_unit_test(the_serial_line_passes_every_byte_both_ways_at_once),
        cmocka_unit_test(a_terminal_is_raw_from_the_start),
        cmocka_unit_test(a_terminal_stays_when_its_user_leaves),
        cmocka_unit_test(with_once_it_ends_when_its_user_leaves),
        cmocka_unit_test(a_terminal_may_speak_the_true_serial_line),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
