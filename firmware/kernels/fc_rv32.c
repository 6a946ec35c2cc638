// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer, plain C, weights of any width. Shapes and demands: fc_w8_nn.c and its
 * like. */
#include "dot_rv32.h"
#include "kernels.h"
#include "requantize.h"

void fc_rv32(const struct kernel_args *args)
{
    const struct model_layer *layer = args->layer;
    dot_rv32_fn *const dot = dot_rv32_select(layer->weight_bits, args->in_shape->is_signed);
    const uint32_t words = (args->in_shape->size_bytes + 3) / 4;
    const uint8_t *weights = args->weights, *params = args->params;
    uint8_t *out = args->out, *const end = out + args->out_shape->channels;

    for (; out < end; out += 4, params += MODEL_GROUP_BYTES) {
        struct requantize_channel channels[4];
        uint32_t acc[4];

        requantize_load(params, channels);
        for (unsigned i = 0; i < 4; i++)
            acc[i] = channels[i].bias;
        dot(weights, args->in, words, acc);
        store_results(out, end, requantize_group(channels, acc, layer->relu));
        weights += words * 2 * layer->weight_bits;
    }
}
