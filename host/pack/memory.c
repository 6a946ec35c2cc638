// SPDX-License-Identifier: Apache-2.0
/* Sums over a container's layers and a firmware's sections. */
#include "pack/memory.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "loader.h"

/* Of a firmware, from its sections (linker/firmware.ld). The model area begins at `end` rounded up, or
 * behind the fallback where the core needs that. */
struct parts {
    uint64_t code, stacks;
    uint64_t start, end; /* addresses, without the fallback */
    uint64_t fallback;
    uint64_t ram_end; /* bytes that it takes there, stack included */
};

static bool lies_in(uint64_t offset, uint64_t size, uint64_t whole)
{
    return offset <= whole && size <= whole - offset;
}

static void add_section(const Elf32_Shdr *section, const char *name, struct parts *parts)
{
    const uint64_t start = section->sh_addr, end = start + section->sh_size;
    if (strncmp(name, ".ram_end", strlen(".ram_end")) == 0)
        parts->ram_end += section->sh_size;
    if (strcmp(name, ".ram_end_stack") == 0)
        parts->stacks += section->sh_size;
    if (!(section->sh_flags & SHF_ALLOC))
        return;
    if (strcmp(name, ".fallback") == 0) {
        parts->fallback = section->sh_size;
        return;
    }
    if (parts->end == 0 || start < parts->start)
        parts->start = start;
    if (end > parts->end)
        parts->end = end;
    if (strcmp(name, ".stacks") == 0)
        parts->stacks += section->sh_size;
    else if (section->sh_flags & SHF_EXECINSTR)
        parts->code += section->sh_size;
}

/* False: not a whole ELF file. Fields are copied out: nothing in a file need be aligned. */
static bool read_sections(const uint8_t *bytes, size_t size, struct parts *parts)
{
    Elf32_Ehdr head;
    Elf32_Shdr names, section;
    if (size < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS32 ||
        head.e_shentsize != sizeof section || head.e_shstrndx >= head.e_shnum ||
        !lies_in(head.e_shoff, (uint64_t)head.e_shnum * sizeof section, size))
        return false;
    memcpy(&names, bytes + head.e_shoff + head.e_shstrndx * sizeof names, sizeof names);
    if (!lies_in(names.sh_offset, names.sh_size, size) || !names.sh_size ||
        bytes[names.sh_offset + names.sh_size - 1])
        return false;
    for (unsigned i = 0; i < head.e_shnum; i++) {
        memcpy(&section, bytes + head.e_shoff + i * sizeof section, sizeof section);
        if (section.sh_name >= names.sh_size)
            return false;
        add_section(&section, (const char *)bytes + names.sh_offset + section.sh_name, parts);
    }
    return true;
}

static enum status read_firmware(const char *path, struct parts *parts, struct error *err)
{
    enum { FIRMWARE_MAX = 1 << 26 };
    uint8_t *bytes = NULL;
    size_t size = 0;
    *parts = (struct parts){0};
    enum status status = file_read(path, FIRMWARE_MAX, &bytes, &size, err);
    if (status == STATUS_OK && !read_sections(bytes, size, parts))
        status = error_set(err, STATUS_INPUT,
                           "%s: not a program for the core; build it: make "
                           "firmware",
                           path);
    free(bytes);
    return status;
}

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + MODEL_ALIGN - 1) / MODEL_ALIGN * MODEL_ALIGN;
}

/* On a core with the instructions of version 2. */
static uint64_t firmware_bytes(const struct parts *parts)
{
    return aligned(parts->end) - parts->start + parts->ram_end;
}

enum status memory_firmware_bytes(const char *path, uint64_t *out, struct error *err)
{
    struct parts parts;
    const enum status status = read_firmware(path, &parts, err);
    *out = status == STATUS_OK ? firmware_bytes(&parts) : 0;
    return status;
}

static void add_firmware(const char *path, struct memory_map *map)
{
    struct parts parts;
    struct error unused;
    uint64_t fallback;
    if (!path || read_firmware(path, &parts, &unused) != STATUS_OK)
        return;
    fallback = map->firmware - firmware_bytes(&parts);
    if (fallback && fallback != aligned(parts.fallback))
        return;
    map->has_parts = true;
    map->code = parts.code + fallback;
    map->stacks = parts.stacks;
    map->data = map->firmware - map->code - parts.stacks;
}

void memory_map_make(const struct container *container, uint64_t firmware_bytes, uint64_t ram_bytes,
                     const char *firmware_path, struct memory_map *out)
{
    const struct model *model = container->model;
    *out = (struct memory_map){.firmware = firmware_bytes,
                               .container = container->size,
                               .activations = model->arena_bytes,
                               .scratch = model->scratch_bytes,
                               .ram = ram_bytes};
    for (int i = 0; i < model->layer_count; i++) {
        out->weights += model->layers[i].weight_bytes;
        out->parameters += model->layers[i].param_bytes;
    }
    out->header = out->container - out->weights - out->parameters;
    out->need = firmware_bytes + loader_model_bytes(model);
    out->tables = out->need - out->firmware - out->container - out->activations;
    add_firmware(firmware_path, out);
}
