// SPDX-License-Identifier: Apache-2.0
/* Members of a ZIP archive, stored or deflated, as NumPy writes them. No encryption, no archives
 * above 4 GiB (ZIP64). Source: PKWARE's APPNOTE, sections 4.3.7, 4.3.12, 4.3.16. */
#ifndef MPQ_NPZ_H
#define MPQ_NPZ_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

/* Unpacks member `array`.npy of the archive and checks its CRC-32. The caller frees *out, which is
 * NULL after a failure. Errors name file and byte; a missing member, those that are there. */
MUST_CHECK enum status npz_read(const char *path, const char *array, uint8_t **out, size_t *size,
                                struct error *err);

#endif
