// SPDX-License-Identifier: Apache-2.0
/* From a network's layers to those of a container: which operations the core runs, on which
 * buffers. Knows no places in memory (pack_arena.h) and no file format. Part of pack.c. */
#ifndef MPQ_PACK_LAYERS_H
#define MPQ_PACK_LAYERS_H

#include "base/error.h"
#include "model.h"
#include "quant/quant.h"

enum { PACK_NO_SOURCE = -1 }; /* ARGMAX comes from no layer of the network */

/* Fills layers (but for the places of weights and parameters), buffers (but for their places) and
 * the input, output and class buffer of plan. source[MODEL_MAX_LAYERS]: the network's layer that
 * each one comes from. Checks that the quantized layers fit the network. */
MUST_CHECK enum status pack_layers(const struct quant_model *model, struct model *plan, int *source,
                                   struct error *err);

#endif
