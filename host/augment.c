// SPDX-License-Identifier: Apache-2.0
#include "augment.h"

#include <math.h>
#include <string.h>
#include "rng.h"

static const uint64_t AUGMENT_STREAM = (uint64_t)1 << 62; /* apart from all other streams */

static int draw_shift(struct rng *rng, int most)
{
    return (int)rng_below(rng, 2 * (uint32_t)most + 1) - most;
}

static int clamp(int value, int high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

static float draw_zoom(struct rng *rng, float most)
{
    return most > 1 ? 1 + (most - 1) * rng_uniform(rng) : 1;
}

struct augment_draw augment_draw(const struct net_augment *augment, struct shape shape,
                                 uint64_t seed, uint64_t epoch, uint32_t image)
{
    struct augment_draw draw = {.down = 0};
    struct rng rng;
    rng_init(&rng, seed, AUGMENT_STREAM + (epoch << 32) + image);
    draw.down = draw_shift(&rng, augment->shift);
    draw.right = draw_shift(&rng, augment->shift);
    draw.flip = rng_below(&rng, 2) && augment->flip;
    if (augment->cutout) {
        const int top = (int)rng_below(&rng, (uint32_t)shape.h) - augment->cutout / 2;
        const int left = (int)rng_below(&rng, (uint32_t)shape.w) - augment->cutout / 2;
        draw.cut_top = clamp(top, shape.h);
        draw.cut_left = clamp(left, shape.w);
        draw.cut_bottom = clamp(top + augment->cutout, shape.h);
        draw.cut_right = clamp(left + augment->cutout, shape.w);
    }
    draw.zoom_y = draw_zoom(&rng, augment->zoom);
    draw.zoom_x = draw_zoom(&rng, augment->zoom);
    if (augment->zoom > 1) {
        draw.top = (float)shape.h * (1 - 1 / draw.zoom_y) * rng_uniform(&rng);
        draw.left = (float)shape.w * (1 - 1 / draw.zoom_x) * rng_uniform(&rng);
    }
    draw.brighter = draw_shift(&rng, augment->brightness);
    return draw;
}

static bool is_cut(const struct augment_draw *draw, int y, int x)
{
    return y >= draw->cut_top && y < draw->cut_bottom && x >= draw->cut_left && x < draw->cut_right;
}

static float value_at(const struct dataset *data, size_t offset)
{
    const uint8_t value = data->images[offset];
    return data->is_signed ? (int8_t)value : value;
}

/* Where output pixel `at` of a row or column comes from: between pixels low and high, at part of the
 * way. Centers of pixels are at halves. */
struct source {
    int low, high;
    float part;
};

static struct source find_source(int at, float zoom, float start, int size)
{
    if (zoom <= 1)
        return (struct source){at, at, 0};
    const float place = ((float)at + 0.5f) / zoom + start - 0.5f;
    const int low = (int)floorf(place);
    return (struct source){clamp(low, size - 1), clamp(low + 1, size - 1), place - (float)low};
}

static void pixel_values(const struct augment_draw *draw, const struct dataset *data, size_t image,
                         const struct source at[2], float *out)
{
    const struct shape s = data->shape;
    const float low = data->is_signed ? -128 : 0, high = data->is_signed ? 127 : 255;
    const size_t rows[2] = {image + (size_t)(at[0].low * s.w) * (size_t)s.c,
                            image + (size_t)(at[0].high * s.w) * (size_t)s.c};
    const size_t left = (size_t)(at[1].low * s.c), right = (size_t)(at[1].high * s.c);
    for (size_t c = 0; c < (size_t)s.c; c++) {
        float row[2];
        for (int i = 0; i < 2; i++) {
            const float a = value_at(data, rows[i] + left + c);
            row[i] = a + (value_at(data, rows[i] + right + c) - a) * at[1].part;
        }
        const float value = row[0] + (row[1] - row[0]) * at[0].part + (float)draw->brighter;
        out[c] = value < low ? low : value > high ? high : value;
    }
}

void augment_values(const struct augment_draw *draw, const struct dataset *data, size_t index,
                    float scale, float *out)
{
    const struct shape s = data->shape;
    const size_t channels = (size_t)s.c, image = index * shape_size(s);
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++, out += channels) {
            const int from_y = y - draw->down, shifted = x - draw->right;
            const int from_x = draw->flip ? s.w - 1 - shifted : shifted;
            if (from_y < 0 || from_y >= s.h || from_x < 0 || from_x >= s.w || is_cut(draw, y, x)) {
                memset(out, 0, channels * sizeof *out);
                continue;
            }
            const struct source at[2] = {find_source(from_y, draw->zoom_y, draw->top, s.h),
                                         find_source(from_x, draw->zoom_x, draw->left, s.w)};
            pixel_values(draw, data, image, at, out);
            for (size_t c = 0; c < channels; c++)
                out[c] *= scale;
        }
}
