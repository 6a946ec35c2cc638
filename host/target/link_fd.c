// SPDX-License-Identifier: Apache-2.0
/* A link on a plain file descriptor: pseudo-terminals in raw mode, Unix sockets. */
#include "target/link_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "protocol.h"

enum { STALL_LIMIT_MS = 10000 };

struct link_fd {
    struct link base; /* first: a struct link * is a struct link_fd * */
    int fd;
    bool is_socket;
};

static speed_t baud_code(int baud_hz)
{
    static const struct {
        int hz;
        speed_t code;
    } codes[] = {{115200, B115200},   {230400, B230400},   {460800, B460800},
                 {921600, B921600},   {1000000, B1000000}, {1500000, B1500000},
                 {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].hz == baud_hz)
            return codes[i].code;
    errno = EINVAL;
    return (speed_t)-1; /* no rate: cfsetspeed() refuses it */
}

static enum status peer_gone(const struct link *link, struct error *err)
{
    return error_set(err, STATUS_LINK,
                     "%s: the other end closed the line; start the simulator or board again",
                     link->name);
}

static enum status fd_read(struct link *link, uint8_t *bytes, size_t size, int timeout_ms,
                           size_t *got, struct error *err)
{
    const struct link_fd *self = (const struct link_fd *)link;
    *got = 0;
    if (!link_wait(self->fd, POLLIN, timeout_ms))
        return STATUS_OK;
    const ssize_t count = read(self->fd, bytes, size);
    if (count > 0) {
        *got = (size_t)count;
        return STATUS_OK;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return STATUS_OK;
    if (count == 0 || errno == EIO || errno == ECONNRESET || errno == ENXIO)
        return peer_gone(link, err);
    return error_set(err, STATUS_LINK, "%s: read: %s", link->name, strerror(errno));
}

static ssize_t write_some(const struct link_fd *self, const uint8_t *bytes, size_t size)
{
    return self->is_socket ? send(self->fd, bytes, size, MSG_NOSIGNAL)
                           : write(self->fd, bytes, size);
}

static enum status fd_write(struct link *link, const uint8_t *bytes, size_t size, struct error *err)
{
    const struct link_fd *self = (const struct link_fd *)link;
    while (size > 0) {
        const ssize_t count = write_some(self, bytes, size);
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
        } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
            return errno == EIO || errno == EPIPE || errno == ECONNRESET
                       ? peer_gone(link, err)
                       : error_set(err, STATUS_LINK, "%s: write: %s", link->name, strerror(errno));
        } else {
            errno = 0;
            if (!link_wait(self->fd, POLLOUT, STALL_LIMIT_MS) && errno != EINTR)
                return error_set(err, STATUS_LINK,
                                 "%s: the line takes no bytes any more; is the core running?",
                                 link->name);
        }
    }
    return STATUS_OK;
}

static void fd_close(struct link *link)
{
    struct link_fd *self = (struct link_fd *)link;
    close(self->fd);
    free(self);
}

/* A pseudo-terminal has no line, but a simulator behind it looks at its rate. */
static enum status fd_set_baud(struct link *link, int baud_hz, struct error *err)
{
    const struct link_fd *self = (const struct link_fd *)link;
    struct termios mode;
    if (tcgetattr(self->fd, &mode) || cfsetspeed(&mode, baud_code(baud_hz)) ||
        tcsetattr(self->fd, TCSADRAIN, &mode))
        return error_set(err, STATUS_LINK, "%s: the terminal cannot do %d baud: %s", link->name,
                         baud_hz, strerror(errno));
    link->baud_hz = baud_hz;
    return STATUS_OK;
}

static const struct link_ops socket_ops = {fd_read, fd_write, fd_close, NULL};
static const struct link_ops terminal_ops = {fd_read, fd_write, fd_close, fd_set_baud};

static enum status open_socket(const char *name, const char *path, int *fd, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, STATUS_LINK, "%s: socket path longer than %zu bytes", name,
                         sizeof address.sun_path - 1);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return error_set(err, STATUS_LINK, "%s: socket: %s", name, strerror(errno));
    if (!connect(*fd, (const struct sockaddr *)&address, sizeof address))
        return STATUS_OK;
    const int reason = errno;
    close(*fd);
    return link_open_failed(name, path, reason, err);
}

static enum status set_raw(const char *name, int fd, struct error *err)
{
    struct termios mode;
    if (tcgetattr(fd, &mode))
        return error_set(err, STATUS_LINK, "%s: not a terminal: %s", name, strerror(errno));
    cfmakeraw(&mode);
    cfsetspeed(&mode, baud_code(PROTO_BAUD_HZ));
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    if (tcsetattr(fd, TCSANOW, &mode))
        return error_set(err, STATUS_LINK, "%s: raw mode: %s", name, strerror(errno));
    return STATUS_OK;
}

static enum status open_terminal(const char *name, const char *path, int *fd, struct error *err)
{
    *fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return link_open_failed(name, path, errno == EIO ? ENXIO : errno, err);
    enum status status = link_lock(name, *fd, err);
    if (!status)
        status = set_raw(name, *fd, err);
    if (status)
        close(*fd);
    return status;
}

enum status link_fd_open(const char *name, const char *path, struct link **out, struct error *err)
{
    struct stat info;
    int fd = -1;
    const bool is_socket = !stat(path, &info) && S_ISSOCK(info.st_mode);
    const enum status status =
        is_socket ? open_socket(name, path, &fd, err) : open_terminal(name, path, &fd, err);
    if (status)
        return status;
    struct link_fd *self = calloc(1, sizeof *self);
    if (!self || fcntl(fd, F_SETFL, O_NONBLOCK)) {
        free(self);
        close(fd);
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
    }
    self->base.ops = is_socket ? &socket_ops : &terminal_ops;
    self->base.baud_hz = is_socket ? 0 : PROTO_BAUD_HZ;
    snprintf(self->base.name, sizeof self->base.name, "%s", name);
    self->fd = fd;
    self->is_socket = is_socket;
    *out = &self->base;
    return STATUS_OK;
}
