// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer with the neural instructions; the width is a constant of the caller. */
#ifndef MPQ_FC_NN_H
#define MPQ_FC_NN_H

#include "dot_nn.h"
#include "fc_stream.h"
#include "kernels.h"

/* Words of activations. */
ALWAYS_INLINE uint32_t fc_nn_words(const struct kernel_args *args)
{
    return (args->in_shape->size_bytes + 3) / 4;
}

/* From group number first on. */
ALWAYS_INLINE void fc_nn(unsigned width, const struct kernel_args *args, uint32_t first)
{
    const uint32_t words = fc_nn_words(args);
    const uint32_t group_bytes = words * 4 * dot_nn_weight_words(width);
    const uint8_t *weights = args->weights + first * group_bytes;
    const uint8_t *params = args->params + first * MODEL_GROUP_BYTES;
    uint8_t *out = args->out + 4 * first, *const end = args->out + args->out_shape->channels;

    for (; out < end; out += 4, weights += group_bytes, params += MODEL_GROUP_BYTES) {
        neur_init(load_aligned(params), load_aligned(params + 4));
        dot_nn_row(width, weights, args->in, words);
        store_results(out, end, neur_res(load_aligned(params + 8), load_aligned(params + 12)));
    }
}

/* The layer is one for fc_nn_stream(): the core has the instructions of version 2, and fc_nn() is not
 * sooner done. */
bool fc_nn_streams(const struct kernel_args *args);

/* The whole layer with the instructions of version 2. */
void fc_nn_stream(const struct kernel_args *args, fc_stream_fn *compute);

#endif
