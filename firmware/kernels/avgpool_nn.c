// SPDX-License-Identifier: Apache-2.0
/* Average pooling, neural instructions: windows of 1, 2, 4 .. 256 elements, as most are. Sums four
 * channels at a time with weights of 1 in depthwise mode; neur_res rounds half up as the format
 * wants it, from a shift of 2 on.
 * Exact    equal bit for bit to avgpool_rv32() and to the oracle in tests/model/ref_layers.c */
#include <stddef.h>
#include "nn_insn.h"
#include "pool.h"
#include "pool_jit.h"
#include "stream.h"

enum { ONES = 0x01010101, MODE_DEPTHWISE = 1, MODE_SIGNED = 4, WINDOW_MAX = 256, LOG2_MIN = 2 };

bool avgpool_nn_fits(const struct model_layer *layer)
{
    const uint32_t count = (uint32_t)layer->kernel_h * layer->kernel_w;

    return !(count & (count - 1)) && count <= WINDOW_MAX;
}

/* What does not change from word to word. */
struct average {
    uint32_t mode, multiplier, shift;
};

static struct average make(const struct kernel_args *args)
{
    const uint32_t count = (uint32_t)args->layer->kernel_h * args->layer->kernel_w;
    const unsigned log2 = pool_log2(count);
    const unsigned extra = log2 < LOG2_MIN ? LOG2_MIN - log2 : 0; /* both sides of the fraction */
    const uint32_t s = log2 + extra;
    const bool is_signed = args->in_shape->is_signed;

    return (struct average){
        .mode = MODE_DEPTHWISE | (is_signed ? MODE_SIGNED : 0),
        .multiplier = (uint32_t)ONES << extra,
        .shift = s << 27 | s << 20 | s << 13 | s << 6 | !is_signed,
    };
}

ALWAYS_INLINE uint32_t average_2x2(const struct average *average, const uint8_t *in, uint32_t row,
                                   uint32_t column)
{
    const uint8_t *below = in + row;
    const uint32_t a = load_here(in), b = load_here(in + column);
    const uint32_t c = load_here(below), d = load_here(below + column);

    neur_init(0, average->mode);
    nn_mac_8b(ONES, a);
    nn_mac_8b(ONES, b);
    nn_mac_8b(ONES, c);
    nn_mac_8b(ONES, d);
    return neur_res(average->multiplier, average->shift);
}

/* Bytes from row to row, window to window and pixel to pixel. */
struct steps {
    uint32_t row, window, channels;
};

static struct steps steps_of(const struct kernel_args *args)
{
    const uint32_t channels = args->out_shape->channels;

    return (struct steps){args->in_shape->width * channels, args->layer->stride_w * channels,
                          channels};
}

/* Pixels of one row; end: of the whole output. */
static void run_pixels_2x2(const struct average *average, struct steps steps, const uint8_t *in,
                           uint8_t *out, uint8_t *end, uint32_t pixels)
{
    const uint32_t channels = steps.channels;

    for (uint32_t x = pixels; x; x--, in += steps.window, out += channels) {
        const uint8_t *from = in;
        uint8_t *to = out;

        for (; to < out + channels && end - to >= 4; from += 4, to += 4)
            store_word(to, average_2x2(average, from, steps.row, channels));
        if (to < out + channels)
            store_results(to, end, average_2x2(average, from, steps.row, channels));
    }
}

STREAM_FALLBACK static NOINLINE void run_2x2(const struct kernel_args *args)
{
    const struct average average = make(args);
    const struct model_buffer *shape = args->out_shape;
    const struct steps steps = steps_of(args);
    uint8_t *out = args->out, *const end = out + shape->size_bytes;

    for (uint32_t y = 0; y < shape->height; y++, out += shape->width * steps.channels)
        run_pixels_2x2(&average, steps, args->in + y * args->layer->stride_h * steps.row, out, end,
                       shape->width);
}

static uint32_t average_any(const struct average *average, struct pool_window window)
{
    neur_init(0, average->mode);
    for (uint32_t y = 0; y < window.rows; y++, window.in += window.row_step) {
        const uint8_t *in = window.in;

        for (uint32_t x = window.columns; x; x--) {
            const uint32_t a = load_here(in);

            in += window.column_step;
            nn_mac_8b(ONES, a);
        }
    }
    return neur_res(average->multiplier, average->shift);
}

static void run_any(const struct kernel_args *args)
{
    const struct average average = make(args);
    const struct model_layer *layer = args->layer;
    const struct model_buffer *shape = args->out_shape;
    const uint32_t channels = shape->channels, row = args->in_shape->width * channels;
    uint8_t *out = args->out, *const end = out + shape->size_bytes;
    struct pool_window window = {NULL, layer->kernel_h, layer->kernel_w, row, channels, 0, 0};

    for (uint32_t y = 0; y < shape->height; y++) {
        for (uint32_t x = 0; x < shape->width; x++, out += channels) {
            window.in = args->in + y * layer->stride_h * row + x * layer->stride_w * channels;
            for (uint32_t c = 0; c < channels; c += 4, window.in += 4)
                store_results(out + c, end, average_any(&average, window));
        }
    }
}

static bool is_made(const struct kernel_args *args)
{
    const struct average average = make(args);
    const uint32_t params[4] = {0, average.mode, average.multiplier, average.shift};

    return pool_jit_average(args, params);
}

void avgpool_nn(const struct kernel_args *args)
{
    const bool is_2x2 = args->layer->kernel_h == 2 && args->layer->kernel_w == 2;

    if (is_2x2 && !stream_is_there())
        run_2x2(args);
    else if (!is_2x2 || !is_made(args))
        run_any(args);
}
