// SPDX-License-Identifier: Apache-2.0
/* Convolutions with the instructions of version 2; those whose patches are pixels, or whole words on rows of the input as
 * they stand; and the band of such rows. */
#ifndef MPQ_CONV2D_ROWS_H
#define MPQ_CONV2D_ROWS_H

#include "kernels.h"

/* The whole layer, by these, by conv2d_plane.h or by columns. */
void conv2d_stream(const struct kernel_args *args);

/* Rows of the padded input as they stand. */
struct conv2d_band {
    uint8_t *bytes;
    uint32_t margin, row_bytes; /* of zeros in front of a row; from row to row; multiples of 4 */
};

/* count rows of the input from number y on, or of the padding. */
void conv2d_fill_band(const struct kernel_args *args, struct conv2d_band band, int y,
                      uint32_t count);

#endif
