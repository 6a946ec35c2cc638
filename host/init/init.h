// SPDX-License-Identifier: Apache-2.0
/* A starting folder for a network of the user's own: MODEL.json with comments, made-up data so that
 * it trains at once, and the commands to run next. */
#ifndef MPQ_INIT_H
#define MPQ_INIT_H

#include <stddef.h>
#include "base/error.h"

/* Writes the folder, which exists, and the commands to text: lines with four blanks in front.
 * The network gets the folder's last name; STATUS_USAGE if there is none that fits. */
MUST_CHECK enum status init_write(const char *folder, char *commands, size_t size,
                                  struct error *err);

#endif
