// SPDX-License-Identifier: Apache-2.0
/* The table of where a target's bytes go. */
#include "cmd/cmd_memory.h"

#include <string.h>

#include "base/paths.h"
#include "report/report.h"

enum { NUMBER_BYTES = 32, LEAST_BITS = 2 };

void cmd_memory_map(const struct container *container, const struct target_info *info,
                    struct memory_map *out)
{
    char path[PATHS_MAX];
    struct error unused;
    const bool found = paths_firmware(path, &unused) == STATUS_OK;
    memory_map_make(container, info->ram_bytes - info->model_area_bytes, info->ram_bytes,
                    found ? path : NULL, out);
}

/* indent: of the label, in spaces. */
static void print_row(FILE *file, int indent, const char *label, uint64_t bytes)
{
    char number[NUMBER_BYTES];
    report_number(bytes, number, sizeof number);
    fprintf(file, "%*s%-*s %14s\n", indent, "", 34 - indent, label, number);
}

static void print_layers(FILE *file, const struct container *container)
{
    const struct model *model = container->model;
    char name[NET_NAME_BYTES], label[NET_NAME_BYTES + 16];
    for (int i = 0; i < model->layer_count; i++) {
        if (!model->layers[i].weight_bits)
            continue;
        container_layer_name(container, (unsigned)i, name, sizeof name);
        snprintf(label, sizeof label, "%-16s %u bit", name, model->layers[i].weight_bits);
        print_row(file, 6, label, model->layers[i].weight_bytes);
    }
}

/* What two bits in every layer would save, about: rows are filled up to whole words. */
static uint64_t least_savings(const struct model *model)
{
    uint64_t saved = 0;
    for (int i = 0; i < model->layer_count; i++) {
        const struct model_layer *layer = &model->layers[i];
        if (layer->weight_bits > LEAST_BITS)
            saved += layer->weight_bytes - layer->weight_bytes * LEAST_BITS / layer->weight_bits;
    }
    return saved;
}

static void print_hints(FILE *file, const struct container *container, const struct memory_map *map)
{
    const uint64_t saved = least_savings(container->model), missing = map->need - map->ram;
    char saved_text[NUMBER_BYTES], need_text[NUMBER_BYTES];
    report_number(saved, saved_text, sizeof saved_text);
    report_number(map->need, need_text, sizeof need_text);
    if (saved >= missing)
        fprintf(file,
                "Fewer weight bits can make it fit: 2 bits in every layer save about %s bytes "
                "(mpq quantize --bits).\n",
                saved_text);
    else
        fprintf(file,
                "Fewer weight bits alone do not make it fit: 2 bits in every layer save about %s "
                "bytes.\n",
                saved_text);
    fprintf(file, "A target (--target) with %s bytes of RAM or more takes it as it is.\n",
            need_text);
}

void cmd_print_memory(FILE *file, const struct container *container, const struct memory_map *map)
{
    fprintf(file, "%-34s %14s\n", "memory", "bytes");
    print_row(file, 0, "firmware", map->firmware);
    if (map->has_parts) {
        print_row(file, 2, "code", map->code);
        print_row(file, 2, "constants, data, buffers", map->data);
        print_row(file, 2, "stacks", map->stacks);
    }
    print_row(file, 0, "model container", map->container);
    print_row(file, 2, "header and layers", map->header);
    print_row(file, 2, "parameters", map->parameters);
    print_row(file, 2, "weights", map->weights);
    print_layers(file, container);
    print_row(file, 0, "activations, sharing memory", map->activations);
    print_row(file, 2, "of it scratch, at most", map->scratch);
    print_row(file, 0, "loader's tables of the model", map->tables);
    print_row(file, 0, "needed in all", map->need);
    print_row(file, 0, "RAM of the target", map->ram);
    if (memory_fits(map)) {
        print_row(file, 0, "free", map->ram - map->need);
        return;
    }
    print_row(file, 0, "MISSING", map->need - map->ram);
    print_hints(file, container, map);
}

static void add_layers(cJSON *object, const struct container *container)
{
    const struct model *model = container->model;
    cJSON *layers = cJSON_AddArrayToObject(object, "layers");
    char name[NET_NAME_BYTES];
    for (int i = 0; i < model->layer_count; i++) {
        const struct model_layer *layer = &model->layers[i];
        if (!layer->weight_bits)
            continue;
        cJSON *row = cJSON_CreateObject();
        container_layer_name(container, (unsigned)i, name, sizeof name);
        cJSON_AddStringToObject(row, "name", name);
        cJSON_AddNumberToObject(row, "bits", layer->weight_bits);
        cJSON_AddNumberToObject(row, "weight_bytes", layer->weight_bytes);
        cJSON_AddNumberToObject(row, "parameter_bytes", layer->param_bytes);
        cJSON_AddItemToArray(layers, row);
    }
}

cJSON *cmd_memory_json(const struct container *container, const struct memory_map *map)
{
    const struct {
        const char *name;
        uint64_t bytes;
        bool known;
    } members[] = {
        {"firmware", map->firmware, true},
        {"code", map->code, map->has_parts},
        {"data", map->data, map->has_parts},
        {"stacks", map->stacks, map->has_parts},
        {"container", map->container, true},
        {"header", map->header, true},
        {"parameters", map->parameters, true},
        {"weights", map->weights, true},
        {"activations", map->activations, true},
        {"scratch", map->scratch, true},
        {"tables", map->tables, true},
        {"need", map->need, true},
        {"ram", map->ram, true},
    };
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].known)
            cJSON_AddNumberToObject(object, members[i].name, (double)members[i].bytes);
    cJSON_AddBoolToObject(object, "fits", memory_fits(map));
    add_layers(object, container);
    return object;
}

enum status cmd_print_refused(const struct container *container, const struct memory_map *map,
                              const struct cmd_output *mode, struct error *err)
{
    if (!mode->json) {
        cmd_print_memory(stderr, container, map);
        return STATUS_OK;
    }
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToObject(object, "memory", cmd_memory_json(container, map));
    return cmd_print_json(object, false, err);
}

enum status cmd_check_memory(const struct container *container, const struct target *target,
                             const char *target_name, const struct cmd_output *mode,
                             struct error *err)
{
    struct memory_map map;
    cmd_memory_map(container, target_info(target), &map);
    if (memory_fits(&map))
        return STATUS_OK;
    const enum status status = cmd_print_refused(container, &map, mode, err);
    if (status != STATUS_OK)
        return status;
    return error_set(err, STATUS_INPUT,
                     "%s: model %s does not fit: it needs %llu bytes, the target has %llu",
                     target_name, container->model->name, (unsigned long long)map.need,
                     (unsigned long long)map.ram);
}
