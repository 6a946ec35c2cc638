// SPDX-License-Identifier: Apache-2.0
/* One worker of a search: a core of its own, the activations it shares between candidates, and the
 * candidate at hand. */
#include "search/dse_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "infer/infer.h"
#include "loader.h"
#include "measure/verify.h"
#include "search/dse_eval.h"

/* Memory for shared activations, of each worker and for each of its sets of images. */
static const size_t EVAL_BUDGET_BYTES = (size_t)192 << 20;

/* A core that is lost: reset, unplugged, or on a line that has become bad. */
enum { RECOVERIES = 3, RECONNECT_MS = 15000, RECONNECT_PAUSE_MS = 250 };

struct worker {
    struct dse_source *source;
    size_t number;
    struct target *target; /* NULL: lost */
    struct dse_eval *validation, *test, *screen;
    struct container *container; /* the candidate at hand; NULL: none */
    struct infer *infer;         /* its integer model */
    bool loaded;                 /* it is on the core */
    int bits[NET_MAX_LAYERS];
};

static void worker_drop(struct worker *worker)
{
    if (worker->infer) {
        infer_free(worker->infer);
    }
    container_free(worker->container);
    worker->infer = NULL;
    worker->container = NULL;
    worker->loaded = false;
}

static void worker_close(void *state)
{
    struct worker *worker = state;
    worker_drop(worker);
    if (worker->target) {
        target_close(worker->target);
    }
    dse_eval_free(worker->validation);
    dse_eval_free(worker->test);
    dse_eval_free(worker->screen);
    free(worker);
}

static enum status worker_open(void *context, size_t number, void **out, struct error *err)
{
    struct dse_source *source = context;
    const struct data_split *data = dse_source_data(source);
    const struct dse_eval_options options = {EVAL_BUDGET_BYTES, dse_source_threads(source),
                                             dse_source_output_scale(source)};
    struct worker *worker = calloc(1, sizeof *worker);
    *out = NULL;
    if (!worker) {
        return error_set(err, STATUS_NO_MEMORY, "worker %zu: out of memory", number);
    }
    worker->source = source;
    worker->number = number;
    enum status status = dse_source_target(source, number, &worker->target, err);
    if (status == STATUS_OK) {
        status = dse_eval_create(&data->validation, &options, &worker->validation, err);
    }
    if (status == STATUS_OK) {
        status = dse_eval_create(&data->test, &options, &worker->test, err);
    }
    if (status == STATUS_OK) {
        status = dse_eval_create(dse_source_screen_data(source), &options, &worker->screen, err);
    }
    if (status != STATUS_OK) {
        worker_close(worker);
        return status;
    }
    *out = worker;
    return STATUS_OK;
}

/* Makes bits the candidate at hand. */
static enum status worker_take(struct worker *worker, const int *bits, bool ptq, struct error *err)
{
    const int layer_count = dse_source_options(worker->source)->space.layer_count;
    worker_drop(worker);
    enum status status = dse_source_build(worker->source, bits, ptq, &worker->container, err);
    if (status == STATUS_OK) {
        status = infer_create(worker->container->model, &worker->infer, err);
    }
    if (status == STATUS_OK) {
        memcpy(worker->bits, bits, (size_t)layer_count * sizeof *bits);
    }
    return status;
}

static enum status worker_load(struct worker *worker, struct error *err)
{
    const enum status status =
        worker->loaded ? STATUS_OK : target_load(worker->target, worker->container, err);
    worker->loaded = status == STATUS_OK;
    return status;
}

/* Compares test image number image; on image 0 takes cycles and instructions. */
static enum status verify_one(struct worker *worker, struct candidate *candidate, size_t image,
                              struct error *err)
{
    const struct dataset *test = &dse_source_data(worker->source)->test;
    const uint8_t *pixels = test->images + image * shape_size(test->shape);
    struct target_result result;
    struct error mismatch = {""};
    bool equal = true;
    enum status status =
        interrupt_requested() ? error_set(err, STATUS_CANCELLED, "search interrupted") : STATUS_OK;
    if (status == STATUS_OK) {
        status = verify_image(worker->target, worker->container, worker->infer, TIER_NN, pixels,
                              image, &result, &equal, &mismatch, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (image == 0) {
        candidate->cycles = result.counters[COUNTER_CYCLES];
        candidate->instructions = result.counters[COUNTER_INSTRUCTIONS];
    }
    if (!equal && candidate->mismatches++ == 0) {
        snprintf(candidate->mismatch, sizeof candidate->mismatch, "%.*s",
                 (int)sizeof candidate->mismatch - 1, mismatch.text);
    }
    candidate->verified = image + 1;
    return STATUS_OK;
}

/* Looks for a lost board for a while. */
static enum status worker_reconnect(struct worker *worker, struct error *err)
{
    const struct timespec pause = {.tv_nsec = RECONNECT_PAUSE_MS * 1000000L};
    const int64_t until = clock_ms() + RECONNECT_MS;
    enum status status;
    do {
        target_close(worker->target);
        worker->loaded = false;
        status = interrupt_requested()
                     ? error_set(err, STATUS_CANCELLED, "search interrupted")
                     : dse_source_target(worker->source, worker->number, &worker->target, err);
        if (status == STATUS_LINK) {
            nanosleep(&pause, NULL);
        }
    } while (status == STATUS_LINK && clock_ms() < until);
    return status;
}

/* After work on the core that ended with status: whether it is worth doing again, the core having
 * been found again; else *status is why not. */
static bool worker_recovers(struct worker *worker, int tries, enum status *status,
                            struct error *err)
{
    if (*status != STATUS_LINK || tries >= RECOVERIES ||
        !dse_source_target_returns(worker->source, worker->number)) {
        return false;
    }
    *status = worker_reconnect(worker, err);
    return *status == STATUS_OK;
}

static enum status verify_images(struct worker *worker, struct candidate *candidate, size_t end,
                                 struct error *err)
{
    const size_t count = dse_source_data(worker->source)->test.count;
    enum status status = worker_load(worker, err);
    for (size_t i = candidate->verified; i < end && i < count && status == STATUS_OK; i++) {
        status = verify_one(worker, candidate, i, err);
    }
    return status;
}

/* A candidate whose core was lost goes on with the image that it was lost at. */
static enum status verify_range(struct worker *worker, struct candidate *candidate, size_t end,
                                struct error *err)
{
    enum status status = verify_images(worker, candidate, end, err);
    for (int tries = 0; worker_recovers(worker, tries, &status, err); tries++) {
        status = verify_images(worker, candidate, end, err);
    }
    return status;
}

/* What the model at hand takes beside its container: firmware, arena, the core's tables. */
static uint64_t fixed_ram_bytes(const struct worker *worker)
{
    const struct target_info *info = dse_source_info(worker->source);
    const struct model *model = worker->container->model;
    return info->ram_bytes - info->model_area_bytes + loader_model_bytes(model) -
           model->container_bytes;
}

static bool is_too_large(const struct worker *worker)
{
    return loader_model_bytes(worker->container->model) >
           dse_source_info(worker->source)->model_area_bytes;
}

/* Makes bits the candidate at hand, as post-training quantization does, which takes as many bytes
 * as any other; sets what the candidate takes, and whether that is too much. */
static enum status worker_size(struct worker *worker, struct candidate *candidate,
                               struct error *err)
{
    static const bool PTQ = true;
    const enum status status = worker_take(worker, candidate->bits, PTQ, err);
    if (status == STATUS_OK) {
        candidate->size_bytes = worker->container->size;
        candidate->ram_bytes = (size_t)(worker->container->size + fixed_ram_bytes(worker));
        candidate->too_large = is_too_large(worker);
    }
    return status;
}

/* The candidate at hand becomes the trained one. */
static enum status worker_train(struct worker *worker, const int *bits, struct error *err)
{
    const enum status status = dse_source_train(worker->source, bits, err);
    return status == STATUS_OK ? worker_take(worker, bits, false, err) : status;
}

static enum status worker_evaluate(void *state, struct candidate *candidate, struct error *err)
{
    struct worker *worker = state;
    const struct dse_source_options *options = dse_source_options(worker->source);
    const int *shared = options->qat_epochs ? NULL : candidate->bits;
    enum status status = worker_size(worker, candidate, err);
    if (status == STATUS_OK && !candidate->too_large && options->qat_epochs) {
        status = worker_train(worker, candidate->bits, err);
    }
    if (status != STATUS_OK || candidate->too_large) {
        worker_drop(worker); /* with QAT, the candidate of these widths has other weights */
        return status;
    }
    const struct model *model = worker->container->model;
    struct dse_score validation, test;
    status = dse_eval_score(worker->validation, model, worker->infer, shared, &validation, err);
    if (status == STATUS_OK) {
        status = dse_eval_score(worker->test, model, worker->infer, shared, &test, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    candidate->val_accuracy = validation.accuracy;
    candidate->val_loss = validation.loss;
    candidate->accuracy = test.accuracy;
    return verify_range(worker, candidate, options->samples, err);
}

/* By post-training quantization even in a search with QAT. */
static enum status worker_screen(void *state, struct candidate *candidate, struct error *err)
{
    struct worker *worker = state;
    static const bool PTQ = true;
    struct dse_score score;
    enum status status = worker_take(worker, candidate->bits, PTQ, err);
    if (status == STATUS_OK) {
        status = dse_eval_score(worker->screen, worker->container->model, worker->infer,
                                candidate->bits, &score, err);
    }
    worker_drop(worker); /* with QAT, the candidate of these widths has other weights */
    if (status == STATUS_OK) {
        candidate->val_accuracy = score.accuracy;
        candidate->val_loss = score.loss;
    }
    return status;
}

static enum status worker_verify(void *state, struct candidate *candidate, size_t end,
                                 struct error *err)
{
    struct worker *worker = state;
    const size_t size =
        (size_t)dse_source_options(worker->source)->space.layer_count * sizeof *worker->bits;
    const bool held = worker->infer && memcmp(worker->bits, candidate->bits, size) == 0;
    const enum status status = held ? STATUS_OK : worker_take(worker, candidate->bits, false, err);
    return status == STATUS_OK ? verify_range(worker, candidate, end, err) : status;
}

/* Shares out the bytes to the weighted layers. */
static void sum_bytes(const struct worker *worker, struct dse_profile *out)
{
    const struct model *model = worker->container->model;
    int weighted = 0;
    *out = (struct dse_profile){.other_bytes = worker->container->size,
                                .fixed_ram_bytes = fixed_ram_bytes(worker),
                                .target_ram_bytes = dse_source_info(worker->source)->ram_bytes,
                                .too_large = is_too_large(worker)};
    for (int i = 0; i < model->layer_count; i++) {
        if (model->layers[i].weight_bits) {
            out->layer_bytes[weighted++] = model->layers[i].weight_bytes;
            out->other_bytes -= model->layers[i].weight_bytes;
        }
    }
}

/* Shares out the layers' cycles to the weighted layers. */
static void sum_cycles(const struct worker *worker, uint64_t (*counters)[COUNTER_COUNT],
                       struct dse_profile *out)
{
    const struct model *model = worker->container->model;
    int weighted = -1;
    for (int i = 0; i < model->layer_count; i++) {
        if (model->layers[i].weight_bits) {
            out->layer_cycles[++weighted] = 0;
        }
        if (weighted >= 0) {
            out->layer_cycles[weighted] += counters[i][COUNTER_CYCLES];
            out->other_cycles -= (int64_t)counters[i][COUNTER_CYCLES];
        }
    }
}

/* A run with profiling for the layers, and one without for the whole, which profiling slows. */
static enum status run_profile(struct worker *worker, uint64_t (*counters)[COUNTER_COUNT],
                               struct dse_profile *out, struct error *err)
{
    const struct dataset *test = &dse_source_data(worker->source)->test;
    const size_t layer_count = worker->container->model->layer_count;
    struct target_result result;
    enum status status = worker_load(worker, err);
    if (status == STATUS_OK) {
        status = target_set_input(worker->target, test->images, shape_size(test->shape), err);
    }
    if (status == STATUS_OK) {
        status = target_run(worker->target, TIER_NN, true, 0, &result, err);
    }
    if (status == STATUS_OK) {
        status = target_counters(worker->target, layer_count, counters, err);
    }
    if (status == STATUS_OK) {
        status = target_set_input(worker->target, test->images, shape_size(test->shape), err);
    }
    if (status == STATUS_OK) {
        status = target_run(worker->target, TIER_NN, false, 0, &result, err);
    }
    if (status == STATUS_OK) {
        out->other_cycles = (int64_t)result.counters[COUNTER_CYCLES];
        sum_cycles(worker, counters, out);
    }
    return status;
}

/* Profiles the candidate at hand; a lost core that is found again starts anew. */
static enum status profile_at_hand(struct worker *worker, struct dse_profile *out,
                                   struct error *err)
{
    uint64_t(*counters)[COUNTER_COUNT] =
        calloc(worker->container->model->layer_count, sizeof *counters);
    if (!counters) {
        return error_set(err, STATUS_NO_MEMORY, "profile: out of memory");
    }
    enum status status = run_profile(worker, counters, out, err);
    for (int tries = 0; worker_recovers(worker, tries, &status, err); tries++) {
        status = run_profile(worker, counters, out, err);
    }
    free(counters);
    return status;
}

static enum status worker_profile(void *state, const int *bits, struct dse_profile *out,
                                  struct error *err)
{
    struct worker *worker = state;
    static const bool PTQ = true;
    enum status status = worker_take(worker, bits, PTQ, err);
    if (status != STATUS_OK) {
        return status;
    }
    sum_bytes(worker, out);
    if (!out->too_large) {
        status = profile_at_hand(worker, out, err);
    }
    worker_drop(worker); /* with QAT, the candidate of these widths has other weights */
    return status;
}

const struct dse_ops dse_source_ops = {
    .open = worker_open,
    .close = worker_close,
    .evaluate = worker_evaluate,
    .screen = worker_screen,
    .verify = worker_verify,
    .profile = worker_profile,
};
