// SPDX-License-Identifier: Apache-2.0
/* The loader on the host: every request, every status, every reason of a NAK, repetition without a
 * second execution, and nothing written outside the model area whatever comes in. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "bytes.h"
#include "loader_rig.h"
#include "model/build_container.h"
#include "model/test_random.h"

enum {
    DATA = PROTO_STATUS_BYTES, /* of an answer */
    SAMPLE_INPUT = 36,         /* bytes of the input buffer */
    SAMPLE_OUTPUT = 10,
    HOSTILE_FRAMES = 60000,
};

static struct loader_rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_assert_guards(&rig);
    return 0;
}

/* ---- Requests ---- */

static void hello_tells_what_the_core_is(void **state)
{
    const uint8_t payload[] = {1, 2, 3, 4, PROTO_VERSION, 0};
    const struct wire_frame *answer = rig_request(&rig, PROTO_HELLO, payload, sizeof payload);
    const uint8_t *data = answer->payload + DATA;

    (void)state;
    assert_int_equal(answer->size, DATA + HELLO_DATA_BYTES);
    assert_int_equal(answer->payload[0], PROTO_OK);
    assert_memory_equal(data + HELLO_NONCE, payload, 4);
    assert_int_equal(get_u16(data + HELLO_VERSION), PROTO_VERSION);
    assert_int_equal(data[HELLO_WINDOW], PROTO_WINDOW_MAX);
    assert_int_equal(data[HELLO_TIERS], 1 << TIER_NN | 1 << TIER_RV32);
    assert_int_equal(get_u16(data + HELLO_ISA_VERSION), 1);
    assert_int_equal(get_u16(data + HELLO_MODEL_VERSION), MODEL_VERSION);
    assert_int_equal(get_u32(data + HELLO_CLOCK_HZ), RIG_CLOCK_HZ);
    assert_int_equal(get_u32(data + HELLO_RAM_BYTES), 0x100000);
    assert_int_equal(get_u32(data + HELLO_MODEL_AREA_BYTES), RIG_AREA);
    assert_int_equal(get_u32(data + HELLO_CORE_CONFIG), 3);
    assert_int_equal(get_u32(data + HELLO_MARCHID), 22);
    assert_int_equal(get_u32(data + HELLO_MIMPID), 0x01020304);
    assert_string_equal((const char *)data + HELLO_FIRMWARE, MPQ_VERSION);
    assert_int_equal(get_u32(data + HELLO_BUILD_ID), 0x89abcdef);
}

static void hello_of_a_core_without_the_unit_offers_one_tier(void **state)
{
    const uint8_t payload[] = {1, 2, 3, 4, PROTO_VERSION, 0};

    (void)state;
    rig.platform.isa_version = 0;
    assert_int_equal(
        rig_request(&rig, PROTO_HELLO, payload, sizeof payload)->payload[DATA + HELLO_TIERS],
        1 << TIER_RV32);
}

static void written_bytes_are_read_back(void **state)
{
    uint8_t bytes[PROTO_DATA_MAX], payload[16];
    struct test_random random = {1};
    const uint32_t offsets[] = {0, 1, 1000, RIG_AREA - PROTO_DATA_MAX};

    (void)state;
    rig_hello(&rig);
    for (unsigned i = 0; i < 4; i++) {
        const struct wire_frame *answer;

        test_random_bytes(&random, bytes, sizeof bytes);
        assert_int_equal(rig_write(&rig, SPACE_MODEL, offsets[i], bytes, sizeof bytes), PROTO_OK);
        assert_memory_equal(rig.area + offsets[i], bytes, sizeof bytes);
        rig_space_request(payload, SPACE_MODEL, 0, offsets[i], NULL, 0);
        put_u16(payload + 8, sizeof bytes);
        answer = rig_request(&rig, PROTO_READ, payload, 10);
        assert_int_equal(answer->payload[0], PROTO_OK);
        assert_int_equal(answer->size, DATA + sizeof bytes);
        assert_memory_equal(answer->payload + DATA, bytes, sizeof bytes);
    }
}

static void hash_gives_the_checksum_of_each_block(void **state)
{
    const uint32_t sizes[][2] = {{RIG_AREA, 32}, {1000, 300}, {5, 1000}, {0, 1}, {256, 1}};
    uint8_t payload[16];
    struct test_random random = {2};

    (void)state;
    test_random_bytes(&random, rig.area, RIG_AREA);
    rig_hello(&rig);
    for (unsigned i = 0; i < 5; i++) {
        const uint32_t offset = i == 1 ? 77 : 0, total = sizes[i][0], block = sizes[i][1];
        const struct wire_frame *answer;
        uint32_t number = 0;

        answer = rig_request(&rig, PROTO_HASH, payload,
                             rig_space_request(payload, SPACE_MODEL, 0, offset, sizes[i], 2));
        assert_int_equal(answer->payload[0], PROTO_OK);
        for (uint32_t at = 0; at < total; at += block, number++)
            assert_int_equal(
                get_u32(answer->payload + DATA + 4 * number),
                build_crc32(rig.area + offset + at, total - at < block ? total - at : block));
        assert_int_equal(answer->size, DATA + 4 * number);
    }
}

static uint16_t run(unsigned tier, unsigned flags, unsigned layers, uint8_t *data)
{
    const uint8_t payload[] = {(uint8_t)tier, (uint8_t)flags, (uint8_t)layers,
                               (uint8_t)(layers >> 8)};
    const struct wire_frame *answer = rig_request(&rig, PROTO_RUN, payload, sizeof payload);

    assert_int_equal(answer->payload[0], PROTO_OK);
    memcpy(data, answer->payload + DATA, answer->size - DATA);
    assert_int_equal(answer->size, DATA + RUN_OUTPUT + get_u16(data + RUN_OUTPUT_BYTES));
    assert_int_equal(get_u16(data + RUN_RESERVED), 0);
    return get_u16(data + RUN_LAYERS);
}

static void read_buffer(unsigned index, uint8_t *bytes, uint16_t size)
{
    uint8_t payload[16];
    const struct wire_frame *answer;

    rig_space_request(payload, SPACE_BUFFER, index, 0, NULL, 0);
    put_u16(payload + 8, size);
    answer = rig_request(&rig, PROTO_READ, payload, 10);
    assert_int_equal(answer->payload[0], PROTO_OK);
    assert_int_equal(answer->size, DATA + size);
    memcpy(bytes, answer->payload + DATA, size);
}

/* All layers at once and stopped behind each, both tiers: buffers as the oracle says. */
static void runs_give_what_the_oracle_says(void **state)
{
    _Alignas(16) static uint8_t want[RIG_AREA];
    uint8_t input[SAMPLE_INPUT], got[1024], data[PROTO_PAYLOAD_MAX];
    struct test_random random = {3};

    (void)state;
    rig_load_sample(&rig);
    for (unsigned tier = TIER_NN; tier <= TIER_RV32; tier++) {
        const struct model *model = &rig.loader.model;
        uint8_t *arena = want + model->arena_start;

        test_random_bytes(&random, input, sizeof input);
        assert_int_equal(rig_write(&rig, SPACE_INPUT, 0, input, sizeof input), PROTO_OK);
        memcpy(want, rig.area, sizeof want);
        assert_true(ref_run_model(model, arena));
        assert_int_equal(run(tier, 0, 0, data), BUILD_SAMPLE_LAYERS);
        assert_int_equal(get_u16(data + RUN_OUTPUT_BYTES), SAMPLE_OUTPUT);
        assert_memory_equal(data + RUN_OUTPUT, arena + model->buffers[6].arena_offset,
                            SAMPLE_OUTPUT);
        assert_int_equal(get_u16(data + RUN_CLASS),
                         get_u16(arena + model->buffers[7].arena_offset));
        for (unsigned stop = 1; stop <= BUILD_SAMPLE_LAYERS; stop++) {
            const unsigned out = model->layers[stop - 1].out;
            const uint16_t size = (uint16_t)model->buffers[out].size_bytes;

            assert_int_equal(rig_write(&rig, SPACE_INPUT, 0, input, sizeof input), PROTO_OK);
            memcpy(want, rig.area, sizeof want);
            for (unsigned i = 0; i < stop; i++) {
                int8_t weight[1024];
                struct ref_channel channels[32];
                const struct ref_workspace room = {weight, sizeof weight, channels, 32};

                assert_true(ref_run_layer(model, i, arena, &room));
            }
            assert_int_equal(run(tier, 0, stop, data), stop);
            read_buffer(out, got, size);
            assert_memory_equal(got, arena + model->buffers[out].arena_offset, size);
            if (stop < BUILD_SAMPLE_LAYERS) {
                assert_int_equal(get_u16(data + RUN_OUTPUT_BYTES), 0);
                assert_int_equal(get_u16(data + RUN_CLASS), 0xffff);
            }
        }
    }
}

static void counters_count_each_layer(void **state)
{
    uint8_t data[PROTO_PAYLOAD_MAX];
    const uint8_t first = 2, payload[] = {first, 0};
    const struct wire_frame *answer;

    (void)state;
    rig_load_sample(&rig);
    (void)run(TIER_RV32, RUN_PROFILE, 6, data);
    /* readings: one before, two for each layer, one behind */
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        assert_int_equal(get_u64(data + RUN_TOTAL + 8 * i), (i + 1) * 13u * RIG_COUNTER_STEP);
    answer = rig_request(&rig, PROTO_COUNTERS, payload, sizeof payload);
    assert_int_equal(answer->payload[0], PROTO_OK);
    assert_int_equal(get_u16(answer->payload + DATA), first);
    assert_int_equal(get_u16(answer->payload + DATA + 2), 4);
    assert_int_equal(answer->size, DATA + 4 + 4 * COUNTER_COUNT * 8);
    for (unsigned i = 0; i < 4 * COUNTER_COUNT; i++)
        assert_int_equal(get_u64(answer->payload + DATA + 4 + 8 * i),
                         (i % COUNTER_COUNT + 1) * RIG_COUNTER_STEP);
    assert_int_equal(rig.loader.running_layer, MODEL_NONE);
}

static void reset_answers_and_restarts(void **state)
{
    const uint8_t run_all[4] = {TIER_RV32};

    (void)state;
    rig_load_sample(&rig);
    assert_int_equal(rig_status(&rig, PROTO_RESET, NULL, 0), PROTO_OK);
    assert_int_equal(rig.resets, 1);
    assert_int_equal(rig_status(&rig, PROTO_RUN, run_all, 4), PROTO_E_NO_SESSION);
    rig_hello(&rig);
    assert_int_equal(rig_status(&rig, PROTO_RUN, run_all, 4), PROTO_E_NO_MODEL);
}

static void leds_show_what_the_loader_does(void **state)
{
    enum { READY = 1, FAILED = 4 };

    (void)state;
    assert_int_equal(rig.leds, READY);
    rig_load_sample(&rig);
    assert_int_equal(rig.leds, READY);
    assert_int_equal(rig_commit(&rig, 4), PROTO_E_MODEL);
    assert_int_equal(rig.leds, READY | FAILED);
}

/* ---- Statuses ---- */

static void requests_before_hello_get_no_session(void **state)
{
    const uint8_t types[] = {PROTO_WRITE, PROTO_HASH,     PROTO_READ, PROTO_COMMIT,
                             PROTO_RUN,   PROTO_COUNTERS, PROTO_RATE, PROTO_ECHO,
                             PROTO_RESET, 0x77,           0};
    const uint8_t payload[8] = {0};

    (void)state;
    for (unsigned i = 0; i < sizeof types; i++)
        assert_int_equal(rig_status(&rig, types[i], payload, 8), PROTO_E_NO_SESSION);
    assert_int_equal(rig.resets, 0);
}

static void hello_of_another_version_is_refused(void **state)
{
    const uint8_t payload[] = {1, 2, 3, 4, PROTO_VERSION + 1, 0};
    const struct wire_frame *answer = rig_request(&rig, PROTO_HELLO, payload, sizeof payload);

    (void)state;
    assert_int_equal(answer->payload[0], PROTO_E_VERSION);
    assert_int_equal(answer->payload[1], PROTO_VERSION);
    assert_int_equal(rig_status(&rig, PROTO_HELLO, payload, 5), PROTO_E_LENGTH);
    assert_int_equal(rig_status(&rig, PROTO_RESET, NULL, 0), PROTO_E_NO_SESSION);
}

static void unknown_types_are_named(void **state)
{
    (void)state;
    rig_hello(&rig);
    for (unsigned type = 0; type < 0x80; type++) {
        if (type < PROTO_HELLO || type > PROTO_ECHO)
            assert_int_equal(rig_status(&rig, (uint8_t)type, NULL, 0), PROTO_E_TYPE);
    }
}

/* Every length that a request does not have. */
static void wrong_lengths_are_refused(void **state)
{
    static const struct {
        uint8_t type;
        size_t least, most;
    } lengths[] = {
        {PROTO_WRITE, 8, 8 + PROTO_DATA_MAX},
        {PROTO_HASH, 16, 16},
        {PROTO_READ, 10, 10},
        {PROTO_COMMIT, 4, 4},
        {PROTO_RUN, 4, 4},
        {PROTO_COUNTERS, 2, 2},
        {PROTO_RESET, 0, 0},
    };
    const uint8_t payload[PROTO_PAYLOAD_MAX] = {0};

    (void)state;
    rig_hello(&rig);
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t size = 0; size <= PROTO_PAYLOAD_MAX; size += size < 20 ? 1 : 25) {
            if (size < lengths[i].least || size > lengths[i].most)
                assert_int_equal(rig_status(&rig, lengths[i].type, payload, size), PROTO_E_LENGTH);
        }
    }
    assert_int_equal(rig_status(&rig, PROTO_WRITE, payload, 8 + PROTO_DATA_MAX + 1),
                     PROTO_E_LENGTH);
}

static enum proto_status space_status(uint8_t type, unsigned space, unsigned index, uint32_t offset,
                                      uint32_t size)
{
    uint8_t payload[16] = {0};
    const uint32_t more[2] = {size, 64};

    rig_space_request(payload, space, index, offset, more, 2);
    if (type == PROTO_WRITE)
        return rig_status(&rig, type, payload, 8 + (size_t)size);
    return rig_status(&rig, type, payload, type == PROTO_READ ? 10 : 16);
}

static void wrong_spaces_are_refused(void **state)
{
    const uint8_t padded[12] = {SPACE_MODEL, 1};

    (void)state;
    rig_load_sample(&rig);
    for (unsigned space = SPACE_BUFFER + 1; space < 256; space += 50) {
        assert_int_equal(space_status(PROTO_WRITE, space, 0, 0, 4), PROTO_E_SPACE);
        assert_int_equal(space_status(PROTO_READ, space, 0, 0, 4), PROTO_E_SPACE);
        assert_int_equal(space_status(PROTO_HASH, space, 0, 0, 4), PROTO_E_SPACE);
    }
    assert_int_equal(rig_status(&rig, PROTO_WRITE, padded, 12), PROTO_E_SPACE);
    assert_int_equal(space_status(PROTO_WRITE, SPACE_BUFFER, 0, 0, 4), PROTO_E_SPACE);
    assert_true(rig.loader.ready);
}

static void ranges_outside_a_space_are_refused(void **state)
{
    static const uint32_t offsets[] = {RIG_AREA - 3, RIG_AREA,   RIG_AREA + 1,
                                       0x7ffffffc,   0x80000000, 0xfffffffc};
    static const uint8_t types[] = {PROTO_WRITE, PROTO_READ, PROTO_HASH};

    (void)state;
    rig_load_sample(&rig);
    for (unsigned t = 0; t < 3; t++) {
        for (unsigned i = 0; i < sizeof offsets / sizeof offsets[0]; i++)
            assert_int_equal(space_status(types[t], SPACE_MODEL, 0, offsets[i], 4), PROTO_E_RANGE);
        assert_int_equal(space_status(types[t], SPACE_INPUT, 0, SAMPLE_INPUT - 3, 4),
                         PROTO_E_RANGE);
        assert_int_equal(space_status(types[t], SPACE_INPUT, 0, 0xfffffffe, 4), PROTO_E_RANGE);
    }
    assert_int_equal(space_status(PROTO_READ, SPACE_BUFFER, BUILD_SAMPLE_BUFFERS, 0, 0),
                     PROTO_E_RANGE);
    assert_int_equal(space_status(PROTO_READ, SPACE_BUFFER, 0xffff, 0, 0), PROTO_E_RANGE);
    assert_int_equal(space_status(PROTO_READ, SPACE_MODEL, 0, 0, PROTO_DATA_MAX + 1),
                     PROTO_E_RANGE);
    assert_int_equal(space_status(PROTO_HASH, SPACE_MODEL, 0, 0, 0xffffffff), PROTO_E_RANGE);
    assert_true(rig.loader.ready);
}

static void too_many_or_empty_hash_blocks_are_refused(void **state)
{
    const uint32_t many[2] = {257, 1}, none[2] = {256, 0};
    uint8_t payload[16];

    (void)state;
    rig_hello(&rig);
    rig_space_request(payload, SPACE_MODEL, 0, 0, many, 2);
    assert_int_equal(rig_status(&rig, PROTO_HASH, payload, 16), PROTO_E_RANGE);
    rig_space_request(payload, SPACE_MODEL, 0, 0, none, 2);
    assert_int_equal(rig_status(&rig, PROTO_HASH, payload, 16), PROTO_E_RANGE);
}

static void nothing_runs_without_a_model(void **state)
{
    const uint8_t zeros[4] = {0};

    (void)state;
    rig_hello(&rig);
    assert_int_equal(rig_status(&rig, PROTO_RUN, zeros, 4), PROTO_E_NO_MODEL);
    assert_int_equal(rig_status(&rig, PROTO_COUNTERS, zeros, 2), PROTO_E_NO_MODEL);
    assert_int_equal(rig_write(&rig, SPACE_INPUT, 0, zeros, 1), PROTO_E_NO_MODEL);
    assert_int_equal(space_status(PROTO_READ, SPACE_BUFFER, 0, 0, 1), PROTO_E_NO_MODEL);
    assert_int_equal(space_status(PROTO_HASH, SPACE_INPUT, 0, 0, 1), PROTO_E_NO_MODEL);
}

static void writing_the_model_area_forgets_the_model(void **state)
{
    const uint8_t zeros[4] = {0};

    (void)state;
    rig_load_sample(&rig);
    assert_int_equal(rig_write(&rig, SPACE_INPUT, 0, zeros, 4), PROTO_OK);
    assert_int_equal(rig_status(&rig, PROTO_RUN, zeros, 4), PROTO_OK);
    assert_int_equal(rig_write(&rig, SPACE_MODEL, RIG_AREA - 4, zeros, 4), PROTO_OK);
    assert_int_equal(rig_status(&rig, PROTO_RUN, zeros, 4), PROTO_E_NO_MODEL);
}

static void bad_models_are_refused_with_their_fault(void **state)
{
    _Alignas(16) uint8_t sample[BUILD_SAMPLE_ROOM];
    const size_t size = build_sample(sample);
    const uint32_t layers = get_u32(sample + MH_LAYER_TABLE);
    uint8_t payload[4];
    const uint8_t *answer;

    (void)state;
    rig_hello(&rig);
    sample[layers + 6 * MODEL_LAYER_BYTES + ML_OP] = 99;
    build_fix_checksum(sample);
    assert_int_equal(rig_write(&rig, SPACE_MODEL, 0, sample, size), PROTO_OK);
    put_u32(payload, (uint32_t)size);
    answer = rig_request(&rig, PROTO_COMMIT, payload, 4)->payload;
    assert_int_equal(answer[0], PROTO_E_MODEL);
    assert_int_equal(answer[1], MODEL_BAD_OP);
    assert_int_equal(answer[2], 6);
    put_u32(payload, RIG_AREA + 1);
    answer = rig_request(&rig, PROTO_COMMIT, payload, 4)->payload;
    assert_int_equal(answer[0], PROTO_E_MODEL);
    assert_int_equal(answer[1], MODEL_TOO_LARGE);
    assert_int_equal(answer[2], 0xff);
    put_u32(payload, 0);
    answer = rig_request(&rig, PROTO_COMMIT, payload, 4)->payload;
    assert_int_equal(answer[1], MODEL_TRUNCATED);
}

static void tiers_that_the_core_lacks_are_refused(void **state)
{
    const uint8_t nn[4] = {TIER_NN}, rv32[4] = {TIER_RV32}, other[4] = {2};
    const uint8_t *answer;

    (void)state;
    rig_load_sample(&rig);
    assert_int_equal(rig_status(&rig, PROTO_RUN, other, 4), PROTO_E_TIER);
    rig.loader.model.isa_version = 2; /* the container wants newer instructions */
    answer = rig_request(&rig, PROTO_RUN, nn, 4)->payload;
    assert_int_equal(answer[0], PROTO_E_TIER);
    assert_int_equal(answer[1], MODEL_BAD_ISA);
    assert_int_equal(rig_status(&rig, PROTO_RUN, rv32, 4), PROTO_OK);
    rig.platform.isa_version = 0;
    assert_int_equal(rig_status(&rig, PROTO_RUN, nn, 4), PROTO_E_TIER);
    assert_int_equal(rig_status(&rig, PROTO_RUN, rv32, 4), PROTO_OK);
}

static void layers_that_do_not_exist_are_refused(void **state)
{
    const uint8_t too_many[4] = {TIER_RV32, 0, BUILD_SAMPLE_LAYERS + 1, 0};
    const uint8_t far_too_many[4] = {TIER_RV32, 0, 0xff, 0xff};
    const uint8_t profile[4] = {TIER_RV32, RUN_PROFILE, 3, 0};
    const uint8_t layer0[2] = {0}, layer3[2] = {3}, last[2] = {0xff, 0xff};

    (void)state;
    rig_load_sample(&rig);
    assert_int_equal(rig_status(&rig, PROTO_RUN, too_many, 4), PROTO_E_LAYER);
    assert_int_equal(rig_status(&rig, PROTO_RUN, far_too_many, 4), PROTO_E_LAYER);
    assert_int_equal(rig_status(&rig, PROTO_COUNTERS, layer0, 2), PROTO_E_LAYER);
    assert_int_equal(rig_status(&rig, PROTO_RUN, profile, 4), PROTO_OK);
    assert_int_equal(rig_status(&rig, PROTO_COUNTERS, layer0, 2), PROTO_OK);
    assert_int_equal(rig_status(&rig, PROTO_COUNTERS, layer3, 2), PROTO_E_LAYER);
    assert_int_equal(rig_status(&rig, PROTO_COUNTERS, last, 2), PROTO_E_LAYER);
}

static void every_status_has_a_text(void **state)
{
#define X(name, text) assert_true(sizeof(text) > 4);
    (void)state;
    PROTO_STATUSES(X)
#undef X
}

/* ---- Whatever comes in ---- */

/* Valid frames with any type and any payload. */
static void hostile_requests_stay_in_the_model_area(void **state)
{
    struct test_random random = {21};

    (void)state;
    rig_load_sample(&rig);
    for (unsigned i = 0; i < HOSTILE_FRAMES; i++) {
        uint8_t payload[PROTO_PAYLOAD_MAX];
        const int kind = test_random_between(&random, 0, 3);
        const size_t size =
            (size_t)(kind == 0   ? test_random_between(&random, 0, 20)
                     : kind == 1 ? test_random_between(&random, 0, PROTO_PAYLOAD_MAX)
                                 : test_random_between(&random, 8, 16));
        const uint8_t type = (uint8_t)test_random_between(&random, 0, 9);

        test_random_bytes(&random, payload, sizeof payload);
        if (kind > 1) { /* closer to the truth */
            payload[0] %= 4;
            payload[1] = 0;
            payload[2] %= 10;
            payload[3] = 0;
            payload[6] = payload[7] = (uint8_t) - (payload[6] % 2);
        }
        rig_clear(&rig);
        rig_feed_frame(&rig, type, rig.loader.expected, payload, size);
        assert_int_equal(rig_sent_count(&rig), 1);
        rig_assert_guards(&rig);
        if (i % 500 == 0) {
            rig.seq = rig.loader.expected;
            rig_load_sample(&rig);
        }
    }
    assert_true(rig.resets > 0);
}

/* Any bytes, most of them no frame; then the loader still serves. */
static void noise_stays_in_the_model_area(void **state)
{
    struct test_random random = {22};

    (void)state;
    rig_load_sample(&rig);
    for (unsigned i = 0; i < 300000; i++) {
        loader_feed(&rig.loader, (uint8_t)(test_random_next(&random) >> 13));
        if (i % 1000 == 0) {
            rig_assert_guards(&rig);
            if (test_random_between(&random, 0, 9) == 0)
                loader_overrun(&rig.loader);
        }
    }
    loader_feed(&rig.loader, 0);
    rig_load_sample(&rig);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(hello_tells_what_the_core_is),
        CASE(hello_of_a_core_without_the_unit_offers_one_tier),
        CASE(written_bytes_are_read_back),
        CASE(hash_gives_the_checksum_of_each_block),
        CASE(runs_give_what_the_oracle_says),
        CASE(counters_count_each_layer),
        CASE(reset_answers_and_restarts),
        CASE(leds_show_what_the_loader_does),
        CASE(requests_before_hello_get_no_session),
        CASE(hello_of_another_version_is_refused),
        CASE(unknown_types_are_named),
        CASE(wrong_lengths_are_refused),
        CASE(wrong_spaces_are_refused),
        CASE(ranges_outside_a_space_are_refused),
        CASE(too_many_or_empty_hash_blocks_are_refused),
        CASE(nothing_runs_without_a_model),
        CASE(writing_the_model_area_forgets_the_model),
        CASE(bad_models_are_refused_with_their_fault),
        CASE(tiers_that_the_core_lacks_are_refused),
        CASE(layers_that_do_not_exist_are_refused),
        CASE(every_status_has_a_text),
        CASE(hostile_requests_stay_in_the_model_area),
        CASE(noise_stays_in_the_model_area),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
