// SPDX-License-Identifier: Apache-2.0
/* Random networks from float weights to the core: what the network as it is written computes is
 * what its container, the integer model on every path, and the kernels of both tiers compute. */
#include "host/find_simulator.h"
#include "host/random_net.h"

#include "bytes.h"
#include "infer/infer_path.h"
#include "measure/verify.h"
#include "model/ref_layers.h"
#include "protocol.h"
#include "run.h"

enum { NETWORKS = 100, IMAGES = 3, SIMULATED = 16, CLASS_BYTES = 2 };

static uint8_t *must_allocate(size_t size)
{
    uint8_t *bytes = NULL;
    assert_int_equal(posix_memalign((void **)&bytes, 16, size + 16), 0);
    memset(bytes, 0, size + 16);
    return bytes;
}

/* Results of each layer of the container for one image, one after the other. */
struct trace {
    size_t size;
    uint8_t *bytes;
};

static void add_to_trace(const struct model *model, unsigned layer, const uint8_t *arena,
                         struct trace *trace)
{
    const struct model_buffer *out = &model->buffers[model->layers[layer].out];
    memcpy(trace->bytes + trace->size, arena + out->arena_offset, out->size_bytes);
    trace->size += out->size_bytes;
}

static struct trace trace_open(const struct model *model)
{
    size_t size = 0;
    for (int i = 0; i < model->layer_count; i++)
        size += model->buffers[model->layers[i].out].size_bytes;
    return (struct trace){.bytes = must_allocate(size)};
}

static uint8_t *arena_with(const struct model *model, const uint8_t *image)
{
    const struct model_buffer *in = &model->buffers[model->input];
    uint8_t *arena = must_allocate(model->arena_bytes);
    memset(arena, 0xa5, model->arena_bytes);
    memcpy(arena + in->arena_offset, image, in->size_bytes);
    return arena;
}

/* The oracle's trace; its output and class are those of the network as it is written. */
static struct trace trace_oracle(const struct random_net *net, const uint8_t *image)
{
    const struct model *model = net->container->model;
    const struct model_buffer *out = &model->buffers[model->output];
    static int8_t weight[1 << 20];
    static struct ref_channel channels[4096];
    const struct ref_workspace workspace = {weight, sizeof weight, channels, 4096};
    uint8_t *arena = arena_with(model, image),
            *want = must_allocate(random_net_room(net->model->net));
    struct trace trace = trace_open(model);
    for (unsigned i = 0; i < model->layer_count; i++) {
        assert_true(ref_run_layer(model, i, arena, &workspace));
        add_to_trace(model, i, arena, &trace);
    }
    const int class_index = random_net_run(net, image, want);
    for (size_t i = 0; i < out->size_bytes; i++)
        if (arena[out->arena_offset + i] != want[i])
            fail_msg("container, value %zu: got %d, want %d; %s", i, arena[out->arena_offset + i],
                     want[i], net->text);
    assert_int_equal(get_u16(arena + model->buffers[model->class_out].arena_offset), class_index);
    free(want);
    free(arena);
    return trace;
}

static void compare(const struct random_net *net, const char *what, const struct trace *got,
                    const struct trace *want)
{
    const struct model *model = net->container->model;
    size_t at = 0;
    for (int i = 0; i < model->layer_count; i++) {
        const size_t size = model->buffers[model->layers[i].out].size_bytes;
        for (size_t j = 0; j < size; j++, at++)
            if (got->bytes[at] != want->bytes[at])
                fail_msg("%s, layer %d (%s), byte %zu: got %d, want %d; %s", what, i,
                         container_op_name(model->layers[i].op), j, got->bytes[at], want->bytes[at],
                         net->text);
    }
}

static void check_tier(const struct random_net *net, enum proto_tier tier, const uint8_t *image,
                       const struct trace *want)
{
    const struct model *model = net->container->model;
    uint8_t *arena = arena_with(model, image);
    struct trace got = trace_open(model);
    for (unsigned i = 0; i < model->layer_count; i++) {
        run_layer(model, arena, i, tier);
        add_to_trace(model, i, arena, &got);
    }
    compare(net, tier == TIER_NN ? "nn tier" : "rv32 tier", &got, want);
    free(got.bytes);
    free(arena);
}

static void check_path(const struct random_net *net, const struct infer_path *path,
                       const uint8_t *image, const struct trace *want)
{
    const struct model *model = net->container->model;
    struct trace got = trace_open(model);
    struct infer *infer;
    struct error err;
    check_ok(infer_create_on(path, model, &infer, &err), &err);
    for (int i = 0; i < model->layer_count; i++) {
        check_ok(infer_run(infer, 0, i + 1, image, 1, got.bytes + got.size, 1, &err), &err);
        got.size += infer_layer_out_bytes(infer, i);
    }
    compare(net, path->name, &got, want);
    infer_free(infer);
    free(got.bytes);
}

static void check_image(const struct random_net *net, const uint8_t *image)
{
    struct trace want = trace_oracle(net, image);
    for (int p = 0; infer_path_at(p); p++)
        if (infer_path_at(p)->is_supported())
            check_path(net, infer_path_at(p), image, &want);
    check_tier(net, TIER_NN, image, &want);
    check_tier(net, TIER_RV32, image, &want);
    free(want.bytes);
}

static void random_networks_agree_everywhere(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= NETWORKS; seed++) {
        struct random_net net;
        random_net_open(&net, seed);
        for (size_t i = 0; i < IMAGES; i++)
            check_image(&net, random_net_image(&net, i));
        random_net_close(&net);
    }
}

/* The seeds together have each operation, grouped and depthwise layers, and signs of all kinds:
 * a test of the test. */
static void random_networks_have_every_operation(void **state)
{
    unsigned ops = 0, groups = 0, depthwise = 0, in_place = 0, signed_adds = 0, residuals = 0;
    unsigned branches = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= NETWORKS; seed++) {
        struct random_net net;
        random_net_open(&net, seed);
        const struct model *model = net.container->model;
        for (int i = 0; i < net.model->net->layer_count; i++)
            branches += net.model->net->layers[i].op == NET_BRANCH;
        for (int i = 0; i < model->layer_count; i++) {
            const struct model_layer *l = &model->layers[i];
            const struct model_buffer *in = &model->buffers[l->in], *out = &model->buffers[l->out];
            ops |= 1u << l->op;
            groups += l->groups > 1;
            depthwise += model_is_depthwise(l, in, out);
            if (l->op != OP_ADD)
                continue;
            residuals += l->in2 != l->in;
            signed_adds += in->is_signed != model->buffers[l->in2].is_signed;
            in_place += in->arena_offset == out->arena_offset ||
                        model->buffers[l->in2].arena_offset == out->arena_offset;
        }
        random_net_close(&net);
    }
    assert_int_equal(ops, 0x1fe); /* OP_CONV2D .. OP_ADD */
    assert_true(groups > depthwise + 20);
    assert_true(depthwise > 50);
    assert_true(residuals > 50);
    assert_true(in_place > 20);
    assert_true(signed_adds > 5);
    assert_true(branches > 20);
}

static void many_images_at_once_give_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct random_net net;
        struct infer *infer;
        struct error err;
        random_net_open(&net, seed);
        const struct model *model = net.container->model;
        uint8_t classes[RANDOM_NET_IMAGES * CLASS_BYTES];
        uint8_t *values = must_allocate(random_net_room(net.model->net));
        check_ok(infer_create(model, &infer, &err), &err);
        check_ok(infer_run(infer, 0, model->layer_count, net.data.images, RANDOM_NET_IMAGES,
                           classes, 2, &err),
                 &err);
        for (size_t i = 0; i < RANDOM_NET_IMAGES; i++)
            assert_int_equal(get_u16(classes + CLASS_BYTES * i),
                             random_net_run(&net, random_net_image(&net, i), values));
        free(values);
        infer_free(infer);
        random_net_close(&net);
    }
}

/* ---- What is refused ---- */

static void check_pack_fails(const struct random_net *net, const char *text)
{
    struct container *container = NULL;
    struct error err;
    check_failed(pack_model(net->quant, &container, &err), STATUS_INPUT, &err, text);
    assert_null(container);
}

static void contradictions_in_an_addition_are_named(void **state)
{
    static const char text[] =
        "{\"name\":\"sum\",\"input\":[2,2,3],\"classes\":5,\"data\":{\"format\":\"npy\","
        "\"train_images\":\"a\",\"train_labels\":\"b\",\"test_images\":\"c\","
        "\"test_labels\":\"d\"},\"layers\":[{\"op\":\"conv\",\"channels\":3,\"kernel\":1},"
        "{\"op\":\"add\",\"name\":\"sum\",\"with\":\"input\"},{\"op\":\"fc\",\"outputs\":5}]}";
    struct random_net net;
    (void)state;
    random_net_open_text(&net, text, NULL, 1);
    struct quant_add *add = &net.quant->adds[1];
    const struct quant_add right = *add;
    add->multiplier = 0;
    check_pack_fails(&net, "layer sum: not quantized");
    *add = right;
    add->b_signed = true;
    check_pack_fails(&net, "layer sum: quantized for int8 and int8 inputs, but they are int8 and "
                           "uint8");
    *add = right;
    add->relu = true;
    check_pack_fails(&net, "layer sum: quantized with a ReLU that does not follow it");
    *add = right;
    add->ma = 128;
    add->mb = 3;
    add->shift = 9;
    check_pack_fails(&net, "layer sum: factors 128, 3 or shift 9 out of range");
    random_net_close(&net);
}

/* ---- On the core ---- */

static void check_on_core(struct target *target, const struct random_net *net)
{
    struct infer *infer;
    struct error err, mismatch;
    check_ok(infer_create(net->container->model, &infer, &err), &err);
    check_ok(target_load(target, net->container, &err), &err);
    for (int tier = TIER_NN; tier <= TIER_RV32; tier++) {
        struct target_result result;
        bool equal = false;
        check_ok(verify_image(target, net->container, infer, (enum proto_tier)tier,
                              random_net_image(net, 0), 0, &result, &equal, &mismatch, &err),
                 &err);
        if (!equal)
            fail_msg("%s; %s", mismatch.text, net->text);
    }
    infer_free(infer);
}

static void simulated_core_agrees_in_both_tiers(void **state)
{
    struct target *target;
    struct error err;
    (void)state;
    find_simulator();
    check_ok(target_open("sim", &target, &err), &err);
    for (uint64_t seed = 1; seed <= SIMULATED; seed++) {
        struct random_net net;
        random_net_open(&net, seed);
        check_on_core(target, &net);
        random_net_close(&net);
    }
    target_close(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_networks_agree_everywhere),
        cmocka_unit_test(random_networks_have_every_operation),
        cmocka_unit_test(many_images_at_once_give_the_same),
        cmocka_unit_test(contradictions_in_an_addition_are_named),
        cmocka_unit_test(simulated_core_agrees_in_both_tiers),
    };
    return cmocka_run_group_tests_name("random networks", tests, NULL, NULL);
}
