// SPDX-License-Identifier: Apache-2.0
/* The shared data are a temporary file without a name: memory of the system's file cache, whatever
 * the size of /dev/shm. */
#include "data/team_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, PARTS = 3, ALIGN_BYTES = 64 };

/* What a host's first process tells the others. */
struct announcement {
    bool shared;
    char path[PATH_BYTES];
    size_t bytes;
    struct dataset parts[PARTS]; /* without their pointers */
};

static size_t align(size_t bytes)
{
    return (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
}

static size_t image_bytes(const struct dataset *data)
{
    return data->count * shape_size(data->shape);
}

static size_t part_bytes(const struct dataset *data)
{
    return align(image_bytes(data)) + align(data->count * sizeof *data->labels);
}

static struct dataset *part(struct data_split *split, int i)
{
    struct dataset *const parts[PARTS] = {&split->train, &split->validation, &split->test};
    return parts[i];
}

/* Maps the file; it may lose its name then. */
static enum status map_file(const char *path, size_t bytes, int flags, struct team_data *out,
                            struct error *err)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, flags, MAP_SHARED, fd, 0);
    const int error_number = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (map == MAP_FAILED) {
        return error_set(err, STATUS_IO,
                         "%s: cannot share the data on this host: %s; set TMPDIR to a folder that "
                         "all its processes see",
                         path, strerror(error_number));
    }
    out->map = map;
    out->map_bytes = bytes;
    return STATUS_OK;
}

/* Points the parts into the map. */
static void place_parts(struct team_data *data, const struct dataset *parts)
{
    uint8_t *next = data->map;
    for (int i = 0; i < PARTS; i++) {
        struct dataset *to = part(&data->split, i);
        *to = parts[i];
        to->images = next;
        to->labels = (uint16_t *)(void *)(next + align(image_bytes(to)));
        next += part_bytes(to);
    }
}

static enum status make_file(char path[PATH_BYTES], size_t bytes, struct error *err)
{
    const char *folder = getenv("TMPDIR");
    const int length =
        snprintf(path, PATH_BYTES, "%s/mpq-data-XXXXXX", folder && *folder ? folder : P_tmpdir);
    const int fd = length < PATH_BYTES ? mkstemp(path) : -1;
    const int error_number = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)bytes);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (error_number == 0) {
        return STATUS_OK;
    }
    if (fd >= 0) {
        (void)unlink(path);
    }
    return error_set(err, STATUS_IO,
                     "%.200s: cannot make a file of %zu bytes for the data: %s; set TMPDIR to a "
                     "folder with room",
                     path, bytes, strerror(error_number));
}

/* Moves loaded data into a file that the host's other processes can map. */
static enum status publish(struct team_data *data, struct announcement *out, struct error *err)
{
    struct data_split own = data->split;
    out->bytes = 0;
    for (int i = 0; i < PARTS; i++) {
        out->parts[i] = *part(&own, i);
        out->bytes += part_bytes(&out->parts[i]);
    }
    enum status status = make_file(out->path, out->bytes, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = map_file(out->path, out->bytes, PROT_READ | PROT_WRITE, data, err);
    if (status != STATUS_OK) {
        (void)unlink(out->path);
        return status;
    }
    place_parts(data, out->parts);
    for (int i = 0; i < PARTS; i++) {
        const struct dataset *from = part(&own, i), *to = part(&data->split, i);
        memcpy(to->images, from->images, image_bytes(from));
        memcpy(to->labels, from->labels, from->count * sizeof *from->labels);
    }
    data_free(&own);
    (void)mprotect(data->map, data->map_bytes, PROT_READ);
    out->shared = true;
    return STATUS_OK;
}

enum status team_data_load(struct team *team, const struct net *net, const char *folder,
                           size_t limit, struct team_data *out, struct error *err)
{
    struct announcement news = {.shared = false};
    const bool leads = team_host_rank(team) == 0;
    enum status status = STATUS_OK;
    memset(out, 0, sizeof *out);
    if (leads) {
        status = data_load(net, folder, limit, &out->split, err);
    }
    if (leads && status == STATUS_OK && team_host_size(team) > 1) {
        status = publish(out, &news, err);
    }
    team_host_broadcast(team, &news, sizeof news);
    if (!leads && news.shared) {
        status = map_file(news.path, news.bytes, PROT_READ, out, err);
    }
    if (!leads && out->map) {
        place_parts(out, news.parts);
    }
    status = team_agree(team, status, err);
    if (leads && news.shared) {
        (void)unlink(news.path);
    }
    return status;
}

void team_data_free(struct team_data *data)
{
    if (data->map) {
        (void)munmap(data->map, data->map_bytes);
    } else {
        data_free(&data->split);
    }
    memset(data, 0, sizeof *data);
}
