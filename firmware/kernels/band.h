// SPDX-License-Identifier: Apache-2.0
/* The rows of the padded input that one row of output sees: kernel_h slots in a ring, so that each
 * input row is copied once. Row number r of the padded input lies in slot r mod kernel_h. */
#ifndef MPQ_BAND_H
#define MPQ_BAND_H

#include "kernels.h"

struct band {
    uint8_t *slots, *end;
    uint32_t row_bytes; /* of a slot, padding and slack included */
    uint32_t next;      /* number of the first row that is not in the band yet */
    uint8_t *next_slot;
};

/* Writes row_bytes: row y of the input with its padding, all zeros where y is outside. */
typedef void band_fill_fn(const void *context, int y, uint8_t *slot);

static inline struct band band_make(uint8_t *slots, uint32_t row_bytes, unsigned rows)
{
    return (struct band){slots, slots + rows * row_bytes, row_bytes, 0, slots};
}

/* Brings rows first .. first + kernel_h - 1 into the band and returns the slot of the first one;
 * the others follow, after the last slot from the first slot on. first does not fall. */
static inline const uint8_t *band_advance(struct band *band, const struct model_layer *layer,
                                          uint32_t first, band_fill_fn *fill, const void *context)
{
    if (band->next < first) {
        band->next = first;
        band->next_slot = band->slots + first % layer->kernel_h * band->row_bytes;
    }
    for (; band->next < first + layer->kernel_h; band->next++) {
        fill(context, (int)band->next - layer->pad_top, band->next_slot);
        band->next_slot += band->row_bytes;
        if (band->next_slot == band->end)
            band->next_slot = band->slots;
    }
    return band->next_slot;
}

#endif
