// SPDX-License-Identifier: Apache-2.0
/* Convolution, 2-bit weights, plain C. Shapes and demands: conv2d_w2_nn.c. */
#include "conv2d_rv32.h"

static void group(const struct conv2d_group *group)
{
    conv2d_rv32_group(2, group);
}

void conv2d_w2_rv32(const struct kernel_args *args)
{
    conv2d_run(args, group);
}
