// SPDX-License-Identifier: Apache-2.0
/* The "data" section of MODEL.json: formats, their fields, parts from one place each. */
#include "host/scratch.h"

#include "net/net.h"

#define PAIR(part) "\"" part "_images\":\"" part "-i\",\"" part "_labels\":\"" part "-l\""

static enum status parse(const char *data, const char *train, struct net **net, struct error *err)
{
    char text[4096];
    snprintf(text, sizeof text,
             "{\"name\":\"d\",\"input\":[4,4,1],\"classes\":2,\"data\":{%s},\"train\":{%s},"
             "\"layers\":[{\"op\":\"fc\",\"outputs\":2}]}",
             data, train);
    return net_parse(text, "d.json", net, err);
}

static struct net *parsed(const char *data, const char *train)
{
    struct net *net = NULL;
    struct error err;
    check_ok(parse(data, train, &net, &err), &err);
    return net;
}

static void pairs_of_files_are_read_for_every_part(void **state)
{
    static const char *const formats[] = {"idx", "npy", "npz"};
    static const enum net_format want[] = {NET_FORMAT_IDX, NET_FORMAT_NPY, NET_FORMAT_NPY};
    (void)state;
    for (int i = 0; i < 3; i++) {
        char data[512];
        snprintf(data, sizeof data, "\"format\":\"%s\",%s,%s,%s", formats[i], PAIR("train"),
                 PAIR("validation"), PAIR("test"));
        struct net *net = parsed(data, "");
        assert_int_equal(net->data.format, want[i]);
        assert_string_equal(net->data.files[NET_TRAIN].images, "train-i");
        assert_string_equal(net->data.files[NET_VALIDATION].labels, "validation-l");
        assert_string_equal(net->data.files[NET_TEST].images, "test-i");
        assert_true(net->recipe.validation_fraction == 0); /* there are files */
        assert_int_equal(net->data.scaling, NET_SCALING_COMMON);
        assert_false(net->data.fit_all);
        assert_false(net->data.channels_first);
        net_free(net);
    }
}

static void arrays_have_layout_and_scaling(void **state)
{
    struct net *net =
        parsed("\"format\":\"npy\"," PAIR("train") "," PAIR(
                   "test") ","
                           "\"layout\":\"nchw\",\"scaling\":\"standard\",\"fit\":\"all\"",
               "");
    (void)state;
    assert_true(net->data.channels_first);
    assert_int_equal(net->data.scaling, NET_SCALING_STANDARD);
    assert_true(net->data.fit_all);
    assert_true(net->recipe.validation_fraction == 0.1f);
    net_free(net);
}

static void tables_have_columns_and_a_split(void **state)
{
    struct net *net = parsed("\"format\":\"csv\",\"train\":\"t.csv\",\"label\":\"class\","
                             "\"drop\":[\"id\",\"name\"],\"non_numeric\":\"missing\","
                             "\"split\":{\"test\":0.25,\"stratified\":true,\"seed\":5}",
                             "\"validation\":0.5");
    (void)state;
    assert_int_equal(net->data.format, NET_FORMAT_CSV);
    assert_string_equal(net->data.files[NET_TRAIN].images, "t.csv");
    assert_string_equal(net->data.label, "class");
    assert_int_equal(net->data.drop_count, 2);
    assert_string_equal(net->data.drop[1], "name");
    assert_true(net->data.text_is_missing);
    assert_int_equal(net->data.scaling, NET_SCALING_MINMAX);
    assert_true(net->data.split.test == 0.25f);
    assert_true(net->data.split.stratified);
    assert_true(net->data.split.has_seed);
    assert_int_equal(net->data.split.seed, 5);
    net_free(net);
    net = parsed("\"format\":\"csv\",\"train\":\"t.csv\",\"label\":\"class\",\"test\":\"u.csv\","
                 "\"validation\":\"v.csv\",\"scaling\":\"common\"",
                 "");
    assert_string_equal(net->data.files[NET_VALIDATION].images, "v.csv");
    assert_string_equal(net->data.files[NET_TEST].images, "u.csv");
    assert_int_equal(net->data.scaling, NET_SCALING_COMMON);
    assert_false(net->data.text_is_missing);
    net_free(net);
}

static void cifar_has_a_folder(void **state)
{
    struct net *net = parsed("\"format\":\"cifar\"", "");
    (void)state;
    assert_int_equal(net->data.format, NET_FORMAT_CIFAR);
    assert_string_equal(net->data.folder, "cifar-10-batches-bin");
    net_free(net);
    net = parsed("\"format\":\"cifar\",\"folder\":\"c\",\"split\":{\"stratified\":true}", "");
    assert_string_equal(net->data.folder, "c");
    assert_true(net->data.split.stratified);
    assert_false(net->data.split.has_seed);
    net_free(net);
}

static void folds_are_read(void **state)
{
    struct net *net =
        parsed("\"format\":\"idx\"," PAIR("train") ","
                                                   "\"split\":{\"folds\":10,\"fold\":9}",
               "");
    (void)state;
    assert_int_equal(net->data.split.folds, 10);
    assert_int_equal(net->data.split.fold, 9);
    net_free(net);
}

#define CSV "\"format\":\"csv\",\"train\":\"t\",\"label\":\"c\","
#define IDX "\"format\":\"idx\"," PAIR("train") ","

static void bad_sections_are_named(void **state)
{
    static const struct {
        const char *data, *train, *want;
    } table[] = {
        {"\"x\":1", "", "d.json: data.format: field is missing; add it"},
        {"\"format\":3", "",
         "d.json: data.format: want \"idx\", \"cifar\", \"npy\", \"csv\" or \"npz\", got 3"},
        {"\"format\":\"cifar\",\"label\":\"a\"", "",
         "d.json: data.label: unknown field; known here: format, folder, split"},
        {IDX "\"layout\":\"nchw\"", "",
         "d.json: data.layout: unknown field; known here: format, train_images, train_labels, "
         "validation_images, validation_labels, test_images, test_labels, split"},
        {"\"format\":\"idx\"", "", "d.json: data.train_images: field is missing; add it"},
        {IDX "\"test_labels\":\"l\"", "", "d.json: data.test_images: field is missing; add it"},
        {IDX "\"validation_images\":\"l\"", "",
         "d.json: data.validation_labels: field is missing; add it"},
        {"\"format\":\"idx\"," PAIR("train"), "",
         "d.json: data: no test data; name test files or give split.test"},
        {IDX PAIR("test") ",\"split\":{\"test\":0.1}", "",
         "d.json: data: test files and a test part in \"split\"; keep one"},
        {"\"format\":\"cifar\",\"split\":{\"folds\":4,\"fold\":1}", "",
         "d.json: data: test files and a test part in \"split\"; keep one"},
        {IDX PAIR("test") "," PAIR("validation"), "\"validation\":0.2",
         "d.json: train.validation: want no fraction, as there are validation files, got 0.2"},
        {IDX "\"split\":{\"test\":0.5}", "\"validation\":0.5",
         "d.json: train.validation and data.split take 0.5 and 0.5; want less than 1 together"},
        {IDX "\"split\":{\"test\":0.95}", "", "d.json: data.split.test: want 0 to 0.9, got 0.95"},
        {IDX "\"split\":{\"folds\":1,\"fold\":0}", "",
         "d.json: data.split.folds: want 2 to 1000, got 1"},
        {IDX "\"split\":{\"folds\":5}", "", "d.json: data.split.fold: field is missing; add it"},
        {IDX "\"split\":{\"fold\":5}", "", "d.json: data.split.folds: field is missing; add it"},
        {IDX "\"split\":{\"folds\":5,\"fold\":5}", "",
         "d.json: data.split.fold: want 0 to 4, got 5"},
        {IDX "\"split\":{\"folds\":5,\"fold\":1,\"test\":0.1}", "",
         "d.json: data.split.test: want no fraction beside \"folds\", got 0.1"},
        {IDX "\"split\":{\"stratified\":1}", "",
         "d.json: data.split.stratified: want true or false, got 1"},
        {IDX "\"split\":{\"seed\":-1}", "",
         "d.json: data.split.seed: want a whole number from 0 to 2^53, got -1"},
        {IDX "\"split\":{\"by\":1}", "",
         "d.json: data.split.by: unknown field; known here: test, folds, fold, stratified, seed"},
        {"\"format\":\"csv\",\"train\":\"t\"", "", "d.json: data.label: field is missing; add it"},
        {"\"format\":\"csv\",\"label\":\"t\"", "", "d.json: data.train: field is missing; add it"},
        {CSV "\"drop\":\"id\"", "",
         "d.json: data.drop: want a list of at most 64 column names, got \"id\""},
        {CSV "\"drop\":[\"id\",4]", "",
         "d.json: data.drop[1]: want a column name of 1 to 63 bytes, got 4"},
        {CSV "\"scaling\":\"log\"", "",
         "d.json: data.scaling: want \"common\", \"minmax\" or \"standard\", got \"log\""},
        {CSV "\"fit\":\"test\"", "", "d.json: data.fit: want \"train\" or \"all\", got \"test\""},
        {CSV "\"non_numeric\":true", "",
         "d.json: data.non_numeric: want \"error\" or \"missing\", got true"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct net *net = NULL;
        struct error err;
        check_failed(parse(table[i].data, table[i].train, &net, &err), STATUS_INPUT, &err,
                     table[i].want);
        assert_null(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_of_files_are_read_for_every_part),
        cmocka_unit_test(arrays_have_layout_and_scaling),
        cmocka_unit_test(tables_have_columns_and_a_split),
        cmocka_unit_test(cifar_has_a_folder),
        cmocka_unit_test(folds_are_read),
        cmocka_unit_test(bad_sections_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
