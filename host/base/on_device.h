// SPDX-License-Identifier: Apache-2.0
/* Functions that the CPU and a GPU share: their one definition serves gcc and nvcc. */
#ifndef MPQ_ON_DEVICE_H
#define MPQ_ON_DEVICE_H

#ifdef __CUDACC__
#define ON_DEVICE static __host__ __device__ inline
#else
#define ON_DEVICE static inline
#endif

#endif
