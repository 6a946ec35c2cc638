// SPDX-License-Identifier: Apache-2.0
/* Writing a network as C: the folder, file by file. */
#include "codegen/codegen.h"

#include <stdlib.h>
#include <string.h>

#include "address_map.h"
#include "base/folder.h"
#include "codegen/codegen_parts.h"
#include "infer/infer.h"

enum { SUMMARY_BYTES = 512, SHAPE_BYTES = 48 };

const char *codegen_tier_folder(enum proto_tier tier)
{
    return tier == TIER_NN ? "optimized" : "original";
}

/* What main.c and serve.c take for granted. */
static enum status check(const struct codegen_source *source, struct error *err)
{
    const struct model *model = source->container->model;
    const struct model_layer *last = &model->layers[model->layer_count - 1];
    const uint64_t inputs = (uint64_t)source->samples * model->buffers[model->input].size_bytes;
    const uint64_t bytes = (uint64_t)model->container_bytes + model->arena_bytes + inputs;
    if (model->layer_count < 2 || last->op != OP_ARGMAX || last->in != model->output ||
        last->out != model->class_out)
        return error_set(err, STATUS_INPUT,
                         "model %s: does not end with the choice of a class; quantize it with this "
                         "version of mpq",
                         model->name);
    if (bytes > RAM_SIZE)
        return error_set(err, STATUS_INPUT,
                         "model %s: weights %u, activations %u and %zu inputs %llu bytes exceed "
                         "the RAM of %u bytes; take fewer bits, or fewer --samples",
                         model->name, model->container_bytes, model->arena_bytes, source->samples,
                         (unsigned long long)inputs, RAM_SIZE);
    return STATUS_OK;
}

/* Runs the integer model on the samples; *outputs and *classes are the caller's to free. */
static enum status run_samples(const struct codegen_source *source, uint8_t **outputs,
                               uint8_t **classes, struct error *err)
{
    const struct model *model = source->container->model;
    const int layers = model->layer_count;
    struct infer *infer = NULL;
    *outputs = malloc(source->samples * model->buffers[model->output].size_bytes);
    *classes = malloc(source->samples * model->buffers[model->class_out].size_bytes);
    if (!*outputs || !*classes)
        return error_set(err, STATUS_NO_MEMORY, "%zu samples: out of memory", source->samples);
    enum status status = infer_create(model, &infer, err);
    if (status == STATUS_OK)
        status = infer_run(infer, 0, layers - 1, source->data->images, source->samples, *outputs, 0,
                           err);
    if (status == STATUS_OK)
        status =
            infer_run(infer, 0, layers, source->data->images, source->samples, *classes, 0, err);
    infer_free(infer);
    return status;
}

/* One generated file: what a part writes, put into the folder. */
static enum status write_part(const struct codegen *gen, const char *folder, const char *name,
                              void (*part)(const struct codegen *, FILE *), struct error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&bytes, &size);
    if (!to)
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
    part(gen, to);
    const bool failed = ferror(to);
    const bool good = !fclose(to) && !failed;
    const enum status status = good ? folder_write(folder, name, bytes, size, err)
                                    : error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
    free(bytes);
    return status;
}

static enum status write_tier(const struct codegen *gen, enum proto_tier tier, const char *folder,
                              struct error *err)
{
    char *bytes = NULL, name[64];
    size_t size = 0;
    FILE *to = open_memstream(&bytes, &size);
    snprintf(name, sizeof name, "%s/network.c", codegen_tier_folder(tier));
    if (!to)
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
    const bool known = codegen_network_c(gen, tier, to);
    const bool failed = ferror(to);
    enum status status = STATUS_OK;
    if (fclose(to) || failed)
        status = error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
    else if (!known)
        status = error_set(err, STATUS_INPUT,
                           "model %s: one of its kernels is not declared in kernels.h by name",
                           gen->model->name);
    else
        status = folder_write(folder, name, bytes, size, err);
    free(bytes);
    return status;
}

static void summary_text(const struct codegen *gen, char *out, size_t size)
{
    const struct quant_meta *meta = gen->source->meta;
    size_t used = 0;
    used += (size_t)snprintf(out, size, "Weight bits by layer:");
    for (int i = 0; i < meta->layer_count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, " %d", meta->bits[i]);
    if (used < size)
        snprintf(out + used, size - used, ".");
}

/* What does not depend on the network but for some words, and the QUANT file itself. */
static enum status write_fixed(const struct codegen *gen, const char *folder, const char *simulator,
                               struct error *err)
{
    const struct model *model = gen->model;
    char summary[SUMMARY_BYTES], input[SHAPE_BYTES], output[SHAPE_BYTES], path[FOLDER_PATH_BYTES];
    char text[FOLDER_PATH_BYTES + 512];
    summary_text(gen, summary, sizeof summary);
    codegen_shape_text(&model->buffers[model->input], input, sizeof input);
    codegen_shape_text(&model->buffers[model->output], output, sizeof output);
    const struct folder_word words[] = {{"@NAME@", gen->names.network},
                                        {"@SUMMARY@", summary},
                                        {"@INPUT@", input},
                                        {"@OUTPUT@", output}};
    snprintf(text, sizeof text,
             "# SPDX-License-Identifier: Apache-2.0\n"
             "# The simulator: make SIM=..., else MPQ_SIM in the environment, else mpq-sim on "
             "PATH, else where it was\n"
             "# when this folder was made.\n"
             "SIM ?= $(or $(MPQ_SIM),$(shell command -v mpq-sim),%s)\n",
             *simulator ? simulator : "mpq-sim");
    enum status status =
        folder_write_embedded(folder, "codegen/", words, sizeof words / sizeof *words, err);
    if (status == STATUS_OK)
        status = folder_write(folder, "simulator.mk", text, strlen(text), err);
    if (status == STATUS_OK)
        status = folder_path(folder, CODEGEN_QUANT, path, err);
    if (status == STATUS_OK)
        status = container_save(gen->source->container, path, err);
    return status;
}

static enum status write_all(const struct codegen *gen, const char *folder, const char *simulator,
                             struct error *err)
{
    static const struct {
        const char *name;
        void (*part)(const struct codegen *, FILE *);
    } parts[] = {
        {"network.h", codegen_network_h},
        {"weights.h", codegen_weights_h},
        {"scales.h", codegen_scales_h},
        {"inputs.h", codegen_inputs_h},
    };
    enum status status = write_fixed(gen, folder, simulator, err);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == STATUS_OK; i++)
        status = write_part(gen, folder, parts[i].name, parts[i].part, err);
    for (int tier = 0; tier < CODEGEN_TIERS && status == STATUS_OK; tier++)
        status = write_tier(gen, (enum proto_tier)tier, folder, err);
    return status;
}

enum status codegen_write(const struct codegen_source *source, const char *folder,
                          const char *simulator, struct error *err)
{
    struct codegen *gen = calloc(1, sizeof *gen);
    uint8_t *outputs = NULL, *classes = NULL;
    enum status status =
        gen ? check(source, err) : error_set(err, STATUS_NO_MEMORY, "mpq codegen: out of memory");
    if (status == STATUS_OK)
        status = run_samples(source, &outputs, &classes, err);
    if (status == STATUS_OK) {
        gen->source = source;
        gen->model = source->container->model;
        gen->meta = cJSON_Parse(source->container->meta_json);
        gen->outputs = outputs;
        gen->class_out = classes;
        codegen_make_names(source->container, source->net, &gen->names);
        status = write_all(gen, folder, simulator, err);
    }
    if (gen)
        cJSON_Delete(gen->meta);
    free(gen);
    free(outputs);
    free(classes);
    return status;
}
