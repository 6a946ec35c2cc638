// SPDX-License-Identifier: Apache-2.0
/* What commands print of a memory_map. Part of cmd_*.c. */
#ifndef MPQ_CMD_MEMORY_H
#define MPQ_CMD_MEMORY_H

#include <cjson/cJSON.h>
#include <stdio.h>
#include "cmd/cmd.h"
#include "pack/memory.h"
#include "target/target.h"

/* From what the target says of itself, and the firmware that simulators load for the parts. */
void cmd_memory_map(const struct container *container, const struct target_info *info,
                    struct memory_map *out);

/* A table, and what to do if the model does not fit. */
void cmd_print_memory(FILE *file, const struct container *container, const struct memory_map *map);
/* The same as an object. */
cJSON *cmd_memory_json(const struct container *container, const struct memory_map *map);

/* The same of a model that is refused: the table on stderr, or with --json the object
 * {"memory": ...} on stdout. */
MUST_CHECK enum status cmd_print_refused(const struct container *container,
                                         const struct memory_map *map,
                                         const struct cmd_output *mode, struct error *err);

/* Before an upload, with target_name for the text: if the model does not fit, prints it as above
 * and fails. */
MUST_CHECK enum status cmd_check_memory(const struct container *container,
                                        const struct target *target, const char *target_name,
                                        const struct cmd_output *mode, struct error *err);

#endif
