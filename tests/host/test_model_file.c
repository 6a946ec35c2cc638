// SPDX-License-Identifier: Apache-2.0
/* Files of either kind with their networks, a QUANT file's metadata, and sums over a model. */
#include "host/made_up_quant.h"

#include <math.h>

#include "measure/measure.h"
#include "nn_insn.h"
#include "pack/model_file.h"

static const int BITS[5] = {4, 8, 2, 8, 8};
enum { LAYER_W4 = 0, LAYER_POOL = 1, LAYER_W8 = 2, LAYER_W2 = 4 }; /* of the container */

static const struct quant_meta META = {.bits = {4, 8, 2, 8, 8},
                                       .layer_count = 5,
                                       .seed = 42,
                                       .qat_epochs = 3,
                                       .qat_seed = 7,
                                       .val_accuracy = 98.25,
                                       .accuracy = NAN};

/* Saves LeNet-5 with META at path. */
static void save_quant(const char *path, const struct quant_meta *meta)
{
    struct made_up made;
    struct error err;
    made_up_lenet5(&made, BITS, 1);
    struct container *container = made_up_pack(&made);
    check_ok(quant_meta_write(container, meta, &err), &err);
    check_ok(container_save(container, path, &err), &err);
    container_free(container);
    made_up_free(&made);
}

static void save_float(const char *path)
{
    struct made_up made;
    struct float_model *model = NULL;
    struct error err;
    made_up_lenet5(&made, BITS, 1);
    check_ok(float_model_create(made.net, &model, &err), &err);
    made.net = NULL; /* the model's now */
    check_ok(float_model_save(model, path, &err), &err);
    made_up_free(&made);
    float_model_free(model);
}

static void metadata_come_back(void **state)
{
    struct model_file file;
    struct error err;
    (void)state;
    save_quant("q", &META);
    check_ok(model_file_open_quant("q", &file, &err), &err);
    assert_int_equal(file.meta.layer_count, 5);
    assert_memory_equal(file.meta.bits, BITS, sizeof BITS);
    assert_int_equal(file.meta.seed, 42);
    assert_int_equal(file.meta.qat_epochs, 3);
    assert_int_equal(file.meta.qat_seed, 7);
    assert_true(fabs(file.meta.val_accuracy - 98.25) < 1e-9);
    assert_true(isnan(file.meta.accuracy));
    assert_int_equal(file.net->recipe.seed, 42);
    assert_int_equal(file.net->weighted_count, 5);
    check_contains(file.container->meta_json, "\"bits\":\"4-8-2-8-8\"");
    check_contains(file.container->meta_json, "\"method\":\"qat\"");
    model_file_close(&file);
    model_file_close(&file);
}

static void without_training_there_is_no_seed_of_it(void **state)
{
    struct quant_meta meta = META;
    struct model_file file;
    struct error err;
    (void)state;
    meta.qat_epochs = 0;
    save_quant("q", &meta);
    check_ok(model_file_open("q", &file, &err), &err);
    check_contains(file.container->meta_json, "\"method\":\"ptq\"");
    assert_null(strstr(file.container->meta_json, "qat_seed"));
    model_file_close(&file);
}

static void a_float_file_opens_with_its_network(void **state)
{
    struct model_file file;
    struct error err;
    (void)state;
    save_float("f");
    check_ok(model_file_open("f", &file, &err), &err);
    assert_non_null(file.model);
    assert_null(file.container);
    assert_ptr_equal(file.net, file.model->net);
    model_file_close(&file);
}

static void a_float_file_is_no_quant_file(void **state)
{
    struct model_file file;
    struct error err;
    (void)state;
    save_float("f");
    check_failed(model_file_open_quant("f", &file, &err), STATUS_INPUT, &err,
                 "f: a FLOAT file, which no core can run; quantize it: mpq quantize f --bits 8 -o "
                 "QUANT");
    assert_null(file.model);
}

static void other_files_are_named(void **state)
{
    struct model_file file;
    struct error err;
    (void)state;
    scratch_write("text", "MP", 2);
    check_failed(model_file_open("text", &file, &err), STATUS_INPUT, &err,
                 "text: neither a FLOAT nor a QUANT file; make one with mpq train or mpq quantize");
    check_failed(model_file_open("none", &file, &err), STATUS_INPUT, &err,
                 "none: No such file or directory; make one with mpq train or mpq quantize");
    check_failed(model_file_open(".", &file, &err), STATUS_IO, &err,
                 ".: cannot be read: Is a directory");
}

/* A QUANT file whose metadata were changed by hand. */
static void check_meta_refused(const char *key, const char *text, const char *want)
{
    struct made_up made;
    struct model_file file;
    struct error err;
    made_up_lenet5(&made, BITS, 1);
    struct container *container = made_up_pack(&made);
    check_ok(container_meta_set(container, key, text, 0, &err), &err);
    check_ok(container_save(container, "q", &err), &err);
    assert_int_equal(model_file_open("q", &file, &err), STATUS_INPUT);
    check_contains(err.text, want);
    assert_null(file.container);
    container_free(container);
    made_up_free(&made);
}

static void metadata_that_do_not_fit_are_refused(void **state)
{
    static const char OTHER[] =
        "{\"name\":\"tiny\",\"input\":[4,4,1],\"classes\":3,"
        "\"data\":{\"format\":\"idx\",\"train_images\":\"a\",\"train_labels\":\"b\","
        "\"test_images\":\"c\",\"test_labels\":\"d\"},\"layers\":[{\"op\":\"fc\",\"outputs\":3}]}";
    (void)state;
    check_meta_refused("model_json", OTHER,
                       "q: its model text has 16 input bytes and 1 weighted layers, its container "
                       "784 and 5");
    check_meta_refused("model_json", "{", "model_json: q: ");
    check_meta_refused("model_json", NULL, "q: the metadata has no model_json");
}

static void macs_are_those_of_the_network(void **state)
{
    struct made_up made;
    uint64_t macs = 0, want = 0;
    (void)state;
    made_up_lenet5(&made, BITS, 1);
    struct container *container = made_up_pack(&made);
    for (int i = 0; i < container->model->layer_count; i++)
        macs += measure_macs(container->model, i);
    for (int i = 0; i < made.net->layer_count; i++)
        want += net_layer_macs(&made.net->layers[i]);
    assert_int_equal(macs, want);
    assert_int_equal(measure_issue_limit(container->model, LAYER_W8, NN_ISA_VERSION), 4);
    assert_int_equal(measure_issue_limit(container->model, LAYER_W4, NN_ISA_VERSION), 8);
    assert_int_equal(measure_issue_limit(container->model, LAYER_W2, NN_ISA_VERSION), 16);
    assert_int_equal(measure_issue_limit(container->model, LAYER_W8, NN_ISA_STREAM), 16);
    assert_int_equal(measure_issue_limit(container->model, LAYER_POOL, NN_ISA_STREAM), 0);
    container_free(container);
    made_up_free(&made);
}

static void random_images_are_the_same_each_time(void **state)
{
    struct made_up made;
    struct dataset one, two;
    struct error err;
    (void)state;
    made_up_lenet5(&made, BITS, 1);
    struct container *container = made_up_pack(&made);
    check_ok(measure_random_images(container->model, 2, &one, &err), &err);
    check_ok(measure_random_images(container->model, 2, &two, &err), &err);
    assert_int_equal(one.count, 2);
    assert_int_equal(shape_size(one.shape), 784);
    assert_memory_equal(one.images, two.images, 2 * 784);
    assert_memory_not_equal(one.images, one.images + 784, 784);
    measure_free_images(&one);
    measure_free_images(&two);
    container_free(container);
    made_up_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_come_back),
        cmocka_unit_test(without_training_there_is_no_seed_of_it),
        cmocka_unit_test(a_float_file_opens_with_its_network),
        cmocka_unit_test(a_float_file_is_no_quant_file),
        cmocka_unit_test(other_files_are_named),
        cmocka_unit_test(metadata_that_do_not_fit_are_refused),
        cmocka_unit_test(macs_are_those_of_the_network),
        cmocka_unit_test(random_images_are_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
