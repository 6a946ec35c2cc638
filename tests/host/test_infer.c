// SPDX-License-Identifier: Apache-2.0
/* The integer model against the oracle of tests/model, on every path that this machine has. */
#include "host/scratch.h"

#include "infer/infer_path.h"
#include "model/random_model.h"

enum { IMAGES_MAX = 50, GUARD_BYTES = 32, GUARD = 0xa5 };

/* ---- Images through the oracle and through the integer model ---- */

/* What the oracle keeps of each image: the bytes of every buffer, [buffer][image][size]. */
struct expected {
    size_t count;
    uint8_t *values[MODEL_MAX_BUFFERS];
};

static void *must_allocate(size_t size)
{
    void *bytes = calloc(1, size);
    assert_non_null(bytes);
    return bytes;
}

static void random_image(struct random_model *chain, uint8_t *image, size_t size)
{
    /* the end of the range: both for int8 and for uint8 */
    const uint8_t end = chain->buffers[0].is_signed ? 0x80 : 0xff;
    if (chain->is_extreme)
        memset(image, end, size);
    else
        test_random_bytes(&chain->random, image, size);
}

static void run_oracle(struct random_model *chain, size_t count, struct expected *want)
{
    const struct model *model = &chain->model;
    uint8_t *arena = must_allocate(model->arena_bytes);
    *want = (struct expected){.count = count};
    for (int b = 0; b < model->buffer_count; b++)
        want->values[b] = must_allocate(count * model->buffers[b].size_bytes);
    for (size_t i = 0; i < count; i++) {
        random_image(chain, arena + model->buffers[0].arena_offset, model->buffers[0].size_bytes);
        assert_true(ref_run_model(model, arena));
        for (int b = 0; b < model->buffer_count; b++) {
            const struct model_buffer *buffer = &model->buffers[b];
            memcpy(want->values[b] + i * buffer->size_bytes, arena + buffer->arena_offset,
                   buffer->size_bytes);
        }
    }
    free(arena);
}

static void expected_free(struct expected *want)
{
    for (int b = 0; b < MODEL_MAX_BUFFERS; b++)
        free(want->values[b]);
}

static void compare(const char *what, const uint8_t *got, const uint8_t *want, size_t count,
                    size_t size)
{
    for (size_t i = 0; i < count * size; i++) {
        if (got[i] != want[i])
            fail_msg("%s: image %zu, byte %zu: got %u, want %u", what, i / size, i % size, got[i],
                     want[i]);
    }
}

/* Layers first..last-1 from the oracle's values before them to its values behind them. */
static void check_range(const struct infer *infer, int first, int last, const struct expected *want,
                        int threads)
{
    struct error err;
    char what[64];
    const size_t size = infer_layer_out_bytes(infer, last - 1), bytes = want->count * size;
    uint8_t *out = must_allocate(bytes + 2 * GUARD_BYTES);
    memset(out, GUARD, bytes + 2 * GUARD_BYTES);
    check_ok(infer_run(infer, first, last, want->values[first], want->count, out + GUARD_BYTES,
                       threads, &err),
             &err);
    snprintf(what, sizeof what, "layers %d..%d, %d threads", first, last - 1, threads);
    compare(what, out + GUARD_BYTES, want->values[last], want->count, size);
    for (size_t i = 0; i < GUARD_BYTES; i++) {
        assert_int_equal(out[i], GUARD);
        assert_int_equal(out[GUARD_BYTES + bytes + i], GUARD);
    }
    free(out);
}

/* The path that a test is about; skips if this machine lacks it. */
static const struct infer_path *path_of(void **state)
{
    const struct infer_path *path = *state;
    if (!path->is_supported())
        skip();
    return path;
}

/* Every range of layers of a complete chain, on count images. */
static void check_chain(const struct infer_path *path, struct random_model *chain, size_t count,
                        int threads)
{
    struct error err;
    struct infer *infer;
    struct expected want;
    assert_int_equal(random_model_finish(chain), MODEL_OK);
    check_ok(infer_create_on(path, &chain->model, &infer, &err), &err);
    assert_int_equal(infer_layer_count(infer), chain->layer_count);
    run_oracle(chain, count, &want);
    for (int first = 0; first < chain->layer_count; first++)
        for (int last = first + 1; last <= chain->layer_count; last++)
            check_range(infer, first, last, &want, threads);
    expected_free(&want);
    infer_free(infer);
    random_model_free(chain);
}

static struct build_buffer random_input(uint32_t seed)
{
    struct test_random random = {seed * 2654435761u | 1};
    for (int i = 0; i < 8; i++)
        test_random_next(&random);
    return (struct build_buffer){.height = test_random_between(&random, 1, 9),
                                 .width = test_random_between(&random, 1, 9),
                                 .channels = test_random_between(&random, 1, 9),
                                 .is_signed = test_random_between(&random, 0, 1)};
}

static void check_single_layers(const struct infer_path *path, enum model_op op, uint32_t seeds)
{
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        struct random_model chain;
        random_model_begin(&chain, seed * 7919, random_input(seed));
        random_model_add_any(&chain, op);
        check_chain(path, &chain, 1 + seed % 3, 1);
    }
}

/* ---- Cases of each path ---- */

static void convolutions_equal_the_oracle(void **state)
{
    check_single_layers(path_of(state), OP_CONV2D, 300);
}

static void fc_layers_equal_the_oracle(void **state)
{
    check_single_layers(path_of(state), OP_FC, 150);
}

static void other_layers_equal_the_oracle(void **state)
{
    static const enum model_op ops[] = {OP_MAXPOOL, OP_AVGPOOL, OP_RELU, OP_FLATTEN, OP_ARGMAX};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        check_single_layers(path_of(state), ops[i], 60);
}

/* The largest products, in rows that are long enough for any 16-bit sum to overflow. */
static void extreme_values_do_not_saturate(void **state)
{
    const struct infer_path *path = path_of(state);
    for (uint32_t i = 0; i < 12; i++) {
        struct random_model chain;
        const struct ref_window window = {3, 3, 1, 1, 1, 1, 1, 1};
        const int bits = 2 << i % 3;
        const bool is_fc = i / 6;
        random_model_begin(&chain, 100 + i, (struct build_buffer){5, 4, 40, i / 3 % 2, 0});
        chain.is_extreme = true;
        random_model_add(&chain, is_fc ? OP_FC : OP_CONV2D, bits, 13, i % 2,
                         is_fc ? NULL : &window);
        check_chain(path, &chain, 2, 1);
    }
}

/* Round 256 activations, where 16-bit sums end, of channels that are all but 255 or 0. */
static void averages_of_large_windows_equal_the_oracle(void **state)
{
    static const int sizes[][2] = {{15, 17}, {16, 16}, {17, 16}, {17, 19}};
    const struct infer_path *path = path_of(state);
    for (uint32_t i = 0; i < 4; i++) {
        struct random_model chain;
        const int height = sizes[i][0], width = sizes[i][1];
        const struct ref_window pixel = {1, 1, 1, 1, 0, 0, 0, 0};
        const struct ref_window all = {height, width, 1, 1, 0, 0, 0, 0};
        random_model_begin(&chain, 50 + i, (struct build_buffer){height, width, 3, false, 0});
        chain.is_extreme = true;
        random_model_add(&chain, OP_CONV2D, 8, 2, true, &pixel);
        random_model_add(&chain, OP_AVGPOOL, 0, 0, false, &all);
        check_chain(path, &chain, 2, 1);
    }
}

/* The bias alone brings accumulators to both ends of 32 bits; the sums go past them. */
static void accumulators_wrap_at_32_bits(void **state)
{
    const struct infer_path *path = path_of(state);
    struct random_model chain;
    random_model_begin(&chain, 11, (struct build_buffer){1, 1, 30, false, 0});
    random_model_add(&chain, OP_FC, 8, 16, false, NULL);
    struct ref_channel *channels = (void *)(size_t)chain.layers[0].weights->channels;
    for (int c = 0; c < 16; c++)
        channels[c] = (struct ref_channel){c & 1 ? 127 : -128, 24, 1 + c, 22 + c % 3};
    check_chain(path, &chain, 40, 1);
}

static void chains_and_all_their_parts_equal_the_oracle(void **state)
{
    static const enum model_op ops[] = {OP_CONV2D, OP_MAXPOOL, OP_AVGPOOL, OP_RELU, OP_CONV2D};
    const struct infer_path *path = path_of(state);
    for (uint32_t seed = 1; seed <= 40; seed++) {
        struct random_model chain;
        random_model_begin(&chain, seed * 104729, random_input(1000 + seed));
        for (int i = 0; i < 3; i++)
            random_model_add_any(&chain, ops[test_random_between(&chain.random, 0, 4)]);
        if (seed % 2)
            random_model_add_any(&chain, OP_FLATTEN);
        random_model_add_any(&chain, OP_FC);
        random_model_add_any(&chain, OP_ARGMAX);
        check_chain(path, &chain, 1 + seed % 35, 1 + (int)seed % 3);
    }
}

static void lenet5_equals_the_oracle_at_every_width(void **state)
{
    static const int bits[3][5] = {{8, 4, 2, 8, 4}, {4, 2, 8, 4, 2}, {2, 8, 4, 2, 8}};
    const struct infer_path *path = path_of(state);
    for (uint32_t i = 0; i < 3; i++) {
        struct random_model chain;
        random_model_lenet5(&chain, 31 + i, bits[i]);
        check_chain(path, &chain, 2, 2);
    }
}

static void any_number_of_images_and_threads_gives_the_same(void **state)
{
    struct error err;
    struct infer *infer;
    struct expected want;
    struct random_model chain;
    const struct infer_path *path = path_of(state);
    random_model_begin(&chain, 5, (struct build_buffer){6, 5, 3, false, 0});
    random_model_add_any(&chain, OP_CONV2D);
    random_model_add_any(&chain, OP_FC);
    assert_int_equal(random_model_finish(&chain), MODEL_OK);
    check_ok(infer_create_on(path, &chain.model, &infer, &err), &err);
    run_oracle(&chain, IMAGES_MAX, &want);
    for (want.count = 0; want.count <= IMAGES_MAX; want.count++)
        for (int threads = 0; threads <= 3; threads++)
            check_range(infer, 0, 2, &want, threads);
    expected_free(&want);
    infer_free(infer);
    random_model_free(&chain);
}

/* ---- Cases of the module ---- */

static void the_model_borrows_nothing(void **state)
{
    struct error err;
    struct infer *infer;
    struct expected want;
    struct random_model chain;
    (void)state;
    random_model_lenet5(&chain, 3, (const int[]){4, 4, 4, 4, 4});
    assert_int_equal(random_model_finish(&chain), MODEL_OK);
    run_oracle(&chain, 1, &want);
    check_ok(infer_create(&chain.model, &infer, &err), &err);
    memset(chain.bytes, 0xff, chain.model.container_bytes);
    memset(&chain.model, 0xff, sizeof chain.model);
    check_range(infer, 0, chain.layer_count, &want, 1);
    expected_free(&want);
    infer_free(infer);
    random_model_free(&chain);
}

/* Identity of three inputs and ARGMAX: the class is the brightest input. */
static void make_picker(struct random_model *chain)
{
    random_model_begin(chain, 1, (struct build_buffer){1, 1, 3, false, 0});
    random_model_add(chain, OP_ARGMAX, 0, 0, false, NULL);
    assert_int_equal(random_model_finish(chain), MODEL_OK);
}

static void accuracy_is_the_percentage_of_right_classes(void **state)
{
    uint8_t images[][3] = {{1, 2, 3}, {9, 0, 9}, {0, 7, 0}, {255, 254, 128}};
    uint16_t labels[] = {2, 2, 1, 0};
    const struct dataset data = {
        .count = 4, .shape = {1, 1, 3}, .scale = 1, .images = images[0], .labels = labels};
    struct error err;
    struct infer *infer;
    struct random_model chain;
    double accuracy = -1;
    (void)state;
    make_picker(&chain);
    check_ok(infer_create(&chain.model, &infer, &err), &err);
    check_ok(infer_accuracy(infer, &data, 0, &accuracy, &err), &err);
    if (accuracy < 75.0 || accuracy > 75.0)
        fail_msg("accuracy: got %g, want 75", accuracy);
    infer_free(infer);
    random_model_free(&chain);
}

static void accuracy_refuses_images_of_another_size(void **state)
{
    uint8_t image[4] = {0};
    uint16_t label = 0;
    const struct dataset data = {
        .count = 1, .shape = {2, 2, 1}, .scale = 1, .images = image, .labels = &label};
    struct error err;
    struct infer *infer;
    struct random_model chain;
    double accuracy;
    (void)state;
    make_picker(&chain);
    check_ok(infer_create(&chain.model, &infer, &err), &err);
    check_failed(infer_accuracy(infer, &data, 1, &accuracy, &err), STATUS_INPUT, &err,
                 "model random: want images of 3 bytes, got 4");
    infer_free(infer);
    random_model_free(&chain);
}

static void accuracy_refuses_images_of_the_other_sign(void **state)
{
    uint8_t image[3] = {0};
    uint16_t label = 0;
    const struct dataset data = {
        .count = 1, .shape = {1, 1, 3}, .is_signed = true, .images = image, .labels = &label};
    struct error err;
    struct infer *infer;
    struct random_model chain;
    double accuracy;
    (void)state;
    make_picker(&chain);
    check_ok(infer_create(&chain.model, &infer, &err), &err);
    check_failed(infer_accuracy(infer, &data, 1, &accuracy, &err), STATUS_INPUT, &err,
                 "model random: want images of uint8, got int8");
    infer_free(infer);
    random_model_free(&chain);
}

static void accuracy_refuses_a_model_without_classes(void **state)
{
    uint8_t image[3] = {0};
    uint16_t label = 0;
    const struct dataset data = {
        .count = 1, .shape = {1, 1, 3}, .scale = 1, .images = image, .labels = &label};
    struct error err;
    struct infer *infer;
    struct random_model chain;
    double accuracy;
    (void)state;
    random_model_begin(&chain, 1, (struct build_buffer){1, 1, 3, false, 0});
    random_model_add_any(&chain, OP_FC);
    assert_int_equal(random_model_finish(&chain), MODEL_OK);
    check_ok(infer_create(&chain.model, &infer, &err), &err);
    check_failed(infer_accuracy(infer, &data, 1, &accuracy, &err), STATUS_INPUT, &err,
                 "model random: gives no class; want an argmax layer");
    infer_free(infer);
    random_model_free(&chain);
}

/* Two layers on the input, then one on a buffer that only it fills, in place. */
static void buffers_that_nothing_fills_are_refused(void **state)
{
    struct error err;
    struct infer *infer;
    struct random_model chain;
    (void)state;
    random_model_begin(&chain, 1, (struct build_buffer){1, 1, 3, false, 0});
    random_model_add_any(&chain, OP_RELU);
    random_model_add_any(&chain, OP_RELU);
    random_model_add_any(&chain, OP_RELU);
    chain.layers[1].in = 0;
    chain.layers[2].in = 3;
    assert_int_equal(random_model_finish(&chain), MODEL_OK);
    check_failed(infer_create(&chain.model, &infer, &err), STATUS_INPUT, &err,
                 "model random: layers[2]: reads buffer 3, which no layer before it fills");
    assert_null(infer);
    random_model_free(&chain);
}

/* ---- All ---- */

static const struct CMUnitTest path_cases[] = {
    cmocka_unit_test(convolutions_equal_the_oracle),
    cmocka_unit_test(fc_layers_equal_the_oracle),
    cmocka_unit_test(other_layers_equal_the_oracle),
    cmocka_unit_test(extreme_values_do_not_saturate),
    cmocka_unit_test(averages_of_large_windows_equal_the_oracle),
    cmocka_unit_test(accumulators_wrap_at_32_bits),
    cmocka_unit_test(chains_and_all_their_parts_equal_the_oracle),
    cmocka_unit_test(lenet5_equals_the_oracle_at_every_width),
    cmocka_unit_test(any_number_of_images_and_threads_gives_the_same),
};
static const struct CMUnitTest cases[] = {
    cmocka_unit_test(the_model_borrows_nothing),
    cmocka_unit_test(accuracy_is_the_percentage_of_right_classes),
    cmocka_unit_test(accuracy_refuses_images_of_another_size),
    cmocka_unit_test(accuracy_refuses_images_of_the_other_sign),
    cmocka_unit_test(accuracy_refuses_a_model_without_classes),
    cmocka_unit_test(buffers_that_nothing_fills_are_refused),
};

int main(void)
{
    enum { PATH_CASES = sizeof path_cases / sizeof *path_cases };
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    for (int p = 0; infer_path_at(p); p++) {
        struct CMUnitTest tests[PATH_CASES];
        char names[PATH_CASES][100];
        for (size_t i = 0; i < PATH_CASES; i++) {
            tests[i] = path_cases[i];
            snprintf(names[i], sizeof names[i], "%s_%s", infer_path_at(p)->name, tests[i].name);
            tests[i].name = names[i];
            tests[i].initial_state = (void *)(size_t)infer_path_at(p);
        }
        failed += cmocka_run_group_tests_name(infer_path_at(p)->name, tests, NULL, NULL);
    }
    return failed ? 1 : 0;
}
