// SPDX-License-Identifier: Apache-2.0
/* Facts about layers for which the core makes its code (jit.h), one for each way that the code can take. */
#include "kernel_facts.h"

struct shape {
    int height, width, channels, out_channels;
    struct ref_window window;
};

static bool run_conv2d(const struct shape *shapes, unsigned count, struct test_random *random)
{
    for (unsigned i = 0; i < count; i++) {
        const struct kernel_case test = {.op = OP_CONV2D,
                                         .bits = widths[i % 3],
                                         .in_signed = i / 2 % 2,
                                         .relu = i / 3 % 2,
                                         .height = shapes[i].height,
                                         .width = shapes[i].width,
                                         .channels = shapes[i].channels,
                                         .out_channels = shapes[i].out_channels,
                                         .window = shapes[i].window,
                                         .contents = CONTENTS_TYPICAL};

        if (!kernel_case_run(&test, random))
            return false;
    }
    return true;
}

#define POINT                                                                                      \
    {                                                                                              \
        1, 1, 1, 1, 0, 0, 0, 0                                                                     \
    }
#define SHAPES(shapes) shapes, sizeof(shapes) / sizeof(shapes)[0]

/* Every number of pixels of a row, alone and in tiles of which the first one lacks some; rows of one chunk and of
 * more. */
bool conv2d_tiles(struct test_random *random)
{
    for (int pixels = 1; pixels <= 27; pixels++) {
        const struct shape shapes[] = {
            {1, pixels, 7, 9, POINT},
            {1, pixels, 68 + 4 * (pixels % 20), 3, POINT},
        };

        if (!run_conv2d(shapes + pixels % 2, pixels < 18 ? 2 - (unsigned)pixels % 2 : 1, random))
            return false;
    }
    return true;
}

/* Rows of more than one chunk, often enough that the chunks are no loop. */
bool conv2d_unrolled(struct test_random *random)
{
    static const struct shape shapes[] = {
        {1, 1, 520, 132, POINT},
        {1, 17, 68, 72, POINT},
        {1, 9, 132, 64, POINT},
    };

    return run_conv2d(SHAPES(shapes), random);
}

/* Offsets of activations, weights and results beyond one instruction's, and tiles made smaller for them. */
bool conv2d_far_offsets(struct test_random *random)
{
    static const struct shape shapes[] = {
        {1, 9, 300, 4, POINT},
        {1, 9, 700, 4, POINT},
        {1, 5, 1500, 4, POINT},
        {1, 2, 4100, 4, POINT},
        {1, 9, 4, 300, POINT},
        {1, 9, 4, 600, POINT},

        {1, 2, 4, 4200, POINT},
        {2, 8, 8, 4, {1, 1, 1, 2, 0, 0, 0, 0}},
        {1, 40, 60, 4, {1, 1, 1, 3, 0, 0, 0, 0}},
    };

    return run_conv2d(SHAPES(shapes), random);
}

/* Kernel, stride and padding that are the same both ways. */
#define SQUARE(k, s, p)                                                                            \
    {                                                                                              \
        k, k, s, s, p, p, p, p                                                                     \
    }

/* Patches of a few words on rows as they stand: one pass, two and four, of as many pixels or not; rows of one tile, of
 * several, of one that lacks pixels; groups that are full or not. */
bool conv2d_planes(struct test_random *random)
{
    static const struct shape shapes[] = {
        {9, 28, 1, 6, SQUARE(5, 1, 2)},          {8, 20, 1, 4, SQUARE(3, 1, 0)},
        {7, 21, 1, 9, SQUARE(3, 1, 1)},          {6, 22, 1, 7, SQUARE(2, 1, 0)},
        {5, 23, 1, 5, SQUARE(3, 1, 1)},          {9, 43, 3, 8, SQUARE(3, 2, 1)},
        {5, 17, 3, 6, SQUARE(3, 1, 1)},          {12, 64, 1, 4, SQUARE(4, 4, 0)},
        {9, 40, 2, 5, SQUARE(3, 1, 1)},          {7, 9, 4, 10, SQUARE(3, 1, 1)},
        {6, 70, 4, 4, SQUARE(3, 2, 1)},          {5, 25, 6, 8, SQUARE(3, 1, 1)},
        {7, 36, 5, 7, {3, 3, 1, 2, 2, 1, 0, 2}}, {6, 150, 1, 5, {3, 5, 2, 1, 0, 4, 2, 0}},
        {8, 31, 7, 4, {2, 4, 3, 1, 1, 3, 0, 0}}, {3, 64, 3, 4, {3, 3, 3, 3, 0, 0, 0, 0}},
    };

    return run_conv2d(SHAPES(shapes), random);
}

/* So many rows that they are several bands, the last one shorter; so wide that a band is for one; so many channels that
 * tiles are smaller, or results farther apart than they reach. */
bool conv2d_plane_bands(struct test_random *random)
{
    static const struct shape shapes[] = {
        {75, 66, 3, 6, SQUARE(3, 2, 1)},
        {40, 120, 3, 4, SQUARE(3, 3, 0)},
        {12, 290, 3, 7, {4, 2, 1, 4, 1, 0, 0, 1}},
        {5, 33, 3, 110, SQUARE(2, 1, 0)},
        {3, 9, 4, 112, SQUARE(2, 1, 0)},
        {6, 72, 2, 64, SQUARE(2, 2, 0)},
        {4, 8, 8, 96, SQUARE(2, 1, 1)},
        {3, 28, 1, 160, SQUARE(3, 1, 0)},
        {3, 9, 2, 460, {2, 1, 1, 1, 0, 0, 0, 0}},
    };

    return run_conv2d(SHAPES(shapes), random);
}

/* Random shapes with channels from 1 on, or from 4 on in fours. */
static bool random_shapes(struct test_random *random, bool in_fours)
{
    for (int i = 0; i < 2 * RANDOM_CASES;) {
        const int channels = test_random_between(random, 1, 7);
        const struct kernel_case test = {.op = OP_CONV2D,
                                         .bits = widths[test_random_between(random, 0, 2)],
                                         .in_signed = coin(random),
                                         .relu = coin(random),
                                         .height = test_random_between(random, 1, 10),
                                         .width =
                                             test_random_between(random, 1, in_fours ? 16 : 44),
                                         .channels = in_fours ? 4 * channels : channels,
                                         .out_channels = test_random_between(random, 1, 14),
                                         .window = any_window(random, 5, true),
                                         .contents = any_contents(random)};

        if (!kernel_case_fits(&test) || test.window.kernel_h == 1)
            continue;
        if (!kernel_case_run(&test, random))
            return false;
        i++;
    }
    return true;
}

bool conv2d_planes_random(struct test_random *random)
{
    return random_shapes(random, false);
}

/* Patches of whole words in pieces of rows: of the input itself, of a band, of several; resident weights, all words
 * unrolled, a loop of columns; columns too long for the loop, rows too long for offsets. */
bool conv2d_rows(struct test_random *random)
{
    static const struct shape shapes[] = {
        {6, 13, 8, 6, SQUARE(3, 1, 0)},
        {7, 12, 16, 5, SQUARE(3, 2, 0)},
        {6, 9, 12, 70, SQUARE(3, 1, 1)},
        {7, 9, 20, 7, {5, 3, 2, 1, 0, 2, 3, 0}},
        {34, 30, 16, 4, SQUARE(3, 1, 1)},
        {8, 8, 32, 8, SQUARE(5, 1, 2)},
        {5, 3, 4, 3, SQUARE(3, 1, 1)},
        {20, 9, 32, 4, {16, 1, 1, 1, 0, 0, 0, 0}},
        {20, 9, 32, 4, {16, 1, 2, 1, 3, 0, 1, 0}},
        {20, 2, 32, 4, {17, 1, 1, 1, 0, 0, 0, 0}},
        {4, 32, 64, 3, SQUARE(3, 1, 1)},
        {4, 28, 64, 4, SQUARE(3, 1, 1)},
        {4, 6, 96, 9, {2, 4, 1, 1, 1, 1, 0, 2}},
        {17, 9, 28, 4, {16, 1, 1, 1, 0, 0, 0, 0}},
    };

    return run_conv2d(SHAPES(shapes), random);
}

bool conv2d_rows_random(struct test_random *random)
{
    return random_shapes(random, true);
}

static bool run_depthwise(const struct shape *shapes, unsigned count, struct test_random *random)
{
    for (unsigned i = 0; i < count; i++) {
        const struct kernel_case test = {.op = OP_CONV2D,
                                         .bits = widths[i % 3],
                                         .in_signed = i / 2 % 2,
                                         .relu = i / 3 % 2,
                                         .height = shapes[i].height,
                                         .width = shapes[i].width,
                                         .channels = shapes[i].channels,
                                         .out_channels = shapes[i].channels,
                                         .groups = shapes[i].channels,
                                         .window = shapes[i].window,
                                         .contents = CONTENTS_TYPICAL};

        if (!kernel_case_run(&test, random))
            return false;
    }
    return true;
}

/* Planes so low and channels so many that the rows of output are no loop. */
bool depthwise_low_planes(struct test_random *random)
{
    for (int k = 3; k <= 7; k += 2) {
        for (int size = 1; size <= 10 - k; size += 2) {
            const struct shape shapes[] = {
                {size, size, 64, 0, SQUARE(k, 1, k / 2)},
                {size, size + 5, 66, 0, SQUARE(k, 2, k / 2)},
            };

            if (!run_depthwise(SHAPES(shapes), random))
                return false;
        }
    }
    return true;
}

/* Planes that are a loop of rows; channels that fill their words or not; padding that differs from side to side. */
bool depthwise_row_loops(struct test_random *random)
{
    for (int k = 3; k <= 7; k += 2) {
        for (int stride = 1; stride <= 2; stride++) {
            const struct shape shapes[] = {
                {9, 8 + k, 4, 0, SQUARE(k, stride, k / 2)},
                {8, 17, 7, 0, {k, k, stride, stride, 0, 1, k / 2, 0}},
                {10, 3 + k, 8, 0, {k, k, 3 - stride, stride, k / 2, k - 1, 0, k - 1}},
            };

            if (!run_depthwise(SHAPES(shapes), random))
                return false;
        }
    }
    return true;
}

/* Rows beyond the reach of offsets or the room for code: pointers that move, tiles in a loop, tiles made smaller. */
bool depthwise_wide_rows(struct test_random *random)
{
    static const struct shape shapes[] = {
        {1, 41, 104, 0, SQUARE(3, 1, 1)},         {2, 16, 264, 0, SQUARE(3, 1, 1)},
        {1, 17, 300, 0, SQUARE(3, 2, 1)},         {2, 79, 4, 0, SQUARE(7, 1, 3)},
        {3, 131, 3, 0, SQUARE(7, 2, 3)},          {3, 300, 4, 0, SQUARE(3, 1, 0)},
        {2, 97, 5, 0, SQUARE(5, 2, 2)},           {1, 26, 160, 0, SQUARE(5, 1, 2)},
        {1, 9, 520, 0, SQUARE(3, 1, 1)},          {1, 5, 1200, 0, SQUARE(3, 1, 1)},
        {2, 200, 4, 0, {5, 5, 1, 1, 2, 4, 2, 4}}, {1, 13, 344, 0, {7, 7, 1, 1, 3, 3, 3, 6}},
    };

    return run_depthwise(SHAPES(shapes), random);
}

/* Planes so large that neighbours share the banks, with some left over at the end of a row. */
bool pool_neighbours(struct test_random *random)
{
    static const struct shape shapes[] = {
        {34, 34, 1, 0, SQUARE(2, 2, 0)},
        {40, 38, 6, 0, SQUARE(2, 2, 0)},
        {15, 14, 9, 0, SQUARE(2, 1, 0)},
        {18, 46, 10, 0, {2, 2, 2, 1, 0, 0, 0, 0}},
    };

    for (unsigned i = 0; i < 2 * sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *shape = &shapes[i / 2];
        const struct kernel_case test = {.op = i % 2 ? OP_MAXPOOL : OP_AVGPOOL,
                                         .in_signed = i % 4 == 2,
                                         .height = shape->height,
                                         .width = shape->width,
                                         .channels = shape->channels,
                                         .window = shape->window,
                                         .contents = CONTENTS_RANDOM};

        if (!kernel_case_run(&test, random))
            return false;
    }
    return true;
}
