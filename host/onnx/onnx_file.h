// SPDX-License-Identifier: Apache-2.0
/* ONNX files: ModelProto messages, read and written by protobuf-c with the reader that the build
 * generates from libonnx-dev's onnx.proto. Knows no operators. Source: github.com/onnx/onnx, IR.md.
 */
#ifndef MPQ_ONNX_FILE_H
#define MPQ_ONNX_FILE_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "onnx.pb-c.h"

/* Reads and decodes a file; the message tree is checked for truncation and nesting before anything
 * is allocated from it. *out has a graph; free by onnx_file_free(). */
MUST_CHECK enum status onnx_file_load(const char *path, Onnx__ModelProto **out, struct error *err);
/* The same from bytes; label names them in errors. */
MUST_CHECK enum status onnx_file_parse(const char *label, const uint8_t *bytes, size_t size,
                                       Onnx__ModelProto **out, struct error *err);
void onnx_file_free(Onnx__ModelProto *model); /* accepts NULL */

/* Writes a message; an old file survives any failure. */
MUST_CHECK enum status onnx_file_save(const char *path, const Onnx__ModelProto *model,
                                      struct error *err);

/* Version of the standard operator set that the model uses; 0 if it names none. */
int64_t onnx_file_opset(const Onnx__ModelProto *model);

#endif
