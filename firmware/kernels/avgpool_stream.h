// SPDX-License-Identifier: Apache-2.0
/* Average pooling with the instructions of version 2: what avgpool_stream.S and its caller agree
 * on. */
#ifndef MPQ_AVGPOOL_STREAM_H
#define MPQ_AVGPOOL_STREAM_H

/* Fields of struct avgpool_stream. */
#define AVGPOOL_STREAM_IN          0
#define AVGPOOL_STREAM_OUT         4
#define AVGPOOL_STREAM_ROW         8
#define AVGPOOL_STREAM_CHANNELS    12
#define AVGPOOL_STREAM_STEP        16
#define AVGPOOL_STREAM_DOWN        20
#define AVGPOOL_STREAM_PIXELS      24
#define AVGPOOL_STREAM_COUNT       28
#define AVGPOOL_STREAM_GROUPS      32
#define AVGPOOL_STREAM_MODE        36
#define AVGPOOL_STREAM_MULTIPLIERS 40
#define AVGPOOL_STREAM_SHIFTS      44

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct avgpool_stream {
    const uint8_t *in;    /* the first window's first element, first channel of these groups */
    uint8_t *out;         /* the same channel of the first output pixel */
    uint32_t row;         /* bytes from a window's upper row to its lower one */
    uint32_t channels;    /* bytes from pixel to pixel */
    uint32_t step;        /* bytes from window to window */
    uint32_t down;        /* bytes from a row's windows to the next one's */
    uint32_t pixels;      /* of a row of the output, > 0; a row follows the other */
    uint32_t count;       /* of rows, > 0 */
    uint32_t groups;      /* of four channels, 1 to STREAM_BANKS */
    uint32_t mode;        /* as in neur_init */
    uint32_t multipliers; /* as in neur_res, and so are the shifts */
    uint32_t shifts;
};

#ifdef __riscv
_Static_assert(offsetof(struct avgpool_stream, in) == AVGPOOL_STREAM_IN &&
                   offsetof(struct avgpool_stream, out) == AVGPOOL_STREAM_OUT &&
                   offsetof(struct avgpool_stream, row) == AVGPOOL_STREAM_ROW &&
                   offsetof(struct avgpool_stream, channels) == AVGPOOL_STREAM_CHANNELS &&
                   offsetof(struct avgpool_stream, step) == AVGPOOL_STREAM_STEP &&
                   offsetof(struct avgpool_stream, down) == AVGPOOL_STREAM_DOWN &&
                   offsetof(struct avgpool_stream, pixels) == AVGPOOL_STREAM_PIXELS &&
                   offsetof(struct avgpool_stream, count) == AVGPOOL_STREAM_COUNT &&
                   offsetof(struct avgpool_stream, groups) == AVGPOOL_STREAM_GROUPS &&
                   offsetof(struct avgpool_stream, mode) == AVGPOOL_STREAM_MODE &&
                   offsetof(struct avgpool_stream, multipliers) == AVGPOOL_STREAM_MULTIPLIERS &&
                   offsetof(struct avgpool_stream, shifts) == AVGPOOL_STREAM_SHIFTS,
               "assembly knows other places");

/* Windows of 2x2. Stores whole words: up to three bytes behind a pixel, which the next one must
 * overwrite; reads as many behind the input. */
void avgpool_stream_2x2(const struct avgpool_stream *walk);
#else
static inline void avgpool_stream_2x2(const struct avgpool_stream *walk)
{
    (void)walk; /* nothing calls it where stream_is_there() says no */
}
#endif
#endif

#endif
