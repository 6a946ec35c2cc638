// SPDX-License-Identifier: Apache-2.0
/* Training: gradients against finite differences, the loss against its formula, the loop. */
#include "host/scratch.h"

#include <math.h>

#include "dnn.h"
#include "host/small_problem.h"
#include "train.h"
#include "train_loop.h"

/* ---- Gradients ---- */

enum { SHARDS = 2, IMAGES = 3 };

/* A plan with two shards of random images, and a loss that is a random sum of the outputs. */
struct probe {
    struct float_model *model;
    struct dnn_plan *plan;
    struct dnn_shard *shards[SHARDS];
    float factors[SHARDS * IMAGES * SMALL_CLASSES];
    int saved;
};

static void probe_open(struct probe *probe, const char *layers)
{
    struct error err;
    struct rng rng;
    rng_init(&rng, 11, 0);
    probe->saved = dnn_threads_enter();
    probe->model = small_model(layers, 5);
    check_ok(dnn_plan_create(probe->model->net, IMAGES, true, &probe->plan, &err), &err);
    for (int s = 0; s < SHARDS; s++) {
        check_ok(dnn_shard_create(probe->plan, &probe->shards[s], &err), &err);
        float *input = dnn_shard_values(probe->shards[s], -1);
        for (size_t i = 0; i < IMAGES * shape_size(probe->model->net->input); i++)
            input[i] = rng_uniform(&rng);
    }
    for (size_t i = 0; i < sizeof probe->factors / sizeof *probe->factors; i++)
        probe->factors[i] = 2 * rng_uniform(&rng) - 1;
}

static void probe_close(struct probe *probe)
{
    for (int s = 0; s < SHARDS; s++)
        dnn_shard_free(probe->shards[s]);
    dnn_plan_free(probe->plan);
    float_model_free(probe->model);
    dnn_threads_leave(probe->saved);
}

static double probe_loss(struct probe *probe)
{
    const struct float_model *model = probe->model;
    const int last = model->net->layer_count - 1;
    const size_t count = (size_t)IMAGES * SMALL_CLASSES;
    double loss = 0;
    struct error err;
    for (int k = 0; k < model->net->weighted_count; k++)
        check_ok(dnn_plan_set_weights(probe->plan, k, model->weights[k], model->biases[k], &err),
                 &err);
    for (size_t s = 0; s < SHARDS; s++) {
        check_ok(train_forward_all(NULL, probe->shards[s], &err), &err);
        const float *values = dnn_shard_values(probe->shards[s], last);
        for (size_t i = 0; i < count; i++)
            loss += (double)values[i] * (double)probe->factors[s * count + i];
    }
    return loss;
}

static void probe_backward(struct probe *probe)
{
    const int last = probe->model->net->layer_count - 1;
    const size_t count = (size_t)IMAGES * SMALL_CLASSES;
    struct error err;
    probe_loss(probe);
    for (size_t s = 0; s < SHARDS; s++) {
        memcpy(dnn_shard_gradients(probe->shards[s], last), probe->factors + s * count,
               count * sizeof(float));
        check_ok(train_backward_all(NULL, probe->shards[s], &err), &err);
    }
}

/* Compares the gradients of count parameters with central differences. The loss is linear in each
 * of them between the kinks of ReLU and max pooling; parameters with a kink nearby are left out.
 * Returns how many were compared. */
static size_t check_parameters(struct probe *probe, const char *what, int k, float *parameters,
                               const float *gradients, size_t count)
{
    const float step = 1.0f / 512;
    const double middle = probe_loss(probe);
    size_t compared = 0;
    for (size_t i = 0; i < count; i++) {
        const float old = parameters[i];
        parameters[i] = old + step;
        const double above = probe_loss(probe);
        parameters[i] = old - step;
        const double below = probe_loss(probe);
        parameters[i] = old;
        if (fabs(above - 2 * middle + below) > 4e-6)
            continue;
        const double want = (above - below) / (2 * (double)step);
        if (fabs((double)gradients[i] - want) > 2e-3 + 1e-3 * fabs(want))
            fail_msg("%s %zu of weighted layer %d: got gradient %g, want %g", what, i, k,
                     (double)gradients[i], want);
        compared++;
    }
    return compared;
}

static void check_gradients(const char *layers)
{
    struct probe probe;
    struct error err;
    size_t total = 0, compared = 0;
    probe_open(&probe, layers);
    probe_backward(&probe);
    for (int k = 0; k < probe.model->net->weighted_count; k++) {
        const struct net_layer *layer = &probe.model->net->layers[probe.model->net->weighted[k]];
        const size_t weights = net_layer_weights(layer), biases = (size_t)layer->out.c;
        float *weight_gradients = malloc(weights * sizeof(float));
        float *bias_gradients = malloc(biases * sizeof(float));
        assert_non_null(weight_gradients);
        assert_non_null(bias_gradients);
        check_ok(dnn_sum_gradients(probe.shards, SHARDS, k, weight_gradients, bias_gradients, &err),
                 &err);
        compared += check_parameters(&probe, "weight", k, probe.model->weights[k], weight_gradients,
                                     weights);
        compared +=
            check_parameters(&probe, "bias", k, probe.model->biases[k], bias_gradients, biases);
        total += weights + biases;
        free(weight_gradients);
        free(bias_gradients);
    }
    if (compared < total * 3 / 4)
        fail_msg("only %zu of %zu parameters could be compared", compared, total);
    probe_close(&probe);
}

#define CONV2 "{\"op\":\"conv\",\"channels\":3,\"kernel\":2},"
#define FC4   "{\"op\":\"fc\",\"outputs\":4}"

static void gradients_of_convolution_are_right(void **state)
{
    (void)state;
    check_gradients(CONV2
                    "{\"op\":\"conv\",\"channels\":5,\"kernel\":3,\"padding\":\"same\"}," FC4);
}

static void gradients_of_strided_convolution_are_right(void **state)
{
    (void)state;
    check_gradients(CONV2 "{\"op\":\"conv\",\"channels\":4,\"kernel\":[3,2],\"stride\":[2,1],"
                          "\"padding\":[2,0,1,1]}," FC4);
}

static void gradients_of_fully_connected_are_right(void **state)
{
    (void)state;
    check_gradients("{\"op\":\"fc\",\"outputs\":7}," FC4);
}

static void gradients_of_relu_are_right(void **state)
{
    (void)state;
    check_gradients(CONV2 "{\"op\":\"relu\"},{\"op\":\"fc\",\"outputs\":6},{\"op\":\"relu\"}," FC4);
}

static void gradients_of_max_pooling_are_right(void **state)
{
    (void)state;
    check_gradients(CONV2 "{\"op\":\"maxpool\",\"kernel\":3,\"stride\":2,\"padding\":1}," FC4);
}

static void gradients_of_average_pooling_are_right(void **state)
{
    (void)state;
    check_gradients(CONV2 "{\"op\":\"avgpool\",\"kernel\":[2,3],\"stride\":[2,1]}," FC4);
}

static void gradients_of_flatten_are_right(void **state)
{
    (void)state;
    check_gradients(CONV2 "{\"op\":\"flatten\"}," FC4);
}

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

/* Cross-entropy of softmax(logit_scale * values) over images of a single batch, in double. */
static double naive_loss(const struct float_model *model, const struct dataset *data,
                         double logit_scale, double gradients[SMALL_CLASSES])
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
            gradients[c] += (p - (c == data->labels[i])) * logit_scale / (double)data->count;
            loss -= c == data->labels[i] ? log(p) / (double)data->count : 0;
        }
    }
    return loss;
}

/* 18 images in a batch of 20: two places are empty. */
static void loss_is_the_cross_entropy_of_scaled_logits(void **state)
{
    struct float_model *model = small_model(FC4, 9);
    const struct data_split data = {.train = small_data(18, 1, 6, 0)};
    struct net_recipe recipe = model->net->recipe;
    struct step step = {.model = model};
    double want[SMALL_CLASSES];
    struct error err;
    (void)state;
    recipe.epochs[0] = 1;
    const double want_loss = naive_loss(model, &data.train, 0.3, want);
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

static struct float_model *trained(const struct data_split *data, uint64_t seed, int threads,
                                   struct record *record)
{
    const struct train_options options = {
        .seed = seed, .threads = threads, .progress = PROGRESS_QUIET};
    struct float_model *model = small_model(SMALL_LAYERS, 1);
    struct error err;
    check_ok(train_float(model, data, &options, record_epoch, record, &err), &err);
    return model;
}

static bool same_weights(const struct float_model *a, const struct float_model *b)
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
static struct rates run_phases(bool cosine)
{
    struct float_model *model = small_model(SMALL_LAYERS, 1);
    struct data_split data = small_split(90, 1, 4);
    struct net_recipe recipe = model->net->recipe;
    struct rates rates = {.model = model};
    struct error err;
    recipe.phase_count = 2;
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
    const struct rates rates = run_phases(false);
    (void)state;
    assert_int_equal(rates.steps, 15);
    assert_int_equal(rates.kept, 3);
    for (int i = 0; i < 15; i++)
        assert_float_equal(rates.rates[i], i < 5 ? 0.01f : 0.001f, 1e-9);
}

/* Steps of 20 images of 90; an epoch's last one is of 10. */
static void cosine_lowers_the_learning_rates_to_zero(void **state)
{
    const struct rates rates = run_phases(true);
    (void)state;
    assert_int_equal(rates.steps, 15);
    for (int i = 0; i < 15; i++) {
        const double part = (90.0 * (i / 5) + 20.0 * (i % 5)) / 270;
        const double want = (i < 5 ? 0.01 : 0.001) * (1 + cos(3.14159265358979 * part)) / 2;
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
        cmocka_unit_test(gradients_of_convolution_are_right),
        cmocka_unit_test(gradients_of_strided_convolution_are_right),
        cmocka_unit_test(gradients_of_fully_connected_are_right),
        cmocka_unit_test(gradients_of_relu_are_right),
        cmocka_unit_test(gradients_of_max_pooling_are_right),
        cmocka_unit_test(gradients_of_average_pooling_are_right),
        cmocka_unit_test(gradients_of_flatten_are_right),
        cmocka_unit_test(loss_is_the_cross_entropy_of_scaled_logits),
        cmocka_unit_test(loss_falls_and_accuracy_rises),
        cmocka_unit_test(weights_depend_on_the_seed_and_not_on_threads),
        cmocka_unit_test(augmentation_changes_training_and_not_with_the_threads),
        cmocka_unit_test(early_stopping_stops_and_keeps_the_best_epoch),
        cmocka_unit_test(hopeless_learning_rates_are_reported),
        cmocka_unit_test(training_without_images_is_refused),
        cmocka_unit_test(learning_rates_follow_the_phases),
        cmocka_unit_test(cosine_lowers_the_learning_rates_to_zero),
        cmocka_unit_test(evaluation_counts_right_answers),
        cmocka_unit_test(observation_shows_every_layer_of_every_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
