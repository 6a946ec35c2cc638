// SPDX-License-Identifier: Apache-2.0
/* Statuses and the one line of text that goes with a failure. Every module of the host uses this
 * and nothing prints but cmd_*.c, main.c and progress.c. */
#ifndef MPQ_ERROR_H
#define MPQ_ERROR_H

#include <stdarg.h>

#define MUST_CHECK     __attribute__((warn_unused_result))
#define PRINTF_LIKE(f) __attribute__((format(printf, f, (f) + 1)))

/* Why a call failed; decides the exit code (status_exit_code()). */
enum status {
    STATUS_OK = 0,
    STATUS_USAGE,     /* the command line is wrong: exit code 2 */
    STATUS_INPUT,     /* a file or its contents */
    STATUS_IO,        /* operating system */
    STATUS_LINK,      /* no answer, broken line, core trapped or hung */
    STATUS_MISMATCH,  /* core and integer model differ */
    STATUS_CANCELLED, /* Ctrl-C */
    STATUS_NO_MEMORY,
};

struct error {
    char text[512]; /* "object: cause; fix", no newline */
};

/* Fills err with a text. */
void error_format(struct error *err, const char *format, ...) PRINTF_LIKE(2);
/* Puts "prefix: " before the text. */
void error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2);

/* error_format() and error_prefix() that return status, so that a call can end with
 * `return error_set(...)`. Inline: the compiler's analyzer sees which status comes back. */
MUST_CHECK PRINTF_LIKE(3) static inline __attribute__((always_inline)) enum status
    error_set(struct error *err, enum status status, const char *format, ...)
{
    error_format(err, format, __builtin_va_arg_pack());
    return status;
}

MUST_CHECK PRINTF_LIKE(3) static inline __attribute__((always_inline)) enum status
    error_wrap(struct error *err, enum status status, const char *format, ...)
{
    error_prefix(err, format, __builtin_va_arg_pack());
    return status;
}

/* Exit codes of the tool: 0 done, 1 failed, 2 used wrongly, 3 core and integer model differ, 130
 * interrupted. */
int status_exit_code(enum status status);

#endif
