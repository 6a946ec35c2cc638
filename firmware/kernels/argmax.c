// SPDX-License-Identifier: Apache-2.0
/* Index of the largest element as a uint16; the first one wins. */
#include "bytes.h"
#include "kernels.h"

void argmax(const struct kernel_args *args)
{
    /* keeps the order, makes it unsigned */
    const unsigned flip = args->in_shape->is_signed ? 0x80 : 0;
    const uint8_t *in = args->in, *const end = in + args->in_shape->size_bytes;
    const uint8_t *best = in;
    unsigned most = *in ^ flip;

    for (in++; in < end; in++) {
        const unsigned value = *in ^ flip;

        if (value > most) {
            most = value;
            best = in;
        }
    }
    put_u16(args->out, (uint16_t)(best - args->in));
}
