// SPDX-License-Identifier: Apache-2.0
/* A search space as a table, behind struct dse_ops: what a candidate gives, what was done to it,
 * and failures at will. */
#ifndef MPQ_TEST_MADE_UP_SEARCH_H
#define MPQ_TEST_MADE_UP_SEARCH_H

#include "host/scratch.h"

#include <pthread.h>

#include "base/rng.h"
#include "search/dse.h"

enum { WORLD_MAX = 243, WORLD_SAMPLES = 4, WORLD_FRONT_SAMPLES = 20, WORLD_JOBS_MAX = 8 };

struct world_worker {
    struct world *world;
    bool in_use;
};

struct world {
    struct dse_space space;
    size_t count;
    double val_accuracy[WORLD_MAX];
    uint64_t cycles[WORLD_MAX];
    bool differs[WORLD_MAX]; /* from the integer model */
    uint64_t layer_cycles[NET_MAX_BITS][NET_MAX_LAYERS], other_cycles;
    uint64_t ram_bytes; /* of the core; 0: without limit */
    uint64_t
        work_bytes;  /* more of its memory that a candidate needs whose first layer has 4 bits */
    size_t profiled; /* runs on the core */
    /* Call number fail_at of evaluate and verify (from 1 on) calls on_fail, then fails so. */
    size_t fail_at;
    enum status fail_with;
    void (*on_fail)(void);
    size_t open_fail_at; /* worker number */
    /* What was done, under lock. */
    pthread_mutex_t lock;
    size_t calls, opened, closed;
    size_t evaluated[WORLD_MAX], screened[WORLD_MAX], verified[WORLD_MAX];
    bool misused; /* a worker by two threads, or unopened */
    struct world_worker workers[WORLD_JOBS_MAX];
};

/* Forgets what was done and the failures that were ordered. */
static inline void world_forget(struct world *world)
{
    world->fail_at = world->open_fail_at = SIZE_MAX;
    world->fail_with = STATUS_CANCELLED;
    world->on_fail = NULL;
    world->calls = world->opened = world->closed = 0;
    memset(world->evaluated, 0, sizeof world->evaluated);
    memset(world->screened, 0, sizeof world->screened);
    memset(world->verified, 0, sizeof world->verified);
}

/* Cycles: a sum over layers, plus up to noise; accuracies do not follow cost at all. */
static inline void world_make(struct world *world, int layers, uint64_t seed, uint32_t noise)
{
    struct rng rng;
    memset(world, 0, sizeof *world);
    pthread_mutex_init(&world->lock, NULL);
    world->space = (struct dse_space){.layer_count = layers, .widths = {8, 4, 2}, .width_count = 3};
    assert_int_equal(dse_space_divide(&world->space, NULL, NULL), -1);
    world->count = dse_space_count(&world->space);
    assert_true(world->count <= WORLD_MAX);
    rng_init(&rng, seed, 0);
    world->other_cycles = rng_below(&rng, 500);
    for (int w = 0; w < 3; w++)
        for (int layer = 0; layer < layers; layer++)
            world->layer_cycles[w][layer] = 100 + rng_below(&rng, 900);
    for (size_t i = 0; i < world->count; i++) {
        size_t rest = i;
        world->cycles[i] = world->other_cycles + rng_below(&rng, noise + 1);
        for (int layer = layers - 1; layer >= 0; layer--, rest /= 3)
            world->cycles[i] += world->layer_cycles[rest % 3][layer];
        world->val_accuracy[i] = 90 + 0.1 * rng_below(&rng, 100);
    }
    world_forget(world);
}

static inline enum status world_open(void *context, size_t number, void **out, struct error *err)
{
    struct world *world = context;
    if (number == world->open_fail_at)
        return error_set(err, STATUS_LINK, "worker %zu: no core", number);
    world->opened++;
    world->workers[number] = (struct world_worker){world, false};
    *out = &world->workers[number];
    return STATUS_OK;
}

static inline void world_close(void *worker)
{
    ((struct world_worker *)worker)->world->closed++;
}

static inline enum status world_begin(struct world_worker *worker, struct error *err)
{
    struct world *world = worker->world;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&world->lock);
    world->misused = world->misused || worker->in_use;
    worker->in_use = true;
    if (++world->calls == world->fail_at) {
        if (world->on_fail)
            world->on_fail();
        worker->in_use = world->fail_with == STATUS_OK;
        status =
            world->fail_with ? error_set(err, world->fail_with, "the core is gone") : STATUS_OK;
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static inline void world_end(struct world_worker *worker, size_t *counter)
{
    pthread_mutex_lock(&worker->world->lock);
    ++*counter;
    worker->in_use = false;
    pthread_mutex_unlock(&worker->world->lock);
}

static inline uint64_t world_fixed(const struct world *world, const int *bits)
{
    return 2000 + (bits[0] == 4 ? world->work_bytes : 0);
}

/* What a candidate takes of the core's memory, in bytes. */
static inline uint64_t world_need(const struct world *world, const int *bits)
{
    uint64_t need = world_fixed(world, bits) + 300;
    for (int layer = 0; layer < world->space.layer_count; layer++)
        need += (uint64_t)(100 * bits[layer]);
    return need;
}

static inline enum status world_evaluate(void *argument, struct candidate *c, struct error *err)
{
    struct world_worker *worker = argument;
    struct world *world = worker->world;
    const enum status status = world_begin(worker, err);
    if (status)
        return status;
    c->too_large = world->ram_bytes && world_need(world, c->bits) > world->ram_bytes;
    c->size_bytes = 1000 + c->index;
    c->ram_bytes = 3000 + c->index;
    if (c->too_large) {
        c->ram_bytes = (size_t)world_need(world, c->bits);
        world_end(worker, &world->evaluated[c->index]);
        return STATUS_OK;
    }
    c->val_accuracy = world->val_accuracy[c->index];
    c->val_loss = 100 - c->val_accuracy;
    c->accuracy = c->val_accuracy - 0.3;
    c->cycles = world->cycles[c->index];
    c->instructions = c->cycles / 2;
    c->verified = WORLD_SAMPLES;
    c->mismatches = world->differs[c->index];
    if (c->mismatches)
        snprintf(c->mismatch, sizeof c->mismatch, "image 0, layer 1");
    world_end(worker, &world->evaluated[c->index]);
    return STATUS_OK;
}

static inline enum status world_screen(void *argument, struct candidate *c, struct error *err)
{
    struct world_worker *worker = argument;
    struct world *world = worker->world;
    const enum status status = world_begin(worker, err);
    if (status)
        return status;
    c->val_accuracy = world->val_accuracy[c->index];
    c->val_loss = 100 - c->val_accuracy;
    world_end(worker, &world->screened[c->index]);
    return STATUS_OK;
}

static inline enum status world_verify(void *argument, struct candidate *c, size_t end,
                                       struct error *err)
{
    struct world_worker *worker = argument;
    const enum status status = world_begin(worker, err);
    if (status)
        return status;
    c->verified = end;
    world_end(worker, &worker->world->verified[c->index]);
    return STATUS_OK;
}

static inline enum status world_profile(void *argument, const int *bits, struct dse_profile *out,
                                        struct error *err)
{
    struct world *world = ((struct world_worker *)argument)->world;
    (void)err;
    memset(out, 0, sizeof *out);
    out->other_bytes = 300;
    out->fixed_ram_bytes = world_fixed(world, bits);
    out->target_ram_bytes = world->ram_bytes;
    out->too_large = world->ram_bytes && world_need(world, bits) > world->ram_bytes;
    for (int layer = 0; layer < world->space.layer_count; layer++)
        out->layer_bytes[layer] = (uint64_t)(100 * bits[layer]);
    if (out->too_large)
        return STATUS_OK;
    world->profiled++;
    out->other_cycles = (int64_t)world->other_cycles;
    for (int layer = 0; layer < world->space.layer_count; layer++) {
        const int width = bits[layer] == 8 ? 0 : bits[layer] == 4 ? 1 : 2;
        out->layer_cycles[layer] = world->layer_cycles[width][layer];
    }
    return STATUS_OK;
}

static const struct dse_ops WORLD_OPS = {world_open,   world_close,  world_evaluate,
                                         world_screen, world_verify, world_profile};

static inline struct dse_options world_options(const struct world *world, size_t jobs,
                                               enum search_method method)
{
    return (struct dse_options){.space = world->space,
                                .jobs = jobs,
                                .method = method,
                                .limits = {.max_acc_drop = 2},
                                .float_val_accuracy = 99.5,
                                .float_screen_accuracy = 99.5,
                                .front_samples = WORLD_FRONT_SAMPLES,
                                .points = 8,
                                .progress = PROGRESS_QUIET};
}

#endif
