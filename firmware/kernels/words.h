// SPDX-License-Identifier: Apache-2.0
/* Words at any address. The core loads and stores them in hardware; the compiler would take them
 * apart into bytes, so there they are written in assembly. Little-endian hosts only. */
#ifndef MPQ_WORDS_H
#define MPQ_WORDS_H

#include <stdint.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline)) /* for a loop that needs all registers for itself */

#ifdef __riscv
typedef uint32_t any_word __attribute__((may_alias, aligned(1)));
typedef uint16_t any_half __attribute__((may_alias, aligned(1)));

ALWAYS_INLINE uint32_t load_word(const uint8_t *p)
{
    uint32_t word;

    __asm__("lw %0, %1" : "=r"(word) : "m"(*(const any_word *)p));
    return word;
}

ALWAYS_INLINE void store_word(uint8_t *p, uint32_t word)
{
    __asm__("sw %1, %0" : "=m"(*(any_word *)p) : "r"(word));
}

ALWAYS_INLINE uint16_t load_half(const uint8_t *p)
{
    uint16_t half;

    __asm__("lhu %0, %1" : "=r"(half) : "m"(*(const any_half *)p));
    return half;
}

ALWAYS_INLINE void store_half(uint8_t *p, uint16_t half)
{
    __asm__("sh %1, %0" : "=m"(*(any_half *)p) : "r"(half));
}

/* A word, loaded exactly here in the order of the neural instructions: use it no sooner
 * than two instructions later. Left to itself the compiler puts a load right before its use. */
ALWAYS_INLINE uint32_t load_here(const uint8_t *p)
{
    uint32_t word;

    __asm__ volatile("lw %0, %1" : "=r"(word) : "m"(*(const any_word *)p));
    return word;
}
#else
ALWAYS_INLINE uint32_t load_word(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

ALWAYS_INLINE void store_word(uint8_t *p, uint32_t word)
{
    memcpy(p, &word, sizeof word);
}

ALWAYS_INLINE uint16_t load_half(const uint8_t *p)
{
    uint16_t half;

    memcpy(&half, p, sizeof half);
    return half;
}

ALWAYS_INLINE void store_half(uint8_t *p, uint16_t half)
{
    memcpy(p, &half, sizeof half);
}
#endif

/* What was read from memory before is read again where it is needed next: for code that needs all
 * registers meanwhile. */
ALWAYS_INLINE void forget_memory(void)
{
    __asm__ volatile("" ::: "memory");
}

/* A pointer that the compiler works on as it stands, instead of taking its sum with constants and
 * strides apart into registers of their own. */
ALWAYS_INLINE const uint8_t *as_it_stands(const uint8_t *p)
{
    __asm__("" : "+r"(p));
    return p;
}

#ifndef __riscv
ALWAYS_INLINE uint32_t load_here(const uint8_t *p)
{
    return load_word(p);
}
#endif

/* A word that is known to be aligned; the compiler may schedule it. */
ALWAYS_INLINE uint32_t load_aligned(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, __builtin_assume_aligned(p, 4), sizeof word);
    return word;
}

/* Stores four results at out, or the first of them if the buffer ends before: bytes from end on
 * stay as they are. */
ALWAYS_INLINE void store_results(uint8_t *out, const uint8_t *end, uint32_t results)
{
    if (end - out >= 4) {
        store_word(out, results);
        return;
    }
    for (; out < end; out++, results >>= 8)
        *out = (uint8_t)results;
}

#endif
