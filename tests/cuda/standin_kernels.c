// SPDX-License-Identifier: Apache-2.0
/* Stand-in for kernels.cu: the same elements, one index after the other. */
#include "cuda/kernels.h"

#include <assert.h>

#define DEFINE(name)                                                                               \
    cudaError_t kernel_##name(cudaStream_t stream, const struct name##_args *args, size_t count)   \
    {                                                                                              \
        assert(stream &&count > 0);                                                                \
        for (size_t i = count; i-- > 0;)                                                           \
            element_##name(args, i);                                                               \
        return cudaSuccess;                                                                        \
    }
CUDA_KERNELS(DEFINE)
