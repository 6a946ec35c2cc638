// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer, 2-bit weights, plain C. Shapes and demands: fc_w2_nn.c. */
#include "fc_rv32.h"

void fc_w2_rv32(const struct kernel_args *args)
{
    fc_rv32(2, args);
}
