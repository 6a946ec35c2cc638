// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer, 2-bit weights, neural instructions.
 * Shapes   in K bytes, out [oc], weights [ceil(oc/4)][ceil(K/4)][1] words (model_format.h)
 * Demands  as kernels.h; up to three bytes behind in are read and count nothing
 * Exact    equal bit for bit to fc_rv32() and to the oracle in tests/model/ref_layers.c */
#include "fc_nn.h"
#include "rows_nn.h"
#include "stream.h"

/* From group number first on. */
static NOINLINE void some_groups(const struct kernel_args *args, uint32_t first)
{
    fc_nn(2, args, first);
}

void fc_w2_nn(const struct kernel_args *args)
{
#ifdef __riscv
    const uint32_t channels = args->out_shape->channels;
    const uint32_t words = (args->in_shape->size_bytes + 3) / 4;
    struct fc_rows rows = {.in = args->in,
                           .weights = args->weights,
                           .params = args->params,
                           .out = args->out,
                           .size = 4 * words,
                           .count = channels / 4,
                           .skip = ROWS_NN_RESIDENT + FC_NN_STREAMED - words};

    if (stream_is_there()) {
        if (!fc_nn_stream(args, fc_stream_w2))
            some_groups(args, 0);
        return;
    }
    if (words >= ROWS_NN_RESIDENT && rows.count) {
        for (; (int32_t)rows.skip < 0; rows.skip += FC_NN_STREAMED)
            rows.turn_bytes += 4 * FC_NN_STREAMED;
        fc_nn_rows_w2(&rows);
        if (channels % 4)
            some_groups(args, channels / 4);
        return;
    }
#endif
    some_groups(args, 0);
}
