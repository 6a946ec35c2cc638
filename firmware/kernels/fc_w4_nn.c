// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer, 4-bit weights, neural instructions.
 * Shapes   in K bytes, out [oc], weights [ceil(oc/4)][ceil(K/4)][2] words (model_format.h)
 * Demands  as kernels.h; up to three bytes behind in are read and count nothing
 * Exact    equal bit for bit to fc_rv32() and to the oracle in tests/model/ref_layers.c */
#include "fc_nn.h"

static void small(const struct kernel_args *args)
{
    fc_nn(4, args, 0);
}

static void stream(const struct kernel_args *args)
{
    fc_nn_stream(args, fc_stream_w4);
}

kernel_fn *fc_w4_nn_choose(const struct kernel_args *args)
{
    return fc_nn_streams(args) ? stream : small;
}

void fc_w4_nn(const struct kernel_args *args)
{
    fc_w4_nn_choose(args)(args);
}
