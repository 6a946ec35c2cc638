// SPDX-License-Identifier: Apache-2.0
/* Progress of long work on stderr: a bar with ETA on a terminal, a plain line now and then
 * elsewhere, nothing with --quiet. Thread-safe. Modules that work long take a struct progress *
 * (NULL: silent) and call progress_update(). */
#ifndef MPQ_PROGRESS_H
#define MPQ_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress;

enum progress_mode {
    PROGRESS_AUTO,
    PROGRESS_QUIET,
    PROGRESS_JSON, /* one event object a line */
};

/* label is copied. total: units of work. Returns NULL if there is no memory (all calls accept
 * NULL). */
struct progress *progress_start(enum progress_mode mode, const char *label, size_t total);
/* done: units finished so far, never goes back; note: short text behind the bar (may be NULL),
 * copied. */
void progress_update(struct progress *progress, size_t done, const char *note);
/* Right after progress_start(): an earlier run has done that much already, which counts for the bar
 * and not for the speed. Shown at once. */
void progress_go_on(struct progress *progress, size_t done, const char *note);
/* Ends the line and frees; prints the time taken. */
void progress_finish(struct progress *progress, const char *note);

/* "12 s", "3:45 min", "1:02:03 h". */
void progress_duration(double seconds, char *out, size_t size);

/* A line on stderr, or an event object, also beside a bar; shown in every mode. */
void progress_warn(enum progress_mode mode, const char *text);

/* Ctrl-C: after interrupt_install(), long loops ask interrupt_requested() and end with
 * STATUS_CANCELLED. A second Ctrl-C ends the process at once. */
void interrupt_install(void);
bool interrupt_requested(void);
void interrupt_request(void); /* as if it had been pressed */

#endif
