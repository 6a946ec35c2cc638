// SPDX-License-Identifier: Apache-2.0
/* Every kernel in both tiers against the oracle. Built for the host, where the neural instructions
 * are emulated, and for the core (core_support.c), where fewer random cases are drawn. */
#include <inttypes.h>
#include <stdio.h>
#include "kernel_facts.h"

struct fact {
    const char *name;
    bool (*check)(struct test_random *random);
};

static bool conv2d_w8(struct test_random *random)
{
    return any_cases(random, (struct kernel_case){.op = OP_CONV2D, .bits = 8}, RANDOM_CASES);
}

static bool conv2d_w4(struct test_random *random)
{
    return any_cases(random, (struct kernel_case){.op = OP_CONV2D, .bits = 4}, RANDOM_CASES);
}

static bool conv2d_w2(struct test_random *random)
{
    return any_cases(random, (struct kernel_case){.op = OP_CONV2D, .bits = 2}, RANDOM_CASES);
}

/* Kernel k, padding p on all sides, stride s, on the smallest images that have an output. */
static bool conv2d_edges(struct test_random *random)
{
    unsigned number = 0;

    for (int k = 1; k <= 7; k++) {
        for (int p = 0; p < k; p++, number++) {
            const int least = k - 2 * p > 1 ? k - 2 * p : 1;
            const int stride = 1 + (int)(number % 3);
            struct kernel_case test = {.op = OP_CONV2D,
                                       .height = least,
                                       .width = least + p % 2,
                                       .channels = 1 + 2 * (int)(number % 3),
                                       .out_channels = number % 2 ? 1 : 7,
                                       .window = {k, k, stride, stride, p, p, p, p},
                                       .contents = CONTENTS_TYPICAL};

            if (number % EDGE_STEP == 0 && !all_widths(test, random))
                return false;
        }
    }
    return true;
}

/* Rows of 1 to 12 words: each unrolled length of the nn kernels, and the loop. */
static bool conv2d_row_lengths(struct test_random *random)
{
    for (int elements = 1; elements <= 48; elements += EDGE_STEP) {
        const struct kernel_case flat = {.op = OP_CONV2D,
                                         .height = 2,
                                         .width = 5,
                                         .channels = elements,
                                         .out_channels = 5,
                                         .window = {1, 1, 1, 1, 0, 0, 0, 0},
                                         .contents = CONTENTS_TYPICAL};
        const struct kernel_case wide = {.op = OP_CONV2D,
                                         .height = 2,
                                         .width = elements + 3,
                                         .channels = 1,
                                         .out_channels = 4,
                                         .window = {1, elements, 1, 1, 0, 0, 0, 0},
                                         .contents = CONTENTS_TYPICAL};

        if (!all_widths(flat, random) || !all_widths(wide, random))
            return false;
    }
    return true;
}

/* Wide rows, and patches that overlap little. */
static bool conv2d_wide(struct test_random *random)
{
    static const struct kernel_case cases[] = {
        {.op = OP_CONV2D,
         .height = 5,
         .width = 12,
         .channels = 60,
         .out_channels = 3,
         .window = {5, 5, 1, 1, 2, 2, 2, 2}},
        {.op = OP_CONV2D,
         .height = 2,
         .width = 300,
         .channels = 1,
         .out_channels = 2,
         .window = {1, 1, 1, 1, 0, 0, 0, 0}},
        {.op = OP_CONV2D,
         .height = 9,
         .width = 9,
         .channels = 60,
         .out_channels = 1,
         .window = {9, 8, 1, 1, 0, 0, 0, 0}},
    };
    unsigned number = 0;

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned j = 0; j < 3; j++, number++) {
            struct kernel_case test = cases[i];

            test.bits = widths[j];
            test.in_signed = number % 2;
            test.contents = CONTENTS_TYPICAL;
            if (number % EDGE_STEP == 0 && !kernel_case_run(&test, random))
                return false;
        }
    }
    return true;
}

/* Few or many channels on either side, so that the last group's stores run into later pixels. */
static bool conv2d_channels(struct test_random *random)
{
    unsigned number = 0;

    for (int in = 1; in <= 9; in++) {
        for (int out = 1; out <= 13; out++, number++) {
            const struct kernel_case test = {.op = OP_CONV2D,
                                             .bits = widths[number % 3],
                                             .in_signed = number / 2 % 2,
                                             .relu = number % 2,
                                             .height = 3,
                                             .width = 4,
                                             .channels = in,
                                             .out_channels = out,
                                             .window = {2, 3, 1, 1, 1, 0, 0, 1},
                                             .contents = CONTENTS_TYPICAL};

            if (number % EDGE_STEP == 0 && !kernel_case_run(&test, random))
                return false;
        }
    }
    return true;
}

static bool conv2d_extremes(struct test_random *random)
{
    for (int contents = CONTENTS_EXTREMES; contents < CONTENTS_COUNT; contents++) {
        const struct kernel_case test = {.op = OP_CONV2D,
                                         .height = 7,
                                         .width = 6,
                                         .channels = 5,
                                         .out_channels = 7,
                                         .window = {5, 4, 2, 1, 2, 1, 1, 2},
                                         .contents = (enum case_contents)contents};

        if (!all_widths(test, random))
            return false;
    }
    return true;
}

/* Rows of up to 100 words: each length of what is left behind the turns, at odd and even numbers of
 * pixels. */
static bool conv2d_long_rows(struct test_random *random)
{
    for (int words = 1; words <= 100; words += LONG_STEP) {
        const struct kernel_case test = {.op = OP_CONV2D,
                                         .height = 1,
                                         .width = 1 + words % 5,
                                         .channels = 4 * words - words % 3,
                                         .out_channels = 1 + words % 7,
                                         .window = {1, 1, 1, 1, 0, 0, 0, 0},
                                         .contents = CONTENTS_TYPICAL};

        if (!all_widths(test, random))
            return false;
    }
    return true;
}

/* 1x1 on whole words reads its input in place, at any stride. */
static bool conv2d_pointwise(struct test_random *random)
{
    for (int stride = 1; stride <= 3; stride++) {
        const struct kernel_case test = {.op = OP_CONV2D,
                                         .height = 5,
                                         .width = 7,
                                         .channels = 8 * stride,
                                         .out_channels = 9,
                                         .window = {1, 1, stride, stride, 0, 0, 0, 0},
                                         .contents = CONTENTS_TYPICAL};

        if (!all_widths(test, random))
            return false;
    }
    return true;
}

static bool fc_sizes(struct test_random *random)
{
    unsigned number = 0;

    for (int in = 1; in <= 75; in++) {
        for (int out = 1; out <= 9; out++, number++) {
            const struct kernel_case test = {.op = OP_FC,
                                             .bits = widths[number % 3],
                                             .in_signed = number / 3 % 2,
                                             .relu = number / 6 % 2,
                                             .height = 1,
                                             .width = 1,
                                             .channels = in,
                                             .out_channels = out,
                                             .contents = CONTENTS_TYPICAL};

            if (number % EDGE_STEP == 0 && !kernel_case_run(&test, random))
                return false;
        }
    }
    return true;
}

/* Rows of up to 180 words: each length of what stays in registers and of what is loaded. */
static bool fc_long_rows(struct test_random *random)
{
    for (int words = 1; words <= 180; words += LONG_STEP) {
        const struct kernel_case test = {.op = OP_FC,
                                         .height = 1,
                                         .width = 1,
                                         .channels = 4 * words - words % 3,
                                         .out_channels = 4 + words % 6,
                                         .contents = CONTENTS_TYPICAL};

        if (!all_widths(test, random))
            return false;
    }
    return true;
}

static bool fc_random(struct test_random *random)
{
    for (unsigned i = 0; i < 3; i++) {
        if (!any_cases(random, (struct kernel_case){.op = OP_FC, .bits = widths[i]}, RANDOM_CASES))
            return false;
    }
    return true;
}

static bool fc_extremes(struct test_random *random)
{
    for (int contents = CONTENTS_EXTREMES; contents < CONTENTS_COUNT; contents++) {
        const struct kernel_case test = {.op = OP_FC,
                                         .height = 3,
                                         .width = 7,
                                         .channels = 5,
                                         .out_channels = 6,
                                         .contents = (enum case_contents)contents};

        if (!all_widths(test, random))
            return false;
    }
    return true;
}

static bool maxpool_random(struct test_random *random)
{
    return any_cases(random, (struct kernel_case){.op = OP_MAXPOOL}, 2 * RANDOM_CASES);
}

static bool avgpool_random(struct test_random *random)
{
    return any_cases(random, (struct kernel_case){.op = OP_AVGPOOL}, 2 * RANDOM_CASES);
}

/* Windows of 1 to 256 elements, with and without a power of two, over the whole image. */
static bool pool_windows(struct test_random *random)
{
    unsigned number = 0;

    for (int h = 1; h <= 16; h += 1) {
        for (int w = 1; w <= 16; w = w < 4 ? w + 1 : w * 2, number++) {
            const struct kernel_case test = {.op = number % 2 ? OP_MAXPOOL : OP_AVGPOOL,
                                             .in_signed = number / 2 % 2,
                                             .height = h + 1,
                                             .width = w + 2,
                                             .channels = 1 + (int)(number % 6),
                                             .window = {h, w, 1, 2, 0, 0, 0, 0},
                                             .contents = any_contents(random)};
            struct kernel_case other = test;

            other.op = number % 2 ? OP_AVGPOOL : OP_MAXPOOL;
            if (number % EDGE_STEP == 0 &&
                (!kernel_case_run(&test, random) || !kernel_case_run(&other, random)))
                return false;
        }
    }
    return true;
}

/* Windows of 2x2 without padding, for every number of channels in the last word, and in words that
 * fill the unit's banks or not; outputs of one pixel and of many. */
static bool pool_2x2(struct test_random *random, enum model_op op)
{
    static const int channels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 31, 32, 33, 38, 64, 67};

    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++) {
        for (int i = 0; i < 8; i++) {
            const struct kernel_case test = {.op = op,
                                             .in_signed = i % 2,
                                             .height = i < 6 ? 5 : 2,
                                             .width = i < 7 ? 6 : 2,
                                             .channels = channels[c],
                                             .window = {2, 2, 1 + i / 2 % 3, 1 + (i + 1) / 3},
                                             .contents =
                                                 i < 2 ? CONTENTS_EXTREMES : CONTENTS_RANDOM};

            if (!kernel_case_run(&test, random))
                return false;
        }
    }
    return true;
}

static bool maxpool_2x2(struct test_random *random)
{
    return pool_2x2(random, OP_MAXPOOL);
}

static bool avgpool_2x2(struct test_random *random)
{
    return pool_2x2(random, OP_AVGPOOL);
}

/* Padding on every side up to one less than the kernel; corner windows see one element. */
static bool maxpool_padding(struct test_random *random)
{
    for (int k = 2; k <= 5; k++) {
        for (int is_signed = 0; is_signed < 2; is_signed++) {
            const struct kernel_case test = {.op = OP_MAXPOOL,
                                             .in_signed = is_signed,
                                             .height = 1,
                                             .width = 3,
                                             .channels = k,
                                             .window = {k, k, 1, 1, k - 1, k - 1, k - 1, k - 1},
                                             .contents =
                                                 is_signed ? CONTENTS_LOWEST : CONTENTS_RANDOM};

            if (!kernel_case_run(&test, random))
                return false;
        }
    }
    return true;
}

/* Operations on bytes one by one, at sizes round the word and in place. */
static bool bytes_one_by_one(struct test_random *random, enum model_op op)
{
    for (int size = 1; size <= 67; size += op == OP_RELU ? 1 : 3) {
        for (unsigned i = 0; i < 4; i++) {
            const struct kernel_case test = {.op = op,
                                             .in_signed = i % 2,
                                             .in_place = i / 2,
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

static bool relu_bytes(struct test_random *random)
{
    return bytes_one_by_one(random, OP_RELU);
}

static bool flatten_bytes(struct test_random *random)
{
    return bytes_one_by_one(random, OP_FLATTEN);
}

/* EXTREMES, LOWEST and HIGHEST are full of ties. */
static bool argmax_ties(struct test_random *random)
{
    for (int contents = 0; contents < CONTENTS_COUNT; contents++) {
        for (int size = 1; size <= 300; size = size * 2 + 1) {
            for (int is_signed = 0; is_signed < 2; is_signed++) {
                const struct kernel_case test = {.op = OP_ARGMAX,
                                                 .in_signed = is_signed,
                                                 .height = 1,
                                                 .width = 1,
                                                 .channels = size,
                                                 .contents = (enum case_contents)contents};

                if (!kernel_case_run(&test, random))
                    return false;
            }
        }
    }
    return true;
}

static const struct fact facts[] = {
    {"conv2d_w8_equals_the_oracle", conv2d_w8},
    {"conv2d_w4_equals_the_oracle", conv2d_w4},
    {"conv2d_w2_equals_the_oracle", conv2d_w2},
    {"conv2d_is_right_at_every_kernel_and_padding", conv2d_edges},
    {"conv2d_is_right_at_every_row_length", conv2d_row_lengths},
    {"conv2d_is_right_for_wide_rows", conv2d_wide},
    {"conv2d_is_right_for_any_channel_count", conv2d_channels},
    {"conv2d_wraps_and_clamps_at_the_extremes", conv2d_extremes},
    {"conv2d_is_right_at_every_length_of_long_rows", conv2d_long_rows},
    {"conv2d_1x1_reads_its_input_in_place", conv2d_pointwise},
    {"grouped_conv2d_is_right_for_any_channel_count", conv2d_groups},
    {"grouped_conv2d_equals_the_oracle", conv2d_groups_random},
    {"depthwise_is_right_at_every_kernel", depthwise_kernels},
    {"depthwise_is_right_at_every_row_length", depthwise_rows},
    {"depthwise_is_right_for_planes_beyond_a_band", depthwise_bands},
    {"depthwise_equals_the_oracle", depthwise_random},
    {"depthwise_wraps_and_clamps_at_the_extremes", depthwise_extremes},
    {"conv2d_is_right_for_every_number_of_pixels", conv2d_tiles},
    {"conv2d_is_right_where_chunks_are_no_loop", conv2d_unrolled},
    {"conv2d_is_right_at_far_offsets", conv2d_far_offsets},
    {"conv2d_is_right_on_planes", conv2d_planes},
    {"conv2d_is_right_on_bands_of_planes", conv2d_plane_bands},
    {"conv2d_is_right_on_random_planes", conv2d_planes_random},
    {"conv2d_is_right_on_rows_as_they_stand", conv2d_rows},
    {"conv2d_is_right_on_random_rows", conv2d_rows_random},
    {"depthwise_is_right_for_low_planes", depthwise_low_planes},
    {"depthwise_is_right_where_rows_are_a_loop", depthwise_row_loops},
    {"depthwise_is_right_for_wide_rows", depthwise_wide_rows},
    {"add_is_right_for_every_mix_of_signs", add_signs},
    {"fc_is_right_at_every_size", fc_sizes},
    {"fc_is_right_at_every_length_of_long_rows", fc_long_rows},
    {"fc_equals_the_oracle", fc_random},
    {"fc_wraps_and_clamps_at_the_extremes", fc_extremes},
    {"maxpool_equals_the_oracle", maxpool_random},
    {"avgpool_equals_the_oracle", avgpool_random},
    {"pooling_is_right_for_windows_up_to_256_elements", pool_windows},
    {"maxpool_2x2_is_right_for_any_channel_count", maxpool_2x2},
    {"avgpool_2x2_is_right_for_any_channel_count", avgpool_2x2},
    {"pooling_is_right_where_neighbours_share_banks", pool_neighbours},
    {"maxpool_ignores_padding", maxpool_padding},
    {"relu_is_right_in_place_or_not", relu_bytes},
    {"flatten_is_right_in_place_or_not", flatten_bytes},
    {"argmax_takes_the_first_of_equals", argmax_ties},
};

int main(void)
{
    const unsigned count = sizeof facts / sizeof facts[0];
    unsigned failed = 0;

    printf("1..%u\n", count);
    for (unsigned i = 0; i < count; i++) {
        struct test_random random = {i + 1};
        const bool ok = facts[i].check(&random);

        failed += !ok;
        printf("%sok %u - %s\n", ok ? "" : "not ", i + 1, facts[i].name);
    }
    printf("# %u kernels run, %" PRIu32 " output bytes compared\n", kernel_case_runs(),
           kernel_case_bytes());
    return failed != 0;
}
