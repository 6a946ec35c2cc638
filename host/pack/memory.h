// SPDX-License-Identifier: Apache-2.0
/* Where a target's RAM goes with a model in it. Knows no link and prints nothing. */
#ifndef MPQ_MEMORY_H
#define MPQ_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "pack/pack.h"

/* All in bytes. need = firmware + container + activations + tables. */
struct memory_map {
    uint64_t firmware; /* all below the model area */
    bool has_parts;    /* the next three are known; they add up to firmware */
    uint64_t code, data, stacks;
    uint64_t container;                   /* of it: */
    uint64_t header, parameters, weights; /* header with buffer and layer tables */
    uint64_t activations;                 /* the arena: buffers that share memory, and */
    uint64_t scratch; /* of it: the kernels' work space, shared with buffers too */
    uint64_t tables;  /* what the loader notes of the model, and alignment */
    uint64_t need, ram;
};

/* firmware_bytes and ram_bytes: what the target tells of itself. firmware_path: the program that it
 * runs, or NULL; its parts are taken from there if they make up firmware_bytes, that is, if it is
 * that program; a file that cannot be read leaves them unknown. */
void memory_map_make(const struct container *container, uint64_t firmware_bytes, uint64_t ram_bytes,
                     const char *firmware_path, struct memory_map *out);

static inline bool memory_fits(const struct memory_map *map)
{
    return map->need <= map->ram;
}

/* Size of a firmware (ELF file of a 32-bit little-endian machine) up to its model area, on a core with
 * the instructions of version 2. */
MUST_CHECK enum status memory_firmware_bytes(const char *path, uint64_t *out, struct error *err);

#endif
