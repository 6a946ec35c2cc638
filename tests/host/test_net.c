// SPDX-License-Identifier: Apache-2.0
/* MODEL.json: shapes, defaults, and complaints that name file, field and value. */
#include "host/scratch.h"

#include <math.h>

#include "net/net.h"

static const char GOOD[] =
    "{\n"
    "  \"name\": \"tiny\",\n"
    "  \"input\": [8, 6, 3],\n"
    "  \"classes\": 4,\n"
    "  \"data\": {\"format\": \"idx\", \"train_images\": \"a\", \"train_labels\": \"b\",\n"
    "            \"test_images\": \"c\", \"test_labels\": \"d\"},\n"
    "  \"layers\": [\n"
    "    {\"op\": \"conv\", \"channels\": 5, \"kernel\": 3, \"padding\": \"same\"},\n"
    "    {\"op\": \"relu\"},\n"
    "    {\"op\": \"maxpool\", \"kernel\": [2, 3], \"stride\": 2, \"padding\": [1, 0, 0, 2]},\n"
    "    {\"op\": \"fc\", \"name\": \"head\", \"outputs\": 4, \"bias\": false}\n"
    "  ],\n"
    "  \"train\": {\"optimizer\": \"sgd\", \"batch\": 32, \"epochs\": [3, 2], \"momentum\": 0.8,\n"
    "            \"learning_rate\": [0.1, 0.01], \"weight_decay\": 0.001, \"validation\": 0.2,\n"
    "            \"early_stopping\": 4, \"seed\": 9,\n"
    "            \"augment\": {\"shift\": 2, \"flip\": true, \"cutout\": 4}},\n"
    "  \"calibration\": {\"samples\": 100},\n"
    "  \"qat\": {\"learning_rate\": 0.002, \"augment\": {\"shift\": 1}},\n"
    "  \"search\": {\"bits\": [4, 8]}\n"
    "}\n";

static struct net *parse(const char *text)
{
    struct net *net = NULL;
    struct error err;
    check_ok(net_parse(text, "m.json", &net, &err), &err);
    assert_non_null(net);
    return net;
}

struct bad {
    const char *from, *to, *text;
};

static void check_bad(const struct bad *table, size_t count)
{
    static struct net untouched;
    for (size_t i = 0; i < count; i++) {
        char *text = scratch_edit(GOOD, table[i].from, table[i].to);
        struct net *net = &untouched;
        struct error err;
        check_failed(net_parse(text, "m.json", &net, &err), STATUS_INPUT, &err, table[i].text);
        assert_null(net);
        free(text);
    }
}

#define CHECK_BAD(table) check_bad(table, sizeof(table) / sizeof *(table))

static void check_shape(struct shape got, int h, int w, int c)
{
    if (got.h != h || got.w != w || got.c != c)
        fail_msg("got shape %dx%dx%d, want %dx%dx%d", got.h, got.w, got.c, h, w, c);
}

static void every_field_is_read(void **state)
{
    struct net *net = parse(GOOD);
    (void)state;
    assert_string_equal(net->name, "tiny");
    assert_string_equal(net->json_text, GOOD);
    assert_int_equal(net->data.format, NET_FORMAT_IDX);
    assert_string_equal(net->data.files[NET_TEST].labels, "d");
    assert_false(net->input_signed);
    assert_int_equal(net->recipe.augment.shift, 2);
    assert_true(net->recipe.augment.flip);
    assert_int_equal(net->recipe.augment.cutout, 4);
    assert_int_equal(net->qat.augment.cutout, 4);
    assert_int_equal(net->qat.augment.shift, 1);
    assert_int_equal(net->class_count, 4);
    assert_int_equal(net->recipe.optimizer, OPTIMIZER_SGD);
    assert_int_equal(net->recipe.batch, 32);
    assert_int_equal(net->recipe.phase_count, 2);
    assert_int_equal(net->recipe.epochs[0], 3);
    assert_int_equal(net->recipe.epochs[1], 2);
    assert_true(fabsf(net->recipe.learning_rate[1] - 0.01f) < 1e-7f);
    assert_true(fabsf(net->recipe.momentum - 0.8f) < 1e-6f);
    assert_true(fabsf(net->recipe.weight_decay - 0.001f) < 1e-7f);
    assert_true(fabsf(net->recipe.validation_fraction - 0.2f) < 1e-6f);
    assert_int_equal(net->recipe.early_stopping_epochs, 4);
    assert_int_equal(net->recipe.seed, 9);
    assert_int_equal(net->calibration_samples, 100);
    assert_true(fabsf(net->qat.learning_rate[0] - 0.002f) < 1e-7f);
    assert_int_equal(net->qat.optimizer, OPTIMIZER_SGD); /* of "train" where "qat" says nothing */
    assert_int_equal(net->search_bits_count, 2);
    assert_int_equal(net->search_bits[0], 4);
    assert_int_equal(net->search_bits[1], 8);
    net_free(net);
}

static void shapes_are_inferred(void **state)
{
    struct net *net = parse(GOOD);
    (void)state;
    assert_int_equal(net->layer_count, 4);
    check_shape(net->layers[0].in, 8, 6, 3);
    check_shape(net->layers[0].out, 8, 6, 5);
    check_shape(net->layers[1].out, 8, 6, 5);
    check_shape(net->layers[2].out, 4, 3, 5); /* (8+1-2)/2+1, (6+2-3)/2+1 */
    check_shape(net->layers[3].out, 1, 1, 4);
    assert_string_equal(net->layers[0].name, "conv1");
    assert_string_equal(net->layers[3].name, "head");
    assert_int_equal(net->weighted_count, 2);
    assert_int_equal(net->weighted[1], 3);
    assert_int_equal(net->layers[2].weighted_index, -1);
    assert_int_equal(net->layers[3].weighted_index, 1);
    assert_true(net->layers[0].has_bias);
    assert_false(net->layers[3].has_bias);
    assert_int_equal(net_layer_weights(&net->layers[0]), 5 * 3 * 3 * 3);
    assert_int_equal(net_layer_macs(&net->layers[0]), 8 * 6 * 5 * 3 * 3 * 3);
    assert_int_equal(net_layer_weights(&net->layers[3]), 4 * 4 * 3 * 5);
    assert_int_equal(net_layer_macs(&net->layers[3]), 4 * 4 * 3 * 5);
    assert_int_equal(net_layer_weights(&net->layers[1]), 0);
    net_free(net);
}

/* Output and padding of "same" windows, against the definition: ceil(size / stride) outputs. */
static void same_padding_keeps_ceil_of_size_by_stride(void **state)
{
    (void)state;
    for (int kernel = 1; kernel <= 5; kernel++)
        for (int stride = 1; stride <= kernel; stride++) {
            char layer[128];
            snprintf(layer, sizeof layer,
                     "\"channels\": 5, \"kernel\": %d, \"stride\": %d, \"padding\": \"same\"",
                     kernel, stride);
            char *text =
                scratch_edit(GOOD, "\"channels\": 5, \"kernel\": 3, \"padding\": \"same\"", layer);
            struct net *net = parse(text);
            const struct net_layer *conv = &net->layers[0];
            check_shape(conv->out, (8 + stride - 1) / stride, (6 + stride - 1) / stride, 5);
            assert_in_range(conv->pad_bottom - conv->pad_top, 0, 1);
            assert_in_range(conv->pad_right - conv->pad_left, 0, 1);
            net_free(net);
            free(text);
        }
}

static void absent_sections_have_defaults(void **state)
{
    static const char text[] =
        "{\"name\":\"d\",\"input\":[1,1,2],\"classes\":2,"
        "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
        "\"test_images\":\"c\",\"test_labels\":\"d\"},\"layers\":[{\"op\":\"fc\",\"outputs\":2}]}";
    struct net *net = parse(text);
    (void)state;
    assert_int_equal(net->recipe.optimizer, OPTIMIZER_ADAM);
    assert_int_equal(net->recipe.phase_count, 1);
    assert_int_equal(net->recipe.epochs[0], 10);
    assert_int_equal(net->recipe.seed, 1);
    assert_int_equal(net->calibration_samples, 512);
    assert_int_equal(net->search_bits_count, 3);
    assert_int_equal(net->search_bits[2], 2);
    net_free(net);
}

static void a_single_epoch_count_or_rate_counts_for_every_phase(void **state)
{
    (void)state;
    char *text = scratch_edit(GOOD, "\"epochs\": [3, 2]", "\"epochs\": 7");
    struct net *net = parse(text);
    assert_int_equal(net->recipe.phase_count, 2);
    assert_int_equal(net->recipe.epochs[1], 7);
    net_free(net);
    free(text);
    text = scratch_edit(GOOD, "\"learning_rate\": [0.1, 0.01]", "\"learning_rate\": 0.5");
    net = parse(text);
    assert_int_equal(net->recipe.phase_count, 2);
    assert_true(fabsf(net->recipe.learning_rate[1] - 0.5f) < 1e-6f);
    net_free(net);
    free(text);
}

static void bad_heads_are_named(void **state)
{
    static const struct bad table[] = {
        {"\"name\": \"tiny\",", "", "m.json: name: field is missing; add it"},
        {"\"tiny\"", "5", "m.json: name: want text of 1 to 31 bytes, got 5"},
        {"\"tiny\"", "\"\"", "m.json: name: want text of 1 to 31 bytes, got \"\""},
        {"\"tiny\"", "\"abcdefghijklmnopqrstuvwxyz012345\"",
         "m.json: name: want text of 1 to 31 bytes, got \"abcdefghijklmnopqrstuvwxyz012345\""},
        {"\"name\": \"tiny\"", "\"name\": \"tiny\", \"name\": \"two\"",
         "m.json: name: the field comes twice; keep one"},
        {"\"classes\": 4,", "\"classes\": 4, \"colour\": 1,",
         "m.json: colour: unknown field; known here: name, input, classes, data, layers, train, "
         "calibration, qat, search"},
        {"[8, 6, 3]", "[8, 6]",
         "m.json: input: want [height, width, channels] in whole numbers, got [8,6]"},
        {"[8, 6, 3]", "[8, 6.5, 3]",
         "m.json: input: want [height, width, channels] in whole numbers, got [8,6.5,3]"},
        {"[8, 6, 3]", "[8, 0, 3]", "m.json: input[1]: want 1 to 4096, got 0"},
        {"[8, 6, 3]", "[8, \"6\", 3]", "m.json: input[1]: want 1 to 4096, got \"6\""},
        {"[8, 6, 3]", "[8, 6, 3, 1]",
         "m.json: input: want a number or a list of 1 to 3 numbers, got [8,6,3,1]"},
        {"[8, 6, 3]", "[4096, 4096, 2]",
         "m.json: input: want at most 2^24 elements, got [4096,4096,2]"},
        {"[8, 6, 3]", "{\"signed\": true}", "m.json: input.shape: field is missing; add it"},
        {"[8, 6, 3]", "{\"shape\": [8, 6]}",
         "m.json: input.shape: want [height, width, channels] in whole numbers, got [8,6]"},
        {"[8, 6, 3]", "{\"shape\": [8, 6, 3], \"signed\": 1}",
         "m.json: input.signed: want true or false, got 1"},
        {"[8, 6, 3]", "{\"shape\": [8, 6, 3], \"scale\": 0}",
         "m.json: input.scale: want 1e-06 to 10000, got 0"},
        {"[8, 6, 3]", "{\"shape\": [8, 6, 3], \"mean\": 0}",
         "m.json: input.mean: unknown field; known here: shape, signed, scale"},
        {"\"classes\": 4", "\"classes\": 1", "m.json: classes: want 2 to 4096, got 1"},
        {"\"classes\": 4", "\"classes\": 4.5",
         "m.json: classes: want a whole number 2 to 4096, got 4.5"},
        {"\"classes\": 4", "\"classes\": null", "m.json: classes: want 2 to 4096, got null"},
        {"\"format\": \"idx\"", "\"format\": \"png\"",
         "m.json: data.format: want \"idx\", \"cifar\", \"npy\", \"csv\" or \"npz\", got \"png\""},
        {"\"train_labels\": \"b\",", "", "m.json: data.train_labels: field is missing; add it"},
        {"\"test_images\": \"c\"", "\"test_images\": [1]",
         "m.json: data.test_images: want text of 1 to 255 bytes, got [1]"},
    };
    (void)state;
    CHECK_BAD(table);
}

static void bad_layers_are_named(void **state)
{
    static const struct bad table[] = {
        {"\"op\": \"conv\", ", "", "m.json: layers[0].op: field is missing; add it"},
        {"\"op\": \"relu\"", "\"op\": \"gelu\"",
         "m.json: layers[1].op: want conv, depthwise, fc, relu, relu6, maxpool, avgpool, "
         "flatten, add, batchnorm, dropout, branch, softmax or log_softmax, got \"gelu\""},
        {"{\"op\": \"relu\"}", "7", "m.json: layers[1]: want an object, got 7"},
        {"\"op\": \"relu\"", "\"op\": \"relu\", \"kernel\": 2",
         "m.json: layers[1].kernel: unknown field; known here: op, name"},
        {"\"channels\": 5", "\"channels\": 0", "m.json: layers[0].channels: want 1 to 4096, got 0"},
        {"\"channels\": 5, ", "", "m.json: layers[0].channels: field is missing; add it"},
        {"\"kernel\": 3, ", "", "m.json: layers[0].kernel: field is missing; add it"},
        {"\"kernel\": 3", "\"kernel\": -1", "m.json: layers[0].kernel: want > 0, got -1"},
        {"\"kernel\": 3", "\"kernel\": 256",
         "m.json: layers[0].kernel: want whole numbers up to 255, got 256"},
        {"\"kernel\": 3", "\"kernel\": [3]",
         "m.json: layers[0].kernel: want a number or [height, width], got [3]"},
        {"\"stride\": 2", "\"stride\": -1", "m.json: layers[2].stride: want > 0, got -1"},
        {"\"stride\": 2", "\"stride\": [2, 1.5]",
         "m.json: layers[2].stride: want whole numbers up to 255, got [2,1.5]"},
        {"\"padding\": \"same\"", "\"padding\": \"full\"",
         "m.json: layers[0].padding: want \"same\", \"valid\" or numbers, got \"full\""},
        {"\"padding\": \"same\"", "\"padding\": 3",
         "m.json: layers[0].padding: want less than the kernel, got 3"},
        {"[1, 0, 0, 2]", "[1, 0]",
         "m.json: layers[2].padding: want a number or [top, left, bottom, right], got [1,0]"},
        {"[1, 0, 0, 2]", "[0, 0, 0, 0.5]",
         "m.json: layers[2].padding: want whole numbers, got [0,0,0,0.5]"},
        {"[1, 0, 0, 2]", "[0, 0, 0, -1]", "m.json: layers[2].padding[3]: want 0 to 254, got -1"},
        {"\"kernel\": [2, 3]", "\"kernel\": [10, 3]",
         "m.json: layers[2].kernel: want at most the padded input, 9 by 8, got [10,3]"},
        {"\"kernel\": [2, 3]", "\"kernel\": [2, 9]",
         "m.json: layers[2].kernel: want at most the padded input, 9 by 8, got [2,9]"},
        {"\"outputs\": 4", "\"outputs\": 5",
         "m.json: layers[3]: output 1x1x5 has 5 values, want one for each of 4 classes"},
        {"\"bias\": false", "\"bias\": 0", "m.json: layers[3].bias: want true or false, got 0"},
        {"\"name\": \"head\"", "\"name\": \"conv1\"",
         "m.json: layers[3].name: layers[0] is called \"conv1\" too; names are unique"},
    };
    (void)state;
    CHECK_BAD(table);
}

static void bad_recipes_are_named(void **state)
{
    static const struct bad table[] = {
        {"\"sgd\"", "\"rmsprop\"",
         "m.json: train.optimizer: want \"adam\" or \"sgd\", got \"rmsprop\""},
        {"\"batch\": 32", "\"batch\": 0", "m.json: train.batch: want 1 to 65536, got 0"},
        {"\"epochs\": [3, 2]", "\"epochs\": [3, 2, 1]",
         "m.json: train: 3 epochs entries and 2 learning_rate entries; want equal numbers, or one "
         "of a kind"},
        {"\"epochs\": [3, 2]", "\"epochs\": [3, 0]",
         "m.json: train.epochs[1]: want 1 to 1e+06, got 0"},
        {"\"epochs\": [3, 2]", "\"epochs\": [3, 2.5]",
         "m.json: train.epochs: want whole numbers, got [3,2.5]"},
        {"\"epochs\": [3, 2]", "\"epochs\": []",
         "m.json: train.epochs: want a number or a list of 1 to 8 numbers, got []"},
        {"[0.1, 0.01]", "[0.1, 0]", "m.json: train.learning_rate: want > 0, got [0.1,0]"},
        {"[0.1, 0.01]", "[0.1, 2]", "m.json: train.learning_rate[1]: want 0 to 1, got 2"},
        {"\"momentum\": 0.8", "\"momentum\": 1.5", "m.json: train.momentum: want 0 to 1, got 1.5"},
        {"\"validation\": 0.2", "\"validation\": 1",
         "m.json: train.validation: want 0 to 0.9, got 1"},
        {"\"seed\": 9", "\"seed\": -1",
         "m.json: train.seed: want a whole number from 0 to 2^53, got -1"},
        {"\"seed\": 9", "\"seed\": 0.5",
         "m.json: train.seed: want a whole number from 0 to 2^53, got 0.5"},
        {"\"seed\": 9", "\"epoch\": 9",
         "m.json: train.epoch: unknown field; known here: optimizer, batch, epochs, learning_rate, "
         "schedule, warmup, label_smoothing, momentum, weight_decay, validation, early_stopping, "
         "seed, augment"},
        {"\"shift\": 2", "\"shift\": 6", "m.json: train.augment.shift: want 0 to 5, got 6"},
        {"\"cutout\": 4", "\"cutout\": 9", "m.json: train.augment.cutout: want 0 to 8, got 9"},
        {"\"flip\": true", "\"flip\": 1", "m.json: train.augment.flip: want true or false, got 1"},
        {"\"flip\"", "\"rotate\"",
         "m.json: train.augment.rotate: unknown field; known here: shift, flip, cutout, zoom, "
         "brightness"},
        {"{\"samples\": 100}", "100", "m.json: calibration: want an object, got 100"},
        {"\"samples\": 100", "\"samples\": 0", "m.json: calibration.samples: want > 0, got 0"},
        {"\"qat\": {\"learning_rate\": 0.002", "\"qat\": {\"epochs\": 2",
         "m.json: qat.epochs: unknown field; known here: optimizer, batch, learning_rate, "
         "momentum, label_smoothing, weight_decay, augment"},
        {"[4, 8]", "[4, 3]", "m.json: search.bits: want 8, 4 and 2, each at most once, got [4,3]"},
        {"[4, 8]", "[4, 4]", "m.json: search.bits: want 8, 4 and 2, each at most once, got [4,4]"},
        {"[4, 8]", "[16]", "m.json: search.bits[0]: want 2 to 8, got 16"},
    };
    (void)state;
    CHECK_BAD(table);
}

static void bad_files_are_named(void **state)
{
    static const struct {
        const char *text, *want;
    } table[] = {
        {"[1, 2]", "m.json: whole file: want an object, got [1,2]"},
        {"", "m.json: line 1, column 1: not valid JSON; correct it there"},
        {"{\"name\": \"x\",\n \"input\": [1,,2]}",
         "m.json: line 2, column 14: not valid JSON; correct it there"},
        {"{} trailing", "m.json: line 1, column 4: not valid JSON; correct it there"},
        {"{}", "m.json: name: field is missing; add it"},
    };
    struct net *net = NULL;
    struct error err;
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        check_failed(net_parse(table[i].text, "m.json", &net, &err), STATUS_INPUT, &err,
                     table[i].want);
        assert_null(net);
    }
    check_failed(net_load("none.json", &net, &err), STATUS_INPUT, &err,
                 "none.json: No such file or directory; name a model file");
    scratch_write("zero.json", "{}\0{}", 5);
    check_failed(net_load("zero.json", &net, &err), STATUS_INPUT, &err,
                 "zero.json: has a zero byte; this is no JSON text");
    char *large = calloc(1, (1 << 20) + 1);
    assert_non_null(large);
    memset(large, ' ', (1 << 20) + 1);
    scratch_write("large.json", large, (1 << 20) + 1);
    free(large);
    check_failed(net_load("large.json", &net, &err), STATUS_INPUT, &err,
                 "large.json: larger than 1 MiB; this is no model file");
    scratch_write("good.json", GOOD, sizeof GOOD - 1);
    check_ok(net_load("good.json", &net, &err), &err);
    net_free(net);
}

static void layers_without_weights_are_no_network(void **state)
{
    static const char text[] =
        "{\"name\":\"d\",\"input\":[1,1,2],\"classes\":2,"
        "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
        "\"test_images\":\"c\",\"test_labels\":\"d\"},\"layers\":[%s]}";
    char whole[8192], layers[6144] = "";
    struct net *net = NULL;
    struct error err;
    (void)state;
    snprintf(whole, sizeof whole, text, "{\"op\":\"relu\"}");
    check_failed(net_parse(whole, "m.json", &net, &err), STATUS_INPUT, &err,
                 "m.json: layers: no conv or fc layer; there is nothing to train");
    snprintf(whole, sizeof whole, text, "");
    check_failed(net_parse(whole, "m.json", &net, &err), STATUS_INPUT, &err,
                 "m.json: layers: want a list of 1 to 256 layers, got []");
    for (int i = 0; i < 257; i++)
        snprintf(layers + strlen(layers), sizeof layers - strlen(layers), "%s{\"op\":\"relu\"}",
                 i ? "," : "");
    snprintf(whole, sizeof whole, text, layers);
    check_failed(net_parse(whole, "m.json", &net, &err), STATUS_INPUT, &err,
                 "m.json: layers: want a list of 1 to 256 layers, got a longer value");
}

static void lenet5_has_its_published_shapes(void **state)
{
    char path[SCRATCH_SOURCE_BYTES];
    struct net *net = NULL;
    struct error err;
    size_t weights = 0, macs = 0;
    (void)state;
    scratch_source("host/models/lenet5_mnist.json", path);
    check_ok(net_load(path, &net, &err), &err);
    check_shape(net->layers[0].out, 28, 28, 6);
    check_shape(net->layers[2].out, 14, 14, 6);
    check_shape(net->layers[3].out, 10, 10, 16);
    check_shape(net->layers[5].out, 5, 5, 16);
    check_shape(net->layers[6].out, 1, 1, 400);
    check_shape(net->layers[11].out, 1, 1, 10);
    assert_int_equal(net->weighted_count, 5);
    for (int i = 0; i < net->layer_count; i++) {
        weights += net_layer_weights(&net->layers[i]);
        macs += net_layer_macs(&net->layers[i]);
    }
    assert_int_equal(weights, 150 + 2400 + 48000 + 10080 + 840);
    assert_int_equal(macs, 117600 + 240000 + 48000 + 10080 + 840);
    net_free(net);
}

static void comments_may_stand_in_every_object(void **state)
{
    static const char *const places[] = {"{\n  \"name\"",  "{\"format\"",   "{\"op\": \"conv\"",
                                         "{\"optimizer\"", "{\"shift\": 2", "{\"samples\"",
                                         "{\"bits\""};
    char *text = scratch_edit(GOOD, "{\n", "{\n");
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char to[128];
        snprintf(to, sizeof to, "{\"comment\": \"why\", %s", places[i] + 1);
        char *edited = scratch_edit(text, places[i], to);
        free(text);
        text = edited;
    }
    net_free(parse(text));
    free(text);
}

static void a_comment_is_a_text(void **state)
{
    struct net *net = NULL;
    struct error err;
    char *text = scratch_edit(GOOD, "{\"samples\"", "{\"comment\": 3, \"samples\"");
    (void)state;
    check_failed(net_parse(text, "m.json", &net, &err), STATUS_INPUT, &err,
                 "m.json: calibration.comment: want a text, got 3");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(shapes_are_inferred),
        cmocka_unit_test(same_padding_keeps_ceil_of_size_by_stride),
        cmocka_unit_test(absent_sections_have_defaults),
        cmocka_unit_test(a_single_epoch_count_or_rate_counts_for_every_phase),
        cmocka_unit_test(bad_heads_are_named),
        cmocka_unit_test(bad_layers_are_named),
        cmocka_unit_test(bad_recipes_are_named),
        cmocka_unit_test(bad_files_are_named),
        cmocka_unit_test(layers_without_weights_are_no_network),
        cmocka_unit_test(lenet5_has_its_published_shapes),
        cmocka_unit_test(comments_may_stand_in_every_object),
        cmocka_unit_test(a_comment_is_a_text),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
