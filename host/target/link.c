// SPDX-License-Identifier: Apache-2.0
/* Chooses the kind of link by the target's name. Knows no protocol. */
#include "target/link_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libserialport.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "protocol.h"

enum { BAUD_MAX_HZ = 20000000 };

short link_wait(int fd, short events, int timeout_ms)
{
    struct pollfd waited = {.fd = fd, .events = events};
    return poll(&waited, 1, timeout_ms) > 0 ? waited.revents : 0;
}

enum status link_lock(const char *name, int fd, struct error *err)
{
    if (!flock(fd, LOCK_EX | LOCK_NB))
        return STATUS_OK;
    return error_set(err, STATUS_LINK, "%s: %s", name,
                     errno == EWOULDBLOCK
                         ? "busy: another program uses this port; end it or choose another port"
                         : strerror(errno));
}

/* "; ports found: /dev/ttyUSB0, /dev/ttyACM1" or a hint that there are none. */
static void list_ports(char *out, size_t size)
{
    struct sp_port **ports = NULL;
    size_t used = 0;
    *out = '\0';
    if (sp_list_ports(&ports) != SP_OK)
        return;
    for (size_t i = 0; ports[i] && used + 1 < size; i++) {
        snprintf(out + used, size - used, "%s%s", i ? ", " : "", sp_get_port_name(ports[i]));
        used = strlen(out);
    }
    sp_free_port_list(ports);
}

static enum status no_such_port(const char *name, struct error *err)
{
    char ports[200];
    list_ports(ports, sizeof ports);
    if (*ports)
        return error_set(err, STATUS_LINK, "%s: no such port; ports found: %s", name, ports);
    return error_set(err, STATUS_LINK,
                     "%s: no such port, and no serial port is connected; plug the board in, or use "
                     "the simulator: sim",
                     name);
}

static enum status no_permission(const char *name, const char *path, struct error *err)
{
    struct stat info;
    const struct group *group = stat(path, &info) ? NULL : getgrgid(info.st_gid);
    const char *group_name = group ? group->gr_name : "dialout";
    return error_set(err, STATUS_LINK,
                     "%s: permission denied; the port belongs to group %s: "
                     "run 'sudo usermod -aG %s $USER' and log in again",
                     name, group_name, group_name);
}

enum status link_open_failed(const char *name, const char *path, int error_number,
                             struct error *err)
{
    switch (error_number) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return no_such_port(name, err);
    case EACCES:
    case EPERM:
        return no_permission(name, path, err);
    case EBUSY:
        return error_set(err, STATUS_LINK,
                         "%s: busy: another program uses this port; end it or choose another port",
                         name);
    default:
        return error_set(err, STATUS_LINK, "%s: cannot open: %s", name, strerror(error_number));
    }
}

/* Splits "PATH:BAUD"; a colon that no number follows is part of the path. */
static enum status split_baud(const char *name, char *path, size_t size, int *baud_hz,
                              struct error *err)
{
    snprintf(path, size, "%s", name);
    *baud_hz = LINK_BAUD_MAX_HZ;
    char *colon = strrchr(path, ':');
    if (!colon || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")])
        return STATUS_OK;
    errno = 0;
    const long value = strtol(colon + 1, NULL, 10);
    if (errno || value < 50 || value > BAUD_MAX_HZ)
        return error_set(err, STATUS_USAGE, "%s: baud rate: want 50 to %d, got %s", name,
                         BAUD_MAX_HZ, colon + 1);
    *colon = '\0';
    *baud_hz = (int)value;
    return STATUS_OK;
}

static enum status open_port(const char *name, struct link **out, struct error *err)
{
    char path[PATH_MAX], real[PATH_MAX];
    int baud_hz;
    struct stat info;
    bool refused = false;
    enum status status = split_baud(name, path, sizeof path, &baud_hz, err);
    if (status)
        return status;
    if (!strchr(path, '/'))
        return error_set(err, STATUS_USAGE,
                         "%s: no such target; want sim, sim:CONFIG, or a port such as /dev/ttyUSB0",
                         name);
    if (!realpath(path, real) || stat(real, &info))
        return link_open_failed(name, path, errno, err);
    if (S_ISSOCK(info.st_mode))
        return link_fd_open(name, real, out, err);
    if (!S_ISCHR(info.st_mode))
        return error_set(err, STATUS_LINK, "%s: not a serial port, terminal or socket", name);
    const int start_hz = baud_hz < PROTO_BAUD_HZ ? baud_hz : PROTO_BAUD_HZ;
    status = link_serial_open(name, real, start_hz, &refused, out, err);
    if (refused)
        status = link_fd_open(name, real, out, err);
    if (!status)
        (*out)->baud_max_hz = baud_hz;
    return status;
}

enum status link_open(const char *target, struct link **out, struct error *err)
{
    *out = NULL;
    if (!strncmp(target, "sim", 3) && (!target[3] || target[3] == ':' || target[3] == ','))
        return link_sim_open(target, out, err);
    return open_port(target, out, err);
}

void link_close(struct link *link)
{
    if (link)
        link->ops->close(link);
}
