// SPDX-License-Identifier: Apache-2.0
/* The kinds of link behind link_open(), and what they share. Only link*.c include this. name is the
 * target as the user wrote it; it heads every error text. */
#ifndef MPQ_LINK_KINDS_H
#define MPQ_LINK_KINDS_H

#include <stdbool.h>
#include "target/link.h"

/* "sim", "sim:CONFIG", "sim,OPTION,...": starts a simulator process of its own. */
MUST_CHECK enum status link_sim_open(const char *name, struct link **out, struct error *err);

/* A tty without modem lines (pseudo-terminal), in raw mode, or a Unix socket listening at path. */
MUST_CHECK enum status link_fd_open(const char *name, const char *path, struct link **out,
                                    struct error *err);

/* A serial port by libserialport, 8N1 without flow control. *refused: libserialport does not know
 * the port's kind; another link may. */
MUST_CHECK enum status link_serial_open(const char *name, const char *path, int baud_hz,
                                        bool *refused, struct link **out, struct error *err);

/* Text for errno of a failed open: permission, busy, missing port, with the fix. Returns
 * STATUS_LINK. */
MUST_CHECK enum status link_open_failed(const char *name, const char *path, int error_number,
                                        struct error *err);

/* Waits until fd can be read (events POLLIN) or written (POLLOUT). Returns poll()'s revents, 0 on a
 * timeout or when a signal came. */
short link_wait(int fd, short events, int timeout_ms);

/* Takes the port for this process alone; a second user gets an error. */
MUST_CHECK enum status link_lock(const char *name, int fd, struct error *err);

#endif
