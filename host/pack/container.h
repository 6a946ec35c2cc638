// SPDX-License-Identifier: Apache-2.0
/* Containers in memory, inside of pack.h: shared by pack.c (makes them) and container.c (files). */
#ifndef MPQ_CONTAINER_H
#define MPQ_CONTAINER_H

#include <stdbool.h>
#include "pack/pack.h"

/* Zero-filled bytes, size a multiple of 4; model is not parsed, meta_json NULL. NULL: no memory. */
struct container *container_create(size_t size);

/* Parses bytes into model. False: fault says why. */
MUST_CHECK bool container_parse(struct container *container, struct model_fault *fault);

/* Error text for a fault; label: the file or the model. Returns STATUS_INPUT. */
MUST_CHECK enum status container_refused(const struct container *container, const char *label,
                                         const struct model_fault *fault, struct error *err);

#endif
