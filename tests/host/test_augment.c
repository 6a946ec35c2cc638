// SPDX-License-Identifier: Apache-2.0
/* Augmentation against a picture of what it must do, and its random draws. */
#include "host/data_files.h"

#include <math.h>
#include "data/augment.h"

enum { H = 4, W = 5, C = 2, SIZE = H * W * C };

/* One image whose value is 10 y + x + 100 c. */
static void fill_image(uint8_t *image)
{
    for (int i = 0; i < SIZE; i++)
        image[i] = (uint8_t)(10 * (i / C / W) + i / C % W + 100 * (i % C));
}

static float want_at(const struct augment_draw *d, int y, int x, int c)
{
    const int sy = y - d->down, sx = d->flip ? W - 1 - (x - d->right) : x - d->right;
    if (sy < 0 || sy >= H || x - d->right < 0 || x - d->right >= W)
        return 0;
    if (y >= d->cut_top && y < d->cut_bottom && x >= d->cut_left && x < d->cut_right)
        return 0;
    return (float)(10 * sy + sx + 100 * c) * 0.5f;
}

static void pixels_move_mirror_and_vanish_as_drawn(void **state)
{
    static const struct augment_draw draws[] = {
        {0},
        {.down = 1},
        {.right = -2},
        {.down = -3, .right = 4},
        {.flip = true},
        {.flip = true, .right = 1, .down = -1},
        {.cut_top = 1, .cut_left = 2, .cut_bottom = 3, .cut_right = 5},
        {.flip = true, .right = 2, .cut_top = 0, .cut_left = 0, .cut_bottom = 2, .cut_right = 2},
    };
    uint8_t images[2 * SIZE] = {0};
    const struct dataset data = {.count = 2, .shape = {H, W, C}, .scale = 0.5f, .images = images};
    (void)state;
    fill_image(images + SIZE);
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
        float out[SIZE];
        augment_values(&draws[i], &data, 1, 0.5f, out);
        for (int p = 0; p < SIZE; p++) {
            const float want = want_at(&draws[i], p / C / W, p / C % W, p % C);
            if (out[p] != want)
                fail_msg("draw %zu, value %d: got %g, want %g", i, p, (double)out[p], (double)want);
        }
    }
}

static void no_change_gives_the_values_of_signed_data(void **state)
{
    const struct augment_draw none = {0};
    uint8_t image[SIZE];
    const struct dataset data = {
        .count = 1, .shape = {H, W, C}, .is_signed = true, .scale = 2, .images = image};
    float got[SIZE], want[SIZE];
    (void)state;
    for (int i = 0; i < SIZE; i++)
        image[i] = (uint8_t)(i * 7);
    augment_values(&none, &data, 0, 2, got);
    dataset_values(&data, 0, 2, want);
    assert_memory_equal(got, want, sizeof got);
    assert_true(got[SIZE - 1] == 2 * (float)(39 * 7 - 256));
    assert_true(got[20] == 2 * (float)(140 - 256));
}

/* Every shift and flip about equally often, every square inside the image. */
static void draws_are_uniform_and_stay_inside(void **state)
{
    const struct net_augment augment = {.shift = 1, .flip = true, .cutout = 3};
    const struct shape shape = {H, W, C};
    enum { DRAWS = 9000 };
    int down[3] = {0}, right[3] = {0}, flips = 0;
    (void)state;
    for (uint32_t i = 0; i < DRAWS; i++) {
        const struct augment_draw d = augment_draw(&augment, shape, 5, 2, i);
        assert_in_range(d.down + 1, 0, 2);
        assert_in_range(d.right + 1, 0, 2);
        down[d.down + 1]++;
        right[d.right + 1]++;
        flips += d.flip;
        assert_in_range(d.cut_bottom - d.cut_top, 2, 3);
        assert_in_range(d.cut_right - d.cut_left, 2, 3);
        assert_true(d.cut_top >= 0 && d.cut_bottom <= H && d.cut_left >= 0 && d.cut_right <= W);
    }
    for (int i = 0; i < 3; i++) {
        assert_in_range(down[i], DRAWS / 3 - 200, DRAWS / 3 + 200);
        assert_in_range(right[i], DRAWS / 3 - 200, DRAWS / 3 + 200);
    }
    assert_in_range(flips, DRAWS / 2 - 200, DRAWS / 2 + 200);
}

static void draws_follow_seed_epoch_and_image(void **state)
{
    const struct net_augment augment = {.shift = 100, .flip = true, .cutout = 30};
    const struct shape shape = {200, 200, 1};
    const struct augment_draw one = augment_draw(&augment, shape, 5, 2, 7);
    const struct augment_draw draws[] = {
        augment_draw(&augment, shape, 5, 2, 7), augment_draw(&augment, shape, 6, 2, 7),
        augment_draw(&augment, shape, 5, 3, 7), augment_draw(&augment, shape, 5, 2, 8)};
    (void)state;
    for (int i = 0; i < 4; i++) {
        const bool same = draws[i].down == one.down && draws[i].right == one.right &&
                          draws[i].cut_top == one.cut_top;
        assert_int_equal(same, i == 0);
    }
}

static void what_is_off_is_never_drawn(void **state)
{
    const struct net_augment off = {0}, flip = {.flip = true};
    (void)state;
    assert_false(augment_is_on(&off));
    assert_true(augment_is_on(&flip));
    for (uint32_t i = 0; i < 50; i++) {
        const struct augment_draw d = augment_draw(&off, (struct shape){H, W, C}, 1, 1, i);
        assert_true(!d.down && !d.right && !d.flip && d.cut_top == d.cut_bottom);
    }
}

/* Bilinear interpolation of 10 y + x + 100 c is that plane itself, inside the outermost centers. */
static void zoomed_windows_are_interpolated(void **state)
{
    const struct augment_draw draw = {
        .zoom_y = 2, .zoom_x = 1.25f, .top = 1, .left = 0.75f, .brighter = 3};
    uint8_t image[SIZE];
    const struct dataset data = {.count = 1, .shape = {H, W, C}, .scale = 1, .images = image};
    float out[SIZE];
    (void)state;
    fill_image(image);
    augment_values(&draw, &data, 0, 1, out);
    for (int p = 0; p < SIZE; p++) {
        const float y = ((float)(p / C / W) + 0.5f) / 2 + 0.5f;
        const float x = ((float)(p / C % W) + 0.5f) / 1.25f + 0.25f;
        const float inside_x = x > W - 1 ? W - 1 : x;
        const float want = 10 * y + inside_x + 100.0f * (float)(p % C) + 3;
        if (fabsf(out[p] - want) > 1e-4f)
            fail_msg("value %d: got %g, want %g", p, (double)out[p], (double)want);
    }
}

static void brighter_values_are_clamped(void **state)
{
    uint8_t bytes[2] = {250, 128}; /* as int8: -6, -128 */
    const struct augment_draw up = {.brighter = 20}, down = {.brighter = -20};
    struct dataset data = {.count = 1, .shape = {1, 1, 2}, .images = bytes};
    float out[2];
    (void)state;
    augment_values(&up, &data, 0, 1, out);
    assert_true(out[0] == 255 && out[1] == 148);
    data.is_signed = true;
    augment_values(&down, &data, 0, 1, out);
    assert_true(out[0] == -26 && out[1] == -128);
}

/* The window lies inside the image, and all factors occur. */
static void drawn_windows_stay_inside(void **state)
{
    const struct net_augment augment = {.zoom = 2, .brightness = 9};
    const struct shape shape = {H, W, C};
    float least = 9, most = 0;
    int bright = 0;
    (void)state;
    for (uint32_t i = 0; i < 4000; i++) {
        const struct augment_draw d = augment_draw(&augment, shape, 5, 2, i);
        assert_true(d.zoom_y >= 1 && d.zoom_y <= 2 && d.zoom_x >= 1 && d.zoom_x <= 2);
        assert_true(d.top >= 0 && d.top + H / d.zoom_y <= H + 1e-4f);
        assert_true(d.left >= 0 && d.left + W / d.zoom_x <= W + 1e-4f);
        assert_in_range(d.brighter + 9, 0, 18);
        least = fminf(least, d.zoom_y);
        most = fmaxf(most, d.zoom_x);
        bright += d.brighter > 0;
    }
    assert_true(least < 1.02f && most > 1.98f);
    assert_in_range(bright, 1700, 2100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_move_mirror_and_vanish_as_drawn),
        cmocka_unit_test(no_change_gives_the_values_of_signed_data),
        cmocka_unit_test(zoomed_windows_are_interpolated),
        cmocka_unit_test(brighter_values_are_clamped),
        cmocka_unit_test(draws_are_uniform_and_stay_inside),
        cmocka_unit_test(drawn_windows_stay_inside),
        cmocka_unit_test(draws_follow_seed_epoch_and_image),
        cmocka_unit_test(what_is_off_is_never_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
