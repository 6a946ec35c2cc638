// SPDX-License-Identifier: Apache-2.0
/* mpq ports: the serial ports and which of them may be a board. */
#include "cmd/cmd.h"
#include "target/serial_ports.h"

#include <stdio.h>
#include <stdlib.h>

static const struct arg_command COMMAND = {
    .name = "ports",
    .summary = "Lists the serial ports with the names of their USB devices, and which may be a "
               "board.",
    .details = "A port is marked with the boards whose serial adapter has its USB numbers; other\n"
               "devices may have the same adapter. 'mpq info PORT' asks whether a core answers.",
    .examples = "mpq ports\n"
                "mpq ports --json\n"
                "mpq info /dev/ttyUSB0",
};

static void print_hint(void)
{
    puts("No serial port was found. Plug the board in with a cable that carries data. If the "
         "system\n"
         "sees the device (lsusb) but shows no port, its driver is missing (ftdi_sio, cdc_acm). In "
         "a\n"
         "container or virtual machine the device must be passed in. A port that is there but may\n"
         "not be opened: 'sudo usermod -aG dialout $USER', and log in again.\n"
         "Without a board: the target 'sim'.");
}

static void print_port(const struct serial_port *port)
{
    size_t count;
    const struct board *boards = boards_all(&count);
    printf("%-16s %s", port->name, *port->usb_name ? port->usb_name : port->description);
    if (port->usb_vendor >= 0)
        printf(" (USB %04x:%04x%s%s)", (unsigned)port->usb_vendor, (unsigned)port->usb_product,
               *port->usb_serial ? ", serial " : "", port->usb_serial);
    for (size_t i = 0, marked = 0; i < count; i++)
        if (serial_port_fits(port, &boards[i]))
            printf("%s%s", marked++ ? ", " : "; may be: ", boards[i].name);
    puts(port->readable
             ? ""
             : "; may not be opened by you: 'sudo usermod -aG dialout $USER', and log in again");
}

static enum status print_json(const struct serial_port *ports, size_t port_count, struct error *err)
{
    size_t count;
    const struct board *boards = boards_all(&count);
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < port_count; i++) {
        const struct serial_port *port = &ports[i];
        char usb[16];
        cJSON *object = cJSON_CreateObject();
        snprintf(usb, sizeof usb, "%04x:%04x", (unsigned)port->usb_vendor & 0xffff,
                 (unsigned)port->usb_product & 0xffff);
        cJSON_AddStringToObject(object, "port", port->name);
        cJSON_AddStringToObject(object, "description", port->description);
        cJSON_AddItemToObject(object, "usb",
                              port->usb_vendor < 0 ? cJSON_CreateNull() : cJSON_CreateString(usb));
        cJSON_AddStringToObject(object, "usb_name", port->usb_name);
        cJSON_AddStringToObject(object, "usb_serial", port->usb_serial);
        cJSON_AddBoolToObject(object, "may_be_opened", port->readable);
        cJSON *fitting = cJSON_AddArrayToObject(object, "may_be");
        for (size_t b = 0; b < count; b++)
            if (serial_port_fits(port, &boards[b]))
                cJSON_AddItemToArray(fitting, cJSON_CreateString(boards[b].name));
        cJSON_AddItemToArray(list, object);
    }
    return cmd_print_json(list, false, err);
}

int cmd_ports(int argc, char **argv)
{
    bool json = false, help = false;
    const struct arg_option options[] = {{"--json", NULL, ARG_FLAG, &json, "print JSON"}};
    struct serial_port *ports = NULL;
    struct error err = {""};
    size_t count = 0;
    enum status status = args_parse(argc, argv, &COMMAND, options, 1, NULL, 0, &help, &err);
    if (status == STATUS_OK && !help)
        status = serial_ports_list(&ports, &count, &err);
    if (status == STATUS_OK && !help && json)
        status = print_json(ports, count, &err);
    for (size_t i = 0; i < count && !json; i++)
        print_port(&ports[i]);
    if (status == STATUS_OK && !help && !json && !count)
        print_hint();
    free(ports);
    return cmd_finish("ports", status, &err);
}
