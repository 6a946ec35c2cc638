// SPDX-License-Identifier: Apache-2.0
/* CRC-32 (IEEE 802.3: reflected, polynomial 0xedb88320, start and final xor 0xffffffff). */
#ifndef MPQ_CRC32_H
#define MPQ_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC of size bytes; chain pieces by passing the previous result as crc, 0 for the first. */
uint32_t crc32_update(uint32_t crc, const void *bytes, size_t size);

/* The same byte by byte, for data as they come: begins with CRC32_START. When four bytes behind the
 * data have passed too, the state is CRC32_RESIDUE if they are the data's CRC, little-endian, and
 * something else if they are not. */
#define CRC32_START   0xffffffffu
#define CRC32_RESIDUE 0xdebb20e3u
extern const uint32_t crc32_table[256];

static inline uint32_t crc32_step(uint32_t state, uint8_t byte)
{
    return state >> 8 ^ crc32_table[(state ^ byte) & 0xff];
}

#endif
