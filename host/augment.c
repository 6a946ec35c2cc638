// SPDX-License-Identifier: Apache-2.0
#include "augment.h"

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
    return draw;
}

static bool is_cut(const struct augment_draw *draw, int y, int x)
{
    return y >= draw->cut_top && y < draw->cut_bottom && x >= draw->cut_left && x < draw->cut_right;
}

void augment_values(const struct augment_draw *draw, const struct dataset *data, size_t index,
                    float scale, float *out)
{
    const struct shape s = data->shape;
    const size_t channels = (size_t)s.c;
    const uint8_t *image = data->images + index * shape_size(s);
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++, out += channels) {
            const int from_y = y - draw->down, shifted = x - draw->right;
            const int from_x = draw->flip ? s.w - 1 - shifted : shifted;
            if (from_y < 0 || from_y >= s.h || from_x < 0 || from_x >= s.w || is_cut(draw, y, x)) {
                memset(out, 0, channels * sizeof *out);
                continue;
            }
            const uint8_t *pixel =
                image + ((size_t)from_y * (size_t)s.w + (size_t)from_x) * channels;
            for (size_t c = 0; c < channels; c++)
                out[c] = (float)(data->is_signed ? (int8_t)pixel[c] : pixel[c]) * scale;
        }
}
