// SPDX-License-Identifier: Apache-2.0
/* Identity of simulator and firmware by contents. */
#include "target/target_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/paths.h"
#include "crc32.h"

static enum status add_file(const char *path, uint32_t *crc, struct error *err)
{
    static const size_t MAX_BYTES = (size_t)1 << 28;
    uint8_t *bytes = NULL;
    size_t size = 0;
    const enum status status = file_read(path, MAX_BYTES, &bytes, &size, err);
    if (status == STATUS_OK) {
        *crc = crc32_update(*crc, bytes, size);
    }
    free(bytes);
    return status;
}

static enum status add_simulator(const char *name, uint32_t *crc, struct error *err)
{
    char config[64] = "", path[PATHS_MAX];
    const char *rest = name + strlen("sim");
    if (*rest == ':') {
        snprintf(config, sizeof config, "%.*s", (int)strcspn(rest + 1, ","), rest + 1);
    }
    *crc = crc32_update(*crc, rest, strlen(rest));
    enum status status = paths_simulator(config, path, err);
    if (status == STATUS_OK) {
        status = add_file(path, crc, err);
    }
    if (status == STATUS_OK) {
        status = paths_firmware(path, err);
    }
    return status == STATUS_OK ? add_file(path, crc, err) : status;
}

enum status target_identity(const char *name, const struct target_info *info, uint32_t *crc,
                            struct error *err)
{
    const uint32_t facts[] = {info->protocol_version, info->window,           info->tiers,
                              info->isa_version,      info->model_version,    info->clock_hz,
                              info->ram_bytes,        info->model_area_bytes, info->core_config,
                              info->marchid,          info->mimpid,           info->firmware_id};
    *crc = crc32_update(0, facts, sizeof facts);
    *crc = crc32_update(*crc, info->firmware, strlen(info->firmware));
    const bool is_sim =
        strncmp(name, "sim", 3) == 0 && (!name[3] || name[3] == ':' || name[3] == ',');
    return is_sim ? add_simulator(name, crc, err) : STATUS_OK;
}
