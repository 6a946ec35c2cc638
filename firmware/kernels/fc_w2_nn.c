// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer, 2-bit weights, neural instructions.
 * Shapes   in K bytes, out [oc], weights [ceil(oc/4)][ceil(K/4)][1] words (model_format.h)
 * Demands  as kernels.h; up to three bytes behind in are read and count nothing
 * Exact    equal bit for bit to fc_rv32() and to the oracle in tests/model/ref_layers.c */
#include "fc_nn.h"
#include "rows_nn.h"
#include "stream.h"

static void small(const struct kernel_args *args)
{
    fc_nn(2, args, 0);
}

static void stream(const struct kernel_args *args)
{
    fc_nn_stream(args, fc_stream_w2);
}

#ifdef __riscv
/* Version 1: weights stay in registers while rows of whole groups pass. */
static STREAM_FALLBACK void resident(const struct kernel_args *args)
{
    const uint32_t channels = args->out_shape->channels;
    const uint32_t words = fc_nn_words(args);
    struct fc_rows rows = {.in = args->in,
                           .weights = args->weights,
                           .params = args->params,
                           .out = args->out,
                           .size = 4 * words,
                           .count = channels / 4,
                           .skip = ROWS_NN_RESIDENT + FC_NN_STREAMED - words};

    for (; (int32_t)rows.skip < 0; rows.skip += FC_NN_STREAMED)
        rows.turn_bytes += 4 * FC_NN_STREAMED;
    fc_nn_rows_w2(&rows);
    if (channels % 4)
        fc_nn(2, args, channels / 4);
}

static bool fits_resident(const struct kernel_args *args)
{
    return !stream_is_there() && fc_nn_words(args) >= ROWS_NN_RESIDENT &&
           args->out_shape->channels >= 4;
}
#endif

kernel_fn *fc_w2_nn_choose(const struct kernel_args *args)
{
#ifdef __riscv
    if (fits_resident(args))
        return resident;
#endif
    return fc_nn_streams(args) ? stream : small;
}

void fc_w2_nn(const struct kernel_args *args)
{
    fc_w2_nn_choose(args)(args);
}
