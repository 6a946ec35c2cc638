// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer, 4-bit weights, plain C. Shapes and demands: fc_w4_nn.c. */
#include "fc_rv32.h"

void fc_w4_rv32(const struct kernel_args *args)
{
    fc_rv32(4, args);
}
