// SPDX-License-Identifier: Apache-2.0
/* Functions whose loops gain from wider vectors: compiled twice, chosen once for the machine that runs
 * them. Both forms give the same results bit for bit, as neither fuses a multiplication with an
 * addition; so not for sums of floats in a vector's lanes, whose order depends on its width. */
#ifndef MPQ_VECTOR_H
#define MPQ_VECTOR_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define VECTOR_CLONES
#endif

#endif
