// SPDX-License-Identifier: Apache-2.0
/* Copies of a few words or more, at any address. */
#ifndef MPQ_COPY_H
#define MPQ_COPY_H

#include "words.h"

/* copy_chunks() and zero_chunks() go up to the next chunk: less than this behind their end. */
enum { COPY_CHUNK_BYTES = 16 };

static inline void copy_chunks(const uint8_t *from, uint8_t *to, uint32_t size)
{
    for (const uint8_t *end = from + size; from < end;
         from += COPY_CHUNK_BYTES, to += COPY_CHUNK_BYTES) {
        const uint32_t a = load_word(from), b = load_word(from + 4);
        const uint32_t c = load_word(from + 8), d = load_word(from + 12);

        store_word(to, a);
        store_word(to + 4, b);
        store_word(to + 8, c);
        store_word(to + 12, d);
    }
}

static inline void zero_chunks(uint8_t *to, uint32_t size)
{
    for (const uint8_t *end = to + size; to < end; to += COPY_CHUNK_BYTES) {
        store_word(to, 0);
        store_word(to + 4, 0);
        store_word(to + 8, 0);
        store_word(to + 12, 0);
    }
}

/* size: a multiple of 4. */
static inline void zero_words(uint8_t *to, uint32_t size)
{
    const uint32_t whole = size & ~(COPY_CHUNK_BYTES - 1u);

    zero_chunks(to, whole);
    for (to += whole, size -= whole; size; size -= 4, to += 4)
        store_word(to, 0);
}

static inline void copy_exact(const uint8_t *from, uint8_t *to, uint32_t size)
{
    for (; size >= 4; size -= 4, from += 4, to += 4)
        store_word(to, load_word(from));
    for (; size; size--)
        *to++ = *from++;
}

static inline void copy_long(const uint8_t *from, uint8_t *to, uint32_t size)
{
    enum { LONG_BYTES = 32 };

    for (; size >= LONG_BYTES; size -= LONG_BYTES, from += LONG_BYTES, to += LONG_BYTES) {
        const uint32_t a = load_word(from), b = load_word(from + 4);
        const uint32_t c = load_word(from + 8), d = load_word(from + 12);
        const uint32_t e = load_word(from + 16), f = load_word(from + 20);
        const uint32_t g = load_word(from + 24), h = load_word(from + 28);

        store_word(to, a);
        store_word(to + 4, b);
        store_word(to + 8, c);
        store_word(to + 12, d);
        store_word(to + 16, e);
        store_word(to + 20, f);
        store_word(to + 24, g);
        store_word(to + 28, h);
    }
    copy_exact(from, to, size);
}

#endif
