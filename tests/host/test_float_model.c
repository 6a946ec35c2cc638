// SPDX-License-Identifier: Apache-2.0
/* FLOAT files: round trip, damage at every byte, replacement that survives failures. */
#include "host/scratch.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "bytes.h"
#include "crc32.h"
#include "net/float_model.h"

static const char NET[] =
    "{\"name\":\"tiny\",\"input\":[4,4,1],\"classes\":3,"
    "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
    "\"test_images\":\"c\",\"test_labels\":\"d\"},"
    "\"layers\":[{\"op\":\"conv\",\"channels\":2,\"kernel\":3},{\"op\":\"relu\"},"
    "{\"op\":\"fc\",\"outputs\":3}],\"train\":{\"seed\":77}}";

enum { HEAD_BYTES = 40, JSON_AT = HEAD_BYTES, AT_VERSION = 4, AT_JSON_BYTES = 8 };

static struct float_model *create(void)
{
    struct net *net = NULL;
    struct float_model *model = NULL;
    struct error err;
    struct rng rng;
    check_ok(net_parse(NET, "m.json", &net, &err), &err);
    check_ok(float_model_create(net, &model, &err), &err);
    rng_init(&rng, 3, 0);
    for (int k = 0; k < model->net->weighted_count; k++) {
        const struct net_layer *layer = &model->net->layers[model->net->weighted[k]];
        for (size_t i = 0; i < net_layer_weights(layer); i++)
            model->weights[k][i] = rng_normal(&rng);
        for (int i = 0; i < layer->out.c; i++)
            model->biases[k][i] = rng_normal(&rng);
    }
    return model;
}

static void save(const struct float_model *model, const char *path)
{
    struct error err;
    check_ok(float_model_save(model, path, &err), &err);
}

static void a_new_model_is_zero_and_unmeasured(void **state)
{
    struct net *net = NULL;
    struct float_model *model = NULL;
    struct error err;
    (void)state;
    check_ok(net_parse(NET, "m.json", &net, &err), &err);
    check_ok(float_model_create(net, &model, &err), &err);
    assert_true(isnan(model->validation_accuracy));
    assert_true(isnan(model->test_accuracy));
    assert_int_equal(model->seed, 77);
    for (int i = 0; i < 18; i++)
        assert_true(fpclassify(model->weights[0][i]) == FP_ZERO);
    float_model_free(model);
    float_model_free(NULL);
}

static void a_saved_model_comes_back_bit_for_bit(void **state)
{
    struct float_model *model = create(), *back = NULL;
    struct error err;
    (void)state;
    model->seed = 0xfedcba9876543210u;
    model->validation_accuracy = 98.7654321;
    save(model, "m.float");
    check_ok(float_model_load("m.float", &back, &err), &err);
    assert_string_equal(back->net->json_text, NET);
    assert_true(back->seed == model->seed);
    assert_true(back->net->recipe.seed == model->seed);
    assert_memory_equal(&back->validation_accuracy, &model->validation_accuracy, sizeof(double));
    assert_true(isnan(back->test_accuracy));
    for (int k = 0; k < model->net->weighted_count; k++) {
        const struct net_layer *layer = &model->net->layers[model->net->weighted[k]];
        assert_memory_equal(back->weights[k], model->weights[k], 4 * net_layer_weights(layer));
        assert_memory_equal(back->biases[k], model->biases[k], 4 * (size_t)layer->out.c);
    }
    float_model_free(back);
    float_model_free(model);
}

static void check_load_fails(const char *path, const char *text)
{
    static struct float_model untouched;
    struct float_model *model = &untouched;
    struct error err;
    check_failed(float_model_load(path, &model, &err), STATUS_INPUT, &err, text);
    assert_null(model);
}

/* Bytes of a good file; free() it. */
static uint8_t *good_bytes(size_t *size)
{
    struct float_model *model = create();
    save(model, "good.float");
    float_model_free(model);
    return (uint8_t *)scratch_read("good.float", size);
}

static void damaged_and_cut_files_are_refused(void **state)
{
    size_t size;
    uint8_t *bytes = good_bytes(&size);
    (void)state;
    for (size_t i = 0; i < size; i += i < HEAD_BYTES ? 1 : 3) {
        struct float_model *model = NULL;
        struct error err;
        bytes[i] ^= 0x40;
        scratch_write("bad.float", bytes, size);
        bytes[i] ^= 0x40;
        assert_int_equal(float_model_load("bad.float", &model, &err), STATUS_INPUT);
        assert_null(model);
        scratch_write("bad.float", bytes, i);
        assert_int_equal(float_model_load("bad.float", &model, &err), STATUS_INPUT);
        check_contains(err.text, "bad.float: ");
    }
    free(bytes);
}

/* Writes bytes with the checksum made right again, and wants this complaint. */
static void check_forged(uint8_t *bytes, size_t size, const char *text)
{
    put_u32(bytes + size - 4, crc32_update(0, bytes, size - 4));
    scratch_write("bad.float", bytes, size);
    check_load_fails("bad.float", text);
}

static void wrong_contents_with_a_good_checksum_are_named(void **state)
{
    size_t size;
    uint8_t *bytes = good_bytes(&size), *copy = malloc(size + 4);
    const size_t json = sizeof NET - 1, weights = HEAD_BYTES + json;
    (void)state;
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    put_u32(copy + AT_VERSION, 2);
    check_forged(copy, size,
                 "bad.float: FLOAT version 2, this tool reads 1; train the model again");
    memcpy(copy, bytes, size);
    put_u32(copy + AT_JSON_BYTES, 0x7fffffff);
    check_forged(copy, size, "bad.float: model text of 2147483647 bytes does not fit the file");
    memcpy(copy, bytes, size);
    copy[JSON_AT] = '[';
    check_forged(copy, size, "bad.float: line 1, column 8: not valid JSON; correct it there");
    memcpy(copy, bytes, size);
    put_u32(copy + weights + 4, 0x7fc00000); /* NaN */
    check_forged(copy, size,
                 "bad.float: weights of layer conv1 are not finite; train with a lower learning "
                 "rate");
    memcpy(copy, bytes, size);
    memset(copy + size, 0, 4);
    char text[160];
    snprintf(text, sizeof text,
             "bad.float: %zu bytes, but its network tiny needs %zu; train the model again",
             size + 4, size);
    check_forged(copy, size + 4, text);
    free(copy);
    free(bytes);
}

static void other_files_are_no_float_files(void **state)
{
    (void)state;
    check_load_fails("none", "none: No such file or directory; make one with mpq train");
    scratch_write("text", NET, sizeof NET);
    check_load_fails("text", "text: not a FLOAT file; make one with mpq train");
    scratch_write("empty", "", 0);
    check_load_fails("empty", "empty: not a FLOAT file; make one with mpq train");
    check_load_fails(".", ".: not a FLOAT file; make one with mpq train");
}

static size_t files_here(void)
{
    size_t count = 0;
    DIR *folder = opendir(".");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void a_failed_save_leaves_the_old_file_and_no_other(void **state)
{
    struct float_model *model = create();
    struct error err;
    size_t before, after;
    (void)state;
    save(model, "m.float");
    char *old = scratch_read("m.float", &before);
    assert_int_equal(mkdir("folder", 0777), 0);
    scratch_write("folder/inside", "", 0);
    const size_t files = files_here();
    model->weights[0][0] += 1;
    assert_int_equal(float_model_save(model, "folder", &err), STATUS_IO);
    check_contains(err.text, "folder: cannot be written: ");
    assert_int_equal(float_model_save(model, "none/m.float", &err), STATUS_IO);
    check_contains(err.text, "cannot be written: No such file or directory; choose another place");
    assert_int_equal(files_here(), files);
    char *now = scratch_read("m.float", &after);
    assert_int_equal(before, after);
    assert_memory_equal(old, now, before);
    free(old);
    free(now);
    float_model_free(model);
}

static void a_save_replaces_the_old_file(void **state)
{
    struct float_model *model = create(), *back = NULL;
    struct error err;
    (void)state;
    scratch_write("m.float", "old", 3);
    const size_t files = files_here();
    save(model, "m.float");
    assert_int_equal(files_here(), files);
    check_ok(float_model_load("m.float", &back, &err), &err);
    float_model_free(back);
    float_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_model_is_zero_and_unmeasured),
        cmocka_unit_test(a_saved_model_comes_back_bit_for_bit),
        cmocka_unit_test(damaged_and_cut_files_are_refused),
        cmocka_unit_test(wrong_contents_with_a_good_checksum_are_named),
        cmocka_unit_test(other_files_are_no_float_files),
        cmocka_unit_test(a_failed_save_leaves_the_old_file_and_no_other),
        cmocka_unit_test(a_save_replaces_the_old_file),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
