// SPDX-License-Identifier: Apache-2.0
/* FLOAT file, little-endian: header below | JSON text of the net | for each weighted layer weights,
 * then biases, as IEEE 754 binary32 | CRC-32 of everything before it. */
#include "net/float_model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "bytes.h"
#include "crc32.h"

enum { FLOAT_VERSION = 1 };
enum {
    FH_MAGIC = 0,
    FH_VERSION = 4,
    FH_JSON_BYTES = 8,
    FH_WEIGHTED = 12,
    FH_SEED = 16,
    FH_VALIDATION = 24, /* f64 */
    FH_TEST = 32,       /* f64 */
    FH_BYTES = 40,
    CRC_BYTES = 4,
};
static const long MAX_FILE_BYTES = 1L << 30;

static const struct net_layer *weighted_layer(const struct net *net, int k)
{
    return &net->layers[net->weighted[k]];
}

enum status float_model_create(struct net *net, struct float_model **out, struct error *err)
{
    *out = NULL;
    const size_t count = (size_t)net->weighted_count;
    struct float_model *model = calloc(1, sizeof *model);
    if (!model) {
        net_free(net);
        return error_set(err, STATUS_NO_MEMORY, "not enough memory for a model");
    }
    model->net = net;
    model->seed = net->recipe.seed;
    model->validation_accuracy = model->test_accuracy = NAN;
    model->weights = calloc(count, sizeof *model->weights);
    model->biases = calloc(count, sizeof *model->biases);
    bool good = model->weights && model->biases;
    for (int k = 0; good && k < net->weighted_count; k++) {
        const struct net_layer *layer = weighted_layer(net, k);
        model->weights[k] = calloc(net_layer_weights(layer), sizeof(float));
        model->biases[k] = calloc((size_t)layer->out.c, sizeof(float));
        good = model->weights[k] && model->biases[k];
    }
    if (!good) {
        const enum status status =
            error_set(err, STATUS_NO_MEMORY, "%s: not enough memory for its weights", net->name);
        float_model_free(model);
        return status;
    }
    *out = model;
    return STATUS_OK;
}

void float_model_free(struct float_model *model)
{
    if (!model)
        return;
    for (int k = 0; k < model->net->weighted_count; k++) {
        if (model->weights)
            free(model->weights[k]);
        if (model->biases)
            free(model->biases[k]);
    }
    free(model->weights);
    free(model->biases);
    net_free(model->net);
    free(model);
}

static void put_f64(uint8_t *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u64(p, bits);
}

static double get_f64(const uint8_t *p)
{
    const uint64_t bits = get_u64(p);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint8_t *put_floats(uint8_t *p, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        put_u32(p + 4 * i, bits);
    }
    return p + 4 * count;
}

/* False if one of the values is not a finite number. */
static bool get_floats(const uint8_t **p, float *values, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = get_u32(*p + 4 * i);
        memcpy(values + i, &bits, sizeof bits);
        good = good && isfinite(values[i]);
    }
    *p += 4 * count;
    return good;
}

/* Bytes of all weights and biases. */
static size_t parameter_bytes(const struct net *net)
{
    size_t count = 0;
    for (int k = 0; k < net->weighted_count; k++)
        count += net_layer_weights(weighted_layer(net, k)) + (size_t)weighted_layer(net, k)->out.c;
    return 4 * count;
}

/* The whole file in memory. */
static uint8_t *serialize(const struct float_model *model, size_t *size)
{
    const struct net *net = model->net;
    const size_t json_bytes = strlen(net->json_text);
    *size = FH_BYTES + json_bytes + parameter_bytes(net) + CRC_BYTES;
    uint8_t *bytes = malloc(*size), *p = bytes;
    if (!bytes)
        return NULL;
    put_u32(p + FH_MAGIC, FLOAT_MODEL_MAGIC);
    put_u32(p + FH_VERSION, FLOAT_VERSION);
    put_u32(p + FH_JSON_BYTES, (uint32_t)json_bytes);
    put_u32(p + FH_WEIGHTED, (uint32_t)net->weighted_count);
    put_u64(p + FH_SEED, model->seed);
    put_f64(p + FH_VALIDATION, model->validation_accuracy);
    put_f64(p + FH_TEST, model->test_accuracy);
    memcpy(p + FH_BYTES, net->json_text, json_bytes);
    p += FH_BYTES + json_bytes;
    for (int k = 0; k < net->weighted_count; k++) {
        p = put_floats(p, model->weights[k], net_layer_weights(weighted_layer(net, k)));
        p = put_floats(p, model->biases[k], (size_t)weighted_layer(net, k)->out.c);
    }
    put_u32(p, crc32_update(0, bytes, *size - CRC_BYTES));
    return bytes;
}

enum status float_model_save(const struct float_model *model, const char *path, struct error *err)
{
    size_t size;
    uint8_t *bytes = serialize(model, &size);
    if (!bytes)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to write it", path);
    const enum status status = file_replace(path, bytes, size, err);
    free(bytes);
    return status;
}

static enum status read_file(const char *path, uint8_t **out, size_t *size, struct error *err)
{
    enum status status = STATUS_OK;
    FILE *file = fopen(path, "rb");
    *out = NULL;
    if (!file)
        return error_set(err, STATUS_INPUT, "%s: %s; make one with mpq train", path,
                         strerror(errno));
    long length = -1;
    if (!fseek(file, 0, SEEK_END))
        length = ftell(file);
    rewind(file);
    if (length < 0 || length > MAX_FILE_BYTES)
        status =
            error_set(err, STATUS_INPUT, "%s: not a FLOAT file; make one with mpq train", path);
    else if (!(*out = malloc((size_t)length + 1)))
        status = error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", path);
    else if ((*size = fread(*out, 1, (size_t)length, file)) != (size_t)length)
        status = error_set(err, STATUS_IO, "%s: cannot be read: %s", path, strerror(errno));
    fclose(file);
    if (status != STATUS_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

static enum status check_file(const char *path, const uint8_t *bytes, size_t size,
                              struct error *err)
{
    if (size < FH_BYTES + CRC_BYTES || get_u32(bytes + FH_MAGIC) != FLOAT_MODEL_MAGIC)
        return error_set(err, STATUS_INPUT, "%s: not a FLOAT file; make one with mpq train", path);
    if (get_u32(bytes + FH_VERSION) != FLOAT_VERSION)
        return error_set(err, STATUS_INPUT,
                         "%s: FLOAT version %u, this tool reads %d; train the model again", path,
                         get_u32(bytes + FH_VERSION), FLOAT_VERSION);
    if (get_u32(bytes + size - CRC_BYTES) != crc32_update(0, bytes, size - CRC_BYTES))
        return error_set(err, STATUS_INPUT,
                         "%s: checksum does not match; the file is damaged or cut short, train "
                         "the model again",
                         path);
    if (get_u32(bytes + FH_JSON_BYTES) > size - FH_BYTES - CRC_BYTES)
        return error_set(err, STATUS_INPUT, "%s: model text of %u bytes does not fit the file",
                         path, get_u32(bytes + FH_JSON_BYTES));
    return STATUS_OK;
}

static enum status parse_net(const char *path, const uint8_t *bytes, struct net **out,
                             struct error *err)
{
    const size_t json_bytes = get_u32(bytes + FH_JSON_BYTES);
    char *text = malloc(json_bytes + 1);
    *out = NULL;
    if (!text)
        return error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", path);
    memcpy(text, bytes + FH_BYTES, json_bytes);
    text[json_bytes] = '\0';
    const enum status status = net_parse(text, path, out, err);
    free(text);
    return status;
}

/* bytes is a checked file that belongs to model's net. */
static enum status parse_parameters(const char *path, const uint8_t *bytes, size_t size,
                                    struct float_model *model, struct error *err)
{
    const struct net *net = model->net;
    const size_t start = FH_BYTES + get_u32(bytes + FH_JSON_BYTES);
    const size_t want = start + parameter_bytes(net) + CRC_BYTES;
    const uint8_t *p = bytes + start;
    if (size != want || get_u32(bytes + FH_WEIGHTED) != (uint32_t)net->weighted_count)
        return error_set(err, STATUS_INPUT,
                         "%s: %zu bytes, but its network %s needs %zu; train the model again", path,
                         size, net->name, want);
    for (int k = 0; k < net->weighted_count; k++) {
        const struct net_layer *layer = weighted_layer(net, k);
        const bool good = get_floats(&p, model->weights[k], net_layer_weights(layer)) &&
                          get_floats(&p, model->biases[k], (size_t)layer->out.c);
        if (!good)
            return error_set(err, STATUS_INPUT,
                             "%s: weights of layer %s are not finite; train with a lower "
                             "learning rate",
                             path, layer->name);
    }
    model->seed = get_u64(bytes + FH_SEED);
    model->net->recipe.seed = model->seed;
    model->validation_accuracy = get_f64(bytes + FH_VALIDATION);
    model->test_accuracy = get_f64(bytes + FH_TEST);
    return STATUS_OK;
}

enum status float_model_load(const char *path, struct float_model **out, struct error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct net *net = NULL;
    struct float_model *model = NULL;
    *out = NULL;
    enum status status = read_file(path, &bytes, &size, err);
    if (status == STATUS_OK)
        status = check_file(path, bytes, size, err);
    if (status == STATUS_OK)
        status = parse_net(path, bytes, &net, err);
    if (status == STATUS_OK && parameter_bytes(net) > size) {
        status = error_set(err, STATUS_INPUT,
                           "%s: too short for the weights of its network %s; train the model again",
                           path, net->name);
        net_free(net);
    } else if (status == STATUS_OK) {
        status = float_model_create(net, &model, err);
    }
    if (status == STATUS_OK)
        status = parse_parameters(path, bytes, size, model, err);
    free(bytes);
    if (status == STATUS_OK)
        *out = model;
    else
        float_model_free(model);
    return status;
}
