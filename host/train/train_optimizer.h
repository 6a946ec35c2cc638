// SPDX-License-Identifier: Apache-2.0
/* Adam (Kingma and Ba, 2015) and SGD with momentum (Polyak, 1964), elementwise. Weight decay is
 * decoupled with Adam (Loshchilov and Hutter, 2019) and part of the gradient with SGD. */
#ifndef MPQ_TRAIN_OPTIMIZER_H
#define MPQ_TRAIN_OPTIMIZER_H

#include <stddef.h>
#include "base/error.h"
#include "net/net.h"
#include "train/train_checkpoint.h"

struct train_optimizer;

/* One parameter array: values and their gradients, count elements. */
struct train_tensor {
    float *values;
    const float *gradients;
    size_t count;
    bool decays; /* weights do, biases do not */
};

/* sizes[tensor_count]: elements of each array that will be updated. Borrows recipe. */
MUST_CHECK enum status train_optimizer_create(const struct net_recipe *recipe, const size_t *sizes,
                                              int tensor_count, struct train_optimizer **out,
                                              struct error *err);
void train_optimizer_free(struct train_optimizer *optimizer);
/* Adds all that the next step depends on. */
void train_optimizer_add_to(struct train_checkpoint *checkpoint, struct train_optimizer *optimizer);

/* Begins the next step, at this learning rate; then each array is updated once. */
void train_optimizer_begin(struct train_optimizer *optimizer, float learning_rate);
void train_optimizer_update(struct train_optimizer *optimizer, int index,
                            const struct train_tensor *tensor);

#endif
