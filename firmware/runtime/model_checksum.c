// SPDX-License-Identifier: Apache-2.0
/* The container's checksum: what COMMIT spends most of its time on. */
#include <string.h>
#include "model.h"

uint32_t model_checksum(const uint8_t *bytes, uint32_t size)
{
    uint32_t sum = MODEL_MAGIC;

#pragma GCC unroll 4
    for (const uint8_t *end = bytes + size; bytes != end; bytes += 4) {
        uint32_t word; /* little-endian hosts and core */

        memcpy(&word, __builtin_assume_aligned(bytes, 4), 4);
        sum = (sum ^ word) * MODEL_CHECKSUM_FACTOR;
        sum ^= sum >> MODEL_CHECKSUM_SHIFT;
    }
    return sum;
}
