// SPDX-License-Identifier: Apache-2.0
/* Progress on stderr, and the wish to stop. A lock guards each object; the interrupt flag is the
 * only global. */
#include "base/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/clock.h"

enum { LABEL_BYTES = 64, NOTE_BYTES = 128, BAR_CELLS = 24, LINE_BYTES = 512, COLUMNS_MAX = 400 };
enum { BAR_INTERVAL_MS = 100, LINE_INTERVAL_MS = 5000, JSON_INTERVAL_MS = 500 };

enum style { STYLE_QUIET, STYLE_BAR, STYLE_LINES, STYLE_JSON };

struct progress {
    pthread_mutex_t lock;
    enum style style;
    char label[LABEL_BYTES], note[NOTE_BYTES];
    size_t total, done, earlier; /* earlier: of done, by an earlier run */
    int64_t began_ms, shown_ms;
};

static void format_duration(int64_t ms, char *out, size_t size)
{
    const long s = (long)((ms + 500) / 1000);
    if (s < 60)
        snprintf(out, size, "%ld s", s);
    else if (s < 3600)
        snprintf(out, size, "%ld:%02ld min", s / 60, s % 60);
    else
        snprintf(out, size, "%ld:%02ld:%02ld h", s / 3600, s / 60 % 60, s % 60);
}

void progress_duration(double seconds, char *out, size_t size)
{
    format_duration((int64_t)(1000 * seconds), out, size);
}

/* Milliseconds left at the mean speed so far; -1 if nothing is known yet. */
static int64_t estimate_left_ms(const struct progress *p, int64_t now)
{
    const size_t own = p->done - p->earlier;
    if (!own || p->done > p->total)
        return -1;
    return (int64_t)((double)(now - p->began_ms) * (double)(p->total - p->done) / (double)own);
}

static unsigned percent(const struct progress *p)
{
    return p->total ? (unsigned)(100.0 * (double)p->done / (double)p->total) : 100;
}

static int terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
        return 80;
    return size.ws_col < COLUMNS_MAX ? size.ws_col : COLUMNS_MAX;
}

/* "12 s, 40 s left" */
static void format_times(const struct progress *p, int64_t now, char *out, size_t size)
{
    char elapsed[32], left[32];
    const int64_t left_ms = estimate_left_ms(p, now);
    format_duration(now - p->began_ms, elapsed, sizeof elapsed);
    if (left_ms < 0 || p->done >= p->total) {
        snprintf(out, size, "%s", elapsed);
    } else {
        format_duration(left_ms, left, sizeof left);
        snprintf(out, size, "%s, %s left", elapsed, left);
    }
}

static void show_bar(const struct progress *p, int64_t now)
{
    char bar[BAR_CELLS + 1], times[80], line[LINE_BYTES];
    const unsigned filled = percent(p) * BAR_CELLS / 100;
    for (unsigned i = 0; i < BAR_CELLS; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    format_times(p, now, times, sizeof times);
    snprintf(line, sizeof line, "%s [%s] %3u %%  %zu/%zu  %s%s%s", p->label, bar, percent(p),
             p->done, p->total, times, *p->note ? "  " : "", p->note);
    fprintf(stderr, "\r%.*s\033[K", terminal_columns() - 1, line);
}

static void show_line(const struct progress *p, int64_t now)
{
    char times[80];
    format_times(p, now, times, sizeof times);
    fprintf(stderr, "%s: %zu/%zu (%u %%), %s%s%s\n", p->label, p->done, p->total, percent(p), times,
            *p->note ? ", " : "", p->note);
}

static void put_json_text(const char *text)
{
    fputc('"', stderr);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(stderr, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(stderr, "\\u%04x", *c);
        else
            fputc(*c, stderr);
    }
    fputc('"', stderr);
}

static void show_json(const struct progress *p, int64_t now, const char *event)
{
    const int64_t left_ms = estimate_left_ms(p, now);
    fprintf(stderr, "{\"event\":\"%s\",\"label\":", event);
    put_json_text(p->label);
    fprintf(stderr, ",\"done\":%zu,\"total\":%zu,\"elapsed_s\":%.3f", p->done, p->total,
            (double)(now - p->began_ms) / 1000);
    if (left_ms >= 0)
        fprintf(stderr, ",\"left_s\":%.3f", (double)left_ms / 1000);
    if (*p->note) {
        fputs(",\"note\":", stderr);
        put_json_text(p->note);
    }
    fputs("}\n", stderr);
}

static void show(struct progress *p, int64_t now, const char *event)
{
    p->shown_ms = now;
    flockfile(stderr);
    if (p->style == STYLE_BAR)
        show_bar(p, now);
    else if (p->style == STYLE_LINES)
        show_line(p, now);
    else if (p->style == STYLE_JSON)
        show_json(p, now, event);
    fflush(stderr);
    funlockfile(stderr);
}

static enum style choose_style(enum progress_mode mode)
{
    switch (mode) {
    case PROGRESS_QUIET:
        return STYLE_QUIET;
    case PROGRESS_JSON:
        return STYLE_JSON;
    case PROGRESS_AUTO:
        break;
    }
    return isatty(STDERR_FILENO) ? STYLE_BAR : STYLE_LINES;
}

struct progress *progress_start(enum progress_mode mode, const char *label, size_t total)
{
    struct progress *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    if (pthread_mutex_init(&p->lock, NULL)) {
        free(p);
        return NULL;
    }
    p->style = choose_style(mode);
    snprintf(p->label, sizeof p->label, "%s", label);
    p->total = total;
    p->began_ms = p->shown_ms = clock_ms();
    if (p->style == STYLE_BAR || p->style == STYLE_JSON)
        show(p, p->began_ms, "start");
    return p;
}

static int64_t interval_ms(enum style style)
{
    switch (style) {
    case STYLE_BAR:
        return BAR_INTERVAL_MS;
    case STYLE_LINES:
        return LINE_INTERVAL_MS;
    case STYLE_JSON:
        return JSON_INTERVAL_MS;
    case STYLE_QUIET:
        break;
    }
    return INT64_MAX;
}

static void set_note(struct progress *p, const char *note)
{
    if (note)
        snprintf(p->note, sizeof p->note, "%s", note);
}

void progress_update(struct progress *p, size_t done, const char *note)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    const int64_t now = clock_ms();
    if (done > p->done)
        p->done = done;
    set_note(p, note);
    if (now - p->shown_ms >= interval_ms(p->style))
        show(p, now, "progress");
    pthread_mutex_unlock(&p->lock);
}

void progress_go_on(struct progress *p, size_t done, const char *note)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->done = p->earlier = done;
    set_note(p, note);
    show(p, clock_ms(), "progress");
    pthread_mutex_unlock(&p->lock);
}

void progress_finish(struct progress *p, const char *note)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    set_note(p, note);
    show(p, clock_ms(), "end");
    if (p->style == STYLE_BAR)
        fputc('\n', stderr);
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void progress_warn(enum progress_mode mode, const char *text)
{
    const enum style style = choose_style(mode);
    flockfile(stderr);
    if (style == STYLE_JSON) {
        fputs("{\"event\":\"warning\",\"text\":", stderr);
        put_json_text(text);
        fputs("}\n", stderr);
    } else {
        fprintf(stderr, "%smpq: warning: %s\n", style == STYLE_BAR ? "\n" : "", text);
    }
    fflush(stderr);
    funlockfile(stderr);
}

static volatile sig_atomic_t interrupted;

/* SA_RESETHAND has put the default action back: a second signal ends the process. */
static void on_interrupt(int signal_number)
{
    static const char text[] = "\nstopping; once more to end at once\n";
    (void)signal_number;
    interrupted = 1;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        return;
}

void interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_requested(void)
{
    return interrupted != 0;
}

void interrupt_request(void)
{
    interrupted = 1;
}
