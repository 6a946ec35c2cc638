// SPDX-License-Identifier: Apache-2.0
/* A core with a fault, for tests of what the tool says then: a simulator behind a Unix socket which
 * gets every input image inverted. Frames stay whole, so that only the results are wrong. Serves
 * one connection after the other until it is killed.
 * usage: faulty_core SOCKET SIMULATOR FIRMWARE */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol.h"

enum { WRITE_SPACE = 2, WRITE_BYTES = 10, CORE_FD = 3 }; /* offsets in a decoded frame */

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(fd, bytes, size);
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

/* Sends a frame on, an input's bytes inverted. */
static bool forward_frame(struct frame_receiver *rx, size_t payload_size, int core)
{
    uint8_t frame[PROTO_FRAME_MAX], wire[PROTO_WIRE_MAX];
    if (rx->bytes[0] == PROTO_WRITE && rx->bytes[WRITE_SPACE] == SPACE_INPUT)
        for (size_t i = WRITE_BYTES; i < payload_size + 2; i++)
            rx->bytes[i] = (uint8_t)~rx->bytes[i];
    const size_t size =
        frame_encode(rx->bytes[0], rx->bytes[1], rx->bytes + 2, payload_size, frame, wire);
    return write_all(core, wire, size);
}

static bool to_core(struct frame_receiver *rx, int host, int core)
{
    uint8_t bytes[4096];
    const ssize_t n = read(host, bytes, sizeof bytes);
    for (ssize_t i = 0; i < n; i++) {
        size_t payload_size;
        if (frame_receiver_feed(rx, bytes[i], &payload_size) == FRAME_READY &&
            !forward_frame(rx, payload_size, core))
            return false;
    }
    return n > 0;
}

static bool to_host(int core, int host)
{
    uint8_t bytes[4096];
    const ssize_t n = read(core, bytes, sizeof bytes);
    return n > 0 && write_all(host, bytes, (size_t)n);
}

static void serve(int host, int core)
{
    struct frame_receiver rx;
    struct pollfd fds[] = {{.fd = host, .events = POLLIN}, {.fd = core, .events = POLLIN}};
    bool going = true;
    frame_receiver_init(&rx);
    while (going && poll(fds, 2, -1) > 0) {
        if (fds[0].revents)
            going = to_core(&rx, host, core);
        if (fds[1].revents && going)
            going = to_host(core, host);
    }
}

static pid_t start_core(const char *simulator, const char *firmware, int fd)
{
    const pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (dup2(fd, CORE_FD) == CORE_FD)
        execl(simulator, simulator, "--firmware", firmware, "--fd", "3", (char *)NULL);
    perror(simulator);
    _exit(1);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1))
        return -1;
    return fd;
}

int main(int argc, char **argv)
{
    const int listener = argc == 4 ? listen_at(argv[1]) : -1;
    if (listener < 0) {
        fputs("usage: faulty_core SOCKET SIMULATOR FIRMWARE\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int pair[2];
        const int host = accept(listener, NULL, NULL);
        if (host < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
            return 1;
        const pid_t core = start_core(argv[2], argv[3], pair[1]);
        close(pair[1]);
        serve(host, pair[0]);
        close(pair[0]);
        close(host);
        if (core > 0)
            waitpid(core, NULL, 0);
    }
}
