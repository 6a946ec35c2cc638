// SPDX-License-Identifier: Apache-2.0
#include "data/npy_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "bytes.h"

enum { HEADER_BYTES = 128, TEXT_OFFSET = 10 }; /* the header's size is a multiple of 64 */

static void put_header(uint8_t *out, size_t rows, size_t columns)
{
    char text[HEADER_BYTES - TEXT_OFFSET + 1];
    const int size =
        snprintf(text, sizeof text,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, columns);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    put_u16(out + 8, HEADER_BYTES - TEXT_OFFSET);
    memset(out + TEXT_OFFSET, ' ', HEADER_BYTES - TEXT_OFFSET);
    memcpy(out + TEXT_OFFSET, text, (size_t)size);
    out[HEADER_BYTES - 1] = '\n';
}

enum status npy_write_floats(const char *path, const float *values, size_t rows, size_t columns,
                             struct error *err)
{
    const size_t count = rows * columns;
    uint8_t *bytes = malloc(HEADER_BYTES + 4 * count);
    if (!bytes)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to write it", path);
    put_header(bytes, rows, columns);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        put_u32(bytes + HEADER_BYTES + 4 * i, bits);
    }
    const enum status status = file_replace(path, bytes, HEADER_BYTES + 4 * count, err);
    free(bytes);
    return status;
}
