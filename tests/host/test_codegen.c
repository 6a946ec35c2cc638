// SPDX-License-Identifier: Apache-2.0
/* Generated C and starting folders, without compiling and running them (tests/system/test_codegen.sh
 * does). */
#include "host/scratch.h"

#include <sys/stat.h>

#include "base/embedded.h"
#include "base/folder.h"
#include "codegen/codegen.h"
#include "host/made_up_quant.h"
#include "init/init.h"
#include "measure/measure.h"
#include "net/net.h"

enum { SAMPLES = 3 };

static const int BITS[] = {8, 4, 2, 8};

struct rig {
    struct made_up made;
    struct container *container;
    struct quant_meta meta;
    struct dataset data;
};

static void rig_open(struct rig *rig)
{
    struct error err;
    memset(rig, 0, sizeof *rig);
    made_up_small(&rig->made, BITS, 1);
    rig->container = made_up_pack(&rig->made);
    rig->meta.layer_count = 4;
    memcpy(rig->meta.bits, BITS, sizeof BITS);
    check_ok(measure_random_images(rig->container->model, SAMPLES, &rig->data, &err), &err);
}

static void rig_close(struct rig *rig)
{
    measure_free_images(&rig->data);
    container_free(rig->container);
    made_up_free(&rig->made);
}

static struct codegen_source rig_source(const struct rig *rig)
{
    return (struct codegen_source){rig->container, rig->made.net, &rig->meta,
                                   &rig->data,     SAMPLES,       false};
}

static void generate(const char *folder)
{
    struct rig rig;
    struct error err;
    rig_open(&rig);
    const struct codegen_source source = rig_source(&rig);
    check_ok(folder_begin(folder, false, &err), &err);
    check_ok(codegen_write(&source, folder, "", &err), &err);
    rig_close(&rig);
}

static void check_in_file(const char *path, const char *part)
{
    char *text = scratch_read(path, NULL);
    check_contains(text, part);
    free(text);
}

static void every_layer_is_one_call_with_its_shapes(void **state)
{
    (void)state;
    generate("calls");
    const char *nn = "calls/optimized/network.c", *plain = "calls/original/network.c";
    check_in_file(nn, "layer_conv2d(\"stem\", conv2d_w8_nn,");
    check_in_file(plain, "layer_conv2d(\"stem\", conv2d_rv32,");
    check_in_file(nn, ".kernel = {2, 3}, .stride = {1, 2}, .padding = {1, 1, 1, 1}, .groups = 1)");
    check_in_file(nn, "layer_maxpool(\"maxpool1\", maxpool,");
    check_in_file(nn, "WEIGHTS(head, 8, NO_RELU)");
    check_in_file(plain, "layer_argmax(\"argmax\", argmax,");
}

static void the_same_model_gives_the_same_files(void **state)
{
    static const char *const names[] = {"weights.h", "scales.h",  "inputs.h",
                                        "network.h", "README.md", "optimized/network.c"};
    (void)state;
    generate("first");
    generate("second");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[2][128];
        snprintf(path[0], sizeof path[0], "first/%s", names[i]);
        snprintf(path[1], sizeof path[1], "second/%s", names[i]);
        char *first = scratch_read(path[0], NULL), *second = scratch_read(path[1], NULL);
        assert_string_equal(first, second);
        free(first);
        free(second);
    }
}

static void a_model_larger_than_the_ram_is_refused(void **state)
{
    struct rig rig;
    struct error err;
    (void)state;
    rig_open(&rig);
    struct codegen_source source = rig_source(&rig);
    source.samples = 10000;
    assert_int_equal(codegen_write(&source, "none", "", &err), STATUS_INPUT);
    check_contains(err.text,
                   "exceed the RAM of 1048576 bytes; take fewer bits, or fewer --samples");
    rig_close(&rig);
}

static void carried_sources_are_those_of_the_tree(void **state)
{
    static const char *const names[] = {"kernels/conv2d.c", "kernels/words.h", "boot/crt0.S",
                                        "include/model_format.h"};
    (void)state;
    generate("sources");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char from[128], to[128], source[SCRATCH_SOURCE_BYTES];
        snprintf(from, sizeof from, "firmware/%s", names[i]);
        snprintf(to, sizeof to, "sources/runtime/%s", names[i]);
        scratch_source(from, source);
        char *want = scratch_read(source, NULL), *got = scratch_read(to, NULL);
        assert_string_equal(got, want);
        free(want);
        free(got);
    }
}

static void every_carried_source_names_its_license(void **state)
{
    (void)state;
    for (const struct embedded_file *file = embedded_files; file->path; file++)
        if (!strstr(file->path, ".md") && !strstr(file->path, ".json") &&
            !strstr(file->text, "SPDX-License-Identifier: Apache-2.0"))
            fail_msg("%s has no SPDX line", file->path);
}

static void folders_with_files_are_not_written_over(void **state)
{
    struct error err;
    (void)state;
    check_ok(folder_begin("deep/er/folder", false, &err), &err);
    check_ok(folder_begin("deep/er/folder", false, &err), &err);
    scratch_write("deep/er/folder/mine", "x", 1);
    check_failed(folder_begin("deep/er/folder", false, &err), STATUS_USAGE, &err,
                 "deep/er/folder: there are files in it; choose another folder");
    check_ok(folder_begin("deep/er/folder", true, &err), &err);
}

static void a_file_that_stays_the_same_keeps_its_time(void **state)
{
    struct error err;
    struct stat before, after;
    (void)state;
    check_ok(folder_begin("times", false, &err), &err);
    check_ok(folder_write("times", "a", "text", 4, &err), &err);
    assert_int_equal(stat("times/a", &before), 0);
    check_ok(folder_write("times", "a", "text", 4, &err), &err);
    assert_int_equal(stat("times/a", &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    check_ok(folder_write("times", "a", "test", 4, &err), &err);
    check_in_file("times/a", "test");
}

static void names_become_names_of_c(void **state)
{
    char safe[32];
    (void)state;
    folder_safe_name("3x3 \"first\"/*\xc3\xa4", safe, sizeof safe);
    assert_string_equal(safe, "3x3__first_____");
}

static void a_starting_folder_holds_a_network_that_can_be_read(void **state)
{
    struct error err;
    struct net *net = NULL;
    struct data_split data;
    char commands[4096];
    (void)state;
    check_ok(folder_begin("runs/my-net", false, &err), &err);
    check_ok(init_write("runs/my-net/", commands, sizeof commands, &err), &err);
    check_contains(commands, "mpq train runs/my-net/model.json");
    check_ok(net_load("runs/my-net/model.json", &net, &err), &err);
    assert_string_equal(net->name, "my_net");
    check_ok(data_load(net, "runs/my-net/data", 0, &data, &err), &err);
    assert_int_equal(data.test.count, 160);
    assert_int_equal(data.train.count + data.validation.count, 640);
    data_free(&data);
    net_free(net);
}

static void a_network_needs_a_name(void **state)
{
    struct error err;
    char commands[4096];
    (void)state;
    check_failed(init_write("..", commands, sizeof commands, &err), STATUS_USAGE, &err,
                 "NAME: want a name of 1 to 31 bytes for folder and network, got '..'");
    assert_int_equal(
        init_write("a-name-of-more-than-thirty-one-bytes", commands, sizeof commands, &err),
        STATUS_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_is_one_call_with_its_shapes),
        cmocka_unit_test(the_same_model_gives_the_same_files),
        cmocka_unit_test(a_model_larger_than_the_ram_is_refused),
        cmocka_unit_test(carried_sources_are_those_of_the_tree),
        cmocka_unit_test(every_carried_source_names_its_license),
        cmocka_unit_test(folders_with_files_are_not_written_over),
        cmocka_unit_test(a_file_that_stays_the_same_keeps_its_time),
        cmocka_unit_test(names_become_names_of_c),
        cmocka_unit_test(a_starting_folder_holds_a_network_that_can_be_read),
        cmocka_unit_test(a_network_needs_a_name),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
