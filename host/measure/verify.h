// SPDX-License-Identifier: Apache-2.0
/* Compares a core with the integer model, bit for bit, and finds where they part. Knows no link and prints nothing. */
#ifndef MPQ_VERIFY_H
#define MPQ_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "infer/infer.h"
#include "pack/pack.h"
#include "target/target.h"

/* Runs one image on the core and on the integer model and compares the network's output and class.
 * target    holds container already (target_load()); infer is made from container->model
 * image     bytes of the input buffer; image_index names it in texts
 * result    of the complete run on the core (output, class, counters), also when the two differ
 * equal     false: mismatch->text names image, layer (the first that differs, found by running the core layer by layer),
 *           element, got (the core) and want (the integer model). The status is STATUS_OK then.
 * Fails only if the core does not answer or memory runs out. */
MUST_CHECK enum status verify_image(struct target *target, const struct container *container,
                                    const struct infer *infer, enum proto_tier tier,
                                    const uint8_t *image, size_t image_index,
                                    struct target_result *result, bool *equal,
                                    struct error *mismatch, struct error *err);

#endif
