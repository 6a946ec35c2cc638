// SPDX-License-Identifier: Apache-2.0
/* The CIFAR-10 binary folder, good and broken. */
#include "host/data_files.h"

#include <sys/stat.h>

enum { PLANE = 32 * 32, RECORD = 1 + 3 * PLANE, PER_BATCH = 3 };

static const char *const NAMES[] = {"c/data_batch_1.bin", "c/data_batch_2.bin",
                                    "c/data_batch_3.bin", "c/data_batch_4.bin",
                                    "c/data_batch_5.bin", "c/test_batch.bin"};
static const char DATA[] = "{\"format\":\"cifar\",\"folder\":\"c\"}";

/* Channel c of pixel p in image n. */
static uint8_t value_of(int n, int c, int p)
{
    return (uint8_t)(7 * n + 50 * c + p);
}

/* Batch b holds the images 3 b to 3 b + 2, label n mod 10. */
static void write_batch(int b, size_t bytes, uint8_t last_label)
{
    static uint8_t batch[PER_BATCH * RECORD + 1];
    for (int i = 0; i < PER_BATCH; i++) {
        uint8_t *record = batch + i * RECORD;
        const int n = PER_BATCH * b + i;
        record[0] = (uint8_t)(n % 10);
        for (int c = 0; c < 3; c++)
            for (int p = 0; p < PLANE; p++)
                record[1 + c * PLANE + p] = value_of(n, c, p);
    }
    if (last_label)
        batch[2 * RECORD] = last_label;
    scratch_write(NAMES[b], batch, bytes);
}

static void write_folder(void)
{
    mkdir("c", 0777);
    for (int b = 0; b < 6; b++)
        write_batch(b, PER_BATCH * RECORD, 0);
}

static void check_image(const struct dataset *data, size_t place, int n)
{
    assert_int_equal(data->labels[place], n % 10);
    for (int p = 0; p < PLANE; p++)
        for (int c = 0; c < 3; c++)
            assert_int_equal(data->images[(place * PLANE + (size_t)p) * 3 + (size_t)c],
                             value_of(n, c, p));
}

static void all_batches_are_read_with_channels_last(void **state)
{
    struct net *net = data_net("[32,32,3]", 10, DATA, "");
    unsigned seen = 0;
    (void)state;
    write_folder();
    struct data_split split = data_loaded(net, 0);
    assert_int_equal(split.train.count, 15);
    assert_int_equal(split.test.count, PER_BATCH);
    for (size_t i = 0; i < split.test.count; i++)
        check_image(&split.test, i, 15 + (int)i);
    for (size_t i = 0; i < split.train.count; i++) {
        const int n = split.train.images[i * 3 * PLANE] / 7;
        check_image(&split.train, i, n);
        seen |= 1u << n;
    }
    assert_int_equal(seen, (1u << 15) - 1);
    data_free(&split);
    net_free(net);
}

static void broken_batches_are_named_with_byte_and_reason(void **state)
{
    struct net *net = data_net("[32,32,3]", 10, DATA, "");
    (void)state;
    write_folder();
    write_batch(3, PER_BATCH * RECORD - 1, 0);
    data_refused(net, "./c/data_batch_4.bin: 9218 bytes, want records of 3073 bytes; the file ends "
                      "inside record 2, fetch it again");
    write_batch(3, 0, 0);
    data_refused(net, "./c/data_batch_4.bin: 0 bytes, want records of 3073 bytes; the file ends "
                      "inside record 0, fetch it again");
    write_batch(3, PER_BATCH * RECORD, 10);
    data_refused(net, "./c/data_batch_4.bin: byte 6146: label 10, want 0 to 9; correct the "
                      "model's \"classes\" or the file");
    assert_int_equal(unlink(NAMES[3]), 0);
    data_refused(net, "./c/data_batch_4.bin: cannot be read: No such file or directory");
    net_free(net);
}

static void other_shapes_are_refused(void **state)
{
    struct net *net = data_net("[32,32,1]", 10, DATA, "");
    (void)state;
    write_folder();
    data_refused(net, "./c: images of 32x32x3, but tiny takes 32x32x1; correct the model's "
                      "\"input\"");
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_batches_are_read_with_channels_last),
        cmocka_unit_test(broken_batches_are_named_with_byte_and_reason),
        cmocka_unit_test(other_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
