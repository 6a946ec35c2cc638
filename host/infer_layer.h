// SPDX-License-Identifier: Apache-2.0
/* Inside the integer model: one layer on one tile of images (infer_path.h). */
#ifndef MPQ_INFER_LAYER_H
#define MPQ_INFER_LAYER_H

#include "infer_path.h"

struct infer_layer {
    struct model_layer layer;
    struct model_buffer in, out;
    /* Weighted layers only: */
    int segment_count, step_count, block_count;
    size_t plane_row, plane_bytes;  /* tile with zero borders; plane_bytes 0 without padding */
    uint32_t *weights;              /* blocks of channels, each as struct infer_row wants it */
    struct infer_channel *channels; /* [out.channels] */
};

/* Layer number index of a parsed model for path; borrows nothing. After a failure layer is still to
 * be cleared. */
MUST_CHECK enum status infer_layer_init(struct infer_layer *layer, const struct infer_path *path,
                                        const struct model *model, int index, struct error *err);
void infer_layer_clear(struct infer_layer *layer);

/* in, out: tiles of the layer's buffers; plane: work space of plane_bytes. Behind in and plane
 * INFER_STEP_MAX - 1 more activations may be read. Not for FLATTEN, which leaves a tile as it
 * is. */
void infer_layer_run(const struct infer_layer *layer, const struct infer_path *path,
                     const uint8_t *in, uint8_t *out, uint8_t *plane);

/* What a tile keeps for the value 0 in a buffer, and xors into its bytes. */
static inline uint8_t infer_zero(const struct model_buffer *buffer)
{
    return buffer->is_signed ? 128 : 0;
}

#endif
