// SPDX-License-Identifier: Apache-2.0
/* Signed inputs and input scales, from the data set to the integer model. */
#include "host/small_problem.h"

#include "infer/infer.h"
#include "pack/pack.h"
#include "qat/calibrate.h"
#include "qat/qat.h"
#include "quant/quant.h"
#include "train/train.h"

enum { IMAGES = 240 };

/* Sum of all values that the network's input has. */
struct seen {
    double sum;
    float smallest;
};

static void see_input(void *context, int layer, const float *values, size_t count,
                      struct shape shape)
{
    struct seen *seen = context;
    for (size_t i = 0; layer < 0 && i < count * shape_size(shape); i++) {
        seen->sum += (double)values[i];
        seen->smallest = values[i] < seen->smallest ? values[i] : seen->smallest;
    }
}

static void make_signed(struct dataset *data, float scale)
{
    for (size_t i = 0; i < data->count * shape_size(data->shape); i++)
        data->images[i] ^= 0x80;
    data->is_signed = true;
    data->scale = scale;
}

static struct data_split signed_split(float scale)
{
    struct data_split split = small_split(IMAGES, 1, 6);
    make_signed(&split.train, scale);
    make_signed(&split.validation, scale);
    make_signed(&split.test, scale);
    return split;
}

static struct float_model *trained(const struct data_split *data)
{
    const struct train_options options = {.seed = 3, .threads = 2, .progress = PROGRESS_QUIET};
    struct float_model *model = small_model(SMALL_LAYERS, 1);
    struct error err;
    model->net->input_signed = true;
    check_ok(train_float(model, data, &options, NULL, NULL, &err), &err);
    return model;
}

static double integer_accuracy(const struct quant_model *quant, const struct dataset *data)
{
    struct container *container = NULL;
    struct infer *infer = NULL;
    struct error err;
    double accuracy = 0;
    check_ok(pack_model(quant, &container, &err), &err);
    assert_true(container->model->buffers[container->model->input].is_signed);
    check_ok(infer_create(container->model, &infer, &err), &err);
    check_ok(infer_accuracy(infer, data, 2, &accuracy, &err), &err);
    infer_free(infer);
    container_free(container);
    return accuracy;
}

static void networks_see_scale_times_integer(void **state)
{
    struct data_split data = signed_split(0.02f);
    struct float_model *model = small_model(SMALL_LAYERS, 1);
    struct seen seen = {0};
    struct error err;
    double want = 0;
    (void)state;
    check_ok(train_observe(model, &data.train, 100, see_input, &seen, &err), &err);
    for (size_t i = 0; i < 100 * shape_size(data.train.shape); i++)
        want += 0.02 * (int8_t)data.train.images[i];
    if (fabs(seen.sum - want) > 0.01 || seen.smallest < -2.561f || seen.smallest > -2.5f)
        fail_msg("got sum %g and smallest %g, want %g and -2.56", seen.sum, (double)seen.smallest,
                 want);
    float_model_free(model);
    data_free(&data);
}

static void post_training_quantization_keeps_the_accuracy(void **state)
{
    struct data_split data = signed_split(0.02f);
    struct float_model *model = trained(&data);
    struct calibration *calibration = NULL;
    struct quant_model *quant = NULL;
    struct error err;
    double want = 0;
    (void)state;
    check_ok(train_evaluate(model, &data.test, 2, &want, &err), &err);
    check_ok(calibrate(model, &data.train, 100, &calibration, &err), &err);
    assert_true(calibration->in_signed[0]);
    assert_true(calibration->in_scale[0] == 0.02f);
    check_ok(quant_model_create(model->net, &quant, &err), &err);
    quant->owns_layers = true;
    for (int k = 0; k < model->net->weighted_count; k++)
        check_ok(quant_layer_ptq(model, calibration, k, 8, &quant->layers[k], &err), &err);
    const double got = integer_accuracy(quant, &data.test);
    if (want < 90 || got < want - 2)
        fail_msg("got %.2f %%, float %.2f %%; want 90 and at most 2 less", got, want);
    quant_model_free(quant);
    calibration_free(calibration);
    float_model_free(model);
    data_free(&data);
}

static void keep_accuracy(void *context, int epoch, double loss, double accuracy, double seconds)
{
    (void)epoch;
    (void)loss;
    (void)seconds;
    *(double *)context = accuracy;
}

/* Training evaluates integers: what it reports is what the integer model gets. */
static void quantization_aware_training_equals_the_integer_model(void **state)
{
    struct data_split data = signed_split(1.0f / 255);
    struct float_model *model = trained(&data);
    const struct qat_options options = {
        .epochs = 1, .seed = 4, .threads = 2, .progress = PROGRESS_QUIET};
    const int bits[] = {4, 4, 8, 4};
    struct calibration *calibration = NULL;
    struct quant_model *quant = NULL;
    struct error err;
    double want = 0;
    (void)state;
    check_ok(calibrate(model, &data.train, 100, &calibration, &err), &err);
    check_ok(
        qat_train(model, calibration, bits, &data, &options, keep_accuracy, &want, &quant, &err),
        &err);
    assert_float_equal(integer_accuracy(quant, &data.validation), want, 1e-9);
    quant_model_free(quant);
    calibration_free(calibration);
    float_model_free(model);
    data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_see_scale_times_integer),
        cmocka_unit_test(post_training_quantization_keeps_the_accuracy),
        cmocka_unit_test(quantization_aware_training_equals_the_integer_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
