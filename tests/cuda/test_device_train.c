// SPDX-License-Identifier: Apache-2.0
/* Whole trainings on the device: losses beside the CPU's, integers that the device counted right are
 * those of the packed model, repetition bit for bit, several at once, and every error. */
#include "cuda/under_test.h"

#include <math.h>
#include <pthread.h>

#include "crc32.h"
#include "host/small_problem.h"
#include "infer/infer.h"
#include "pack/pack.h"
#include "qat/calibrate.h"
#include "qat/qat.h"
#include "train/train.h"

enum { EPOCHS = 3, ITEMS = 90, THREADS = 6 };

/* Of every kind of layer; odd sizes, so that the last batch is not full. */
#define LAYERS                                                                                     \
    "{\"op\":\"conv\",\"channels\":6,\"kernel\":3,\"padding\":\"same\"},"                          \
    "{\"op\":\"batchnorm\"},{\"op\":\"relu\",\"name\":\"a\"},"                                     \
    "{\"op\":\"depthwise\",\"kernel\":3,\"padding\":\"same\"},{\"op\":\"batchnorm\"},"             \
    "{\"op\":\"add\",\"with\":\"a\"},{\"op\":\"relu6\"},"                                          \
    "{\"op\":\"maxpool\",\"kernel\":2},{\"op\":\"dropout\",\"rate\":0.1},"                         \
    "{\"op\":\"conv\",\"channels\":8,\"kernel\":3,\"stride\":2,\"padding\":\"same\"},"             \
    "{\"op\":\"relu\"},{\"op\":\"avgpool\",\"kernel\":2},{\"op\":\"fc\",\"outputs\":4}"

struct record {
    int epochs;
    double losses[EPOCHS], accuracies[EPOCHS];
};

static void record_epoch(void *context, int epoch, double loss, double accuracy, double seconds)
{
    struct record *record = context;
    (void)seconds;
    assert_true(epoch >= 1 && epoch <= EPOCHS);
    record->epochs = epoch;
    record->losses[epoch - 1] = loss;
    record->accuracies[epoch - 1] = accuracy;
}

static uint32_t weights_crc(const struct float_model *model)
{
    uint32_t crc = 0;
    for (int k = 0; k < model->net->weighted_count; k++) {
        const struct net_layer *l = &model->net->layers[model->net->weighted[k]];
        crc = crc32_update(crc, model->weights[k], net_layer_weights(l) * sizeof(float));
        crc = crc32_update(crc, model->biases[k], (size_t)l->out.c * sizeof(float));
    }
    return crc;
}

static struct float_model *train_kept(struct device *device, const struct data_split *data,
                                      const struct train_keeping *keeping, train_epoch_fn *on_epoch,
                                      void *context)
{
    const struct train_options options = {
        .seed = 9, .threads = 1, .progress = PROGRESS_QUIET, .device = device, .keeping = keeping};
    struct float_model *model = small_model(LAYERS, 1);
    struct error err;
    model->net->recipe.epochs[0] = EPOCHS;
    model->net->recipe.augment = (struct net_augment){1, false, 2, 1.2f, 10};
    check_ok(train_float(model, data, &options, on_epoch, context, &err), &err);
    return model;
}

static struct float_model *train_floats(struct device *device, const struct data_split *data,
                                        struct record *record)
{
    return train_kept(device, data, NULL, record_epoch, record);
}

static void losses_are_near_the_cpus(void **state)
{
    struct data_split data = small_split(ITEMS, 0.8f, 4);
    struct record cpu = {0}, gpu = {0};
    struct device *device = open_device(false, 0);
    (void)state;
    float_model_free(train_floats(NULL, &data, &cpu));
    float_model_free(train_floats(device, &data, &gpu));
    for (int i = 0; i < EPOCHS; i++)
        if (fabs(cpu.losses[i] - gpu.losses[i]) > 0.01 * cpu.losses[i] ||
            fabs(cpu.accuracies[i] - gpu.accuracies[i]) > 5)
            fail_msg("epoch %d: loss %g, accuracy %g; on the CPU %g, %g", i + 1, gpu.losses[i],
                     gpu.accuracies[i], cpu.losses[i], cpu.accuracies[i]);
    print_message("# last loss %.6f, the CPU's %.6f\n", gpu.losses[EPOCHS - 1],
                  cpu.losses[EPOCHS - 1]);
    device_close(device);
    data_free(&data);
}

static void deterministic_training_repeats_bit_for_bit(void **state)
{
    struct data_split data = small_split(ITEMS, 0.8f, 4);
    struct record record;
    uint32_t crc[2][2];
    (void)state;
    for (int deterministic = 0; deterministic < 2; deterministic++)
        for (int i = 0; i < 2; i++) {
            struct device *device = open_device(deterministic, 0);
            struct float_model *model = train_floats(device, &data, &record);
            crc[deterministic][i] = weights_crc(model);
            float_model_free(model);
            device_close(device);
        }
    assert_int_equal(crc[1][0], crc[1][1]);
    if (is_standin) /* whose first algorithm does not repeat */
        assert_int_not_equal(crc[0][0], crc[0][1]);
    data_free(&data);
}

/* Copies the checkpoint after the second epoch, as a process leaves it that is killed then. */
static void copy_checkpoint(void *context, int epoch, double loss, double accuracy, double seconds)
{
    size_t size;
    record_epoch(context, epoch, loss, accuracy, seconds);
    if (epoch != 2)
        return;
    char *bytes = scratch_read("part", &size);
    scratch_write("copy", bytes, size);
    free(bytes);
}

static void a_resumed_training_gives_the_same_weights(void **state)
{
    const struct train_keeping keeping = {"part", 0, true, 0, "cuda"};
    struct data_split data = small_split(ITEMS, 0.8f, 4);
    struct record whole = {0}, resumed = {0};
    struct device *device = open_device(true, 0);
    assert_int_equal(scratch_enter(state), 0);
    struct float_model *want = train_kept(device, &data, &keeping, copy_checkpoint, &whole);
    assert_int_equal(rename("copy", "part"), 0);
    struct float_model *got = train_kept(device, &data, &keeping, record_epoch, &resumed);
    assert_int_equal(scratch_leave(state), 0);
    assert_true(resumed.losses[0] < 1e-9); /* the first epoch was not trained again */
    assert_memory_equal(resumed.losses + 1, whole.losses + 1, (EPOCHS - 1) * sizeof(double));
    assert_int_equal(weights_crc(got), weights_crc(want));
    float_model_free(got);
    float_model_free(want);
    device_close(device);
    data_free(&data);
}

/* ---- Integers ---- */

struct problem {
    struct float_model *model;
    struct data_split data;
    struct calibration *calibration;
};

static void problem_open(struct problem *p)
{
    struct error err;
    struct record record;
    p->data = small_split(ITEMS, 0.8f, 4);
    p->model = train_floats(NULL, &p->data, &record);
    check_ok(calibrate(p->model, &p->data.train, ITEMS, &p->calibration, &err), &err);
}

static void problem_close(struct problem *p)
{
    calibration_free(p->calibration);
    float_model_free(p->model);
    data_free(&p->data);
}

static struct quant_model *train_integers(const struct problem *p, const int *bits,
                                          struct device *device, struct record *record)
{
    const struct qat_options options = {
        .epochs = EPOCHS, .seed = 5, .threads = 1, .progress = PROGRESS_QUIET, .device = device};
    struct quant_model *model = NULL;
    struct error err;
    check_ok(qat_train(p->model, p->calibration, bits, &p->data, &options, record_epoch, record,
                       &model, &err),
             &err);
    return model;
}

static uint32_t integers_crc(const struct quant_model *model)
{
    uint32_t crc = 0;
    for (int k = 0; k < model->net->weighted_count; k++) {
        const struct quant_layer *l = model->layers[k];
        const size_t n = (size_t)l->out_count;
        crc = crc32_update(crc, l->weight, n * (size_t)l->row_count);
        crc = crc32_update(crc, l->bias, n);
        crc = crc32_update(crc, l->multiplier, n);
    }
    return crc;
}

static double packed_accuracy(const struct quant_model *model, const struct dataset *data)
{
    struct container *container = NULL;
    struct infer *infer = NULL;
    struct error err;
    double accuracy = 0;
    check_ok(pack_model(model, &container, &err), &err);
    check_ok(infer_create(container->model, &infer, &err), &err);
    check_ok(infer_accuracy(infer, data, 1, &accuracy, &err), &err);
    infer_free(infer);
    container_free(container);
    return accuracy;
}

static void trained_integers_are_the_packed_models(void **state)
{
    static const int BITS[][4] = {{8, 8, 8, 8}, {4, 4, 4, 4}, {2, 2, 2, 2}, {8, 2, 4, 8}};
    struct problem p;
    struct device *device = open_device(true, 0);
    (void)state;
    problem_open(&p);
    assert_int_equal(p.model->net->weighted_count, 4);
    for (size_t b = 0; b < sizeof BITS / sizeof *BITS; b++) {
        struct record cpu = {0}, gpu = {0};
        quant_model_free(train_integers(&p, BITS[b], NULL, &cpu));
        struct quant_model *model = train_integers(&p, BITS[b], device, &gpu);
        double best = 0;
        for (int i = 0; i < EPOCHS; i++)
            best = fmax(best, gpu.accuracies[i]);
        assert_true(fabs(packed_accuracy(model, &p.data.validation) - best) < 1e-9);
        print_message("# bits %d: first loss %.6f, the CPU's %.6f\n", BITS[b][0], gpu.losses[0],
                      cpu.losses[0]);
        assert_true(fabs(gpu.losses[0] - cpu.losses[0]) < 0.05 * cpu.losses[0]);
        quant_model_free(model);
    }
    problem_close(&p);
    device_close(device);
}

/* ---- Several at once ---- */

struct worker {
    const struct problem *problem;
    struct device *device;
    uint32_t crc;
};

static void *work(void *context)
{
    static const int bits[] = {4, 4, 4, 4};
    struct worker *worker = context;
    struct record record;
    struct quant_model *model = train_integers(worker->problem, bits, worker->device, &record);
    worker->crc = integers_crc(model);
    quant_model_free(model);
    return NULL;
}

static void check_at_once(const struct problem *p, int at_once, uint32_t want)
{
    struct device *device = open_device(true, at_once);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){p, device, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].crc, want);
    }
    device_close(device);
}

static void trainings_at_once_are_those_alone(void **state)
{
    struct problem p;
    (void)state;
    problem_open(&p);
    struct worker alone = {&p, open_device(true, 0), 0};
    work(&alone);
    device_close(alone.device);
    check_at_once(&p, 0, alone.crc);
    check_at_once(&p, 1, alone.crc);
    check_at_once(&p, 3, alone.crc);
    if (is_standin) { /* the others wait for memory */
        setenv("MPQ_STANDIN_MEMORY", "150000000", 1);
        check_at_once(&p, 0, alone.crc);
        unsetenv("MPQ_STANDIN_MEMORY");
    }
    problem_close(&p);
}

/* ---- Errors ---- */

static void check_open_fails(const char *name, const char *part)
{
    const struct device_options options = {name, false, 0};
    struct device *device = (struct device *)1;
    struct error err;
    assert_int_not_equal(device_open(&options, &device, &err), STATUS_OK);
    assert_null(device);
    check_contains(err.text, part);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    check_open_fails("cuda:250", "no GPU number 250");
    check_open_fails("cuda:x", "--device: want cpu, cuda or cuda:N, got 'cuda:x'");
    if (!is_standin)
        return;
    setenv("MPQ_STANDIN_GPUS", "0", 1);
    check_open_fails("cuda", "--device cuda: no CUDA device on this machine");
    setenv("MPQ_STANDIN_GPUS", "driver", 1);
    check_open_fails("cuda", "--device cuda: no NVIDIA driver");
    unsetenv("MPQ_STANDIN_GPUS");
}

static void too_little_memory_is_told(void **state)
{
    struct data_split data = small_split(ITEMS, 0.8f, 4);
    const struct train_options options = {
        .seed = 9, .progress = PROGRESS_QUIET, .device = open_device(false, 0)};
    struct float_model *model = small_model(LAYERS, 1);
    struct error err;
    (void)state;
    if (!is_standin) {
        print_message("# a real GPU's memory is not filled\n");
        skip();
    }
    setenv("MPQ_STANDIN_MEMORY", "100000", 1);
    assert_int_equal(train_float(model, &data, &options, NULL, NULL, &err), STATUS_NO_MEMORY);
    check_contains(err.text, "small: its training needs ");
    check_contains(err.text, " MiB on the GPU");
    unsetenv("MPQ_STANDIN_MEMORY");
    float_model_free(model);
    device_close(options.device);
    data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_near_the_cpus),
        cmocka_unit_test(deterministic_training_repeats_bit_for_bit),
        cmocka_unit_test(a_resumed_training_gives_the_same_weights),
        cmocka_unit_test(trained_integers_are_the_packed_models),
        cmocka_unit_test(trainings_at_once_are_those_alone),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(too_little_memory_is_told),
    };
    choose_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
