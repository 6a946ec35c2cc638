// SPDX-License-Identifier: Apache-2.0
/* Measuring on a core. */
#include "measure/measure.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "measure/verify.h"
#include "nn_insn.h"

enum { RANDOM_SEED = 1, RANDOM_STREAM = 7, DEPTHWISE_ISSUE_LIMIT = 4, STREAM_ISSUE_LIMIT = 16 };

enum status measure_check(const struct measure_subject *subject,
                          const struct measure_options *options, struct error *err)
{
    const struct model *model = subject->container->model;
    const size_t want = model->buffers[model->input].size_bytes;
    const size_t got = shape_size(subject->data->shape);
    if (got != want)
        return error_set(err, STATUS_INPUT, "model %s: wants %zu input bytes, the images have %zu",
                         model->name, want, got);
    if (options->samples < 1 || options->samples > subject->data->count)
        return error_set(err, STATUS_USAGE, "--samples: want 1 to %zu (the images), got %zu",
                         subject->data->count, options->samples);
    if (!(target_info(subject->target)->tiers & 1u << options->tier))
        return error_set(err, STATUS_INPUT,
                         "tier %s: this core lacks its instructions; choose another tier or core",
                         measure_tier_name(options->tier));
    return STATUS_OK;
}

enum status measure_one(const struct measure_subject *subject, enum proto_tier tier, size_t image,
                        struct measure_image *out, struct error *err)
{
    const struct dataset *data = subject->data;
    const uint8_t *pixels = data->images + image * shape_size(data->shape);
    struct target_result result;
    *out = (struct measure_image){.equal = true};
    if (interrupt_requested())
        return error_set(err, STATUS_CANCELLED, "interrupted at image %zu", image);
    const enum status status =
        verify_image(subject->target, subject->container, subject->infer, tier, pixels, image,
                     &result, &out->equal, &out->mismatch, err);
    if (status != STATUS_OK)
        return status;
    memcpy(out->counters, result.counters, sizeof out->counters);
    out->correct = result.class_index == data->labels[image];
    out->done = true;
    return STATUS_OK;
}

void measure_add(struct measure_result *result, size_t image, const struct measure_image *one)
{
    const uint64_t cycles = one->counters[COUNTER_CYCLES];
    if (image == 0)
        memcpy(result->total, one->counters, sizeof result->total);
    if (result->verified == 0 || cycles < result->min_cycles)
        result->min_cycles = cycles;
    if (cycles > result->max_cycles)
        result->max_cycles = cycles;
    result->sum_cycles += cycles;
    result->verified++;
    result->mean_cycles = (double)result->sum_cycles / (double)result->verified;
    result->correct += one->correct;
    result->reopened += one->reopened;
    result->mismatches += !one->equal;
}

/* Measures image number `image` and tells if it differs. */
static enum status measure_next(const struct measure_subject *subject,
                                const struct measure_options *options, size_t image,
                                struct measure_result *out, struct error *err)
{
    struct measure_image one;
    const enum status status = measure_one(subject, options->tier, image, &one, err);
    if (status != STATUS_OK)
        return status;
    measure_add(out, image, &one);
    if (!one.equal && options->on_mismatch)
        options->on_mismatch(options->context, &one.mismatch);
    return STATUS_OK;
}

static enum status measure_layers(const struct measure_subject *subject,
                                  const struct measure_options *options, struct measure_result *out,
                                  struct error *err)
{
    const struct dataset *data = subject->data;
    struct target_result result;
    enum status status =
        target_set_input(subject->target, data->images, shape_size(data->shape), err);
    if (status == STATUS_OK)
        status = target_run(subject->target, options->tier, true, 0, &result, err);
    if (status == STATUS_OK)
        status = target_counters(subject->target, subject->container->model->layer_count,
                                 out->layers, err);
    return status;
}

enum status measure_run(const struct measure_subject *subject,
                        const struct measure_options *options, struct measure_result *out,
                        struct error *err)
{
    memset(out, 0, sizeof *out);
    enum status status = measure_check(subject, options, err);
    if (status == STATUS_OK)
        status = target_load(subject->target, subject->container, err);
    for (size_t i = 0; i < options->samples && status == STATUS_OK; i++) {
        status = measure_next(subject, options, i, out, err);
        progress_update(options->progress, i + 1, NULL);
    }
    if (status == STATUS_OK && options->profile)
        status = measure_layers(subject, options, out, err);
    return status;
}

enum status measure_random_images(const struct model *model, size_t count, struct dataset *out,
                                  struct error *err)
{
    const struct model_buffer *input = &model->buffers[model->input];
    const size_t bytes = count * input->size_bytes;
    struct rng rng;
    *out = (struct dataset){.count = count,
                            .shape = {input->height, input->width, input->channels},
                            .images = malloc(bytes + 1),
                            .labels = calloc(count + 1, sizeof *out->labels)};
    if (!out->images || !out->labels) {
        measure_free_images(out);
        return error_set(err, STATUS_NO_MEMORY, "%zu random images: out of memory", count);
    }
    rng_init(&rng, RANDOM_SEED, RANDOM_STREAM);
    for (size_t i = 0; i < bytes; i++)
        out->images[i] = (uint8_t)rng_below(&rng, 256);
    return STATUS_OK;
}

void measure_free_images(struct dataset *data)
{
    free(data->images);
    free(data->labels);
    memset(data, 0, sizeof *data);
}

uint64_t measure_macs(const struct model *model, int layer)
{
    const struct model_layer *l = &model->layers[layer];
    if (!l->weight_bits)
        return 0;
    return (uint64_t)model_row_elements(l, &model->buffers[l->in]) *
           model->buffers[l->out].size_bytes;
}

unsigned measure_issue_limit(const struct model *model, int layer, unsigned isa_version)
{
    const struct model_layer *l = &model->layers[layer];
    if (!l->weight_bits)
        return 0;
    if (isa_version >= NN_ISA_STREAM)
        return STREAM_ISSUE_LIMIT;
    if (model_is_depthwise(l, &model->buffers[l->in], &model->buffers[l->out]))
        return DEPTHWISE_ISSUE_LIMIT;
    return 32 / l->weight_bits;
}

const char *measure_tier_name(enum proto_tier tier)
{
    return tier == TIER_NN ? "nn" : "rv32";
}
