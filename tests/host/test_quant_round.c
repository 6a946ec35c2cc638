// SPDX-License-Identifier: Apache-2.0
/* Rounding of one channel's weights, against naive formulas. */
#include "host/scratch.h"

#include <math.h>

#include "base/rng.h"
#include "host/calibrated.h"
#include "quant/quant_round.h"

enum { ROWS = 24, LIMIT = 7 };

/* Correlated inputs: gram and mean of random mixtures. */
struct inputs {
    float gram[ROWS * ROWS], mean[ROWS], weights[ROWS], work[3 * ROWS];
};

static void make_inputs(struct inputs *inputs, uint64_t seed)
{
    struct rng rng;
    float mix[ROWS][ROWS];
    rng_init(&rng, seed, 0);
    memset(inputs, 0, sizeof *inputs);
    for (int i = 0; i < ROWS; i++) {
        inputs->weights[i] = rng_normal(&rng);
        for (int j = 0; j < ROWS; j++)
            mix[i][j] = rng_normal(&rng) * (rng_below(&rng, 4) ? 0.1f : 1.0f);
    }
    for (int n = 0; n < 200; n++) {
        float x[ROWS] = {0};
        for (int j = 0; j < ROWS; j++) {
            const float part = rng_normal(&rng) + 1;
            for (int i = 0; i < ROWS; i++)
                x[i] += mix[i][j] * part;
        }
        for (int i = 0; i < ROWS; i++) {
            inputs->mean[i] += x[i] / 200;
            for (int j = 0; j < ROWS; j++)
                inputs->gram[i * ROWS + j] += x[i] * x[j] / 200;
        }
    }
}

/* (w - s q)^T H (w - s q), H = covariance + damping * its mean diagonal. */
static double naive_error(const struct inputs *in, float damping, float scale, const int8_t *q)
{
    double h[ROWS][ROWS], trace = 0, error = 0;
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < ROWS; j++)
            h[i][j] = (double)in->gram[i * ROWS + j] - (double)in->mean[i] * (double)in->mean[j];
        trace += h[i][i];
    }
    for (int i = 0; i < ROWS; i++) {
        h[i][i] += trace / ROWS * (double)damping;
        for (int j = 0; j < i; j++)
            h[i][j] = h[j][i];
    }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++)
            error += h[i][j] * ((double)in->weights[i] - (double)scale * q[i]) *
                     ((double)in->weights[j] - (double)scale * q[j]);
    return error;
}

static struct round_metric *make_metric(const struct inputs *inputs, float damping)
{
    struct round_metric *metric = NULL;
    struct error err;
    check_ok(round_metric_create(inputs->gram, inputs->mean, ROWS, damping, &metric, &err), &err);
    return metric;
}

static void rounding_error_is_that_of_the_definition(void **state)
{
    struct inputs in;
    struct rng rng;
    int8_t q[ROWS];
    (void)state;
    rng_init(&rng, 8, 0);
    for (uint64_t seed = 0; seed < 20; seed++) {
        make_inputs(&in, seed);
        struct round_metric *metric = make_metric(&in, 0.05f);
        for (int i = 0; i < ROWS; i++)
            q[i] = (int8_t)((int)rng_below(&rng, 15) - 7);
        const double want = naive_error(&in, 0.05f, 0.3f, q);
        calibrated_near("error", round_error(metric, in.weights, 0.3f, q, in.work), want,
                        1e-4 * want);
        round_metric_free(metric);
    }
}

static void nearest_rounding_is_nearest(void **state)
{
    const float w[] = {0, 0.1f, -0.1f, 0.24f, 0.26f, -0.74f, 0.76f, 100, -100};
    const int8_t want[] = {0, 0, 0, 0, 1, -1, 2, 7, -7};
    int8_t q[9];
    (void)state;
    round_nearest(w, 9, 0.5f, LIMIT, q);
    assert_memory_equal(q, want, sizeof want);
}

/* Descent ends where no single step helps, and never above its start. */
static void check_descent(uint64_t seed, float scale)
{
    struct inputs in;
    int8_t q[ROWS];
    make_inputs(&in, seed);
    struct round_metric *metric = make_metric(&in, 0.05f);
    round_nearest(in.weights, ROWS, scale, LIMIT, q);
    const double nearest = naive_error(&in, 0.05f, scale, q);
    const double got = round_descend(metric, in.weights, scale, LIMIT, q, in.work);
    calibrated_near("error", got, naive_error(&in, 0.05f, scale, q), 1e-4 * nearest);
    assert_true(got <= nearest * 1.0001);
    for (int i = 0; i < ROWS; i++) {
        assert_in_range(q[i] + LIMIT, 0, 2 * LIMIT);
        for (int step = -1; step <= 1; step += 2) {
            q[i] = (int8_t)(q[i] + step);
            const double other = naive_error(&in, 0.05f, scale, q);
            if (abs(q[i]) <= LIMIT && other < got * 0.999)
                fail_msg("seed %d, weight %d, step %d: %g is below %g", (int)seed, i, step, other,
                         got);
            q[i] = (int8_t)(q[i] - step);
        }
    }
    round_metric_free(metric);
}

/* At the smaller scale many weights are at the limit. */
static void descent_never_raises_the_error(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        check_descent(seed, 0.3f);
        check_descent(seed, 0.1f);
    }
}

static void compensation_beats_nearest_rounding(void **state)
{
    struct inputs in;
    int8_t nearest[ROWS], compensated[ROWS];
    int better = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        make_inputs(&in, seed);
        struct round_metric *metric = make_metric(&in, 0.01f);
        round_nearest(in.weights, ROWS, 0.4f, LIMIT, nearest);
        round_compensated(metric, in.weights, 0.4f, LIMIT, compensated, in.work);
        for (int i = 0; i < ROWS; i++)
            assert_in_range(compensated[i] + LIMIT, 0, 2 * LIMIT);
        better +=
            naive_error(&in, 0.01f, 0.4f, compensated) < naive_error(&in, 0.01f, 0.4f, nearest);
        round_metric_free(metric);
    }
    if (better < 36)
        fail_msg("got %d of 40 better than nearest, want 36", better);
}

static void best_scale_has_the_least_error(void **state)
{
    struct inputs in;
    int8_t q[ROWS];
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        make_inputs(&in, seed);
        struct round_metric *metric = make_metric(&in, 0.05f);
        round_nearest(in.weights, ROWS, 0.3f, LIMIT, q);
        const float scale = round_best_scale(metric, in.weights, q, in.work);
        const double best = naive_error(&in, 0.05f, scale, q);
        assert_true(best <= naive_error(&in, 0.05f, scale * 1.02f, q));
        assert_true(best <= naive_error(&in, 0.05f, scale * 0.98f, q));
        memset(q, 0, sizeof q);
        assert_float_equal(round_best_scale(metric, in.weights, q, in.work), 0, 0);
        round_metric_free(metric);
    }
}

static void without_moments_everything_is_nearest(void **state)
{
    struct inputs in;
    struct round_metric *metric = NULL;
    struct error err;
    int8_t nearest[ROWS], q[ROWS];
    (void)state;
    make_inputs(&in, 1);
    check_ok(round_metric_create(NULL, NULL, ROWS, 0.01f, &metric, &err), &err);
    round_nearest(in.weights, ROWS, 0.3f, LIMIT, nearest);
    round_compensated(metric, in.weights, 0.3f, LIMIT, q, in.work);
    assert_memory_equal(q, nearest, ROWS);
    round_descend(metric, in.weights, 0.3f, LIMIT, q, in.work);
    assert_memory_equal(q, nearest, ROWS);
    round_metric_free(metric);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_error_is_that_of_the_definition),
        cmocka_unit_test(nearest_rounding_is_nearest),
        cmocka_unit_test(descent_never_raises_the_error),
        cmocka_unit_test(compensation_beats_nearest_rounding),
        cmocka_unit_test(best_scale_has_the_least_error),
        cmocka_unit_test(without_moments_everything_is_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
