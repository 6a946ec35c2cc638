// SPDX-License-Identifier: Apache-2.0
/* Parsed containers with random weights and parameters, for tests and benchmarks: a chain of layers
 * of given or random shapes. Host only. */
#ifndef MPQ_RANDOM_MODEL_H
#define MPQ_RANDOM_MODEL_H

#include "model.h"
#include "model/build_container.h"
#include "model/test_random.h"

struct random_model {
    struct test_random random;
    bool is_extreme; /* weights at the ends of their range, rows of one sign */
    int layer_count;
    struct build_buffer buffers[MODEL_MAX_BUFFERS]; /* [layer_count + 1] */
    struct build_layer layers[MODEL_MAX_LAYERS];
    uint8_t *bytes;     /* the container */
    struct model model; /* its parsed view, after random_model_finish() */
    struct model_tables tables;
};

/* An empty chain behind an input buffer (its place is set later). */
void random_model_begin(struct random_model *chain, uint32_t seed, struct build_buffer input);

/* Adds a layer; window: NULL without one. bits, channels: weighted layers only, else 0. The output
 * is signed where the operation makes it so; relu is a weighted layer's own. */
void random_model_add(struct random_model *chain, enum model_op op, int bits, int channels,
                      bool relu, const struct ref_window *window);

/* A random layer that fits behind the last one. */
void random_model_add_any(struct random_model *chain, enum model_op op);

/* LeNet-5 for 28x28x1 images with widths by weighted layer, and ARGMAX. */
void random_model_lenet5(struct random_model *chain, uint32_t seed, const int bits[5]);

/* Builds and parses the container: the model's fault, MODEL_OK if there is none. */
enum model_fault_code random_model_finish(struct random_model *chain);
void random_model_free(struct random_model *chain);

#endif
