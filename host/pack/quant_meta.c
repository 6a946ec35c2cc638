// SPDX-License-Identifier: Apache-2.0
/* Metadata of QUANT files, both ways. */
#include "pack/quant_meta.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "results/results.h"

enum { BITS_BYTES = 4 * NET_MAX_LAYERS };

enum status quant_meta_write(struct container *container, const struct quant_meta *meta,
                             struct error *err)
{
    char bits[BITS_BYTES];
    const char *method = meta->qat_epochs ? "qat" : "ptq";
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"seed", (double)meta->seed},         {"qat_epochs", meta->qat_epochs},
        {"val_accuracy", meta->val_accuracy}, {"accuracy", meta->accuracy},
        {"qat_seed", (double)meta->qat_seed}, /* last: only with QAT */
    };
    const size_t count = sizeof numbers / sizeof *numbers - (meta->qat_epochs == 0);
    results_bits_text(meta->bits, meta->layer_count, bits, sizeof bits);
    enum status status = container_meta_set(container, "bits", bits, 0, err);
    if (status == STATUS_OK)
        status = container_meta_set(container, "method", method, 0, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = container_meta_set(container, numbers[i].key, NULL, numbers[i].value, err);
    return status;
}

/* A number of the metadata; fallback where it is missing or null. */
static double get_number(const cJSON *object, const char *key, double fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

static uint64_t get_seed(const cJSON *object, const char *key)
{
    const double value = get_number(object, key, 0);
    return value > 0 && value < 0x1p64 ? (uint64_t)value : 0;
}

/* The widths stand in the container itself; the metadata's text is for people. */
static int read_bits(const struct model *model, int *bits)
{
    int count = 0;
    for (int i = 0; i < model->layer_count; i++)
        if (model->layers[i].weight_bits)
            bits[count++] = model->layers[i].weight_bits;
    return count;
}

static enum status read_net(const cJSON *object, const char *path, struct net **net,
                            struct error *err)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "model_json"));
    if (!text)
        return error_set(err, STATUS_INPUT,
                         "%s: the metadata has no model_json; make the file with mpq quantize",
                         path);
    const enum status status = net_parse(text, path, net, err);
    return status == STATUS_OK ? status : error_wrap(err, status, "model_json");
}

static enum status check_net(const struct container *container, const char *path,
                             const struct quant_meta *meta, const struct net *net,
                             struct error *err)
{
    const struct model *model = container->model;
    const size_t input_bytes = model->buffers[model->input].size_bytes;
    if (shape_size(net->input) == input_bytes && net->weighted_count == meta->layer_count)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "%s: its model text has %zu input bytes and %d weighted layers, its container "
                     "%zu and %d; make the file anew with mpq quantize",
                     path, shape_size(net->input), net->weighted_count, input_bytes,
                     meta->layer_count);
}

enum status quant_meta_read(const struct container *container, const char *path,
                            struct quant_meta *meta, struct net **net, struct error *err)
{
    cJSON *object = cJSON_Parse(container->meta_json ? container->meta_json : "{}");
    *net = NULL;
    memset(meta, 0, sizeof *meta);
    meta->layer_count = read_bits(container->model, meta->bits);
    meta->seed = get_seed(object, "seed");
    meta->qat_seed = get_seed(object, "qat_seed");
    meta->qat_epochs = (int)fmin(fmax(get_number(object, "qat_epochs", 0), 0), 1e6);
    meta->val_accuracy = get_number(object, "val_accuracy", NAN);
    meta->accuracy = get_number(object, "accuracy", NAN);
    enum status status = read_net(object, path, net, err);
    cJSON_Delete(object);
    if (status == STATUS_OK)
        status = check_net(container, path, meta, *net, err);
    if (status == STATUS_OK) {
        (*net)->recipe.seed = meta->seed;
    } else {
        net_free(*net);
        *net = NULL;
    }
    return status;
}
