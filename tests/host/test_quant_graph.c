// SPDX-License-Identifier: Apache-2.0
/* Quantization of graphs, layer by layer: additions' integers against real numbers, groups, and which
 * layers a ReLU is fused into when values are used twice. */
#include "host/scratch.h"

#include <math.h>

#include "host/calibrated.h"
#include "qat/calibrate.h"

/* ---- Factors, multiplier, shift ---- */

static float scale_between(struct rng *rng, double low, double high)
{
    return (float)exp(log(low) + (log(high) - log(low)) * (double)rng_uniform(rng));
}

static struct quant_add random_add(struct rng *rng)
{
    struct quant_add add = {
        .relu = rng_below(rng, 2),
        .a_signed = rng_below(rng, 2),
        .b_signed = rng_below(rng, 2),
        .a_scale = scale_between(rng, 0.001, 0.1),
    };
    add.b_scale = add.a_scale * scale_between(rng, 0.2, 5);
    add.out_scale = fmaxf(add.a_scale, add.b_scale) * scale_between(rng, 0.5, 4);
    quant_add_set(&add, true);
    return add;
}

static int random_value(struct rng *rng, bool is_signed)
{
    return (int)rng_below(rng, 256) - (is_signed ? 128 : 0);
}

/* Results are off by half a step for rounding, and a little for the factors. */
static void sums_are_right_to_the_last_step(void **state)
{
    struct rng rng;
    (void)state;
    rng_init(&rng, 1, 0);
    for (int i = 0; i < 400; i++) {
        const struct quant_add add = random_add(&rng);
        assert_true(add.ma <= 127 && add.mb <= 127 && add.shift >= 2 && add.shift <= 31);
        for (int j = 0; j < 200; j++) {
            const int a = random_value(&rng, add.a_signed), b = random_value(&rng, add.b_signed);
            const double low = add.relu ? 0 : -128, high = add.relu ? 255 : 127;
            const double real = (double)add.a_scale * a + (double)add.b_scale * b;
            const double want = fmin(fmax(real / (double)add.out_scale, low), high);
            const int got =
                requantize(add.ma * a + add.mb * b, add.multiplier, add.shift, add.relu);
            if (fabs(got - want) > 1)
                fail_msg("%g * %d + %g * %d over %g: got %d, want %g", (double)add.a_scale, a,
                         (double)add.b_scale, b, (double)add.out_scale, got, want);
        }
    }
}

/* The largest error that factors * unit make of an operand, up to where all is clamped. */
static double worst_error(const struct quant_add *add, double unit, double ma, double mb)
{
    const double a = (double)add->a_scale / (double)add->out_scale;
    const double b = (double)add->b_scale / (double)add->out_scale;
    const double a_range = add->a_signed ? 128 : 255, b_range = add->b_signed ? 128 : 255;
    const double clamp = add->relu ? 255 : 128;
    return fabs(ma * unit - a) * fmin(a_range, (clamp + b_range * b) / a) +
           fabs(mb * unit - b) * fmin(b_range, (clamp + a_range * a) / b);
}

static void factors_are_the_best_there_are(void **state)
{
    struct rng rng;
    (void)state;
    rng_init(&rng, 2, 0);
    for (int i = 0; i < 10; i++) {
        const struct quant_add add = random_add(&rng);
        const double got = worst_error(&add, ldexp(add.multiplier, -add.shift), add.ma, add.mb);
        const double b = (double)add.b_scale / (double)add.out_scale;
        for (int m = 1; m < 256; m++)
            for (int ma = 0; ma < 128; ma++)
                for (int shift = 2; shift < 20; shift++) {
                    const double unit = ldexp(m, -shift), mb = fmin(nearbyint(b / unit), 127);
                    const double error = worst_error(&add, unit, ma, mb);
                    if (error < got * (1 - 1e-9))
                        fail_msg("error: got %g, %d and %g times %d >> %d have %g", got, ma, mb, m,
                                 shift, error);
                }
    }
}

static void one_operand_can_be_left_out(void **state)
{
    struct quant_add add = {.relu = true, .a_scale = 0.5f, .b_scale = 0.5f, .out_scale = 0.25f};
    (void)state;
    quant_add_set(&add, false);
    assert_int_equal(add.mb, 0);
    assert_int_equal(requantize(add.ma * 20, add.multiplier, add.shift, true), 40);
}

/* ---- Groups ---- */

static void swap_halves(void *values, size_t half)
{
    char *bytes = values;
    for (size_t i = 0; i < half; i++) {
        const char byte = bytes[i];
        bytes[i] = bytes[half + i];
        bytes[half + i] = byte;
    }
}

/* Two groups of four channels with all that belongs to them change places: so do the results. */
static void each_group_is_rounded_by_its_own_moments(void **state)
{
    enum { ROW = 9, CHANNELS = 4 };
    struct calibrated c;
    (void)state;
    calibrated_open(&c, "{\"op\":\"conv\",\"channels\":8,\"groups\":2,\"kernel\":3},"
                        "{\"op\":\"fc\",\"outputs\":4}");
    struct quant_layer *want = calibrated_ptq(&c, 0, 4);
    swap_halves(c.model->weights[0], CHANNELS * ROW * sizeof(float));
    swap_halves(c.model->biases[0], CHANNELS * sizeof(float));
    swap_halves(c.calibration->in_mean[0], ROW * sizeof(float));
    swap_halves(c.calibration->in_gram[0], ROW * ROW * sizeof(float));
    struct quant_layer *got = calibrated_ptq(&c, 0, 4);
    swap_halves(got->weight, CHANNELS * ROW);
    swap_halves(got->bias, CHANNELS);
    swap_halves(got->bias_shift, CHANNELS);
    swap_halves(got->multiplier, CHANNELS);
    swap_halves(got->shift, CHANNELS);
    swap_halves(got->weight_scale, CHANNELS * sizeof(float));
    calibrated_same_layer(got, want);
    quant_layer_free(got);
    quant_layer_free(want);
    calibrated_close(&c);
}

/* ---- Which ReLU is fused ---- */

#define CONV(name)      "{\"op\":\"conv\",\"name\":\"" name "\",\"channels\":2,\"kernel\":1}"
#define OP(op)          "{\"op\":\"" op "\"}"
#define NAMED(op, name) "{\"op\":\"" op "\",\"name\":\"" name "\"}"
#define ADD(with)       "{\"op\":\"add\",\"with\":\"" with "\"}"
#define HEAD            "{\"op\":\"fc\",\"outputs\":4}"

static void relus_are_fused_across_what_changes_no_order(void **state)
{
    struct net *net =
        small_net(CONV("a") "," OP("batchnorm") ",{\"op\":\"dropout\",\"rate\":0.5}," OP(
            "relu6") "," ADD("input") "," OP("relu") "," HEAD);
    (void)state;
    assert_int_equal(quant_fused_relu(net, 0), 3);
    assert_int_equal(quant_fused_relu(net, 4), 5);
    assert_false(quant_is_add(net, 3));
    assert_true(quant_is_add(net, 4));
    assert_false(quant_is_signed(net, NET_INPUT));
    assert_false(quant_is_signed(net, 3));
    assert_false(quant_is_signed(net, 4));
    assert_true(quant_is_signed(net, 6));
    net_free(net);
}

static void values_that_an_addition_reads_keep_their_sign(void **state)
{
    struct net *net = small_net(CONV("a") "," OP("relu") "," CONV("b") "," ADD("a") "," HEAD);
    (void)state;
    assert_int_equal(quant_fused_relu(net, 0), -1);
    assert_true(quant_is_signed(net, 0));
    assert_true(quant_is_signed(net, 1));
    net_free(net);
    net = small_net(CONV("a") "," NAMED("relu", "r") "," CONV("b") "," ADD("r") "," HEAD);
    assert_int_equal(quant_fused_relu(net, 0), 1);
    net_free(net);
}

static void relu6_that_is_not_fused_rescales(void **state)
{
    struct calibrated c;
    (void)state;
    calibrated_open(&c, CONV("a") "," OP("relu6") "," CONV("b") "," ADD("a") "," HEAD);
    assert_true(quant_is_add(c.model->net, 1));
    assert_false(quant_is_signed(c.model->net, 1));
    const struct quant_add *add = &c.calibration->adds[1];
    assert_true(add->relu && add->a_signed && add->b_signed);
    assert_int_equal(add->mb, 0);
    assert_true(add->out_scale <= 6.0f / 255);
    assert_int_equal(c.calibration->adds[2].multiplier, 0);
    assert_true(c.calibration->adds[3].multiplier > 0);
    calibrated_close(&c);
}

static void scales_follow_both_ways(void **state)
{
    struct calibrated c;
    (void)state;
    calibrated_open(
        &c, CONV("a") "," CONV("b") "," ADD("a") ",{\"op\":\"avgpool\",\"kernel\":8}," HEAD);
    const struct quant_add *add = &c.calibration->adds[2];
    calibrated_near("before", (double)add->a_scale, (double)c.calibration->out_scale[1], 0);
    calibrated_near("with", (double)add->b_scale, (double)c.calibration->out_scale[0], 0);
    calibrated_near("behind", (double)c.calibration->in_scale[2], (double)add->out_scale, 0);
    calibrated_near("logits", (double)c.calibration->logit_scale,
                    (double)c.calibration->out_scale[2], 0);
    calibrated_close(&c);
}

static void a_branch_has_the_scale_and_sign_of_its_source(void **state)
{
    struct calibrated c;
    (void)state;
    calibrated_open(&c, CONV("stem") "," NAMED("relu", "r") "," CONV(
                            "main") ",{\"op\":\"branch\","
                                    "\"from\":\"r\"}," CONV("aside") "," ADD("main") "," HEAD);
    assert_int_equal(quant_fused_relu(c.model->net, 0), 1);
    assert_false(quant_is_signed(c.model->net, 3));
    assert_false(c.calibration->in_signed[2]);
    calibrated_near("branch", (double)c.calibration->in_scale[2],
                    (double)c.calibration->out_scale[0], 0);
    calibrated_near("with", (double)c.calibration->adds[5].b_scale,
                    (double)c.calibration->out_scale[1], 0);
    calibrated_close(&c);
}

static void fused_relu6_clamps_at_six(void **state)
{
    struct calibrated c;
    struct error err;
    (void)state;
    calibrated_open(&c, CONV("a") "," OP("relu6") "," HEAD);
    calibration_free(c.calibration);
    for (int i = 0; i < 4; i++)
        c.model->weights[0][i] = 100; /* nearly all values are above 6 */
    check_ok(calibrate(c.model, &c.data, 100, &c.calibration, &err), &err);
    assert_true(c.calibration->out_scale[0] <= 6.0f / 255);
    assert_true(c.calibration->out_scale[0] > 5.9f / 255);
    calibrated_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_right_to_the_last_step),
        cmocka_unit_test(factors_are_the_best_there_are),
        cmocka_unit_test(one_operand_can_be_left_out),
        cmocka_unit_test(each_group_is_rounded_by_its_own_moments),
        cmocka_unit_test(relus_are_fused_across_what_changes_no_order),
        cmocka_unit_test(values_that_an_addition_reads_keep_their_sign),
        cmocka_unit_test(relu6_that_is_not_fused_rescales),
        cmocka_unit_test(scales_follow_both_ways),
        cmocka_unit_test(a_branch_has_the_scale_and_sign_of_its_source),
        cmocka_unit_test(fused_relu6_clamps_at_six),
    };
    return cmocka_run_group_tests_name("layers of graphs", tests, NULL, NULL);
}
