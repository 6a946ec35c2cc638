// SPDX-License-Identifier: Apache-2.0
/* Convolutions whose patches are a few words, such as a network's first one: on rows of the input as they stand, with
 * the instructions of version 2. */
#ifndef MPQ_CONV2D_PLANE_H
#define MPQ_CONV2D_PLANE_H

#include "kernels.h"

/* The whole layer; on the core only. false: nothing done, as the shape is none for it (conv2d_plane_plan_make()). */
bool conv2d_plane(const struct kernel_args *args);

#endif
