// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer, 8-bit weights, neural instructions.
 * Shapes   in K bytes, out [oc], weights [ceil(oc/4)][ceil(K/4)][4] words (model_format.h)
 * Demands  as kernels.h; up to three bytes behind in are read and count nothing
 * Exact    equal bit for bit to fc_rv32() and to the oracle in tests/model/ref_layers.c */
#include "fc_nn.h"

void fc_w8_nn(const struct kernel_args *args)
{
    if (!fc_nn_stream(args, fc_stream_w8))
        fc_nn(8, args, 0);
}
