// SPDX-License-Identifier: Apache-2.0
/* Inside the integer model: the weighted layers' inner loops, one set for each kind of vector unit,
 * chosen at run time. All give the same results bit for bit.
 *
 * A tile is INFER_LANES images side by side: every activation is INFER_LANES bytes, one for each image, so that each
 * operation is a vector operation whatever the layer's shape. Shape [height][width][channel][lane]; a signed activation
 * is kept as value + 128, so that all are unsigned. A window of a convolution is segment_count runs of contiguous
 * activations; a fully connected layer is one window of one segment. A convolution in groups, and a path that wants it,
 * finds its window's activations by their offsets. Channels are done in blocks, which share the loads of a window. */
#ifndef MPQ_INFER_PATH_H
#define MPQ_INFER_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "infer/infer.h"

enum {
    INFER_LANES = 16,
    INFER_STEP_MAX = 4, /* activations that one weight word meets */
};

typedef uint8_t byte_lanes __attribute__((vector_size(INFER_LANES))); /* of one activation */

struct infer_channel {
    uint32_t start; /* of the accumulator: bias, corrected for the 128 in signed activations */
    uint32_t multiplier, half; /* half: of what the shift drops, which rounds; 0 without a shift */
    uint64_t shift;            /* as vector shifts want it */
};

/* One row of output pixels, all channels of a group or one block of them. A segment may be read up to INFER_STEP_MAX - 1
 * activations behind its end, where the weights are zero. */
struct infer_row {
    const uint8_t *in;       /* window of the first pixel; with offsets: what they count from */
    uint8_t *out;            /* first pixel, first channel */
    const uint32_t *weights; /* blocks of channels (infer_block()), each [segment_count][step_count]
                                [channels of the block] words of path->step_elements weights */
    const struct infer_channel *channels;
    /* run_gathered: [step_count * path->step_elements] bytes to each activation of a window, any valid ones where the
     * weights are zero; segment_count is 1 and segment_stride unused. */
    const uint32_t *offsets;
    int channel_count, block_count, pixel_count, segment_count, step_count;
    size_t segment_stride, in_stride, out_stride; /* bytes to the next segment; to the next pixel */
    uint8_t *window; /* work space: step_count * path->window_step_bytes */
    bool relu;
};

/* First channel of a block; blocks differ by one channel at most. */
static inline int infer_block_start(int channel_count, int block_count, int block)
{
    return (int)((int64_t)block * channel_count / block_count);
}

/* The part of a row that is one block's: its channels alone. */
static inline struct infer_row infer_block(const struct infer_row *row, int block)
{
    struct infer_row part = *row;
    const int first = infer_block_start(row->channel_count, row->block_count, block);
    part.channel_count = infer_block_start(row->channel_count, row->block_count, block + 1) - first;
    part.block_count = 1;
    part.channels += first;
    part.weights += (size_t)first * (size_t)(row->segment_count * row->step_count);
    part.out += first * INFER_LANES;
    return part;
}

struct infer_path {
    const char *name;
    int step_elements; /* weights of a word: 4 int8 or 2 int16, the first one lowest */
    int channels_max;  /* of a block */
    /* run_gathered does all blocks of a group at a time, in every layer (so each has offsets, and one
     * segment); else blocks come one by one. */
    bool takes_all_blocks;
    size_t window_step_bytes; /* of the work space */
    bool (*is_supported)(void);
    void (*run_row)(const struct infer_row *row); /* NULL if it takes all blocks */
    void (*run_gathered)(const struct infer_row *row);
};

extern const struct infer_path infer_path_portable;
#ifdef __x86_64__
extern const struct infer_path infer_path_avx2, infer_path_avx512;
#endif

/* Path number index, from the fastest to the portable one, which any machine supports; NULL behind
 * it. */
const struct infer_path *infer_path_at(int index);

/* infer_create() on a given path that this machine supports. */
MUST_CHECK enum status infer_create_on(const struct infer_path *path, const struct model *model,
                                       struct infer **out, struct error *err);

#endif
