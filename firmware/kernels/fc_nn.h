// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer with the neural instructions; the width is a constant of the caller. */
#ifndef MPQ_FC_NN_H
#define MPQ_FC_NN_H

#include "dot_nn.h"
#include "kernels.h"

ALWAYS_INLINE void fc_nn(unsigned width, const struct kernel_args *args)
{
    const uint32_t words = model_row_words(args->layer, args->in_shape);
    const uint32_t group_bytes = words * 4 * dot_nn_weight_words(width);
    const uint8_t *weights = args->weights, *params = args->params;
    uint8_t *out = args->out, *const end = out + args->out_shape->channels;

    for (; out < end; out += 4, weights += group_bytes, params += MODEL_GROUP_BYTES) {
        neur_init(load_aligned(params), load_aligned(params + 4));
        dot_nn_row(width, weights, args->in, words);
        store_results(out, end, neur_res(load_aligned(params + 8), load_aligned(params + 12)));
    }
}

#endif
