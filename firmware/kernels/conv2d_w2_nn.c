// SPDX-License-Identifier: Apache-2.0
/* Convolution, 2-bit weights, neural instructions.
 * Shapes   in [h][w][c], out [oh][ow][oc], weights [ceil(oc/4)][ceil(K/4)][1] words,
 *          K = kernel_h*kernel_w*c; in groups: the same for each (model_format.h)
 * Demands  as kernels.h; scratch of model_scratch_bytes()
 * Exact    equal bit for bit to conv2d_rv32() and to the oracle in tests/model/ref_layers.c */
#include "conv2d_nn.h"

STREAM_FALLBACK static void group(const struct conv2d_group *group)
{
    switch (group->words) {
    case 1:
        conv2d_nn_short(2, 1, group);
        break;
    case 2:
        conv2d_nn_short(2, 2, group);
        break;
    case 3:
        conv2d_nn_short(2, 3, group);
        break;
    case 4:
        conv2d_nn_short(2, 4, group);
        break;
    case 5:
        conv2d_nn_short(2, 5, group);
        break;
    case 6:
        conv2d_nn_short(2, 6, group);
        break;
    case 7:
        conv2d_nn_short(2, 7, group);
        break;
    case 8:
        conv2d_nn_short(2, 8, group);
        break;
    case 9:
        conv2d_nn_short(2, 9, group);
        break;
    case 10:
        conv2d_nn_short(2, 10, group);
        break;
    case 11:
        conv2d_nn_short(2, 11, group);
        break;
    case 12:
        conv2d_nn_short(2, 12, group);
        break;
    case 13:
        conv2d_nn_short(2, 13, group);
        break;
    case 14:
        conv2d_nn_short(2, 14, group);
        break;
    case 15:
        conv2d_nn_short(2, 15, group);
        break;
    case 16:
        conv2d_nn_short(2, 16, group);
        break;
    default:
        conv2d_nn_long(2, group);
    }
}

void conv2d_w2_nn(const struct kernel_args *args)
{
    conv2d_nn_run(args, group);
}
