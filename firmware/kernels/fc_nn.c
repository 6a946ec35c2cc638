// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer with the instructions of version 2: as many groups of channels at a time as
 * the unit has banks. Small layers are sooner done without. */
#include "fc_nn.h"
#include "copy.h"
#include "stream.h"

#ifdef __riscv
enum { LEAST_WORDS = 32 /* of 2-bit weights */ };

static uint32_t group_count(const struct kernel_args *args)
{
    return (args->out_shape->channels + 3u) / 4;
}

static uint32_t group_bytes(const struct kernel_args *args)
{
    return fc_nn_words(args) * 2 * args->layer->weight_bits;
}

bool fc_nn_streams(const struct kernel_args *args)
{
    return group_bytes(args) * group_count(args) >= 4 * LEAST_WORDS && stream_is_there();
}

/* More groups than one call takes, or a last group that is not full: its results go through the
 * stack, as bytes behind the buffer stay as they are. */
static NOINLINE void in_parts(const struct kernel_args *args, fc_stream_fn *compute,
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

void fc_nn_stream(const struct kernel_args *args, fc_stream_fn *compute)
{
    const struct fc_stream groups = {
        .in = args->in,
        .weights = args->weights,
        .params = args->params,
        .out = args->out,
        .words = fc_nn_words(args),
        .size = group_bytes(args),
        .count = group_count(args),
    };

    if (groups.count <= STREAM_BANKS && args->out_shape->channels % 4 == 0)
        compute(&groups);
    else
        in_parts(args, compute, groups);
}
#else
bool fc_nn_streams(const struct kernel_args *args)
{
    (void)args;
    return false;
}

void fc_nn_stream(const struct kernel_args *args, fc_stream_fn *compute)
{
    (void)args;
    (void)compute;
}
#endif
