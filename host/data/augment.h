// SPDX-License-Identifier: Apache-2.0
/* Random changes of training images. What happens to an image follows from seed, epoch and its
 * number alone, so that threads and batches change nothing. */
#ifndef MPQ_AUGMENT_H
#define MPQ_AUGMENT_H

#include "data/dataset.h"

/* Output pixel (y, x) is input pixel (y - down, x - right), from a mirrored image if flip. With zoom
 * factors above 1 that image is the window of the original of 1 / zoom_y of its height and 1 / zoom_x
 * of its width whose upper left corner is at (top, left), enlarged by bilinear interpolation. */
struct augment_draw {
    int down, right;
    bool flip;
    int cut_top, cut_left, cut_bottom, cut_right; /* becomes 0; ends exclusive, inside the image */
    float zoom_y, zoom_x;                         /* 1 or 0: none */
    float top, left;                              /* pixels */
    int brighter;                                 /* added to every value of the data, clamped */
};

static inline bool augment_is_on(const struct net_augment *augment)
{
    return augment->shift || augment->flip || augment->cutout || augment->zoom > 1 ||
           augment->brightness;
}

/* Shift and flip: uniform, as in He et al. 2016, section 4.2. Cutout: a square round a uniformly
 * drawn pixel, cut off at the border (DeVries and Taylor 2017). Zoom: a factor for each direction and
 * the window's place, uniform (a random resized crop, Szegedy et al. 2015, section 6). */
struct augment_draw augment_draw(const struct net_augment *augment, struct shape shape,
                                 uint64_t seed, uint64_t epoch, uint32_t image);

/* As dataset_values(), changed. Pixels from outside become 0, as in a convolution's padding. */
void augment_values(const struct augment_draw *draw, const struct dataset *data, size_t index,
                    float scale, float *out);

#endif
