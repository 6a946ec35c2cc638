// SPDX-License-Identifier: Apache-2.0
/* Accuracy with shared prefixes equals accuracy without, for any order of candidates and memory. */
#include "host/scratch.h"

#include <math.h>

#include "base/rng.h"
#include "pack/pack.h"
#include "search/dse_eval.h"

static const char NET[] =
    "{\"name\":\"tiny\",\"input\":[8,8,1],\"classes\":4,"
    "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
    "\"test_images\":\"c\",\"test_labels\":\"d\"},"
    "\"layers\":[{\"op\":\"conv\",\"channels\":5,\"kernel\":3},{\"op\":\"relu\"},"
    "{\"op\":\"maxpool\",\"kernel\":2},{\"op\":\"conv\",\"channels\":6,\"kernel\":2},"
    "{\"op\":\"relu\"},{\"op\":\"fc\",\"outputs\":4}]}";

enum { LAYERS = 3, WIDTHS = 3, CANDIDATES = 27, IMAGES = 200, PIXELS = 64, BUDGET_ALL = 1 << 20 };
static const double SCALE = 1.0 / 64;
static const int WIDTH[WIDTHS] = {8, 4, 2};

static struct net *net;
static struct quant_layer *layers[WIDTHS][LAYERS];
static struct dataset images;

static struct quant_layer *random_layer(int k, int bits, struct rng *rng)
{
    const struct net_layer *from = &net->layers[net->weighted[k]];
    const int row = (int)(net_layer_weights(from) / (size_t)from->out.c);
    const int limit = quant_weight_limit(bits);
    struct quant_layer *layer = NULL;
    struct error err;
    float bias[8];
    check_ok(quant_layer_create(from->out.c, row, &layer, &err), &err);
    layer->bits = bits;
    layer->relu = k + 1 < LAYERS;
    layer->in_scale = layer->out_scale = 1.0f / 64;
    for (int c = 0; c < layer->out_count; c++) {
        bias[c] = 0.1f * rng_normal(rng);
        layer->weight_scale[c] = 1.5f / (float)limit / sqrtf((float)row);
        for (int e = 0; e < row; e++)
            layer->weight[c * row + e] =
                (int8_t)((int)rng_below(rng, (uint32_t)(2 * limit + 1)) - limit);
    }
    quant_layer_set_requantization(layer, bias);
    return layer;
}

static int set_up(void **state)
{
    struct rng rng;
    struct error err;
    (void)state;
    check_ok(net_parse(NET, "m.json", &net, &err), &err);
    rng_init(&rng, 4, 0);
    for (int w = 0; w < WIDTHS; w++)
        for (int k = 0; k < LAYERS; k++)
            layers[w][k] = random_layer(k, WIDTH[w], &rng);
    images = (struct dataset){.count = IMAGES, .shape = net->input};
    images.images = malloc(IMAGES * PIXELS);
    images.labels = malloc(IMAGES * sizeof *images.labels);
    assert_non_null(images.images);
    assert_non_null(images.labels);
    for (size_t i = 0; i < IMAGES * PIXELS; i++)
        images.images[i] = (uint8_t)rng_below(&rng, 256);
    for (size_t i = 0; i < IMAGES; i++)
        images.labels[i] = (uint16_t)rng_below(&rng, 4);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int w = 0; w < WIDTHS; w++)
        for (int k = 0; k < LAYERS; k++)
            quant_layer_free(layers[w][k]);
    free(images.images);
    free(images.labels);
    net_free(net);
    return 0;
}

struct made {
    struct container *container;
    struct infer *infer;
    int bits[LAYERS];
};

static struct made make(const int *width_of_layer)
{
    struct made made = {.infer = NULL};
    struct quant_model *quant = NULL;
    struct error err;
    check_ok(quant_model_create(net, &quant, &err), &err);
    for (int k = 0; k < LAYERS; k++) {
        quant->layers[k] = layers[width_of_layer[k]][k];
        made.bits[k] = WIDTH[width_of_layer[k]];
    }
    check_ok(pack_model(quant, &made.container, &err), &err);
    check_ok(infer_create(made.container->model, &made.infer, &err), &err);
    quant_model_free(quant);
    return made;
}

/* Candidate number i in lexicographic order. */
static struct made make_number(int i)
{
    const int widths[LAYERS] = {i / 9, i / 3 % 3, i % 3};
    return make(widths);
}

static void discard(struct made *made)
{
    infer_free(made->infer);
    container_free(made->container);
}

static double plain_accuracy(const struct made *made)
{
    struct error err;
    double accuracy = -1;
    check_ok(infer_accuracy(made->infer, &images, 1, &accuracy, &err), &err);
    return accuracy;
}

static struct dse_score cached_score(struct dse_eval *eval, const struct made *made, bool share)
{
    struct error err;
    struct dse_score score = {-1, -1};
    check_ok(dse_eval_score(eval, made->container->model, made->infer, share ? made->bits : NULL,
                            &score, &err),
             &err);
    return score;
}

static double cached_accuracy(struct dse_eval *eval, const struct made *made, bool share)
{
    return cached_score(eval, made, share).accuracy;
}

static void check_equal(double got, double want, int candidate)
{
    if (fabs(got - want) > 1e-12)
        fail_msg("candidate %d: got %.3f %%, want %.3f %%", candidate, got, want);
}

static struct dse_eval *create(size_t budget_bytes, int threads)
{
    struct dse_eval *eval = NULL;
    struct error err;
    const struct dse_eval_options options = {budget_bytes, threads, SCALE};
    check_ok(dse_eval_create(&images, &options, &eval, &err), &err);
    return eval;
}

static void candidates_differ_at_all(void **state)
{
    double low = 101, high = -1;
    (void)state;
    for (int i = 0; i < CANDIDATES; i++) {
        struct made made = make_number(i);
        const double accuracy = plain_accuracy(&made);
        low = fmin(low, accuracy);
        high = fmax(high, accuracy);
        discard(&made);
    }
    assert_true(high - low > 3); /* or the other cases would show nothing */
}

static void any_memory_and_any_order_give_the_same(void **state)
{
    /* of the inputs of conv2 (3x3x5) and fc1 (2x2x6): none, the last alone, all */
    static const size_t budgets[] = {0, IMAGES * 24, IMAGES * 24 + 1, BUDGET_ALL};
    struct rng rng;
    (void)state;
    rng_init(&rng, 6, 0);
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
        struct dse_eval *eval = create(budgets[b], b == 3 ? 2 : 1);
        for (int step = 0; step < 3 * CANDIDATES; step++) {
            const int i = step < CANDIDATES ? step : (int)rng_below(&rng, CANDIDATES);
            struct made made = make_number(i);
            const bool share = step < CANDIDATES || rng_below(&rng, 5) > 0;
            check_equal(cached_accuracy(eval, &made, share), plain_accuracy(&made), i);
            discard(&made);
        }
        dse_eval_free(eval);
    }
    dse_eval_free(NULL);
}

/* Two networks whose first layer differs though its width is called the same: with widths the first
 * one's activations stand for the second's, without them they do not. */
static void widths_stand_for_weights_only_if_they_are_told(void **state)
{
    struct made first = make_number(0), second = make_number(9), mixed = make_number(0);
    struct dse_eval *eval = create(BUDGET_ALL, 1);
    (void)state;
    assert_true(fabs(plain_accuracy(&first) - plain_accuracy(&second)) > 0.1);
    check_equal(cached_accuracy(eval, &first, true), plain_accuracy(&first), 0);
    second.bits[0] = first.bits[0];
    check_equal(cached_accuracy(eval, &second, true), plain_accuracy(&mixed), 0);
    check_equal(cached_accuracy(eval, &second, false), plain_accuracy(&second), 9);
    check_equal(cached_accuracy(eval, &first, true), plain_accuracy(&first), 0);
    dse_eval_free(eval);
    discard(&first);
    discard(&second);
    discard(&mixed);
}

/* Mean of -log(softmax), straight from the outputs. */
static double plain_loss(const struct made *made)
{
    const int argmax = made->container->model->layer_count - 1;
    int8_t out[IMAGES][LAYERS + 1];
    struct error err;
    double loss = 0;
    check_ok(infer_run(made->infer, 0, argmax, images.images, IMAGES, (uint8_t *)out, 1, &err),
             &err);
    for (int i = 0; i < IMAGES; i++) {
        double sum = 0;
        for (int k = 0; k < 4; k++)
            sum += exp(SCALE * out[i][k]);
        loss -= log(exp(SCALE * out[i][images.labels[i]]) / sum) / IMAGES;
    }
    return loss;
}

static void loss_is_the_mean_cross_entropy(void **state)
{
    struct dse_eval *eval = create(BUDGET_ALL, 1);
    (void)state;
    for (int i = 0; i < CANDIDATES; i++) {
        struct made made = make_number(i);
        const double got = cached_score(eval, &made, true).loss, want = plain_loss(&made);
        if (fabs(got - want) > 1e-9)
            fail_msg("candidate %d: loss: got %.12f, want %.12f", i, got, want);
        discard(&made);
    }
    dse_eval_free(eval);
}

static void models_that_are_no_candidates_are_refused(void **state)
{
    struct made made = make_number(0);
    struct dse_eval *eval = create(BUDGET_ALL, 1);
    struct model other = *made.container->model;
    struct error err;
    struct dse_score score;
    (void)state;
    other.layer_count--;
    check_failed(dse_eval_score(eval, &other, made.infer, made.bits, &score, &err), STATUS_INPUT,
                 &err, "model tiny: want the candidates' layers, with argmax the last one");
    (void)cached_accuracy(eval, &made, true);
    dse_eval_free(eval);
    discard(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_differ_at_all),
        cmocka_unit_test(any_memory_and_any_order_give_the_same),
        cmocka_unit_test(widths_stand_for_weights_only_if_they_are_told),
        cmocka_unit_test(loss_is_the_mean_cross_entropy),
        cmocka_unit_test(models_that_are_no_candidates_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
