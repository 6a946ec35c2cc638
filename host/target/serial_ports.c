// SPDX-License-Identifier: Apache-2.0
/* Serial ports by libserialport. */
#include "target/serial_ports.h"

#include <libserialport.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void put(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

static void describe(const struct sp_port *port, struct serial_port *out)
{
    const char *maker = sp_get_port_usb_manufacturer(port);
    const char *product = sp_get_port_usb_product(port);
    put(out->name, sizeof out->name, sp_get_port_name(port));
    put(out->description, sizeof out->description, sp_get_port_description(port));
    put(out->usb_serial, sizeof out->usb_serial, sp_get_port_usb_serial(port));
    snprintf(out->usb_name, sizeof out->usb_name, "%.*s%s%.*s", SERIAL_PORT_TEXT - 2,
             maker ? maker : "", maker && product ? " " : "", SERIAL_PORT_TEXT - 2,
             product ? product : "");
    if (sp_get_port_transport(port) != SP_TRANSPORT_USB ||
        sp_get_port_usb_vid_pid(port, &out->usb_vendor, &out->usb_product) != SP_OK)
        out->usb_vendor = out->usb_product = -1;
    out->readable = !access(out->name, R_OK | W_OK);
}

enum status serial_ports_list(struct serial_port **out, size_t *count, struct error *err)
{
    struct sp_port **ports = NULL;
    size_t found = 0;
    *out = NULL;
    *count = 0;
    if (sp_list_ports(&ports) != SP_OK)
        return error_set(err, STATUS_IO, "the serial ports cannot be listed");
    while (ports[found])
        found++;
    struct serial_port *list = calloc(found + 1, sizeof *list);
    for (size_t i = 0; i < found && list; i++)
        describe(ports[i], &list[i]);
    sp_free_port_list(ports);
    if (!list)
        return error_set(err, STATUS_NO_MEMORY, "serial ports: out of memory");
    *out = list;
    *count = found;
    return STATUS_OK;
}

bool serial_port_fits(const struct serial_port *port, const struct board *board)
{
    return port->usb_vendor == (int)board->usb_vendor &&
           port->usb_product == (int)board->usb_product;
}
