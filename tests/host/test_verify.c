// SPDX-License-Identifier: Apache-2.0
/* Comparison of a core with the integer model: equal stays silent, and a planted difference is
 * found where it was planted. */
#include "host/bench.h"
#include "host/find_simulator.h"

#include "bytes.h"
#include "infer/infer.h"
#include "measure/verify.h"
#include "run.h"

/* A bench with its integer model. */
struct subject {
    struct bench bench;
    struct infer *infer;
};

static void subject_finish(struct subject *subject)
{
    struct error err;
    made_up_image(subject->bench.image, sizeof subject->bench.image, 3);
    bench_load(&subject->bench);
    check_ok(infer_create(subject->bench.container->model, &subject->infer, &err), &err);
}

static void subject_open(struct subject *subject)
{
    bench_open(&subject->bench, &QUIET);
    subject_finish(subject);
}

static void subject_close(struct subject *subject)
{
    infer_free(subject->infer);
    bench_close(&subject->bench);
}

/* Verifies image 17 in a tier; returns whether it is equal. */
static bool verify(const struct subject *subject, enum proto_tier tier,
                   struct target_result *result, struct error *mismatch)
{
    bool equal = false;
    struct error err;
    mismatch->text[0] = '\0';
    check_ok(verify_image(subject->bench.target, subject->bench.container, subject->infer, tier,
                          subject->bench.image, 17, result, &equal, mismatch, &err),
             &err);
    assert_int_equal(equal, mismatch->text[0] == '\0');
    return equal;
}

static void check_equal(const struct subject *subject, enum proto_tier tier)
{
    struct target_result result;
    struct error mismatch;
    uint8_t want[1100];
    if (!verify(subject, tier, &result, &mismatch))
        fail_msg("got: %s; want no difference", mismatch.text);
    const int want_class = made_up_run(&subject->bench.made, subject->bench.image, want);
    assert_int_equal(result.class_index, want_class);
    assert_int_equal(result.layers, subject->bench.container->model->layer_count);
}

static void check_differs(const struct subject *subject, enum proto_tier tier, const char *text)
{
    struct target_result result;
    struct error mismatch;
    if (verify(subject, tier, &result, &mismatch))
        fail_msg("got no difference; want: %s", text);
    assert_string_equal(mismatch.text, text);
    assert_int_equal(result.layers, subject->bench.container->model->layer_count);
}

/* The first result of a layer that a changed container gives otherwise than the right one. */
struct difference {
    int element, got, want;
};

static struct difference find_difference(const struct container *right, const uint8_t *changed,
                                         unsigned layer, const uint8_t *image)
{
    const struct model *model = right->model;
    const struct model_buffer *in = &model->buffers[model->input];
    const struct model_buffer *out = &model->buffers[model->layers[layer].out];
    struct model other = *model;
    uint8_t *a = made_up_arena(model, 0), *b = made_up_arena(model, 0);
    struct difference found = {-1, 0, 0};
    other.bytes = changed;
    memcpy(a + in->arena_offset, image, in->size_bytes);
    memcpy(b + in->arena_offset, image, in->size_bytes);
    for (unsigned i = 0; i <= layer; i++) {
        run_layer(model, a, i, TIER_NN);
        run_layer(&other, b, i, TIER_NN);
    }
    for (int i = 0; i < (int)out->size_bytes && found.element < 0; i++) {
        const uint8_t want = a[out->arena_offset + (uint32_t)i];
        const uint8_t got = b[out->arena_offset + (uint32_t)i];
        if (got != want)
            found = (struct difference){i, out->is_signed ? (int8_t)got : got,
                                        out->is_signed ? (int8_t)want : want};
    }
    free(a);
    free(b);
    return found;
}

static void equal_results_are_equal_in_both_tiers(void **state)
{
    struct subject subject;
    (void)state;
    subject_open(&subject);
    check_equal(&subject, TIER_NN);
    check_equal(&subject, TIER_RV32);
    subject_close(&subject);
}

static void outputs_that_need_a_read_of_their_own_are_compared(void **state)
{
    static const int bits[] = {8};
    struct subject subject;
    struct bench *bench = &subject.bench;
    struct target_result result;
    struct error mismatch;
    (void)state;
    made_up_create(&bench->made, "{\"op\": \"fc\", \"outputs\": 1025}", "28, 28, 1", 1025, bits, 1);
    bench->container = made_up_pack(&bench->made);
    bench->link = loader_link_create(&(struct loader_link_setup){1 << 20, 1, 1, 0, 0, 0});
    bench->target = bench_attach(bench->link);
    subject_finish(&subject);
    check_equal(&subject, TIER_NN);
    /* The multiplier of channel 1024: the last one, alone in its group. */
    const struct model_layer *layer = &bench->container->model->layers[0];
    bench->link->loader.area[layer->param_offset + layer->param_bytes - 8] = 0;
    assert_false(verify(&subject, TIER_NN, &result, &mismatch));
    check_contains(mismatch.text, "image 17, layer 0 fc1 (fc, 8-bit weights), element 1024: got ");
    subject_close(&subject);
}

/* Each weighted layer's weights in turn, changed in the core's memory. */
static void difference_is_found_in_the_layer_that_makes_it(void **state)
{
    static const char *const names[] = {"conv1", "", "conv2", "", "fc1", "fc2", "fc3"};
    struct subject subject;
    (void)state;
    subject_open(&subject);
    const struct container *container = subject.bench.container;
    uint8_t *area = subject.bench.link->loader.area;
    for (unsigned i = 0; i < 7; i++) {
        const struct model_layer *layer = &container->model->layers[i];
        const struct model_buffer *out = &container->model->buffers[layer->out];
        struct difference d = {-1, 0, 0};
        char want[256], place[64] = "";
        if (!layer->weight_bits)
            continue;
        for (uint32_t at = 0; d.element < 0; at++) {
            assert_true(at < layer->weight_bytes);
            memcpy(area, container->bytes, container->size);
            area[layer->weight_offset + at] ^= 0x11;
            d = find_difference(container, area, 6, subject.bench.image);
            if (d.element >= 0) /* it reaches the output */
                d = find_difference(container, area, i, subject.bench.image);
        }
        if (out->width > 1)
            snprintf(place, sizeof place, " (row %d, column %d, channel %d)",
                     d.element / (out->width * out->channels),
                     d.element / out->channels % out->width, d.element % out->channels);
        snprintf(want, sizeof want,
                 "image 17, layer %u %s (%s, %d-bit weights), element %d%s: got %d, want %d", i,
                 names[i], container_op_name(layer->op), layer->weight_bits, d.element, place,
                 d.got, d.want);
        check_differs(&subject, TIER_NN, want);
        check_differs(&subject, TIER_RV32, want);
    }
    memcpy(area, container->bytes, container->size);
    check_equal(&subject, TIER_NN);
    subject_close(&subject);
}

static uint8_t *buffer_on_core(struct loader_link *link, unsigned buffer)
{
    const struct model *model = &link->loader.model;
    return link->loader.area + model->arena_start + model->buffers[buffer].arena_offset;
}

/* Another image than the one that was sent, once. */
static void spoil_input(void *context)
{
    struct loader_link *link = context;
    memset(buffer_on_core(link, link->loader.model.input), 0xff, 784);
}

static void difference_that_cannot_be_repeated_is_told(void **state)
{
    struct subject subject;
    (void)state;
    subject_open(&subject);
    struct loader_link *link = subject.bench.link;
    link->event = (struct loader_link_event){PROTO_RUN, 0, spoil_input, link, false};
    check_differs(
        &subject, TIER_NN,
        "image 17: the complete run differs, but no layer does when they are run one by "
        "one: the core's results cannot be repeated, or a layer overwrites another one's");
    check_equal(&subject, TIER_NN);
    subject_close(&subject);
}

static void spoil_class(struct loader_link *link)
{
    const unsigned layers = get_u16(link->loader.receiver.bytes + 2 + 2); /* that RUN asks for */
    if (layers == 0 || layers == link->loader.model.layer_count)
        put_u16(buffer_on_core(link, link->loader.model.class_out), 300);
}

/* The values are right, the class is not. */
static void wrong_class_is_named_as_a_class(void **state)
{
    struct subject subject;
    uint8_t logits[10];
    char want[128];
    (void)state;
    subject_open(&subject);
    subject.bench.link->after_run = spoil_class;
    snprintf(want, sizeof want, "image 17, layer 7 argmax (argmax), element 0: got 300, want %d",
             made_up_run(&subject.bench.made, subject.bench.image, logits));
    check_differs(&subject, TIER_NN, want);
    subject_close(&subject);
}

static void trap_is_an_error_and_no_difference(void **state)
{
    struct subject subject;
    struct target_result result;
    struct error mismatch, err;
    bool equal;
    (void)state;
    subject_open(&subject);
    struct loader_link *link = subject.bench.link;
    link->event = (struct loader_link_event){PROTO_RUN, 0, loader_link_trap, link, true};
    assert_int_equal(verify_image(subject.bench.target, subject.bench.container, subject.infer,
                                  TIER_NN, subject.bench.image, 17, &result, &equal, &mismatch,
                                  &err),
                     STATUS_LINK);
    check_contains(err.text, "core: the core trapped in layer 2");
    subject_close(&subject);
}

/* Every operation on the simulated core, in both tiers; then with the integer model of a container
 * in which one weight is another. */
static void simulated_core_agrees_and_a_difference_is_found(void **state)
{
    static const int bits[] = {8, 4, 2, 4};
    struct subject subject;
    struct bench *bench = &subject.bench;
    struct target_result result;
    struct error mismatch, err;
    (void)state;
    find_simulator();
    made_up_small(&bench->made, bits, 2);
    bench->container = made_up_pack(&bench->made);
    check_ok(target_open("sim", &bench->target, &err), &err);
    subject_finish(&subject);
    check_equal(&subject, TIER_NN);
    check_equal(&subject, TIER_RV32);
    for (int i = 0; i < 30; i++) /* the second convolution's first channel */
        bench->made.quant->layers[1]->weight[i] = 7;
    struct container *other = made_up_pack(&bench->made);
    infer_free(subject.infer);
    check_ok(infer_create(other->model, &subject.infer, &err), &err);
    assert_false(verify(&subject, TIER_NN, &result, &mismatch));
    check_contains(mismatch.text, "image 17, layer 2 conv2 (conv2d, 4-bit weights), element ");
    check_contains(mismatch.text, ", channel 0): got ");
    container_free(other);
    subject_close(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_results_are_equal_in_both_tiers),
        cmocka_unit_test(outputs_that_need_a_read_of_their_own_are_compared),
        cmocka_unit_test(difference_is_found_in_the_layer_that_makes_it),
        cmocka_unit_test(difference_that_cannot_be_repeated_is_told),
        cmocka_unit_test(wrong_class_is_named_as_a_class),
        cmocka_unit_test(trap_is_an_error_and_no_difference),
        cmocka_unit_test(simulated_core_agrees_and_a_difference_is_found),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
