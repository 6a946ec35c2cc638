// SPDX-License-Identifier: Apache-2.0
/* Comparison of kernels and oracle. Owns the memory that the kernels work in: blocks between guard
 * areas, filled anew for each case. Under AddressSanitizer the guards cannot be read either. */
#include "kernel_case.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "kernels.h"
#include "protocol.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum { GUARD = 64, ARENA = 192 * 1024, WEIGHTS_MAX = 80 * 1024, CHANNELS_MAX = 4608 };

static _Alignas(16) uint8_t arena[ARENA];
static _Alignas(16) uint8_t before[ARENA];
static int8_t weight[WEIGHTS_MAX];
static struct ref_channel channels[CHANNELS_MAX];
static uint8_t want[ARENA / 4];
static unsigned runs;
static uint32_t bytes_compared;

/* A piece of the arena; slack: bytes behind it that kernels may read. */
struct block {
    uint32_t at, size, slack;
};

/* Everything that a case needs. */
struct layout {
    struct model_layer layer;
    struct model_buffer in, in2, out;
    struct ref_weights weights;
    struct ref_add add;
    struct block in_block, in2_block, out_block, weight_block, param_block, scratch_block;
    uint32_t used;
};

unsigned kernel_case_runs(void)
{
    return runs;
}

uint32_t kernel_case_bytes(void)
{
    return bytes_compared;
}

static bool has_weights(const struct kernel_case *test)
{
    return test->op == OP_CONV2D || test->op == OP_FC;
}

static bool has_window(const struct kernel_case *test)
{
    return test->op == OP_CONV2D || test->op == OP_MAXPOOL || test->op == OP_AVGPOOL;
}

static struct model_buffer buffer_of(int height, int width, int channel_count, bool is_signed)
{
    return (struct model_buffer){
        .height = (uint16_t)height,
        .width = (uint16_t)width,
        .channels = (uint16_t)channel_count,
        .is_signed = is_signed,
        .size_bytes = (uint32_t)(height * width * channel_count),
    };
}

static struct model_buffer out_buffer(const struct kernel_case *test)
{
    const struct ref_window *w = &test->window;
    const bool result_signed =
        has_weights(test) || test->op == OP_ADD ? !test->relu : test->in_signed;
    int height = test->height, width = test->width, channel_count = test->channels;

    if (test->op == OP_ARGMAX)
        return buffer_of(1, 1, 2, false);
    if (test->op == OP_FC)
        return buffer_of(1, 1, test->out_channels, result_signed);
    if (test->op == OP_FLATTEN)
        return buffer_of(1, 1, height * width * channel_count, result_signed);
    if (has_window(test)) {
        height = ref_window_count(height, w->kernel_h, w->stride_h, w->pad_top + w->pad_bottom);
        width = ref_window_count(width, w->kernel_w, w->stride_w, w->pad_left + w->pad_right);
    }
    if (test->op == OP_CONV2D)
        channel_count = test->out_channels;
    return buffer_of(height, width, channel_count, result_signed);
}

static int group_count(const struct kernel_case *test)
{
    return test->groups ? test->groups : 1;
}

static int row_count(const struct kernel_case *test)
{
    return test->op == OP_FC ? test->height * test->width * test->channels
                             : test->window.kernel_h * test->window.kernel_w *
                                   (test->channels / group_count(test));
}

static struct model_layer layer_of(const struct kernel_case *test)
{
    const struct ref_window *w = &test->window;

    return (struct model_layer){
        .op = (uint8_t)test->op,
        .weight_bits = (uint8_t)test->bits,
        .relu = test->relu,
        .in2 = MODEL_NONE,
        .groups = (uint16_t)(test->op == OP_CONV2D ? group_count(test) : 0),
        .kernel_h = (uint8_t)w->kernel_h,
        .kernel_w = (uint8_t)w->kernel_w,
        .stride_h = (uint8_t)w->stride_h,
        .stride_w = (uint8_t)w->stride_w,
        .pad_top = (uint8_t)w->pad_top,
        .pad_left = (uint8_t)w->pad_left,
        .pad_bottom = (uint8_t)w->pad_bottom,
        .pad_right = (uint8_t)w->pad_right,
    };
}

static struct block take(struct layout *layout, uint32_t size, uint32_t slack)
{
    const struct block block = {layout->used, size, slack};

    layout->used = (layout->used + size + slack + GUARD + 15) & ~15u;
    return block;
}

/* Guard, then block and guard by turns. */
static void lay_out(const struct kernel_case *test, struct layout *layout)
{
    *layout = (struct layout){
        .layer = layer_of(test),
        .in = buffer_of(test->height, test->width, test->channels, test->in_signed),
        .out = out_buffer(test),
        .used = GUARD,
    };
    layout->in_block = take(layout, layout->in.size_bytes, MODEL_SLACK);
    layout->in2_block = layout->in_block;
    if (test->op == OP_ADD) {
        layout->in2 = buffer_of(test->height, test->width, test->channels, test->in2_signed);
        layout->in2_block = take(layout, layout->in2.size_bytes, MODEL_SLACK);
        layout->layer.param_bytes = MODEL_GROUP_BYTES;
        layout->param_block = take(layout, layout->layer.param_bytes, 0);
    }
    layout->out_block =
        test->in_place ? layout->in2_block : take(layout, layout->out.size_bytes, MODEL_SLACK);
    if (has_weights(test)) {
        const int groups = group_count(test);

        layout->weights = (struct ref_weights){
            .weight = weight,
            .channels = channels,
            .out_count = test->out_channels,
            .row_count = row_count(test),
            .relu = test->relu,
            .groups = groups,
            .depthwise = groups > 1 && groups == test->channels && groups == test->out_channels,
            .kernel_h = test->window.kernel_h,
            .kernel_w = test->window.kernel_w};
        layout->layer.weight_bytes = (uint32_t)ref_packed_bytes(&layout->weights, test->bits);
        layout->layer.param_bytes = (uint32_t)ref_param_bytes(&layout->weights);
        layout->weight_block = take(layout, layout->layer.weight_bytes, 0);
        layout->param_block = take(layout, layout->layer.param_bytes, 0);
    }
    layout->scratch_block =
        take(layout, model_scratch_bytes(&layout->layer, &layout->in, &layout->out), 0);
}

static bool window_is_right(const struct kernel_case *test)
{
    const struct ref_window *w = &test->window;

    return w->kernel_h > 0 && w->kernel_w > 0 && w->stride_h > 0 && w->stride_w > 0 &&
           w->pad_top < w->kernel_h && w->pad_bottom < w->kernel_h && w->pad_left < w->kernel_w &&
           w->pad_right < w->kernel_w && w->kernel_h <= test->height + w->pad_top + w->pad_bottom &&
           w->kernel_w <= test->width + w->pad_left + w->pad_right;
}

bool kernel_case_fits(const struct kernel_case *test)
{
    struct layout layout;

    if (has_window(test) && !window_is_right(test))
        return false;
    if (test->op == OP_CONV2D &&
        (test->channels % group_count(test) || test->out_channels % group_count(test)))
        return false;
    if (has_weights(test) &&
        (test->out_channels > CHANNELS_MAX || test->out_channels * row_count(test) > WEIGHTS_MAX))
        return false;
    lay_out(test, &layout);
    return layout.used <= ARENA && layout.out.size_bytes <= sizeof want;
}

/* low..high; without the division of test_random_between(), which the core makes bit by bit. */
static int draw(struct test_random *random, int low, int high)
{
    return low + (int)((uint64_t)test_random_next(random) * (uint32_t)(high - low + 1) >> 32);
}

static int choose(struct test_random *random, enum case_contents contents, int low, int high)
{
    switch (contents) {
    case CONTENTS_EXTREMES:
        return draw(random, 0, 1) ? low : high;
    case CONTENTS_LOWEST:
        return low;
    case CONTENTS_HIGHEST:
        return high;
    default:
        return draw(random, low, high);
    }
}

/* Shift that brings sums of a row down to eight bits, more or less. */
static int typical_shift(const struct kernel_case *test, struct test_random *random)
{
    int shift = 6 + test->bits;

    for (int rows = row_count(test); rows > 1; rows /= 4)
        shift++;
    return test_random_between(random, shift - 2, shift + 1);
}

static void fill_channels(const struct kernel_case *test, struct test_random *random)
{
    for (int c = 0; c < test->out_channels; c++) {
        struct ref_channel *channel = &channels[c];
        const bool typical = test->contents == CONTENTS_TYPICAL;

        channel->bias = choose(random, test->contents, -128, 127);
        channel->bias_shift =
            typical ? test_random_between(random, 0, 5) : choose(random, test->contents, 0, 31);
        channel->multiplier =
            typical ? test_random_between(random, 64, 255) : choose(random, test->contents, 0, 255);
        channel->shift =
            typical ? typical_shift(test, random) : choose(random, test->contents, 0, 31);
    }
}

static void fill_activations(const struct kernel_case *test, bool is_signed,
                             struct test_random *random, uint8_t *bytes, uint32_t size)
{
    const int low = is_signed ? -128 : 0, high = is_signed ? 127 : 255;

    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)choose(random, test->contents, low, high);
}

static void fill_add(const struct kernel_case *test, struct test_random *random,
                     struct layout *layout)
{
    const bool typical = test->contents == CONTENTS_TYPICAL;
    struct ref_channel *channel = &layout->add.channel;

    layout->add.ma = choose(random, test->contents, 0, 127);
    layout->add.mb = choose(random, test->contents, 0, 127);
    layout->add.relu = test->relu;
    channel->multiplier = choose(random, test->contents, 0, 255);
    channel->shift =
        typical ? test_random_between(random, 10, 15) : choose(random, test->contents, 0, 31);
    ref_pack_add(&layout->add, arena + layout->param_block.at);
}

/* The first `size` bytes, in words: most of a case's time on the core goes into whole arenas. */
static void fill_arena(struct test_random *random, uint32_t size)
{
    uint32_t value = (uint32_t)test_random_between(random, 0, 0x7fffffff);

    for (uint32_t i = 0; i < size; i += 4) {
        value = value * 1664525 + 1013904223;
        memcpy(__builtin_assume_aligned(arena + i, 4), &value, 4);
    }
}

/* size: rounded up to a word. The core's memcpy() goes byte by byte. */
static void copy_words(uint8_t *to, const uint8_t *from, uint32_t size)
{
    uint32_t word;

    for (uint32_t i = 0; i < size; i += 4) {
        memcpy(&word, __builtin_assume_aligned(from + i, 4), 4);
        memcpy(__builtin_assume_aligned(to + i, 4), &word, 4);
    }
}

static void fill(const struct kernel_case *test, struct test_random *random, struct layout *layout)
{
    const int top = test->bits ? (1 << (test->bits - 1)) - 1 : 0;

    fill_arena(random, layout->used);
    fill_activations(test, test->in_signed, random, arena + layout->in_block.at,
                     layout->in.size_bytes);
    if (test->op == OP_ADD) {
        fill_activations(test, test->in2_signed, random, arena + layout->in2_block.at,
                         layout->in2.size_bytes);
        fill_add(test, random, layout);
    }
    if (!has_weights(test))
        return;
    fill_channels(test, random);
    for (int i = 0; i < test->out_channels * row_count(test); i++)
        weight[i] = (int8_t)choose(random, test->contents, -top - 1, top);
    ref_pack_weights(&layout->weights, test->bits, arena + layout->weight_block.at);
    ref_pack_params(&layout->weights, test->bits, test->in_signed, arena + layout->param_block.at);
}

static struct ref_tensor tensor_of(const struct model_buffer *buffer, uint8_t *bytes)
{
    return (struct ref_tensor){bytes, buffer->height, buffer->width, buffer->channels,
                               buffer->is_signed};
}

/* The oracle's answer in want. */
static void ask_oracle(const struct kernel_case *test, const struct layout *layout)
{
    const struct ref_tensor in = tensor_of(&layout->in, arena + layout->in_block.at);
    const struct ref_tensor in2 = tensor_of(&layout->in2, arena + layout->in2_block.at);
    struct ref_tensor out = tensor_of(&layout->out, want);
    int best;

    switch (test->op) {
    case OP_CONV2D:
        ref_conv2d(&in, &layout->weights, &test->window, &out);
        break;
    case OP_FC:
        ref_fc(&in, &layout->weights, &out);
        break;
    case OP_ADD:
        ref_add(&in, &in2, &layout->add, &out);
        break;
    case OP_MAXPOOL:
        ref_maxpool(&in, &test->window, &out);
        break;
    case OP_AVGPOOL:
        ref_avgpool(&in, &test->window, &out);
        break;
    case OP_RELU:
        ref_relu(&in, &out);
        break;
    case OP_FLATTEN:
        ref_flatten(&in, &out);
        break;
    case OP_ARGMAX:
        best = ref_argmax(&in);
        want[0] = (uint8_t)best;
        want[1] = (uint8_t)(best >> 8);
        break;
    }
}

/* Locks or opens what lies between a block's slack and the next block. */
static void guard_after(struct block block, bool locked)
{
    const uint32_t from = block.at + block.size + block.slack;
    const uint32_t size = ((from + GUARD + 15) & ~15u) - from;

    if (locked)
        ASAN_POISON_MEMORY_REGION(arena + from, size);
    else
        ASAN_UNPOISON_MEMORY_REGION(arena + from, size);
}

static void guard_all(const struct layout *layout, bool locked)
{
    guard_after(layout->in_block, locked);
    guard_after(layout->in2_block, locked);
    guard_after(layout->out_block, locked);
    guard_after(layout->scratch_block, locked);
    if (layout->layer.weight_bytes)
        guard_after(layout->weight_block, locked);
    if (layout->layer.param_bytes)
        guard_after(layout->param_block, locked);
}

static void run_kernel(const struct layout *layout, unsigned tier)
{
    const struct kernel_args args = {
        .layer = &layout->layer,
        .in_shape = &layout->in,
        .in2_shape = layout->layer.op == OP_ADD ? &layout->in2 : NULL,
        .out_shape = &layout->out,
        .in = arena + layout->in_block.at,
        .in2 = layout->layer.op == OP_ADD ? arena + layout->in2_block.at : NULL,
        .out = arena + layout->out_block.at,
        .weights = arena + layout->weight_block.at,
        .params = arena + layout->param_block.at,
        .scratch = arena + layout->scratch_block.at,
    };

    guard_all(layout, true);
    kernel_select(&args, tier)(&args);
    guard_all(layout, false);
}

static void describe(const struct kernel_case *test, unsigned tier)
{
    const struct ref_window *w = &test->window;

    printf("# op %d, %d bit, tier %u, %s in, relu %d, in place %d, contents %d: %dx%dx%d, out %d, "
           "groups %d, kernel %dx%d, stride %dx%d, pad %d %d %d %d\n",
           (int)test->op, test->bits, tier, test->in_signed ? "signed" : "unsigned", test->relu,
           test->in_place, (int)test->contents, test->height, test->width, test->channels,
           test->out_channels, test->groups, w->kernel_h, w->kernel_w, w->stride_h, w->stride_w,
           w->pad_top, w->pad_left, w->pad_bottom, w->pad_right);
}

static uint32_t word_at(const uint8_t *bytes)
{
    uint32_t word;

    memcpy(&word, __builtin_assume_aligned(bytes, 4), 4);
    return word;
}

/* Arena and before are alike from `from` to `to`; words are looked at first. */
static bool is_unchanged(const struct layout *layout, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        while (i % 4 == 0 && i + 4 <= to && word_at(arena + i) == word_at(before + i))
            i += 4;
        if (i < to && arena[i] != before[i]) {
            printf("# byte %" PRId32 " from the output's start: written %d, was %d\n",
                   (int32_t)(i - layout->out_block.at), arena[i], before[i]);
            return false;
        }
    }
    return true;
}

/* Output as wanted, and nothing else written but scratch, which is the last block. */
static bool check(const struct layout *layout)
{
    const struct block *out = &layout->out_block, *scratch = &layout->scratch_block;

    for (uint32_t i = 0; i < layout->out.size_bytes; i++) {
        const uint8_t got = arena[layout->out_block.at + i];

        if (got != want[i]) {
            printf("# output byte %" PRIu32 ": got %d, want %d\n", i, got, want[i]);
            return false;
        }
    }
    return is_unchanged(layout, 0, out->at) &&
           is_unchanged(layout, out->at + out->size, scratch->at) &&
           is_unchanged(layout, scratch->at + scratch->size, layout->used);
}

bool kernel_case_run(const struct kernel_case *test, struct test_random *random)
{
    const unsigned tiers =
        has_weights(test) || test->op == OP_ADD || has_window(test) ? 2 : 1; /* else shared */
    struct layout layout;

    if (!kernel_case_fits(test)) {
        printf("# the case does not fit the test\n");
        return false;
    }
    lay_out(test, &layout);
    fill(test, random, &layout);
    copy_words(before, arena, layout.used);
    ask_oracle(test, &layout);
    for (unsigned tier = 0; tier < tiers; tier++) {
        copy_words(arena, before, layout.used);
        run_kernel(&layout, tier == 0 ? TIER_NN : TIER_RV32);
        runs++;
        bytes_compared += layout.out.size_bytes;
        if (!check(&layout)) {
            describe(test, tier);
            return false;
        }
    }
    return true;
}
