// SPDX-License-Identifier: Apache-2.0
/* MODEL.json: groups, depthwise, residual addition, normalization, dropout, heads, schedules; and the
 * networks of the use cases. */
#include "host/scratch.h"

#include <math.h>

#include "net/net.h"

/* A residual block behind a strided convolution, with everything that the tests change. */
static const char GOOD[] =
    "{\n"
    "  \"name\": \"res\", \"input\": [9, 11, 5], \"classes\": 7,\n"
    "  \"data\": {\"format\": \"idx\", \"train_images\": \"a\", \"train_labels\": \"b\",\n"
    "            \"test_images\": \"c\", \"test_labels\": \"d\"},\n"
    "  \"layers\": [\n"
    "    {\"op\": \"conv\", \"channels\": 6, \"kernel\": [3, 2], \"stride\": [2, 1],\n"
    "     \"padding\": \"same\", \"bias\": false},\n"
    "    {\"op\": \"batchnorm\", \"epsilon\": 0.001, \"momentum\": 0.8, \"name\": \"start\"},\n"
    "    {\"op\": \"relu6\"},\n"
    "    {\"op\": \"depthwise\", \"kernel\": 3, \"padding\": 1},\n"
    "    {\"op\": \"conv\", \"channels\": 6, \"kernel\": 1, \"groups\": 3},\n"
    "    {\"op\": \"add\", \"with\": \"start\"},\n"
    "    {\"op\": \"dropout\", \"rate\": 0.25},\n"
    "    {\"op\": \"avgpool\", \"kernel\": \"global\"},\n"
    "    {\"op\": \"fc\", \"outputs\": 7},\n"
    "    {\"op\": \"log_softmax\"}\n"
    "  ],\n"
    "  \"train\": {\"epochs\": [6, 4], \"learning_rate\": 0.01, \"schedule\": \"cosine\",\n"
    "            \"warmup\": 2, \"label_smoothing\": 0.1}\n"
    "}\n";

static struct net *parse(const char *text)
{
    struct net *net = NULL;
    struct error err;
    check_ok(net_parse(text, "m.json", &net, &err), &err);
    assert_non_null(net);
    return net;
}

static void check_float(const char *what, float got, float want)
{
    if (fabsf(got - want) > 1e-6f * fabsf(want))
        fail_msg("%s: got %g, want %g", what, (double)got, (double)want);
}

static void every_field_is_read(void **state)
{
    struct net *net = parse(GOOD);
    (void)state;
    const struct net_layer *l = net->layers;
    assert_int_equal(net->layer_count, 9); /* without the head */
    assert_int_equal(l[1].op, NET_BATCHNORM);
    check_float("epsilon", l[1].epsilon, 0.001f);
    check_float("momentum", l[1].momentum, 0.8f);
    assert_int_equal(l[2].op, NET_RELU6);
    assert_int_equal(l[3].op, NET_CONV);
    assert_int_equal(l[3].groups, 6);
    assert_int_equal(l[4].groups, 3);
    assert_int_equal(l[0].groups, 1);
    assert_int_equal(l[5].op, NET_ADD);
    assert_int_equal(l[5].with, 1);
    check_float("rate", l[6].drop_rate, 0.25f);
    assert_int_equal(l[7].kernel_h, 5);
    assert_int_equal(l[7].kernel_w, 11);
    assert_int_equal(l[7].out.h * l[7].out.w * l[7].out.c, 6);
    assert_int_equal(net_layer_weights(&l[3]), 6 * 9);
    assert_int_equal(net_layer_weights(&l[4]), 6 * 2);
    assert_int_equal(net_layer_macs(&l[4]), 5 * 11 * 6 * 2);
    assert_true(net->recipe.cosine);
    assert_int_equal(net->recipe.warmup_epochs, 2);
    check_float("label_smoothing", net->recipe.label_smoothing, 0.1f);
    assert_false(net->qat.cosine);
    assert_int_equal(net->qat.warmup_epochs, 0);
    check_float("label_smoothing of QAT", net->qat.label_smoothing, 0.1f);
    net_free(net);
}

static void only_channels_on_their_own_are_depthwise(void **state)
{
    struct net *net = parse(GOOD);
    (void)state;
    assert_false(net_is_depthwise(&net->layers[0]));
    assert_true(net_is_depthwise(&net->layers[3]));
    assert_false(net_is_depthwise(&net->layers[4]));
    assert_string_equal(net->layers[0].name, "conv1");
    assert_string_equal(net->layers[3].name, "depthwise1");
    assert_string_equal(net->layers[4].name, "conv2");
    net_free(net);
}

static void depthwise_is_a_convolution_with_groups(void **state)
{
    char *text = scratch_edit(GOOD, "{\"op\": \"depthwise\",",
                              "{\"op\": \"conv\", \"channels\": 6, \"groups\": 6, \"bias\": true,");
    struct net *a = parse(GOOD), *b = parse(text);
    (void)state;
    assert_memory_equal(&a->layers[3], &b->layers[3], sizeof a->layers[3]);
    net_free(a);
    net_free(b);
    free(text);
}

/* Its shift needs a bias to become. */
static void a_layer_before_batchnorm_has_a_bias(void **state)
{
    struct net *net = parse(GOOD);
    (void)state;
    assert_true(net->layers[0].has_bias);
    assert_int_equal(net_batchnorm(net, 0), 1);
    assert_int_equal(net_batchnorm(net, 1), -1);
    assert_int_equal(net_batchnorm(net, 3), -1);
    assert_int_equal(net_batchnorm(net, 8), -1);
    net_free(net);
}

static void add_reaches_back_to_the_input(void **state)
{
    static const char text[] =
        "{\"name\":\"d\",\"input\":[4,4,3],\"classes\":3,"
        "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
        "\"test_images\":\"c\",\"test_labels\":\"d\"},\"layers\":["
        "{\"op\":\"conv\",\"channels\":3,\"kernel\":1},{\"op\":\"add\",\"with\":\"input\"},"
        "{\"op\":\"avgpool\",\"kernel\":\"global\"},{\"op\":\"softmax\",\"name\":\"p\"}]}";
    struct net *net = parse(text);
    (void)state;
    assert_int_equal(net->layers[1].with, NET_INPUT);
    assert_int_equal(net->layer_count, 3);
    net_free(net);
}

static const char PROJECTION[] =
    "{\"name\":\"d\",\"input\":[4,4,3],\"classes\":5,"
    "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
    "\"test_images\":\"c\",\"test_labels\":\"d\"},\"layers\":["
    "{\"op\":\"conv\",\"channels\":4,\"kernel\":1,\"name\":\"stem\"},"
    "{\"op\":\"conv\",\"channels\":5,\"kernel\":2,\"stride\":2,\"name\":\"main\"},"
    "{\"op\":\"branch\",\"from\":\"stem\"},"
    "{\"op\":\"conv\",\"channels\":5,\"kernel\":1,\"stride\":2},{\"op\":\"add\",\"with\":\"main\"},"
    "{\"op\":\"avgpool\",\"kernel\":\"global\"}]}";

static void a_branch_goes_on_from_an_earlier_layer(void **state)
{
    struct net *net = parse(PROJECTION);
    (void)state;
    const struct net_layer *branch = &net->layers[2], *behind = &net->layers[3];
    assert_int_equal(branch->op, NET_BRANCH);
    assert_string_equal(branch->name, "branch1");
    assert_int_equal(branch->with, 0);
    assert_true(branch->out.h == 4 && branch->out.w == 4 && branch->out.c == 4);
    assert_true(behind->in.h == 4 && behind->in.c == 4 && behind->out.h == 2);
    net_free(net);
}

struct bad {
    const char *from, *to, *text;
};

static void bad_branches_are_named(void **state)
{
    static const struct bad table[] = {
        {"\"from\":\"stem\"", "\"from\":\"add1\"",
         "m.json: layers[2].from: want the name of an earlier layer or \"input\", got \"add1\""},
        {",\"from\":\"stem\"", "", "m.json: layers[2].from: field is missing; add it"},
        {"{\"op\":\"add\",\"with\":\"main\"}", "{\"op\":\"relu\"}",
         "m.json: layers[2]: no layer behind this branch takes up the values before it, those of "
         "layers[1]; add them with an \"add\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *text = scratch_edit(PROJECTION, table[i].from, table[i].to);
        struct net *net = NULL;
        struct error err;
        check_failed(net_parse(text, "m.json", &net, &err), STATUS_INPUT, &err, table[i].text);
        assert_null(net);
        free(text);
    }
}

static void bad_layers_and_schedules_are_named(void **state)
{
    static const struct bad table[] = {
        {"\"groups\": 3", "\"groups\": 4",
         "m.json: layers[4].groups: want a divisor of 6 input and 6 output channels, got 4"},
        {"\"groups\": 3", "\"groups\": 0", "m.json: layers[4].groups: want 1 to 4096, got 0"},
        {"\"channels\": 6, \"kernel\": 1, \"groups\": 3",
         "\"channels\": 8, \"kernel\": 1, \"groups\": 3",
         "m.json: layers[4].groups: want a divisor of 6 input and 8 output channels, got 3"},
        {"{\"op\": \"depthwise\",", "{\"op\": \"depthwise\", \"channels\": 6,",
         "m.json: layers[3].channels: unknown field; known here: op, name, kernel, stride, "
         "padding, bias"},
        {"{\"op\": \"depthwise\", \"kernel\": 3", "{\"op\": \"depthwise\"",
         "m.json: layers[3].kernel: field is missing; add it"},
        {"\"with\": \"start\"", "\"with\": \"conv1\"",
         "m.json: layers[5].with: want the name of the batchnorm behind that layer, got "
         "\"conv1\""},
        {"\"with\": \"start\"", "\"with\": \"input\"",
         "m.json: layers[5].with: want a layer with the shape 5x11x6, got \"input\""},
        {"\"with\": \"start\"", "\"with\": \"add1\"",
         "m.json: layers[5].with: want the name of an earlier layer or \"input\", got \"add1\""},
        {"\"with\": \"start\"", "\"with\": \"fc1\"",
         "m.json: layers[5].with: want the name of an earlier layer or \"input\", got \"fc1\""},
        {", \"with\": \"start\"", "", "m.json: layers[5].with: field is missing; add it"},
        {"\"name\": \"start\"", "\"name\": \"input\"",
         "m.json: layers[1].name: want another name, \"input\" is the network's input, got "
         "\"input\""},
        {"{\"op\": \"relu6\"}", "{\"op\": \"batchnorm\"}",
         "m.json: layers[2].op: want a conv, depthwise or fc layer right before, got "
         "\"batchnorm\""},
        {"\"epsilon\": 0.001", "\"epsilon\": 0",
         "m.json: layers[1].epsilon: want 1e-12 to 1, got 0"},
        {"\"momentum\": 0.8", "\"momentum\": 1",
         "m.json: layers[1].momentum: want 0 to 0.9999, got 1"},
        {"\"rate\": 0.25", "\"rate\": 1", "m.json: layers[6].rate: want 0 to 0.95, got 1"},
        {", \"rate\": 0.25", "", "m.json: layers[6].rate: field is missing; add it"},
        {"\"global\"", "\"whole\"",
         "m.json: layers[7].kernel: want \"global\" or numbers, got \"whole\""},
        {"\"kernel\": 1,", "\"kernel\": \"global\",",
         "m.json: layers[4].kernel: want a number or a list of 1 to 2 numbers, got \"global\""},
        {"{\"op\": \"relu6\"}", "{\"op\": \"softmax\"}",
         "m.json: layers[2].op: want softmax and log_softmax as the last layer only, got "
         "\"softmax\""},
        {"{\"op\": \"log_softmax\"}", "{\"op\": \"log_softmax\", \"axis\": 1}",
         "m.json: layers[9].axis: unknown field; known here: op, name"},
        {"\"cosine\"", "\"linear\"",
         "m.json: train.schedule: want \"constant\" or \"cosine\", got \"linear\""},
        {"\"warmup\": 2", "\"warmup\": 10",
         "m.json: train.warmup: want less than all epochs together, got 10"},
        {"\"warmup\": 2", "\"warmup\": 1.5",
         "m.json: train.warmup: want a whole number 0 to 1e+06, got 1.5"},
        {"\"label_smoothing\": 0.1", "\"label_smoothing\": 1",
         "m.json: train.label_smoothing: want 0 to 0.9, got 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *text = scratch_edit(GOOD, table[i].from, table[i].to);
        struct net *net = NULL;
        struct error err;
        check_failed(net_parse(text, "m.json", &net, &err), STATUS_INPUT, &err, table[i].text);
        assert_null(net);
        free(text);
    }
}

/* ---- The use cases ---- */

static const struct use_case {
    const char *name;
    size_t macs;
    int weighted;
} USE_CASES[] = {
    {"elderly_fall", 2380, 2},  {"uci_fann_net", 103800, 4},       {"lenet5_mnist", 416520, 5},
    {"cmsis_cnn", 12298240, 4}, {"cifar10_dws_cnn", 18295808, 13}, {"mcunet_vww", 11578816, 46},
};

static void use_cases_have_their_published_macs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof USE_CASES / sizeof *USE_CASES; i++) {
        char path[SCRATCH_SOURCE_BYTES], file[80];
        struct net *net = NULL;
        struct error err;
        size_t macs = 0;
        snprintf(file, sizeof file, "host/models/%s.json", USE_CASES[i].name);
        scratch_source(file, path);
        check_ok(net_load(path, &net, &err), &err);
        assert_string_equal(net->name, USE_CASES[i].name);
        for (int j = 0; j < net->layer_count; j++)
            macs += net_layer_macs(&net->layers[j]);
        if (macs != USE_CASES[i].macs || net->weighted_count != USE_CASES[i].weighted)
            fail_msg("%s: got %zu MACs in %d layers, want %zu in %d", net->name, macs,
                     net->weighted_count, USE_CASES[i].macs, USE_CASES[i].weighted);
        net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(only_channels_on_their_own_are_depthwise),
        cmocka_unit_test(depthwise_is_a_convolution_with_groups),
        cmocka_unit_test(a_layer_before_batchnorm_has_a_bias),
        cmocka_unit_test(add_reaches_back_to_the_input),
        cmocka_unit_test(a_branch_goes_on_from_an_earlier_layer),
        cmocka_unit_test(bad_branches_are_named),
        cmocka_unit_test(bad_layers_and_schedules_are_named),
        cmocka_unit_test(use_cases_have_their_published_macs),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
