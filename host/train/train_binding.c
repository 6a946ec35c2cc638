// SPDX-License-Identifier: Apache-2.0
#include "train/train_binding.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "base/binding.h"
#include "crc32.h"

/* The model's text comes first: much else follows from it. */
static const struct binding_field FIELDS[] = {
    {.name = "mpq", .option = "version of mpq"},
    {.name = "model", .option = "MODEL.json", .is_text = true},
    {.name = "seed", .option = "--seed"},
    {.name = "epochs", .option = "--epochs"},
    {.name = "limit", .option = "--limit"},
    {.name = "device", .option = "--device"},
    {.name = "data_crc32", .option = "--data"},
};
static const struct binding BINDING = {FIELDS, sizeof FIELDS / sizeof *FIELDS, "file"};

/* Images, labels, and what an image's integers are worth. */
static uint32_t data_identity(const struct data_split *data)
{
    const uint32_t crc = data_crc(data);
    return crc32_update(crc, &data->train.scale, sizeof data->train.scale);
}

static cJSON *binding_object(const struct train_binding *binding)
{
    const struct net_recipe *recipe = &binding->net->recipe;
    char seed[24], crc[12];
    cJSON *object = cJSON_CreateObject();
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)binding->seed);
    snprintf(crc, sizeof crc, "%08x", (unsigned)data_identity(binding->data));
    cJSON_AddStringToObject(object, "mpq", MPQ_VERSION);
    cJSON_AddStringToObject(object, "model", binding->net->json_text);
    cJSON_AddStringToObject(object, "seed", seed);
    cJSON_AddItemToObject(object, "epochs",
                          cJSON_CreateIntArray(recipe->epochs, recipe->phase_count));
    cJSON_AddNumberToObject(object, "limit", (double)binding->limit);
    cJSON_AddStringToObject(object, "device", binding->device);
    cJSON_AddStringToObject(object, "data_crc32", crc);
    return object;
}

enum status train_binding_text(const struct train_binding *binding, char **out, struct error *err)
{
    cJSON *object = binding_object(binding);
    *out = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return *out ? STATUS_OK
                : error_set(err, STATUS_NO_MEMORY, "%s: not enough memory to train",
                            binding->net->name);
}

enum status train_binding_check(const struct train_binding *binding, const char *old_text,
                                const char *path, struct error *err)
{
    return binding_check(&BINDING, old_text, binding_object(binding), path, err);
}
