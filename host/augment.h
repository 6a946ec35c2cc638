// SPDX-License-Identifier: Apache-2.0
/* Random changes of training images. What happens to an image follows from seed, epoch and its
 * number alone, so that threads and batches change nothing. */
#ifndef MPQ_AUGMENT_H
#define MPQ_AUGMENT_H

#include "dataset.h"

/* Output pixel (y, x) is input pixel (y - down, x - right), from a mirrored image if flip. */
struct augment_draw {
    int down, right;
    bool flip;
    int cut_top, cut_left, cut_bottom, cut_right; /* becomes 0; ends exclusive, inside the image */
};

static inline bool augment_is_on(const struct net_augment *augment)
{
    return augment->shift || augment->flip || augment->cutout;
}

/* Shift and flip: uniform, as in He et al. 2016, section 4.2. Cutout: a square round a uniformly
 * drawn pixel, cut off at the border (DeVries and Taylor 2017). */
struct augment_draw augment_draw(const struct net_augment *augment, struct shape shape,
                                 uint64_t seed, uint64_t epoch, uint32_t image);

/* As dataset_values(), changed. Pixels from outside become 0, as in a convolution's padding. */
void augment_values(const struct augment_draw *draw, const struct dataset *data, size_t index,
                    float scale, float *out);

#endif
