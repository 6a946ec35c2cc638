// SPDX-License-Identifier: Apache-2.0
/* ReLU of its own, where it is not part of the layer before: max(x, 0), in place or not. Unsigned
 * bytes stay. */
#include "kernels.h"
#include "words.h"

/* Bytes with their top bit set become 0. */
static uint32_t relu_word(uint32_t word)
{
    const uint32_t negative = word & 0x80808080;

    return word & ~((negative - (negative >> 7)) | negative);
}

void relu(const struct kernel_args *args)
{
    const bool is_signed = args->in_shape->is_signed;
    const uint8_t *in = args->in;
    uint8_t *out = args->out, *const end = out + args->in_shape->size_bytes;

    for (; out < end; in += 4, out += 4) {
        const uint32_t word = load_word(in);

        store_results(out, end, is_signed ? relu_word(word) : word);
    }
}
