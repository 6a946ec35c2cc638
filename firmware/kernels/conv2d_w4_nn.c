// SPDX-License-Identifier: Apache-2.0
/* Convolution, 4-bit weights, neural instructions.
 * Shapes   in [h][w][c], out [oh][ow][oc], weights [ceil(oc/4)][ceil(K/4)][2] words,
 *          K = kernel_h*kernel_w*c (model_format.h)
 * Demands  as kernels.h; scratch of model_scratch_bytes()
 * Exact    equal bit for bit to conv2d_w4_rv32() and to the oracle in tests/model/ref_layers.c */
#include "conv2d_nn.h"

static void group(const struct conv2d_group *group)
{
    conv2d_nn_group(4, group);
}

void conv2d_w4_nn(const struct kernel_args *args)
{
    conv2d_run(args, group);
}
