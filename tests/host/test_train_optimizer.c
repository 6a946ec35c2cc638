// SPDX-License-Identifier: Apache-2.0
/* Adam and SGD against their formulas. */
#include "host/scratch.h"

#include <math.h>

#include "base/rng.h"
#include "train/train_optimizer.h"

enum { STEPS = 25, PARAMETERS = 40 };

/* One parameter in double, by the formulas of the papers. */
struct naive_parameter {
    double value, mean, square;
};

static void naive_step(const struct net_recipe *recipe, int step, double rate, double gradient,
                       bool decays, struct naive_parameter *p)
{
    const double decay = decays ? (double)recipe->weight_decay : 0;
    if (recipe->optimizer == OPTIMIZER_SGD) {
        p->mean = (double)recipe->momentum * p->mean + gradient + decay * p->value;
        p->value -= rate * p->mean;
        return;
    }
    p->mean = 0.9 * p->mean + 0.1 * gradient;
    p->square = 0.999 * p->square + 0.001 * gradient * gradient;
    const double mean = p->mean / (1 - pow(0.9, step)), square = p->square / (1 - pow(0.999, step));
    p->value -= rate * (mean / (sqrt(square) + 1e-8) + decay * p->value);
}

static void check_optimizer(const struct net_recipe *recipe, bool decays)
{
    const size_t sizes[] = {3, PARAMETERS};
    float values[PARAMETERS], gradients[PARAMETERS];
    struct naive_parameter want[PARAMETERS];
    struct train_optimizer *optimizer = NULL;
    struct error err;
    struct rng rng;
    rng_init(&rng, 3, 0);
    check_ok(train_optimizer_create(recipe, sizes, 2, &optimizer, &err), &err);
    for (int i = 0; i < PARAMETERS; i++) {
        values[i] = rng_normal(&rng);
        want[i] = (struct naive_parameter){.value = (double)values[i]};
    }
    for (int step = 1; step <= STEPS; step++) {
        const float rate = step < 10 ? 0.05f : 0.01f;
        for (int i = 0; i < PARAMETERS; i++) {
            gradients[i] = rng_normal(&rng) + 0.5f;
            naive_step(recipe, step, (double)rate, (double)gradients[i], decays, &want[i]);
        }
        const struct train_tensor tensor = {values, gradients, PARAMETERS, decays};
        train_optimizer_begin(optimizer, rate);
        train_optimizer_update(optimizer, 1, &tensor);
    }
    for (int i = 0; i < PARAMETERS; i++)
        if (fabs((double)values[i] - want[i].value) > 2e-5)
            fail_msg("parameter %d: got %.7f, want %.7f", i, (double)values[i], want[i].value);
    train_optimizer_free(optimizer);
}

static void adam_follows_its_formula(void **state)
{
    const struct net_recipe plain = {.optimizer = OPTIMIZER_ADAM};
    const struct net_recipe decaying = {.optimizer = OPTIMIZER_ADAM, .weight_decay = 0.1f};
    (void)state;
    check_optimizer(&plain, true);
    check_optimizer(&decaying, true);
    check_optimizer(&decaying, false);
}

static void sgd_follows_its_formula(void **state)
{
    const struct net_recipe plain = {.optimizer = OPTIMIZER_SGD};
    const struct net_recipe heavy = {
        .optimizer = OPTIMIZER_SGD, .momentum = 0.9f, .weight_decay = 0.1f};
    (void)state;
    check_optimizer(&plain, true);
    check_optimizer(&heavy, true);
    check_optimizer(&heavy, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adam_follows_its_formula),
        cmocka_unit_test(sgd_follows_its_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
