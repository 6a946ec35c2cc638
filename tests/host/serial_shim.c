// SPDX-License-Identifier: Apache-2.0
/* Makes pseudo-terminals look like serial ports to libserialport, which refuses them: it looks each
 * port up below /sys/class/tty and asks for modem lines. Interposes the four calls that it uses for
 * that, linked in before it or preloaded; everything else goes on to the system. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <fcntl.h>

static const char SYSFS_PTS[] = "/sys/class/tty/pts/";
static const char DEVICE[] = "../../devices/virtual/tty/pts";

/* Major numbers of pseudo-terminal slaves: Linux, Documentation/admin-guide/devices.txt. */
enum { PTS_MAJOR_FIRST = 136, PTS_MAJOR_LAST = 143 };

static bool is_pts_entry(const char *path)
{
    return strncmp(path, SYSFS_PTS, sizeof SYSFS_PTS - 1) == 0;
}

static bool is_pts(int fd)
{
    struct stat info;
    return !fstat(fd, &info) && S_ISCHR(info.st_mode) && major(info.st_rdev) >= PTS_MAJOR_FIRST &&
           major(info.st_rdev) <= PTS_MAJOR_LAST;
}

/* lstat() of programs built against glibc before 2.33. */
int __lxstat(int version, const char *path, struct stat *out);
int __lxstat(int version, const char *path, struct stat *out)
{
    (void)version;
    if (!is_pts_entry(path))
        return fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
    memset(out, 0, sizeof *out);
    out->st_mode = S_IFLNK | 0777;
    return 0;
}

ssize_t readlink(const char *path, char *out, size_t size)
{
    if (!is_pts_entry(path))
        return syscall(SYS_readlink, path, out, size);
    const size_t length = size < sizeof DEVICE - 1 ? size : sizeof DEVICE - 1;
    memcpy(out, DEVICE, length);
    return (ssize_t)length;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    const bool lines =
        request == TIOCMGET || request == TIOCMSET || request == TIOCMBIS || request == TIOCMBIC;
    if (!lines || !is_pts(fd))
        return (int)syscall(SYS_ioctl, fd, request, argument);
    if (request == TIOCMGET)
        *(int *)argument = 0;
    return 0;
}
