// SPDX-License-Identifier: Apache-2.0
/* A bad cable: a pseudo-terminal in front of another one (a simulator's), which it opens as a port.
 * Passes bytes both ways, and the rate that its user sets, and does to them what it is told. Prints
 * its terminal's name; runs until it is killed, or until it plays a cable that is pulled out.
 * usage: fault_proxy PORT SEED KIND ONE_IN
 *   noise    one of ONE_IN bytes is lost, has a bit changed, or comes twice
 *   delay    one of ONE_IN pieces waits up to 50 ms
 *   stall    after ONE_IN bytes, nothing passes for two seconds; once
 *   cut      after ONE_IN bytes the terminal is gone
 *   garbage  ONE_IN random bytes each way come first */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"

enum { PIECE_BYTES = 128, RATE_LOOK_MS = 5, DELAY_MAX_MS = 50, STALL_MS = 2000 };

enum kind { NOISE, DELAY, STALL, CUT, GARBAGE, KINDS };

struct proxy {
    enum kind kind;
    uint32_t one_in;
    struct rng rng;
    int user, port; /* our terminal's master; the port behind */
    speed_t speed;  /* of both */
    size_t passed;  /* bytes, both ways */
    bool stalled;   /* it has been */
};

static void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        struct pollfd waited = {.fd = fd, .events = POLLOUT};
        if (poll(&waited, 1, STALL_MS) <= 0)
            return true; /* nobody takes it: lost, as on a cable */
        const ssize_t count = write(fd, bytes, size);
        if (count <= 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

/* What becomes of one byte. Returns how often it comes out. */
static unsigned pass(struct proxy *proxy, uint8_t *byte)
{
    if (proxy->kind != NOISE || rng_below(&proxy->rng, proxy->one_in))
        return 1;
    switch (rng_below(&proxy->rng, 3)) {
    case 0:
        return 0;
    case 1:
        *byte ^= (uint8_t)(1u << rng_below(&proxy->rng, 8));
        return 1;
    default:
        return 2;
    }
}

/* Passes what waits; false when a side is gone or the cable is pulled out. */
static bool forward(struct proxy *proxy, int from, int to)
{
    uint8_t in[PIECE_BYTES], out[2 * PIECE_BYTES];
    const ssize_t count = read(from, in, sizeof in);
    size_t size = 0;
    if (count <= 0)
        return false;
    for (ssize_t i = 0; i < count; i++)
        for (unsigned n = pass(proxy, &in[i]); n > 0; n--)
            out[size++] = in[i];
    proxy->passed += (size_t)count;
    const bool due = proxy->passed > proxy->one_in;
    if (proxy->kind == CUT && due)
        return false;
    if (proxy->kind == DELAY && !rng_below(&proxy->rng, proxy->one_in))
        pause_ms((long)rng_below(&proxy->rng, DELAY_MAX_MS));
    if (proxy->kind == STALL && due && !proxy->stalled) {
        proxy->stalled = true;
        pause_ms(STALL_MS);
    }
    return write_all(to, out, size);
}

/* The port gets the rate that our terminal's user has set. */
static void follow_rate(struct proxy *proxy)
{
    struct termios user, port;
    if (tcgetattr(proxy->user, &user) || cfgetospeed(&user) == proxy->speed)
        return;
    proxy->speed = cfgetospeed(&user);
    if (!tcgetattr(proxy->port, &port) && !cfsetspeed(&port, proxy->speed))
        tcsetattr(proxy->port, TCSADRAIN, &port);
}

static void garbage(struct proxy *proxy, int fd)
{
    for (uint32_t i = 0; i < proxy->one_in; i++) {
        const uint8_t byte = (uint8_t)rng_below(&proxy->rng, 256);
        write_all(fd, &byte, 1);
    }
}

static void run(struct proxy *proxy)
{
    struct pollfd fds[] = {{.fd = proxy->user, .events = POLLIN},
                           {.fd = proxy->port, .events = POLLIN}};
    bool going = true;
    while (going) {
        const int ready = poll(fds, 2, RATE_LOOK_MS);
        follow_rate(proxy); /* before the bytes that come after it */
        if (ready > 0 && fds[1].revents)
            going = forward(proxy, proxy->port, proxy->user);
        if (ready > 0 && fds[0].revents && going)
            going = forward(proxy, proxy->user, proxy->port);
    }
}

static bool set_raw(int fd)
{
    struct termios mode;
    if (tcgetattr(fd, &mode))
        return false;
    cfmakeraw(&mode);
    cfsetspeed(&mode, B115200);
    return !tcsetattr(fd, TCSANOW, &mode);
}

/* Our own handle on the slave keeps it up between its users. */
static bool open_terminals(struct proxy *proxy, const char *port)
{
    char name[64];
    proxy->port = open(port, O_RDWR | O_NOCTTY);
    proxy->user = posix_openpt(O_RDWR | O_NOCTTY);
    if (proxy->port < 0 || proxy->user < 0 || grantpt(proxy->user) || unlockpt(proxy->user) ||
        ptsname_r(proxy->user, name, sizeof name))
        return false;
    const int slave = open(name, O_RDWR | O_NOCTTY);
    if (slave < 0 || !set_raw(slave) || !set_raw(proxy->port))
        return false;
    proxy->speed = B115200;
    printf("%s\n", name);
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    static const char *const kinds[KINDS] = {"noise", "delay", "stall", "cut", "garbage"};
    struct proxy proxy = {.kind = KINDS};
    for (unsigned i = 0; argc == 5 && i < KINDS; i++)
        if (!strcmp(argv[3], kinds[i]))
            proxy.kind = (enum kind)i;
    if (proxy.kind == KINDS || strtoul(argv[4], NULL, 10) < 1) {
        fputs("usage: fault_proxy PORT SEED noise|delay|stall|cut|garbage ONE_IN\n", stderr);
        return 2;
    }
    proxy.one_in = (uint32_t)strtoul(argv[4], NULL, 10);
    rng_init(&proxy.rng, strtoul(argv[2], NULL, 10), 0);
    if (!open_terminals(&proxy, argv[1])) {
        perror(argv[1]);
        return 1;
    }
    if (proxy.kind == GARBAGE) {
        garbage(&proxy, proxy.user);
        garbage(&proxy, proxy.port);
    }
    run(&proxy);
    return 0;
}
