// SPDX-License-Identifier: Apache-2.0
/* The folder of a search's run. Part of dse_run.c. */
#ifndef MPQ_DSE_FOLDER_H
#define MPQ_DSE_FOLDER_H

#include "base/error.h"

/* Makes room for a new search: what an earlier one left in the folder (its journal first, then its
 * results, pictures and models) moves to previous-1 in it, or the next number that is free. Nothing
 * is deleted; a folder without such files is left alone. Fails, with everything in place, where
 * another search is writing the journal; after another failure the rest can be moved by a new call.
 */
MUST_CHECK enum status dse_folder_set_aside(const char *folder, struct error *err);

#endif
