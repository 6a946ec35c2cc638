// SPDX-License-Identifier: Apache-2.0
/* IDX files, good and broken, and the split into training, validation and test data. */
#include "host/data_files.h"

enum { HEIGHT = 3, WIDTH = 2, ITEM = HEIGHT * WIDTH, COUNT = 10, CLASSES = 4 };

/* Magic and sizes of an IDX file of rank 3, then 1. */
static const uint8_t IMAGE_HEAD[16] = {0, 0, 8, 3, 0, 0, 0, COUNT, 0, 0, 0, HEIGHT, 0, 0, 0, WIDTH};
static const uint8_t LABEL_HEAD[8] = {0, 0, 8, 1, 0, 0, 0, COUNT};

struct files {
    uint8_t images[sizeof IMAGE_HEAD + COUNT * ITEM + 1];
    uint8_t labels[sizeof LABEL_HEAD + COUNT + 1];
    size_t image_bytes, label_bytes;
};

/* Good files: pixel p of image i is 10 i + p, its label i mod CLASSES. */
static struct files good_files(void)
{
    struct files f = {.image_bytes = sizeof f.images - 1, .label_bytes = sizeof f.labels - 1};
    memcpy(f.images, IMAGE_HEAD, sizeof IMAGE_HEAD);
    memcpy(f.labels, LABEL_HEAD, sizeof LABEL_HEAD);
    for (int i = 0; i < COUNT; i++) {
        for (int p = 0; p < ITEM; p++)
            f.images[(int)sizeof IMAGE_HEAD + i * ITEM + p] = (uint8_t)(10 * i + p);
        f.labels[(int)sizeof LABEL_HEAD + i] = (uint8_t)(i % CLASSES);
    }
    return f;
}

static void write_files(const struct files *f)
{
    scratch_write("i.idx", f->images, f->image_bytes);
    scratch_write("l.idx", f->labels, f->label_bytes);
}

/* Takes i.idx and l.idx for training and test. train: the section, split: "" or a member. */
static struct net *wanted(const char *train, const char *split)
{
    char data[512];
    snprintf(data, sizeof data,
             "{\"format\":\"idx\",\"train_images\":\"i.idx\",\"train_labels\":\"l.idx\"%s}", split);
    return data_net("[3,2,1]", CLASSES, data, train);
}

#define TEST_FILES ",\"test_images\":\"i.idx\",\"test_labels\":\"l.idx\""

static void check_item(const struct dataset *data, size_t place, int item)
{
    for (int p = 0; p < ITEM; p++)
        assert_int_equal(data->images[place * ITEM + (size_t)p], 10 * item + p);
    assert_int_equal(data->labels[place], item % CLASSES);
}

static void test_files_are_read_in_order_up_to_the_limit(void **state)
{
    static const struct {
        size_t limit, count;
    } table[] = {{0, COUNT}, {4, 4}, {COUNT, COUNT}, {1000, COUNT}};
    const struct files f = good_files();
    struct net *net = wanted("", TEST_FILES);
    (void)state;
    write_files(&f);
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        struct data_split split = data_loaded(net, table[t].limit);
        assert_int_equal(split.test.count, table[t].count);
        assert_int_equal(split.train.count, table[t].count);
        assert_int_equal(shape_size(split.test.shape), ITEM);
        for (size_t i = 0; i < split.test.count; i++)
            check_item(&split.test, i, (int)i);
        data_free(&split);
    }
    net_free(net);
}

static void rank_4_holds_channels_last(void **state)
{
    static const uint8_t images[] = {0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0,
                                     0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 1, 2};
    struct net *net = data_net("[1,2,3]", 3,
                               "{\"format\":\"idx\",\"train_images\":\"i.idx\","
                               "\"train_labels\":\"l.idx\"" TEST_FILES "}",
                               "");
    (void)state;
    scratch_write("i.idx", images, sizeof images);
    scratch_write("l.idx", labels, sizeof labels);
    struct data_split split = data_loaded(net, 0);
    assert_memory_equal(split.test.images, images + 20, 6);
    data_free(&split);
    net_free(net);
}

/* One byte or the size of a file changed. */
struct damage {
    bool labels; /* else images */
    size_t at;
    uint8_t value;
    int size_change;
    const char *text;
};

static void broken_files_are_named_with_byte_and_reason(void **state)
{
    static const struct damage table[] = {
        {false, 2, 9, 0,
         "./i.idx: byte 0: magic 00000903, want 00000803; not an IDX file of this kind (still "
         "compressed?)"},
        {false, 3, 1, 0,
         "./i.idx: byte 0: magic 00000801, want 00000803; not an IDX file of this kind (still "
         "compressed?)"},
        {true, 0, 0x1f, 0,
         "./l.idx: byte 0: magic 1f000801, want 00000801; not an IDX file of this kind (still "
         "compressed?)"},
        {false, 7, COUNT + 1, 0,
         "./i.idx: 60 bytes behind the header, want 66 for 11 items; the file is damaged, fetch it "
         "again"},
        {false, 7, 0, 0, "./i.idx: byte 4: size 0 is out of range; the file is damaged"},
        {false, 8, 255, 0, "./i.idx: byte 8: size 4278190083 is out of range; the file is damaged"},
        {false, 0, 0, -1,
         "./i.idx: 59 bytes behind the header, want 60 for 10 items; the file is damaged, fetch it "
         "again"},
        {false, 0, 0, 1,
         "./i.idx: 61 bytes behind the header, want 60 for 10 items; the file is damaged, fetch it "
         "again"},
        {false, 0, 0, -66,
         "./i.idx: ends at byte 10, want 2 more; the file is cut short, fetch it again"},
        {false, 0, 0, -76,
         "./i.idx: ends at byte 0, want 4 more; the file is cut short, fetch it again"},
        {true, 0, 0, -1,
         "./l.idx: 9 bytes behind the header, want 10 for 10 items; the file is damaged, fetch it "
         "again"},
        {true, 12, CLASSES, 0,
         "./l.idx: byte 12: label 4, want 0 to 3; correct the model's \"classes\" or the file"},
        {true, 17, 255, 0,
         "./l.idx: byte 17: label 255, want 0 to 3; correct the model's \"classes\" or the file"},
    };
    struct net *net = wanted("", TEST_FILES);
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct damage *d = &table[i];
        struct files f = good_files();
        (d->labels ? f.labels : f.images)[d->at] = d->value;
        *(d->labels ? &f.label_bytes : &f.image_bytes) += (size_t)d->size_change;
        write_files(&f);
        data_refused(net, d->text);
    }
    net_free(net);
}

static void files_that_do_not_fit_each_other_or_the_model_are_named(void **state)
{
    struct net *net = wanted("", TEST_FILES);
    struct files f = good_files();
    (void)state;
    f.labels[7] = COUNT - 1;
    f.label_bytes--;
    write_files(&f);
    data_refused(net,
                 "./i.idx: 10 images, but 9 labels in ./l.idx; the files do not belong together");
    f = good_files();
    write_files(&f);
    net->input.c = 3;
    data_refused(net,
                 "./i.idx: images of 3x2x1, but tiny takes 3x2x3; correct the model's \"input\"");
    strcpy(net->data.files[NET_TRAIN].images, "none");
    data_refused(net, "./none: No such file or directory; fetch the data (make data) or name its "
                      "folder with --data");
    net_free(net);
}

/* ---- Split ---- */

static struct data_split load_split(float fraction, uint64_t seed, size_t limit)
{
    struct net *net = wanted("", TEST_FILES);
    net->recipe.validation_fraction = fraction;
    net->recipe.seed = seed;
    struct data_split split = data_loaded(net, limit);
    net_free(net);
    return split;
}

/* Images of data, as a set of bits. */
static unsigned items_of(const struct dataset *data)
{
    unsigned set = 0;
    for (size_t i = 0; i < data->count; i++) {
        const int item = data->images[i * ITEM] / 10;
        check_item(data, i, item);
        assert_false(set >> item & 1);
        set |= 1u << item;
    }
    return set;
}

static void split_has_every_training_image_once(void **state)
{
    const struct files f = good_files();
    (void)state;
    write_files(&f);
    struct data_split split = load_split(0.3f, 5, 0);
    assert_int_equal(split.validation.count, 3);
    assert_int_equal(split.train.count, 7);
    assert_int_equal(split.test.count, COUNT);
    const unsigned train = items_of(&split.train), validation = items_of(&split.validation);
    assert_int_equal(train & validation, 0);
    assert_int_equal(train | validation, (1u << COUNT) - 1);
    data_free(&split);
}

static void split_follows_the_seed(void **state)
{
    unsigned sets[8], others = 0;
    const struct files f = good_files();
    (void)state;
    write_files(&f);
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct data_split split = load_split(0.5f, seed, 0), again = load_split(0.5f, seed, 0);
        sets[seed] = items_of(&split.validation);
        assert_int_equal(split.validation.count, again.validation.count);
        assert_memory_equal(split.validation.images, again.validation.images,
                            split.validation.count * ITEM);
        others += sets[seed] != sets[0];
        data_free(&split);
        data_free(&again);
    }
    assert_true(others >= 5);
}

static void training_always_keeps_an_image(void **state)
{
    const struct files f = good_files();
    (void)state;
    write_files(&f);
    struct data_split split = load_split(0.9f, 1, 1);
    assert_int_equal(split.train.count, 1);
    assert_int_equal(split.validation.count, 0);
    assert_int_equal(split.test.count, 1);
    data_free(&split);
    split = load_split(0, 1, 0);
    assert_int_equal(split.train.count, COUNT);
    assert_int_equal(split.validation.count, 0);
    data_free(&split);
}

static void failed_load_leaves_nothing(void **state)
{
    const struct files f = good_files();
    struct net *net = wanted("", TEST_FILES);
    (void)state;
    write_files(&f);
    strcpy(net->data.files[NET_TEST].images, "none");
    data_refused(net, "./none: No such file or directory; fetch the data (make data) or name its "
                      "folder with --data");
    strcpy(net->data.files[NET_TEST].images, "i.idx");
    char *folder = calloc(1, 5000);
    struct data_split split;
    struct error err;
    assert_non_null(folder);
    memset(folder, 'd', 4999);
    check_failed(data_load(net, folder, 0, &split, &err), STATUS_INPUT, &err,
                 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd...: path of the "
                 "data folder is too long; move it");
    free(folder);
    net_free(net);
    data_free(&split);
    data_free(NULL);
}

#define SPLIT(text) ",\"split\":{" text "}"

static void test_and_validation_shares_come_from_one_file(void **state)
{
    const struct files f = good_files();
    struct net *net = wanted("\"validation\":0.3", SPLIT("\"test\":0.2"));
    (void)state;
    write_files(&f);
    struct data_split split = data_loaded(net, 0);
    assert_int_equal(split.test.count, 2);
    assert_int_equal(split.validation.count, 3);
    assert_int_equal(split.train.count, 5);
    const unsigned sets[] = {items_of(&split.train), items_of(&split.validation),
                             items_of(&split.test)};
    assert_int_equal(sets[0] ^ sets[1] ^ sets[2], (1u << COUNT) - 1);
    data_free(&split);
    net_free(net);
}

static void a_limit_keeps_every_item_in_its_part(void **state)
{
    const struct files f = good_files();
    struct net *net = wanted("\"validation\":0.3", SPLIT("\"test\":0.2"));
    (void)state;
    write_files(&f);
    struct data_split all = data_loaded(net, 0), few = data_loaded(net, 5);
    assert_int_equal(few.validation.count, 1);
    assert_int_equal(few.train.count, 4);
    assert_int_equal(items_of(&few.train) & ~items_of(&all.train), 0);
    assert_int_equal(items_of(&few.validation) & ~items_of(&all.validation), 0);
    data_free(&all);
    data_free(&few);
    net_free(net);
}

static void the_split_has_a_seed_of_its_own(void **state)
{
    const struct files f = good_files();
    struct net *net = wanted("\"validation\":0.3,\"seed\":1", SPLIT("\"test\":0.2,\"seed\":7"));
    (void)state;
    write_files(&f);
    struct data_split one = data_loaded(net, 0);
    net->recipe.seed = 2;
    struct data_split two = data_loaded(net, 0);
    assert_memory_equal(one.train.images, two.train.images, one.train.count * ITEM);
    net->data.split.seed = 8;
    struct data_split other = data_loaded(net, 0);
    assert_memory_not_equal(one.train.images, other.train.images, one.train.count * ITEM);
    data_free(&one);
    data_free(&two);
    data_free(&other);
    net_free(net);
}

static void folds_test_every_item_once(void **state)
{
    const struct files f = good_files();
    struct net *net = wanted("", SPLIT("\"folds\":3,\"fold\":0"));
    unsigned tested = 0;
    (void)state;
    write_files(&f);
    for (int fold = 0; fold < 3; fold++) {
        net->data.split.fold = fold;
        struct data_split split = data_loaded(net, 0);
        const unsigned set = items_of(&split.test);
        assert_in_range(split.test.count, 3, 4);
        assert_int_equal(tested & set, 0);
        assert_int_equal(items_of(&split.train) | set, (1u << COUNT) - 1);
        tested |= set;
        data_free(&split);
    }
    assert_int_equal(tested, (1u << COUNT) - 1);
    net_free(net);
}

static void parts_without_a_test_item_are_refused(void **state)
{
    const struct files f = good_files();
    struct net *net = wanted("", SPLIT("\"test\":0.02"));
    (void)state;
    write_files(&f);
    data_refused(net, "tiny: 10 items, of which the split takes 0 for test; want at least one for "
                      "test and one for training");
    net->data.split = (struct net_split){.folds = 11};
    data_refused(net, "tiny: 10 items, of which the split takes 0 for test; want at least one for "
                      "test and one for training");
    net_free(net);
}

enum { MANY = 203 };

/* 203 items: class 0 often, 1 seldom, 2 hardly ever. */
static void write_uneven(size_t counts[3])
{
    uint8_t images[16 + MANY * ITEM] = {0, 0, 8, 3, 0, 0, 0, MANY, 0, 0, 0, HEIGHT, 0, 0, 0, WIDTH};
    uint8_t labels[8 + MANY] = {0, 0, 8, 1, 0, 0, 0, MANY};
    memset(counts, 0, 3 * sizeof *counts);
    for (int i = 0; i < MANY; i++) {
        labels[8 + i] = (uint8_t)(i % 50 == 7 ? 2 : i % 5 == 3);
        counts[labels[8 + i]]++;
    }
    scratch_write("i.idx", images, sizeof images);
    scratch_write("l.idx", labels, sizeof labels);
}

static void check_shares(const struct dataset *data, const size_t total[3])
{
    size_t counts[3] = {0};
    for (size_t i = 0; i < data->count; i++)
        counts[data->labels[i]]++;
    for (int c = 0; c < 3; c++) {
        const double want = (double)total[c] * (double)data->count / MANY;
        if ((double)counts[c] < want - 1 || (double)counts[c] > want + 1)
            fail_msg("class %d: got %zu of %zu, want %.2f within 1", c, counts[c], data->count,
                     want);
    }
}

static void stratified_parts_have_each_class_in_its_share(void **state)
{
    struct net *net = wanted("\"validation\":0.25", SPLIT("\"test\":0.25,\"stratified\":true"));
    size_t total[3];
    (void)state;
    write_uneven(total);
    for (uint64_t seed = 0; seed < 20; seed++) {
        net->recipe.seed = seed;
        net->data.split.folds = (int)(seed % 2) * 5;
        net->data.split.fold = (int)(seed / 4);
        struct data_split split = data_loaded(net, 0);
        check_shares(&split.train, total);
        check_shares(&split.validation, total);
        check_shares(&split.test, total);
        data_free(&split);
    }
    net_free(net);
}

/* ---- Sign and scale ---- */

static void bytes_become_signed_and_scaled_as_the_model_says(void **state)
{
    static const char data[] = "{\"format\":\"idx\",\"train_images\":\"i.idx\","
                               "\"train_labels\":\"l.idx\"" TEST_FILES "}";
    const struct files f = good_files();
    (void)state;
    write_files(&f);
    struct net *net = data_net("{\"shape\":[3,2,1],\"signed\":true,\"scale\":0.5}", 4, data, "");
    struct data_split split = data_loaded(net, 0);
    const int want[] = {90 - 128, 91 - 128, 92 - 128, 93 - 128, 94 - 128, 95 - 128};
    float values[ITEM];
    data_check_item(&split.test, 9, want);
    assert_true(split.test.is_signed);
    assert_true(split.test.scale == 0.5f);
    dataset_values(&split.test, 9, split.test.scale, values);
    assert_true(values[0] == -19.0f && values[5] == -16.5f);
    data_free(&split);
    net_free(net);
    net = data_net("[3,2,1]", 4, data, "");
    split = data_loaded(net, 0);
    dataset_values(&split.test, 9, 1, values);
    assert_false(split.test.is_signed);
    assert_true(split.test.scale == 1.0f / 255);
    assert_true(values[0] == 90.0f && values[5] == 95.0f);
    data_free(&split);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_read_in_order_up_to_the_limit),
        cmocka_unit_test(rank_4_holds_channels_last),
        cmocka_unit_test(broken_files_are_named_with_byte_and_reason),
        cmocka_unit_test(files_that_do_not_fit_each_other_or_the_model_are_named),
        cmocka_unit_test(split_has_every_training_image_once),
        cmocka_unit_test(split_follows_the_seed),
        cmocka_unit_test(training_always_keeps_an_image),
        cmocka_unit_test(failed_load_leaves_nothing),
        cmocka_unit_test(test_and_validation_shares_come_from_one_file),
        cmocka_unit_test(a_limit_keeps_every_item_in_its_part),
        cmocka_unit_test(the_split_has_a_seed_of_its_own),
        cmocka_unit_test(folds_test_every_item_once),
        cmocka_unit_test(parts_without_a_test_item_are_refused),
        cmocka_unit_test(stratified_parts_have_each_class_in_its_share),
        cmocka_unit_test(bytes_become_signed_and_scaled_as_the_model_says),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
