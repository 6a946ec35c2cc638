// SPDX-License-Identifier: Apache-2.0
/* A trained network: the net and its float weights; the FLOAT file. */
#ifndef MPQ_FLOAT_MODEL_H
#define MPQ_FLOAT_MODEL_H

#include "base/error.h"
#include "net/net.h"

enum { FLOAT_MODEL_MAGIC = 0x4651504d }; /* "MPQF", the first bytes of a FLOAT file */

struct float_model {
    struct net *net; /* owned */
    /* BATCHNORM layers are folded into them but while train.c trains. */
    float **weights; /* [weighted_count] -> [out][kernel_h][kernel_w][in / groups] */
    float **biases;  /* [weighted_count] -> [out]; zeros where the layer has none */
    uint64_t seed;   /* that it was trained with */
    /* Percent, as measured by mpq train; NaN if unknown. */
    double validation_accuracy, test_accuracy;
};

/* Zero-filled model for net, which it then owns (also on failure it is freed). */
MUST_CHECK enum status float_model_create(struct net *net, struct float_model **out,
                                          struct error *err);
MUST_CHECK enum status float_model_load(const char *path, struct float_model **out,
                                        struct error *err);
/* Written to a temporary file, then renamed: an old file survives any failure. Carries
 * net->json_text and a CRC-32. */
MUST_CHECK enum status float_model_save(const struct float_model *model, const char *path,
                                        struct error *err);
void float_model_free(struct float_model *model);

#endif
