// SPDX-License-Identifier: Apache-2.0
#include "init/init.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "base/rng.h"
#include "bytes.h"
#include "net/net.h"

/* The sizes stand in init/template/model.json too, which is tried by the tests. */
enum { SIDE = 12, CLASSES = 4, PICTURES = 800, PICTURE_BYTES = SIDE * SIDE };
enum { LENGTH_MIN = 5, LENGTH_MAX = 9, NOISE = 60, SEED = 1, STREAM = 11 };
enum { NPY_HEAD_BYTES = 128 };

/* Whether a shape of so many pixels a side has a pixel there. */
static int is_set(int kind, int y, int x, int length)
{
    switch (kind) {
    case 0:
        return y == length / 2;
    case 1:
        return x == length / 2;
    case 2:
        return x == y;
    default:
        return !y || !x || y == length - 1 || x == length - 1;
    }
}

/* A shape of random size, place and brightness on noise. */
static void draw(struct rng *rng, int kind, uint8_t *picture)
{
    const int length = LENGTH_MIN + (int)rng_below(rng, LENGTH_MAX - LENGTH_MIN + 1);
    const int top = (int)rng_below(rng, (uint32_t)(SIDE - length + 1));
    const int left = (int)rng_below(rng, (uint32_t)(SIDE - length + 1));
    const int light = 100 + (int)rng_below(rng, 156 - NOISE);
    for (int i = 0; i < PICTURE_BYTES; i++)
        picture[i] = (uint8_t)rng_below(rng, NOISE);
    for (int y = 0; y < length; y++)
        for (int x = 0; x < length; x++)
            if (is_set(kind, y, x, length))
                picture[(top + y) * SIDE + left + x] =
                    (uint8_t)(light + (int)rng_below(rng, NOISE));
}

/* A .npy file of bytes, version 1.0 of numpy.lib.format. shape: "(800,)" */
static enum status write_npy(const char *folder, const char *name, const char *shape,
                             const uint8_t *data, size_t size, struct error *err)
{
    uint8_t *file = malloc(NPY_HEAD_BYTES + size);
    char head[NPY_HEAD_BYTES];
    if (!file)
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
    const int length = snprintf(head, sizeof head,
                                "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }", shape);
    memset(file, ' ', NPY_HEAD_BYTES);
    memcpy(file, "\x93NUMPY\x01", 8); /* with the minor version, 0 */
    put_u16(file + 8, NPY_HEAD_BYTES - 10);
    memcpy(file + 10, head, (size_t)length);
    file[NPY_HEAD_BYTES - 1] = '\n';
    memcpy(file + NPY_HEAD_BYTES, data, size);
    const enum status status = folder_write(folder, name, file, NPY_HEAD_BYTES + size, err);
    free(file);
    return status;
}

static enum status write_data(const char *folder, struct error *err)
{
    uint8_t *pictures = malloc((size_t)PICTURES * PICTURE_BYTES), labels[PICTURES];
    char shape[64];
    struct rng rng;
    if (!pictures)
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", folder);
    rng_init(&rng, SEED, STREAM);
    for (int i = 0; i < PICTURES; i++) {
        labels[i] = (uint8_t)(i % CLASSES);
        draw(&rng, labels[i], pictures + i * PICTURE_BYTES);
    }
    snprintf(shape, sizeof shape, "(%d, %d, %d, 1)", PICTURES, SIDE, SIDE);
    enum status status = write_npy(folder, "data/images.npy", shape, pictures,
                                   (size_t)PICTURES * PICTURE_BYTES, err);
    snprintf(shape, sizeof shape, "(%d,)", PICTURES);
    if (status == STATUS_OK)
        status = write_npy(folder, "data/labels.npy", shape, labels, sizeof labels, err);
    free(pictures);
    return status;
}

static enum status network_name(const char *folder, char out[NET_NAME_BYTES], struct error *err)
{
    size_t length = strlen(folder);
    while (length && folder[length - 1] == '/')
        length--;
    size_t start = length;
    while (start && folder[start - 1] != '/')
        start--;
    char last[FOLDER_PATH_BYTES];
    snprintf(last, sizeof last, "%.*s", (int)(length - start), folder + start);
    folder_safe_name(last, out, NET_NAME_BYTES);
    if (!*out || !strcmp(last, ".") || !strcmp(last, "..") || length - start >= NET_NAME_BYTES)
        return error_set(err, STATUS_USAGE,
                         "NAME: want a name of 1 to %d bytes for folder and network, got '%s'",
                         NET_NAME_BYTES - 1, folder);
    return STATUS_OK;
}

static void write_commands(const char *folder, const char *name, char *out, size_t size)
{
    snprintf(out, size,
             "    mpq train %s/model.json --data %s/data -o %s/%s.float\n"
             "    mpq quantize %s/%s.float --bits 4 --data %s/data -o %s/%s.quant\n"
             "    mpq eval %s/%s.quant --data %s/data --target sim\n"
             "    mpq dse %s/%s.float --data %s/data -o %s/search\n"
             "    mpq codegen %s/%s.quant --data %s/data -o %s/c",
             folder, folder, folder, name, folder, name, folder, folder, name, folder, name, folder,
             folder, name, folder, folder, folder, name, folder, folder);
}

enum status init_write(const char *folder, char *commands, size_t size, struct error *err)
{
    char name[NET_NAME_BYTES], shown[FOLDER_PATH_BYTES];
    enum status status = network_name(folder, name, err);
    if (status != STATUS_OK)
        return status;
    snprintf(shown, sizeof shown, "%s", folder);
    for (size_t end = strlen(shown); end > 1 && shown[end - 1] == '/'; end--)
        shown[end - 1] = '\0';
    write_commands(shown, name, commands, size);
    const struct folder_word words[] = {{"@NAME@", name}, {"@COMMANDS@", commands}};
    status = write_data(folder, err);
    if (status == STATUS_OK)
        status = folder_write_embedded(folder, "init/", words, sizeof words / sizeof *words, err);
    return status;
}
