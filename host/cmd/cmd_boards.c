// SPDX-License-Identifier: Apache-2.0
/* mpq boards: the boards and what was proved for each. */
#include "cmd/cmd.h"
#include "target/boards.h"

#include <stdio.h>

static const struct arg_command COMMAND = {
    .name = "boards",
    .summary = "Lists the boards that the system was built for, and what was proved for each.",
    .details =
        "None of them was at hand: what tools have shown is said, not what ran on hardware.\n"
        "Building and adding boards: hw/README.md.",
    .examples = "mpq boards\n"
                "mpq boards --json",
};

static enum status print_json(struct error *err)
{
    size_t count;
    const struct board *boards = boards_all(&count);
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        const struct board *board = &boards[i];
        char usb[16];
        cJSON *object = cJSON_CreateObject();
        snprintf(usb, sizeof usb, "%04x:%04x", board->usb_vendor, board->usb_product);
        cJSON_AddStringToObject(object, "name", board->name);
        cJSON_AddStringToObject(object, "what", board->what);
        cJSON_AddStringToObject(object, "device", board->device);
        cJSON_AddNumberToObject(object, "ram_bytes", board->ram_bytes);
        cJSON_AddNumberToObject(object, "clock_hz", board->clock_hz);
        cJSON_AddStringToObject(object, "usb", usb);
        cJSON_AddStringToObject(object, "proved", board->proved);
        cJSON_AddItemToArray(list, object);
    }
    return cmd_print_json(list, false, err);
}

static void print_text(void)
{
    size_t count;
    const struct board *boards = boards_all(&count);
    for (size_t i = 0; i < count; i++)
        printf("%s%-14s  %s: %s, RAM %u KiB, clock %g MHz\n%-14s  proved: %s\n", i ? "\n" : "",
               boards[i].name, boards[i].what, boards[i].device, boards[i].ram_bytes / 1024,
               boards[i].clock_hz / 1e6, "", boards[i].proved);
    puts("\nNothing here ran on hardware: no board was at hand.");
}

int cmd_boards(int argc, char **argv)
{
    bool json = false, help = false;
    const struct arg_option options[] = {{"--json", NULL, ARG_FLAG, &json, "print JSON"}};
    struct error err = {""};
    enum status status = args_parse(argc, argv, &COMMAND, options, 1, NULL, 0, &help, &err);
    if (status == STATUS_OK && !help && json)
        status = print_json(&err);
    else if (status == STATUS_OK && !help)
        print_text();
    return cmd_finish("boards", status, &err);
}
