// SPDX-License-Identifier: Apache-2.0
/* Pooling with windows of 2x2 without padding and the instructions of version 2, by code that is made for the layer.
 * Each runs the layer, or returns false and has done nothing: its shape does not suit. */
#ifndef MPQ_POOL_JIT_H
#define MPQ_POOL_JIT_H

#include "kernels.h"

/* uint8. */
bool pool_jit_max(const struct kernel_args *args);

/* params: operands of neur_init and neur_res that make an average of the sum of a window. */
bool pool_jit_average(const struct kernel_args *args, const uint32_t params[4]);

#endif
