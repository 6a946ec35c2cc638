// SPDX-License-Identifier: Apache-2.0
/* Convolution, 8-bit weights, neural instructions.
 * Shapes   in [h][w][c], out [oh][ow][oc], weights [ceil(oc/4)][ceil(K/4)][4] words,
 *          K = kernel_h*kernel_w*c; in groups: the same for each (model_format.h)
 * Demands  as kernels.h; scratch of model_scratch_bytes()
 * Exact    equal bit for bit to conv2d_rv32() and to the oracle in tests/model/ref_layers.c */
#include "conv2d_nn.h"

STREAM_FALLBACK static void group(const struct conv2d_group *group)
{
    switch (group->words) {
    case 1:
        conv2d_nn_short(8, 1, group);
        break;
    case 2:
        conv2d_nn_short(8, 2, group);
        break;
    case 3:
        conv2d_nn_short(8, 3, group);
        break;
    case 4:
        conv2d_nn_short(8, 4, group);
        break;
    default:
        conv2d_nn_long(8, group);
    }
}

void conv2d_w8_nn(const struct kernel_args *args)
{
    conv2d_nn_run(args, group);
}
