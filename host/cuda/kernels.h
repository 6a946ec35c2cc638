// SPDX-License-Identifier: Apache-2.0
/* kernel_NAME(): element_NAME() of elements.h for indices 0..count-1, queued on a stream. */
#ifndef MPQ_CUDA_KERNELS_H
#define MPQ_CUDA_KERNELS_H

#include <cuda_runtime_api.h>
#include "cuda/elements.h"

#ifdef __cplusplus
extern "C" {
#endif
#define DECLARE(name)                                                                              \
    cudaError_t kernel_##name(cudaStream_t stream, const struct name##_args *args, size_t count);
CUDA_KERNELS(DECLARE)
#undef DECLARE
#ifdef __cplusplus
}
#endif

#endif
