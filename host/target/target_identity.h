// SPDX-License-Identifier: Apache-2.0
/* What a search's cycles depend on beside the model: simulator or board, and firmware. */
#ifndef MPQ_TARGET_IDENTITY_H
#define MPQ_TARGET_IDENTITY_H

#include "target/target.h"

/* CRC-32 that tells one from another. A simulator: the contents of its file and of the firmware's,
 * and its options. A board: all that its loader says of itself, the size of the firmware (by what
 * it leaves to models) included; a firmware of the same size and version counts as the same. */
MUST_CHECK enum status target_identity(const char *name, const struct target_info *info,
                                       uint32_t *crc, struct error *err);

#endif
