// SPDX-License-Identifier: Apache-2.0
/* Links on pseudo-terminals and sockets, and the choice of a link by the target's name. */
#include "host/terminal.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/rng.h"
#include "target/link_kinds.h"

static void a_pseudo_terminal_carries_all_bytes(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_open(&terminal);
    struct link *link = open_link(terminal.name);
    check_carries_all_bytes(link, terminal.master);
    link_close(link);
    link_close(NULL);
    close(terminal.master);
}

static void a_baud_rate_behind_the_name_is_taken_off(void **state)
{
    struct terminal terminal;
    char target[96];
    (void)state;
    terminal_open(&terminal);
    snprintf(target, sizeof target, "%s:9600", terminal.name);
    struct link *link = open_link(target);
    check_carries_all_bytes(link, terminal.master);
    link_close(link);
    close(terminal.master);
}

static void libserialport_refuses_pseudo_terminals(void **state)
{
    struct terminal terminal;
    struct link *link = NULL;
    struct error err;
    bool refused = false;
    (void)state;
    terminal_open(&terminal);
    assert_int_equal(link_serial_open(terminal.name, terminal.name, 9600, &refused, &link, &err),
                     STATUS_LINK);
    assert_true(refused);
    assert_null(link);
    close(terminal.master);
}

static void a_port_in_use_is_busy(void **state)
{
    struct terminal terminal;
    char want[200];
    (void)state;
    terminal_open(&terminal);
    struct link *link = open_link(terminal.name);
    snprintf(want, sizeof want,
             "%s: busy: another program uses this port; end it or choose another port",
             terminal.name);
    check_open_fails(terminal.name, STATUS_LINK, want);
    link_close(link);
    link = open_link(terminal.name); /* free again */
    link_close(link);
    close(terminal.master);
}

/* Both directions fail with the peer's end. */
static void check_peer_gone(struct link *link)
{
    static const uint8_t byte = 1;
    uint8_t in[8];
    char want[200];
    size_t got = 1;
    struct error err;
    snprintf(want, sizeof want,
             "%s: the other end closed the line; start the simulator or board again", link->name);
    check_failed(link->ops->read(link, in, sizeof in, TERMINAL_WAIT_MS, &got, &err), STATUS_LINK,
                 &err, want);
    assert_int_equal(got, 0);
    check_failed(link->ops->write(link, &byte, 1, &err), STATUS_LINK, &err, want);
}

static void a_closed_terminal_is_told_at_once(void **state)
{
    struct terminal terminal;
    (void)state;
    terminal_open(&terminal);
    struct link *link = open_link(terminal.name);
    close(terminal.master);
    check_peer_gone(link);
    link_close(link);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void a_socket_carries_all_bytes(void **state)
{
    (void)state;
    const int listener = listen_at("core.sock");
    struct link *link = open_link("./core.sock");
    const int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    check_carries_all_bytes(link, peer);
    close(peer);
    check_peer_gone(link);
    link_close(link);
    close(listener);
    check_open_fails("./core.sock", STATUS_LINK, "./core.sock: cannot open: Connection refused");
    unlink("core.sock");
}

enum { LOAD_BYTES = 1 << 20 };

struct slow_reader {
    int fd;
    uint64_t sum;
    size_t count;
};

static void *read_slowly(void *argument)
{
    struct slow_reader *reader = argument;
    uint8_t bytes[1000];
    ssize_t n;
    while (reader->count < LOAD_BYTES && (n = read(reader->fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            reader->sum = reader->sum * 31 + bytes[i];
        reader->count += (size_t)n;
    }
    return NULL;
}

static void a_full_line_is_waited_for(void **state)
{
    uint8_t *bytes = malloc(LOAD_BYTES);
    struct slow_reader reader = {.fd = -1};
    pthread_t thread;
    struct rng rng;
    struct error err;
    uint64_t want = 0;
    (void)state;
    assert_non_null(bytes);
    rng_init(&rng, 1, 0);
    for (size_t i = 0; i < LOAD_BYTES; i++) {
        bytes[i] = (uint8_t)rng_next(&rng);
        want = want * 31 + bytes[i];
    }
    const int listener = listen_at("load.sock");
    struct link *link = open_link("./load.sock");
    reader.fd = accept(listener, NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
    check_ok(link->ops->write(link, bytes, LOAD_BYTES, &err), &err);
    pthread_join(thread, NULL);
    assert_int_equal(reader.count, LOAD_BYTES);
    assert_true(reader.sum == want);
    close(reader.fd);
    link_close(link);
    close(listener);
    unlink("load.sock");
    free(bytes);
}

static void names_that_are_no_target_are_explained(void **state)
{
    struct link *link = NULL;
    struct error err;
    (void)state;
    scratch_write("file", "x", 1);
    check_open_fails("simulator", STATUS_USAGE,
                     "simulator: no such target; want sim, sim:CONFIG, or a port such as "
                     "/dev/ttyUSB0");
    check_open_fails("", STATUS_USAGE,
                     ": no such target; want sim, sim:CONFIG, or a port such as /dev/ttyUSB0");
    check_open_fails("./file", STATUS_LINK, "./file: not a serial port, terminal or socket");
    check_open_fails(".//", STATUS_LINK, ".//: not a serial port, terminal or socket");
    check_open_fails("./file:49", STATUS_USAGE,
                     "./file:49: baud rate: want 50 to 20000000, got 49");
    check_open_fails("./file:99999999999999999999", STATUS_USAGE,
                     "./file:99999999999999999999: baud rate: want 50 to 20000000, got "
                     "99999999999999999999");
    check_open_fails("/dev/null", STATUS_LINK,
                     "/dev/null: not a terminal: Inappropriate ioctl "
                     "for device");
    assert_int_equal(link_open("./none", &link, &err), STATUS_LINK);
    check_contains(err.text, "./none: no such port");
    assert_int_equal(link_open("./file:x1", &link, &err), STATUS_LINK); /* no number: a name */
    check_contains(err.text, "./file:x1: no such port");
}

static void failures_to_open_have_their_remedy(void **state)
{
    static const struct {
        int error_number;
        const char *part;
    } table[] = {
        {EACCES, "p: permission denied; the port belongs to group "},
        {EPERM, "run 'sudo usermod -aG "},
        {EBUSY, "p: busy: another program uses this port"},
        {ENOENT, "p: no such port"},
        {ENXIO, "p: no such port"},
        {EIO, "p: cannot open: Input/output error"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct error err;
        assert_int_equal(link_open_failed("p", "p", table[i].error_number, &err), STATUS_LINK);
        check_contains(err.text, table[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pseudo_terminal_carries_all_bytes),
        cmocka_unit_test(a_baud_rate_behind_the_name_is_taken_off),
        cmocka_unit_test(libserialport_refuses_pseudo_terminals),
        cmocka_unit_test(a_port_in_use_is_busy),
        cmocka_unit_test(a_closed_terminal_is_told_at_once),
        cmocka_unit_test(a_socket_carries_all_bytes),
        cmocka_unit_test(a_full_line_is_waited_for),
        cmocka_unit_test(names_that_are_no_target_are_explained),
        cmocka_unit_test(failures_to_open_have_their_remedy),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
