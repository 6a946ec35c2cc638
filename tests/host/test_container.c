// SPDX-License-Identifier: Apache-2.0
/* Containers' metadata, and the QUANT file: nothing damaged, cut short or made up gets through. */
#include "host/made_up_quant.h"
#include "model/build_container.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "bytes.h"
#include "crc32.h"
#include "protocol.h"
#include "run.h"

static const int LENET_BITS[] = {4, 8, 2, 8, 8};
static const int SMALL_BITS[] = {8, 4, 2, 4};

/* ---- Metadata ---- */

static cJSON *parse_meta(const struct container *container)
{
    cJSON *meta = cJSON_Parse(container->meta_json);
    assert_true(cJSON_IsObject(meta));
    return meta;
}

static void check_numbers(const cJSON *list, const float *want, int count)
{
    assert_int_equal(cJSON_GetArraySize(list), count);
    for (int i = 0; i < count; i++) {
        const float got = (float)cJSON_GetArrayItem(list, i)->valuedouble;
        if (got < want[i] || got > want[i])
            fail_msg("number %d: got %.9g, want %.9g", i, (double)got, (double)want[i]);
    }
}

static void metadata_holds_network_and_scales(void **state)
{
    struct made_up made;
    (void)state;
    made_up_small(&made, SMALL_BITS, 1);
    made.quant->layers[2]->weight_scale[1] = 0.1f;
    made.quant->layers[2]->in_scale = 1.0f / 3.0f;
    struct container *container = made_up_pack(&made);
    cJSON *meta = parse_meta(container);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(meta, "model_json")),
                        made.net->json_text);
    const cJSON *weights = cJSON_GetObjectItem(meta, "weight_scale");
    assert_int_equal(cJSON_GetArraySize(weights), 4);
    check_numbers(cJSON_GetArrayItem(weights, 2), made.quant->layers[2]->weight_scale, 7);
    const float in_scale[] = {1.0f / 255.0f, 1.0f / 255.0f, 1.0f / 3.0f, 1.0f / 255.0f};
    const float out_scale[] = {0.125f, 0.125f, 0.125f, 0.125f};
    check_numbers(cJSON_GetObjectItem(meta, "in_scale"), in_scale, 4);
    check_numbers(cJSON_GetObjectItem(meta, "out_scale"), out_scale, 4);
    cJSON_Delete(meta);
    container_free(container);
    made_up_free(&made);
}

static void metadata_is_added_and_replaced(void **state)
{
    struct container container = {.meta_json = NULL};
    struct error err;
    (void)state;
    check_ok(container_meta_set(&container, "method", "ptq \"x\"", 0, &err), &err);
    assert_string_equal(container.meta_json, "{\"method\":\"ptq \\\"x\\\"\"}");
    check_ok(container_meta_set(&container, "accuracy", NULL, 98.25, &err), &err);
    check_ok(container_meta_set(&container, "method", NULL, 3, &err), &err);
    assert_string_equal(container.meta_json, "{\"accuracy\":98.25,\"method\":3}");
    check_ok(container_meta_set(&container, "accuracy", NULL, NAN, &err), &err);
    check_ok(container_meta_set(&container, "x", NULL, INFINITY, &err), &err);
    assert_string_equal(container.meta_json, "{\"method\":3,\"accuracy\":null,\"x\":null}");
    free(container.meta_json);
}

/* ---- QUANT file ---- */

static const char FILE_NAME[] = "q.mpq";

/* A new file each time: to write over an old one, some file systems wait for the disk. */
static void write_sample(const uint8_t *bytes, size_t size)
{
    unlink(FILE_NAME);
    scratch_write(FILE_NAME, bytes, size);
}

/* Saves a small container and returns the file's bytes; free() them. */
static uint8_t *save_sample(size_t *size)
{
    struct made_up made;
    struct error err;
    made_up_small(&made, SMALL_BITS, 1);
    struct container *container = made_up_pack(&made);
    check_ok(container_save(container, FILE_NAME, &err), &err);
    container_free(container);
    made_up_free(&made);
    return (uint8_t *)scratch_read(FILE_NAME, size);
}

static void check_load_fails(const uint8_t *bytes, size_t size, const char *text)
{
    static struct container untouched;
    struct container *container = &untouched;
    struct error err = {""};
    write_sample(bytes, size);
    check_failed(container_load(FILE_NAME, &container, &err), STATUS_INPUT, &err, text);
    assert_null(container);
}

/* Both checksums after a change: the container's own and the file's. */
static void fix_checksums(uint8_t *bytes, size_t size)
{
    build_fix_checksum(bytes);
    put_u32(bytes + size - 4, crc32_update(0, bytes, size - 4));
}

static void file_brings_back_container_and_metadata(void **state)
{
    struct made_up made;
    struct container *read = NULL;
    struct error err;
    (void)state;
    made_up_lenet5(&made, LENET_BITS, 1);
    struct container *container = made_up_pack(&made);
    check_ok(container_meta_set(container, "method", "ptq", 0, &err), &err);
    scratch_write(FILE_NAME, "old", 3);
    check_ok(container_save(container, FILE_NAME, &err), &err);
    check_ok(container_load(FILE_NAME, &read, &err), &err);
    assert_int_equal(read->size, container->size);
    assert_int_equal((uintptr_t)read->bytes % 16, 0);
    assert_memory_equal(read->bytes, container->bytes, container->size);
    assert_string_equal(read->meta_json, container->meta_json);
    assert_ptr_equal(read->model->bytes, read->bytes);
    assert_int_equal(read->model->layer_count, container->model->layer_count);
    container_free(read);
    container_free(container);
    made_up_free(&made);
}

static void file_without_metadata_is_an_empty_object(void **state)
{
    struct made_up made;
    struct container *read = NULL;
    struct error err;
    (void)state;
    made_up_small(&made, SMALL_BITS, 1);
    struct container *container = made_up_pack(&made);
    free(container->meta_json);
    container->meta_json = NULL;
    check_ok(container_save(container, FILE_NAME, &err), &err);
    check_ok(container_load(FILE_NAME, &read, &err), &err);
    assert_string_equal(read->meta_json, "{}");
    container_free(read);
    container_free(container);
    made_up_free(&made);
}

static void failed_save_leaves_the_old_file(void **state)
{
    struct made_up made;
    struct error err;
    (void)state;
    made_up_small(&made, SMALL_BITS, 1);
    struct container *container = made_up_pack(&made);
    assert_int_equal(mkdir("folder.mpq", 0777), 0);
    check_failed(container_save(container, "folder.mpq", &err), STATUS_IO, &err,
                 "folder.mpq: cannot be written: Is a directory");
    check_failed(container_save(container, "missing/q.mpq", &err), STATUS_IO, &err,
                 "missing/q.mpq: cannot be written: No such file or directory; choose another "
                 "place");
    assert_int_equal(rmdir("folder.mpq"), 0);
    char temporary[64];
    snprintf(temporary, sizeof temporary, "folder.mpq.%ld.tmp", (long)getpid());
    assert_int_equal(access(temporary, F_OK), -1);
    container_free(container);
    made_up_free(&made);
}

static void file_cut_anywhere_is_refused(void **state)
{
    size_t size;
    uint8_t *bytes = save_sample(&size);
    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        struct container *container = NULL;
        struct error err = {""};
        write_sample(bytes, cut);
        if (container_load(FILE_NAME, &container, &err) != STATUS_INPUT ||
            strncmp(err.text, "q.mpq: ", 7) != 0)
            fail_msg("cut to %zu of %zu bytes: got: %s", cut, size, err.text);
        assert_null(container);
    }
    check_load_fails(bytes, 3, "q.mpq: not a QUANT file; make one with mpq quantize");
    check_load_fails(bytes, 20, "q.mpq: cut short, 20 bytes; make it anew with mpq quantize");
    check_load_fails(bytes, size - 1,
                     "q.mpq: checksum does not match; the file is damaged or cut short, make it "
                     "anew with mpq quantize");
    free(bytes);
}

static void damage_anywhere_is_found(void **state)
{
    size_t size;
    uint8_t *bytes = save_sample(&size);
    (void)state;
    for (size_t i = 0; i < size; i++) {
        struct container *container = NULL;
        struct error err = {""};
        bytes[i] ^= (uint8_t)(1u << i % 8);
        write_sample(bytes, size);
        if (container_load(FILE_NAME, &container, &err) != STATUS_INPUT ||
            strncmp(err.text, "q.mpq: ", 7) != 0)
            fail_msg("byte %zu of %zu changed: got: %s", i, size, err.text);
        bytes[i] ^= (uint8_t)(1u << i % 8);
    }
    free(bytes);
}

static void faults_under_right_checksums_are_named(void **state)
{
    size_t size;
    uint8_t *bytes = save_sample(&size);
    const uint32_t layers = get_u32(bytes + MH_LAYER_TABLE);
    (void)state;
    bytes[layers + MODEL_LAYER_BYTES + ML_OP] = 99;
    fix_checksums(bytes, size);
    check_load_fails(bytes, size, "q.mpq: layer 1 (maxpool1): operation not known here");
    bytes[layers + MODEL_LAYER_BYTES + ML_OP] = OP_MAXPOOL;
    put_u32(bytes + get_u32(bytes + MH_BUFFER_TABLE) + MB_ARENA_OFFSET, 0x7ffffff0);
    fix_checksums(bytes, size);
    check_load_fails(bytes, size, "q.mpq: buffer 0: buffer shape or place out of range");
    put_u32(bytes + MH_ARENA_BYTES, 0xfffffff0);
    fix_checksums(bytes, size);
    check_load_fails(bytes, size, "q.mpq: container and arena exceed the model area");
    put_u32(bytes + MH_CONTAINER_BYTES, 62);
    put_u32(bytes + size - 4, crc32_update(0, bytes, size - 4));
    check_load_fails(bytes, size, "q.mpq: header field out of range");
    put_u32(bytes + MH_CONTAINER_BYTES, (uint32_t)size);
    char want[128];
    snprintf(want, sizeof want,
             "q.mpq: cut short: %zu bytes, its container alone has %zu; make it anew with mpq "
             "quantize",
             size - 1, size);
    check_load_fails(bytes, size - 1, want);
    put_u16(bytes + MH_VERSION, 1);
    check_load_fails(bytes, size,
                     "q.mpq: container version 1, this tool reads 6; make it anew with "
                     "mpq quantize");
    free(bytes);
}

static void other_files_are_recognized(void **state)
{
    struct container *container;
    struct error err;
    (void)state;
    check_load_fails((const uint8_t *)"MPQF and more", 13,
                     "q.mpq: a FLOAT file, want a QUANT file; make one with mpq quantize");
    check_load_fails((const uint8_t *)"{\"name\": 1}", 11,
                     "q.mpq: not a QUANT file; make one with mpq quantize");
    check_failed(container_load("none.mpq", &container, &err), STATUS_INPUT, &err,
                 "none.mpq: cannot be read: No such file or directory");
    check_failed(container_load(".", &container, &err), STATUS_INPUT, &err,
                 ".: not a regular file");
}

static void metadata_that_is_no_object_is_refused(void **state)
{
    static const char *const bad[] = {"", "[]", "{\"a\":", "{} x", "7"};
    size_t size;
    uint8_t *bytes = save_sample(&size);
    const size_t start = get_u32(bytes + MH_CONTAINER_BYTES);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const size_t end = start + strlen(bad[i]);
        memcpy(bytes + start, bad[i], strlen(bad[i]));
        put_u32(bytes + end, crc32_update(0, bytes, end));
        check_load_fails(bytes, end + 4,
                         "q.mpq: metadata is not a JSON object; make it anew with mpq quantize");
    }
    memcpy(bytes + start, "{}\0 ", 4);
    put_u32(bytes + start + 4, crc32_update(0, bytes, start + 4));
    check_load_fails(bytes, start + 8,
                     "q.mpq: metadata is not a JSON object; make it anew with mpq quantize");
    free(bytes);
}

/* Random changes under right checksums: whatever is accepted can be run. */
static void fuzzed_files_are_refused_or_run(void **state)
{
    size_t size, accepted = 0;
    uint8_t *bytes = save_sample(&size), *bad = malloc(size);
    const size_t tables = get_u32(bytes + MH_LAYER_TABLE) + 9 * MODEL_LAYER_BYTES;
    struct rng rng;
    (void)state;
    assert_non_null(bad);
    rng_init(&rng, 8, 0);
    for (int i = 0; i < 3000; i++) {
        struct container *container = NULL;
        struct error err = {""};
        memcpy(bad, bytes, size);
        for (uint32_t n = 1 + rng_below(&rng, 3); n > 0; n--)
            bad[8 + rng_below(&rng, (uint32_t)tables - 8)] = (uint8_t)rng_below(&rng, 256);
        if (get_u32(bad + MH_CONTAINER_BYTES) == get_u32(bytes + MH_CONTAINER_BYTES))
            fix_checksums(bad, size);
        write_sample(bad, size);
        if (container_load(FILE_NAME, &container, &err) != STATUS_OK) {
            assert_true(strncmp(err.text, "q.mpq: ", 7) == 0);
            continue;
        }
        accepted++;
        if (container->model->arena_bytes < 1 << 20) {
            uint8_t *arena = made_up_arena(container->model, 1);
            for (unsigned n = 0; n < container->model->layer_count; n++)
                run_layer(container->model, arena, n, TIER_NN);
            free(arena);
        }
        container_free(container);
    }
    assert_true(accepted > 0);
    free(bad);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_holds_network_and_scales),
        cmocka_unit_test(metadata_is_added_and_replaced),
        cmocka_unit_test(file_brings_back_container_and_metadata),
        cmocka_unit_test(file_without_metadata_is_an_empty_object),
        cmocka_unit_test(failed_save_leaves_the_old_file),
        cmocka_unit_test(file_cut_anywhere_is_refused),
        cmocka_unit_test(damage_anywhere_is_found),
        cmocka_unit_test(faults_under_right_checksums_are_named),
        cmocka_unit_test(other_files_are_recognized),
        cmocka_unit_test(metadata_that_is_no_object_is_refused),
        cmocka_unit_test(fuzzed_files_are_refused_or_run),
    };
    return cmocka_run_group_tests_name("container", tests, scratch_enter, scratch_leave);
}
