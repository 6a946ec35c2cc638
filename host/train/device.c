// SPDX-License-Identifier: Apache-2.0
/* Loads the library that trains on a GPU. */
#include "train/device.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/paths.h"

static const struct device_table *load(struct error *err)
{
    static const struct device_table *loaded;
    char path[PATHS_MAX];
    if (loaded)
        return loaded;
    if (paths_cuda(path, err) != STATUS_OK)
        return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct device_table *table = library ? dlsym(library, DEVICE_SYMBOL) : NULL;
    if (!library) {
        error_format(err, "%.400s; install cuDNN and cuBLAS (make cuda)", dlerror());
        return NULL;
    }
    if (!table || table->version != DEVICE_TABLE_VERSION) {
        error_format(err, "%.400s: of another build than this tool; build it again (make host)",
                     path);
        return NULL;
    }
    return loaded = table;
}

const char *device_library(struct error *reason)
{
    static char text[DEVICE_TEXT_BYTES];
    const struct device_table *table = load(reason);
    if (table)
        table->versions(text);
    return table ? text : NULL;
}

/* -1: not a GPU's name. */
static int parse_number(const char *name)
{
    char *end;
    if (!strcmp(name, "cuda"))
        return 0;
    if (strncmp(name, "cuda:", 5) != 0 || name[5] < '0' || name[5] > '9')
        return -1;
    const long number = strtol(name + 5, &end, 10);
    return *end || number > 255 ? -1 : (int)number;
}

enum status device_open(const struct device_options *options, struct device **out,
                        struct error *err)
{
    const char *name = options->name ? options->name : "cpu";
    *out = NULL;
    if (!strcmp(name, "cpu"))
        return STATUS_OK;
    const struct device_setup setup = {parse_number(name), options->deterministic,
                                       options->at_once};
    if (setup.number < 0)
        return error_set(err, STATUS_USAGE, "--device: want cpu, cuda or cuda:N, got '%.64s'",
                         name);
    const struct device_table *table = load(err);
    if (!table)
        return error_wrap(err, STATUS_INPUT, "--device %s", name);
    struct device *device = calloc(1, sizeof *device);
    if (!device)
        return error_set(err, STATUS_NO_MEMORY, "--device %s: out of memory", name);
    device->table = table;
    const enum status status = table->open(&setup, &device->state, err);
    if (status != STATUS_OK) {
        free(device);
        return error_wrap(err, status, "--device %s", name);
    }
    *out = device;
    return STATUS_OK;
}

void device_close(struct device *device)
{
    if (!device)
        return;
    device->table->close(device->state);
    free(device);
}

void device_text(const struct device *device, char text[DEVICE_TEXT_BYTES])
{
    if (device)
        device->table->text(device->state, text);
    else
        snprintf(text, DEVICE_TEXT_BYTES, "CPU");
}
