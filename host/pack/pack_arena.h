// SPDX-License-Identifier: Apache-2.0
/* Places of a container's buffers and of its scratch memory in the arena. Part of pack.c. */
#ifndef MPQ_PACK_ARENA_H
#define MPQ_PACK_ARENA_H

#include "model.h"

/* Takes layers and buffers (shapes) of plan, each layer's inputs being older ones' outputs or the
 * model's input; fills the buffers' arena_offset, scratch_offset, scratch_bytes and arena_bytes.
 *
 * Buffers share memory when no layer needs both. The output and the class buffer live to the end of
 * a run; the input does not, so that every run wants it anew: it is among the largest buffers, and
 * the last layers would not use its memory otherwise. RELU, FLATTEN and ADD work in place where
 * nothing reads later what they write over. Scratch shares memory with buffers, as far as no layer
 * in whose time they live uses it. */
void pack_arena(struct model *plan);

#endif
