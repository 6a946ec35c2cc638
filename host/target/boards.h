// SPDX-License-Identifier: Apache-2.0
/* The boards of hw/boards.tsv. */
#ifndef MPQ_BOARDS_H
#define MPQ_BOARDS_H

#include <stddef.h>
#include <stdint.h>

struct board {
    const char *name, *what, *device;
    uint32_t ram_bytes, clock_hz;
    const char *programmer; /* its name for openFPGALoader */
    uint32_t idcode;        /* JTAG identification without the version in its top 4 bits */
    unsigned usb_vendor, usb_product; /* of its serial adapter */
    const char *proved;               /* what tools have shown; none was run on hardware */
};

/* All of them; their number in *count. */
const struct board *boards_all(size_t *count);

/* The board of this name; NULL if there is none. */
const struct board *boards_find(const char *name);

#endif
