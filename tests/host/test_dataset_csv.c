// SPDX-License-Identifier: Apache-2.0
/* CSV tables: records, labels, missing values, scaling learned on the training part. */
#include "host/data_files.h"

#include <math.h>

/* Takes train.csv, and test.csv for test. */
static struct net *wanted(int inputs, int classes, const char *more)
{
    char input[64], data[512];
    snprintf(input, sizeof input, "[1,1,%d]", inputs);
    snprintf(data, sizeof data,
             "{\"format\":\"csv\",\"train\":\"train.csv\",\"test\":\"test.csv\",\"label\":\"class\""
             "%s}",
             more);
    return data_net(input, classes, data, "");
}

/* The item of data whose label is this; they are shuffled. */
static size_t item_of(const struct dataset *data, int label)
{
    for (size_t i = 0; i < data->count; i++)
        if (data->labels[i] == label)
            return i;
    fail_msg("no item of class %d", label);
    return 0;
}

/* ---- Records ---- */

static void quotes_blanks_and_line_ends_do_not_matter(void **state)
{
    static const char *const files[] = {
        "a,b,class\n0,10,0\n5,20,1\n10,30,2\n",
        "a,b,class\r\n0,10,0\r\n5,20,1\r\n10,30,2\r\n",
        "a,b,class\n0,10,0\n\n5,20,1\n10,30,2",
        "\xef\xbb\xbf a , b\t,class\n 0, 10 ,0\n5,2e1 ,1\n\n\n+10.0,30,2\n\n",
        "\"a\",\"b\",\"class\"\n\"0\" ,\"10\",0\n5, \"20\",\"1\"\n10,30,2\n",
    };
    static const int want[3][2] = {{0, 0}, {128, 128}, {255, 255}};
    struct net *net = wanted(2, 3, "");
    (void)state;
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        data_write_text("train.csv", files[f]);
        data_write_text("test.csv", files[f]);
        struct data_split split = data_loaded(net, 0);
        assert_int_equal(split.train.count, 3);
        assert_int_equal(split.test.count, 3);
        assert_false(split.test.is_signed);
        assert_true(split.test.scale == 1.0f / 255);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(split.test.labels[i], i);
            data_check_item(&split.test, (size_t)i, want[i]);
        }
        data_free(&split);
    }
    net_free(net);
}

static void quoted_fields_hold_commas_quotes_and_line_breaks(void **state)
{
    static const char text[] =
        "a,\"the \"\"class\"\", said\nhe\"\n1,\"x, y\"\n2,\"x, \"\"z\"\"\"\n";
    struct net *net = wanted(1, 2, "");
    (void)state;
    snprintf(net->data.label, sizeof net->data.label, "the \"class\", said\nhe");
    data_write_text("train.csv", text);
    data_write_text("test.csv", text);
    struct data_split split = data_loaded(net, 0);
    assert_int_equal(split.test.labels[0], 1); /* x, "z" sorts before x, y */
    assert_int_equal(split.test.labels[1], 0);
    data_free(&split);
    net_free(net);
}

/* ---- Columns and labels ---- */

static void label_and_dropped_columns_are_no_inputs(void **state)
{
    static const char text[] = "id,a,class,b,name\nx1,0,1,7,n\nx2,4,0,9,m\n";
    static const int want[2][2] = {{0, 0}, {255, 255}};
    struct net *net = wanted(2, 2, ",\"drop\":[\"id\",\"name\"]");
    (void)state;
    data_write_text("train.csv", text);
    data_write_text("test.csv", text);
    struct data_split split = data_loaded(net, 0);
    data_check_item(&split.test, 0, want[0]);
    data_check_item(&split.test, 1, want[1]);
    assert_int_equal(split.test.labels[0], 1);
    data_free(&split);
    net_free(net);
}

/* Labels of four rows, and the classes that they are. */
static void labels_are_class_numbers_or_sorted_texts(void **state)
{
    static const struct {
        const char *texts[4];
        int classes, want[4];
    } table[] = {
        {{"0", "2", "1", "0"}, 3, {0, 2, 1, 0}},     /* as they are */
        {{"0", "5", "0", "5"}, 6, {0, 5, 0, 5}},     /* classes may be missing */
        {{"1.0", "0.0", "1", "0"}, 2, {1, 0, 1, 0}}, /* 1 and 1.0 are one class */
        {{"b", "a", "c", "a"}, 3, {1, 0, 2, 0}},
        {{"b", "B", "b", "A"}, 4, {2, 1, 2, 0}},    /* by bytes */
        {{"1", "2", "3", "1"}, 3, {0, 1, 2, 0}},    /* 3 is no class */
        {{"10", "9", "100", "9"}, 3, {1, 0, 2, 0}}, /* by value, not by bytes */
        {{"10", "9", "x", "9"}, 3, {0, 1, 2, 1}},   /* not all are numbers */
        {{"-1", "1", "-1", "1"}, 2, {0, 1, 0, 1}},
        {{"0.5", "1.5", "0.5", "1.5"}, 2, {0, 1, 0, 1}},
    };
    (void)state;
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        struct net *net = wanted(1, table[t].classes, "");
        char text[256];
        snprintf(text, sizeof text, "a,class\n0,%s\n1,%s\n2,%s\n3,%s\n", table[t].texts[0],
                 table[t].texts[1], table[t].texts[2], table[t].texts[3]);
        data_write_text("train.csv", text);
        data_write_text("test.csv", text);
        struct data_split split = data_loaded(net, 0);
        for (int i = 0; i < 4; i++)
            if (split.test.labels[i] != table[t].want[i])
                fail_msg("case %zu, label %s: got class %d, want %d", t, table[t].texts[i],
                         split.test.labels[i], table[t].want[i]);
        data_free(&split);
        net_free(net);
    }
}

/* ---- Missing values and scaling ---- */

static void missing_values_become_the_columns_mean(void **state)
{
    static const char *const words[] = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"};
    static const int mean = 85; /* of 0, 100 and 200 among 0..300 */
    struct net *net = wanted(2, 4, "");
    (void)state;
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        char text[256];
        snprintf(text, sizeof text, "a,b,class\n0,1,0\n100,2,1\n200,3,2\n%s,4,3\n", words[w]);
        data_write_text("train.csv", text);
        data_write_text("test.csv", text);
        struct data_split split = data_loaded(net, 0);
        assert_int_equal(split.test.images[3 * 2], 128); /* 100 of 0..200 */
        data_free(&split);
    }
    data_write_text("train.csv", "a,b,class\n0,1,0\n,2,1\n0,3,2\n300,1,3\n");
    struct data_split split = data_loaded(net, 0);
    assert_int_equal(split.train.images[item_of(&split.train, 1) * 2], mean);
    data_free(&split);
    net_free(net);
}

static void scaling_is_learned_on_the_training_part_only(void **state)
{
    static const int want_train[3] = {0, 128, 255}, want_all[3] = {51, 102, 153};
    (void)state;
    data_write_text("train.csv", "a,class\n0,0\n10,1\n20,2\n");
    data_write_text("test.csv", "a,class\n-10,0\n40,1\n,2\n");
    for (int all = 0; all < 2; all++) {
        struct net *net = wanted(1, 3, all ? ",\"fit\":\"all\"" : "");
        struct data_split split = data_loaded(net, 0);
        for (int c = 0; c < 3; c++)
            assert_int_equal(split.train.images[item_of(&split.train, c)],
                             (all ? want_all : want_train)[c]);
        /* clamped; the mean of 0, 10, 20 or of all five */
        assert_int_equal(split.test.images[0], 0);
        assert_int_equal(split.test.images[1], 255);
        assert_int_equal(split.test.images[2], all ? 112 : 128);
        data_free(&split);
        net_free(net);
    }
}

/* The validation and test items taken from the same file must not be looked at. */
static void scaling_ignores_the_held_out_rows_of_the_same_file(void **state)
{
    char text[1024] = "a,class\n";
    size_t largest = 0;
    (void)state;
    for (int i = 0; i < 40; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d,%d\n", i * i, i % 2);
    data_write_text("train.csv", text);
    struct net *net = data_net("[1,1,1]", 2,
                               "{\"format\":\"csv\",\"train\":\"train.csv\",\"label\":\"class\","
                               "\"split\":{\"test\":0.3}}",
                               "\"validation\":0.3");
    for (uint64_t seed = 0; seed < 20; seed++) {
        bool has_low = false, has_high = false;
        net->recipe.seed = seed;
        struct data_split split = data_loaded(net, 0);
        assert_int_equal(split.train.count, 16);
        for (size_t i = 0; i < split.train.count; i++) {
            has_low = has_low || split.train.images[i] == 0;
            has_high = has_high || split.train.images[i] == 255;
        }
        assert_true(has_low && has_high);
        for (size_t i = 0; i < split.test.count; i++)
            largest += split.test.images[i] == 255;
        struct data_split few = data_loaded(net, 8); /* a limit changes no scaling */
        assert_int_equal(few.train.images[0], split.train.images[0]);
        assert_int_equal(few.test.images[0], split.test.images[0]);
        data_free(&few);
        data_free(&split);
    }
    assert_true(largest > 0); /* clamped */
    net_free(net);
}

static void signed_and_standard_inputs_have_their_scale(void **state)
{
    static const struct {
        const char *input, *scaling;
        float scale;
        int want[3];
    } table[] = {
        {"{\"shape\":[1,1,1],\"signed\":true}", "minmax", 1.0f / 255, {-128, 0, 127}},
        {"{\"shape\":[1,1,1],\"scale\":0.25}", "minmax", 0.25f, {0, 128, 255}},
        {"{\"shape\":[1,1,1],\"signed\":true}", "standard", 1.0f / 32, {-39, 0, 39}},
        {"[1,1,1]", "standard", 1.0f / 32, {89, 128, 167}},
        {"{\"shape\":[1,1,1],\"scale\":0.5}", "common", 0.5f, {4, 44, 84}},
        {"{\"shape\":[1,1,1],\"signed\":true,\"scale\":0.5}", "common", 0.5f, {4, 44, 84}},
    };
    (void)state; /* mean 22, deviation 20 sqrt(2 / 3): 20 are 39.19 of 32 steps */
    data_write_text("train.csv", "a,class\n2,0\n22,1\n42,2\n");
    data_write_text("test.csv", "a,class\n2,0\n22,1\n42,2\n");
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        char data[256];
        snprintf(data, sizeof data,
                 "{\"format\":\"csv\",\"train\":\"train.csv\",\"test\":\"test.csv\","
                 "\"label\":\"class\",\"scaling\":\"%s\"}",
                 table[t].scaling);
        struct net *net = data_net(table[t].input, 3, data, "");
        struct data_split split = data_loaded(net, 0);
        if (split.test.scale != table[t].scale)
            fail_msg("case %zu: got scale %g, want %g", t, (double)split.test.scale,
                     (double)table[t].scale);
        for (size_t i = 0; i < 3; i++)
            data_check_item(&split.test, i, &table[t].want[i]);
        data_free(&split);
        net_free(net);
    }
}

static void columns_without_spread_carry_nothing(void **state)
{
    static const int want[2][2] = {{0, 0}, {128, 128}};
    (void)state;
    data_write_text("train.csv", "a,b,class\n3,7,0\n3,7,1\n");
    data_write_text("test.csv", "a,b,class\n3,9,0\n");
    for (int standard = 0; standard < 2; standard++) {
        struct net *net = wanted(2, 2, standard ? ",\"scaling\":\"standard\"" : "");
        struct data_split split = data_loaded(net, 0);
        data_check_item(&split.test, 0, want[standard]);
        data_free(&split);
        net_free(net);
    }
}

/* A large offset must not spoil the deviation. */
static void deviation_is_exact_far_from_zero(void **state)
{
    static const int want[3] = {-39, 0, 39};
    struct net *net = data_net("{\"shape\":[1,1,1],\"signed\":true}", 3,
                               "{\"format\":\"csv\",\"train\":\"train.csv\",\"test\":\"test.csv\","
                               "\"label\":\"class\",\"scaling\":\"standard\"}",
                               "");
    (void)state;
    data_write_text("train.csv", "a,class\n8000000,0\n8000001,1\n8000002,2\n");
    data_write_text("test.csv", "a,class\n8000000,0\n8000001,1\n8000002,2\n");
    struct data_split split = data_loaded(net, 0);
    for (size_t i = 0; i < 3; i++)
        data_check_item(&split.test, i, &want[i]);
    data_free(&split);
    net_free(net);
}

static void text_counts_as_missing_only_where_the_model_says_so(void **state)
{
    struct net *net = wanted(1, 3, "");
    (void)state;
    data_write_text("train.csv", "a,class\n0,0\n=1/0,1\n20,2\n");
    data_write_text("test.csv", "a,class\n0,0\n");
    data_refused(net, "./train.csv: row 3, column \"a\": \"=1/0\" is no number; correct it or add "
                      "the column to data.drop");
    net->data.text_is_missing = true;
    struct data_split split = data_loaded(net, 0);
    assert_int_equal(split.train.images[item_of(&split.train, 1)], 128);
    data_free(&split);
    net_free(net);
}

/* ---- Broken files ---- */

static void broken_tables_are_named_with_row_and_reason(void **state)
{
    static const struct {
        const char *train, *text;
    } table[] = {
        {"", "./train.csv: row 1: want a header with column names"},
        {"\n\n", "./train.csv: row 1: want a header with column names"},
        {"a,b,class\n", "./train.csv: row 2: want at least one row of data"},
        {"a,b,klass\n1,2,0\n",
         "./train.csv: row 1: no column \"class\"; correct the model's data.label or the file"},
        {"a,class\n1,0\n",
         "./train.csv: row 1: 1 input columns (label and dropped ones left out), but tiny takes "
         "1x1x2; correct data.drop or \"input\""},
        {"a,b,c,class\n1,2,3,0\n",
         "./train.csv: row 1: 3 input columns (label and dropped ones left out), but tiny takes "
         "1x1x2; correct data.drop or \"input\""},
        {"a,b,class\n1,2,0\n1,2\n", "./train.csv: row 3: 2 fields, want 3 as in the header"},
        {"a,b,class\n1,2,0,\n", "./train.csv: row 2: 4 fields, want 3 as in the header"},
        {"a,b,class\n1,2,0\n1,\"2,0\n", "./train.csv: row 3: a quote is never closed"},
        {"a,b,class\n1,\"2\"x,0\n", "./train.csv: row 2: text behind a closing quote"},
        {"a,b,class\n1,2x,0\n",
         "./train.csv: row 2, column \"b\": \"2x\" is no number; correct it or add the column to "
         "data.drop"},
        {"a,b,class\n1,1e99,0\n",
         "./train.csv: row 2, column \"b\": \"1e99\" is no number; correct it or add the column "
         "to data.drop"},
        {"a,b,class\n1,inf,0\n",
         "./train.csv: row 2, column \"b\": \"inf\" is no number; correct it or add the column "
         "to data.drop"},
        {"a,b,class\n1,2,\n", "./train.csv: row 2, column \"class\": the label is missing"},
        {"a,b,class\n1,2,x\n1,2,y\n1,2,z\n",
         "./train.csv: column \"class\" has 3 different labels, the model 2 classes; correct "
         "\"classes\" or \"label\""},
        {"a,b,class\n1,,0\n1,,1\n",
         "train.csv: column \"b\" has no value in the training part; add it to data.drop"},
    };
    struct net *net = wanted(2, 2, "");
    (void)state;
    data_write_text("test.csv", "a,b,class\n1,2,0\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        data_write_text("train.csv", table[i].train);
        data_refused(net, table[i].text);
    }
    scratch_write("train.csv", "a,b,class\n1,\0,0\n", 15);
    data_refused(net, "./train.csv: row 2: has a zero byte");
    unlink("train.csv");
    data_refused(net, "./train.csv: cannot be read: No such file or directory");
    net_free(net);
}

static void test_files_must_fit_the_training_file(void **state)
{
    static const struct {
        const char *test, *text;
    } table[] = {
        {"a,c,class\n1,2,x\n",
         "./test.csv: row 1: column 2 is \"c\", in ./train.csv \"b\"; want the same columns"},
        {"b,a,class\n1,2,x\n",
         "./test.csv: row 1: column 1 is \"b\", in ./train.csv \"a\"; want the same columns"},
        {"a,b,class\n1,2,x\n1,2,z\n",
         "./test.csv: row 3, column \"class\": the training data have no label \"z\""},
    };
    struct net *net = wanted(2, 2, "");
    (void)state;
    data_write_text("train.csv", "a,b,class\n1,2,x\n3,4,y\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        data_write_text("test.csv", table[i].test);
        data_refused(net, table[i].text);
    }
    net_free(net);
}

static void unknown_columns_to_drop_are_named(void **state)
{
    struct net *net = wanted(2, 2, ",\"drop\":[\"id\"]");
    (void)state;
    data_write_text("train.csv", "a,b,class\n1,2,0\n");
    data_refused(net, "./train.csv: row 1: no column \"id\"; correct the model's data.drop or the "
                      "file");
    net_free(net);
}

/* No change of a byte and no cut may do more than give an error or other numbers. */
static void damaged_tables_never_break_the_reader(void **state)
{
    static const char good[] = "a,\"b \"\"x\",class\r\n1,\"2\",u\n,4.5,\"v\"\n";
    static const char changes[] = {0, '"', ',', '\n', '\r', ' ', '-', (char)0xff};
    struct net *net = wanted(2, 2, "");
    (void)state;
    data_write_text("test.csv", "a,\"b \"\"x\",class\n1,2,u\n");
    for (size_t at = 0; at < sizeof good - 1; at++)
        for (size_t c = 0; c < sizeof changes; c++) {
            char text[sizeof good];
            struct data_split split;
            struct error err;
            memcpy(text, good, sizeof good);
            text[at] = changes[c];
            scratch_write("train.csv", text, c ? sizeof good - 1 : at);
            if (data_load(net, ".", 0, &split, &err) == STATUS_OK)
                assert_true(split.train.count >= 1 && split.train.count <= 2);
            else
                check_contains(err.text, ".csv: ");
            data_free(&split);
        }
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_blanks_and_line_ends_do_not_matter),
        cmocka_unit_test(quoted_fields_hold_commas_quotes_and_line_breaks),
        cmocka_unit_test(label_and_dropped_columns_are_no_inputs),
        cmocka_unit_test(labels_are_class_numbers_or_sorted_texts),
        cmocka_unit_test(missing_values_become_the_columns_mean),
        cmocka_unit_test(scaling_is_learned_on_the_training_part_only),
        cmocka_unit_test(scaling_ignores_the_held_out_rows_of_the_same_file),
        cmocka_unit_test(signed_and_standard_inputs_have_their_scale),
        cmocka_unit_test(columns_without_spread_carry_nothing),
        cmocka_unit_test(deviation_is_exact_far_from_zero),
        cmocka_unit_test(text_counts_as_missing_only_where_the_model_says_so),
        cmocka_unit_test(broken_tables_are_named_with_row_and_reason),
        cmocka_unit_test(test_files_must_fit_the_training_file),
        cmocka_unit_test(unknown_columns_to_drop_are_named),
        cmocka_unit_test(damaged_tables_never_break_the_reader),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
