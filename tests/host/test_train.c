// SPDX-License-Identifier: Apache-2.0
/* Training: the loss against its formula, the loop. Gradients of layers: test_dnn.c. */
#include "host/scratch.h"

#include <math.h>

#include "host/small_problem.h"
#include "train/dnn.h"
#include "train/train.h"
#include "train/train_loop.h"

#define FC4 "{\"op\":\"fc\",\"outputs\":4}"

/* ---- Loss ---- */

/* What a step of a single FC layer is told. */
struct step {
    const struct float_model *model;
    float bias_gradients[SMALL_CLASSES];
    double loss;
};

static enum status load_step(void *context, struct dnn_plan *plan, struct error *err)
{
    const struct float_model *model = ((struct step *)context)->model;
    return dnn_plan_set_weights(plan, 0, model->weights[0], model->biases[0], err);
}

static void take_gradients(void *context, int k, float *weights, float *bias)
{
    assert_int_equal(k, 0);
    assert_non_null(weights);
    memcpy(((struct step *)context)->bias_gradients, bias, SMALL_CLASSES * sizeof *bias);
}

static void keep_nothing(void *context)
{
    (void)context;
}

static void take_loss(void *context, int epoch, double loss, double accuracy, double seconds)
{
    assert_int_equal(epoch, 1);
    assert_true(isnan(accuracy) && seconds >= 0);
    ((struct step *)context)->loss = loss;
}

/* Cross-entropy of softmax(logit_scale * values) over images of a single batch, in double; the
 * target is spread over the classes by a part of `smoothing`. */
static double naive_loss(const struct float_model *model, const struct dataset *data,
                         double logit_scale, double smoothing, double gradients[SMALL_CLASSES])
{
    const size_t size = shape_size(data->shape);
    double loss = 0;
    memset(gradients, 0, SMALL_CLASSES * sizeof *gradients);
    for (size_t i = 0; i < data->count; i++) {
        double values[SMALL_CLASSES], sum = 0;
        for (size_t c = 0; c < SMALL_CLASSES; c++) {
            values[c] = (double)model->biases[0][c];
            for (size_t j = 0; j < size; j++)
                values[c] +=
                    (double)model->weights[0][c * size + j] * data->images[i * size + j] / 255;
            sum += exp(values[c] * logit_scale);
        }
        for (size_t c = 0; c < SMALL_CLASSES; c++) {
            const double p = exp(values[c] * logit_scale) / sum;
            const double target =
                (c == data->labels[i] ? 1 - smoothing : 0) + smoothing / SMALL_CLASSES;
            gradients[c] += (p - target) * logit_scale / (double)data->count;
            loss -= target * log(p) / (double)data->count;
        }
    }
    return loss;
}

/* 18 images in a batch of 20: two places are empty. */
static void check_loss(float smoothing)
{
    struct float_model *model = small_model(FC4, 9);
    const struct data_split data = {.train = small_data(18, 1, 6, 0)};
    struct net_recipe recipe = model->net->recipe;
    struct step step = {.model = model};
    double want[SMALL_CLASSES];
    struct error err;
    recipe.epochs[0] = 1;
    recipe.label_smoothing = smoothing;
    const double want_loss = naive_loss(model, &data.train, 0.3, (double)smoothing, want);
    const struct train_job job = {
        .net = model->net,
        .recipe = &recipe,
        .data = &data,
        .weights = model->weights,
        .biases = model->biases,
        .label = "loss",
        .options = {.seed = 1, .threads = 2, .progress = PROGRESS_QUIET},
        .on_epoch = take_loss,
        .on_epoch_context = &step,
        .hooks = {.context = &step,
                  .input_scale = 1.0f / 255,
                  .logit_scale = 0.3f,
                  .load = load_step,
                  .forward = train_forward_all,
                  .backward = train_backward_all,
                  .convert = take_gradients,
                  .keep = keep_nothing},
    };
    check_ok(train_loop(&job, &err), &err);
    assert_float_equal(step.loss, want_loss, 1e-5);
    for (int c = 0; c < SMALL_CLASSES; c++)
        assert_float_equal(step.bias_gradients[c], want[c], 1e-5);
    float_model_free(model);
    free(data.train.images);
    free(data.train.labels);
}

static void loss_is_the_cross_entropy_of_scaled_logits(void **state)
{
    (void)state;
    check_loss(0);
}

static void label_smoothing_spreads_the_target(void **state)
{
    (void)state;
    check_loss(0.2f);
}

/* ---- The loop ---- */

enum { EPOCHS_MAX = 64 };

struct record {
    int epochs;
    double losses[EPOCHS_MAX], accuracies[EPOCHS_MAX];
};

static void record_epoch(void *context, int epoch, double loss, double accuracy, double seconds)
{
    struct record *record = context;
    assert_int_equal(epoch, record->epochs + 1);
    assert_true(seconds >= 0);
    record->losses[record->epochs] = loss;
    record->accuracies[record->epochs++] = accuracy;
}

static struct float_model *trained_layers(const char *layers, const struct data_split *data,
                                          uint64_t seed, int threads, struct record *record)
{
    const struct train_options options = {
        .seed = seed, .threads = threads, .progress = PROGRESS_QUIET};
    struct float_model *model = small_model(layers, 1);
    struct error err;
    check_ok(train_float(model, data, &options, record_epoch, record, &err), &err);
    return model;
}

static struct float_model *trained(const struct data_split *data, uint64_t seed, int threads,
                                   struct record *record)
{
    return trained_layers(SMALL_LAYERS, data, seed, threads, record);
}

static void loss_falls_and_accuracy_rises(void **state)
{
    struct data_split data = small_split(300, 1, 2);
    struct record record = {0};
    (void)state;
    struct float_model *model = trained(&data, 1, 2, &record);
    assert_int_equal(record.epochs, 6);
    if (record.losses[5] > 0.3 * record.losses[0] || record.accuracies[5] < 95)
        fail_msg("got loss %.3f after %.3f, accuracy %.1f %%; want under 0.3 times and 95 %%",
                 record.losses[5], record.losses[0], record.accuracies[5]);
    float_model_free(model);
    data_free(&data);
}

/* 301 images: the last batch is smaller than the others and leaves shards partly empty. */
static void weights_depend_on_the_seed_and_not_on_threads(void **state)
{
    struct data_split data = small_split(301, 2, 2);
    struct record records[4] = {{0}};
    (void)state;
    struct float_model *one = trained(&data, 7, 1, &records[0]);
    struct float_model *two = trained(&data, 7, 2, &records[1]);
    struct float_model *many = trained(&data, 7, 9, &records[2]);
    struct float_model *other = trained(&data, 8, 2, &records[3]);
    assert_true(same_weights(one, two));
    assert_true(same_weights(one, many));
    assert_false(same_weights(one, other));
    assert_memory_equal(&records[0], &records[1], sizeof records[0]);
    float_model_free(one);
    float_model_free(two);
    float_model_free(many);
    float_model_free(other);
    data_free(&data);
}

/* Float model after a short training with this augmentation. */
static struct float_model *augmented(const struct data_split *data, struct net_augment augment,
                                     int threads)
{
    const struct train_options options = {
        .seed = 3, .threads = threads, .progress = PROGRESS_QUIET};
    struct float_model *model = small_model(SMALL_LAYERS, 1);
    struct error err;
    model->net->recipe.augment = augment;
    model->net->recipe.epochs[0] = 2;
    check_ok(train_float(model, data, &options, NULL, NULL, &err), &err);
    return model;
}

static void augmentation_changes_training_and_not_with_the_threads(void **state)
{
    const struct net_augment augments[] = {
        {.shift = 2, .flip = true, .cutout = 3}, {.shift = 2}, {.flip = true}, {.cutout = 3}};
    struct data_split data = small_split(101, 1, 2);
    (void)state;
    struct float_model *plain = augmented(&data, (struct net_augment){0}, 1);
    for (size_t i = 0; i < sizeof augments / sizeof *augments; i++) {
        struct float_model *one = augmented(&data, augments[i], 1);
        struct float_model *many = augmented(&data, augments[i], 4);
        assert_true(same_weights(one, many));
        assert_false(same_weights(one, plain));
        float_model_free(one);
        float_model_free(many);
    }
    float_model_free(plain);
    data_free(&data);
}

static void early_stopping_stops_and_keeps_the_best_epoch(void **state)
{
    const struct train_options options = {.seed = 3, .threads = 2, .progress = PROGRESS_QUIET};
    struct data_split data = small_split(200, 3.5f, 4);
    struct float_model *model = small_model(SMALL_LAYERS, 1);
    struct record record = {0};
    struct error err;
    double best = 0, got = 0;
    int best_epoch = 0;
    (void)state;
    model->net->recipe.epochs[0] = EPOCHS_MAX;
    model->net->recipe.learning_rate[0] = 0.02f;
    model->net->recipe.early_stopping_epochs = 3;
    check_ok(train_float(model, &data, &options, record_epoch, &record, &err), &err);
    for (int i = 0; i < record.epochs; i++)
        if (record.accuracies[i] > best) {
            best = record.accuracies[i];
            best_epoch = i + 1;
        }
    assert_int_equal(record.epochs, best_epoch + 3);
    check_ok(train_evaluate(model, &data.validation, 2, &got, &err), &err);
    assert_float_equal(got, best, 1e-9);
    float_model_free(model);
    data_free(&data);
}

/* Layers that do something else in training than in evaluation, round a residual block. */
#define NORM "{\"op\":\"batchnorm\"},"
#define DROP "{\"op\":\"dropout\",\"rate\":0.1},"
#define RESIDUAL_LAYERS                                                                            \
    "{\"op\":\"conv\",\"channels\":6,\"kernel\":3,\"padding\":\"same\"},"                          \
    "{\"op\":\"batchnorm\",\"name\":\"a\"},{\"op\":\"relu6\"},"                                    \
    "{\"op\":\"depthwise\",\"kernel\":3,\"padding\":1}," NORM "{\"op\":\"relu6\"},"                \
    "{\"op\":\"conv\",\"channels\":6,\"kernel\":1}," NORM "{\"op\":\"add\",\"with\":\"a\"}," DROP  \
    "{\"op\":\"avgpool\",\"kernel\":4},{\"op\":\"fc\",\"outputs\":9}," NORM                        \
    "{\"op\":\"relu\"}," DROP "{\"op\":\"fc\",\"outputs\":4},{\"op\":\"softmax\"}"

static void residual_networks_do_not_depend_on_threads_either(void **state)
{
    struct data_split data = small_split(301, 2, 2);
    struct record records[3] = {{0}};
    (void)state;
    struct float_model *one = trained_layers(RESIDUAL_LAYERS, &data, 7, 1, &records[0]);
    struct float_model *two = trained_layers(RESIDUAL_LAYERS, &data, 7, 2, &records[1]);
    struct float_model *other = trained_layers(RESIDUAL_LAYERS, &data, 8, 2, &records[2]);
    assert_true(same_weights(one, two));
    assert_false(same_weights(one, other));
    assert_memory_equal(&records[0], &records[1], sizeof records[0]);
    float_model_free(one);
    float_model_free(two);
    float_model_free(other);
    data_free(&data);
}

/* What training measured with its own plan, a plan for inference measures with the model. */
static void trained_models_hold_folded_weights(void **state)
{
    struct data_split data = small_split(301, 1, 2);
    struct record record = {0};
    struct error err;
    double got = 0;
    (void)state;
    struct float_model *model = trained_layers(RESIDUAL_LAYERS, &data, 3, 2, &record);
    const double want = record.accuracies[record.epochs - 1];
    if (record.losses[record.epochs - 1] > 0.6 * record.losses[0] || want < 90)
        fail_msg("got loss %.3f after %.3f, accuracy %.1f %%; want under 0.6 times and 90 %%",
                 record.losses[record.epochs - 1], record.losses[0], want);
    check_ok(train_evaluate(model, &data.validation, 2, &got, &err), &err);
    assert_float_equal(got, want, 1e-9);
    float_model_free(model);
    data_free(&data);
}

static void batches_too_small_for_normalization_are_refused(void **state)
{
    const struct train_options options = {.seed = 3, .threads = 1, .progress = PROGRESS_QUIET};
    struct data_split data = small_split(40, 1, 4);
    struct float_model *model = small_model(RESIDUAL_LAYERS, 1);
    struct error err;
    (void)state;
    model->net->recipe.batch = 4;
    check_failed(train_float(model, &data, &options, NULL, NULL, &err), STATUS_INPUT, &err,
                 "small: train.batch: 4 images are too few for layer batchnorm4; want at least 5");
    float_model_free(model);
    data_free(&data);
}

static void hopeless_learning_rates_are_reported(void **state)
{
    const struct train_options options = {.seed = 3, .threads = 1, .progress = PROGRESS_QUIET};
    struct data_split data = small_split(40, 1, 4);
    struct float_model *model = small_model(SMALL_LAYERS, 1);
    struct error err;
    (void)state;
    model->net->recipe.optimizer = OPTIMIZER_SGD;
    model->net->recipe.learning_rate[0] = 1e30f;
    check_failed(train_float(model, &data, &options, NULL, NULL, &err), STATUS_INPUT, &err,
                 "small: the loss is not finite in epoch 1; lower the learning rate");
    float_model_free(model);
    data_free(&data);
}

static void training_without_images_is_refused(void **state)
{
    const struct train_options options = {.seed = 3, .threads = 1, .progress = PROGRESS_QUIET};
    const struct data_split data = {.train = {.shape = {8, 8, 2}}};
    struct float_model *model = small_model(SMALL_LAYERS, 1);
    struct error err;
    (void)state;
    check_failed(train_float(model, &data, &options, NULL, NULL, &err), STATUS_INPUT, &err,
                 "small: no training images; lower \"validation\"");
    float_model_free(model);
}

/* ---- Learning rates, as a step hook sees them ---- */

struct rates {
    const struct float_model *model;
    int steps, kept;
    float rates[64];
};

static enum status load_rates(void *context, struct dnn_plan *plan, struct error *err)
{
    const struct float_model *model = ((struct rates *)context)->model;
    enum status status = STATUS_OK;
    for (int k = 0; status == STATUS_OK && k < model->net->weighted_count; k++)
        status = dnn_plan_set_weights(plan, k, model->weights[k], model->biases[k], err);
    return status;
}

static void record_rate(void *context, float rate)
{
    struct rates *rates = context;
    assert_in_range(rates->steps, 0, 63);
    rates->rates[rates->steps++] = rate;
}

static void count_kept(void *context)
{
    ((struct rates *)context)->kept++;
}

/* Two phases, 1 epoch at 0.01 and 2 at 0.001, of 5 steps each. */
static struct rates run_phases(bool cosine, int warmup_epochs)
{
    struct float_model *model = small_model(SMALL_LAYERS, 1);
    struct data_split data = small_split(90, 1, 4);
    struct net_recipe recipe = model->net->recipe;
    struct rates rates = {.model = model};
    struct error err;
    recipe.phase_count = 2;
    recipe.warmup_epochs = warmup_epochs;
    recipe.epochs[0] = 1;
    recipe.epochs[1] = 2;
    recipe.learning_rate[0] = 0.01f;
    recipe.learning_rate[1] = 0.001f;
    const struct train_job job = {
        .net = model->net,
        .recipe = &recipe,
        .data = &data,
        .weights = model->weights,
        .biases = model->biases,
        .cosine = cosine,
        .label = "rates",
        .options = {.seed = 1, .threads = 1, .progress = PROGRESS_QUIET},
        .hooks = {.context = &rates,
                  .input_scale = 1.0f / 255,
                  .logit_scale = 1,
                  .load = load_rates,
                  .forward = train_forward_all,
                  .backward = train_backward_all,
                  .step = record_rate,
                  .keep = count_kept},
    };
    check_ok(train_loop(&job, &err), &err);
    float_model_free(model);
    data_free(&data);
    return rates;
}

static void learning_rates_follow_the_phases(void **state)
{
    const struct rates rates = run_phases(false, 0);
    (void)state;
    assert_int_equal(rates.steps, 15);
    assert_int_equal(rates.kept, 3);
    for (int i = 0; i < 15; i++)
        assert_float_equal(rates.rates[i], i < 5 ? 0.01f : 0.001f, 1e-9);
}

/* Steps of 20 images of 90; an epoch's last one is of 10. */
static void cosine_lowers_the_learning_rates_to_zero(void **state)
{
    const struct rates rates = run_phases(true, 0);
    (void)state;
    assert_int_equal(rates.steps, 15);
    for (int i = 0; i < 15; i++) {
        const double part = (90.0 * (i / 5) + 20.0 * (i % 5)) / 270;
        const double want = (i < 5 ? 0.01 : 0.001) * (1 + cos(3.14159265358979 * part)) / 2;
        assert_float_equal(rates.rates[i], want, 1e-8);
    }
}

/* The first epoch's steps end at 20, 40, 60, 80 and all 90 images. */
static void rates_rise_in_the_warmup(void **state)
{
    const struct rates rates = run_phases(true, 1);
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_float_equal(rates.rates[i], 0.01f * fminf(20.0f * (float)(i + 1) / 90, 1), 1e-8);
    for (int i = 5; i < 15; i++) {
        const double part = (90.0 * (i / 5 - 1) + 20.0 * (i % 5)) / 180;
        const double want = 0.001 * (1 + cos(3.14159265358979 * part)) / 2;
        assert_float_equal(rates.rates[i], want, 1e-8);
    }
}

/* ---- Evaluation and observation ---- */

/* A single FC layer on the pixels of 150 images, more than one group. */
static void evaluation_counts_right_answers(void **state)
{
    struct float_model *model = small_model(FC4, 9);
    struct dataset data = small_data(150, 1, 6, 0);
    const size_t size = shape_size(data.shape);
    size_t correct = 0;
    double got = 0;
    struct error err;
    (void)state;
    for (size_t i = 0; i < data.count; i++) {
        double values[SMALL_CLASSES];
        int best = 0;
        for (size_t c = 0; c < SMALL_CLASSES; c++) {
            values[c] = (double)model->biases[0][c];
            for (size_t j = 0; j < size; j++)
                values[c] +=
                    (double)model->weights[0][c * size + j] * data.images[i * size + j] / 255;
            best = values[c] > values[best] ? (int)c : best;
        }
        correct += best == data.labels[i];
    }
    for (int threads = 1; threads <= 3; threads++) {
        check_ok(train_evaluate(model, &data, threads, &got, &err), &err);
        assert_float_equal(got, (100.0 * (double)correct / 150), 1e-9);
    }
    float_model_free(model);
    free(data.images);
    free(data.labels);
}

struct seen {
    const struct net *net;
    const struct dataset *data;
    size_t images;
    int next;
};

static void see_layer(void *context, int layer, const float *values, size_t count,
                      struct shape shape)
{
    struct seen *seen = context;
    const struct net *net = seen->net;
    const struct shape want = layer < 0 ? net->input : net->layers[layer].out;
    assert_int_equal(layer, seen->next);
    assert_memory_equal(&shape, &want, sizeof shape);
    if (layer < 0) {
        const uint8_t *image = seen->data->images + seen->images * shape_size(shape);
        for (size_t i = 0; i < count * shape_size(shape); i++)
            assert_float_equal(values[i], (float)image[i] / 255, 1e-6);
        seen->images += count;
    }
    seen->next = layer + 1 == net->layer_count ? -1 : layer + 1;
}

static void observation_shows_every_layer_of_every_image(void **state)
{
    struct float_model *model = small_model(SMALL_LAYERS, 9);
    struct dataset data = small_data(150, 1, 6, 0);
    struct seen seen = {.net = model->net, .data = &data, .next = -1};
    struct error err;
    (void)state;
    check_ok(train_observe(model, &data, 130, see_layer, &seen, &err), &err);
    assert_int_equal(seen.images, 130);
    assert_int_equal(seen.next, -1);
    float_model_free(model);
    free(data.images);
    free(data.labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_the_cross_entropy_of_scaled_logits),
        cmocka_unit_test(label_smoothing_spreads_the_target),
        cmocka_unit_test(loss_falls_and_accuracy_rises),
        cmocka_unit_test(weights_depend_on_the_seed_and_not_on_threads),
        cmocka_unit_test(augmentation_changes_training_and_not_with_the_threads),
        cmocka_unit_test(early_stopping_stops_and_keeps_the_best_epoch),
        cmocka_unit_test(residual_networks_do_not_depend_on_threads_either),
        cmocka_unit_test(trained_models_hold_folded_weights),
        cmocka_unit_test(batches_too_small_for_normalization_are_refused),
        cmocka_unit_test(hopeless_learning_rates_are_reported),
        cmocka_unit_test(training_without_images_is_refused),
        cmocka_unit_test(learning_rates_follow_the_phases),
        cmocka_unit_test(cosine_lowers_the_learning_rates_to_zero),
        cmocka_unit_test(rates_rise_in_the_warmup),
        cmocka_unit_test(evaluation_counts_right_answers),
        cmocka_unit_test(observation_shows_every_layer_of_every_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
