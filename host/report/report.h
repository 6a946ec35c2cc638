// SPDX-License-Identifier: Apache-2.0
/* What a user sees of a search: a table, pictures, a page; all made from struct results alone. */
#ifndef MPQ_REPORT_H
#define MPQ_REPORT_H

#include <stddef.h>
#include "base/error.h"
#include "results/results.h"

/* The Pareto front as a table for a terminal, with the widest candidate for comparison and what to
 * know about the run; free() it. */
MUST_CHECK enum status report_table(const struct results *results, char **text, struct error *err);

/* One row of a Markdown table that compares networks (columns: REPORT_SUMMARY_HEAD): the float
 * model, the selected candidate, and all runs that were compared with the core; free() it. */
#define REPORT_SUMMARY_HEAD                                                                        \
    "| network | float, test % | selected bits | test % | cycles | of widest | KiB | compared | "  \
    "mismatches |\n|---|---|---|---|---|---|---|---|---|\n"
MUST_CHECK enum status report_summary(const struct results *results, char **text,
                                      struct error *err);

/* Cycles against test accuracy: every candidate, the front as a staircase, the float model as a
 * line. */
MUST_CHECK enum status report_png(const struct results *results, const char *path,
                                  struct error *err);
MUST_CHECK enum status report_svg(const struct results *results, const char *path,
                                  struct error *err);

/* One page that needs nothing else: the picture svg_path, the front, all candidates, how they came
 * about. */
MUST_CHECK enum status report_html(const struct results *results, const char *svg_path,
                                   const char *path, struct error *err);

/* pareto.csv, pareto.png, pareto.svg and report.html in folder. */
MUST_CHECK enum status report_write(const struct results *results, const char *folder,
                                    struct error *err);

/* "1,234,567" */
void report_number(unsigned long long value, char *text, size_t size);
/* A count that may be too large for integers: "1,234,567", or "3.28e+20". */
void report_count(double value, char *text, size_t size);
/* Measured cycles above predicted ones, in percent. */
double report_error(const struct candidate *candidate);
/* "greedy search: 430 of 3.28e+20 configurations screened, 33 measured" */
void report_search(const struct results *results, char *text, size_t size);
/* Those that do not fit the core: how many, and what they need; empty without. */
void report_too_large(const struct results *results, char *text, size_t size);
/* A candidate's widths; in a network of more than REPORT_LABEL_LAYERS layers, where pictures have
 * no room for them, a point of the front has its number there before them: "3: 8-4-...". */
enum { REPORT_LABEL_LAYERS = 16 };
void report_bits(const struct results *results, const struct candidate *candidate, char *text,
                 size_t size);
/* What the picture has beside a point of the front: widths, or the number. */
void report_label(const struct results *results, const struct candidate *candidate, char *text,
                  size_t size);
/* "point" or "points", as the number before it wants. */
const char *report_points(double value);
/* Points of test accuracy below the float model; never a negative number that prints as -0.00. */
double report_drop(const struct results *results, const struct candidate *candidate);

#endif
