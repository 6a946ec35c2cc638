// SPDX-License-Identifier: Apache-2.0
/* CRC-32, a byte a step (Sarwate 1988). The table is a constant; no state. It is linear over xor, so
 * that each of its 256 entries is the xor of the entries of the index's bits. Tables for more bytes a
 * step would be faster, but instructions and constants must fit a board's first 64 KiB of RAM. */
#include "crc32.h"

#define BIT(i, b, entry) ((i) >> (b)&1 ? (entry) : 0u)

#define ENTRY(i)                                                                                   \
    (BIT(i, 0, 0x77073096u) ^ BIT(i, 1, 0xee0e612cu) ^ BIT(i, 2, 0x076dc419u) ^                    \
     BIT(i, 3, 0x0edb8832u) ^ BIT(i, 4, 0x1db71064u) ^ BIT(i, 5, 0x3b6e20c8u) ^                    \
     BIT(i, 6, 0x76dc4190u) ^ BIT(i, 7, 0xedb88320u))

#define ROW4(i)  ENTRY(i), ENTRY((i) + 1), ENTRY((i) + 2), ENTRY((i) + 3)
#define ROW16(i) ROW4(i), ROW4((i) + 4), ROW4((i) + 8), ROW4((i) + 12)
#define ROW64(i) ROW16(i), ROW16((i) + 16), ROW16((i) + 32), ROW16((i) + 48)

const uint32_t crc32_table[256] = {ROW64(0), ROW64(64), ROW64(128), ROW64(192)};

uint32_t crc32_update(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;

    crc = ~crc;
    for (size_t i = 0; i < size; i++)
        crc = crc32_step(crc, p[i]);
    return ~crc;
}
