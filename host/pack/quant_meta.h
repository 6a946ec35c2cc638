// SPDX-License-Identifier: Apache-2.0
/* Where the numbers of a QUANT file come from: the one definition of these members of its metadata,
 * for all who write or read them: bits ("4-8-2-8-8"), seed, method ("ptq", "qat"), qat_epochs,
 * qat_seed, val_accuracy, accuracy. pack_model() adds model_json, layers and scales. */
#ifndef MPQ_QUANT_META_H
#define MPQ_QUANT_META_H

#include <stdint.h>
#include "base/error.h"
#include "net/net.h"
#include "pack/pack.h"

struct quant_meta {
    int bits[NET_MAX_LAYERS]; /* [layer_count] weight width of each weighted layer */
    int layer_count;
    uint64_t seed;                 /* of the float training, which also splits the data */
    int qat_epochs;                /* 0: post-training quantization */
    uint64_t qat_seed;             /* only with qat_epochs */
    double val_accuracy, accuracy; /* percent: validation, test; NaN: unknown */
};

/* Puts meta into the container; other members stay. */
MUST_CHECK enum status quant_meta_write(struct container *container, const struct quant_meta *meta,
                                        struct error *err);

/* Reads it back, with the network of model_json. path names the file in errors. *net (caller frees;
 * its recipe has meta's seed) is checked to have the container's input and weighted layers. */
MUST_CHECK enum status quant_meta_read(const struct container *container, const char *path,
                                       struct quant_meta *meta, struct net **net,
                                       struct error *err);

#endif
