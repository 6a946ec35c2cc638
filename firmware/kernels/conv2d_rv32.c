// SPDX-License-Identifier: Apache-2.0
/* Convolution, plain C, weights of any width. Shapes and demands: conv2d_w8_nn.c and its like. */
#include "conv2d.h"
#include "dot_rv32.h"
#include "requantize.h"

void conv2d_rv32_group(const struct conv2d_group *group)
{
    dot_rv32_fn *const dot = dot_rv32_select(group->weight_bits, group->is_signed);
    const bool relu = group->params[12] & 1;
    const uint8_t *patch = group->patch;
    uint8_t *out = group->out;
    struct requantize_channel channels[4];

    requantize_load(group->params, channels);
    for (uint32_t n = group->pixels; n; n--, patch += group->patch_size, out += group->out_stride) {
        uint32_t acc[4] = {channels[0].bias, channels[1].bias, channels[2].bias, channels[3].bias};

        dot(group->weights, patch, group->words, acc);
        store_word(out, requantize_group(channels, acc, relu));
    }
}

void conv2d_rv32(const struct kernel_args *args)
{
    conv2d_run(args, conv2d_rv32_group, NULL);
}
