// SPDX-License-Identifier: Apache-2.0
/* Texts that the tool carries with it, so that it can write whole folders: sources of the firmware,
 * templates. The table is made at build time (host/base/embed.awk) from the files themselves. */
#ifndef MPQ_EMBEDDED_H
#define MPQ_EMBEDDED_H

struct embedded_file {
    const char *path; /* "codegen/runtime/kernels/relu.c", "init/README.md" */
    const char *text;
};

extern const struct embedded_file embedded_files[]; /* ends with a path of NULL */

#endif
