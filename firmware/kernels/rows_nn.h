// SPDX-License-Identifier: Apache-2.0
/* Rows that stay in registers in part: what rows_nn.S and its callers agree on. */
#ifndef MPQ_ROWS_NN_H
#define MPQ_ROWS_NN_H

/* Words that stay in registers. */
#define ROWS_NN_RESIDENT 16

/* Convolution: weight words that are loaded for each pixel, at most; the same in activation words
 * by width. */
#define CONV2D_NN_STREAMED    48
#define CONV2D_NN_STREAMED_W8 12
#define CONV2D_NN_STREAMED_W4 24
#define CONV2D_NN_STREAMED_W2 48

/* Fully connected: words of a turn. */
#define FC_NN_STREAMED 48

/* Fields of struct fc_rows. */
#define FC_ROWS_IN         0
#define FC_ROWS_WEIGHTS    4
#define FC_ROWS_PARAMS     8
#define FC_ROWS_OUT        12
#define FC_ROWS_SIZE       16
#define FC_ROWS_COUNT      20
#define FC_ROWS_SKIP       24
#define FC_ROWS_TURN_BYTES 28

#ifndef __ASSEMBLER__
#include "conv2d.h"

/* A row has more than ROWS_NN_RESIDENT weight words, and no more than CONV2D_NN_STREAMED beyond
 * them. */
conv2d_group_fn conv2d_nn_medium_w8, conv2d_nn_medium_w4, conv2d_nn_medium_w2;

/* Pairs of pixels; a last one without a partner is left. A row has at least 2 * ROWS_NN_RESIDENT
 * weight words. pixels > 1. */
conv2d_group_fn conv2d_nn_pairs_w8, conv2d_nn_pairs_w4, conv2d_nn_pairs_w2;

/* Rows of four channels each, all of which are there. A row has
 * ROWS_NN_RESIDENT + (turns + 1) * FC_NN_STREAMED - skip words, 0 <= skip <= FC_NN_STREAMED. */
struct fc_rows {
    const uint8_t *in, *weights, *params;
    uint8_t *out;
    uint32_t size;  /* bytes of a row */
    uint32_t count; /* > 0 */
    uint32_t skip;
    uint32_t turn_bytes; /* 4 * FC_NN_STREAMED * turns */
};

#ifdef __riscv
_Static_assert(offsetof(struct fc_rows, in) == FC_ROWS_IN &&
                   offsetof(struct fc_rows, weights) == FC_ROWS_WEIGHTS &&
                   offsetof(struct fc_rows, params) == FC_ROWS_PARAMS &&
                   offsetof(struct fc_rows, out) == FC_ROWS_OUT &&
                   offsetof(struct fc_rows, size) == FC_ROWS_SIZE &&
                   offsetof(struct fc_rows, count) == FC_ROWS_COUNT &&
                   offsetof(struct fc_rows, skip) == FC_ROWS_SKIP &&
                   offsetof(struct fc_rows, turn_bytes) == FC_ROWS_TURN_BYTES,
               "assembly knows other places");
#endif

/* FC, 2-bit weights. */
void fc_nn_rows_w2(const struct fc_rows *rows);
#endif

#endif
