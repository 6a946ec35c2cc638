// SPDX-License-Identifier: Apache-2.0
/* Places of buffers and scratch in the arena, checked by following every byte through a run. */
#include "host/made_up_quant.h"

#include "base/rng.h"
#include "pack/pack_arena.h"

/* A run over the arena, byte by byte: which value each byte holds. Values have the number of the
 * buffer that they were written to; a flattened value in place is the same value. */
struct memory {
    const struct model *model;
    int *holds; /* [arena_bytes], -1: nothing of worth */
    int value[MODEL_MAX_BUFFERS];
};

static void write_buffer(struct memory *memory, int buffer)
{
    const struct model_buffer *b = &memory->model->buffers[buffer];
    memory->value[buffer] = buffer;
    for (uint32_t i = 0; i < b->size_bytes; i++)
        memory->holds[b->arena_offset + i] = buffer;
}

static void check_buffer(const struct memory *memory, int buffer, const char *when)
{
    const struct model_buffer *b = &memory->model->buffers[buffer];
    for (uint32_t i = 0; i < b->size_bytes; i++)
        if (memory->holds[b->arena_offset + i] != memory->value[buffer])
            fail_msg("buffer %d %s: byte %u: got one of buffer %d", buffer, when, i,
                     memory->holds[b->arena_offset + i]);
}

static void check_places(const struct model *model)
{
    for (int i = 0; i < model->buffer_count; i++) {
        const struct model_buffer *b = &model->buffers[i];
        assert_int_equal(b->arena_offset % MODEL_ALIGN, 0);
        assert_true(b->arena_offset + b->size_bytes + MODEL_SLACK <= model->arena_bytes);
    }
    assert_int_equal(model->scratch_offset % MODEL_ALIGN, 0);
    assert_true(model->scratch_offset + model->scratch_bytes <= model->arena_bytes);
}

static void step(struct memory *memory, const struct model_layer *layer)
{
    const struct model *model = memory->model;
    const struct model_buffer *in = &model->buffers[layer->in], *out = &model->buffers[layer->out];
    const uint32_t scratch = model_scratch_bytes(layer, in, out);
    assert_true(scratch <= model->scratch_bytes);
    for (uint32_t i = 0; i < scratch; i++)
        memory->holds[model->scratch_offset + i] = -1;
    check_buffer(memory, layer->in, "behind scratch");
    if (layer->in2 != MODEL_NONE)
        check_buffer(memory, layer->in2, "behind scratch");
    if (layer->op == OP_FLATTEN && in->arena_offset == out->arena_offset) {
        memory->value[layer->out] = memory->value[layer->in];
        return;
    }
    const bool elementwise = layer->op == OP_RELU || layer->op == OP_ADD;
    write_buffer(memory, layer->out);
    if (!elementwise || in->arena_offset != out->arena_offset)
        check_buffer(memory, layer->in, "behind its reader");
    if (layer->in2 != MODEL_NONE && model->buffers[layer->in2].arena_offset != out->arena_offset)
        check_buffer(memory, layer->in2, "behind its reader");
    for (uint32_t i = 0; i < scratch; i++)
        assert_int_equal(memory->holds[model->scratch_offset + i], -1);
}

/* No layer finds anything in its inputs but what was written there; at the end the same holds for
 * output and class. */
static void check_arena(const struct model *model)
{
    struct memory memory = {.model = model, .holds = calloc(model->arena_bytes, sizeof(int))};
    assert_non_null(memory.holds);
    check_places(model);
    memset(memory.holds, 0xff, model->arena_bytes * sizeof(int));
    write_buffer(&memory, model->input);
    for (int i = 0; i < model->layer_count; i++)
        step(&memory, &model->layers[i]);
    check_buffer(&memory, model->output, "at the end");
    check_buffer(&memory, model->class_out, "at the end");
    free(memory.holds);
}

static void no_value_is_overwritten_while_it_is_needed(void **state)
{
    static const int bits[] = {4, 2, 8, 4};
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct made_up made;
        if (seed)
            made_up_random(&made, seed);
        else
            made_up_small(&made, bits, seed);
        struct container *container = made_up_pack(&made);
        check_arena(container->model);
        container_free(container);
        made_up_free(&made);
    }
}

/* An earlier buffer of the same shape as buffer number index, if there is one, else that one. */
static uint16_t find_twin(struct rng *rng, const struct model *plan, uint16_t index)
{
    uint16_t found = index;
    for (uint16_t i = 0; i < index; i++)
        if (plan->buffers[i].size_bytes == plan->buffers[index].size_bytes &&
            (found == index || rng_below(rng, 3) == 0))
            found = i;
    return found;
}

static void random_layer(struct rng *rng, struct model *plan, uint16_t index)
{
    static const uint8_t ops[] = {OP_CONV2D,  OP_FC,  OP_MAXPOOL, OP_RELU,
                                  OP_FLATTEN, OP_ADD, OP_ADD};
    struct model_layer *layer = &plan->layers[index];
    layer->op = index + 1 == plan->layer_count ? OP_ARGMAX : ops[rng_below(rng, 7)];
    layer->groups = layer->op == OP_CONV2D;
    layer->in = index;
    layer->in2 = layer->op == OP_ADD ? find_twin(rng, plan, index) : MODEL_NONE;
    layer->out = (uint16_t)(index + 1);
    layer->kernel_h = layer->kernel_w = (uint8_t)(1 + rng_below(rng, 3));
    layer->stride_h = layer->stride_w = 1;
    layer->pad_left = (uint8_t)rng_below(rng, layer->kernel_w);
}

static void random_buffer(struct rng *rng, struct model_buffer *b)
{
    b->height = (uint16_t)(1 + rng_below(rng, 9));
    b->width = (uint16_t)(1 + rng_below(rng, 9));
    b->channels = (uint16_t)(1 + rng_below(rng, 40));
    if (rng_below(rng, 2)) { /* some have the same shape */
        b->height = b->width = 4;
        b->channels = (uint16_t)(10 + 10 * rng_below(rng, 2));
    }
    b->size_bytes = (uint32_t)b->height * b->width * b->channels;
}

/* Graphs that no network has: any sizes, additions of anything, no scratch or much. */
static void random_plan(struct rng *rng, struct model *plan)
{
    *plan = (struct model){.buffers = plan->buffers, .layers = plan->layers};
    plan->layer_count = (uint16_t)(1 + rng_below(rng, MODEL_MAX_LAYERS));
    plan->buffer_count = (uint16_t)(plan->layer_count + 1);
    random_buffer(rng, &plan->buffers[0]);
    for (uint16_t i = 0; i < plan->layer_count; i++) {
        random_layer(rng, plan, i);
        const uint8_t op = plan->layers[i].op;
        if (op == OP_RELU || op == OP_FLATTEN || op == OP_ADD)
            plan->buffers[i + 1] = plan->buffers[i];
        else
            random_buffer(rng, &plan->buffers[i + 1]);
    }
    plan->class_out = plan->layer_count;
    plan->output = (uint16_t)rng_below(rng, plan->layer_count);
}

static void random_plans_keep_what_is_needed(void **state)
{
    struct rng rng;
    static struct model_tables tables;
    struct model plan;
    (void)state;
    model_set_tables(&plan, &tables);
    rng_init(&rng, 3, 0);
    for (int i = 0; i < 300; i++) {
        memset(&tables, 0, sizeof tables);
        random_plan(&rng, &plan);
        pack_arena(&plan);
        check_arena(&plan);
    }
}

/* The first convolution's output, its pooling's output and scratch meet each other, two by two;
 * everything else finds room among them. */
static void lenet5_needs_no_more_than_what_must_stand_apart(void **state)
{
    static const int bits[] = {4, 8, 2, 8, 8};
    struct made_up made;
    (void)state;
    made_up_lenet5(&made, bits, 1);
    struct container *container = made_up_pack(&made);
    const struct model *model = container->model;
    const uint32_t want = 28 * 28 * 6 + 14 * 14 * 6 + model->scratch_bytes;
    if (model->arena_bytes > want + 4 * MODEL_ALIGN)
        fail_msg("arena: got %u bytes, want about %u", model->arena_bytes, want);
    container_free(container);
    made_up_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_value_is_overwritten_while_it_is_needed),
        cmocka_unit_test(random_plans_keep_what_is_needed),
        cmocka_unit_test(lenet5_needs_no_more_than_what_must_stand_apart),
    };
    return cmocka_run_group_tests_name("pack_arena", tests, NULL, NULL);
}
