// SPDX-License-Identifier: Apache-2.0
/* A byte pipe to a core, whatever it is: simulator process, serial port, pseudo-terminal, socket.
 * One function table; nothing above it can tell them apart. */
#ifndef MPQ_LINK_H
#define MPQ_LINK_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum { LINK_BAUD_MAX_HZ = 3000000 }; /* unless the user asks for more */

struct link {
    const struct link_ops *ops;
    char name[128];  /* as the user wrote it */
    int baud_hz;     /* the line's rate now; 0: it has none */
    int baud_max_hz; /* highest rate to use */
};

struct link_ops {
    /* Reads 1..size bytes, waits at most timeout_ms; *got 0 on a timeout. STATUS_LINK with the
     * cause when the peer is gone (the simulator's last words, such as the PC of a core that hangs,
     * are part of the text). */
    enum status (*read)(struct link *link, uint8_t *bytes, size_t size, int timeout_ms, size_t *got,
                        struct error *err);
    enum status (*write)(struct link *link, const uint8_t *bytes, size_t size,
                         struct error *err); /* all of it */
    void (*close)(struct link *link);        /* frees the link */
    /* The line's rate from the next byte on, after those that are on their way. NULL: it has none. */
    enum status (*set_baud)(struct link *link, int baud_hz, struct error *err);
};

/* target: "sim" (default core), "sim:CONFIG", "sim,OPTION..." (options handed to mpq-sim),
 * "/dev/ttyUSB0", "/dev/pts/3", with optional ":BAUD", the highest rate to use. */
MUST_CHECK enum status link_open(const char *target, struct link **out, struct error *err);
void link_close(struct link *link); /* accepts NULL */

#endif
