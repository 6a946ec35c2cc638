// SPDX-License-Identifier: Apache-2.0
/* Mean and second moments of a weighted layer's inputs as its weight rows see them, for rounding
 * and bias correction. Deterministic for any number of threads. Part of calibrate.c.
 *
 * Each of a convolution's groups has moments of its own, K = net_layer_weights() / out channels
 * elements in the order of a weight row. Time is bounded: where all output positions of all images
 * would take too long, an even part of them is used. */
#ifndef MPQ_MOMENTS_H
#define MPQ_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"
#include "net/net.h"

struct moments;

/* images: that will be added in all. Borrows layer. */
MUST_CHECK enum status moments_create(const struct net_layer *layer, size_t images,
                                      struct moments **out, struct error *err);
void moments_free(struct moments *moments); /* accepts NULL */

/* values: [images][h][w][c] inputs of the layer. */
void moments_add(struct moments *moments, const float *values, size_t images);

/* mean: [groups][K] of x; gram: [groups][K][K] of x x^T, NULL if moments_has_gram() is false. */
void moments_finish(const struct moments *moments, float *mean, float *gram);

/* Long rows keep means only: memory and time grow with the square and the cube. */
bool moments_has_gram(const struct net_layer *layer);
/* Elements of all groups' rows together, and of one row. */
size_t moments_elements(const struct net_layer *layer);
size_t moments_row(const struct net_layer *layer);

#endif
