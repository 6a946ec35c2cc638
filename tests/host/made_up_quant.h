// SPDX-License-Identifier: Apache-2.0
/* Networks with made-up integer weights, and what they compute, layer by layer of the network as it
 * is written (nothing fused, dropped or planned), from the oracle's loops. */
#ifndef MPQ_TEST_MADE_UP_QUANT_H
#define MPQ_TEST_MADE_UP_QUANT_H

#include "host/scratch.h"

#include "pack/pack.h"
#include "quant/quant.h"

struct made_up {
    struct net *net;
    struct quant_model *quant;
};

/* Networks that the tests share, as "layers" of a MODEL.json. */
extern const char MADE_UP_LENET5[]; /* 28x28x1, 10 classes */
extern const char MADE_UP_SMALL[];  /* 9x7x3, 5 classes; every operation */

/* layers: the list's members; input: "28, 28, 1". bits: a width for each weighted layer. */
void made_up_create(struct made_up *out, const char *layers, const char *input, int classes,
                    const int *bits, uint64_t seed);
void made_up_lenet5(struct made_up *out, const int bits[5], uint64_t seed);
void made_up_small(struct made_up *out, const int bits[4], uint64_t seed);
/* Random layers on 9x8x3 pixels, 6 classes. */
void made_up_random(struct made_up *out, uint64_t seed);
void made_up_free(struct made_up *made);

/* pack_model() that must succeed. */
struct container *made_up_pack(const struct made_up *made);

/* An arena of a model, each byte fill; free() it. */
uint8_t *made_up_arena(const struct model *model, uint8_t fill);

/* size random pixels. */
void made_up_image(uint8_t *image, size_t size, uint64_t seed);

/* The network's last values to out, class_count bytes; returns the class. */
int made_up_run(const struct made_up *made, const uint8_t *image, uint8_t *out);

#endif
