// SPDX-License-Identifier: Apache-2.0
/* Calibration: scales, signs and moments of activations, against naive formulas. */
#include "host/scratch.h"

#include <math.h>
#include <omp.h>

#include "host/calibrated.h"
#include "qat/calibrate.h"
#include "qat/moments.h"
#include "train/train.h"

static void calibration_chains_the_scales(void **state)
{
    struct calibrated c;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    const struct calibration *got = c.calibration;
    assert_int_equal(got->weighted_count, 4);
    assert_float_equal(got->in_scale[0], 1.0f / 255, 1e-9);
    for (int k = 0; k < 4; k++) {
        assert_true(got->out_scale[k] > 0);
        assert_int_equal(got->relu[k], k < 3);
        assert_false(got->in_signed[k]);
        if (k)
            assert_true(got->in_scale[k] <= got->out_scale[k - 1] &&
                        got->in_scale[k] >= got->out_scale[k - 1]);
    }
    calibrated_close(&c);
}

static void only_a_fused_relu_makes_activations_unsigned(void **state)
{
    struct calibrated c;
    (void)state;
    calibrated_open(&c, "{\"op\":\"conv\",\"channels\":3,\"kernel\":3},{\"op\":\"maxpool\","
                        "\"kernel\":2},{\"op\":\"relu\"},{\"op\":\"conv\",\"channels\":3,"
                        "\"kernel\":2},{\"op\":\"avgpool\",\"kernel\":2},{\"op\":\"relu\"},"
                        "{\"op\":\"fc\",\"outputs\":5},{\"op\":\"fc\",\"outputs\":4}");
    const bool want_relu[] = {true, false, false, false};
    const bool want_signed[] = {false, false, true, true};
    assert_memory_equal(c.calibration->relu, want_relu, sizeof want_relu);
    assert_memory_equal(c.calibration->in_signed, want_signed, sizeof want_signed);
    assert_int_equal(quant_fused_relu(c.model->net, 0), 2);
    assert_int_equal(quant_fused_relu(c.model->net, 3), -1);
    calibrated_close(&c);
}

/* Moments of the first layer's patches, in double. */
static void calibration_moments_are_those_of_the_patches(void **state)
{
    enum { K = 3 * 3 * 2, SIZE = SMALL_SIDE };
    struct calibrated c;
    static double mean[K], gram[K][K];
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    memset(mean, 0, sizeof mean);
    memset(gram, 0, sizeof gram);
    for (int n = 0; n < 100 * SIZE * SIZE; n++) {
        const uint8_t *image = c.data.images + n / (SIZE * SIZE) * SIZE * SIZE * 2;
        const int y = n / SIZE % SIZE - 1, x = n % SIZE - 1;
        double patch[K];
        for (int i = 0; i < K; i++) {
            const int py = y + i / 6, px = x + i / 2 % 3;
            const bool inside = py >= 0 && py < SIZE && px >= 0 && px < SIZE;
            patch[i] = inside ? image[(py * SIZE + px) * 2 + i % 2] / 255.0 : 0;
            mean[i] += patch[i] / (100 * SIZE * SIZE);
        }
        for (int i = 0; i < K; i++)
            for (int j = 0; j < K; j++)
                gram[i][j] += patch[i] * patch[j] / (100 * SIZE * SIZE);
    }
    for (int i = 0; i < K; i++) {
        calibrated_near("mean", (double)c.calibration->in_mean[0][i], mean[i], 1e-5);
        for (int j = 0; j < K; j++)
            calibrated_near("gram", (double)c.calibration->in_gram[0][i * K + j], gram[i][j], 1e-5);
    }
    calibrated_close(&c);
}

/* Two groups of one channel. */
static void groups_have_moments_of_their_own(void **state)
{
    enum { SIZE = SMALL_SIDE, PIXELS = 100 * SIZE * SIZE };
    struct calibrated c;
    (void)state;
    calibrated_open(&c, "{\"op\":\"depthwise\",\"kernel\":[3,1],\"padding\":\"same\"},"
                        "{\"op\":\"fc\",\"outputs\":4}");
    for (int channel = 0; channel < 2; channel++) {
        double mean[3] = {0}, gram[3][3] = {{0}};
        for (int n = 0; n < PIXELS; n++) {
            const uint8_t *image = c.data.images + n / (SIZE * SIZE) * SIZE * SIZE * 2;
            double x[3];
            for (int i = 0; i < 3; i++) {
                const int row = n / SIZE % SIZE - 1 + i;
                const int at = (row * SIZE + n % SIZE) * 2 + channel;
                x[i] = row >= 0 && row < SIZE ? image[at] / 255.0 : 0;
                mean[i] += x[i] / PIXELS;
            }
            for (int i = 0; i < 9; i++)
                gram[i / 3][i % 3] += x[i / 3] * x[i % 3] / PIXELS;
        }
        for (int i = 0; i < 3; i++)
            calibrated_near("mean", (double)c.calibration->in_mean[0][3 * channel + i], mean[i],
                            1e-5);
        for (int i = 0; i < 9; i++)
            calibrated_near("gram", (double)c.calibration->in_gram[0][9 * channel + i],
                            gram[i / 3][i % 3], 1e-5);
    }
    calibrated_close(&c);
}

/* Of more positions than can be summed a part is used, which has nearly the same mean. */
static void long_layers_are_sampled(void **state)
{
    const struct net_layer layer = {.op = NET_CONV,
                                    .name = "long",
                                    .in = {20, 20, 64},
                                    .out = {20, 20, 8},
                                    .kernel_h = 4,
                                    .kernel_w = 4,
                                    .stride_h = 1,
                                    .stride_w = 1,
                                    .pad_top = 1,
                                    .pad_left = 1,
                                    .pad_bottom = 2,
                                    .pad_right = 2,
                                    .groups = 1};
    enum { ELEMENTS = 4 * 4 * 64, IMAGES = 2 };
    struct moments *all, *part;
    struct error err;
    struct rng rng;
    (void)state;
    float *values = malloc(IMAGES * 400 * 64 * sizeof *values);
    float *means = malloc(2 * ELEMENTS * sizeof *means);
    float *gram = malloc((size_t)ELEMENTS * ELEMENTS * sizeof *gram);
    assert_true(values && means && gram);
    rng_init(&rng, 1, 0);
    for (int i = 0; i < IMAGES * 400 * 64; i++)
        values[i] = 1 + rng_uniform(&rng);
    check_ok(moments_create(&layer, IMAGES, &all, &err), &err);
    check_ok(moments_create(&layer, 100, &part, &err), &err);
    moments_add(all, values, IMAGES);
    moments_add(part, values, 1);
    moments_add(part, values + 400 * 64, 1);
    moments_finish(all, means, gram);
    moments_finish(part, means + ELEMENTS, gram);
    assert_memory_not_equal(means, means + ELEMENTS, ELEMENTS * sizeof *means);
    for (int i = 0; i < ELEMENTS; i++)
        calibrated_near("mean", (double)means[ELEMENTS + i], (double)means[i], 0.15);
    moments_free(all);
    moments_free(part);
    free(values);
    free(means);
    free(gram);
}

struct ranges {
    const struct net *net;
    float largest[NET_MAX_LAYERS];
};

static void find_largest(void *context, int layer, const float *values, size_t count,
                         struct shape shape)
{
    struct ranges *ranges = context;
    for (size_t i = 0; layer >= 0 && i < count * shape_size(shape); i++)
        ranges->largest[layer] = fmaxf(ranges->largest[layer], fabsf(values[i]));
}

/* Few values may be clipped, and the range is not wider than the values. */
static void activation_scales_cover_the_ranges(void **state)
{
    struct calibrated c;
    struct ranges ranges = {0};
    struct error err;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    ranges.net = c.model->net;
    check_ok(train_observe(c.model, &c.data, 100, find_largest, &ranges, &err), &err);
    for (int k = 0; k < 4; k++) {
        const int layer = c.model->net->weighted[k] + (k < 3); /* behind the ReLU */
        const float covered = c.calibration->out_scale[k] * (k < 3 ? 255 : 127);
        if (covered > ranges.largest[layer] * 1.01f || covered < ranges.largest[layer] * 0.3f)
            fail_msg("weighted layer %d: got range %g, want near %g", k, (double)covered,
                     (double)ranges.largest[layer]);
    }
    calibrated_close(&c);
}

static void calibration_without_images_is_refused(void **state)
{
    struct float_model *model = small_model(SMALL_LAYERS, 3);
    const struct dataset none = {.shape = {8, 8, 2}};
    struct calibration *calibration = NULL;
    struct error err;
    (void)state;
    check_failed(calibrate(model, &none, 10, &calibration, &err), STATUS_INPUT, &err,
                 "calibration: want at least one image; check the training data");
    assert_null(calibration);
    float_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calibration_chains_the_scales),
        cmocka_unit_test(only_a_fused_relu_makes_activations_unsigned),
        cmocka_unit_test(calibration_moments_are_those_of_the_patches),
        cmocka_unit_test(groups_have_moments_of_their_own),
        cmocka_unit_test(long_layers_are_sampled),
        cmocka_unit_test(activation_scales_cover_the_ranges),
        cmocka_unit_test(calibration_without_images_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
