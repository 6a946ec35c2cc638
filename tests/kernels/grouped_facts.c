// SPDX-License-Identifier: Apache-2.0
/* Facts about grouped and depthwise convolution and about addition. */
#include "kernel_facts.h"

/* Groups whose channels fill their lanes or not, on either side. */
bool conv2d_groups(struct test_random *random)
{
    unsigned number = 0;

    for (int groups = 2; groups <= 5; groups++) {
        for (int in = 1; in <= 5; in++) {
            for (int out = 1; out <= 9; out += 1, number++) {
                const int k = 1 + (int)(number % 3);
                const struct kernel_case test = {.op = OP_CONV2D,
                                                 .bits = widths[number % 3],
                                                 .in_signed = number / 2 % 2,
                                                 .relu = number % 2,
                                                 .height = 4,
                                                 .width = 5,
                                                 .channels = groups * in,
                                                 .out_channels = groups * out,
                                                 .groups = groups,
                                                 .window = {k, k, 1, 1 + k % 2, k / 2, k / 2, 0, 0},
                                                 .contents = CONTENTS_TYPICAL};

                if (number % EDGE_STEP == 0 && !kernel_case_run(&test, random))
                    return false;
            }
        }
    }
    return true;
}

bool conv2d_groups_random(struct test_random *random)
{
    for (int i = 0; i < RANDOM_CASES; i++) {
        struct kernel_case test = {
            .op = OP_CONV2D, .bits = widths[i % 3], .groups = test_random_between(random, 2, 4)};

        if (!any_cases(random, test, 1))
            return false;
    }
    return true;
}

static struct kernel_case depthwise_case(int channels, struct ref_window window)
{
    return (struct kernel_case){.op = OP_CONV2D,
                                .channels = channels,
                                .out_channels = channels,
                                .groups = channels,
                                .window = window};
}

/* Every kernel up to 8x8, each stride, with and without padding, 2 to 11 channels. */
bool depthwise_kernels(struct test_random *random)
{
    unsigned number = 0;

    for (int h = 1; h <= 8; h++) {
        for (int w = 1; w <= 8; w++, number++) {
            const int p = (int)(number % 2), stride = 1 + (int)(number / 2 % 3);
            struct kernel_case test =
                depthwise_case(2 + (int)(number % 10),
                               (struct ref_window){h, w, stride, 1 + (int)(number % 2), p * (h / 2),
                                                   p * (w / 2), p * (h - 1), p * (w - 1)});

            test.height = h + 3;
            test.width = w + (int)(number % 7);
            test.contents = CONTENTS_TYPICAL;
            if (number % EDGE_STEP == 0 && !all_widths(test, random))
                return false;
        }
    }
    return true;
}

/* The kernels that have code of their own, rows of 1 to 9 pixels, strides 1 to 3. */
bool depthwise_rows(struct test_random *random)
{
    unsigned number = 0;

    for (int k = 3; k <= 7; k += 2) {
        for (int stride = 1; stride <= 3; stride++) {
            for (int width = 1; width <= 9; width++, number++) {
                const int p = k / 2;
                struct kernel_case test = depthwise_case(
                    2 + (int)(number % 7), (struct ref_window){k, k, stride, stride, p, p, p, p});

                test.height = 1 + width % 5;
                test.width = width;
                test.contents = CONTENTS_TYPICAL;
                if (number % EDGE_STEP == 0 && !all_widths(test, random))
                    return false;
            }
        }
    }
    return true;
}

/* Planes beyond what is copied whole: 8192 bytes, four a pixel. */
bool depthwise_bands(struct test_random *random)
{
    unsigned number = 0;

    for (int k = 2; k <= 7; k++) {
        for (int stride = 1; stride <= 2; stride++, number++) {
            const int p = k / 2;
            struct kernel_case test = depthwise_case(
                2 + (int)(number % 4), (struct ref_window){k, k, stride, stride, p, p, p, p});

            test.height = 66;
            test.width = 33;
            test.bits = widths[number % 3];
            test.in_signed = number % 2;
            test.relu = number / 2 % 2;
            test.contents = CONTENTS_TYPICAL;
            if (number % EDGE_STEP == 0 && !kernel_case_run(&test, random))
                return false;
        }
    }
    return true;
}

bool depthwise_random(struct test_random *random)
{
    for (int i = 0; i < RANDOM_CASES;) {
        struct kernel_case test =
            depthwise_case(test_random_between(random, 2, 13), any_window(random, 7, coin(random)));

        test.bits = widths[i % 3];
        test.in_signed = coin(random);
        test.relu = coin(random);
        test.contents = any_contents(random);
        test.height = test_random_between(random, 1, 12);
        test.width = test_random_between(random, 1, 12);
        if (!kernel_case_fits(&test))
            continue;
        if (!kernel_case_run(&test, random))
            return false;
        i++;
    }
    return true;
}

bool depthwise_extremes(struct test_random *random)
{
    for (int contents = CONTENTS_EXTREMES; contents < CONTENTS_COUNT; contents++) {
        struct kernel_case test = depthwise_case(5, (struct ref_window){3, 3, 1, 1, 1, 1, 1, 1});

        test.height = test.width = 5;
        test.contents = (enum case_contents)contents;
        if (!all_widths(test, random))
            return false;
    }
    return true;
}

/* Every mix of signs, ReLU and place, at sizes round the word. */
bool add_signs(struct test_random *random)
{
    for (int size = 1; size <= 35; size += size < 18 ? 1 : 3) {
        for (unsigned i = 0; i < 16; i++) {
            const struct kernel_case test = {.op = OP_ADD,
                                             .in_signed = i % 2,
                                             .in2_signed = i / 2 % 2,
                                             .relu = i / 4 % 2,
                                             .in_place = i / 8,
                                             .height = 1,
                                             .width = 1,
                                             .channels = size,
                                             .contents = any_contents(random)};

            if (!kernel_case_run(&test, random))
                return false;
        }
    }
    return true;
}
