// SPDX-License-Identifier: Apache-2.0
/* Fully connected layer with the instructions of version 2: what fc_stream.S and its caller agree
 * on. */
#ifndef MPQ_FC_STREAM_H
#define MPQ_FC_STREAM_H

/* Fields of struct fc_stream. */
#define FC_STREAM_IN      0
#define FC_STREAM_WEIGHTS 4
#define FC_STREAM_PARAMS  8
#define FC_STREAM_OUT     12
#define FC_STREAM_WORDS   16
#define FC_STREAM_SIZE    20
#define FC_STREAM_COUNT   24

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* Groups of four channels: up to STREAM_BANKS, or a multiple of it. */
struct fc_stream {
    const uint8_t *in, *weights, *params;
    uint8_t *out;   /* four bytes a group */
    uint32_t words; /* of activations, > 0 */
    uint32_t size;  /* bytes of a group's weights */
    uint32_t count; /* of groups, > 0 */
};

#ifdef __riscv
_Static_assert(offsetof(struct fc_stream, in) == FC_STREAM_IN &&
                   offsetof(struct fc_stream, weights) == FC_STREAM_WEIGHTS &&
                   offsetof(struct fc_stream, params) == FC_STREAM_PARAMS &&
                   offsetof(struct fc_stream, out) == FC_STREAM_OUT &&
                   offsetof(struct fc_stream, words) == FC_STREAM_WORDS &&
                   offsetof(struct fc_stream, size) == FC_STREAM_SIZE &&
                   offsetof(struct fc_stream, count) == FC_STREAM_COUNT,
               "assembly knows other places");
#endif

typedef void fc_stream_fn(const struct fc_stream *groups);
#ifdef __riscv
fc_stream_fn fc_stream_w8, fc_stream_w4, fc_stream_w2;
#else
#define fc_stream_w8 NULL
#define fc_stream_w4 NULL
#define fc_stream_w2 NULL
#endif
#endif

#endif
