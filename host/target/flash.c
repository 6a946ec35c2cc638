// SPDX-License-Identifier: Apache-2.0
/* Runs openFPGALoader and makes of its words what the user should do. */
#include "target/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"

extern char **environ;

static const char PROGRAMMER[] = "openFPGALoader";

/* LIMIT: of silence, in either call. */
enum {
    TEXT_BYTES = 16384,
    LINE_BYTES = 512,
    SILENCE_LIMIT_MS = 60000,
    SLICE_MS = 200,
    END_LIMIT_MS = 3000, /* from the request to end to the order */
};

/* One run of the programmer. */
struct call {
    const struct flash_options *options;
    pid_t pid;
    int output;
    char text[TEXT_BYTES]; /* what it printed, the first part of it */
    size_t size;
    char line[LINE_BYTES];
    size_t line_size;
    bool stalled, cancelled;
    int exit_code;
};

static enum status start(struct call *call, char *const *arguments, struct error *err)
{
    posix_spawn_file_actions_t actions;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return error_set(err, STATUS_IO, "%s: pipe: %s", PROGRAMMER, strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    const int reason = posix_spawnp(&call->pid, PROGRAMMER, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    call->output = ends[0];
    if (!reason)
        return STATUS_OK;
    close(ends[0]);
    return error_set(err, STATUS_IO,
                     "%s: cannot be run: %s; install it (Debian: apt install openfpgaloader)",
                     PROGRAMMER, strerror(reason));
}

/* Keeps the text and hands whole lines on; a progress bar's returns end lines too. */
static void take(struct call *call, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (call->size + 1 < sizeof call->text)
            call->text[call->size++] = bytes[i];
        const bool ends = bytes[i] == '\n' || bytes[i] == '\r';
        if (!ends && call->line_size + 1 < sizeof call->line)
            call->line[call->line_size++] = bytes[i];
        if (!ends || !call->line_size)
            continue;
        call->line[call->line_size] = '\0';
        call->line_size = 0;
        if (call->options->on_line)
            call->options->on_line(call->options->context, call->line);
    }
}

/* Until the programmer closes its output, says nothing for too long, or Ctrl-C. */
static void listen_to(struct call *call)
{
    char bytes[1024];
    int silent_ms = 0;
    for (;;) {
        struct pollfd waited = {.fd = call->output, .events = POLLIN};
        const int ready = poll(&waited, 1, SLICE_MS);
        if (ready > 0) {
            const ssize_t count = read(call->output, bytes, sizeof bytes);
            if (count <= 0)
                break;
            silent_ms = 0;
            take(call, bytes, (size_t)count);
            continue;
        }
        silent_ms += SLICE_MS;
        call->cancelled = interrupt_requested();
        call->stalled = silent_ms >= SILENCE_LIMIT_MS;
        if (call->cancelled || call->stalled)
            break;
    }
    take(call, "\n", 1);
    call->text[call->size] = '\0';
}

/* Waits for the programmer's end; one that was given up is asked to end, and then made to. */
static int wait_for_end(const struct call *call)
{
    const bool given_up = call->cancelled || call->stalled;
    int code = 0;
    if (given_up)
        kill(call->pid, SIGTERM);
    for (int ms = 0; given_up && ms < END_LIMIT_MS; ms += SLICE_MS) {
        if (waitpid(call->pid, &code, WNOHANG) == call->pid)
            return code;
        poll(NULL, 0, SLICE_MS);
    }
    if (given_up)
        kill(call->pid, SIGKILL);
    while (waitpid(call->pid, &code, 0) < 0 && errno == EINTR) {
    }
    return code;
}

static enum status run(struct call *call, char *const *arguments, struct error *err)
{
    const enum status status = start(call, arguments, err);
    if (status)
        return status;
    listen_to(call);
    close(call->output);
    const int code = wait_for_end(call);
    call->exit_code = WIFEXITED(code) ? WEXITSTATUS(code) : 128;
    call->cancelled = call->cancelled || interrupt_requested();
    return STATUS_OK;
}

static bool says(const struct call *call, const char *const *words)
{
    for (; *words; words++)
        if (strcasestr(call->text, *words))
            return true;
    return false;
}

/* What went wrong, in the user's words. */
static enum status explain(const struct board *board, const struct call *call, struct error *err)
{
    static const char *const forbidden[] = {"permission", "access", "insufficient", "-4 (", NULL};
    static const char *const taken[] = {"busy", "unable to claim", "-5 (", NULL};
    static const char *const missing[] = {"not found", "no device", "unable to open",
                                          "JTAG init failed", NULL};
    if (call->cancelled)
        return error_set(err, STATUS_CANCELLED,
                         "%s: interrupted; the FPGA may be empty now: flash again", board->name);
    if (call->stalled)
        return error_set(err, STATUS_LINK,
                         "%s: %s says nothing any more; plug the board in again and repeat",
                         board->name, PROGRAMMER);
    if (says(call, forbidden))
        return error_set(
            err, STATUS_LINK,
            "%s: no permission for the USB device (or another program holds it); put the line\n"
            "  SUBSYSTEM==\"usb\", ATTRS{idVendor}==\"%04x\", MODE=\"0660\", TAG+=\"uaccess\"\n"
            "into /etc/udev/rules.d/60-mpq.rules, run 'udevadm control --reload', and plug the "
            "board in again",
            board->name, board->usb_vendor);
    if (says(call, taken))
        return error_set(err, STATUS_LINK,
                         "%s: another program holds the USB device; end it and flash again",
                         board->name);
    if (says(call, missing))
        return error_set(err, STATUS_LINK,
                         "%s: no board of this kind is connected (is the cable one that carries "
                         "data?)",
                         board->name);
    return error_set(err, STATUS_LINK,
                     "%s: the transfer failed (%s ended with %d); check the cable and flash again",
                     board->name, PROGRAMMER, call->exit_code);
}

static enum status check_file(const char *file, struct error *err)
{
    if (!access(file, R_OK))
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "%s: %s; build the bitstream with: make bitstream BOARD=... (mpq boards)",
                     file, strerror(errno));
}

/* Whether a number that the programmer printed is this board's, but for the version digit. */
static bool answers_as(const struct call *call, const struct board *board)
{
    for (const char *p = call->text; (p = strstr(p, "0x")) != NULL; p += 2)
        if ((strtoul(p, NULL, 16) & 0x0fffffff) == board->idcode)
            return true;
    return false;
}

static enum status detect(const struct board *board, struct call *call, struct error *err)
{
    const char *arguments[] = {PROGRAMMER, "-b", board->programmer, "--detect", NULL};
    const enum status status = run(call, (char *const *)arguments, err);
    if (status)
        return status;
    if (call->exit_code || call->cancelled || call->stalled)
        return explain(board, call, err);
    if (!answers_as(call, board))
        return error_set(err, STATUS_INPUT,
                         "%s: the device that answers is not a %s (idcode %07x), for which "
                         "this bitstream is; choose the board that is connected (mpq boards)",
                         board->name, board->device, board->idcode);
    return STATUS_OK;
}

enum status flash_board(const struct board *board, const struct flash_options *options,
                        struct error *err)
{
    struct call *call = calloc(1, sizeof *call);
    const char *arguments[] = {
        PROGRAMMER,        "-b",
        board->programmer, options->permanent ? "--write-flash" : "--write-sram",
        options->file,     NULL};
    if (!call)
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", board->name);
    call->options = options;
    enum status status = check_file(options->file, err);
    if (!status)
        status = detect(board, call, err);
    if (!status) {
        *call = (struct call){.options = options};
        status = run(call, (char *const *)arguments, err);
        if (!status && (call->exit_code || call->cancelled || call->stalled))
            status = explain(board, call, err);
    }
    free(call);
    return status;
}
