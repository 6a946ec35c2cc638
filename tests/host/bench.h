// SPDX-License-Identifier: Apache-2.0
/* A target on a core in this process (loader_link.h), and a model for it: LeNet-5 with made-up
 * weights. */
#ifndef MPQ_TEST_BENCH_H
#define MPQ_TEST_BENCH_H

#include "host/loader_link.h"
#include "host/made_up_quant.h"

#include "nn_insn.h"
#include "target/target.h"

enum { BENCH_AREA_BYTES = 1 << 17 };

static const int BENCH_BITS[] = {4, 8, 2, 8, 8};
static const struct loader_link_setup QUIET = {
    .area_bytes = BENCH_AREA_BYTES, .isa_version = NN_ISA_VERSION, .seed = 1};

/* One core with LeNet-5. */
struct bench {
    struct loader_link *link;
    struct target *target;
    struct made_up made;
    struct container *container;
    uint8_t image[28 * 28];
};

static inline struct target *bench_attach(struct loader_link *link)
{
    struct target *target = NULL;
    struct error err;
    check_ok(target_attach(&link->base, &target, &err), &err);
    return target;
}

static inline void bench_open(struct bench *bench, const struct loader_link_setup *setup)
{
    made_up_lenet5(&bench->made, BENCH_BITS, 1);
    bench->container = made_up_pack(&bench->made);
    made_up_image(bench->image, sizeof bench->image, 1);
    bench->link = loader_link_create(setup);
    bench->target = bench_attach(bench->link);
}

static inline void bench_close(struct bench *bench)
{
    target_close(bench->target);
    container_free(bench->container);
    made_up_free(&bench->made);
}

static inline void bench_load(struct bench *bench)
{
    struct error err;
    check_ok(target_load(bench->target, bench->container, &err), &err);
}

static inline void bench_set_input(struct bench *bench)
{
    struct error err;
    check_ok(target_set_input(bench->target, bench->image, sizeof bench->image, &err), &err);
}

static inline void bench_check_core(const struct bench *bench)
{
    assert_memory_equal(bench->link->loader.area, bench->container->bytes, bench->container->size);
    assert_true(bench->link->loader.ready);
}

/* Runs and compares with the network's own layers. */
static inline void bench_check_run(struct bench *bench, enum proto_tier tier)
{
    uint8_t want[10];
    struct target_result result;
    struct error err;
    const int want_class = made_up_run(&bench->made, bench->image, want);
    check_ok(target_run(bench->target, tier, false, 0, &result, &err), &err);
    assert_int_equal(result.layers, bench->container->model->layer_count);
    assert_int_equal(result.output_bytes, sizeof want);
    assert_memory_equal(result.output, want, sizeof want);
    assert_int_equal(result.class_index, want_class);
}

static inline void bench_check_run_fails(struct bench *bench, enum proto_tier tier,
                                         enum status want, const char *text)
{
    struct target_result result;
    struct error err = {""};
    check_failed(target_run(bench->target, tier, false, 0, &result, &err), want, &err, text);
}

/* A run that traps, and is reported. */
static inline void bench_check_trap(struct bench *bench)
{
    bench_load(bench);
    bench_set_input(bench);
    bench->link->event =
        (struct loader_link_event){PROTO_RUN, 0, loader_link_trap, bench->link, true};
    bench_check_run_fails(
        bench, TIER_NN, STATUS_LINK,
        "core: the core trapped in layer 2: illegal instruction (mcause 0x2) at pc "
        "0x00101234, value 0xffffffff; it has restarted");
}

#endif
