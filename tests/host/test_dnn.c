// SPDX-License-Identifier: Apache-2.0
/* Layers on oneDNN: values against a naive network in double, gradients against finite differences,
 * batch statistics, dropout, folding. */
#include "host/scratch.h"

#include <math.h>

#include "host/naive_net.h"
#include "host/small_problem.h"
#include "train/dnn.h"
#include "train/train.h"
#include "train/train_batchnorm.h"
#include "train/train_loop.h"

enum { SHARDS = 2, IMAGES = 3, SEED = 21, STEP = 4 };

/* A plan with two shards of random images, and a loss that is a random sum of the outputs. */
struct probe {
    struct float_model *model;
    float *scales[NET_MAX_LAYERS]; /* of BATCHNORM behind weighted layer k, else NULL */
    struct dnn_plan *plan;
    struct dnn_shard *shards[SHARDS];
    float factors[SHARDS * IMAGES * SMALL_CLASSES];
    int saved;
};

static void make_scales(struct probe *probe, struct rng *rng)
{
    const struct net *net = probe->model->net;
    for (int k = 0; k < net->weighted_count; k++) {
        const int behind = net_batchnorm(net, net->weighted[k]);
        const size_t channels = (size_t)net->layers[net->weighted[k]].out.c;
        if (behind < 0)
            continue;
        probe->scales[k] = malloc(channels * sizeof(float));
        assert_non_null(probe->scales[k]);
        for (size_t c = 0; c < channels; c++)
            probe->scales[k][c] = 0.5f + rng_uniform(rng);
    }
}

static void probe_open(struct probe *probe, const char *layers, enum dnn_use use)
{
    struct error err;
    struct rng rng;
    memset(probe, 0, sizeof *probe);
    rng_init(&rng, 11, 0);
    probe->saved = dnn_threads_enter();
    probe->model = small_model(layers, 5);
    check_ok(dnn_plan_create(probe->model->net, IMAGES, use, &probe->plan, &err), &err);
    for (int s = 0; s < SHARDS; s++) {
        check_ok(dnn_shard_create(probe->plan, &probe->shards[s], &err), &err);
        float *input = dnn_shard_values(probe->shards[s], -1);
        for (size_t i = 0; i < IMAGES * shape_size(probe->model->net->input); i++)
            input[i] = rng_uniform(&rng);
        dnn_shard_set_draw(probe->shards[s], SEED, STEP, (uint32_t)s * IMAGES);
    }
    for (size_t i = 0; i < sizeof probe->factors / sizeof *probe->factors; i++)
        probe->factors[i] = 2 * rng_uniform(&rng) - 1;
    if (use == DNN_TRAIN)
        make_scales(probe, &rng);
}

static void probe_close(struct probe *probe)
{
    for (int s = 0; s < SHARDS; s++)
        dnn_shard_free(probe->shards[s]);
    dnn_plan_free(probe->plan);
    for (int k = 0; k < probe->model->net->weighted_count; k++)
        free(probe->scales[k]);
    float_model_free(probe->model);
    dnn_threads_leave(probe->saved);
}

static void probe_load(struct probe *probe)
{
    const struct float_model *model = probe->model;
    struct error err;
    for (int k = 0; k < model->net->weighted_count; k++) {
        check_ok(dnn_plan_set_weights(probe->plan, k, model->weights[k], model->biases[k], &err),
                 &err);
        if (probe->scales[k])
            dnn_plan_set_scale(probe->plan, k, probe->scales[k]);
    }
}

static double probe_loss(struct probe *probe)
{
    const struct net *net = probe->model->net;
    const size_t count = (size_t)IMAGES * SMALL_CLASSES;
    double loss = 0;
    struct error err;
    probe_load(probe);
    for (size_t s = 0; s < SHARDS; s++) {
        check_ok(train_forward_all(NULL, probe->shards[s], &err), &err);
        const float *values = dnn_shard_values(probe->shards[s], net->layer_count - 1);
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

/* ---- Gradients ---- */

/* Loss around a parameter, a step above and below. */
struct difference {
    double slope, bend; /* central differences, the second one not divided by step^2 */
};

static struct difference differences(struct probe *probe, float *parameter, float step)
{
    const float old = *parameter;
    const double middle = probe_loss(probe);
    *parameter = old + step;
    const double above = probe_loss(probe);
    *parameter = old - step;
    const double below = probe_loss(probe);
    *parameter = old;
    return (struct difference){(above - below) / (2 * (double)step), above - 2 * middle + below};
}

struct tally {
    size_t total, compared, wrong;
    char first[128]; /* what was wrong */
};

/* Compares the gradients of count parameters with central differences, extrapolated to step zero.
 * Parameters near a kink of ReLU or max pooling are left out: two steps do not agree there, or the
 * bend does not grow with the square of the step. */
static void check_parameters(struct probe *probe, const char *what, float *parameters,
                             const float *gradients, size_t count, struct tally *tally)
{
    tally->total += count;
    for (size_t i = 0; i < count; i++) {
        const struct difference wide = differences(probe, &parameters[i], 1.0f / 128);
        const struct difference narrow = differences(probe, &parameters[i], 1.0f / 256);
        const double want = (4 * narrow.slope - wide.slope) / 3, got = (double)gradients[i];
        if (fabs(wide.slope - narrow.slope) > 1e-3 + 1e-3 * fabs(want) ||
            fabs(wide.bend - 4 * narrow.bend) > 2e-5)
            continue;
        tally->compared++;
        if (fabs(got - want) <= 3e-3 + 2e-3 * fabs(want))
            continue;
        if (!tally->wrong++)
            snprintf(tally->first, sizeof tally->first, "%s %zu: got gradient %g, want %g", what, i,
                     got, want);
    }
}

static void check_layer(struct probe *probe, int k, struct tally *tally)
{
    const struct net_layer *layer = &probe->model->net->layers[probe->model->net->weighted[k]];
    const size_t weights = net_layer_weights(layer), channels = (size_t)layer->out.c;
    float *gradients = malloc((weights + 2 * channels) * sizeof(float));
    float *biases = gradients + weights, *scales = biases + channels;
    char what[64];
    struct error err;
    assert_non_null(gradients);
    check_ok(dnn_sum_gradients(probe->shards, SHARDS, k, gradients, biases, &err), &err);
    if (probe->scales[k])
        dnn_sum_scale_gradients(probe->shards, SHARDS, k, scales);
    snprintf(what, sizeof what, "weight of %s,", layer->name);
    check_parameters(probe, what, probe->model->weights[k], gradients, weights, tally);
    snprintf(what, sizeof what, "bias of %s,", layer->name);
    check_parameters(probe, what, probe->model->biases[k], biases, channels, tally);
    snprintf(what, sizeof what, "scale behind %s,", layer->name);
    if (probe->scales[k])
        check_parameters(probe, what, probe->scales[k], scales, channels, tally);
    free(gradients);
}

/* One in a hundred may be wrong: kinks on both sides hide each other now and then. */
static void check_gradients(const char *layers)
{
    struct probe probe;
    struct tally tally = {.total = 0};
    probe_open(&probe, layers, DNN_TRAIN);
    probe_backward(&probe);
    probe_backward(&probe); /* the first time leaves nothing behind */
    for (int k = 0; k < probe.model->net->weighted_count; k++)
        check_layer(&probe, k, &tally);
    if (tally.compared < tally.total * 3 / 5)
        fail_msg("only %zu of %zu parameters could be compared", tally.compared, tally.total);
    if (tally.wrong > tally.compared / 100)
        fail_msg("%zu of %zu gradients are wrong; %s", tally.wrong, tally.compared, tally.first);
    probe_close(&probe);
}

/* ---- Values ---- */

/* Whether the forward pass of layer i leaves the values of the RELU behind it. */
static bool rectifies(struct dnn_shard *shard, int i, enum dnn_use use)
{
    const struct net_layer *l = &dnn_shard_net(shard)->layers[i];
    return use == DNN_TRAIN && l[0].op == NET_CONV && l[1].op == NET_RELU &&
           dnn_shard_values(shard, i) == dnn_shard_values(shard, i + 1);
}

static void check_values(const char *layers, enum dnn_use use)
{
    struct probe probe;
    struct error err;
    probe_open(&probe, layers, use);
    probe_load(&probe);
    const struct net *net = probe.model->net;
    for (int s = 0; s < SHARDS; s++) {
        struct dnn_shard *shard = probe.shards[s];
        struct naive_net *naive = naive_net_run(probe.model, use == DNN_TRAIN ? probe.scales : NULL,
                                                IMAGES, dnn_shard_values(shard, -1));
        for (int i = 0; i < net->layer_count; i++) {
            const size_t count = IMAGES * shape_size(net->layers[i].out);
            check_ok(dnn_shard_forward(shard, i, &err), &err);
            const float *got = dnn_shard_values(shard, i);
            const double *want = naive->values[rectifies(shard, i, use) ? i + 1 : i];
            for (size_t j = 0; j < count; j++)
                if (fabs((double)got[j] - want[j]) > 2e-5)
                    fail_msg("layer %s, value %zu: got %g, want %g", net->layers[i].name, j,
                             (double)got[j], want[j]);
        }
        naive_net_free(naive);
    }
    probe_close(&probe);
}

/* ---- The networks ---- */

#define CONV(more)   "{\"op\":\"conv\"," more "},"
#define CONV2        CONV("\"channels\":3,\"kernel\":2")
#define POOL         "{\"op\":\"avgpool\",\"kernel\":[2,4]}," /* fewer values, fewer kinks */
#define SAME6        CONV("\"channels\":6,\"kernel\":3,\"padding\":\"same\"")
#define SAME6_A      CONV("\"name\":\"a\",\"channels\":6,\"kernel\":3,\"padding\":\"same\"")
#define DEPTHWISE    "{\"op\":\"depthwise\",\"kernel\":3,\"padding\":\"same\"},"
#define RELU         "{\"op\":\"relu\"},"
#define RELU6        "{\"op\":\"relu6\"},"
#define NORM         "{\"op\":\"batchnorm\",\"epsilon\":0.01},"
#define FLATTEN      "{\"op\":\"flatten\"},"
#define ADD(name)    "{\"op\":\"add\",\"with\":\"" name "\"},"
#define BRANCH(from) "{\"op\":\"branch\",\"from\":\"" from "\"},"
#define NAMED(op, n) "{\"op\":\"" op "\",\"name\":\"" n "\"},"
#define FC4          "{\"op\":\"fc\",\"outputs\":4}"

static const struct network {
    const char *fact, *layers;
} NETWORKS[] = {
    {"convolution", CONV2 CONV("\"channels\":5,\"kernel\":3,\"padding\":\"same\"") FC4},
    {"strided convolution", CONV2 CONV("\"channels\":4,\"kernel\":[3,2],\"stride\":[2,1],"
                                       "\"padding\":[2,0,1,1]") FC4},
    {"fully connected", "{\"op\":\"fc\",\"outputs\":7}," FC4},
    {"relu", CONV2 RELU "{\"op\":\"fc\",\"outputs\":6}," RELU FC4},
    {"max pooling", CONV2 "{\"op\":\"maxpool\",\"kernel\":3,\"stride\":2,\"padding\":1}," FC4},
    {"average pooling", CONV2 "{\"op\":\"avgpool\",\"kernel\":[2,3],\"stride\":[2,1]}," FC4},
    {"average pooling in tiles", SAME6 "{\"op\":\"avgpool\",\"kernel\":2}," FC4},
    {"average pooling of 2x2 that overlap",
     SAME6 "{\"op\":\"avgpool\",\"kernel\":2,\"stride\":1}," FC4},
    {"global pooling", SAME6 "{\"op\":\"avgpool\",\"kernel\":\"global\"}," FC4},
    {"flatten", CONV2 FLATTEN FC4},
    {"grouped convolution",
     SAME6 CONV("\"channels\":4,\"kernel\":[3,2],\"groups\":2,\"stride\":[1,2]") FC4},
    {"channels multiplied in groups", CONV2 CONV("\"channels\":6,\"kernel\":2,\"groups\":3") FC4},
    {"depthwise convolution", SAME6 DEPTHWISE FC4},
    {"strided depthwise convolution",
     CONV2 "{\"op\":\"depthwise\",\"kernel\":[3,2],\"stride\":[2,1],\"padding\":[0,1,2,0]}," FC4},
    {"depthwise convolution of the input", DEPTHWISE FC4},
    {"relu6",
     "{\"op\":\"fc\",\"outputs\":20,\"name\":\"a\"}," /* 4 times its values: some above 6 */
     "{\"op\":\"add\",\"with\":\"a\",\"name\":\"b\"}," ADD("b") RELU6 FC4},
    {"normalization behind convolution", SAME6 NORM FC4},
    {"normalization behind depthwise and grouped convolution",
     POOL SAME6 NORM RELU DEPTHWISE NORM CONV("\"channels\":4,\"kernel\":1,\"groups\":2") NORM FC4},
    {"normalization behind fully connected", "{\"op\":\"fc\",\"outputs\":7}," NORM RELU FC4},
    {"residual addition", POOL SAME6_A SAME6 ADD("a") FC4},
    {"residual block with normalization",
     POOL SAME6 NAMED("batchnorm", "a") RELU6 DEPTHWISE NORM SAME6 NORM ADD("a") RELU FC4},
    {"addition of a value under relu", POOL SAME6_A RELU SAME6 ADD("a") FC4},
    {"addition of a value under relu6 and of relu6's",
     POOL SAME6_A NAMED("relu6", "r") SAME6 ADD("a") SAME6 ADD("r") FC4},
    {"addition right behind relu", POOL SAME6_A SAME6 RELU ADD("a") RELU FC4},
    {"two additions of a value", POOL SAME6_A SAME6 ADD("a") RELU SAME6 ADD("a") FC4},
    {"additions in a row", POOL SAME6_A SAME6 NAMED("relu", "r") SAME6 ADD("a") ADD("r") FC4},
    {"addition of an addition",
     POOL SAME6_A SAME6 "{\"op\":\"add\",\"with\":\"a\",\"name\":\"b\"}," RELU SAME6 ADD("b") FC4},
    {"addition of a value to itself", POOL SAME6_A ADD("a") SAME6 ADD("a") FC4},
    {"addition of the input",
     RELU CONV("\"channels\":2,\"kernel\":3,\"padding\":\"same\"") ADD("input") FC4},
    {"addition through flatten",
     POOL SAME6_A RELU NAMED("flatten", "f") "{\"op\":\"fc\",\"outputs\":48}," ADD("f") FC4},
    {"shortcut with a layer of its own",
     POOL SAME6_A RELU CONV("\"name\":\"m\",\"channels\":4,\"kernel\":2,\"stride\":2") BRANCH("a")
         CONV("\"channels\":4,\"kernel\":2,\"stride\":2") ADD("m") RELU FC4},
    {"shortcut with a norm, of a value under relu",
     POOL SAME6 NORM NAMED("relu", "r") SAME6 NORM RELU SAME6 NAMED("batchnorm", "m") BRANCH("r")
         CONV("\"channels\":6,\"kernel\":1") NORM ADD("m") RELU FC4},
    {"three ways from one value, relu first on one of them",
     POOL SAME6_A SAME6 NAMED("relu", "m") BRANCH("a") RELU SAME6 NAMED("relu", "n") BRANCH("a")
         CONV("\"channels\":6,\"kernel\":1") ADD("m") ADD("n") FC4},
    {"branch right behind its source", POOL SAME6_A BRANCH("a") RELU SAME6 ADD("a") FC4},
    {"branch of the input", CONV("\"name\":\"m\",\"channels\":4,\"kernel\":2") BRANCH("input")
                                CONV("\"channels\":4,\"kernel\":2") ADD("m") FC4},
};

/* Values above 6 under dropout, which makes those below look like them. */
static const char DROPPED[] = "{\"op\":\"fc\",\"outputs\":20,\"name\":\"a\"},"
                              "{\"op\":\"add\",\"with\":\"a\",\"name\":\"b\"}," ADD("b") RELU6
    "{\"op\":\"dropout\",\"rate\":0.4},{\"op\":\"fc\",\"outputs\":20},"
    "{\"op\":\"dropout\",\"rate\":0.25}," ADD("a") RELU "{\"op\":\"dropout\",\"rate\":0.1}," FC4;

static void values_are_those_of_the_naive_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NETWORKS / sizeof *NETWORKS; i++) {
        print_message("%s\n", NETWORKS[i].fact);
        check_values(NETWORKS[i].layers, DNN_TRAIN);
        check_values(NETWORKS[i].layers, DNN_FOLDED);
        check_values(NETWORKS[i].layers, DNN_INFER);
    }
    check_values(DROPPED, DNN_FOLDED);
    check_values(DROPPED, DNN_INFER);
}

static void gradients_are_those_of_finite_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NETWORKS / sizeof *NETWORKS; i++) {
        print_message("%s\n", NETWORKS[i].fact);
        check_gradients(NETWORKS[i].layers);
    }
    check_gradients(DROPPED);
}

/* ---- Factors of an addition, as quantized training needs them ---- */

/* Half of one side and three times the other, in the values and in the gradients. */
static void additions_pass_gradients_back_by_their_factors(void **state)
{
    static const char layers[] = SAME6_A SAME6 ADD("a") FC4;
    struct probe probe;
    struct error err;
    float once[6], twice[6], weights[6 * 9 * 6];
    (void)state;
    probe_open(&probe, layers, DNN_FOLDED);
    probe_backward(&probe);
    check_ok(dnn_sum_gradients(probe.shards, 1, 1, weights, once, &err), &err);
    for (int i = 3; i >= 0; i--) {
        if (i == 3)
            memcpy(dnn_shard_gradients(probe.shards[0], 3), probe.factors,
                   IMAGES * SMALL_CLASSES * sizeof(float));
        if (i == 2)
            dnn_shard_backward_add(probe.shards[0], i, 0.5f, 3);
        else
            check_ok(dnn_shard_backward(probe.shards[0], i, &err), &err);
    }
    check_ok(dnn_sum_gradients(probe.shards, 1, 1, weights, twice, &err), &err);
    for (int c = 0; c < 6; c++)
        assert_float_equal(twice[c], 0.5f * once[c], 1e-5);
    probe_close(&probe);
}

/* ---- Dropout ---- */

#define DROP(rate) "{\"op\":\"fc\",\"outputs\":2000},{\"op\":\"dropout\",\"rate\":" rate "},"

/* Dropped values are 0 and the others grow, so that the expectation stays. */
static void dropout_drops_its_part_and_keeps_the_mean(void **state)
{
    struct probe probe;
    struct error err;
    size_t dropped = 0, total = 0;
    (void)state;
    probe_open(&probe, DROP("0.25") FC4, DNN_TRAIN);
    probe_load(&probe);
    for (int s = 0; s < SHARDS; s++) {
        check_ok(dnn_shard_forward(probe.shards[s], 0, &err), &err);
        float *values = dnn_shard_values(probe.shards[s], 0), before[IMAGES * 2000];
        memcpy(before, values, sizeof before);
        check_ok(dnn_shard_forward(probe.shards[s], 1, &err), &err);
        const float *after = dnn_shard_values(probe.shards[s], 1);
        for (size_t i = 0; i < IMAGES * 2000; i++, total++) {
            if (after[i] == 0 && before[i] != 0)
                dropped++;
            else
                assert_float_equal(after[i], before[i] / 0.75f, 1e-5);
        }
    }
    const double part = (double)dropped / (double)total;
    if (fabs(part - 0.25) > 0.015) /* 3.8 standard deviations */
        fail_msg("got %.3f dropped, want 0.25", part);
    probe_close(&probe);
}

/* Which of the first shard's values are dropped with this draw. */
static void draw(struct probe *probe, uint64_t seed, uint64_t step, uint32_t first,
                 uint8_t dropped[IMAGES * 2000])
{
    struct error err;
    dnn_shard_set_draw(probe->shards[0], seed, step, first);
    check_ok(dnn_shard_forward(probe->shards[0], 0, &err), &err);
    check_ok(dnn_shard_forward(probe->shards[0], 1, &err), &err);
    const float *after = dnn_shard_values(probe->shards[0], 1);
    for (size_t i = 0; i < IMAGES * 2000; i++)
        dropped[i] = after[i] == 0;
}

static void dropout_follows_seed_step_and_image(void **state)
{
    uint8_t a[IMAGES * 2000], b[IMAGES * 2000];
    struct probe probe;
    (void)state;
    probe_open(&probe, DROP("0.5") FC4, DNN_TRAIN);
    probe_load(&probe);
    draw(&probe, 1, 2, 10, a);
    draw(&probe, 1, 2, 10, b);
    assert_memory_equal(a, b, sizeof a);
    draw(&probe, 1, 2, 11, b); /* the same images one place further */
    assert_memory_equal(a + 2000, b, 2 * 2000);
    assert_memory_not_equal(a, b, 2000);
    draw(&probe, 1, 3, 10, b);
    assert_memory_not_equal(a, b, 2000);
    draw(&probe, 2, 2, 10, b);
    assert_memory_not_equal(a, b, 2000);
    probe_close(&probe);
}

/* ---- Folding ---- */

static void load_folded(struct probe *probe, const struct train_batchnorm *batchnorm)
{
    const struct net *net = probe->model->net;
    struct error err;
    dnn_plan_set_training(probe->plan, false);
    for (int k = 0; k < net->weighted_count; k++) {
        float *weights = malloc(net_layer_weights(&net->layers[net->weighted[k]]) * sizeof(float));
        float biases[16];
        assert_non_null(weights);
        train_batchnorm_fold(batchnorm, k, probe->model->weights[k], probe->model->biases[k],
                             weights, biases);
        check_ok(dnn_plan_set_weights(probe->plan, k, weights, biases, &err), &err);
        free(weights);
    }
}

/* The first shard's outputs of the naive network with the running statistics after one step. */
static void running_outputs(const struct probe *probe, const float *input, double *out)
{
    const struct net *net = probe->model->net;
    struct naive_statistics statistics[NET_MAX_LAYERS];
    for (int k = 0; k < net->weighted_count; k++)
        statistics[k] = naive_statistics_mean(net, k, probe->shards, SHARDS);
    struct naive_net *naive = naive_net_run_statistics(probe->model, statistics, IMAGES, input);
    memcpy(out, naive->values[net->layer_count - 1], IMAGES * SMALL_CLASSES * sizeof *out);
    naive_net_free(naive);
    for (int k = 0; k < net->weighted_count; k++)
        naive_statistics_free(&statistics[k]);
}

static void folded_weights_do_what_the_running_statistics_do(void **state)
{
    static const char layers[] =
        SAME6 NORM RELU6 DEPTHWISE NORM CONV("\"channels\":4,\"kernel\":2,\"groups\":2") NORM RELU
        "{\"op\":\"fc\",\"outputs\":9}," NORM RELU FC4;
    struct probe probe;
    struct train_batchnorm *batchnorm = NULL;
    struct error err;
    double want[IMAGES * SMALL_CLASSES], largest = 0;
    (void)state;
    probe_open(&probe, layers, DNN_TRAIN);
    const struct net *net = probe.model->net;
    check_ok(train_batchnorm_create(net, &net->recipe, &batchnorm, &err), &err);
    probe_load(&probe);
    train_batchnorm_load(batchnorm, probe.plan); /* its scales in place of the probe's */
    for (int s = 0; s < SHARDS; s++)
        check_ok(train_forward_all(NULL, probe.shards[s], &err), &err);
    train_batchnorm_collect(batchnorm, probe.shards, SHARDS);
    running_outputs(&probe, dnn_shard_values(probe.shards[0], -1), want);
    load_folded(&probe, batchnorm);
    check_ok(train_forward_all(NULL, probe.shards[0], &err), &err);
    const float *got = dnn_shard_values(probe.shards[0], net->layer_count - 1);
    for (int i = 0; i < IMAGES * SMALL_CLASSES; i++)
        largest = fmax(largest, fabs(want[i]));
    for (int i = 0; i < IMAGES * SMALL_CLASSES; i++)
        if (fabs((double)got[i] - want[i]) > 1e-5 * largest)
            fail_msg("output %d: got %.8g, want %.8g", i, (double)got[i], want[i]);
    train_batchnorm_free(batchnorm);
    probe_close(&probe);
}

static void fast_code_is_found_for_the_usual_layers(void **state)
{
    static const char *const usual[] = {
        CONV("\"channels\":16,\"kernel\":3,\"stride\":2")
            NORM RELU6 DEPTHWISE NORM CONV("\"channels\":24,\"kernel\":1") FC4,
        DEPTHWISE CONV("\"channels\":64,\"kernel\":1") RELU FC4,
    };
    (void)state;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        struct probe probe;
        probe_open(&probe, usual[i], DNN_TRAIN);
        if (dnn_plan_slow_layer(probe.plan))
            fail_msg("%s has only slow code", dnn_plan_slow_layer(probe.plan));
        probe_close(&probe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_naive_network),
        cmocka_unit_test(gradients_are_those_of_finite_differences),
        cmocka_unit_test(additions_pass_gradients_back_by_their_factors),
        cmocka_unit_test(dropout_drops_its_part_and_keeps_the_mean),
        cmocka_unit_test(dropout_follows_seed_step_and_image),
        cmocka_unit_test(folded_weights_do_what_the_running_statistics_do),
        cmocka_unit_test(fast_code_is_found_for_the_usual_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
