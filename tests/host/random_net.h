// SPDX-License-Identifier: Apache-2.0
/* Random networks: graphs of every operation in random shapes, with random float weights, quantized
 * and packed by the product; and what they compute, layer by layer of the network as it is written,
 * from the oracle's loops. */
#ifndef MPQ_TEST_RANDOM_NET_H
#define MPQ_TEST_RANDOM_NET_H

#include "host/scratch.h"

#include "data/dataset.h"
#include "net/float_model.h"
#include "pack/pack.h"
#include "quant/quant.h"

enum { RANDOM_NET_IMAGES = 24, RANDOM_NET_CLASSES = 5 };

struct random_net {
    char *text; /* the MODEL.json */
    struct float_model *model;
    struct dataset data; /* random images */
    struct calibration *calibration;
    struct quant_model *quant;
    struct container *container;
};

/* The network of a seed, of random weight widths. Free with random_net_close(). */
void random_net_open(struct random_net *out, uint64_t seed);
/* The same for a given MODEL.json; bits: a width for each weighted layer, NULL: random. */
void random_net_open_text(struct random_net *out, const char *text, const int *bits, uint64_t seed);
void random_net_close(struct random_net *net);

const uint8_t *random_net_image(const struct random_net *net, size_t index);

/* The network's last values to out, room for the largest layer; returns the class. */
int random_net_run(const struct random_net *net, const uint8_t *image, uint8_t *out);

/* The largest activations between two layers, in bytes. */
size_t random_net_room(const struct net *net);

#endif
