// SPDX-License-Identifier: Apache-2.0
/* Convolution with the instructions of version 2, by code that is made for the layer. */
#ifndef MPQ_CONV2D_JIT_H
#define MPQ_CONV2D_JIT_H

#include "conv2d.h"

/* NULL on the host, and for pieces that offsets do not reach over or whose columns are too long. */
conv2d_make_fn conv2d_jit_make;

#endif
