// SPDX-License-Identifier: Apache-2.0
/* Places of a container's buffers and of its scratch memory in the arena. Part of pack.c. */
#ifndef MPQ_PACK_ARENA_H
#define MPQ_PACK_ARENA_H

#include "model.h"

/* Takes layers and buffers (shapes) of plan, each layer's input being an older one's output or the
 * model's input; fills the buffers' arena_offset, scratch_offset, scratch_bytes and arena_bytes.
 *
 * Buffers share memory when no layer needs both. The output and the class buffer live to the end of
 * a run, and so does the input, from before it: a run leaves the input as it was, and the same
 * input can be run any number of times, in either tier and up to any layer, without sending it
 * again. RELU and FLATTEN work in place. Scratch shares memory with buffers that live only while
 * no layer uses scratch. */
void pack_arena(struct model *plan);

#endif
