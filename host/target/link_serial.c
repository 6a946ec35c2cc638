// SPDX-License-Identifier: Apache-2.0
/* A link on a real serial port, by libserialport: 8N1, no flow control. */
#include "target/link_kinds.h"

#include <errno.h>
#include <libserialport.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STALL_LIMIT_MS = 10000 };

struct link_serial {
    struct link base; /* first: a struct link * is a struct link_serial * */
    struct sp_port *port;
    int fd; /* the port's, for poll() */
};

static enum status failed(const struct link *link, const char *what, struct error *err)
{
    const int reason = sp_last_error_code();
    if (reason == EIO || reason == ENXIO || reason == ENODEV || reason == EBADF)
        return error_set(err, STATUS_LINK,
                         "%s: the port is gone (unplugged?); plug it in and start again",
                         link->name);
    return error_set(err, STATUS_LINK, "%s: %s: %s", link->name, what, strerror(reason));
}

static enum status serial_read(struct link *link, uint8_t *bytes, size_t size, int timeout_ms,
                               size_t *got, struct error *err)
{
    const struct link_serial *self = (const struct link_serial *)link;
    *got = 0;
    const short ready = link_wait(self->fd, POLLIN, timeout_ms);
    if (!ready)
        return STATUS_OK;
    const enum sp_return count = sp_nonblocking_read(self->port, bytes, size);
    if (count < 0)
        return failed(link, "read", err);
    if (count == 0 && (ready & (POLLHUP | POLLERR | POLLNVAL)))
        return error_set(err, STATUS_LINK,
                         "%s: the port is gone (unplugged?); plug it in and start again",
                         link->name);
    *got = (size_t)count;
    return STATUS_OK;
}

static enum status serial_write(struct link *link, const uint8_t *bytes, size_t size,
                                struct error *err)
{
    const struct link_serial *self = (const struct link_serial *)link;
    while (size > 0) {
        const enum sp_return count = sp_nonblocking_write(self->port, bytes, size);
        if (count < 0)
            return failed(link, "write", err);
        bytes += count;
        size -= (size_t)count;
        errno = 0;
        if (size > 0 && !link_wait(self->fd, POLLOUT, STALL_LIMIT_MS) && errno != EINTR)
            return error_set(
                err, STATUS_LINK,
                "%s: the port takes no bytes any more; check the cable and the adapter",
                link->name);
    }
    return STATUS_OK;
}

static void serial_close(struct link *link)
{
    struct link_serial *self = (struct link_serial *)link;
    sp_close(self->port);
    sp_free_port(self->port);
    free(self);
}

static enum status cannot_do(const char *name, int baud_hz, struct error *err)
{
    return error_set(err, STATUS_LINK,
                     "%s: the port cannot do %d baud; choose another rate with PORT:BAUD", name,
                     baud_hz);
}

static enum status serial_set_baud(struct link *link, int baud_hz, struct error *err)
{
    const struct link_serial *self = (const struct link_serial *)link;
    if (sp_set_baudrate(self->port, baud_hz) != SP_OK)
        return cannot_do(link->name, baud_hz, err);
    link->baud_hz = baud_hz;
    return STATUS_OK;
}

static const struct link_ops serial_ops = {serial_read, serial_write, serial_close,
                                           serial_set_baud};

/* 8N1 at baud_hz, no flow control; old bytes are dropped. */
static enum status configure(const char *name, struct sp_port *port, int baud_hz, struct error *err)
{
    if (sp_set_baudrate(port, baud_hz) != SP_OK)
        return cannot_do(name, baud_hz, err);
    if (sp_set_bits(port, 8) != SP_OK || sp_set_parity(port, SP_PARITY_NONE) != SP_OK ||
        sp_set_stopbits(port, 1) != SP_OK || sp_set_flowcontrol(port, SP_FLOWCONTROL_NONE) != SP_OK)
        return error_set(err, STATUS_LINK, "%s: the port cannot do 8N1: %s", name,
                         strerror(sp_last_error_code()));
    if (sp_flush(port, SP_BUF_BOTH) != SP_OK)
        return error_set(err, STATUS_LINK, "%s: flush: %s", name, strerror(sp_last_error_code()));
    return STATUS_OK;
}

static enum status set_up(struct link_serial *self, const char *path, int baud_hz,
                          struct error *err)
{
    const char *name = self->base.name;
    if (sp_open(self->port, SP_MODE_READ_WRITE) != SP_OK)
        return link_open_failed(name, path, sp_last_error_code(), err);
    enum status status = STATUS_OK;
    if (sp_get_port_handle(self->port, &self->fd) != SP_OK)
        status = error_set(err, STATUS_LINK, "%s: the port has no descriptor", name);
    if (!status)
        status = link_lock(name, self->fd, err);
    if (!status)
        status = configure(name, self->port, baud_hz, err);
    if (status)
        sp_close(self->port);
    return status;
}

enum status link_serial_open(const char *name, const char *path, int baud_hz, bool *refused,
                             struct link **out, struct error *err)
{
    struct link_serial *self = calloc(1, sizeof *self);
    *refused = false;
    if (!self)
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
    self->base.ops = &serial_ops;
    snprintf(self->base.name, sizeof self->base.name, "%s", name);
    if (sp_get_port_by_name(path, &self->port) != SP_OK) {
        free(self);
        *refused = true;
        return error_set(err, STATUS_LINK, "%s: not a serial port", name);
    }
    const enum status status = set_up(self, path, baud_hz, err);
    if (status) {
        sp_free_port(self->port);
        free(self);
        return status;
    }
    self->base.baud_hz = baud_hz;
    *out = &self->base;
    return STATUS_OK;
}
