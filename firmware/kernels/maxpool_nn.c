// SPDX-License-Identifier: Apache-2.0
/* Max pooling, neural instructions: windows of 2x2 on uint8 without padding, as most are. The
 * larger of two bytes is b + max(a - b, 0), in depthwise mode with weights of 1 and -1. With the
 * instructions of version 2: pool_jit.c, and what does not suit it like any other window.
 * Exact    equal bit for bit to maxpool() and to the oracle in tests/model/ref_layers.c */
#include "kernels.h"
#include "nn_insn.h"
#include "pool_jit.h"
#include "stream.h"
#include "words.h"

enum { ONES = 0x01010101, MINUS_ONES = (int)0xffffffff, MODE_DEPTHWISE = 1, RELU = 1 };

bool maxpool_nn_fits(const struct model_layer *layer, const struct model_buffer *in)
{
    return layer->kernel_h == 2 && layer->kernel_w == 2 && !layer->pad_top && !layer->pad_left &&
           !layer->pad_bottom && !layer->pad_right && !in->is_signed;
}

/* The larger one of each byte. No byte of the sum carries into the next. */
ALWAYS_INLINE uint32_t max_word(uint32_t a, uint32_t b)
{
    neur_init(0, MODE_DEPTHWISE);
    nn_mac_8b(ONES, a);
    nn_mac_8b((uint32_t)MINUS_ONES, b);
    return b + neur_res(ONES, RELU);
}

/* below: bytes to the row below; right: to the next pixel. */
ALWAYS_INLINE uint32_t max_2x2(const uint8_t *in, uint32_t below, uint32_t right)
{
    const uint8_t *const under = in + below;
    const uint32_t a = load_here(in), b = load_here(in + right);
    const uint32_t c = load_here(under), d = load_here(under + right);

    return max_word(max_word(a, b), max_word(c, d));
}

STREAM_FALLBACK static NOINLINE void run(const struct kernel_args *args)
{
    const struct model_buffer *shape = args->out_shape;
    const uint32_t channels = shape->channels, row = args->in_shape->width * channels;
    const uint32_t step = args->layer->stride_w * channels;
    uint8_t *out = args->out, *const end = out + shape->size_bytes;

    for (uint32_t y = 0; y < shape->height; y++) {
        const uint8_t *in = args->in + y * args->layer->stride_h * row;

        for (uint32_t x = shape->width; x; x--, in += step) {
            const uint8_t *from = in;
            uint8_t *const next = out + channels;

            for (; next - out >= 4; from += 4, out += 4)
                store_word(out, max_2x2(from, row, channels));
            if (out < next)
                store_results(out, end, max_2x2(from, row, channels));
            out = next;
        }
    }
}

void maxpool_nn(const struct kernel_args *args)
{
    if (!stream_is_there()) {
        run(args);
    } else if (!pool_jit_max(args)) {
        maxpool(args);
    }
}
