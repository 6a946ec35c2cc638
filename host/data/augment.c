// SPDX-License-Identifier: Apache-2.0
#include "data/augment.h"

#include "base/rng.h"
#include "data/augment_pixel.h"

static const uint64_t AUGMENT_STREAM = (uint64_t)1 << 62; /* apart from all other streams */

static int draw_shift(struct rng *rng, int most)
{
    return (int)rng_below(rng, 2 * (uint32_t)most + 1) - most;
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
        draw.cut_top = augment_clamp(top, shape.h);
        draw.cut_left = augment_clamp(left, shape.w);
        draw.cut_bottom = augment_clamp(top + augment->cutout, shape.h);
        draw.cut_right = augment_clamp(left + augment->cutout, shape.w);
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

void augment_values(const struct augment_draw *draw, const struct dataset *data, size_t index,
                    float scale, float *out)
{
    const struct augment_source from = {data->images + index * shape_size(data->shape), data->shape,
                                        data->is_signed, scale};
    for (int y = 0; y < data->shape.h; y++)
        for (int x = 0; x < data->shape.w; x++, out += data->shape.c)
            augment_pixel(draw, &from, y, x, out, 1);
}
