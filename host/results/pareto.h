// SPDX-License-Identifier: Apache-2.0
/* The Pareto front of cost against quality: the points that nothing beats. Knows no candidates. */
#ifndef MPQ_PARETO_H
#define MPQ_PARETO_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

struct pareto_point {
    double cost;    /* smaller is better; not NaN */
    double quality; /* larger is better; not NaN */
};

/* Sets front[i] for the points that no other point beats. Point j beats i if it costs no more, is
 * no worse, and is better in one of the two; of points equal in both the first alone is on the
 * front. Time: n log n. */
MUST_CHECK enum status pareto_mark(const struct pareto_point *points, size_t count, bool *front,
                                   struct error *err);

#endif
