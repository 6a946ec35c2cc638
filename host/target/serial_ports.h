// SPDX-License-Identifier: Apache-2.0
/* The serial ports of this machine, and which of them may be a board. */
#ifndef MPQ_SERIAL_PORTS_H
#define MPQ_SERIAL_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"
#include "target/boards.h"

enum { SERIAL_PORT_TEXT = 96 };

struct serial_port {
    char name[SERIAL_PORT_TEXT];         /* "/dev/ttyUSB0" */
    char description[SERIAL_PORT_TEXT];  /* of the device, or "" */
    char usb_name[2 * SERIAL_PORT_TEXT]; /* manufacturer and product, or "" */
    char usb_serial[SERIAL_PORT_TEXT];
    int usb_vendor, usb_product; /* -1: not on USB */
    bool readable;               /* this user may open it */
};

/* Lists them; free *out with free(). *count may be 0. */
MUST_CHECK enum status serial_ports_list(struct serial_port **out, size_t *count,
                                         struct error *err);

/* Whether the board has such an adapter. Several boards may have the same one. */
bool serial_port_fits(const struct serial_port *port, const struct board *board);

#endif
