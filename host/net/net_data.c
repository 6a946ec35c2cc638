// SPDX-License-Identifier: Apache-2.0
/* Where a network's data come from, as the user writes it. */
#include "net/net_data.h"

#include <stdio.h>
#include <string.h>

enum { MAX_FOLDS = 1000 };

#define PAIR_KEYS                                                                                  \
    "train_images", "train_labels", "validation_images", "validation_labels", "test_images",       \
        "test_labels"

/* Order of enum net_format; npz is another name of npy. */
static const char *const FORMATS[] = {"idx", "cifar", "npy", "csv", "npz", NULL};
enum { NPZ = NET_FORMAT_CSV + 1 };

static const char *const *known_keys(enum net_format format)
{
    static const char *const idx[] = {"format", PAIR_KEYS, "split", NULL};
    static const char *const cifar[] = {"format", "folder", "split", NULL};
    static const char *const npy[] = {"format",  PAIR_KEYS, "split", "layout",
                                      "scaling", "fit",     NULL};
    static const char *const csv[] = {"format", "train", "validation",  "test",
                                      "label",  "drop",  "non_numeric", "scaling",
                                      "fit",    "split", NULL};
    static const char *const *const keys[] = {idx, cifar, npy, csv};
    return keys[format];
}

/* ---- Files ---- */

static bool has_field(const struct json_scope *scope, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(scope->object, key) != NULL;
}

/* PART_images and PART_labels: both or neither. */
static enum status parse_pair(const struct json_scope *scope, const char *part, bool required,
                              struct net_files *files)
{
    char images[32], labels[32];
    enum status status = STATUS_OK;
    snprintf(images, sizeof images, "%s_images", part);
    snprintf(labels, sizeof labels, "%s_labels", part);
    if (!required && !has_field(scope, images) && !has_field(scope, labels))
        return STATUS_OK;
    status = json_require(scope, images);
    if (status == STATUS_OK)
        status = json_get_text(scope, images, files->images, sizeof files->images);
    if (status == STATUS_OK)
        status = json_require(scope, labels);
    if (status == STATUS_OK)
        status = json_get_text(scope, labels, files->labels, sizeof files->labels);
    return status;
}

static enum status parse_files(const struct json_scope *scope, struct net_data *data)
{
    static const char *const parts[NET_PARTS] = {"train", "validation", "test"};
    enum status status = STATUS_OK;
    for (int p = 0; status == STATUS_OK && p < NET_PARTS; p++) {
        struct net_files *files = &data->files[p];
        if (data->format != NET_FORMAT_CSV) {
            status = parse_pair(scope, parts[p], p == NET_TRAIN, files);
            continue;
        }
        if (p == NET_TRAIN)
            status = json_require(scope, parts[p]);
        if (status == STATUS_OK)
            status = json_get_text(scope, parts[p], files->images, sizeof files->images);
    }
    return status;
}

static enum status parse_cifar(const struct json_scope *scope, struct net_data *data)
{
    snprintf(data->folder, sizeof data->folder, "cifar-10-batches-bin");
    return json_get_text(scope, "folder", data->folder, sizeof data->folder);
}

/* ---- Columns and scaling ---- */

static enum status parse_drop(const struct json_scope *scope, struct net_data *data)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(scope->object, "drop"), *item;
    char want[64];
    snprintf(want, sizeof want, "a list of at most %d column names", NET_MAX_DROPS);
    if (list && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > NET_MAX_DROPS))
        return json_complain(scope, "drop", want, list);
    cJSON_ArrayForEach(item, list)
    {
        char key[24];
        snprintf(key, sizeof key, "drop[%d]", data->drop_count);
        if (!cJSON_IsString(item) || !*item->valuestring ||
            strlen(item->valuestring) >= NET_COLUMN_BYTES)
            return json_complain(scope, key, "a column name of 1 to 63 bytes", item);
        snprintf(data->drop[data->drop_count++], NET_COLUMN_BYTES, "%s", item->valuestring);
    }
    return STATUS_OK;
}

static enum status parse_scaling(const struct json_scope *scope, struct net_data *data)
{
    static const char *const scalings[] = {"common", "minmax", "standard", NULL};
    static const char *const fits[] = {"train", "all", NULL};
    static const char *const layouts[] = {"nhwc", "nchw", NULL};
    int scaling = data->format == NET_FORMAT_CSV ? NET_SCALING_MINMAX : NET_SCALING_COMMON;
    int fit = 0, layout = 0;
    enum status status = json_get_choice(scope, "scaling", scalings, &scaling);
    if (status == STATUS_OK)
        status = json_get_choice(scope, "fit", fits, &fit);
    if (status == STATUS_OK)
        status = json_get_choice(scope, "layout", layouts, &layout);
    data->scaling = (enum net_scaling)scaling;
    data->fit_all = fit == 1;
    data->channels_first = layout == 1;
    return status;
}

static enum status parse_csv(const struct json_scope *scope, struct net_data *data)
{
    static const char *const choices[] = {"error", "missing", NULL};
    int choice = 0;
    enum status status = json_require(scope, "label");
    if (status == STATUS_OK)
        status = json_get_text(scope, "label", data->label, sizeof data->label);
    if (status == STATUS_OK)
        status = parse_drop(scope, data);
    if (status == STATUS_OK)
        status = json_get_choice(scope, "non_numeric", choices, &choice);
    data->text_is_missing = choice == 1;
    return status;
}

/* ---- Split ---- */

static enum status parse_folds(const struct json_scope *scope, struct net_split *split)
{
    enum status status =
        json_get_int(scope, "folds", (struct json_range){2, MAX_FOLDS}, &split->folds);
    if (status != STATUS_OK)
        return status;
    if (!split->folds && has_field(scope, "fold"))
        return json_require(scope, "folds");
    if (!split->folds)
        return STATUS_OK;
    if (has_field(scope, "test"))
        return json_complain(scope, "test", "no fraction beside \"folds\"",
                             cJSON_GetObjectItemCaseSensitive(scope->object, "test"));
    status = json_require(scope, "fold");
    if (status == STATUS_OK)
        status =
            json_get_int(scope, "fold", (struct json_range){0, split->folds - 1}, &split->fold);
    return status;
}

static enum status parse_split(const struct json_scope *data, struct net_split *split)
{
    static const char *const keys[] = {"test", "folds", "fold", "stratified", "seed", NULL};
    struct json_scope scope;
    enum status status = json_enter(data, "split", &scope);
    if (status != STATUS_OK || !scope.object)
        return status;
    status = json_check_keys(&scope, keys);
    if (status == STATUS_OK)
        status = json_get_float(&scope, "test", (struct json_range){0, 0.9}, &split->test);
    if (status == STATUS_OK)
        status = parse_folds(&scope, split);
    if (status == STATUS_OK)
        status = json_get_bool(&scope, "stratified", &split->stratified);
    if (status == STATUS_OK)
        status = json_get_seed(&scope, "seed", &split->seed);
    split->has_seed = has_field(&scope, "seed");
    return status;
}

static enum status parse_format(const struct json_scope *scope, struct net_data *data)
{
    int format = 0;
    enum status status = json_require(scope, "format");
    if (status == STATUS_OK)
        status = json_get_choice(scope, "format", FORMATS, &format);
    data->format = format == NPZ ? NET_FORMAT_NPY : (enum net_format)format;
    if (status == STATUS_OK)
        status = json_check_keys(scope, known_keys(data->format));
    return status;
}

enum status net_data_parse(const struct json_scope *root, struct net_data *data)
{
    struct json_scope scope;
    enum status status = json_require(root, "data");
    if (status == STATUS_OK)
        status = json_enter(root, "data", &scope);
    if (status == STATUS_OK)
        status = parse_format(&scope, data);
    if (status == STATUS_OK)
        status = data->format == NET_FORMAT_CIFAR ? parse_cifar(&scope, data)
                                                  : parse_files(&scope, data);
    if (status == STATUS_OK && data->format == NET_FORMAT_CSV)
        status = parse_csv(&scope, data);
    if (status == STATUS_OK)
        status = parse_scaling(&scope, data);
    if (status == STATUS_OK)
        status = parse_split(&scope, &data->split);
    return status;
}

enum status net_data_check_parts(const struct json_scope *root, struct net *net)
{
    const struct net_data *data = &net->data;
    const bool taken = data->split.test > 0 || data->split.folds > 0;
    const double test = data->split.folds ? 1.0 / data->split.folds : (double)data->split.test;
    const bool has_test = data->format == NET_FORMAT_CIFAR || *data->files[NET_TEST].images;
    struct json_scope train = *root;
    enum status status = json_enter(root, "train", &train);
    if (status != STATUS_OK)
        return status;
    if (has_test == taken)
        return error_set(root->err, STATUS_INPUT, "%s: data: %s", root->label,
                         taken ? "test files and a test part in \"split\"; keep one"
                               : "no test data; name test files or give split.test");
    if (!*data->files[NET_VALIDATION].images) {
        if ((double)net->recipe.validation_fraction + test < 1)
            return STATUS_OK;
        return error_set(root->err, STATUS_INPUT,
                         "%s: train.validation and data.split take %g and %g; want less than 1 "
                         "together",
                         root->label, (double)net->recipe.validation_fraction, test);
    }
    if (train.object && has_field(&train, "validation"))
        return json_complain(&train, "validation", "no fraction, as there are validation files",
                             cJSON_GetObjectItemCaseSensitive(train.object, "validation"));
    net->recipe.validation_fraction = 0;
    return STATUS_OK;
}
