// SPDX-License-Identifier: Apache-2.0
/* The boards, from the view that hw/boards.awk makes of their table. */
#include "target/boards.h"

#include <string.h>

#include "board_table.h"

static const struct board ALL[] = {
#define X(name, what, device, ram, clock, programmer, idcode, vendor, product, proved)             \
    {name, what, device, ram, clock, programmer, idcode, vendor, product, proved},
    BOARDS(X)
#undef X
};

const struct board *boards_all(size_t *count)
{
    *count = sizeof ALL / sizeof *ALL;
    return ALL;
}

const struct board *boards_find(const char *name)
{
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++)
        if (!strcmp(ALL[i].name, name))
            return &ALL[i];
    return NULL;
}
