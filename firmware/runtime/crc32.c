// SPDX-License-Identifier: Apache-2.0
/* CRC-32, four bytes a step (Kounavis and Berry 2008, "slicing"). Tables are constants; no state.
 * A table is linear over xor, so that each of its 256 entries is the xor of the entries of the
 * index's bits. */
#include "crc32.h"

#define BIT(i, b, entry) ((i) >> (b)&1 ? (entry) : 0u)

/* Entries 1, 2, 4 .. 128 of the table for a byte that n = 0..3 more bytes follow. */
#define ENTRY0(i)                                                                                  \
    (BIT(i, 0, 0x77073096u) ^ BIT(i, 1, 0xee0e612cu) ^ BIT(i, 2, 0x076dc419u) ^                    \
     BIT(i, 3, 0x0edb8832u) ^ BIT(i, 4, 0x1db71064u) ^ BIT(i, 5, 0x3b6e20c8u) ^                    \
     BIT(i, 6, 0x76dc4190u) ^ BIT(i, 7, 0xedb88320u))
#define ENTRY1(i)                                                                                  \
    (BIT(i, 0, 0x191b3141u) ^ BIT(i, 1, 0x32366282u) ^ BIT(i, 2, 0x646cc504u) ^                    \
     BIT(i, 3, 0xc8d98a08u) ^ BIT(i, 4, 0x4ac21251u) ^ BIT(i, 5, 0x958424a2u) ^                    \
     BIT(i, 6, 0xf0794f05u) ^ BIT(i, 7, 0x3b83984bu))
#define ENTRY2(i)                                                                                  \
    (BIT(i, 0, 0x01c26a37u) ^ BIT(i, 1, 0x0384d46eu) ^ BIT(i, 2, 0x0709a8dcu) ^                    \
     BIT(i, 3, 0x0e1351b8u) ^ BIT(i, 4, 0x1c26a370u) ^ BIT(i, 5, 0x384d46e0u) ^                    \
     BIT(i, 6, 0x709a8dc0u) ^ BIT(i, 7, 0xe1351b80u))
#define ENTRY3(i)                                                                                  \
    (BIT(i, 0, 0xb8bc6765u) ^ BIT(i, 1, 0xaa09c88bu) ^ BIT(i, 2, 0x8f629757u) ^                    \
     BIT(i, 3, 0xc5b428efu) ^ BIT(i, 4, 0x5019579fu) ^ BIT(i, 5, 0xa032af3eu) ^                    \
     BIT(i, 6, 0x9b14583du) ^ BIT(i, 7, 0xed59b63bu))

#define ROW4(entry, i) entry(i), entry((i) + 1), entry((i) + 2), entry((i) + 3)
#define ROW16(entry, i)                                                                            \
    ROW4(entry, i), ROW4(entry, (i) + 4), ROW4(entry, (i) + 8), ROW4(entry, (i) + 12)
#define ROW64(entry, i)                                                                            \
    ROW16(entry, i), ROW16(entry, (i) + 16), ROW16(entry, (i) + 32), ROW16(entry, (i) + 48)
#define TABLE(entry)                                                                               \
    {                                                                                              \
        ROW64(entry, 0), ROW64(entry, 64), ROW64(entry, 128), ROW64(entry, 192)                    \
    }

const uint32_t crc32_table[4][256] = {TABLE(ENTRY0), TABLE(ENTRY1), TABLE(ENTRY2), TABLE(ENTRY3)};

/* The entry for byte `number` (0: the lowest) of a word that begins the data that are left. */
static inline uint32_t entry_of(uint32_t word, int number)
{
    const uint32_t offset = number ? word >> (8 * number - 2) : word << 2; /* in bytes, and more */
    const uint8_t *table = (const uint8_t *)crc32_table[3 - number];
    uint32_t entry;

    __builtin_memcpy(&entry, __builtin_assume_aligned(table + (offset & 0x3fc), 4), 4);
    return entry;
}

static uint32_t update_bytes(uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        crc = crc32_step(crc, bytes[i]);
    return crc;
}

uint32_t crc32_update(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    const size_t head = (size_t)(-(uintptr_t)p & 3);

    crc = ~crc;
    if (size < head + 4)
        return ~update_bytes(crc, p, size);
    crc = update_bytes(crc, p, head);
    p += head;
    size -= head;
    for (; size >= 4; size -= 4, p += 4) {
        uint32_t word; /* little-endian hosts and core */

        __builtin_memcpy(&word, __builtin_assume_aligned(p, 4), 4);
        crc ^= word;
        crc = entry_of(crc, 0) ^ entry_of(crc, 1) ^ entry_of(crc, 2) ^ entry_of(crc, 3);
    }
    return ~update_bytes(crc, p, size);
}
