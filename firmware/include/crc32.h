// SPDX-License-Identifier: Apache-2.0
/* CRC-32 (IEEE 802.3: reflected, polynomial 0xedb88320, start and final xor 0xffffffff). */
#ifndef MPQ_CRC32_H
#define MPQ_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC of size bytes; chain pieces by passing the previous result as crc, 0 for the first. */
uint32_t crc32_update(uint32_t crc, const void *bytes, size_t size);

#endif
