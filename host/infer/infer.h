// SPDX-License-Identifier: Apache-2.0
/* The integer model: what the core computes, on the host, bit for bit, from the same container, and
 * fast. Images are independent: any number of threads gives the same result. */
#ifndef MPQ_INFER_H
#define MPQ_INFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "data/dataset.h"
#include "model.h"

struct infer; /* weights unpacked into a layout for the host's vector unit; borrows nothing */

/* From a parsed container in which every layer reads the input or what layers before it made. *out
 * is NULL after a failure. */
MUST_CHECK enum status infer_create(const struct model *model, struct infer **out,
                                    struct error *err);
void infer_free(struct infer *infer); /* accepts NULL */

/* Runs layers first..last-1 (at least one) on count images. in: [count][bytes of layer first's input buffer]; out:
 * [count][bytes of layer last-1's output buffer], dense. threads: 0 all cores. Demands
 * infer_can_start(infer, first). */
MUST_CHECK enum status infer_run(const struct infer *infer, int first, int last, const uint8_t *in,
                                 size_t count, uint8_t *out, int threads, struct error *err);
/* Whether layer first's input is all that it and the layers behind it need of what is before them:
 * no ADD behind reads values from further back. */
bool infer_can_start(const struct infer *infer, int first);
int infer_layer_count(const struct infer *infer);
size_t infer_layer_in_bytes(const struct infer *infer, int layer);
size_t infer_layer_out_bytes(const struct infer *infer, int layer);

/* Percent of images whose class (the model's class buffer) is the label. */
MUST_CHECK enum status infer_accuracy(const struct infer *infer, const struct dataset *data,
                                      int threads, double *accuracy, struct error *err);

#endif
