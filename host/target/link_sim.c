// SPDX-License-Identifier: Apache-2.0
/* A link to a simulator process of our own: bytes over a socket pair, its stderr through a pipe,
 * kept as last words. The child is in its own process group, so that Ctrl-C reaches only the tool;
 * it ends when its socket closes, and the kernel kills it when the thread that opened the link
 * ends: open the link in a thread that outlives it. */
#include "target/link_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/paths.h"

enum {
    CHILD_FD = 3,
    OPTIONS_MAX = 16,
    OPTION_TEXT_BYTES = 1024,
    WORDS_BYTES = 320,
    EXIT_LIMIT_MS = 5000,
    STALL_LIMIT_MS = 30000,
    EXIT_CANNOT_START = 127,
};

struct link_sim {
    struct link base; /* first: a struct link * is a struct link_sim * */
    int fd;
    int words_fd;
    pid_t pid; /* 0: already waited for */
    int exit_status;
    char words[WORDS_BYTES]; /* the end of what it said on stderr */
};

/* How to start it; argv points into the other members. */
struct sim_command {
    char simulator[PATHS_MAX], firmware[PATHS_MAX];
    char config[64], options[OPTION_TEXT_BYTES];
    char *argv[OPTIONS_MAX + 6];
};

/* "sim[:CONFIG][,OPTION...]" into config and an argument list. */
static enum status parse_name(const char *name, struct sim_command *command, struct error *err)
{
    static char option_firmware[] = "--firmware", option_fd[] = "--fd", number[] = "3";
    const char *rest = name + strlen("sim");
    size_t argc = 0;
    if (*rest == ':') {
        const size_t length = strcspn(++rest, ",");
        snprintf(command->config, sizeof command->config, "%.*s", (int)length, rest);
        rest += length;
        if (!length)
            return error_set(err, STATUS_USAGE, "%s: the configuration's name is missing", name);
    }
    if (strlen(rest) >= sizeof command->options)
        return error_set(err, STATUS_USAGE, "sim,...: options longer than %zu bytes",
                         sizeof command->options - 1);
    snprintf(command->options, sizeof command->options, "%s", rest);
    char *const fixed[] = {command->simulator, option_firmware, command->firmware, option_fd,
                           number};
    for (; argc < sizeof fixed / sizeof fixed[0]; argc++)
        command->argv[argc] = fixed[argc];
    char *save = NULL;
    for (char *word = strtok_r(command->options, ",", &save); word;
         word = strtok_r(NULL, ",", &save)) {
        if (argc + 1 == sizeof command->argv / sizeof command->argv[0])
            return error_set(err, STATUS_USAGE, "%.64s...: more than %d options", name,
                             OPTIONS_MAX);
        command->argv[argc++] = word;
    }
    command->argv[argc] = NULL;
    return STATUS_OK;
}

static enum status prepare(const char *name, struct sim_command *command, struct error *err)
{
    memset(command, 0, sizeof *command);
    enum status status = parse_name(name, command, err);
    if (!status)
        status = paths_simulator(command->config, command->simulator, err);
    if (!status)
        status = paths_firmware(command->firmware, err);
    return status;
}

/* In the child, between fork and exec: only async-signal-safe calls. socket_fd and words_fd are
 * above CHILD_FD. */
static void run_child(const struct sim_command *command, int socket_fd, int words_fd, pid_t parent)
{
    static const char text[] = "cannot be executed";
    const int null_fd = open("/dev/null", O_RDWR);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_CANNOT_START);
    if (null_fd >= 0 && dup2(null_fd, STDIN_FILENO) >= 0 && dup2(null_fd, STDOUT_FILENO) >= 0 &&
        dup2(words_fd, STDERR_FILENO) >= 0 && dup2(socket_fd, CHILD_FD) >= 0)
        execv(command->simulator, command->argv);
    if (write(words_fd, text, sizeof text - 1) < 0)
        _exit(EXIT_CANNOT_START);
    _exit(EXIT_CANNOT_START);
}

/* Moves fd above CHILD_FD, close-on-exec, so that dup2() in the child cannot hit another one. */
static int raise_fd(int fd)
{
    const int raised = fcntl(fd, F_DUPFD_CLOEXEC, 16);
    close(fd);
    return raised;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* fds: our socket, the child's socket, our end of the words' pipe, the child's end. */
static enum status make_channels(const char *name, int fds[4], struct error *err)
{
    int sockets[2], words[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
        return error_set(err, STATUS_IO, "%s: socketpair: %s", name, strerror(errno));
    if (pipe2(words, O_CLOEXEC)) {
        const int reason = errno;
        close_all(sockets, 2);
        return error_set(err, STATUS_IO, "%s: pipe: %s", name, strerror(reason));
    }
    fds[0] = raise_fd(sockets[0]);
    fds[1] = raise_fd(sockets[1]);
    fds[2] = raise_fd(words[0]);
    fds[3] = raise_fd(words[1]);
    if (fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 && fds[3] >= 0 &&
        !fcntl(fds[0], F_SETFL, O_NONBLOCK) && !fcntl(fds[2], F_SETFL, O_NONBLOCK))
        return STATUS_OK;
    const int reason = errno;
    close_all(fds, 4);
    return error_set(err, STATUS_IO, "%s: descriptors: %s", name, strerror(reason));
}

static enum status start(struct link_sim *self, const struct sim_command *command,
                         struct error *err)
{
    int fds[4];
    const enum status status = make_channels(self->base.name, fds, err);
    if (status)
        return status;
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        run_child(command, fds[1], fds[3], parent);
    close(fds[1]);
    close(fds[3]);
    if (pid < 0) {
        const int reason = errno;
        close(fds[0]);
        close(fds[2]);
        return error_set(err, STATUS_IO, "%s: cannot start a process: %s", self->base.name,
                         strerror(reason));
    }
    self->pid = pid;
    self->fd = fds[0];
    self->words_fd = fds[2];
    return STATUS_OK;
}

/* Appends to the words and keeps their end. */
static void keep_words(struct link_sim *self, const char *text, size_t size)
{
    const size_t room = sizeof self->words - 1;
    if (size > room) {
        text += size - room;
        size = room;
    }
    const size_t have = strlen(self->words);
    const size_t keep = have + size > room ? room - size : have;
    memmove(self->words, self->words + have - keep, keep);
    memcpy(self->words + keep, text, size);
    self->words[keep + size] = '\0';
}

/* Takes what the simulator has said so far; false when it has closed its stderr. */
static bool drain_words(struct link_sim *self)
{
    char text[256];
    ssize_t count;
    while ((count = read(self->words_fd, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < count; i++)
            if (text[i] == '\0')
                text[i] = ' ';
        keep_words(self, text, (size_t)count);
    }
    return count < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Waits for the child at most limit_ms, reading its words. Returns whether it has ended. */
static bool await_exit(struct link_sim *self, int limit_ms)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    for (int waited_ms = 0; self->pid && waited_ms <= limit_ms; waited_ms += 2) {
        drain_words(self);
        if (waitpid(self->pid, &self->exit_status, WNOHANG) == self->pid)
            self->pid = 0;
        else
            nanosleep(&pause, NULL);
    }
    drain_words(self);
    return self->pid == 0;
}

/* The words on one line, without the simulator's own name at their head. */
static void tidy_words(char *words)
{
    size_t used = 0;
    for (const char *p = words; *p; p++) {
        const bool line_end = *p == '\n' || *p == '\r';
        if (!line_end)
            words[used++] = *p;
        else if (used && words[used - 1] != '|')
            words[used++] = '|';
    }
    while (used && (words[used - 1] == '|' || words[used - 1] == ' '))
        used--;
    words[used] = '\0';
    if (!strncmp(words, "mpq-sim: ", strlen("mpq-sim: ")))
        memmove(words, words + strlen("mpq-sim: "), used - strlen("mpq-sim: ") + 1);
}

/* The simulator has closed the line: says how it ended and what it said last. */
static enum status sim_gone(struct link_sim *self, struct error *err)
{
    char how[64];
    if (!await_exit(self, EXIT_LIMIT_MS))
        snprintf(how, sizeof how, "closed the line");
    else if (WIFSIGNALED(self->exit_status))
        snprintf(how, sizeof how, "was killed by signal %d (%s)", WTERMSIG(self->exit_status),
                 strsignal(WTERMSIG(self->exit_status)));
    else
        snprintf(how, sizeof how, "ended with exit code %d", WEXITSTATUS(self->exit_status));
    tidy_words(self->words);
    return error_set(err, STATUS_LINK, "%s: the simulator %s: %s", self->base.name, how,
                     *self->words ? self->words : "it said nothing");
}

/* Waits for events on the socket; the words are drained meanwhile so that the child never blocks on
 * them. */
static short sim_wait(struct link_sim *self, short events, int timeout_ms)
{
    struct pollfd waited[2] = {{.fd = self->fd, .events = events},
                               {.fd = self->words_fd, .events = POLLIN}};
    const int count = poll(waited, 2, timeout_ms);
    if (count > 0 && waited[1].revents && !drain_words(self)) {
        close(self->words_fd);
        self->words_fd = -1; /* poll() skips it from now on */
    }
    return count > 0 ? waited[0].revents : 0;
}

static enum status sim_read(struct link *link, uint8_t *bytes, size_t size, int timeout_ms,
                            size_t *got, struct error *err)
{
    struct link_sim *self = (struct link_sim *)link;
    *got = 0;
    if (!sim_wait(self, POLLIN, timeout_ms))
        return STATUS_OK;
    const ssize_t count = read(self->fd, bytes, size);
    if (count > 0)
        *got = (size_t)count;
    else if (count == 0 || (errno != EAGAIN && errno != EINTR))
        return sim_gone(self, err);
    return STATUS_OK;
}

static enum status sim_write(struct link *link, const uint8_t *bytes, size_t size,
                             struct error *err)
{
    struct link_sim *self = (struct link_sim *)link;
    int stalled_ms = 0;
    while (size > 0) {
        const ssize_t count = send(self->fd, bytes, size, MSG_NOSIGNAL);
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
            stalled_ms = 0;
        } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
            return sim_gone(self, err);
        } else if (stalled_ms >= STALL_LIMIT_MS) {
            return error_set(err, STATUS_LINK, "%s: the simulator takes no bytes any more",
                             link->name);
        } else if (!sim_wait(self, POLLOUT, 100)) {
            stalled_ms += 100;
        }
    }
    return STATUS_OK;
}

static void sim_close(struct link *link)
{
    struct link_sim *self = (struct link_sim *)link;
    close(self->fd);
    if (!await_exit(self, EXIT_LIMIT_MS)) {
        kill(self->pid, SIGKILL);
        waitpid(self->pid, &self->exit_status, 0);
    }
    if (self->words_fd >= 0)
        close(self->words_fd);
    free(self);
}

static const struct link_ops sim_ops = {sim_read, sim_write, sim_close, NULL};

enum status link_sim_open(const char *name, struct link **out, struct error *err)
{
    struct sim_command *command = malloc(sizeof *command);
    struct link_sim *self = calloc(1, sizeof *self);
    enum status status;
    if (!command || !self) {
        status = error_set(err, STATUS_NO_MEMORY, "%s: out of memory", name);
        goto out;
    }
    self->base.ops = &sim_ops;
    snprintf(self->base.name, sizeof self->base.name, "%s", name);
    status = prepare(name, command, err);
    if (!status)
        status = start(self, command, err);
    if (!status) {
        *out = &self->base;
        self = NULL;
    }
out:
    free(self);
    free(command);
    return status;
}
