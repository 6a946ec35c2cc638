// SPDX-License-Identifier: Apache-2.0
/* Loading a bitstream into a board by openFPGALoader, found on PATH. Prints nothing. */
#ifndef MPQ_FLASH_H
#define MPQ_FLASH_H

#include <stdbool.h>
#include "base/error.h"
#include "target/boards.h"

/* Called with each line that openFPGALoader prints, without its end; it lives until the return. */
typedef void flash_line_fn(void *context, const char *line);

struct flash_options {
    const char *file;
    bool permanent; /* into the board's flash, for every power-up; else until power goes */
    flash_line_fn *on_line;
    void *context;
};

/* Looks first which device answers: another one is not written to. STATUS_INPUT: the file cannot be
 * read, or it is another board; STATUS_IO: no openFPGALoader; STATUS_LINK: no board, no permission, a
 * transfer that failed or stalled; STATUS_CANCELLED after Ctrl-C, which leaves the board without a
 * design until it is loaded again. */
MUST_CHECK enum status flash_board(const struct board *board, const struct flash_options *options,
                                   struct error *err);

#endif
