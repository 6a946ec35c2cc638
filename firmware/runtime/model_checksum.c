// SPDX-License-Identifier: Apache-2.0
/* The container's checksum: what COMMIT spends most of its time on. */
#include <string.h>
#include "model.h"

uint32_t model_checksum(const uint8_t *container, uint32_t container_bytes)
{
    const uint8_t *const end = container + container_bytes;
    uint32_t sum = MODEL_MAGIC;

#pragma GCC unroll 4
    for (const uint8_t *p = container + MH_CHECKSUM + 4; p != end; p += 4) {
        uint32_t word; /* little-endian hosts and core */

        memcpy(&word, __builtin_assume_aligned(p, 4), 4);
        sum = (sum ^ word) * MODEL_CHECKSUM_FACTOR;
        sum ^= sum >> MODEL_CHECKSUM_SHIFT;
    }
    return sum;
}
