// SPDX-License-Identifier: Apache-2.0
/* From a quant_model to the container of model_format.h and the QUANT file (the container, then metadata as JSON). */
#ifndef MPQ_PACK_H
#define MPQ_PACK_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "model.h"
#include "quant/quant.h"

/* A container in memory with its parsed view (which borrows bytes) and where its layers come from. */
struct container {
    uint8_t *bytes; /* 16-byte aligned, size a multiple of 4 */
    size_t size;
    struct model *model;
    char *meta_json; /* NULL or NUL-terminated: see container_save() */
};

/* Plans buffers (lifetimes may overlap), packs weights, checks the result with model_parse(). Layers: ReLU fused into
 * its convolution or FC, FLATTEN dropped where it moves nothing, ARGMAX last. The output buffer holds the network's
 * last values, which ARGMAX reads: the last weighted layer's, but where a pooling or a ReLU of its own follows. A run
 * leaves output and class buffer intact to its end, the input not (pack_arena.h). Blocks stand in the layers' order, weights
 * behind everything else: containers that differ in their last layers' weights begin alike.
 * Metadata: "model_json", "layers" (a name for each layer of the container), "in_scale", "out_scale" (a number for each
 * weighted layer), "weight_scale" (a list for each), "add_scale" ([a, b, out] for each ADD of the container). */
MUST_CHECK enum status pack_model(const struct quant_model *model, struct container **out,
                                  struct error *err);
void container_free(struct container *container); /* accepts NULL */

/* Adds a member to the metadata, or replaces it. text: the value, or NULL for number (NaN: null). */
MUST_CHECK enum status container_meta_set(struct container *container, const char *key,
                                          const char *text, double number, struct error *err);

/* A layer's name: the network's own, or else its operation ("conv2d"). */
void container_layer_name(const struct container *container, unsigned layer, char *name,
                          size_t size);

/* QUANT file. The metadata holds what the integers alone do not tell: the model's JSON text ("model_json"), bits, seed,
 * quantization method and epochs, scales, accuracies. Saved by rename: an old file survives any failure. Behind the
 * metadata stands a CRC-32 of everything; a load checks it and the container completely. */
MUST_CHECK enum status container_save(const struct container *container, const char *path,
                                      struct error *err);
MUST_CHECK enum status container_load(const char *path, struct container **out, struct error *err);

/* An operation's name, of enum model_op. */
const char *container_op_name(unsigned op);

#endif
