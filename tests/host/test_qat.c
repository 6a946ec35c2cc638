// SPDX-License-Identifier: Apache-2.0
/* Quantization-aware training: its forward pass against the packed container under the oracle, its
 * gradients against naive formulas, and what it is for. */
#include "host/scratch.h"

#include <math.h>
#include <signal.h>

#include "host/calibrated.h"
#include "model/ref_layers.h"
#include "pack/pack.h"
#include "qat/calibrate.h"
#include "qat/qat.h"
#include "qat/qat_layer.h"
#include "qat/qat_pass.h"
#include "train/train_loop.h"

/* ---- Forward pass ---- */

/* A quantized network by PTQ, bits[k] from the front of `bits`, again and again. */
static struct quant_model *ptq_model(const struct calibrated *c, const int *bits, int bits_count)
{
    struct quant_model *model = NULL;
    struct error err;
    check_ok(quant_model_create(c->model->net, &model, &err), &err);
    model->owns_layers = true;
    quant_model_set_adds(model, c->calibration);
    for (int k = 0; k < c->model->net->weighted_count; k++)
        model->layers[k] = calibrated_ptq(c, k, bits[k % bits_count]);
    return model;
}

/* The network's values for the first count images, [count][SMALL_CLASSES]: the packed container
 * under the oracle. */
static void run_oracle(const struct quant_model *model, const struct dataset *data, size_t count,
                       int *values)
{
    struct container *container = NULL;
    struct error err;
    const size_t size = shape_size(data->shape);
    check_ok(pack_model(model, &container, &err), &err);
    const struct model *m = container->model;
    const struct model_buffer *out = &m->buffers[m->output];
    uint8_t *arena = aligned_alloc(MODEL_ALIGN, (m->arena_bytes / MODEL_ALIGN + 1) * MODEL_ALIGN);
    assert_non_null(arena);
    assert_int_equal(m->buffers[m->input].size_bytes, size);
    assert_int_equal(out->size_bytes, SMALL_CLASSES);
    for (size_t i = 0; i < count; i++) {
        memcpy(arena + m->buffers[m->input].arena_offset, data->images + i * size, size);
        assert_true(ref_run_model(m, arena));
        for (size_t j = 0; j < SMALL_CLASSES; j++) {
            const uint8_t byte = arena[out->arena_offset + j];
            values[i * SMALL_CLASSES + j] = out->is_signed ? (int8_t)byte : byte;
        }
    }
    free(arena);
    container_free(container);
}

/* The same by the pass. */
static void run_pass(const struct quant_model *model, const struct dataset *data, size_t count,
                     int *values)
{
    struct qat_pass *pass = NULL;
    struct dnn_plan *plan = NULL;
    struct dnn_shard *shard = NULL;
    struct error err;
    const int saved = dnn_threads_enter();
    check_ok(qat_pass_create(model->net, &pass, &err), &err);
    check_ok(dnn_plan_create(model->net, (int)count, DNN_FOLDED, &plan, &err), &err);
    check_ok(dnn_shard_create(plan, &shard, &err), &err);
    check_ok(qat_pass_load(pass, model, plan, &err), &err);
    train_fill_input(shard, data, NULL, 0, count, 1);
    check_ok(qat_pass_forward(pass, shard, &err), &err);
    const float *got = dnn_shard_values(shard, model->net->layer_count - 1);
    for (size_t i = 0; i < count * SMALL_CLASSES; i++) {
        values[i] = (int)got[i];
        assert_float_equal(got[i], (float)values[i], 0);
    }
    dnn_shard_free(shard);
    dnn_plan_free(plan);
    qat_pass_free(pass);
    dnn_threads_leave(saved);
}

enum { COMPARED = 40 };

static void check_forward(const struct quant_model *model, const struct dataset *data)
{
    int want[COMPARED * SMALL_CLASSES], got[COMPARED * SMALL_CLASSES];
    run_oracle(model, data, COMPARED, want);
    run_pass(model, data, COMPARED, got);
    for (int i = 0; i < COMPARED * SMALL_CLASSES; i++)
        if (got[i] != want[i])
            fail_msg("image %d, value %d: got %d, want %d", i / SMALL_CLASSES, i % SMALL_CLASSES,
                     got[i], want[i]);
    for (int i = 1; i < COMPARED * SMALL_CLASSES; i++)
        if (got[i] != got[0])
            return;
    fail_msg("all values are %d", got[0]);
}

/* Also with activations that saturate (scales 8 times as small), and that are nearly all rounded
 * away. */
static void check_networks(const char *layers)
{
    static const int bits[] = {8, 4, 2, 2, 8};
    struct calibrated c;
    calibrated_open(&c, layers);
    for (int first = 0; first < 3; first++)
        for (int round = 0; round < 3; round++) {
            const float factor = round == 0 ? 1 : round == 1 ? 0.125f : 4;
            const int count = c.calibration->weighted_count;
            for (int k = 0; k < count; k++)
                c.calibration->out_scale[k] *= factor;
            for (int k = 1; k < count; k++)
                c.calibration->in_scale[k] = c.calibration->out_scale[k - 1];
            struct quant_model *model = ptq_model(&c, bits + first, 3);
            check_forward(model, &c.data);
            quant_model_free(model);
            for (int k = 0; k < count; k++)
                c.calibration->out_scale[k] /= factor;
        }
    calibrated_close(&c);
}

static void forward_pass_of_the_usual_network_is_the_cores(void **state)
{
    (void)state;
    check_networks(SMALL_LAYERS);
}

/* Windows of 2, 6 and 9 elements; sums of signed values. */
static void forward_pass_with_average_pooling_is_the_cores(void **state)
{
    (void)state;
    check_networks("{\"op\":\"avgpool\",\"kernel\":[1,2],\"stride\":1},"
                   "{\"op\":\"conv\",\"channels\":6,\"kernel\":2},"
                   "{\"op\":\"avgpool\",\"kernel\":[3,2],\"stride\":1},{\"op\":\"relu\"},"
                   "{\"op\":\"conv\",\"channels\":4,\"kernel\":2},"
                   "{\"op\":\"avgpool\",\"kernel\":3}");
}

static void forward_pass_with_max_pooling_is_the_cores(void **state)
{
    (void)state;
    check_networks(
        "{\"op\":\"conv\",\"channels\":7,\"kernel\":3,\"stride\":[1,2],\"padding\":"
        "\"same\"},{\"op\":\"maxpool\",\"kernel\":3,\"stride\":2,\"padding\":1},"
        "{\"op\":\"relu\"},{\"op\":\"conv\",\"channels\":5,\"kernel\":2},"
        "{\"op\":\"maxpool\",\"kernel\":[2,1],\"stride\":1},{\"op\":\"fc\",\"outputs\":4}");
}

static void forward_pass_with_signed_activations_is_the_cores(void **state)
{
    (void)state;
    check_networks("{\"op\":\"conv\",\"channels\":5,\"kernel\":3},{\"op\":\"fc\",\"outputs\":70},"
                   "{\"op\":\"fc\",\"outputs\":4},{\"op\":\"relu\"}");
}

/* ---- Backward pass ---- */

/* Two FC layers, three images; all in double from the integers. */
static void backward_pass_is_the_straight_through_gradient(void **state)
{
    enum { IMAGES = 3, IN = 128, HIDDEN = 9 };
    static const int bits[] = {4};
    struct calibrated c;
    struct qat_pass *pass = NULL;
    struct dnn_plan *plan = NULL;
    struct dnn_shard *shard = NULL;
    struct error err;
    float loss[IMAGES * SMALL_CLASSES], hidden_gradients[IMAGES * HIDDEN] = {0};
    float got[IN * HIDDEN], got_bias[HIDDEN];
    (void)state;
    calibrated_open(&c, "{\"op\":\"fc\",\"outputs\":9},{\"op\":\"relu\"},"
                        "{\"op\":\"fc\",\"outputs\":4}");
    c.calibration->out_scale[0] *= 0.5f; /* some saturate */
    c.calibration->in_scale[1] = c.calibration->out_scale[0];
    struct quant_model *model = ptq_model(&c, bits, 1);
    const struct quant_layer *first = model->layers[0], *second = model->layers[1];
    const int saved = dnn_threads_enter();
    check_ok(qat_pass_create(c.model->net, &pass, &err), &err);
    check_ok(dnn_plan_create(c.model->net, IMAGES, DNN_FOLDED, &plan, &err), &err);
    check_ok(dnn_shard_create(plan, &shard, &err), &err);
    check_ok(qat_pass_load(pass, model, plan, &err), &err);
    train_fill_input(shard, &c.data, NULL, 0, IMAGES, 1);
    check_ok(qat_pass_forward(pass, shard, &err), &err);
    const float *hidden = dnn_shard_values(shard, 0), *out = dnn_shard_values(shard, 2);
    for (int i = 0; i < IMAGES * SMALL_CLASSES; i++)
        loss[i] = (float)(i % 5) - 2;
    for (int n = 0; n < IMAGES; n++)
        for (int j = 0; j < SMALL_CLASSES; j++) {
            const float y = out[n * SMALL_CLASSES + j];
            const double g = (double)loss[n * SMALL_CLASSES + j] *
                             ldexp(second->multiplier[j], -second->shift[j]);
            for (int h = 0; h < HIDDEN && y > -128 && y < 127; h++)
                hidden_gradients[n * HIDDEN + h] += (float)(g * second->weight[j * HIDDEN + h]);
        }
    memcpy(dnn_shard_gradients(shard, 2), loss, sizeof loss);
    check_ok(qat_pass_backward(pass, shard, &err), &err);
    check_ok(dnn_sum_gradients(&shard, 1, 0, got, got_bias, &err), &err);
    int dead = 0;
    for (int h = 0; h < HIDDEN; h++) {
        double bias = 0, weight = 0;
        for (int n = 0; n < IMAGES; n++) {
            const float y = hidden[n * HIDDEN + h];
            const double g = (double)hidden_gradients[n * HIDDEN + h] *
                             ldexp(first->multiplier[h], -first->shift[h]);
            dead += !(y > 0 && y < 255);
            bias += y > 0 && y < 255 ? g : 0;
            weight += y > 0 && y < 255 ? g * c.data.images[n * IN + 17] : 0;
        }
        calibrated_near("bias gradient", (double)got_bias[h], bias, 1e-6 + 1e-4 * fabs(bias));
        calibrated_near("weight gradient", (double)got[h * IN + 17], weight,
                        1e-5 + 1e-4 * fabs(weight));
    }
    assert_in_range(dead, 1, IMAGES * HIDDEN - 1);
    dnn_shard_free(shard);
    dnn_plan_free(plan);
    qat_pass_free(pass);
    dnn_threads_leave(saved);
    quant_model_free(model);
    calibrated_close(&c);
}

/* ---- One layer ---- */

/* LSQ's formulas, for the logarithm of the scale: v = w / s, clipped at the limit. */
static void gradients_of_weights_and_scales_are_those_of_lsq(void **state)
{
    struct calibrated c;
    struct qat_layer *layer = NULL;
    struct error err;
    float g[9 * 54], bias_gradients[9];
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    check_ok(qat_layer_create(c.model, c.calibration, 1, 4, &layer, &err), &err);
    const struct quant_layer *quant = layer->quant;
    const int n = quant->row_count;
    for (int i = 0; i < quant->out_count; i++)
        layer->log_scale[i] -= 0.5f; /* some weights are clipped */
    qat_layer_quantize(layer);
    for (int i = 0; i < quant->out_count * n; i++)
        g[i] = (float)(i % 7) - 3;
    for (int i = 0; i < quant->out_count; i++)
        bias_gradients[i] = (float)(i + 1);
    qat_layer_convert(layer, g, bias_gradients);
    for (int i = 0; i < quant->out_count; i++) {
        const double scale = (double)quant->weight_scale[i];
        double want = 0;
        for (int j = 0; j < n; j++) {
            const double old = (i * n + j) % 7 - 3,
                         v = (double)c.model->weights[1][i * n + j] / scale;
            const bool inside = fabs(v) < 7;
            const int q = inside ? (int)nearbyint(v) : v > 0 ? 7 : -7;
            assert_int_equal(quant->weight[i * n + j], q);
            want += old * (inside ? q - v : q);
            calibrated_near("weight gradient", (double)g[i * n + j], inside ? old / scale : 0,
                            1e-5 * fabs(old / scale));
        }
        calibrated_near("scale gradient", (double)layer->scale_gradient[i], want, 1e-3);
        calibrated_near("bias gradient", (double)bias_gradients[i],
                        (i + 1) / (scale * (double)quant->in_scale), 1e-3 * (i + 1) / scale);
        calibrated_near("scale", scale / exp((double)layer->log_scale[i]), 1, 1.0 / 250);
    }
    qat_layer_free(layer);
    calibrated_close(&c);
}

/* The start is near the scale of least squared error: none of the others tried is much better. */
static void scales_start_at_the_least_squared_error(void **state)
{
    static const int widths[] = {8, 4, 2};
    static const double parts[] = {0.6, 0.9, 0.97}; /* the error is rough at 8 bits */
    struct calibrated c;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    for (int b = 0; b < 3; b++) {
        struct qat_layer *layer = NULL;
        struct error err;
        check_ok(qat_layer_create(c.model, c.calibration, 2, widths[b], &layer, &err), &err);
        const int n = layer->quant->row_count, limit = quant_weight_limit(widths[b]);
        for (int i = 0; i < layer->quant->out_count; i++) {
            const float *w = c.model->weights[2] + (size_t)i * (size_t)n;
            double errors[100] = {0}, got = 0;
            for (int j = 0; j < n; j++) {
                const double s = exp((double)layer->log_scale[i]), v = (double)w[j] / s;
                got += pow((double)w[j] - s * fmax(-limit, fmin(limit, nearbyint(v))), 2);
            }
            for (int t = 0; t < 100; t++)
                for (int j = 0; j < n; j++) {
                    const double s = exp((double)layer->log_scale[i] + (t - 50) * 0.03);
                    const double q = fmax(-limit, fmin(limit, nearbyint((double)w[j] / s)));
                    errors[t] += pow((double)w[j] - s * q, 2);
                }
            for (int t = 0; t < 100; t++)
                if (errors[t] < got * parts[b])
                    fail_msg("%d bits, channel %d: got error %g, there is %g", widths[b], i, got,
                             errors[t]);
        }
        qat_layer_free(layer);
    }
    calibrated_close(&c);
}

static void long_rows_stay_within_the_accumulator(void **state)
{
    struct calibrated c;
    struct qat_layer *layer = NULL;
    struct error err;
    (void)state;
    calibrated_open(&c, "{\"op\":\"conv\",\"channels\":128,\"kernel\":1},{\"op\":\"relu\"},"
                        "{\"op\":\"fc\",\"outputs\":4}");
    for (int j = 0; j < 2 * 8192; j++)
        c.model->weights[1][j] = j < 8192 ? 0.01f : 0; /* and a channel without weights */
    check_ok(qat_layer_create(c.model, c.calibration, 1, 8, &layer, &err), &err);
    qat_layer_quantize(layer);
    assert_true(quant_channel_fits(layer->quant, 0));
    assert_true(layer->quant->weight[0] > 0);
    assert_true(isfinite(layer->quant->weight_scale[1]) && layer->quant->multiplier[1] > 0);
    qat_layer_free(layer);
    calibrated_close(&c);
}

/* ---- Training ---- */

enum { EPOCHS = 5 };

struct record {
    int epochs;
    double losses[EPOCHS], accuracies[EPOCHS];
};

static void record_epoch(void *context, int epoch, double loss, double accuracy, double seconds)
{
    struct record *record = context;
    assert_int_equal(epoch, record->epochs + 1);
    assert_true(seconds >= 0);
    record->losses[record->epochs] = loss;
    record->accuracies[record->epochs++] = accuracy;
}

/* A trained float model of a hard problem, its calibration, and data. */
struct problem {
    struct data_split data;
    struct float_model *model;
    struct calibration *calibration;
};

static void problem_open(struct problem *problem)
{
    const struct train_options options = {.seed = 1, .threads = 2, .progress = PROGRESS_QUIET};
    struct error err;
    problem->data = small_split(600, 1.7f, 4);
    problem->model = small_model(SMALL_LAYERS, 1);
    check_ok(train_float(problem->model, &problem->data, &options, NULL, NULL, &err), &err);
    check_ok(calibrate(problem->model, &problem->data.train, 200, &problem->calibration, &err),
             &err);
}

static void problem_close(struct problem *problem)
{
    calibration_free(problem->calibration);
    float_model_free(problem->model);
    data_free(&problem->data);
}

static struct quant_model *trained(const struct problem *problem, int threads,
                                   struct record *record)
{
    static const int bits[] = {2, 2, 2, 2};
    const struct qat_options options = {
        .epochs = EPOCHS, .seed = 5, .threads = threads, .progress = PROGRESS_QUIET};
    struct quant_model *model = NULL;
    struct error err;
    check_ok(qat_train(problem->model, problem->calibration, bits, &problem->data, &options,
                       record_epoch, record, &model, &err),
             &err);
    return model;
}

static double oracle_accuracy(const struct quant_model *model, const struct dataset *data)
{
    int *values = calloc(data->count * SMALL_CLASSES, sizeof *values);
    size_t correct = 0;
    assert_non_null(values);
    run_oracle(model, data, data->count, values);
    for (size_t i = 0; i < data->count; i++) {
        int best = 0;
        for (int j = 1; j < SMALL_CLASSES; j++)
            best = values[i * SMALL_CLASSES + (size_t)j] > values[i * SMALL_CLASSES + (size_t)best]
                       ? j
                       : best;
        correct += best == data->labels[i];
    }
    free(values);
    return 100.0 * (double)correct / (double)data->count;
}

/* What training measured in its best epoch, with its own forward pass, is what the container gives
 * under the oracle. */
static void the_best_epoch_is_kept_bit_for_bit(void **state)
{
    struct problem problem;
    struct record record = {0};
    double best = 0;
    (void)state;
    problem_open(&problem);
    struct quant_model *model = trained(&problem, 2, &record);
    assert_int_equal(record.epochs, EPOCHS);
    for (int i = 0; i < EPOCHS; i++)
        best = fmax(best, record.accuracies[i]);
    assert_float_equal(oracle_accuracy(model, &problem.data.validation), best, 1e-4);
    check_forward(model, &problem.data.test);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < model->layers[k]->out_count * model->layers[k]->row_count; i++)
            assert_in_range(model->layers[k]->weight[i] + 1, 0, 2);
    quant_model_free(model);
    problem_close(&problem);
}

static void training_improves_two_bit_weights(void **state)
{
    static const int bits[] = {2};
    struct problem problem;
    struct record record = {0};
    struct calibrated c;
    (void)state;
    problem_open(&problem);
    c = (struct calibrated){problem.model, problem.data.train, problem.calibration};
    struct quant_model *before = ptq_model(&c, bits, 1), *after = trained(&problem, 2, &record);
    const double old = oracle_accuracy(before, &problem.data.test);
    const double new = oracle_accuracy(after, &problem.data.test);
    if (new < old + 3 || record.losses[EPOCHS - 1] > 0.8 * record.losses[0])
        fail_msg("got %.1f %% after %.1f %%, loss %.3f after %.3f; want 3 points and a fall", new,
                 old, record.losses[EPOCHS - 1], record.losses[0]);
    quant_model_free(before);
    quant_model_free(after);
    problem_close(&problem);
}

static void threads_do_not_change_the_result(void **state)
{
    static const int threads[] = {1, 2, 4};
    struct problem problem;
    struct record records[3] = {{0}};
    struct quant_model *models[3];
    (void)state;
    problem_open(&problem);
    for (int i = 0; i < 3; i++)
        models[i] = trained(&problem, threads[i], &records[i]);
    for (int i = 1; i < 3; i++) {
        assert_memory_equal(&records[i], &records[0], sizeof *records);
        for (int k = 0; k < 4; k++)
            calibrated_same_layer(models[i]->layers[k], models[0]->layers[k]);
    }
    for (int i = 0; i < 3; i++)
        quant_model_free(models[i]);
    problem_close(&problem);
}

/* Two rates share three epochs; a net of its own keeps the phases. */
static void learning_rates_of_the_model_file_share_the_epochs(void **state)
{
    struct problem problem;
    struct record record = {0};
    (void)state;
    problem_open(&problem);
    problem.model->net->qat.phase_count = 2;
    problem.model->net->qat.learning_rate[1] = 1e-9f;
    struct quant_model *model = trained(&problem, 2, &record);
    assert_int_equal(record.epochs, EPOCHS);
    for (int i = 3; i < EPOCHS; i++) /* 2 epochs at the first rate, 3 without any movement */
        assert_float_equal(record.accuracies[i], record.accuracies[2], 1e-9);
    quant_model_free(model);
    problem_close(&problem);
}

static void training_for_no_epochs_is_refused(void **state)
{
    static const int bits[] = {2, 2, 2, 2};
    const struct qat_options options = {.epochs = 0, .progress = PROGRESS_QUIET};
    struct calibrated c;
    const struct data_split data = {.train = {.count = 0}};
    struct quant_model *model = NULL;
    struct error err;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    check_failed(qat_train(c.model, c.calibration, bits, &data, &options, NULL, NULL, &model, &err),
                 STATUS_USAGE, &err, "quantization-aware training: want 1 epoch or more, got 0");
    assert_null(model);
    calibrated_close(&c);
}

static void interrupt_now(void *context, int epoch, double loss, double accuracy, double seconds)
{
    (void)context;
    assert_int_equal(epoch, 1);
    assert_true(isfinite(loss) && isfinite(accuracy) && seconds >= 0);
    assert_int_equal(raise(SIGINT), 0);
}

/* The last case: the wish to stop stays. */
static void an_interrupt_ends_training(void **state)
{
    static const int bits[] = {2, 2, 2, 2};
    const struct qat_options options = {.epochs = 3, .threads = 2, .progress = PROGRESS_QUIET};
    struct data_split data = small_split(60, 1, 2);
    struct quant_model *model = NULL;
    struct calibrated c;
    struct error err;
    (void)state;
    calibrated_open(&c, SMALL_LAYERS);
    interrupt_install();
    check_failed(
        qat_train(c.model, c.calibration, bits, &data, &options, interrupt_now, NULL, &model, &err),
        STATUS_CANCELLED, &err, "interrupted in epoch 2");
    assert_null(model);
    calibrated_close(&c);
    data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_pass_of_the_usual_network_is_the_cores),
        cmocka_unit_test(forward_pass_with_average_pooling_is_the_cores),
        cmocka_unit_test(forward_pass_with_max_pooling_is_the_cores),
        cmocka_unit_test(forward_pass_with_signed_activations_is_the_cores),
        cmocka_unit_test(backward_pass_is_the_straight_through_gradient),
        cmocka_unit_test(gradients_of_weights_and_scales_are_those_of_lsq),
        cmocka_unit_test(scales_start_at_the_least_squared_error),
        cmocka_unit_test(long_rows_stay_within_the_accumulator),
        cmocka_unit_test(the_best_epoch_is_kept_bit_for_bit),
        cmocka_unit_test(training_improves_two_bit_weights),
        cmocka_unit_test(threads_do_not_change_the_result),
        cmocka_unit_test(learning_rates_of_the_model_file_share_the_epochs),
        cmocka_unit_test(training_for_no_epochs_is_refused),
        cmocka_unit_test(an_interrupt_ends_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
