// SPDX-License-Identifier: Apache-2.0
/* Constant tensors of an ONNX graph as plain numbers. Elements are in row-major order of dims. */
#ifndef MPQ_ONNX_TENSOR_H
#define MPQ_ONNX_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "onnx.pb-c.h"

enum { ONNX_MAX_RANK = 8 };

struct onnx_tensor {
    int rank; /* 0: a single number */
    int64_t dims[ONNX_MAX_RANK];
    size_t count;
    bool is_integer;
    double *values; /* [count]; owned. Integers beyond 2^53 are rounded. */
};

/* Zero-filled. Demands rank <= ONNX_MAX_RANK and dims >= 0; at most 2^24 elements. */
MUST_CHECK enum status onnx_tensor_create(int rank, const int64_t *dims, struct onnx_tensor *out,
                                          struct error *err);
/* From a message: float16, float, double and all integers; data in the file, or in another one
 * beside it (external data), then looked for in folder, which borrows nothing. Errors name the
 * tensor. Release *out after a failure too: it is empty then. */
MUST_CHECK enum status onnx_tensor_read(const Onnx__TensorProto *from, const char *folder,
                                        struct onnx_tensor *out, struct error *err);
MUST_CHECK enum status onnx_tensor_copy(const struct onnx_tensor *from, struct onnx_tensor *out,
                                        struct error *err);
void onnx_tensor_clear(struct onnx_tensor *tensor);

/* Row-major index arithmetic: the index of the element at position[] in dims[rank], and to the next
 * position (false behind the last one). */
size_t onnx_index(int rank, const int64_t *dims, const int64_t *position);
bool onnx_step(int rank, const int64_t *dims, int64_t *position);

/* "[1, 3, 8, 8]" */
const char *onnx_dims_text(int rank, const int64_t *dims, char *out, size_t size);

#endif
