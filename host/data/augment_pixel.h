// SPDX-License-Identifier: Apache-2.0
/* One pixel of a changed image (augment.h), for the CPU and a GPU. */
#ifndef MPQ_AUGMENT_PIXEL_H
#define MPQ_AUGMENT_PIXEL_H

#include <math.h>
#include "base/on_device.h"
#include "data/augment.h"

struct augment_source {
    const uint8_t *image; /* [h][w][c] */
    struct shape shape;
    bool is_signed;
    float scale; /* of the values that come out */
};

/* Where output pixel `at` of a row or column comes from: between pixels low and high, at part of the
 * way. Centers of pixels are at halves. */
struct augment_place {
    int low, high;
    float part;
};

ON_DEVICE int augment_clamp(int value, int high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

ON_DEVICE struct augment_place augment_find(int at, float zoom, float start, int size)
{
    struct augment_place place = {at, at, 0};
    if (zoom > 1) {
        const float exact = ((float)at + 0.5f) / zoom + start - 0.5f;
        const int low = (int)floorf(exact);
        place.low = augment_clamp(low, size - 1);
        place.high = augment_clamp(low + 1, size - 1);
        place.part = exact - (float)low;
    }
    return place;
}

ON_DEVICE float augment_value(const struct augment_source *from, int y, int x, int c)
{
    const uint8_t value =
        from->image[((size_t)y * (size_t)from->shape.w + (size_t)x) * (size_t)from->shape.c +
                    (size_t)c];
    return from->is_signed ? (float)(int8_t)value : (float)value;
}

/* Between two columns of row y. */
ON_DEVICE float augment_row(const struct augment_source *from, int y, struct augment_place x, int c)
{
    const float a = augment_value(from, y, x.low, c);
    return a + (augment_value(from, y, x.high, c) - a) * x.part;
}

/* Channel c of output pixel (y, x) goes to out[c * step]. */
ON_DEVICE void augment_pixel(const struct augment_draw *draw, const struct augment_source *from,
                             int y, int x, float *out, size_t step)
{
    const struct shape s = from->shape;
    const float low = from->is_signed ? -128 : 0, high = from->is_signed ? 127 : 255;
    const int from_y = y - draw->down, shifted = x - draw->right;
    const int from_x = draw->flip ? s.w - 1 - shifted : shifted;
    const bool is_cut =
        y >= draw->cut_top && y < draw->cut_bottom && x >= draw->cut_left && x < draw->cut_right;
    const bool is_outside = from_y < 0 || from_y >= s.h || from_x < 0 || from_x >= s.w;
    if (is_cut || is_outside) {
        for (int c = 0; c < s.c; c++)
            out[(size_t)c * step] = 0;
        return;
    }
    const struct augment_place row = augment_find(from_y, draw->zoom_y, draw->top, s.h);
    const struct augment_place column = augment_find(from_x, draw->zoom_x, draw->left, s.w);
    for (int c = 0; c < s.c; c++) {
        const float above = augment_row(from, row.low, column, c);
        const float below = augment_row(from, row.high, column, c);
        const float value = above + (below - above) * row.part + (float)draw->brighter;
        out[(size_t)c * step] = (value < low ? low : value > high ? high : value) * from->scale;
    }
}

#endif
