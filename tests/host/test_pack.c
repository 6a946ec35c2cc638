// SPDX-License-Identifier: Apache-2.0
/* Containers from quantized networks: what runs, and what it computes. */
#include "host/made_up_quant.h"

#include "base/rng.h"
#include "bytes.h"
#include "protocol.h"
#include "run.h"

static const int LENET_BITS[] = {4, 8, 2, 8, 8};
static const int SMALL_BITS[] = {8, 4, 2, 4};
static const int ONE_BITS[] = {8, 8, 8, 8};

/* ---- What runs ---- */

/* The operations of a container as "conv2d avgpool ...", compared with want. */
static void check_ops(const struct container *container, const char *want)
{
    char got[512] = "";
    for (int i = 0; i < container->model->layer_count; i++) {
        const size_t used = strlen(got);
        snprintf(got + used, sizeof got - used, "%s%s", i ? " " : "",
                 container_op_name(container->model->layers[i].op));
    }
    assert_string_equal(got, want);
}

static void check_packed_ops(const char *layers, int classes, const char *want)
{
    struct made_up made;
    made_up_create(&made, layers, "6, 6, 2", classes, ONE_BITS, 1);
    struct container *container = made_up_pack(&made);
    check_ops(container, want);
    container_free(container);
    made_up_free(&made);
}

static void relu_is_fused_and_flatten_dropped_in_lenet5(void **state)
{
    struct made_up made;
    (void)state;
    made_up_lenet5(&made, LENET_BITS, 1);
    struct container *container = made_up_pack(&made);
    const struct model *model = container->model;
    check_ops(container, "conv2d avgpool conv2d avgpool fc fc fc argmax");
    const int relu[] = {1, 0, 1, 0, 1, 1, 0, 0}, bits[] = {4, 0, 8, 0, 2, 8, 8, 0};
    for (int i = 0; i < model->layer_count; i++) {
        assert_int_equal(model->layers[i].relu, relu[i]);
        assert_int_equal(model->layers[i].weight_bits, bits[i]);
    }
    assert_int_equal(model->output, model->layers[6].out);
    assert_int_equal(model->class_out, model->layers[7].out);
    assert_true(model->buffers[model->output].is_signed);
    assert_string_equal(model->name, "made_up_network_");
    container_free(container);
    made_up_free(&made);
}

static void relu_behind_max_pooling_is_fused(void **state)
{
    (void)state;
    check_packed_ops("{\"op\": \"conv\", \"channels\": 3, \"kernel\": 3},"
                     "{\"op\": \"maxpool\", \"kernel\": 2}, {\"op\": \"relu\"},"
                     "{\"op\": \"fc\", \"outputs\": 4}",
                     4, "conv2d maxpool fc argmax");
}

static void relu_behind_average_pooling_stays(void **state)
{
    (void)state;
    check_packed_ops("{\"op\": \"conv\", \"channels\": 3, \"kernel\": 3},"
                     "{\"op\": \"avgpool\", \"kernel\": 2}, {\"op\": \"relu\"},"
                     "{\"op\": \"fc\", \"outputs\": 4}",
                     4, "conv2d avgpool relu fc argmax");
}

static void relu_of_pixels_is_dropped(void **state)
{
    (void)state;
    check_packed_ops("{\"op\": \"relu\"}, {\"op\": \"fc\", \"outputs\": 4}, {\"op\": \"relu\"}", 4,
                     "fc argmax");
}

static void flatten_stays_in_front_of_what_sees_the_shape(void **state)
{
    (void)state;
    check_packed_ops("{\"op\": \"flatten\"}, {\"op\": \"conv\", \"channels\": 4, \"kernel\": 1}", 4,
                     "flatten conv2d argmax");
    check_packed_ops("{\"op\": \"flatten\"}, {\"op\": \"maxpool\", \"kernel\": 1},"
                     "{\"op\": \"fc\", \"outputs\": 4}",
                     4, "flatten maxpool fc argmax");
    check_packed_ops("{\"op\": \"flatten\"}, {\"op\": \"flatten\"},"
                     "{\"op\": \"fc\", \"outputs\": 4}, {\"op\": \"flatten\"}",
                     4, "fc argmax");
    check_packed_ops("{\"op\": \"flatten\"}, {\"op\": \"fc\", \"outputs\": 4},"
                     "{\"op\": \"maxpool\", \"kernel\": 1}",
                     4, "fc maxpool argmax");
}

static void output_is_what_argmax_reads(void **state)
{
    struct made_up made;
    (void)state;
    made_up_create(&made,
                   "{\"op\": \"conv\", \"channels\": 4, \"kernel\": 3},"
                   "{\"op\": \"avgpool\", \"kernel\": 4}",
                   "6, 6, 2", 4, ONE_BITS, 1);
    struct container *container = made_up_pack(&made);
    const struct model *model = container->model;
    check_ops(container, "conv2d avgpool argmax");
    assert_int_equal(model->output, model->layers[1].out);
    assert_int_equal(model->output, model->layers[2].in);
    container_free(container);
    made_up_free(&made);
}

static void layers_have_the_networks_names(void **state)
{
    static const char *const want[] = {"stem",     "maxpool1", "conv2", "avgpool1", "relu2",
                                       "flatten1", "conv3",    "head",  "argmax"};
    struct made_up made;
    (void)state;
    made_up_small(&made, SMALL_BITS, 1);
    struct container *container = made_up_pack(&made);
    check_ops(container, "conv2d maxpool conv2d avgpool relu flatten conv2d fc argmax");
    for (unsigned i = 0; i < sizeof want / sizeof *want; i++) {
        char name[NET_NAME_BYTES];
        container_layer_name(container, i, name, sizeof name);
        assert_string_equal(name, want[i]);
    }
    free(container->meta_json);
    container->meta_json = NULL;
    char name[NET_NAME_BYTES];
    container_layer_name(container, 7, name, sizeof name);
    assert_string_equal(name, "fc");
    container_free(container);
    made_up_free(&made);
}

/* ---- What it computes ---- */

static void check_bytes(const char *what, const uint8_t *got, const uint8_t *want, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (got[i] != want[i])
            fail_msg("%s: byte %zu: got %u, want %u", what, i, got[i], want[i]);
}

/* Runs the container with the core's kernels and compares with the network's own layers. The
 * arena's other bytes are arbitrary; a second run over what the first one left must give the same. */
static void check_run(const struct made_up *made, const struct container *container, unsigned tier,
                      uint64_t seed)
{
    const struct model *model = container->model;
    const size_t in_size = model->buffers[model->input].size_bytes;
    const size_t out_size = (size_t)made->net->class_count;
    uint8_t *arena = made_up_arena(model, (uint8_t)(0xa5 + seed));
    uint8_t *input = arena + model->buffers[model->input].arena_offset;
    uint8_t *image = malloc(in_size), *want = malloc(out_size);
    assert_true(image && want);
    made_up_image(image, in_size, seed);
    const int want_class = made_up_run(made, image, want);
    assert_int_equal(model->buffers[model->output].size_bytes, out_size);
    for (int run = 0; run < 2; run++) {
        memcpy(input, image, in_size);
        for (unsigned i = 0; i < model->layer_count; i++)
            run_layer(model, arena, i, tier);
        check_bytes("output", arena + model->buffers[model->output].arena_offset, want, out_size);
        assert_int_equal(get_u16(arena + model->buffers[model->class_out].arena_offset),
                         want_class);
    }
    free(want);
    free(image);
    free(arena);
}

static void packed_networks_compute_what_their_layers_say(void **state)
{
    static const int widths[] = {8, 4, 2};
    struct rng rng;
    (void)state;
    rng_init(&rng, 5, 0);
    for (uint64_t seed = 0; seed < 24; seed++) {
        struct made_up made;
        int bits[5];
        for (int i = 0; i < 5; i++)
            bits[i] = widths[rng_below(&rng, 3)];
        if (seed % 4 == 0)
            made_up_lenet5(&made, bits, seed);
        else
            made_up_small(&made, bits, seed);
        struct container *container = made_up_pack(&made);
        check_run(&made, container, TIER_NN, seed);
        check_run(&made, container, TIER_RV32, seed);
        container_free(container);
        made_up_free(&made);
    }
}

static void random_networks_compute_what_their_layers_say(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct made_up made;
        made_up_random(&made, seed);
        struct container *container = made_up_pack(&made);
        check_run(&made, container, TIER_NN, seed);
        container_free(container);
        made_up_free(&made);
    }
}

static void containers_that_differ_in_their_last_layers_begin_alike(void **state)
{
    static const int other_bits[] = {4, 8, 2, 8, 2};
    struct made_up a, b;
    (void)state;
    made_up_lenet5(&a, LENET_BITS, 1);
    made_up_lenet5(&b, other_bits, 1);
    struct container *one = made_up_pack(&a), *other = made_up_pack(&b);
    const struct model_layer *layer = &one->model->layers[4]; /* the first fully connected one */
    assert_int_equal(layer->weight_offset, other->model->layers[4].weight_offset);
    assert_memory_equal(one->bytes + layer->weight_offset, other->bytes + layer->weight_offset,
                        layer->weight_bytes);
    container_free(one);
    container_free(other);
    made_up_free(&a);
    made_up_free(&b);
}

/* ---- What is refused ---- */

static void check_pack_fails(const struct made_up *made, const char *text)
{
    static struct container untouched;
    struct container *container = &untouched;
    struct error err;
    check_failed(pack_model(made->quant, &container, &err), STATUS_INPUT, &err, text);
    assert_null(container);
}

static void contradictions_between_network_and_quantizer_are_named(void **state)
{
    struct made_up made;
    (void)state;
    made_up_small(&made, SMALL_BITS, 1);
    struct quant_layer **layers = made.quant->layers, *const head = layers[3];
    layers[3] = NULL;
    check_pack_fails(&made, "layer head: not quantized");
    layers[3] = head;
    head->bits = 3;
    check_pack_fails(&made, "layer head: weight bits: want 8, 4 or 2, got 3");
    head->bits = 4;
    head->row_count--;
    check_pack_fails(&made, "layer head: quantized weights: want 5 x 7, got 5 x 6");
    head->row_count++;
    head->in_signed = true;
    check_pack_fails(&made, "layer head: quantized for int8 inputs, but they are uint8");
    head->in_signed = false;
    head->relu = true;
    check_pack_fails(&made, "layer head: quantized with a ReLU that does not follow it");
    head->relu = false;
    head->weight[9] = 8;
    check_pack_fails(&made, "layer head: weight 9: 8 does not fit 4 bits");
    head->weight[9] = -8;
    head->shift[4] = 32;
    check_pack_fails(&made, "layer head: channel 4: shift above 31");
    head->shift[4] = 31;
    container_free(made_up_pack(&made));
    made_up_free(&made);
}

static void networks_beyond_the_containers_limits_are_refused(void **state)
{
    struct made_up made;
    char layers[8192] = "";
    (void)state;
    for (int i = 0; i < 127; i++)
        strcat(layers, "{\"op\": \"maxpool\", \"kernel\": 1},");
    strcat(layers, "{\"op\": \"fc\", \"outputs\": 4}");
    made_up_create(&made, layers, "2, 2, 1", 4, ONE_BITS, 1);
    check_pack_fails(&made, "layer argmax: more than 128 layers in a container; use fewer");
    made_up_free(&made);
    made_up_create(&made,
                   "{\"op\": \"flatten\"}, {\"op\": \"conv\", \"channels\": 4, \"kernel\": 1}",
                   "64, 65, 1", 4, ONE_BITS, 1);
    check_pack_fails(&made, "layer flatten1: activations of 1x1x4160; a container holds at most "
                            "4096 in each direction and 16777216 in all");
    made_up_free(&made);
    made_up_create(&made, "{\"op\": \"flatten\"}, {\"op\": \"fc\", \"outputs\": 4}", "64, 65, 1", 4,
                   ONE_BITS, 1);
    container_free(made_up_pack(&made));
    made_up_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relu_is_fused_and_flatten_dropped_in_lenet5),
        cmocka_unit_test(relu_behind_max_pooling_is_fused),
        cmocka_unit_test(relu_behind_average_pooling_stays),
        cmocka_unit_test(relu_of_pixels_is_dropped),
        cmocka_unit_test(flatten_stays_in_front_of_what_sees_the_shape),
        cmocka_unit_test(output_is_what_argmax_reads),
        cmocka_unit_test(layers_have_the_networks_names),
        cmocka_unit_test(packed_networks_compute_what_their_layers_say),
        cmocka_unit_test(random_networks_compute_what_their_layers_say),
        cmocka_unit_test(containers_that_differ_in_their_last_layers_begin_alike),
        cmocka_unit_test(contradictions_between_network_and_quantizer_are_named),
        cmocka_unit_test(networks_beyond_the_containers_limits_are_refused),
    };
    return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
