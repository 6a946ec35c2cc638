// SPDX-License-Identifier: Apache-2.0
/* The use cases' data sets as they come, where they lie in the build folder's data. */
#include "host/data_files.h"

struct real {
    const char *file; /* that tells whether the data are there */
    const char *input, *data, *train;
    size_t train_counts[10], test_counts[10]; /* by class */
};

static void check_counts(const char *what, const struct dataset *data, const size_t *want)
{
    size_t got[10] = {0};
    for (size_t i = 0; i < data->count; i++)
        got[data->labels[i]]++;
    for (int c = 0; c < 10; c++)
        if (got[c] != want[c])
            fail_msg("%s, class %d: got %zu items, want %zu", what, c, got[c], want[c]);
}

/* Every byte is used: 0 and 255 are there, or -128 and 127. */
static void check_range(const struct dataset *data)
{
    const uint8_t low = data->is_signed ? 0x80 : 0, high = data->is_signed ? 0x7f : 0xff;
    const size_t size = data->count * shape_size(data->shape);
    if (!memchr(data->images, low, size) || !memchr(data->images, high, size))
        fail_msg("the smallest or the largest byte is missing");
}

static void check_real(const struct real *real)
{
    char folder[SCRATCH_PATH_BYTES], path[2 * SCRATCH_PATH_BYTES];
    const char *build = getenv("BUILD");
    snprintf(folder, sizeof folder, "%s/data", build ? build : "build");
    snprintf(path, sizeof path, "%s/%s", folder, real->file);
    if (access(path, R_OK)) {
        print_message("# %s is not there\n", path);
        skip();
    }
    struct net *net = data_net(real->input, 10, real->data, real->train);
    struct data_split split;
    struct error err;
    check_ok(data_load(net, folder, 0, &split, &err), &err);
    check_counts("training", &split.train, real->train_counts);
    check_counts("test", &split.test, real->test_counts);
    check_range(&split.train);
    data_free(&split);
    net_free(net);
}

static void cifar_10_has_its_classes(void **state)
{
    (void)state;
    check_real(&(struct real){
        "cifar-10-batches-bin/test_batch.bin",
        "{\"shape\":[32,32,3],\"signed\":true}",
        "{\"format\":\"cifar\"}",
        "",
        {5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000},
        {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000},
    });
}

static void visual_wake_words_have_their_classes(void **state)
{
    (void)state;
    check_real(&(struct real){
        "vww80/test_images.npy",
        "[80,80,3]",
        "{\"format\":\"npy\",\"train_images\":\"vww80/train_images.npy\","
        "\"train_labels\":\"vww80/train_labels.npy\",\"test_images\":\"vww80/test_images.npy\","
        "\"test_labels\":\"vww80/test_labels.npy\"}",
        "",
        {3188, 2871},
        {544, 456},
    });
}

static void mouse_proteins_are_split_by_class(void **state)
{
    (void)state;
    check_real(&(struct real){
        "mice/Data_Cortex_Nuclear.csv",
        "[1,1,76]",
        "{\"format\":\"csv\",\"train\":\"mice/Data_Cortex_Nuclear.csv\",\"label\":\"class\","
        "\"drop\":[\"MouseID\",\"Genotype\",\"Treatment\",\"Behavior\",\"pAKT_N\"],"
        "\"split\":{\"test\":0.15,\"stratified\":true}}",
        "\"validation\":0.15",
        {105, 94, 105, 94, 95, 73, 95, 95},
        {23, 20, 23, 20, 20, 16, 20, 20},
    });
}

static void elderly_people_are_split_by_class(void **state)
{
    (void)state;
    check_real(&(struct real){
        "fall/fall.csv",
        "{\"shape\":[1,1,117],\"signed\":true}",
        "{\"format\":\"csv\",\"train\":\"fall/fall.csv\",\"label\":\"label\","
        "\"non_numeric\":\"missing\","
        "\"split\":{\"folds\":5,\"fold\":2,\"stratified\":true}}",
        "",
        {60, 20},
        {16, 4},
    });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cifar_10_has_its_classes),
        cmocka_unit_test(visual_wake_words_have_their_classes),
        cmocka_unit_test(mouse_proteins_are_split_by_class),
        cmocka_unit_test(elderly_people_are_split_by_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
