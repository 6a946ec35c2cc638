// SPDX-License-Identifier: Apache-2.0
// Byte stream to the world. Invariants: in_fd_ is -1 or open; once gone_ is set no descriptor is
// touched again.
#include "link.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace
{

constexpr size_t chunk_bytes = 4096;
constexpr size_t pty_backlog_bytes = 65536; // a board without a listener loses bytes too

std::runtime_error failure(const std::string &what)
{
    return std::runtime_error(what + ": " + strerror(errno));
}

void set_nonblocking(int fd, const std::string &name)
{
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        throw failure(name);
}

short poll_once(int fd, short events, int timeout_ms)
{
    struct pollfd entry = {fd, events, 0};
    return poll(&entry, 1, timeout_ms) > 0 ? entry.revents : static_cast<short>(0);
}

} // namespace

Link::Link(const Options &options) : once_(options.once)
{
    switch (options.link) {
    case LinkKind::none:
        break;
    case LinkKind::fd:
        set_nonblocking(options.fd, "--fd " + std::to_string(options.fd));
        in_fd_ = out_fd_ = options.fd;
        break;
    case LinkKind::stdio:
        in_fd_ = STDIN_FILENO;
        out_fd_ = STDOUT_FILENO;
        break;
    case LinkKind::pty:
        open_pty();
        break;
    }
}

Link::~Link()
{
    if (slave_fd_ >= 0)
        close(slave_fd_);
    if (pty_)
        close(in_fd_);
}

void Link::open_pty()
{
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[128];
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, name, sizeof name) != 0)
        throw failure("--pty: no pseudo-terminal");
    pty_ = true;
    in_fd_ = out_fd_ = master;
    set_nonblocking(master, name);
    slave_fd_ = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios settings;
    if (slave_fd_ < 0 || tcgetattr(slave_fd_, &settings) < 0)
        throw failure(name);
    cfmakeraw(&settings);
    cfsetspeed(&settings, B115200);
    if (tcsetattr(slave_fd_, TCSANOW, &settings) < 0)
        throw failure(name);
    printf("%s\n", name);
    fflush(stdout);
}

// With --once our own handle on the terminal must go, or its last user's leaving could not be seen.
void Link::client_arrived()
{
    if (once_ && slave_fd_ >= 0) {
        close(slave_fd_);
        slave_fd_ = -1;
    }
}

void Link::read_failed(int error)
{
    if (error == EAGAIN || error == EINTR)
        return;
    gone_ = true; // ECONNRESET, or EIO of a pseudo-terminal that nobody holds open
}

void Link::write_failed(int error)
{
    if (error != EAGAIN && error != EINTR)
        gone_ = true;
}

void Link::receive(ByteQueue &in)
{
    if (!present() || gone_)
        return;
    const short events = poll_once(in_fd_, POLLIN, 0);
    if ((events & POLLIN) != 0 && !input_ended_) {
        uint8_t bytes[chunk_bytes];
        const ssize_t count = read(in_fd_, bytes, sizeof bytes);
        if (count > 0) {
            in.push(bytes, static_cast<size_t>(count));
            client_arrived();
        } else if (count == 0) {
            input_ended_ = true;
        } else {
            read_failed(errno);
        }
    } else if ((events & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
        // A closed input pipe is only the end of input; a socket or terminal has lost its peer.
        input_ended_ = true;
        gone_ = in_fd_ == out_fd_;
    }
}

void Link::limit_backlog(ByteQueue &out) const
{
    if (pty_ && out.size() > pty_backlog_bytes)
        out.pop(out.size() - pty_backlog_bytes);
}

void Link::send(ByteQueue &out)
{
    while (!out.empty() && !gone_) {
        if (!present()) {
            out.pop(out.size());
            return;
        }
        if (poll_once(out_fd_, POLLOUT, 0) == 0)
            break; // an error is left to write() to tell
        const size_t size = out.size() < chunk_bytes ? out.size() : chunk_bytes;
        const ssize_t count = write(out_fd_, out.data(), size);
        if (count < 0) {
            write_failed(errno);
            break;
        }
        out.pop(static_cast<size_t>(count));
    }
    limit_backlog(out);
}

void Link::flush(ByteQueue &out)
{
    send(out);
    while (!out.empty() && !gone_ && !pty_) {
        poll_once(out_fd_, POLLOUT, -1);
        send(out);
    }
}

uint32_t Link::baud_hz() const
{
    static const struct {
        speed_t code;
        uint32_t hz;
    } rates[] = {{B115200, 115200},   {B230400, 230400},   {B460800, 460800},   {B500000, 500000},
                 {B576000, 576000},   {B921600, 921600},   {B1000000, 1000000}, {B1152000, 1152000},
                 {B1500000, 1500000}, {B2000000, 2000000}, {B2500000, 2500000}, {B3000000, 3000000},
                 {B3500000, 3500000}, {B4000000, 4000000}};
    struct termios settings;
    if (!pty_ || gone_ || tcgetattr(in_fd_, &settings) < 0)
        return 0;
    for (const auto &rate : rates)
        if (cfgetospeed(&settings) == rate.code)
            return rate.hz;
    return 0;
}

void Link::wait(bool output_waits, int timeout_ms)
{
    if (!present() || gone_)
        return;
    struct pollfd entries[2] = {{in_fd_, POLLIN, 0}, {out_fd_, POLLOUT, 0}};
    poll(entries, output_waits ? 2 : 1, timeout_ms);
}
