// SPDX-License-Identifier: Apache-2.0
/* Batch scripts for Slurm. */
#ifndef MPQ_SLURM_H
#define MPQ_SLURM_H

#include "base/error.h"

/* Writes a script for sbatch that runs a search on all tasks of its allocation and goes on by
 * itself after a node was lost or the job preempted. argv[0 .. argc - 1]: the words behind "mpq",
 * of which --slurm with its value and --resume are left out; folder: the search's. STATUS_USAGE for
 * --force, which would start over each time. */
MUST_CHECK enum status slurm_write(const char *path, int argc, char **argv, const char *folder,
                                   struct error *err);

#endif
