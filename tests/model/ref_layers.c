// SPDX-License-Identifier: Apache-2.0
/* Layer operations, slow and literal: one output element at a time, sums in 64 bits. */
#include "ref_layers.h"

static size_t element_count(const struct ref_tensor *tensor)
{
    return (size_t)tensor->height * (size_t)tensor->width * (size_t)tensor->channels;
}

static size_t place(const struct ref_tensor *tensor, int y, int x, int c)
{
    return ((size_t)y * (size_t)tensor->width + (size_t)x) * (size_t)tensor->channels + (size_t)c;
}

static int value_of(bool is_signed, uint8_t byte)
{
    return is_signed && byte >= 128 ? byte - 256 : byte;
}

static int value_at(const struct ref_tensor *tensor, int y, int x, int c)
{
    return value_of(tensor->is_signed, tensor->bytes[place(tensor, y, x, c)]);
}

static bool is_inside(const struct ref_tensor *tensor, int y, int x)
{
    return y >= 0 && y < tensor->height && x >= 0 && x < tensor->width;
}

static uint8_t byte_of(int64_t value)
{
    return (uint8_t)(value < 0 ? value + 256 : value);
}

/* value mod 2^32 as a number in 0..2^32-1. */
static int64_t modulo(int64_t value)
{
    const int64_t rest = value % 4294967296;

    return rest < 0 ? rest + 4294967296 : rest;
}

/* value mod 2^32 as a number in -2^31..2^31-1. */
static int64_t modulo_signed(int64_t value)
{
    const int64_t rest = modulo(value);

    return rest >= 2147483648 ? rest - 4294967296 : rest;
}

static int64_t power_of_two(int exponent)
{
    int64_t power = 1;

    while (exponent-- > 0)
        power *= 2;
    return power;
}

static int64_t floor_divide(int64_t number, int64_t divisor)
{
    const int64_t quotient = number / divisor;

    return number % divisor < 0 ? quotient - 1 : quotient;
}

/* Arithmetic shift: halved again and again, always rounding down. */
static int64_t shift_right(int64_t number, int count)
{
    while (count-- > 0)
        number = floor_divide(number, 2);
    return number;
}

/* The steps of "neur_res: requantize" by name: p, R, q, t. ~p is 2^32 - 1 - p, R | 1 is R made
 * odd. */
int ref_requantize(int64_t acc, const struct ref_channel *channel, bool relu)
{
    const int64_t number = modulo_signed(acc);
    const int64_t magnitude = number < 0 ? -number : number;
    const int64_t p = modulo(magnitude * channel->multiplier);
    const int64_t r = channel->shift > 0 ? power_of_two(channel->shift - 1) : 0;
    const int64_t odd_r = r % 2 == 0 ? r + 1 : r;
    const int64_t q = number >= 0 ? p + r : 4294967295 - p + odd_r;
    const int64_t t = shift_right(modulo_signed(q), channel->shift);
    const int low = relu ? 0 : -128, high = relu ? 255 : 127;

    return t < low ? low : t > high ? high : (int)t;
}

int ref_window_count(int size, int kernel, int stride, int pad)
{
    return (size + pad - kernel) / stride + 1;
}

static int64_t start_value(const struct ref_channel *channel)
{
    return channel->bias * power_of_two(channel->bias_shift);
}

/* The input channels that an output channel sees, and its weights. */
struct conv2d_view {
    int first, count;
    const int8_t *row;
};

static struct conv2d_view conv2d_look(const struct ref_tensor *in,
                                      const struct ref_weights *weights, int channel)
{
    const int groups = weights->groups ? weights->groups : 1;
    const int group = channel / (weights->out_count / groups);
    const int count = in->channels / groups;

    return (struct conv2d_view){
        .first = group * count,
        .count = count,
        .row = weights->weight + (size_t)channel * (size_t)weights->row_count,
    };
}

static int64_t conv2d_sum(const struct ref_tensor *in, struct conv2d_view view,
                          const struct ref_window *window, int top, int left)
{
    int64_t sum = 0;

    for (int ky = 0; ky < window->kernel_h; ky++) {
        for (int kx = 0; kx < window->kernel_w; kx++, view.row += view.count) {
            if (!is_inside(in, top + ky, left + kx))
                continue; /* padding counts as 0 */
            for (int c = 0; c < view.count; c++)
                sum += view.row[c] * value_at(in, top + ky, left + kx, view.first + c);
        }
    }
    return sum;
}

void ref_conv2d(const struct ref_tensor *in, const struct ref_weights *weights,
                const struct ref_window *window, struct ref_tensor *out)
{
    for (int y = 0; y < out->height; y++) {
        for (int x = 0; x < out->width; x++) {
            const int top = y * window->stride_h - window->pad_top;
            const int left = x * window->stride_w - window->pad_left;

            for (int c = 0; c < out->channels; c++) {
                const struct ref_channel *channel = &weights->channels[c];
                const int64_t acc = start_value(channel) +
                                    conv2d_sum(in, conv2d_look(in, weights, c), window, top, left);

                out->bytes[place(out, y, x, c)] =
                    byte_of(ref_requantize(acc, channel, weights->relu));
            }
        }
    }
}

void ref_fc(const struct ref_tensor *in, const struct ref_weights *weights, struct ref_tensor *out)
{
    for (int c = 0; c < weights->out_count; c++) {
        const struct ref_channel *channel = &weights->channels[c];
        const int8_t *row = weights->weight + (size_t)c * (size_t)weights->row_count;
        int64_t acc = start_value(channel);

        for (int e = 0; e < weights->row_count; e++)
            acc += row[e] * value_of(in->is_signed, in->bytes[e]);
        out->bytes[c] = byte_of(ref_requantize(acc, channel, weights->relu));
    }
}

void ref_add(const struct ref_tensor *a, const struct ref_tensor *b, const struct ref_add *add,
             struct ref_tensor *out)
{
    for (size_t i = 0; i < element_count(out); i++) {
        const int sum = add->ma * value_of(a->is_signed, a->bytes[i]) +
                        add->mb * value_of(b->is_signed, b->bytes[i]);

        out->bytes[i] = byte_of(ref_requantize(sum, &add->channel, add->relu));
    }
}

/* What one output element of a pooling layer sees. */
struct pool_view {
    int64_t sum;
    int count, largest;
};

static struct pool_view look(const struct ref_tensor *in, const struct ref_window *window, int y,
                             int x, int c)
{
    const int top = y * window->stride_h - window->pad_top;
    const int left = x * window->stride_w - window->pad_left;
    struct pool_view view = {.sum = 0, .count = 0, .largest = -128};

    for (int iy = top; iy < top + window->kernel_h; iy++) {
        for (int ix = left; ix < left + window->kernel_w; ix++) {
            if (!is_inside(in, iy, ix))
                continue;
            view.sum += value_at(in, iy, ix, c);
            view.count++;
            if (value_at(in, iy, ix, c) > view.largest)
                view.largest = value_at(in, iy, ix, c);
        }
    }
    return view;
}

void ref_maxpool(const struct ref_tensor *in, const struct ref_window *window,
                 struct ref_tensor *out)
{
    for (int y = 0; y < out->height; y++) {
        for (int x = 0; x < out->width; x++) {
            for (int c = 0; c < out->channels; c++)
                out->bytes[place(out, y, x, c)] = byte_of(look(in, window, y, x, c).largest);
        }
    }
}

void ref_avgpool(const struct ref_tensor *in, const struct ref_window *window,
                 struct ref_tensor *out)
{
    for (int y = 0; y < out->height; y++) {
        for (int x = 0; x < out->width; x++) {
            for (int c = 0; c < out->channels; c++) {
                const struct pool_view view = look(in, window, y, x, c);

                out->bytes[place(out, y, x, c)] =
                    byte_of(floor_divide(2 * view.sum + view.count, 2 * view.count));
            }
        }
    }
}

void ref_relu(const struct ref_tensor *in, struct ref_tensor *out)
{
    for (size_t i = 0; i < element_count(in); i++) {
        const int value = value_of(in->is_signed, in->bytes[i]);

        out->bytes[i] = byte_of(value > 0 ? value : 0);
    }
}

void ref_flatten(const struct ref_tensor *in, struct ref_tensor *out)
{
    for (size_t i = 0; i < element_count(in); i++)
        out->bytes[i] = in->bytes[i];
}

int ref_argmax(const struct ref_tensor *in)
{
    size_t best = 0;

    for (size_t i = 0; i < element_count(in); i++) {
        if (value_of(in->is_signed, in->bytes[i]) > value_of(in->is_signed, in->bytes[best]))
            best = i;
    }
    return (int)best;
}
