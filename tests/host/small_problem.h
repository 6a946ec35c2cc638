// SPDX-License-Identifier: Apache-2.0
/* A small network and small images for tests of training and quantization: each class is a pattern
 * of its own under noise. */
#ifndef MPQ_TEST_SMALL_PROBLEM_H
#define MPQ_TEST_SMALL_PROBLEM_H

#include "host/scratch.h"

#include <math.h>

#include "base/rng.h"
#include "data/dataset.h"
#include "net/float_model.h"

enum { SMALL_SIDE = 8, SMALL_CLASSES = 4 };

#define SMALL_LAYERS                                                                               \
    "{\"op\":\"conv\",\"channels\":5,\"kernel\":3,\"padding\":\"same\"},{\"op\":\"relu\"},"        \
    "{\"op\":\"avgpool\",\"kernel\":2},{\"op\":\"conv\",\"channels\":6,\"kernel\":3},"             \
    "{\"op\":\"relu\"},{\"op\":\"flatten\"},{\"op\":\"fc\",\"outputs\":9},{\"op\":\"relu\"},"      \
    "{\"op\":\"fc\",\"outputs\":4}"

/* 8x8x2 images and 4 classes. layers: the JSON list without its brackets. */
static inline struct net *small_net(const char *layers)
{
    char text[4096];
    struct error err;
    struct net *net = NULL;
    snprintf(text, sizeof text,
             "{\"name\":\"small\",\"input\":[8,8,2],\"classes\":4,"
             "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
             "\"test_images\":\"c\",\"test_labels\":\"d\"},"
             "\"train\":{\"batch\":20,\"epochs\":6,\"learning_rate\":0.01},"
             "\"qat\":{\"batch\":20,\"learning_rate\":0.01},\"layers\":[%s]}",
             layers);
    check_ok(net_parse(text, "small", &net, &err), &err);
    return net;
}

/* Weights and biases evenly in -1..1, scaled so that outputs are of the inputs' size. */
static inline struct float_model *small_model(const char *layers, uint64_t seed)
{
    struct float_model *model = NULL;
    struct error err;
    struct rng rng;
    rng_init(&rng, seed, 0);
    check_ok(float_model_create(small_net(layers), &model, &err), &err);
    for (int k = 0; k < model->net->weighted_count; k++) {
        const struct net_layer *layer = &model->net->layers[model->net->weighted[k]];
        const size_t count = net_layer_weights(layer), rows = count / (size_t)layer->out.c;
        for (size_t i = 0; i < count; i++)
            model->weights[k][i] = (2 * rng_uniform(&rng) - 1) * 2.5f / sqrtf((float)rows);
        for (int c = 0; c < layer->out.c; c++)
            model->biases[k][c] = 0.3f * (2 * rng_uniform(&rng) - 1);
    }
    return model;
}

/* Bit for bit. The models have the same network. */
static inline bool same_weights(const struct float_model *a, const struct float_model *b)
{
    bool same = true;
    for (int k = 0; k < a->net->weighted_count; k++) {
        const struct net_layer *layer = &a->net->layers[a->net->weighted[k]];
        same = same &&
               !memcmp(a->weights[k], b->weights[k], net_layer_weights(layer) * sizeof(float)) &&
               !memcmp(a->biases[k], b->biases[k], (size_t)layer->out.c * sizeof(float));
    }
    return same;
}

/* noise: 0 the pure patterns, 1 as strong as they are. The patterns are those of the seed. */
static inline struct dataset small_data(size_t count, float noise, uint64_t seed, uint64_t stream)
{
    struct dataset data = {
        .count = count, .shape = {SMALL_SIDE, SMALL_SIDE, 2}, .scale = 1.0f / 255};
    const size_t size = shape_size(data.shape);
    uint8_t patterns[SMALL_CLASSES * SMALL_SIDE * SMALL_SIDE * 2];
    struct rng rng;
    rng_init(&rng, seed, 0);
    for (size_t i = 0; i < sizeof patterns; i++)
        patterns[i] = (uint8_t)rng_below(&rng, 256);
    data.images = malloc(count * size);
    data.labels = malloc(count * sizeof *data.labels);
    assert_non_null(data.images);
    assert_non_null(data.labels);
    rng_init(&rng, seed, 1 + stream);
    for (size_t i = 0; i < count; i++) {
        data.labels[i] = (uint16_t)rng_below(&rng, SMALL_CLASSES);
        for (size_t j = 0; j < size; j++) {
            const float pure = (float)patterns[data.labels[i] * size + j];
            const float mixed = pure + noise * 256 * (rng_uniform(&rng) - 0.5f);
            data.images[i * size + j] = (uint8_t)(mixed < 0 ? 0 : mixed > 255 ? 255 : mixed);
        }
    }
    return data;
}

static inline struct data_split small_split(size_t count, float noise, uint64_t seed)
{
    return (struct data_split){.train = small_data(count, noise, seed, 0),
                               .validation = small_data(count / 2, noise, seed, 1),
                               .test = small_data(count / 2, noise, seed, 2)};
}

#endif
