// SPDX-License-Identifier: Apache-2.0
/* Uploads and runs over the protocol, against the firmware's loader, and what is refused. */
#include "host/bench.h"
#include "host/find_simulator.h"
#include "model/build_container.h"

#include "bytes.h"

/* Blocks sent and skipped since the last call. */
struct blocks {
    uint64_t sent, skipped;
};

static void check_blocks(struct bench *bench, struct blocks *last, uint64_t sent, bool rest)
{
    const struct target_statistics *now = target_statistics(bench->target);
    const uint64_t got = now->blocks_sent - last->sent,
                   skipped = now->blocks_skipped - last->skipped;
    if (got != sent || (skipped > 0) != rest)
        fail_msg("blocks: got %llu sent, %llu skipped; want %llu sent, %s skipped",
                 (unsigned long long)got, (unsigned long long)skipped, (unsigned long long)sent,
                 rest ? "others" : "none");
    *last = (struct blocks){now->blocks_sent, now->blocks_skipped};
}

/* ---- The straight way ---- */

static void hello_tells_what_the_core_is(void **state)
{
    struct target *target = bench_attach(loader_link_create(&QUIET));
    const struct target_info *info = target_info(target);
    (void)state;
    assert_int_equal(info->protocol_version, PROTO_VERSION);
    assert_int_equal(info->window, PROTO_WINDOW_MAX);
    assert_int_equal(info->tiers, 1 << TIER_NN | 1 << TIER_RV32);
    assert_int_equal(info->isa_version, NN_ISA_VERSION);
    assert_int_equal(info->model_version, MODEL_VERSION);
    assert_int_equal(info->clock_hz, LOADER_LINK_CLOCK_HZ);
    assert_int_equal(info->ram_bytes, 2 * BENCH_AREA_BYTES);
    assert_int_equal(info->model_area_bytes, BENCH_AREA_BYTES);
    assert_int_equal(info->core_config, 1);
    assert_int_equal(info->marchid, 22);
    assert_int_equal(info->mimpid, 3);
    assert_string_equal(info->firmware, MPQ_VERSION);
    target_close(target);
    target_close(NULL);
}

static void model_is_loaded_and_run_in_both_tiers(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    bench_check_core(&bench);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_NN);
    bench_set_input(&bench); /* a run may write over it */
    bench_check_run(&bench, TIER_RV32);
    assert_int_equal(target_statistics(bench.target)->frames_resent, 0);
    bench_close(&bench);
}

static void profile_gives_the_counters_of_every_layer(void **state)
{
    struct bench bench;
    struct target_result result;
    struct error err;
    uint64_t counters[8][COUNTER_COUNT];
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    bench_set_input(&bench);
    check_ok(target_run(bench.target, TIER_NN, true, 0, &result, &err), &err);
    check_ok(target_counters(bench.target, 8, counters, &err), &err);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(counters[i][COUNTER_CYCLES], 1000);
        assert_int_equal(counters[i][COUNTER_JUMPS], 5);
    }
    assert_int_equal(result.counters[COUNTER_CYCLES], 17 * 1000);
    check_failed(target_counters(bench.target, 9, counters, &err), STATUS_INPUT, &err,
                 "core: counters refused: no such layer");
    bench_close(&bench);
}

/* More layers than one answer holds. */
static void counters_of_many_layers_come_in_pieces(void **state)
{
    static const int bits[] = {8};
    struct bench bench;
    struct target_result result;
    struct error err;
    uint64_t counters[41][COUNTER_COUNT];
    char layers[4096] = "";
    (void)state;
    for (int i = 0; i < 39; i++)
        strcat(layers, "{\"op\": \"maxpool\", \"kernel\": 1},");
    strcat(layers, "{\"op\": \"fc\", \"outputs\": 4}");
    made_up_create(&bench.made, layers, "2, 2, 1", 4, bits, 1);
    bench.container = made_up_pack(&bench.made);
    bench.link = loader_link_create(&QUIET);
    bench.target = bench_attach(bench.link);
    bench_load(&bench);
    check_ok(target_set_input(bench.target, bench.image, 4, &err), &err);
    check_ok(target_run(bench.target, TIER_NN, true, 0, &result, &err), &err);
    memset(counters, 0, sizeof counters);
    check_ok(target_counters(bench.target, 41, counters, &err), &err);
    assert_true(bench.link->requests[PROTO_COUNTERS] > 1);
    for (int i = 0; i < 41; i++)
        assert_int_equal(counters[i][COUNTER_CYCLES], 1000);
    bench_close(&bench);
}

static void buffers_are_read_in_pieces(void **state)
{
    struct bench bench;
    struct target_result result;
    struct error err;
    uint8_t got[4704];
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    bench_set_input(&bench);
    check_ok(target_run(bench.target, TIER_NN, false, 1, &result, &err), &err);
    assert_int_equal(result.layers, 1);
    assert_int_equal(result.output_bytes, 0);
    assert_int_equal(result.class_index, 0xffff);
    const struct model *model = bench.container->model;
    const unsigned buffer = model->layers[0].out;
    const uint8_t *want =
        bench.link->loader.area + model->arena_start + model->buffers[buffer].arena_offset;
    check_ok(target_read_buffer(bench.target, buffer, 0, sizeof got, got, &err), &err);
    assert_memory_equal(got, want, sizeof got);
    check_ok(target_read_buffer(bench.target, buffer, 4700, 3, got, &err), &err);
    assert_memory_equal(got, want + 4700, 3);
    check_failed(target_read_buffer(bench.target, buffer, 4700, 5, got, &err), STATUS_INPUT, &err,
                 "core: read: bytes 4700..4705 of buffer 1, which has 4704");
    check_failed(target_read_buffer(bench.target, 99, 0, 1, got, &err), STATUS_INPUT, &err,
                 "core: read: bytes 0..1 of buffer 99, which has 0");
    bench_close(&bench);
}

static void large_outputs_do_not_come_with_the_result(void **state)
{
    static const int bits[] = {8};
    struct bench bench;
    struct target_result result;
    struct error err;
    uint8_t want[1025], got[1025];
    (void)state;
    made_up_create(&bench.made, "{\"op\": \"fc\", \"outputs\": 1025}", "28, 28, 1", 1025, bits, 1);
    bench.container = made_up_pack(&bench.made);
    bench.link = loader_link_create(&(struct loader_link_setup){1 << 20, 1, 1, 0, 0, 0});
    bench.target = bench_attach(bench.link);
    made_up_image(bench.image, sizeof bench.image, 1);
    bench_load(&bench);
    bench_set_input(&bench);
    check_ok(target_run(bench.target, TIER_NN, false, 0, &result, &err), &err);
    assert_int_equal(result.output_bytes, 0);
    assert_int_equal(result.class_index, made_up_run(&bench.made, bench.image, want));
    check_ok(
        target_read_buffer(bench.target, bench.container->model->output, 0, sizeof got, got, &err),
        &err);
    assert_memory_equal(got, want, sizeof got);
    bench_close(&bench);
}

/* ---- Only what changed ---- */

static void second_upload_sends_nothing(void **state)
{
    struct bench bench;
    struct blocks blocks = {0, 0};
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    assert_int_equal(bench.link->requests[PROTO_HASH], 1);
    blocks.sent = target_statistics(bench.target)->blocks_sent;
    bench_load(&bench);
    check_blocks(&bench, &blocks, 0, true);
    assert_int_equal(bench.link->requests[PROTO_HASH], 1); /* the tool knows what it sent */
    bench_check_core(&bench);
    bench_close(&bench);
}

/* A new session asks the core what it holds. */
static void upload_of_another_session_is_found(void **state)
{
    struct bench bench;
    struct blocks blocks = {0, 0};
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    check_ok(target_reset(bench.target, &err), &err);
    assert_int_equal(bench.link->resets, 1);
    assert_false(bench.link->loader.ready);
    blocks.sent = target_statistics(bench.target)->blocks_sent;
    bench_load(&bench);
    check_blocks(&bench, &blocks, 0, true);
    assert_int_equal(bench.link->requests[PROTO_HASH], 3); /* its first blocks, and the rest */
    bench_check_core(&bench);
    bench_close(&bench);
}

static void one_changed_byte_sends_one_block(void **state)
{
    struct bench bench;
    struct blocks blocks = {0, 0};
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    check_ok(target_reset(bench.target, &err), &err);
    blocks.sent = target_statistics(bench.target)->blocks_sent;
    bench.link->loader.area[bench.container->size - 1] ^= 1;
    bench_load(&bench);
    check_blocks(&bench, &blocks, 1, true);
    bench_check_core(&bench);
    bench_close(&bench);
}

/* The core's memory is not what was sent: the commit finds it, and the core is asked. */
static void memory_that_changed_behind_our_back_is_sent_again(void **state)
{
    struct bench bench;
    struct blocks blocks = {0, 0};
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    blocks.sent = target_statistics(bench.target)->blocks_sent;
    bench.link->loader.area[2000] ^= 0x40;
    bench_load(&bench);
    check_blocks(&bench, &blocks, 1, true);
    assert_int_equal(bench.link->requests[PROTO_COMMIT], 3);
    bench_check_core(&bench);
    bench_close(&bench);
}

static void candidate_with_another_last_layer_sends_its_end(void **state)
{
    static const int last_bits[] = {4, 8, 2, 8, 2};
    struct bench bench;
    struct made_up other;
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    made_up_lenet5(&other, last_bits, 1);
    struct container *next = made_up_pack(&other);
    bench_load(&bench);
    const uint64_t before = target_statistics(bench.target)->bytes_sent;
    check_ok(target_load(bench.target, next, &err), &err);
    const uint64_t sent = target_statistics(bench.target)->bytes_sent - before;
    if (sent > next->size / 10)
        fail_msg("got %llu bytes sent of a container of %zu; want less than a tenth",
                 (unsigned long long)sent, next->size);
    assert_memory_equal(bench.link->loader.area, next->bytes, next->size);
    container_free(next);
    made_up_free(&other);
    bench_close(&bench);
}

/* Runs leave something else behind the first container's end than the second one wants there. */
static void larger_container_after_a_run_is_complete(void **state)
{
    static const int wide[] = {8, 8, 8, 8, 8};
    struct bench bench;
    struct made_up other;
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    made_up_lenet5(&other, wide, 1);
    struct container *next = made_up_pack(&other);
    bench_load(&bench);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_NN);
    check_ok(target_load(bench.target, next, &err), &err);
    assert_memory_equal(bench.link->loader.area, next->bytes, next->size);
    container_free(next);
    made_up_free(&other);
    bench_close(&bench);
}

/* ---- What does not fit ---- */

static void model_that_is_too_large_is_refused_before_the_upload(void **state)
{
    struct bench bench;
    struct error err;
    char want[400];
    (void)state;
    bench_open(&bench, &(struct loader_link_setup){32768, 1, 1, 0, 0, 0});
    const struct container *container = bench.container;
    const struct model *model = container->model;
    const uint64_t before = target_statistics(bench.target)->bytes_sent;
    const unsigned tables =
        15u + 3u + model->layer_count * (36u + 48u + 9u * 4u) + model->buffer_count * 16u;
    snprintf(want, sizeof want,
             "core: model made_up_network_ does not fit: container %zu + activations %u + tables "
             "%u = %zu bytes, the core's model area has 32768; use fewer weight bits, a smaller "
             "network or a target with more RAM (mpq info QUANT shows where bytes go)",
             container->size, model->arena_bytes, tables,
             container->size + model->arena_bytes + tables);
    check_failed(target_load(bench.target, container, &err), STATUS_INPUT, &err, want);
    assert_int_equal(target_statistics(bench.target)->bytes_sent, before);
    bench_close(&bench);
}

/* The largest model area that refuses it and the smallest that takes it, as the core sees it. */
static void model_that_just_fits_is_taken(void **state)
{
    struct bench bench;
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    const uint32_t need = (uint32_t)loader_model_bytes(bench.container->model);
    bench.link->loader.area_bytes = need - 1;
    check_ok(target_reset(bench.target, &err), &err);
    assert_int_equal(target_load(bench.target, bench.container, &err), STATUS_INPUT);
    bench.link->loader.area_bytes = need;
    check_ok(target_reset(bench.target, &err), &err);
    bench_load(&bench);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_RV32);
    bench_close(&bench);
}

static void core_without_neural_unit_runs_the_other_tier(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &(struct loader_link_setup){BENCH_AREA_BYTES, 0, 1, 0, 0, 0});
    bench_load(&bench);
    bench_set_input(&bench);
    bench_check_run_fails(
        &bench, TIER_NN, STATUS_INPUT,
        "core: run: this core has no neural instructions; use the rv32 tier or another "
        "core");
    bench_check_run(&bench, TIER_RV32);
    bench_close(&bench);
}

static void newer_instructions_than_the_cores_are_refused(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &QUIET);
    uint8_t *bytes = bench.container->bytes;
    put_u16(bytes + MH_ISA_VERSION, 7);
    build_fix_checksum(bytes);
    bench.container->model->isa_version = 7;
    bench_load(&bench);
    bench_set_input(&bench);
    bench_check_run_fails(
        &bench, TIER_NN, STATUS_INPUT,
        "core: run: model made_up_network_ needs version 7 of the neural instructions, "
        "this core has 1; use the rv32 tier or another core");
    bench_check_run(&bench, TIER_RV32);
    bench_close(&bench);
}

static void spoil_memory(void *context)
{
    struct loader_link *link = context;
    link->loader.area[1000] ^= 1;
    link->event = (struct loader_link_event){PROTO_COMMIT, 0, spoil_memory, link, false};
}

/* Memory that forgets what was written to it. */
static void model_that_the_core_refuses_is_an_error(void **state)
{
    struct bench bench;
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    bench.link->event =
        (struct loader_link_event){PROTO_COMMIT, 0, spoil_memory, bench.link, false};
    check_failed(target_load(bench.target, bench.container, &err), STATUS_INPUT, &err,
                 "core: the core refused model made_up_network_: contents do not match the "
                 "checksum");
    bench_check_run_fails(&bench, TIER_NN, STATUS_INPUT, "core: run: no model is loaded");
    bench_close(&bench);
}

static void requests_without_a_model_are_refused(void **state)
{
    struct bench bench;
    struct error err;
    uint64_t counters[1][COUNTER_COUNT];
    uint8_t byte;
    (void)state;
    bench_open(&bench, &QUIET);
    bench_check_run_fails(&bench, TIER_NN, STATUS_INPUT, "core: run: no model is loaded");
    check_failed(target_set_input(bench.target, bench.image, 784, &err), STATUS_INPUT, &err,
                 "core: input: no model is loaded");
    check_failed(target_counters(bench.target, 1, counters, &err), STATUS_INPUT, &err,
                 "core: counters: no model is loaded");
    check_failed(target_read_buffer(bench.target, 0, 0, 1, &byte, &err), STATUS_INPUT, &err,
                 "core: read: no model is loaded");
    bench_close(&bench);
}

static void wrong_sizes_are_named(void **state)
{
    struct bench bench;
    struct target_result result;
    struct error err;
    (void)state;
    bench_open(&bench, &QUIET);
    bench_load(&bench);
    check_failed(target_set_input(bench.target, bench.image, 783, &err), STATUS_INPUT, &err,
                 "core: input: model made_up_network_ wants 784 bytes, got 783");
    check_failed(target_run(bench.target, TIER_NN, false, 9, &result, &err), STATUS_INPUT, &err,
                 "core: run: 9 layers, but model made_up_network_ has 8");
    bench_close(&bench);
}

/* ---- The simulator ---- */

static void simulated_core_loads_runs_and_resets(void **state)
{
    struct bench bench;
    struct blocks blocks = {0, 0};
    struct error err;
    (void)state;
    find_simulator();
    made_up_lenet5(&bench.made, BENCH_BITS, 1);
    bench.container = made_up_pack(&bench.made);
    made_up_image(bench.image, sizeof bench.image, 1);
    check_ok(target_open("sim", &bench.target, &err), &err);
    assert_int_equal(target_info(bench.target)->isa_version, NN_ISA_STREAM);
    bench_load(&bench);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_NN);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_RV32);
    blocks.sent = target_statistics(bench.target)->blocks_sent;
    bench_load(&bench);
    check_blocks(&bench, &blocks, 0, true);
    check_ok(target_reset(bench.target, &err), &err);
    bench_load(&bench);
    check_blocks(&bench, &blocks, 0, true);
    bench_set_input(&bench);
    bench_check_run(&bench, TIER_NN);
    assert_int_equal(target_statistics(bench.target)->naks, 0);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_tells_what_the_core_is),
        cmocka_unit_test(model_is_loaded_and_run_in_both_tiers),
        cmocka_unit_test(profile_gives_the_counters_of_every_layer),
        cmocka_unit_test(counters_of_many_layers_come_in_pieces),
        cmocka_unit_test(buffers_are_read_in_pieces),
        cmocka_unit_test(large_outputs_do_not_come_with_the_result),
        cmocka_unit_test(second_upload_sends_nothing),
        cmocka_unit_test(upload_of_another_session_is_found),
        cmocka_unit_test(one_changed_byte_sends_one_block),
        cmocka_unit_test(memory_that_changed_behind_our_back_is_sent_again),
        cmocka_unit_test(candidate_with_another_last_layer_sends_its_end),
        cmocka_unit_test(larger_container_after_a_run_is_complete),
        cmocka_unit_test(model_that_is_too_large_is_refused_before_the_upload),
        cmocka_unit_test(model_that_just_fits_is_taken),
        cmocka_unit_test(core_without_neural_unit_runs_the_other_tier),
        cmocka_unit_test(newer_instructions_than_the_cores_are_refused),
        cmocka_unit_test(model_that_the_core_refuses_is_an_error),
        cmocka_unit_test(requests_without_a_model_are_refused),
        cmocka_unit_test(wrong_sizes_are_named),
        cmocka_unit_test(simulated_core_loads_runs_and_resets),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
