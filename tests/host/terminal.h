// SPDX-License-Identifier: Apache-2.0
/* A pseudo-terminal whose slave plays the serial port, and what may be asked of any link on it. */
#ifndef MPQ_TEST_TERMINAL_H
#define MPQ_TEST_TERMINAL_H

#include "host/scratch.h"

#include <fcntl.h>
#include <poll.h>

#include "target/link.h"

enum { TERMINAL_WAIT_MS = 2000 };

struct terminal {
    int master;
    char name[64]; /* of the slave */
};

static inline void terminal_open(struct terminal *terminal)
{
    terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal->master >= 0);
    assert_int_equal(grantpt(terminal->master), 0);
    assert_int_equal(unlockpt(terminal->master), 0);
    assert_int_equal(ptsname_r(terminal->master, terminal->name, sizeof terminal->name), 0);
}

/* Exactly size bytes from the other end's file descriptor, in time. */
static inline void terminal_receive(int fd, uint8_t *bytes, size_t size)
{
    for (size_t got = 0; got < size;) {
        struct pollfd waited = {.fd = fd, .events = POLLIN};
        if (poll(&waited, 1, TERMINAL_WAIT_MS) != 1)
            fail_msg("got %zu of %zu bytes", got, size);
        const ssize_t count = read(fd, bytes + got, size - got);
        assert_true(count > 0);
        got += (size_t)count;
    }
}

/* Exactly size bytes from the link, in time. */
static inline void terminal_read_link(struct link *link, uint8_t *bytes, size_t size)
{
    struct error err;
    for (size_t got = 0, part; got < size; got += part) {
        check_ok(link->ops->read(link, bytes + got, size - got, TERMINAL_WAIT_MS, &part, &err),
                 &err);
        if (!part)
            fail_msg("got %zu of %zu bytes", got, size);
    }
}

/* Every byte value passes both ways, unchanged and not echoed. */
static inline void check_carries_all_bytes(struct link *link, int other_end)
{
    uint8_t sent[256], got[256];
    struct error err;
    size_t count = 1;
    for (int i = 0; i < 256; i++)
        sent[i] = (uint8_t)i;
    check_ok(link->ops->write(link, sent, sizeof sent, &err), &err);
    terminal_receive(other_end, got, sizeof got);
    assert_memory_equal(got, sent, sizeof sent);
    assert_int_equal(write(other_end, sent, sizeof sent), sizeof sent);
    terminal_read_link(link, got, sizeof got);
    assert_memory_equal(got, sent, sizeof sent);
    check_ok(link->ops->read(link, got, sizeof got, 20, &count, &err), &err);
    assert_int_equal(count, 0);
    struct pollfd echo = {.fd = other_end, .events = POLLIN};
    assert_int_equal(poll(&echo, 1, 20), 0);
}

static inline struct link *open_link(const char *target)
{
    struct link *link = NULL;
    struct error err;
    check_ok(link_open(target, &link, &err), &err);
    assert_string_equal(link->name, target);
    return link;
}

static inline void check_open_fails(const char *target, enum status want, const char *text)
{
    static struct link untouched;
    struct link *link = &untouched;
    struct error err;
    check_failed(link_open(target, &link, &err), want, &err, text);
    assert_null(link);
}

#endif
