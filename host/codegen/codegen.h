// SPDX-License-Identifier: Apache-2.0
/* A quantized network as a folder of C sources that the stock RISC-V compiler builds: kernels,
 * start-up code and linker script copied from what the tool carries (embedded.h), weights, inputs
 * and scales as headers, the network as a call for each layer, in both tiers. */
#ifndef MPQ_CODEGEN_H
#define MPQ_CODEGEN_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"
#include "data/dataset.h"
#include "net/net.h"
#include "pack/pack.h"
#include "pack/quant_meta.h"
#include "protocol.h"

enum { CODEGEN_TIERS = 2 };

/* The model's own file in the folder; codegen_verify.h compares with it. */
#define CODEGEN_QUANT "network.quant"

struct codegen_source {
    const struct container *container;
    const struct net *net;
    const struct quant_meta *meta;
    const struct dataset *data; /* the first `samples` items go into inputs.h */
    size_t samples;
    bool has_labels; /* else the labels of data mean nothing */
};

/* Writes the folder, which exists. simulator: path that its Makefile falls back to, may be "". The
 * same source gives the same files, but for that path. STATUS_INPUT names a model that cannot be
 * written as C: one without ARGMAX at its end, or one that does not fit the largest RAM. */
MUST_CHECK enum status codegen_write(const struct codegen_source *source, const char *folder,
                                     const char *simulator, struct error *err);

/* The tier's folder: "optimized" (TIER_NN) or "original" (TIER_RV32). */
const char *codegen_tier_folder(enum proto_tier tier);

#endif
