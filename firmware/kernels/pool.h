// SPDX-License-Identifier: Apache-2.0
/* What the pooling kernels share: four channels in a word, and the walk over the output. Signed
 * bytes are turned into unsigned ones by flipping their top bit, which keeps their order and shifts
 * their mean. */
#ifndef MPQ_POOL_H
#define MPQ_POOL_H

#include "kernels.h"
#include "words.h"

enum { POOL_EVEN = 0x00ff00ff }; /* bytes 0 and 2 of a word as 16-bit fields */

/* The part of the input that an output pixel sees. */
struct pool_window {
    const uint8_t *in; /* first element, first channel of interest */
    uint32_t rows, columns;
    uint32_t row_step, column_step; /* bytes */
    uint32_t flip;                  /* 0x80808080 for signed bytes, else 0 */
    uint32_t reciprocal;            /* 2^32 / (2 * elements of a whole window), rounded up */
};

/* Four channels of one output pixel. */
typedef uint32_t pool_word_fn(struct pool_window window);

/* One direction of a window: where it starts and how much of it lies on the input. */
struct pool_extent {
    uint32_t start, count;
};

ALWAYS_INLINE struct pool_extent pool_clip(int start, int kernel, int size)
{
    const int end = start + kernel < size ? start + kernel : size;
    const int begin = start > 0 ? start : 0;

    return (struct pool_extent){(uint32_t)begin, (uint32_t)(end - begin)};
}

/* One output pixel, four channels at a time; word is inlined into it. Up to three bytes are stored
 * behind the pixel unless the buffer ends there; the next pixel overwrites them. */
ALWAYS_INLINE void pool_pixel(struct pool_window window, uint32_t channels, uint8_t *out,
                              const uint8_t *out_end, pool_word_fn *word)
{
    for (uint32_t c = 0; c < channels; c += 4, window.in += 4)
        store_results(out + c, out_end, word(window));
}

ALWAYS_INLINE void pool_run(const struct kernel_args *args, pool_word_fn *word)
{
    const struct model_layer *layer = args->layer;
    const struct model_buffer *in = args->in_shape, *shape = args->out_shape;
    const uint32_t channels = in->channels, row = in->width * channels;
    struct pool_window window = {.row_step = row, .column_step = channels};
    uint8_t *out = args->out, *const out_end = out + shape->size_bytes;

    window.flip = in->is_signed ? 0x80808080 : 0;
    window.reciprocal = UINT32_MAX / (2u * layer->kernel_h * layer->kernel_w) + 1;
    for (int y = 0; y < shape->height; y++) {
        const struct pool_extent rows =
            pool_clip(y * layer->stride_h - layer->pad_top, layer->kernel_h, in->height);

        window.rows = rows.count;
        for (int x = 0; x < shape->width; x++, out += channels) {
            const struct pool_extent columns =
                pool_clip(x * layer->stride_w - layer->pad_left, layer->kernel_w, in->width);

            window.columns = columns.count;
            window.in = args->in + rows.start * row + columns.start * channels;
            pool_pixel(window, channels, out, out_end, word);
        }
    }
}

/* Of a power of two. The compiler's own needs a table. */
static inline unsigned pool_log2(unsigned count)
{
    unsigned log2 = 0;

    while (count >>= 1)
        log2++;
    return log2;
}

#endif
