// SPDX-License-Identifier: Apache-2.0
/* The elements as kernels, a thread an index. To be compiled without fused multiply-add (-fmad=false),
 * so that they round as the CPU does. */
#include "cuda/kernels.h"

static const size_t THREADS = 256;

#define DEFINE(name)                                                                               \
    static __global__ void run_##name(struct name##_args args, size_t count)                       \
    {                                                                                              \
        const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;                            \
        if (i < count)                                                                             \
            element_##name(&args, i);                                                              \
    }                                                                                              \
    cudaError_t kernel_##name(cudaStream_t stream, const struct name##_args *args, size_t count)   \
    {                                                                                              \
        const unsigned blocks = (unsigned)((count + THREADS - 1) / THREADS);                       \
        run_##name<<<blocks, (unsigned)THREADS, 0, stream>>>(*args, count);                        \
        return cudaGetLastError();                                                                 \
    }
CUDA_KERNELS(DEFINE)
