// SPDX-License-Identifier: Apache-2.0
/* Residual addition, plain C. Shapes and demands: add_nn.c. */
#include "add.h"
#include "dot_rv32.h"
#include "requantize.h"

ALWAYS_INLINE void add_elements(const struct kernel_args *args, bool a_signed, bool b_signed)
{
    const struct add_params params = add_load(args->params);
    const int32_t ma = params.ma & 0xff, mb = params.mb & 0xff;
    const uint32_t multiplier = params.multiplier & 0xff;
    const unsigned shift = requantize_shift(params.shift, 0);
    const bool relu = params.shift & 1;
    const uint8_t *a = args->in, *b = args->in2;

    for (uint8_t *out = args->out, *end = out + args->out_shape->size_bytes; out < end; out++) {
        const int32_t sum =
            ma * dot_rv32_activation(a_signed, *a++) + mb * dot_rv32_activation(b_signed, *b++);

        *out = (uint8_t)requantize((uint32_t)sum, multiplier, shift, relu);
    }
}

void add_rv32(const struct kernel_args *args)
{
    const bool a_signed = args->in_shape->is_signed, b_signed = args->in2_shape->is_signed;

    if (a_signed && b_signed)
        add_elements(args, true, true);
    else if (a_signed)
        add_elements(args, true, false);
    else if (b_signed)
        add_elements(args, false, true);
    else
        add_elements(args, false, false);
}
