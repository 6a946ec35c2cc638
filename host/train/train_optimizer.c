// SPDX-License-Identifier: Apache-2.0
/* Adam and SGD with momentum. */
#include "train/train_optimizer.h"

#include <math.h>
#include <stdlib.h>
#include "base/vector.h"

static const float BETA1 = 0.9f, BETA2 = 0.999f, EPSILON = 1e-8f; /* the paper's */

struct train_optimizer {
    const struct net_recipe *recipe;
    int tensor_count;
    size_t *sizes;
    float **mean, **square; /* first and second moment; SGD uses the first as velocity */
    double power1, power2;  /* BETA1, BETA2 to the number of steps */
    float rate, mean_factor, square_factor;
};

enum status train_optimizer_create(const struct net_recipe *recipe, const size_t *sizes,
                                   int tensor_count, struct train_optimizer **out,
                                   struct error *err)
{
    *out = NULL;
    struct train_optimizer *optimizer = calloc(1, sizeof *optimizer);
    bool good = optimizer != NULL;
    if (good) {
        optimizer->recipe = recipe;
        optimizer->tensor_count = tensor_count;
        optimizer->power1 = optimizer->power2 = 1;
        optimizer->sizes = calloc((size_t)tensor_count, sizeof *optimizer->sizes);
        optimizer->mean = calloc((size_t)tensor_count, sizeof(float *));
        optimizer->square = calloc((size_t)tensor_count, sizeof(float *));
        good = optimizer->sizes && optimizer->mean && optimizer->square;
    }
    for (int i = 0; good && i < tensor_count; i++) {
        optimizer->sizes[i] = sizes[i];
        optimizer->mean[i] = calloc(sizes[i] + 1, sizeof(float));
        optimizer->square[i] = calloc(sizes[i] + 1, sizeof(float));
        good = optimizer->mean[i] && optimizer->square[i];
    }
    if (!good) {
        train_optimizer_free(optimizer);
        return error_set(err, STATUS_NO_MEMORY, "optimizer: not enough memory for its moments");
    }
    *out = optimizer;
    return STATUS_OK;
}

void train_optimizer_free(struct train_optimizer *optimizer)
{
    if (!optimizer)
        return;
    for (int i = 0; i < optimizer->tensor_count; i++) {
        if (optimizer->mean)
            free(optimizer->mean[i]);
        if (optimizer->square)
            free(optimizer->square[i]);
    }
    free(optimizer->sizes);
    free(optimizer->mean);
    free(optimizer->square);
    free(optimizer);
}

/* The learning rate and its factors are set by the next step. */
void train_optimizer_add_to(struct train_checkpoint *checkpoint, struct train_optimizer *optimizer)
{
    const bool has_squares = optimizer->recipe->optimizer == OPTIMIZER_ADAM;
    train_checkpoint_add(checkpoint, "power1", &optimizer->power1, sizeof optimizer->power1);
    train_checkpoint_add(checkpoint, "power2", &optimizer->power2, sizeof optimizer->power2);
    for (int i = 0; i < optimizer->tensor_count; i++) {
        const size_t size = optimizer->sizes[i] * sizeof(float);
        train_checkpoint_add(checkpoint, "mean", optimizer->mean[i], size);
        if (has_squares)
            train_checkpoint_add(checkpoint, "square", optimizer->square[i], size);
    }
}

void train_optimizer_begin(struct train_optimizer *optimizer, float learning_rate)
{
    optimizer->rate = learning_rate;
    optimizer->power1 *= (double)BETA1;
    optimizer->power2 *= (double)BETA2;
    optimizer->mean_factor = (float)(1 / (1 - optimizer->power1));
    optimizer->square_factor = (float)(1 / (1 - optimizer->power2));
}

VECTOR_CLONES
static void update_adam(const struct train_optimizer *o, float *restrict mean,
                        float *restrict square, const struct train_tensor *tensor)
{
    const float shrink = tensor->decays ? 1 - o->rate * o->recipe->weight_decay : 1;
    float *restrict values = tensor->values;
    const float *restrict gradients = tensor->gradients;
#pragma omp simd
    for (size_t i = 0; i < tensor->count; i++) {
        const float g = gradients[i];
        mean[i] = BETA1 * mean[i] + (1 - BETA1) * g;
        square[i] = BETA2 * square[i] + (1 - BETA2) * g * g;
        const float step =
            o->rate * o->mean_factor * mean[i] / (sqrtf(o->square_factor * square[i]) + EPSILON);
        values[i] = shrink * values[i] - step;
    }
}

VECTOR_CLONES
static void update_sgd(const struct train_optimizer *o, float *restrict velocity,
                       const struct train_tensor *tensor)
{
    const float decay = tensor->decays ? o->recipe->weight_decay : 0;
#pragma omp simd
    for (size_t i = 0; i < tensor->count; i++) {
        velocity[i] =
            o->recipe->momentum * velocity[i] + tensor->gradients[i] + decay * tensor->values[i];
        tensor->values[i] -= o->rate * velocity[i];
    }
}

void train_optimizer_update(struct train_optimizer *optimizer, int index,
                            const struct train_tensor *tensor)
{
    if (optimizer->recipe->optimizer == OPTIMIZER_ADAM)
        update_adam(optimizer, optimizer->mean[index], optimizer->square[index], tensor);
    else
        update_sgd(optimizer, optimizer->mean[index], tensor);
}
