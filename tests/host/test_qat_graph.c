// SPDX-License-Identifier: Apache-2.0
/* Quantization of networks that are no chains: grouped and depthwise convolutions and residual
 * additions in the integer training pass, their gradients, and a network of odd shapes from
 * training to the core. */
#include "host/find_simulator.h"
#include "host/random_net.h"

#include <math.h>

#include "base/rng.h"
#include "measure/measure.h"
#include "qat/calibrate.h"
#include "qat/qat.h"
#include "qat/qat_pass.h"
#include "qat/qat_pass.h"
#include "train/train_loop.h"

enum { NETWORKS = 60, BATCH = 8 };

/* ---- The integer pass ---- */

/* A pass over the first images of a random network. */
struct pass {
    struct qat_pass *pass;
    struct dnn_plan *plan;
    struct dnn_shard *shard;
    int saved;
};

static void pass_open(struct pass *p, const struct random_net *net, int images)
{
    struct error err;
    p->saved = dnn_threads_enter();
    check_ok(qat_pass_create(net->model->net, &p->pass, &err), &err);
    check_ok(dnn_plan_create(net->model->net, images, DNN_FOLDED, &p->plan, &err), &err);
    check_ok(dnn_shard_create(p->plan, &p->shard, &err), &err);
    check_ok(qat_pass_load(p->pass, net->quant, p->plan, &err), &err);
    train_fill_input(p->shard, &net->data, NULL, 0, (size_t)images, 1);
    check_ok(qat_pass_forward(p->pass, p->shard, &err), &err);
}

static void pass_close(struct pass *p)
{
    dnn_shard_free(p->shard);
    dnn_plan_free(p->plan);
    qat_pass_free(p->pass);
    dnn_threads_leave(p->saved);
}

static void check_forward(const struct random_net *net)
{
    const int last = net->model->net->layer_count - 1;
    const size_t classes = (size_t)net->model->net->class_count;
    const bool is_signed = quant_is_signed(net->model->net, last);
    uint8_t *want = malloc(random_net_room(net->model->net));
    struct pass p;
    assert_non_null(want);
    pass_open(&p, net, BATCH);
    const float *got = dnn_shard_values(p.shard, last);
    for (size_t i = 0; i < BATCH; i++) {
        random_net_run(net, random_net_image(net, i), want);
        for (size_t j = 0; j < classes; j++) {
            const int value = is_signed ? (int8_t)want[j] : want[j];
            if ((int)got[i * classes + j] != value)
                fail_msg("image %zu, value %zu: got %g, want %d; %s", i, j,
                         (double)got[i * classes + j], value, net->text);
        }
    }
    pass_close(&p);
    free(want);
}

static void forward_pass_of_random_networks_is_the_cores(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= NETWORKS; seed++) {
        struct random_net net;
        random_net_open(&net, seed);
        check_forward(&net);
        random_net_close(&net);
    }
}

/* ---- Gradients ---- */

#define DATA                                                                                       \
    "\"data\":{\"format\":\"npy\",\"train_images\":\"a\",\"train_labels\":\"b\","                  \
    "\"test_images\":\"c\",\"test_labels\":\"d\"},"                                                \
    "\"train\":{\"batch\":16,\"epochs\":12,\"learning_rate\":0.01},"                               \
    "\"qat\":{\"batch\":16,\"learning_rate\":0.005}"

/* x -> first (W) -> second (V) -> + first: the gradient reaches first on two ways. */
static const char TWO_WAYS[] =
    "{\"name\":\"two\",\"input\":{\"shape\":[1,1,5],\"signed\":true},\"classes\":5," DATA
    ",\"layers\":[{\"op\":\"fc\",\"name\":\"first\",\"outputs\":5},"
    "{\"op\":\"fc\",\"name\":\"second\",\"outputs\":5},{\"op\":\"add\",\"with\":\"first\"}]}";

enum { WAYS_IMAGES = 6, WIDTH = 5 };

static bool is_inside(float value)
{
    return value > -128 && value < 127;
}

static double factor_of(const struct quant_layer *layer, int c)
{
    return ldexp(layer->multiplier[c], -layer->shift[c]);
}

/* Values behind the three layers, for one image. */
struct ways {
    float values[3][WIDTH];
};

static void naive_layer(const struct quant_layer *q, const float *in, float *out)
{
    for (int j = 0; j < WIDTH; j++) {
        int acc = q->bias[j] * (1 << q->bias_shift[j]);
        for (int i = 0; i < WIDTH; i++)
            acc += q->weight[j * WIDTH + i] * (int)in[i];
        out[j] = (float)requantize(acc, q->multiplier[j], q->shift[j], false);
    }
}

static struct ways naive_forward(const struct random_net *net, const uint8_t *image)
{
    const struct quant_add *add = &net->quant->adds[2];
    float in[WIDTH];
    struct ways ways;
    for (int j = 0; j < WIDTH; j++)
        in[j] = (int8_t)image[j];
    naive_layer(net->quant->layers[0], in, ways.values[0]);
    naive_layer(net->quant->layers[1], ways.values[0], ways.values[1]);
    for (int j = 0; j < WIDTH; j++)
        ways.values[2][j] =
            (float)requantize(add->ma * (int)ways.values[1][j] + add->mb * (int)ways.values[0][j],
                              add->multiplier, add->shift, false);
    return ways;
}

/* Gradients of the accumulators of both layers for one image, from those of the outputs. */
static void naive_backward(const struct random_net *net, const struct ways *ways,
                           const double *loss, double *first, double *second)
{
    const float(*values)[WIDTH] = ways->values;
    const struct quant_layer *a = net->quant->layers[0], *b = net->quant->layers[1];
    const struct quant_add *add = &net->quant->adds[2];
    double sum[WIDTH] = {0};
    for (int j = 0; j < WIDTH; j++) {
        const double g =
            is_inside(values[2][j]) ? loss[j] * ldexp(add->multiplier, -add->shift) : 0;
        second[j] = is_inside(values[1][j]) ? g * add->ma * factor_of(b, j) : 0;
        sum[j] += g * add->mb;
        for (int i = 0; i < WIDTH; i++)
            sum[i] += second[j] * b->weight[j * WIDTH + i];
    }
    for (int i = 0; i < WIDTH; i++)
        first[i] = is_inside(values[0][i]) ? sum[i] * factor_of(a, i) : 0;
}

static void check_near(const char *what, int index, double got, double want)
{
    if (!(fabs(got - want) <= 1e-6 + 1e-4 * fabs(want)))
        fail_msg("%s %d: got %.9g, want %.9g", what, index, got, want);
}

static void check_bias_gradients(const struct pass *p, int k, const double *want)
{
    float weights[WIDTH * WIDTH], bias[WIDTH];
    struct error err;
    check_ok(dnn_sum_gradients(&p->shard, 1, k, weights, bias, &err), &err);
    for (int j = 0; j < WIDTH; j++)
        check_near(k ? "second layer's gradient" : "first layer's gradient", j, (double)bias[j],
                   want[j]);
}

static void gradients_pass_through_both_ways_of_an_addition(void **state)
{
    static const int bits[] = {8, 4};
    double sums[2][WIDTH] = {{0}};
    int saturated = 0;
    struct random_net net;
    struct pass p;
    struct error err;
    (void)state;
    random_net_open_text(&net, TWO_WAYS, bits, 3);
    for (int j = 0; j < WIDTH; j++)
        net.quant->layers[1]->shift[j] -= 3; /* most saturate, but not their sums */
    pass_open(&p, &net, WAYS_IMAGES);
    float *gradients = dnn_shard_gradients(p.shard, 2);
    for (int n = 0; n < WAYS_IMAGES; n++) {
        const struct ways ways = naive_forward(&net, random_net_image(&net, (size_t)n));
        double loss[WIDTH], first[WIDTH], second[WIDTH];
        for (int j = 0; j < WIDTH; j++)
            gradients[n * WIDTH + j] = (float)(loss[j] = (n * WIDTH + j) % 7 - 2.5);
        naive_backward(&net, &ways, loss, first, second);
        for (int j = 0; j < WIDTH; j++) {
            saturated += !is_inside(ways.values[1][j]) && is_inside(ways.values[2][j]);
            sums[0][j] += first[j];
            sums[1][j] += second[j];
        }
    }
    assert_in_range(saturated, 1, WAYS_IMAGES * WIDTH - 1);
    check_ok(qat_pass_backward(p.pass, p.shard, &err), &err);
    check_bias_gradients(&p, 0, sums[0]);
    check_bias_gradients(&p, 1, sums[1]);
    pass_close(&p);
    random_net_close(&net);
}

/* ---- From training to the core ---- */

enum { ODD_CLASSES = 7, ODD_COUNT = 280 };

/* 9x11 images of 5 channels, a kernel of 3x2, strides 2x1, a residual over a block of stride 1 that
 * has a depthwise layer and a linear bottleneck, 7 outputs. */
static const char ODD_SHAPES[] =
    "{\"name\":\"odd\",\"input\":{\"shape\":[9,11,5],\"signed\":true},\"classes\":7," DATA
    ",\"layers\":[{\"op\":\"conv\",\"channels\":7,\"kernel\":[3,2],\"stride\":[2,1],"
    "\"padding\":\"same\"},{\"op\":\"batchnorm\"},{\"op\":\"relu6\",\"name\":\"stem\"},"
    "{\"op\":\"depthwise\",\"kernel\":[3,2],\"padding\":\"same\"},{\"op\":\"batchnorm\"},"
    "{\"op\":\"relu6\"},{\"op\":\"conv\",\"channels\":7,\"kernel\":1},{\"op\":\"batchnorm\"},"
    "{\"op\":\"add\",\"with\":\"stem\"},"
    "{\"op\":\"conv\",\"channels\":14,\"kernel\":[3,2],\"groups\":7},{\"op\":\"relu\"},"
    "{\"op\":\"avgpool\",\"kernel\":[3,10]},{\"op\":\"dropout\",\"rate\":0.1},"
    "{\"op\":\"fc\",\"outputs\":7},{\"op\":\"log_softmax\"}]}";

/* Each class is a pattern of its own under noise. */
static struct dataset odd_data(uint64_t stream)
{
    enum { SIZE = 9 * 11 * 5 };
    struct dataset data = {.count = ODD_COUNT,
                           .shape = {9, 11, 5},
                           .is_signed = true,
                           .scale = 1.0f / 64,
                           .images = malloc(ODD_COUNT * SIZE),
                           .labels = malloc(ODD_COUNT * sizeof *data.labels)};
    int patterns[ODD_CLASSES][SIZE];
    struct rng rng;
    assert_true(data.images && data.labels);
    rng_init(&rng, 1, 0);
    for (int i = 0; i < ODD_CLASSES * SIZE; i++)
        patterns[i / SIZE][i % SIZE] = (int)rng_below(&rng, 161) - 80;
    rng_init(&rng, 1, 1 + stream);
    for (int n = 0; n < ODD_COUNT; n++) {
        data.labels[n] = (uint16_t)rng_below(&rng, ODD_CLASSES);
        for (int i = 0; i < SIZE; i++)
            data.images[n * SIZE + i] =
                (uint8_t)(patterns[data.labels[n]][i] * 3 / 4 + (int)rng_below(&rng, 135) - 67);
    }
    return data;
}

struct odd {
    struct data_split split;
    struct random_net net; /* data, container and so on of the training */
};

static void odd_train(struct odd *odd)
{
    const struct train_options options = {.seed = 1, .threads = 1, .progress = PROGRESS_QUIET};
    struct random_net *net = &odd->net;
    struct net *parsed = NULL;
    struct error err;
    memset(odd, 0, sizeof *odd);
    odd->split = (struct data_split){odd_data(0), odd_data(1), odd_data(2)};
    check_ok(net_parse(ODD_SHAPES, "odd.json", &parsed, &err), &err);
    check_ok(float_model_create(parsed, &net->model, &err), &err);
    check_ok(train_float(net->model, &odd->split, &options, NULL, NULL, &err), &err);
    check_ok(calibrate(net->model, &odd->split.train, 200, &net->calibration, &err), &err);
    net->data = odd->split.test;
    net->text = strdup(ODD_SHAPES);
    assert_non_null(net->text);
}

static void odd_close(struct odd *odd)
{
    odd->net.data = (struct dataset){0};
    random_net_close(&odd->net);
    data_free(&odd->split);
}

static void odd_quantize(struct random_net *net, const int *bits)
{
    struct error err;
    check_ok(quant_model_create(net->model->net, &net->quant, &err), &err);
    net->quant->owns_layers = true;
    quant_model_set_adds(net->quant, net->calibration);
    for (int k = 0; k < net->model->net->weighted_count; k++)
        check_ok(
            quant_layer_ptq(net->model, net->calibration, k, bits[k], &net->quant->layers[k], &err),
            &err);
    check_ok(pack_model(net->quant, &net->container, &err), &err);
}

static void odd_drop(struct random_net *net)
{
    container_free(net->container);
    quant_model_free(net->quant);
    net->container = NULL;
    net->quant = NULL;
}

static double integer_accuracy(const struct random_net *net)
{
    struct infer *infer;
    struct error err;
    double accuracy = 0;
    check_ok(infer_create(net->container->model, &infer, &err), &err);
    check_ok(infer_accuracy(infer, &net->data, 1, &accuracy, &err), &err);
    infer_free(infer);
    return accuracy;
}

/* The float network's values, for comparison. */
struct logits {
    int last;
    size_t at;
    float values[ODD_COUNT * ODD_CLASSES];
};

static void keep_logits(void *context, int layer, const float *values, size_t count,
                        struct shape shape)
{
    struct logits *logits = context;
    if (layer != logits->last)
        return;
    memcpy(logits->values + logits->at, values, count * shape_size(shape) * sizeof *values);
    logits->at += count * shape_size(shape);
}

/* Signal to noise of the integers' real values, in decibels. */
static double signal_to_noise(const struct random_net *net)
{
    static struct logits logits;
    double signal = 0, noise = 0;
    struct error err;
    uint8_t *out = malloc(random_net_room(net->model->net));
    assert_non_null(out);
    logits = (struct logits){.last = net->model->net->layer_count - 1};
    check_ok(train_observe(net->model, &net->data, ODD_COUNT, keep_logits, &logits, &err), &err);
    for (size_t n = 0; n < ODD_COUNT; n++) {
        random_net_run(net, random_net_image(net, n), out);
        for (size_t j = 0; j < ODD_CLASSES; j++) {
            const double want = (double)logits.values[n * ODD_CLASSES + j];
            const double got = (double)net->calibration->logit_scale * (int8_t)out[j];
            signal += want * want;
            noise += (got - want) * (got - want);
        }
    }
    free(out);
    return 10 * log10(signal / noise);
}

static void eight_bits_are_the_float_network_but_for_rounding(void **state)
{
    static const int bits[] = {8, 8, 8, 8, 8};
    struct odd odd;
    struct error err;
    double accuracy = 0;
    (void)state;
    odd_train(&odd);
    odd_quantize(&odd.net, bits);
    check_ok(train_evaluate(odd.net.model, &odd.net.data, 1, &accuracy, &err), &err);
    if (accuracy < 80)
        fail_msg("float accuracy: got %g %%, want 80 or more", accuracy);
    if (integer_accuracy(&odd.net) < accuracy - 2)
        fail_msg("8-bit accuracy: got %g %%, float has %g", integer_accuracy(&odd.net), accuracy);
    if (signal_to_noise(&odd.net) < 20)
        fail_msg("signal to noise: got %g dB, want 20 or more", signal_to_noise(&odd.net));
    odd_close(&odd);
}

static void training_the_integers_helps_at_two_bits(void **state)
{
    static const int bits[] = {2, 2, 2, 2, 2};
    const struct qat_options options = {
        .epochs = 6, .seed = 1, .threads = 1, .progress = PROGRESS_QUIET};
    struct odd odd;
    struct random_net *net = &odd.net;
    struct error err;
    (void)state;
    odd_train(&odd);
    odd_quantize(net, bits);
    const double before = integer_accuracy(net);
    odd_drop(net);
    check_ok(qat_train(net->model, net->calibration, bits, &odd.split, &options, NULL, NULL,
                       &net->quant, &err),
             &err);
    check_ok(pack_model(net->quant, &net->container, &err), &err);
    check_forward(net); /* what was trained is what the core computes */
    if (integer_accuracy(net) <= before)
        fail_msg("2-bit accuracy: got %g %%, want more than %g without training",
                 integer_accuracy(net), before);
    odd_close(&odd);
}

static void odd_shapes_run_on_the_simulated_core(void **state)
{
    static const int bits[] = {8, 2, 4, 4, 2};
    struct target *target;
    struct infer *infer;
    struct odd odd;
    struct error err;
    (void)state;
    find_simulator();
    odd_train(&odd);
    odd_quantize(&odd.net, bits);
    check_ok(infer_create(odd.net.container->model, &infer, &err), &err);
    check_ok(target_open("sim", &target, &err), &err);
    const struct measure_subject subject = {target, odd.net.container, infer, &odd.net.data};
    for (int tier = TIER_NN; tier <= TIER_RV32; tier++) {
        struct measure_options options = {.tier = (enum proto_tier)tier, .samples = 4};
        struct measure_result result;
        options.progress = progress_start(PROGRESS_QUIET, "run", options.samples);
        check_ok(measure_run(&subject, &options, &result, &err), &err);
        progress_finish(options.progress, NULL);
        assert_int_equal(result.verified, 4);
        assert_int_equal(result.mismatches, 0);
    }
    target_close(target);
    infer_free(infer);
    odd_close(&odd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_pass_of_random_networks_is_the_cores),
        cmocka_unit_test(gradients_pass_through_both_ways_of_an_addition),
        cmocka_unit_test(eight_bits_are_the_float_network_but_for_rounding),
        cmocka_unit_test(training_the_integers_helps_at_two_bits),
        cmocka_unit_test(odd_shapes_run_on_the_simulated_core),
    };
    return cmocka_run_group_tests_name("quantized graphs", tests, NULL, NULL);
}
