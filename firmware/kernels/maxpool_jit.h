// SPDX-License-Identifier: Apache-2.0
/* Max pooling with the instructions of version 2, by code that is made for the layer. */
#ifndef MPQ_MAXPOOL_JIT_H
#define MPQ_MAXPOOL_JIT_H

#include "kernels.h"

/* Runs a layer that maxpool_nn_fits() lets through, or returns false and has done nothing: its shape does not suit. */
bool maxpool_jit(const struct kernel_args *args);

#endif
