// SPDX-License-Identifier: Apache-2.0
/* Index of the largest element as a uint16; the first one wins. */
#include "bytes.h"
#include "kernels.h"

void argmax(const struct kernel_args *args)
{
    /* keeps the order, makes it unsigned */
    const unsigned flip = args->in_shape->is_signed ? 0x80 : 0;
    uint32_t best = 0;

    for (uint32_t i = 1; i < args->in_shape->size_bytes; i++) {
        if ((args->in[i] ^ flip) > (args->in[best] ^ flip))
            best = i;
    }
    put_u16(args->out, (uint16_t)best);
}
