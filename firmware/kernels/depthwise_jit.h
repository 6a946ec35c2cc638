// SPDX-License-Identifier: Apache-2.0
/* Depthwise convolution with the instructions of version 2, by code that is made for the layer. */
#ifndef MPQ_DEPTHWISE_JIT_H
#define MPQ_DEPTHWISE_JIT_H

#include "kernels.h"

/* Runs the layer, or returns false and has done nothing: its shape does not suit. */
bool depthwise_jit(const struct kernel_args *args);

#endif
