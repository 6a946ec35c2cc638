// SPDX-License-Identifier: Apache-2.0
/* MODEL.json: sections other than the layers (net_layers.c), loading and release. */
#include "net/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "net/net_data.h"
#include "net/net_json.h"
#include "net/net_layers.h"
#include "net/net_search.h"

enum { MAX_FILE_BYTES = 1 << 20, MAX_INPUT_DIM = 4096, MAX_BATCH = 65536 };
static const double OPEN_END = 1e9;

static const struct json_range FRACTION = {0, 1}, INPUT_SCALE = {1e-6, 1e4};

static enum status parse_optimizer(const struct json_scope *scope, struct net_recipe *recipe)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "optimizer");
    if (!item)
        return STATUS_OK;
    if (cJSON_IsString(item) && !strcmp(item->valuestring, "adam"))
        recipe->optimizer = OPTIMIZER_ADAM;
    else if (cJSON_IsString(item) && !strcmp(item->valuestring, "sgd"))
        recipe->optimizer = OPTIMIZER_SGD;
    else
        return json_complain(scope, "optimizer", "\"adam\" or \"sgd\"", item);
    return STATUS_OK;
}

static enum status parse_learning_rate(const struct json_scope *scope, struct net_recipe *recipe,
                                       int *count)
{
    double rates[NET_MAX_PHASES];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "learning_rate");
    const enum status status =
        json_get_doubles(scope, "learning_rate", FRACTION, rates, NET_MAX_PHASES, count);
    if (status != STATUS_OK || !item)
        return status;
    for (int i = 0; i < *count; i++) {
        if (!(rates[i] > 0))
            return json_complain(scope, "learning_rate", "> 0", item);
        recipe->learning_rate[i] = (float)rates[i];
    }
    return STATUS_OK;
}

/* Epochs and learning rates: lists of the same length, or a single value that counts for every
 * phase. */
static enum status parse_phases(const struct json_scope *scope, struct net_recipe *recipe)
{
    double epochs[NET_MAX_PHASES];
    int epoch_count = 0, rate_count = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, "epochs");
    enum status status = json_get_doubles(scope, "epochs", (struct json_range){1, 1e6}, epochs,
                                          NET_MAX_PHASES, &epoch_count);
    if (status == STATUS_OK)
        status = parse_learning_rate(scope, recipe, &rate_count);
    if (status != STATUS_OK)
        return status;
    if (epoch_count > 1 && rate_count > 1 && epoch_count != rate_count)
        return error_set(scope->err, STATUS_INPUT,
                         "%s: %s: %d epochs entries and %d learning_rate entries; want equal "
                         "numbers, or one of a kind",
                         scope->label, scope->where, epoch_count, rate_count);
    const int phases = epoch_count > rate_count ? epoch_count : rate_count;
    recipe->phase_count = phases ? phases : recipe->phase_count;
    for (int i = 0; i < recipe->phase_count; i++) {
        const double n = epoch_count ? epochs[epoch_count > 1 ? i : 0] : recipe->epochs[0];
        if (n != (int)n)
            return json_complain(scope, "epochs", "whole numbers", item);
        recipe->epochs[i] = (int)n;
        if (rate_count <= 1)
            recipe->learning_rate[i] = recipe->learning_rate[0];
    }
    return STATUS_OK;
}

/* How the learning rate moves inside the phases. */
static enum status parse_schedule(const struct json_scope *scope, struct net_recipe *recipe)
{
    static const char *const schedules[] = {"constant", "cosine", NULL};
    const cJSON *warmup = cJSON_GetObjectItemCaseSensitive(scope->object, "warmup");
    int choice = recipe->cosine, total = 0;
    enum status status = json_get_choice(scope, "schedule", schedules, &choice);
    if (status == STATUS_OK)
        status = json_get_int(scope, "warmup", (struct json_range){0, 1e6}, &recipe->warmup_epochs);
    if (status != STATUS_OK)
        return status;
    recipe->cosine = choice == 1;
    for (int i = 0; i < recipe->phase_count; i++)
        total += recipe->epochs[i];
    if (recipe->warmup_epochs && recipe->warmup_epochs >= total)
        return json_complain(scope, "warmup", "less than all epochs together", warmup);
    return STATUS_OK;
}

/* A shift leaves part of the image, a square has at most its size. */
static enum status parse_augment(const struct json_scope *recipe, struct shape image,
                                 struct net_augment *augment)
{
    static const char *const keys[] = {"shift", "flip", "cutout", "zoom", "brightness", NULL};
    const int small = image.h < image.w ? image.h : image.w;
    const int large = image.h < image.w ? image.w : image.h;
    struct json_scope scope;
    enum status status = json_enter(recipe, "augment", &scope);
    if (status != STATUS_OK || !scope.object)
        return status;
    status = json_check_keys(&scope, keys);
    if (status == STATUS_OK)
        status = json_get_int(&scope, "shift", (struct json_range){0, small - 1}, &augment->shift);
    if (status == STATUS_OK)
        status = json_get_bool(&scope, "flip", &augment->flip);
    if (status == STATUS_OK)
        status = json_get_int(&scope, "cutout", (struct json_range){0, large}, &augment->cutout);
    if (status == STATUS_OK)
        status = json_get_float(&scope, "zoom", (struct json_range){1, 4}, &augment->zoom);
    if (status == STATUS_OK)
        status =
            json_get_int(&scope, "brightness", (struct json_range){0, 255}, &augment->brightness);
    return status;
}

static enum status parse_recipe(const struct json_scope *root, const char *key,
                                const char *const *keys, struct shape image,
                                struct net_recipe *recipe)
{
    struct json_scope scope;
    enum status status = json_enter(root, key, &scope);
    if (status != STATUS_OK || !scope.object)
        return status;
    status = json_check_keys(&scope, keys);
    if (status == STATUS_OK)
        status = parse_optimizer(&scope, recipe);
    if (status == STATUS_OK)
        status = parse_phases(&scope, recipe);
    if (status == STATUS_OK)
        status = parse_schedule(&scope, recipe);
    if (status == STATUS_OK)
        status = json_get_float(&scope, "label_smoothing", (struct json_range){0, 0.9},
                                &recipe->label_smoothing);
    if (status == STATUS_OK)
        status = json_get_seed(&scope, "seed", &recipe->seed);
    if (status == STATUS_OK)
        status = parse_augment(&scope, image, &recipe->augment);
    if (status == STATUS_OK)
        status = json_get_int(&scope, "batch", (struct json_range){1, MAX_BATCH}, &recipe->batch);
    if (status == STATUS_OK)
        status = json_get_float(&scope, "momentum", FRACTION, &recipe->momentum);
    if (status == STATUS_OK)
        status = json_get_float(&scope, "weight_decay", FRACTION, &recipe->weight_decay);
    if (status == STATUS_OK)
        status = json_get_float(&scope, "validation", (struct json_range){0, 0.9},
                                &recipe->validation_fraction);
    if (status == STATUS_OK)
        status = json_get_int(&scope, "early_stopping", (struct json_range){0, 1e6},
                              &recipe->early_stopping_epochs);
    return status;
}

static enum status parse_recipes(const struct json_scope *root, struct net *net)
{
    static const char *const train_keys[] = {
        "optimizer",       "batch",    "epochs",       "learning_rate", "schedule",       "warmup",
        "label_smoothing", "momentum", "weight_decay", "validation",    "early_stopping", "seed",
        "augment",         NULL};
    static const char *const qat_keys[] = {
        "optimizer",       "batch",        "learning_rate", "momentum",
        "label_smoothing", "weight_decay", "augment",       NULL};
    net->recipe = (struct net_recipe){.optimizer = OPTIMIZER_ADAM,
                                      .momentum = 0.9f,
                                      .batch = 64,
                                      .phase_count = 1,
                                      .epochs = {10},
                                      .learning_rate = {1e-3f},
                                      .validation_fraction = 0.1f,
                                      .seed = 1};
    enum status status = parse_recipe(root, "train", train_keys, net->input, &net->recipe);
    if (status == STATUS_OK)
        status = net_data_check_parts(root, net);
    if (status != STATUS_OK)
        return status;
    net->qat = net->recipe;
    net->qat.phase_count = 1;
    net->qat.learning_rate[0] = 5e-4f;
    net->qat.weight_decay = 0;
    net->qat.cosine = false; /* QAT has its own schedule, train_job.cosine */
    net->qat.warmup_epochs = 0;
    return parse_recipe(root, "qat", qat_keys, net->input, &net->qat);
}

static enum status parse_calibration(const struct json_scope *root, struct net *net)
{
    static const char *const keys[] = {"samples", NULL};
    struct json_scope scope;
    net->calibration_samples = 512;
    enum status status = json_enter(root, "calibration", &scope);
    if (status != STATUS_OK || !scope.object)
        return status;
    status = json_check_keys(&scope, keys);
    if (status == STATUS_OK)
        status = json_get_int(&scope, "samples", (struct json_range){1, OPEN_END},
                              &net->calibration_samples);
    return status;
}

/* [height, width, channels], as the member key of scope. */
static enum status parse_shape(const struct json_scope *scope, const char *key, struct shape *out)
{
    double dims[3];
    int count = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    enum status status = json_require(scope, key);
    if (status == STATUS_OK)
        status =
            json_get_doubles(scope, key, (struct json_range){1, MAX_INPUT_DIM}, dims, 3, &count);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < count; i++)
        if (dims[i] != (int)dims[i])
            count = 0;
    if (count != 3)
        return json_complain(scope, key, "[height, width, channels] in whole numbers", item);
    *out = (struct shape){(int)dims[0], (int)dims[1], (int)dims[2]};
    if (shape_size(*out) > NET_MAX_ELEMENTS)
        return json_complain(scope, key, "at most 2^24 elements", item);
    return STATUS_OK;
}

/* "input": a shape, or an object that says more. */
static enum status parse_input(const struct json_scope *root, struct net *net)
{
    static const char *const keys[] = {"shape", "signed", "scale", NULL};
    struct json_scope scope;
    if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(root->object, "input")))
        return parse_shape(root, "input", &net->input);
    enum status status = json_enter(root, "input", &scope);
    if (status == STATUS_OK)
        status = json_check_keys(&scope, keys);
    if (status == STATUS_OK)
        status = parse_shape(&scope, "shape", &net->input);
    if (status == STATUS_OK)
        status = json_get_bool(&scope, "signed", &net->input_signed);
    if (status == STATUS_OK)
        status = json_get_float(&scope, "scale", INPUT_SCALE, &net->input_scale);
    return status;
}

/* "name", "input", "classes". */
static enum status parse_head(const struct json_scope *root, struct net *net)
{
    enum status status = json_require(root, "name");
    if (status == STATUS_OK)
        status = json_get_text(root, "name", net->name, sizeof net->name);
    if (status == STATUS_OK)
        status = parse_input(root, net);
    if (status == STATUS_OK)
        status = json_require(root, "classes");
    if (status == STATUS_OK)
        status = json_get_int(root, "classes", (struct json_range){2, 4096}, &net->class_count);
    return status;
}

static enum status parse_root(const struct json_scope *root, struct net *net)
{
    static const char *const keys[] = {"name",  "input",       "classes", "data",   "layers",
                                       "train", "calibration", "qat",     "search", NULL};
    enum status status = json_check_keys(root, keys);
    if (status == STATUS_OK)
        status = parse_head(root, net);
    if (status == STATUS_OK)
        status = net_data_parse(root, &net->data);
    if (status == STATUS_OK)
        status = net_layers_parse(root, net);
    if (status == STATUS_OK)
        status = parse_recipes(root, net);
    if (status == STATUS_OK)
        status = parse_calibration(root, net);
    if (status == STATUS_OK)
        status = net_search_parse(root, net);
    return status;
}

static enum status syntax_error(const char *text, const char *label, const char *end,
                                struct error *err)
{
    int line = 1, column = 1;
    for (const char *p = text; end && p < end && *p; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    return error_set(err, STATUS_INPUT, "%s: line %d, column %d: not valid JSON; correct it there",
                     label, line, column);
}

enum status net_parse(const char *text, const char *label, struct net **out, struct error *err)
{
    const char *end = NULL;
    *out = NULL;
    cJSON *json = cJSON_ParseWithOpts(text, &end, 1);
    if (!json)
        return syntax_error(text, label, end, err);
    struct net *net = calloc(1, sizeof *net);
    enum status status = STATUS_OK;
    struct json_scope root = {.label = label, .object = json, .err = err};
    if (net)
        net->json_text = strdup(text);
    if (!net || !net->json_text)
        status = error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", label);
    else if (!cJSON_IsObject(json))
        status = json_complain(&root, "whole file", "an object", json);
    else
        status = parse_root(&root, net);
    cJSON_Delete(json);
    if (status == STATUS_OK)
        *out = net;
    else
        net_free(net);
    return status;
}

static enum status read_text(const char *path, char **out, struct error *err)
{
    enum status status = STATUS_OK;
    FILE *file = fopen(path, "rb");
    if (!file)
        return error_set(err, STATUS_INPUT, "%s: %s; name a model file", path, strerror(errno));
    char *text = malloc(MAX_FILE_BYTES + 1);
    const size_t size = text ? fread(text, 1, MAX_FILE_BYTES + 1, file) : 0;
    if (!text)
        status = error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to read it", path);
    else if (ferror(file))
        status = error_set(err, STATUS_IO, "%s: cannot be read: %s", path, strerror(errno));
    else if (size > MAX_FILE_BYTES)
        status = error_set(err, STATUS_INPUT, "%s: larger than 1 MiB; this is no model file", path);
    else if (memchr(text, '\0', size))
        status = error_set(err, STATUS_INPUT, "%s: has a zero byte; this is no JSON text", path);
    else
        text[size] = '\0';
    fclose(file);
    if (status != STATUS_OK) {
        free(text);
        text = NULL;
    }
    *out = text;
    return status;
}

enum status net_load(const char *path, struct net **out, struct error *err)
{
    char *text = NULL;
    *out = NULL;
    enum status status = read_text(path, &text, err);
    if (text)
        status = net_parse(text, path, out, err);
    free(text);
    return status;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    free(net->json_text);
    free(net);
}
