// SPDX-License-Identifier: Apache-2.0
/* Inside the integer model: the weighted layers' inner loops, one set for each kind of vector unit,
 * chosen at run time. All give the same results bit for bit.
 *
 * A tile is INFER_LANES images side by side: every activation is INFER_LANES bytes, one for each image, so that each
 * operation is a vector operation whatever the layer's shape. Shape [height][width][channel][lane]; a signed activation
 * is kept as value + 128, so that all are unsigned. A window of a convolution is segment_count runs of contiguous
 * activations; a fully connected layer is one window of one segment. A convolution in groups finds its window's
 * activations by their offsets. */
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

struct infer_channel {
    uint32_t start; /* of the accumulator: bias, corrected for the 128 in signed activations */
    uint8_t multiplier, shift;
};

/* One row of output pixels, one block of channels. A segment may be read up to INFER_STEP_MAX - 1
 * activations behind its end, where the weights are zero. */
struct infer_row {
    const uint8_t *in; /* window of the first pixel; with offsets: what they count from */
    uint8_t *out;      /* first pixel, first channel */
    const uint32_t *
        weights; /* [segment_count][step_count][channel_count] words of path->step_elements weights */
    const struct infer_channel *channels;
    /* run_gathered: [step_count * path->step_elements] bytes to each activation of a window, any valid ones where the
     * weights are zero; segment_count is 1 and segment_stride unused. */
    const uint32_t *offsets;
    int channel_count, pixel_count, segment_count, step_count;
    size_t segment_stride, in_stride, out_stride; /* bytes to the next segment; to the next pixel */
    bool relu;
};

struct infer_path {
    const char *name;
    int step_elements; /* weights of a word: 4 int8 or 2 int16, the first one lowest */
    int channels_max;  /* of a block: output channels that share the loads of a window */
    bool (*is_supported)(void);
    void (*run_row)(const struct infer_row *row);
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
