// SPDX-License-Identifier: Apache-2.0
/* Depthwise convolution, plain C. Shapes and demands: depthwise_nn.c. One channel at a time along a
 * row; the weights of a 3x3 kernel stay in registers. */
#include "depthwise.h"
#include "dot_rv32.h"
#include "requantize.h"

enum { TAPS_3X3 = 9 };

/* One channel of a group: bias, multiplier and shift of its results. */
struct channel {
    uint32_t bias, multiplier;
    unsigned shift;
    bool relu;
};

static struct channel load_channel(const uint8_t *params, unsigned i)
{
    const uint32_t shifts = get_u32(params + 12);

    return (struct channel){requantize_bias(params, i), params[8 + i], requantize_shift(shifts, i),
                            shifts & 1};
}

static uint8_t finish(const struct channel *channel, uint32_t acc)
{
    return (uint8_t)requantize(acc, channel->multiplier, channel->shift, channel->relu);
}

ALWAYS_INLINE void channel_3x3(const struct depthwise_rows *row, unsigned i, bool is_signed)
{
    const struct channel channel = load_channel(row->params, i);
    const uint8_t *rows[3] = {row->first};
    uint8_t *out = row->out + i;
    int32_t weights[TAPS_3X3];

#pragma GCC unroll 9
    for (unsigned t = 0; t < TAPS_3X3; t++)
        weights[t] = (int8_t)row->weights[4 * t + i];
    for (uint32_t y = row->count; y; y--, rows[0] += row->down) {
        rows[1] = depthwise_next(row, rows[0]);
        rows[2] = depthwise_next(row, rows[1]);
        for (uint32_t n = row->pixels, at = row->offset + i; n; n--, at += row->step) {
            uint32_t acc = channel.bias;

#pragma GCC unroll 9
            for (unsigned t = 0; t < TAPS_3X3; t++)
                acc += (uint32_t)(weights[t] *
                                  dot_rv32_activation(is_signed, rows[t / 3][at + 4 * (t % 3)]));
            *out = finish(&channel, acc);
            out += row->out_stride;
        }
    }
}

/* One pixel of a channel. from: first row of the band, at: of the window in its rows. */
ALWAYS_INLINE uint32_t sum_any(const struct depthwise_rows *row, const uint8_t *from, uint32_t at,
                               const uint8_t *weights, bool is_signed)
{
    uint32_t sum = 0;

    for (uint32_t ky = row->kernel_h; ky; ky--, from = depthwise_next(row, from)) {
        const uint8_t *a = from + at;

        for (const uint8_t *end = weights + 4 * row->kernel_w; weights < end; weights += 4) {
            sum += (uint32_t)((int8_t)*weights * dot_rv32_activation(is_signed, *a));
            a += 4;
        }
    }
    return sum;
}

ALWAYS_INLINE void channel_any(const struct depthwise_rows *row, unsigned i, bool is_signed)
{
    const struct channel channel = load_channel(row->params, i);
    const uint8_t *from = row->first;
    uint8_t *out = row->out + i;

    for (uint32_t y = row->count; y; y--, from += row->down) {
        for (uint32_t n = row->pixels, at = row->offset + i; n; n--, at += row->step) {
            const uint32_t sum = sum_any(row, from, at, row->weights + i, is_signed);

            *out = finish(&channel, channel.bias + sum);
            out += row->out_stride;
        }
    }
}
ALWAYS_INLINE void row_of(const struct depthwise_rows *row, bool is_signed)
{
    const bool is_3x3 = row->kernel_h == 3 && row->kernel_w == 3;

    /* from the last channel on: a last group stores over the next pixel's first channels */
    for (unsigned i = 4; i-- > 0;) {
        if (is_3x3)
            channel_3x3(row, i, is_signed);
        else
            channel_any(row, i, is_signed);
    }
}

static void compute_row(const struct depthwise_rows *row)
{
    if (row->is_signed)
        row_of(row, true);
    else
        row_of(row, false);
}

void depthwise_rv32(const struct kernel_args *args)
{
    depthwise_run(args, compute_row);
}
