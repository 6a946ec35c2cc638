// SPDX-License-Identifier: Apache-2.0
/* Finding the simulator and the firmware. */
#include "base/paths.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core_configs.h"

static const char *const config_names[] = {CORE_CONFIG_NAMES};
enum { CONFIG_COUNT = sizeof config_names / sizeof config_names[0] };

static void cut_at_last_slash(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    else
        snprintf(path, PATHS_MAX, ".");
}

static enum status own_folder(char folder[PATHS_MAX], struct error *err)
{
    const ssize_t size = readlink("/proc/self/exe", folder, PATHS_MAX - 1);
    if (size < 0)
        return error_set(err, STATUS_IO, "/proc/self/exe: %s; set MPQ_SIM and MPQ_FIRMWARE",
                         strerror(errno));
    folder[size] = '\0';
    cut_at_last_slash(folder);
    return STATUS_OK;
}

static enum status join(char path[PATHS_MAX], const char *folder, const char *rest,
                        struct error *err)
{
    const int size = snprintf(path, PATHS_MAX, "%s/%s", folder, rest);
    if (size < 0 || size >= PATHS_MAX)
        return error_set(err, STATUS_INPUT, "%.64s...: path longer than %d bytes", folder,
                         PATHS_MAX - 1);
    return STATUS_OK;
}

/* What the environment variable says, or else default_name in the binary's folder. */
static enum status from_environment(const char *variable, const char *default_name,
                                    char path[PATHS_MAX], struct error *err)
{
    char folder[PATHS_MAX];
    const char *value = getenv(variable);
    if (value && *value) {
        const int size = snprintf(path, PATHS_MAX, "%s", value);
        if (size < 0 || size >= PATHS_MAX)
            return error_set(err, STATUS_INPUT, "%s: path longer than %d bytes", variable,
                             PATHS_MAX - 1);
        return STATUS_OK;
    }
    const enum status status = own_folder(folder, err);
    return status ? status : join(path, folder, default_name, err);
}

static bool config_known(const char *config)
{
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (!strcmp(config, config_names[i]))
            return true;
    return false;
}

static enum status unknown_config(const char *config, struct error *err)
{
    char known[256] = "";
    for (int i = 0; i < CONFIG_COUNT; i++) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", config_names[i]);
    }
    return error_set(err, STATUS_USAGE, "sim:%s: no such core configuration; there are %s", config,
                     known);
}

enum status paths_simulator(const char *config, char path[PATHS_MAX], struct error *err)
{
    char folder[PATHS_MAX], rest[128];
    if (*config && !config_known(config))
        return unknown_config(config, err);
    enum status status = from_environment("MPQ_SIM", "mpq-sim", path, err);
    if (!status && *config) {
        snprintf(folder, sizeof folder, "%s", path);
        cut_at_last_slash(folder);
        snprintf(rest, sizeof rest, "sim/%s/mpq-sim", config);
        status = join(path, folder, rest, err);
    }
    if (!status && access(path, X_OK))
        status = error_set(err, STATUS_INPUT,
                           "%s: %s; build the simulator with: make sim%s%s (or set MPQ_SIM)", path,
                           strerror(errno), *config ? "-" : "", config);
    return status;
}

enum status paths_firmware(char path[PATHS_MAX], struct error *err)
{
    const enum status status = from_environment("MPQ_FIRMWARE", "firmware/loader.elf", path, err);
    if (!status && access(path, R_OK))
        return error_set(err, STATUS_INPUT,
                         "%s: %s; build it with: make firmware (or set MPQ_FIRMWARE)", path,
                         strerror(errno));
    return status;
}

enum status paths_mpi(char path[PATHS_MAX], struct error *err)
{
    const enum status status = from_environment("MPQ_MPI", "mpq-mpi.so", path, err);
    if (!status && access(path, R_OK))
        return error_set(err, STATUS_INPUT,
                         "%s: %s; install libopenmpi-dev and openmpi-bin and build again, or set "
                         "MPQ_MPI",
                         path, strerror(errno));
    return status;
}

enum status paths_cuda(char path[PATHS_MAX], struct error *err)
{
    const enum status status = from_environment("MPQ_CUDA", "mpq-cuda.so", path, err);
    if (!status && access(path, R_OK))
        return error_set(err, STATUS_INPUT,
                         "%s: %s; build it where nvcc is, with: make cuda (or set MPQ_CUDA)", path,
                         strerror(errno));
    return status;
}

enum status paths_bitstream(const char *board, char path[PATHS_MAX], struct error *err)
{
    char folder[PATHS_MAX], rest[128];
    const enum status status = own_folder(folder, err);
    snprintf(rest, sizeof rest, "hw/%.40s/default/mpq_%.40s.bit", board, board);
    return status ? status : join(path, folder, rest, err);
}
