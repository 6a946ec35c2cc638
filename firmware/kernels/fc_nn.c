// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer with the instructions of version 2: as many groups of channels at a time as
 * the unit has banks. Small layers are sooner done without. */
#include "fc_nn.h"
#include "copy.h"
#include "stream.h"

#ifdef __riscv
enum { LEAST_WORDS = 32 /* of 2-bit weights */ };

static NOINLINE void run(const struct kernel_args *args, fc_stream_fn *compute,
                         struct fc_stream groups)
{
    const uint32_t channels = args->out_shape->channels;
    const bool is_cut = channels % 4;
    uint32_t left = groups.count % STREAM_BANKS;
    _Alignas(4) uint8_t results[4 * STREAM_BANKS];

    if (!left && is_cut)
        left = STREAM_BANKS;
    groups.count -= left;
    if (groups.count) {
        compute(&groups);
        groups.weights += groups.count * groups.size;
        groups.params += groups.count * MODEL_GROUP_BYTES;
        groups.out += 4 * groups.count;
    }
    groups.count = left;
    if (left && is_cut)
        groups.out = results;
    if (left)
        compute(&groups);
    if (is_cut)
        copy_exact(results, args->out + channels / (4 * STREAM_BANKS) * (4 * STREAM_BANKS),
                   channels % (4 * STREAM_BANKS));
}

bool fc_nn_stream(const struct kernel_args *args, fc_stream_fn *compute)
{
    const uint32_t words = (args->in_shape->size_bytes + 3) / 4;
    const struct fc_stream groups = {
        .in = args->in,
        .weights = args->weights,
        .params = args->params,
        .out = args->out,
        .words = words,
        .size = words * 2 * args->layer->weight_bits,
        .count = (args->out_shape->channels + 3u) / 4,
    };

    if (groups.size * groups.count < 4 * LEAST_WORDS || !stream_is_there())
        return false;
    run(args, compute, groups);
    return true;
}
#else
bool fc_nn_stream(const struct kernel_args *args, fc_stream_fn *compute)
{
    (void)args;
    (void)compute;
    return false;
}
#endif
