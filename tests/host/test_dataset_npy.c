// SPDX-License-Identifier: Apache-2.0
/* NumPy arrays as data, good and broken. Archives: test_npz.c. */
#include "host/data_files.h"

#include "data/npy.h"

enum { COUNT = 3, H = 2, W = 3, C = 2, ITEM = H * W * C };

/* A .npy file of version 1 with the given header dictionary. */
static void write_npy(const char *path, const char *dictionary, const void *data, size_t size)
{
    uint8_t file[4096] = "\x93NUMPY\x01";
    const size_t length = strlen(dictionary);
    assert_true(10 + length + size <= sizeof file);
    file[8] = (uint8_t)length;
    file[9] = (uint8_t)(length >> 8);
    memcpy(file + 10, dictionary, length);
    memcpy(file + 10 + length, data, size);
    scratch_write(path, file, 10 + length + size);
}

#define HEADER(type, shape) "{'descr': '" type "', 'fortran_order': False, 'shape': " shape ", }\n"

static void write_labels(void)
{
    static const uint8_t labels[COUNT] = {2, 0, 1};
    write_npy("l.npy", HEADER("|u1", "(3,)"), labels, sizeof labels);
}

static void write_images(const char *shape_header)
{
    uint8_t pixels[COUNT * ITEM];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(5 * i);
    write_npy("i.npy", shape_header, pixels, sizeof pixels);
}

/* Takes i.npy and l.npy for training and test. */
static struct net *wanted(const char *input, const char *more)
{
    char data[512];
    snprintf(data, sizeof data,
             "{\"format\":\"npy\",\"train_images\":\"i.npy\",\"train_labels\":\"l.npy\","
             "\"test_images\":\"i.npy\",\"test_labels\":\"l.npy\"%s}",
             more);
    return data_net(input, 3, data, "");
}

static void bytes_are_read_with_channels_last(void **state)
{
    static const int second[ITEM] = {60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115};
    struct net *net = wanted("[2,3,2]", "");
    (void)state;
    write_labels();
    write_images(HEADER("|u1", "(3, 2, 3, 2)"));
    struct data_split split = data_loaded(net, 0);
    assert_int_equal(split.test.count, COUNT);
    assert_int_equal(split.test.labels[0], 2);
    assert_int_equal(split.test.labels[2], 1);
    data_check_item(&split.test, 1, second);
    data_free(&split);
    net_free(net);
}

static void nchw_is_turned_to_channels_last(void **state)
{
    static const int second[ITEM] = {60, 90, 65, 95, 70, 100, 75, 105, 80, 110, 85, 115};
    struct net *net = wanted("[2,3,2]", ",\"layout\":\"nchw\"");
    (void)state;
    write_labels();
    write_images(HEADER("|u1", "(3, 2, 2, 3)"));
    struct data_split split = data_loaded(net, 0);
    data_check_item(&split.test, 1, second);
    data_free(&split);
    net_free(net);
}

static void dimensions_of_1_may_be_missing(void **state)
{
    static const struct {
        const char *input, *header, *more;
    } table[] = {
        {"[1,1,12]", HEADER("|u1", "(3, 12)"), ""},
        {"[4,3,1]", HEADER("|u1", "(3, 4, 3)"), ""},
        {"[4,3,1]", HEADER("|u1", "(3,4,3,1)"), ""},
        {"[4,3,1]", HEADER("|u1", "(3, 4, 3)"), ",\"layout\":\"nchw\""},
        {"[4,1,3]", HEADER("|u1", "(3, 4, 3)"), ""},
        {"[12,1,1]", HEADER("|u1", "(3, 12)"), ""},
    };
    (void)state;
    write_labels();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct net *net = wanted(table[i].input, table[i].more);
        write_images(table[i].header);
        struct data_split split = data_loaded(net, 0);
        assert_int_equal(split.train.count, COUNT);
        data_free(&split);
        net_free(net);
    }
}

static void labels_of_every_integer_type_are_read(void **state)
{
    static const struct {
        const char *header;
        uint8_t bytes[24];
        size_t size;
    } table[] = {
        {HEADER("|i1", "(3,)"), {2, 0, 1}, 3},
        {HEADER("<u2", "(3,)"), {2, 0, 0, 0, 1, 0}, 6},
        {HEADER(">i2", "(3, 1)"), {0, 2, 0, 0, 0, 1}, 6},
        {HEADER("<i4", "(3,)"), {2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 12},
        {HEADER(">u4", "(3,)"), {0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1}, 12},
        {HEADER("<i8", "(3,)"), {[0] = 2, [16] = 1}, 24},
        {HEADER(">u8", "(3,)"), {[7] = 2, [23] = 1}, 24},
    };
    struct net *net = wanted("[2,3,2]", "");
    (void)state;
    write_images(HEADER("|u1", "(3, 2, 3, 2)"));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        write_npy("l.npy", table[i].header, table[i].bytes, table[i].size);
        struct data_split split = data_loaded(net, 0);
        assert_int_equal(split.test.labels[0], 2);
        assert_int_equal(split.test.labels[1], 0);
        assert_int_equal(split.test.labels[2], 1);
        data_free(&split);
    }
    net_free(net);
}

static void numbers_have_sign_and_byte_order(void **state)
{
    static const struct {
        const char *header;
        uint8_t bytes[8];
        size_t size;
        double want;
    } table[] = {
        {HEADER("|i1", "(1,)"), {0xfe}, 1, -2},
        {HEADER("<i2", "(1,)"), {0xfe, 0xff}, 2, -2},
        {HEADER(">i4", "(1,)"), {0xff, 0xff, 0xff, 0xfe}, 4, -2},
        {HEADER("<i8", "(1,)"), {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, -2},
        {HEADER("<u4", "(1,)"), {0xff, 0xff, 0xff, 0xff}, 4, 4294967295.0},
        {HEADER("<f4", "(1,)"), {0, 0, 0x20, 0xc0}, 4, -2.5},
        {HEADER(">f4", "(1,)"), {0xc0, 0x20, 0, 0}, 4, -2.5},
        {HEADER("<f8", "(1,)"), {0, 0, 0, 0, 0, 0, 0x04, 0xc0}, 8, -2.5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct npy npy;
        struct error err;
        write_npy("n.npy", table[i].header, table[i].bytes, table[i].size);
        check_ok(npy_load("n.npy", &npy, &err), &err);
        if (npy_number(&npy, 0) != table[i].want)
            fail_msg("%s: got %g, want %g", table[i].header, npy_number(&npy, 0), table[i].want);
        npy_free(&npy);
    }
}

static void floats_become_bytes_of_one_step(void **state)
{
    float values[COUNT * 2] = {0, 0.5f, 1.2f, 2, 1.5f, 0.25f};
    static const int want[COUNT][2] = {{0, 64}, {153, 255}, {191, 32}};
    struct net *net = wanted("[1,1,2]", "");
    (void)state;
    write_labels();
    write_npy("i.npy", HEADER("<f4", "(3, 2)"), values, sizeof values);
    struct data_split split = data_loaded(net, 0);
    assert_true(split.test.scale == 2.0f / 255);
    for (size_t i = 0; i < COUNT; i++)
        data_check_item(&split.test, i, want[i]);
    data_free(&split);
    net_free(net);
    values[1] = -4;
    write_npy("i.npy", HEADER("<f4", "(3, 2)"), values, sizeof values);
    static const int want_signed[COUNT][2] = {{0, -127}, {38, 64}, {48, 8}};
    net = wanted("{\"shape\":[1,1,2],\"signed\":true}", "");
    split = data_loaded(net, 0);
    assert_true(split.test.scale == 4.0f / 127);
    for (size_t i = 0; i < COUNT; i++)
        data_check_item(&split.test, i, want_signed[i]);
    data_free(&split);
    net_free(net);
}

static void broken_arrays_are_named_with_byte_and_reason(void **state)
{
    static const struct {
        const char *header;
        size_t size;
        const char *text;
    } table[] = {
        {HEADER("|u1", "(3, 2, 3, 2)"), 35,
         "./i.npy: 35 bytes behind the header, want 36; the file is damaged, make it again"},
        {HEADER("|u1", "(3, 2, 3, 2)"), 37,
         "./i.npy: 37 bytes behind the header, want 36; the file is damaged, make it again"},
        {HEADER("<c8", "(3, 2)"), 48,
         "./i.npy: byte 10: element type is none of integer, float32 and float64; convert the "
         "array"},
        {HEADER("|O", "(3, 2)"), 48,
         "./i.npy: byte 10: element type is none of integer, float32 and float64; convert the "
         "array"},
        {HEADER("<f2", "(3, 2)"), 12,
         "./i.npy: byte 10: element type is none of integer, float32 and float64; convert the "
         "array"},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2, 3, 2), }\n", 36,
         "./i.npy: byte 10: elements are in Fortran order; save numpy.ascontiguousarray(x)"},
        {HEADER("|u1", "(3, -2)"), 36,
         "./i.npy: byte 10: no shape that can be read; the file is damaged"},
        {HEADER("|u1", "(9999999999, 9999999999)"), 36,
         "./i.npy: byte 10: no shape that can be read; the file is damaged"},
        {HEADER("|u1", "(1,1,1,1,1,1,1,1,36)"), 36,
         "./i.npy: byte 10: no shape that can be read; the file is damaged"},
        {"{'descr': '|u1', 'fortran_order': False}\n", 36,
         "./i.npy: byte 10: no shape that can be read; the file is damaged"},
        {HEADER("<i2", "(3, 2, 3, 2)"), 72,
         "./i.npy: elements of type i2; want uint8, float32 or float64"},
        {HEADER("|u1", "(3, 2, 2, 3)"), 36,
         "./i.npy: array of shape (3, 2, 2, 3) is not nhwc; set \"layout\" to \"nchw\" in the "
         "model's \"data\""},
        {HEADER("|u1", "(3, 12)"), 36,
         "./i.npy: array of shape (3, 12), but tiny takes 2x3x2 (nhwc); correct the model's "
         "\"input\""},
        {HEADER("|u1", "()"), 1,
         "./i.npy: array of shape (), but tiny takes 2x3x2 (nhwc); correct the model's "
         "\"input\""},
        {HEADER("|u1", "(2, 2, 3, 2)"), 24,
         "./i.npy: 2 images, but 3 labels in ./l.npy; the files do not belong together"},
    };
    static const uint8_t zeros[128];
    struct net *net = wanted("[2,3,2]", "");
    (void)state;
    write_labels();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        write_npy("i.npy", table[i].header, zeros, table[i].size);
        data_refused(net, table[i].text);
    }
    scratch_write("i.npy", "\x93NUMPX\x01\0\x10\0abcdefgh", 18);
    data_refused(net, "./i.npy: byte 0: not a NumPy array of version 1 to 3");
    scratch_write("i.npy", "\x93NUMPY\x04\0\x02\0{}", 12);
    data_refused(net, "./i.npy: byte 0: not a NumPy array of version 1 to 3");
    scratch_write("i.npy", "\x93NUMPY\x01\0\xff\0{}", 12);
    data_refused(net, "./i.npy: byte 12: ends inside the header; the file is cut short");
    scratch_write("i.npy", "\x93NUM", 4);
    data_refused(net, "./i.npy: byte 4: ends inside the header; the file is cut short");
    unlink("i.npy");
    data_refused(net, "./i.npy: cannot be read: No such file or directory");
    net_free(net);
}

static void broken_labels_are_named(void **state)
{
    static const struct {
        const char *header;
        uint8_t bytes[12];
        size_t size;
        const char *text;
    } table[] = {
        {HEADER("|u1", "(3,)"),
         {0, 3, 0},
         3,
         "./l.npy: byte 69: label 3, want 0 to 2; correct the model's \"classes\" or the file"},
        {HEADER("|i1", "(3,)"),
         {0, 0, 0xff},
         3,
         "./l.npy: byte 70: label -1, want 0 to 2; correct the model's \"classes\" or the file"},
        {HEADER("<f4", "(3,)"), {0}, 12, "./l.npy: labels are floats; want integers"},
        {HEADER("|u1", "(3, 2)"),
         {0},
         6,
         "./l.npy: labels of shape (3, 2); want one for each image"},
    };
    struct net *net = wanted("[2,3,2]", "");
    (void)state;
    write_images(HEADER("|u1", "(3, 2, 3, 2)"));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        write_npy("l.npy", table[i].header, table[i].bytes, table[i].size);
        data_refused(net, table[i].text);
    }
    write_npy("l.npy", HEADER("|u1", "(0,)"), "", 0);
    write_npy("i.npy", HEADER("|u1", "(0, 2, 3, 2)"), "", 0);
    data_refused(net, "./i.npy: has no images");
    net_free(net);
}

static void values_that_are_not_finite_or_do_not_fit_the_sign_are_named(void **state)
{
    float values[COUNT * 2] = {0, 1, 2, 0, 1, 1};
    struct net *net = wanted("[1,1,2]", "");
    (void)state;
    values[3] = __builtin_nanf("");
    write_labels();
    write_npy("i.npy", HEADER("<f4", "(3, 2)"), values, sizeof values);
    data_refused(net, "./i.npy: byte 82: image 1 has the value nan");
    values[3] = -7.5f;
    write_npy("i.npy", HEADER("<f4", "(3, 2)"), values, sizeof values);
    data_refused(net, "i.npy: values down to -7.5, but the input is unsigned; set \"signed\" in "
                      "the model's \"input\"");
    net_free(net);
}

static void bytes_and_floats_do_not_mix(void **state)
{
    const float values[COUNT * 2] = {0};
    static const uint8_t bytes[COUNT * 2];
    struct net *net = wanted("[1,1,2]", "");
    (void)state;
    write_labels();
    write_npy("i.npy", HEADER("<f4", "(3, 2)"), values, sizeof values);
    write_npy("b.npy", HEADER("|u1", "(3, 2)"), bytes, sizeof bytes);
    strcpy(net->data.files[NET_TEST].images, "b.npy");
    data_refused(net, "tiny: some of its data are bytes and some real values; want all of a kind");
    strcpy(net->data.files[NET_TRAIN].images, "b.npy");
    net->data.scaling = NET_SCALING_MINMAX;
    data_refused(net, "b.npy: bytes are taken as they are; leave out the model's data.scaling");
    net_free(net);
}

/* No change of a byte and no cut may do more than give an error or other numbers. */
static void damaged_arrays_never_break_the_reader(void **state)
{
    static const uint8_t changes[] = {0, '(', ')', ',', '9', '-', ' ', '\'', 0xff};
    const uint8_t values[COUNT * 4] = {0};
    size_t size = 0;
    (void)state;
    write_npy("g.npy", HEADER("<u4", "(3, 1)"), values, sizeof values);
    char *good = scratch_read("g.npy", &size);
    for (size_t at = 0; at < size; at++)
        for (size_t c = 0; c <= sizeof changes; c++) {
            struct npy npy;
            struct error err;
            const char byte = good[at];
            good[at] = c < sizeof changes ? (char)changes[c] : byte;
            scratch_write("d.npy", good, c < sizeof changes ? size : at);
            good[at] = byte;
            if (npy_load("d.npy", &npy, &err) == STATUS_OK)
                for (size_t i = 0; i < npy.count; i++)
                    (void)npy_number(&npy, i);
            else
                check_contains(err.text, "d.npy: ");
            npy_free(&npy);
        }
    free(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_read_with_channels_last),
        cmocka_unit_test(nchw_is_turned_to_channels_last),
        cmocka_unit_test(dimensions_of_1_may_be_missing),
        cmocka_unit_test(labels_of_every_integer_type_are_read),
        cmocka_unit_test(numbers_have_sign_and_byte_order),
        cmocka_unit_test(floats_become_bytes_of_one_step),
        cmocka_unit_test(broken_arrays_are_named_with_byte_and_reason),
        cmocka_unit_test(broken_labels_are_named),
        cmocka_unit_test(values_that_are_not_finite_or_do_not_fit_the_sign_are_named),
        cmocka_unit_test(bytes_and_floats_do_not_mix),
        cmocka_unit_test(damaged_arrays_never_break_the_reader),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
