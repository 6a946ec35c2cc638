// SPDX-License-Identifier: Apache-2.0
/* Making of ONNX messages, piece by piece. What a builder makes it owns. Memory that runs out is
 * remembered and reported at the end: until then pieces may be missing. Knows no operators. */
#ifndef MPQ_ONNX_BUILD_H
#define MPQ_ONNX_BUILD_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "onnx.pb-c.h"

struct onnx_builder;

/* Standard operators of version opset; graph and producer are called name and "mpq". NULL: no
 * memory. */
struct onnx_builder *onnx_builder_create(const char *name, int64_t opset);
void onnx_builder_free(struct onnx_builder *builder); /* accepts NULL */

/* Formatted text, kept by the builder; "" if there is no memory. */
PRINTF_LIKE(2) const char *onnx_build_text(struct onnx_builder *builder, const char *format, ...);

/* Float tensors; a dim of 0 is the open batch "N". Names are copied. */
void onnx_build_input(struct onnx_builder *builder, const char *name, int rank,
                      const int64_t *dims);
void onnx_build_output(struct onnx_builder *builder, const char *name, int type, int rank,
                       const int64_t *dims);

/* A constant of type ONNX__TENSOR_PROTO__DATA_TYPE__...; bytes are little-endian elements. Returns
 * the kept name. */
const char *onnx_build_tensor(struct onnx_builder *builder, const char *name, int type, int rank,
                              const int64_t *dims, const void *bytes, size_t size);

/* Appends a node with one output, which gets the node's name. inputs: count names. Returns the
 * output's kept name; attributes are then added to this, the latest node. */
const char *onnx_build_node(struct onnx_builder *builder, const char *op, const char *name,
                            const char *const *inputs, size_t count);
void onnx_build_int(struct onnx_builder *builder, const char *attribute, int64_t value);
void onnx_build_float(struct onnx_builder *builder, const char *attribute, float value);
void onnx_build_string(struct onnx_builder *builder, const char *attribute, const char *value);
void onnx_build_ints(struct onnx_builder *builder, const char *attribute, int count,
                     const int64_t *values);

void onnx_build_meta(struct onnx_builder *builder, const char *key, const char *value);

/* The whole; borrowed from the builder. NULL: memory ran out. */
Onnx__ModelProto *onnx_builder_model(struct onnx_builder *builder);

#endif
