// SPDX-License-Identifier: Apache-2.0
/* Post-training quantization and the choice of the core's numbers, against naive formulas. */
#include "host/scratch.h"

#include <math.h>
#include <omp.h>

#include "host/calibrated.h"
#include "model/ref_layers.h"
#include "quant/quant.h"
#include "quant/quant_round.h"

static const int WIDTHS[] = {8, 4, 2};
enum { WIDTH_COUNT = 3 };

static double number_in(struct rng *rng, double low, double high)
{
    return low + (high - low) * (double)rng_uniform(rng);
}

/* ---- Requantization ---- */

static void requantization_is_the_cores(void **state)
{
    static const uint32_t edges[] = {0, 1, 2, 127, 128, 0x7fffff, 0x7fffffff, 0x80000000u};
    struct rng rng;
    (void)state;
    rng_init(&rng, 1, 0);
    for (int i = 0; i < 300000; i++) {
        const uint32_t any = (uint32_t)rng_next(&rng) >> rng_below(&rng, 32);
        const uint32_t bits = i % 3 ? any : edges[rng_below(&rng, 8)];
        const int32_t acc = (int32_t)(i & 1 ? bits : 0u - bits);
        const uint8_t multiplier = (uint8_t)rng_below(&rng, 256), shift = (uint8_t)(i % 32);
        const bool relu = i % 5 < 2;
        const struct ref_channel channel = {.multiplier = multiplier, .shift = shift};
        const int got = requantize(acc, multiplier, shift, relu);
        const int want = ref_requantize(acc, &channel, relu);
        if (got != want)
            fail_msg("requantize(%d, %u, %u, %d): got %d, want %d", acc, multiplier, shift, relu,
                     got, want);
    }
}

/* ---- Bias, multiplier and shift ---- */

/* A layer with random or extreme weights, scales over many decades. */
static struct quant_layer *random_layer(struct rng *rng, int round, float *bias)
{
    struct quant_layer *layer = NULL;
    struct error err;
    const int bits = WIDTHS[round % WIDTH_COUNT], limit = quant_weight_limit(bits);
    const int outs = 1 + (int)rng_below(rng, 6), most = round % 7 ? 400 : 3000 * 8 / bits / 8;
    check_ok(quant_layer_create(outs, 1 + (int)rng_below(rng, (uint32_t)most), &layer, &err), &err);
    layer->bits = bits;
    layer->relu = rng_below(rng, 2);
    layer->in_signed = rng_below(rng, 2);
    layer->in_scale = (float)pow(10, number_in(rng, -4, 1));
    layer->out_scale = (float)pow(10, number_in(rng, -4, 1));
    for (int c = 0; c < outs; c++) {
        int8_t *row = layer->weight + (size_t)c * (size_t)layer->row_count;
        const int kind = (int)rng_below(rng, 4);
        for (int i = 0; i < layer->row_count; i++)
            row[i] = (int8_t)(kind == 0   ? limit
                              : kind == 1 ? -limit
                                          : (int)rng_below(rng, (uint32_t)(2 * limit + 1)) - limit);
        while (!quant_channel_fits(layer, c)) /* as the quantizers do: smaller numbers */
            for (int i = 0; i < layer->row_count; i++)
                row[i] /= 2;
        layer->weight_scale[c] = (float)pow(10, number_in(rng, -5, 1));
        bias[c] = (float)(pow(10, number_in(rng, -6, 4)) * (rng_below(rng, 2) ? 1 : -1));
        bias[c] = rng_below(rng, 5) ? bias[c] : 0;
    }
    return layer;
}

/* Exact value of the worst input of one sign. */
static int64_t extreme_sum(const struct quant_layer *layer, int channel, int sign)
{
    const int8_t *row = layer->weight + (size_t)channel * (size_t)layer->row_count;
    const int low = layer->in_signed ? -128 : 0, high = layer->in_signed ? 127 : 255;
    int64_t acc = layer->bias[channel] * ((int64_t)1 << layer->bias_shift[channel]);
    for (int i = 0; i < layer->row_count; i++)
        acc += row[i] * (row[i] * sign > 0 ? high : low);
    return acc;
}

static void check_no_wrap(const struct quant_layer *layer, int channel, int round)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        const int64_t acc = extreme_sum(layer, channel, sign);
        const int64_t product = llabs(acc) * layer->multiplier[channel];
        const int64_t half = layer->shift[channel] ? (int64_t)1 << (layer->shift[channel] - 1) : 0;
        if (llabs(acc) >= 1 << 24 || product + half > INT32_MAX)
            fail_msg("round %d, channel %d: |acc| up to %lld, multiplier %d, shift %d wrap", round,
                     channel, llabs(acc), layer->multiplier[channel], layer->shift[channel]);
        const int64_t exact = (acc * layer->multiplier[channel] + half) >> layer->shift[channel];
        const int64_t low = layer->relu ? 0 : -128, high = layer->relu ? 255 : 127;
        assert_int_equal(requantize((int32_t)acc, layer->multiplier[channel], layer->shift[channel],
                                    layer->relu),
                         exact < low    ? low
                         : exact > high ? high
                                        : exact);
    }
}

static void worst_inputs_never_wrap(void **state)
{
    struct rng rng;
    float bias[8];
    (void)state;
    rng_init(&rng, 2, 0);
    for (int round = 0; round < 3000; round++) {
        struct quant_layer *layer = random_layer(&rng, round, bias);
        quant_layer_set_requantization(layer, bias);
        for (int c = 0; c < layer->out_count; c++)
            check_no_wrap(layer, c, round);
        quant_layer_free(layer);
    }
}

static void worst_sum_is_that_of_the_worst_input(void **state)
{
    struct rng rng;
    float bias[8];
    (void)state;
    rng_init(&rng, 3, 0);
    for (int round = 0; round < 300; round++) {
        struct quant_layer *layer = random_layer(&rng, round, bias);
        for (int c = 0; c < layer->out_count; c++) {
            const int64_t above = extreme_sum(layer, c, 1), below = -extreme_sum(layer, c, -1);
            const int64_t want = above > below ? above : below;
            assert_true(quant_worst_sum(layer, c) >= want);
            assert_true(quant_worst_sum(layer, c) <= want + want / 100 + 128);
        }
        quant_layer_free(layer);
    }
}

/* One channel with the weights 3 and -5; ratio = in_scale * weight_scale / out_scale. */
static struct quant_layer *two_weights(double ratio)
{
    struct quant_layer *layer = NULL;
    struct error err;
    check_ok(quant_layer_create(1, 2, &layer, &err), &err);
    layer->bits = 8;
    layer->in_scale = 0.5f;
    layer->out_scale = 0.25f;
    layer->weight_scale[0] = (float)(ratio / 2);
    layer->weight[0] = 3;
    layer->weight[1] = -5;
    return layer;
}

static void multiplier_and_shift_are_nearest_to_the_ratio(void **state)
{
    const float bias = 0;
    struct rng rng;
    (void)state;
    rng_init(&rng, 4, 0);
    for (int i = 0; i < 2000; i++) {
        const double ratio = pow(10, number_in(&rng, -6, 1.5));
        struct quant_layer *layer = two_weights(ratio);
        quant_layer_set_requantization(layer, &bias);
        assert_in_range(layer->multiplier[0], 127, 255);
        assert_in_range(layer->shift[0], 2, 31);
        calibrated_near("ratio", ldexp(layer->multiplier[0], -layer->shift[0]) / ratio, 1,
                        1.0 / 254);
        quant_layer_free(layer);
    }
}

static void ratios_out_of_range_take_the_nearest_end(void **state)
{
    const float bias = 0;
    struct quant_layer *large = two_weights(1000), *tiny = two_weights(1e-12);
    (void)state;
    quant_layer_set_requantization(large, &bias);
    quant_layer_set_requantization(tiny, &bias);
    assert_int_equal(large->multiplier[0], 255);
    assert_int_equal(large->shift[0], 2);
    assert_int_equal(tiny->multiplier[0], 0);
    quant_layer_free(large);
    quant_layer_free(tiny);
}

static void snapped_scales_are_multiplied_exactly(void **state)
{
    const float bias = 0;
    struct rng rng;
    (void)state;
    rng_init(&rng, 5, 0);
    for (int i = 0; i < 2000; i++) {
        const double wanted = pow(10, number_in(&rng, -6, 1.5));
        struct quant_layer *layer = two_weights(1);
        layer->in_scale = (float)pow(10, number_in(&rng, -3, 0));
        layer->out_scale = layer->in_scale * 2;
        layer->weight_scale[0] = quant_snap_scale(layer, (float)wanted);
        calibrated_near("scale", (double)layer->weight_scale[0] / wanted, 1, 1.0 / 250);
        quant_layer_set_requantization(layer, &bias);
        const double ratio =
            (double)layer->in_scale * (double)layer->weight_scale[0] / (double)layer->out_scale;
        calibrated_near("ratio", ldexp(layer->multiplier[0], -layer->shift[0]) / ratio, 1, 1e-6);
        quant_layer_free(layer);
    }
}

/* The bias has 8 bits: its error is at most half of its last one. */
static void bias_is_rounded_to_nearest(void **state)
{
    struct rng rng;
    (void)state;
    rng_init(&rng, 6, 0);
    for (int i = 0; i < 2000; i++) {
        struct quant_layer *layer = two_weights(0.01);
        const double effective = number_in(&rng, -1, 1) * pow(10, number_in(&rng, 0, 6));
        float bias = 0;
        quant_layer_set_requantization(layer, &bias);
        const double unit =
            (double)layer->out_scale * ldexp(layer->multiplier[0], -layer->shift[0]);
        bias = (float)(effective * unit);
        quant_layer_set_requantization(layer, &bias);
        const double last = ldexp(1, layer->bias_shift[0]);
        calibrated_near("bias", layer->bias[0] * last, (double)bias / unit, 0.501 * last);
        assert_true(layer->bias_shift[0] == 0 || abs(layer->bias[0]) >= 63);
        quant_layer_free(layer);
    }
}

/* ---- Post-training quantization ---- */

static void weights_stay_symmetric_and_within_limits(void **state)
{
    static const int limits[] = {127, 7, 1};
    struct calibrated c;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    for (int k = 0; k < 4; k++)
        for (int b = 0; b < WIDTH_COUNT; b++) {
            struct quant_layer *layer = calibrated_ptq(&c, k, WIDTHS[b]);
            assert_int_equal(quant_weight_limit(WIDTHS[b]), limits[b]);
            assert_int_equal(layer->bits, WIDTHS[b]);
            assert_int_equal(layer->row_count, calibrated_row_count(c.model->net, k));
            for (int i = 0; i < layer->out_count * layer->row_count; i++)
                if (abs(layer->weight[i]) > limits[b])
                    fail_msg("%d bits: got weight %d", WIDTHS[b], layer->weight[i]);
            for (int i = 0; i < layer->out_count; i++)
                check_no_wrap(layer, i, k);
            quant_layer_free(layer);
        }
    calibrated_close(&c);
}

/* Against rounding to nearest at the same scale, and with the largest weight at the limit. */
static void check_against_nearest(const struct quant_layer *layer, const float *weights,
                                  const struct round_metric *metric)
{
    const int n = layer->row_count, limit = quant_weight_limit(layer->bits);
    int8_t nearest[128];
    float work[3 * 128];
    for (int i = 0; i < layer->out_count; i++) {
        const float *w = weights + i * n;
        float largest = 0;
        for (int j = 0; j < n; j++)
            largest = fmaxf(largest, fabsf(w[j]));
        const float scales[] = {layer->weight_scale[i],
                                quant_snap_scale(layer, largest / (float)limit)};
        const double got = round_error(metric, w, scales[0], layer->weight + i * n, work);
        for (int s = 0; s < 2; s++) {
            round_nearest(w, n, scales[s], limit, nearest);
            const double other = round_error(metric, w, scales[s], nearest, work);
            if (got > other * 1.0001)
                fail_msg("%d bits, channel %d: got error %g, nearest has %g", layer->bits, i, got,
                         other);
        }
    }
}

static void quantization_is_never_worse_than_nearest(void **state)
{
    struct calibrated c;
    struct error err;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    for (int k = 0; k < 4; k++) {
        const int n = calibrated_row_count(c.model->net, k);
        struct round_metric *metric = NULL;
        assert_in_range(n, 1, 128);
        check_ok(round_metric_create(c.calibration->in_gram[k], c.calibration->in_mean[k], n, 0.01f,
                                     &metric, &err),
                 &err);
        for (int b = 0; b < WIDTH_COUNT; b++) {
            struct quant_layer *layer = calibrated_ptq(&c, k, WIDTHS[b]);
            check_against_nearest(layer, c.model->weights[k], metric);
            quant_layer_free(layer);
        }
        round_metric_free(metric);
    }
    calibrated_close(&c);
}

/* The mean of a channel's sum over the calibration images is the float model's, but for the 8 bits
 * of the bias. */
static void bias_makes_up_for_the_mean_error(void **state)
{
    struct calibrated c;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    for (int k = 0; k < 4; k++)
        for (int b = 0; b < WIDTH_COUNT; b++) {
            struct quant_layer *layer = calibrated_ptq(&c, k, WIDTHS[b]);
            const int n = layer->row_count;
            for (int i = 0; i < layer->out_count; i++) {
                const double unit = (double)layer->in_scale * (double)layer->weight_scale[i];
                const double last = unit * ldexp(1, layer->bias_shift[i]);
                double want = (double)c.model->biases[k][i], got = layer->bias[i] * last;
                for (int j = 0; j < n; j++) {
                    const double mean = (double)c.calibration->in_mean[k][j];
                    want += (double)c.model->weights[k][i * n + j] * mean;
                    got += (double)layer->weight_scale[i] * layer->weight[i * n + j] * mean;
                }
                calibrated_near("mean output", got, want, 0.51 * last + 1e-4);
            }
            quant_layer_free(layer);
        }
    calibrated_close(&c);
}

/* Channel 1 of the first layer a hundred times as large as channel 0. */
static void every_channel_has_a_scale_of_its_own(void **state)
{
    struct calibrated c;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    const int n = calibrated_row_count(c.model->net, 0);
    for (int j = 0; j < n; j++)
        c.model->weights[0][n + j] = c.model->weights[0][j] * 100;
    for (int b = 0; b < WIDTH_COUNT; b++) {
        struct quant_layer *layer = calibrated_ptq(&c, 0, WIDTHS[b]);
        calibrated_near("scales", (double)(layer->weight_scale[1] / layer->weight_scale[0]), 100,
                        2);
        int differences = 0;
        for (int j = 0; j < n; j++)
            differences += abs(layer->weight[j] - layer->weight[n + j]) > 1;
        assert_int_equal(differences, 0);
        quant_layer_free(layer);
    }
    calibrated_close(&c);
}

static void a_channel_without_weights_gives_its_bias(void **state)
{
    struct calibrated c;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    const int n = calibrated_row_count(c.model->net, 3);
    memset(c.model->weights[3], 0, (size_t)n * sizeof(float));
    c.model->biases[3][0] = -20 * c.calibration->out_scale[3];
    struct quant_layer *layer = calibrated_ptq(&c, 3, 4);
    for (int j = 0; j < n; j++)
        assert_int_equal(layer->weight[j], 0);
    assert_int_equal(requantize(layer->bias[0] * (1 << layer->bias_shift[0]), layer->multiplier[0],
                                layer->shift[0], false),
                     -20);
    quant_layer_free(layer);
    calibrated_close(&c);
}

/* 8-bit weights of one sign in a row of 8192: the plain sum would leave the accumulator's range. */
static void long_rows_stay_within_the_accumulator(void **state)
{
    struct calibrated c;
    (void)state;
    calibrated_open(&c, "{\"op\":\"conv\",\"channels\":128,\"kernel\":1},{\"op\":\"relu\"},"
                        "{\"op\":\"fc\",\"outputs\":4}");
    const int n = calibrated_row_count(c.model->net, 1);
    assert_int_equal(n, 8192);
    assert_null(c.calibration->in_gram[1]);
    for (int j = 0; j < n; j++)
        c.model->weights[1][j] = 0.01f;
    struct quant_layer *layer = calibrated_ptq(&c, 1, 8);
    for (int i = 0; i < 4; i++) {
        assert_true(quant_channel_fits(layer, i));
        check_no_wrap(layer, i, 0);
    }
    assert_true(layer->weight[0] > 0);
    quant_layer_free(layer);
    calibrated_close(&c);
}

static void threads_do_not_change_the_result(void **state)
{
    const int saved = omp_get_max_threads();
    struct calibrated one, many;
    (void)state;
    omp_set_num_threads(1);
    calibrated_open(&one, SMALL_LAYERS);
    struct quant_layer *alone = calibrated_ptq(&one, 2, 4);
    omp_set_num_threads(3);
    calibrated_open(&many, SMALL_LAYERS);
    struct quant_layer *together = calibrated_ptq(&many, 2, 4);
    omp_set_num_threads(saved);
    for (int k = 0; k < 4; k++) {
        const size_t n = (size_t)calibrated_row_count(one.model->net, k);
        assert_memory_equal(one.calibration->in_mean[k], many.calibration->in_mean[k],
                            n * sizeof(float));
        assert_memory_equal(one.calibration->in_gram[k], many.calibration->in_gram[k],
                            n * n * sizeof(float));
    }
    calibrated_same_layer(alone, together);
    quant_layer_free(alone);
    quant_layer_free(together);
    calibrated_close(&one);
    calibrated_close(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requantization_is_the_cores),
        cmocka_unit_test(worst_inputs_never_wrap),
        cmocka_unit_test(worst_sum_is_that_of_the_worst_input),
        cmocka_unit_test(multiplier_and_shift_are_nearest_to_the_ratio),
        cmocka_unit_test(ratios_out_of_range_take_the_nearest_end),
        cmocka_unit_test(snapped_scales_are_multiplied_exactly),
        cmocka_unit_test(bias_is_rounded_to_nearest),
        cmocka_unit_test(weights_stay_symmetric_and_within_limits),
        cmocka_unit_test(quantization_is_never_worse_than_nearest),
        cmocka_unit_test(bias_makes_up_for_the_mean_error),
        cmocka_unit_test(every_channel_has_a_scale_of_its_own),
        cmocka_unit_test(a_channel_without_weights_gives_its_bias),
        cmocka_unit_test(long_rows_stay_within_the_accumulator),
        cmocka_unit_test(threads_do_not_change_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
