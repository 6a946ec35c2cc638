// SPDX-License-Identifier: Apache-2.0
/* Where training runs: on the CPU, or on a GPU by a library of its own (host/cuda), which is loaded
 * only when it is asked for. The library stays loaded; it is the only global. */
#ifndef MPQ_DEVICE_H
#define MPQ_DEVICE_H

#include "train/device_table.h"

struct device {
    const struct device_table *table;
    struct device_state *state;
};

struct device_options {
    const char *name;   /* "cpu", "cuda", "cuda:1"; NULL: "cpu" */
    bool deterministic; /* only algorithms that repeat bit for bit */
    int at_once;        /* trainings at the same time; 0: as many as fit the free memory */
};

/* *out: NULL for the CPU, or on failure. There is no falling back: an error says what is missing. May
 * be used by several threads. */
MUST_CHECK enum status device_open(const struct device_options *options, struct device **out,
                                   struct error *err);
void device_close(struct device *device); /* accepts NULL */

/* "NVIDIA H200, ...", or "CPU" for NULL. */
void device_text(const struct device *device, char text[DEVICE_TEXT_BYTES]);
/* Which libraries can be loaded, or NULL and the reason. */
const char *device_library(struct error *reason);

#endif
