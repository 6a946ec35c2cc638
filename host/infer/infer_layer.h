// SPDX-License-Identifier: Apache-2.0
/* Inside the integer model: one layer on one tile of images (infer_path.h). */
#ifndef MPQ_INFER_LAYER_H
#define MPQ_INFER_LAYER_H

#include "infer/infer_path.h"
#include "quant/quant.h"

struct infer_layer {
    struct model_layer layer;
    struct model_buffer in, in2, out; /* in2: ADD only */
    /* Weighted layers only: */
    int segment_count, step_count, block_count; /* blocks of one group of the convolution */
    size_t window_bytes;                        /* work space for a window */
    size_t plane_row, plane_bytes;  /* tile with zero borders; plane_bytes 0 without padding */
    uint32_t *weights;              /* blocks of channels, each as struct infer_row wants it */
    uint32_t *offsets;              /* of several groups, or as the path wants; else NULL */
    struct infer_channel *channels; /* [out.channels] */
    struct quant_add add;           /* ADD only: the integers */
};

/* What a layer works on: tiles of its buffers; in2: ADD only. plane, window: work space. Behind
 * the ends of in and plane stand INFER_STEP_MAX - 1 more activations that may be read. */
struct infer_tiles {
    const uint8_t *in, *in2;
    uint8_t *out, *plane, *window;
};

/* Layer number index of a parsed model for path; borrows nothing. After a failure layer is still to
 * be cleared. */
MUST_CHECK enum status infer_layer_init(struct infer_layer *layer, const struct infer_path *path,
                                        const struct model *model, int index, struct error *err);
void infer_layer_clear(struct infer_layer *layer);

/* Not for FLATTEN, which leaves a tile as it is. RELU and ADD may write over what they read. */
void infer_layer_run(const struct infer_layer *layer, const struct infer_path *path,
                     const struct infer_tiles *tiles);

/* What a tile keeps for the value 0 in a buffer, and xors into its bytes. */
static inline uint8_t infer_zero(const struct model_buffer *buffer)
{
    return buffer->is_signed ? 128 : 0;
}

#endif
