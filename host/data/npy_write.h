// SPDX-License-Identifier: Apache-2.0
/* Writing of .npy files. Source: numpy.lib.format, version 1. */
#ifndef MPQ_NPY_WRITE_H
#define MPQ_NPY_WRITE_H

#include <stddef.h>
#include "base/error.h"

/* values [rows][columns] as little-endian binary32; an old file survives any failure. */
MUST_CHECK enum status npy_write_floats(const char *path, const float *values, size_t rows,
                                        size_t columns, struct error *err);

#endif
