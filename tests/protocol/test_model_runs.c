// SPDX-License-Identifier: Apache-2.0
/* Whatever model_parse() accepts can run: no kernel leaves the arena, and both tiers equal the
 * oracle. Samples as they are, and with random changes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "model/build_container.h"
#include "model/test_random.h"
#include "protocol.h"
#include "run.h"

enum {
    AREA = 8192,
    GUARD = 256,
    FUZZ_ROUNDS = 100000,
    WEIGHT_ROOM = 4 * BUILD_SAMPLE_ROOM,
    TABLES_END = MODEL_HEADER_BYTES + BUILD_SAMPLE_BUFFERS * MODEL_BUFFER_BYTES +
                 BUILD_SAMPLE_LAYERS * MODEL_LAYER_BYTES
};

/* A model area between guard bytes. */
struct place {
    uint8_t before[GUARD];
    _Alignas(16) uint8_t area[AREA];
    uint8_t after[GUARD];
};

/* Runs one layer in a tier; everything but its output and the scratch must stay as it was. */
static void run_in_tier(const struct model *model, struct place *place, unsigned index,
                        unsigned tier)
{
    static struct place old;
    const struct model_buffer *out = &model->buffers[model->layers[index].out];
    uint8_t *arena = place->area + model->arena_start;
    uint8_t *old_arena = old.area + model->arena_start;

    memcpy(&old, place, sizeof old);
    run_layer(model, arena, index, tier);
    memcpy(old_arena + out->arena_offset, arena + out->arena_offset, out->size_bytes);
    memcpy(old_arena + model->scratch_offset, arena + model->scratch_offset, model->scratch_bytes);
    assert_memory_equal(&old, place, sizeof old);
}

/* All layers: neural tier, plain tier and oracle from the same state. */
static void run_all(const struct model *model, struct place *place)
{
    static struct place plain, oracle;
    static int8_t weight[WEIGHT_ROOM];
    static struct ref_channel channels[MODEL_MAX_DIM];
    const struct ref_workspace room = {weight, WEIGHT_ROOM, channels, MODEL_MAX_DIM};

    for (unsigned i = 0; i < model->layer_count; i++) {
        const struct model_buffer *out = &model->buffers[model->layers[i].out];
        const uint32_t at = model->arena_start + out->arena_offset;

        memcpy(&plain, place, sizeof plain);
        memcpy(&oracle, place, sizeof oracle);
        assert_true(ref_run_layer(model, i, oracle.area + model->arena_start, &room));
        run_in_tier(model, &plain, i, TIER_RV32);
        run_in_tier(model, place, i, TIER_NN);
        assert_memory_equal(place->area + at, oracle.area + at, out->size_bytes);
        assert_memory_equal(plain.area + at, oracle.area + at, out->size_bytes);
    }
}

static void mutate(struct test_random *random, uint8_t *bytes, size_t size)
{
    static const uint8_t values[] = {0, 1, 2, 3, 4, 5, 7, 8, 16, 32, 64, 127, 128, 255};
    const int count = test_random_between(random, 1, 3);

    for (int i = 0; i < count; i++) {
        /* mostly header and tables */
        const int end = test_random_between(random, 0, 7) ? TABLES_END : (int)size;
        uint8_t *byte = bytes + test_random_between(random, MH_ISA_VERSION, end - 1);

        switch (test_random_between(random, 0, 2)) {
        case 0:
            *byte = values[test_random_between(random, 0, (int)sizeof values - 1)];
            break;
        case 1:
            *byte ^= (uint8_t)(1 << test_random_between(random, 0, 7));
            break;
        default:
            *byte = (uint8_t)(*byte + test_random_between(random, -16, 16));
            break;
        }
    }
    build_fix_checksum(bytes);
}

static void fuzz(const uint8_t *sample, size_t size, uint32_t seed)
{
    static struct place place;
    static struct model_tables tables;
    struct test_random random = {seed};
    unsigned accepted = 0;

    for (unsigned i = 0; i < FUZZ_ROUNDS; i++) {
        struct model_fault fault;
        struct model model;

        model_set_tables(&model, &tables);
        memcpy(place.area, sample, size);
        mutate(&random, place.area, size);
        if (model_parse(place.area, (uint32_t)size, AREA, &model, &fault))
            continue;
        accepted++;
        test_random_bytes(&random, place.area + size, AREA - size);
        run_all(&model, &place);
    }
    print_message("# %u of %u accepted and run\n", accepted, FUZZ_ROUNDS);
    assert_true(accepted > FUZZ_ROUNDS / 50);
}

static void accepted_mutations_stay_in_the_arena(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);

    (void)state;
    fuzz(sample, size, 11);
}

static void accepted_mutations_of_grouped_layers_stay_in_the_arena(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_grouped_sample(sample);

    (void)state;
    fuzz(sample, size, 13);
}

typedef size_t build_fn(uint8_t *bytes);

static void run_sample(build_fn *build)
{
    static struct place place;
    static struct model_tables tables;
    const size_t size = build(place.area);
    struct test_random random = {12};
    struct model_fault fault;
    struct model model;

    model_set_tables(&model, &tables);
    assert_int_equal(model_parse(place.area, (uint32_t)size, AREA, &model, &fault), MODEL_OK);
    for (unsigned i = 0; i < 200; i++) {
        test_random_bytes(&random, place.area + size, AREA - size);
        run_all(&model, &place);
    }
}

static void the_samples_run_as_the_oracle_says(void **state)
{
    (void)state;
    run_sample(build_sample);
    run_sample(build_grouped_sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_samples_run_as_the_oracle_says),
        cmocka_unit_test(accepted_mutations_stay_in_the_arena),
        cmocka_unit_test(accepted_mutations_of_grouped_layers_stay_in_the_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
