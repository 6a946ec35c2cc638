// SPDX-License-Identifier: Apache-2.0
/* Axes and label places of a picture: numbers only, no drawing. */
#ifndef MPQ_REPORT_SCALE_H
#define MPQ_REPORT_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include "results/results.h"

/* An axis: values low..high, ticks at multiples of step within. */
struct report_axis {
    double low, high, step;
    int decimals; /* that a tick needs */
};

/* Axis for low..high (which may be equal) with about `ticks` steps of 1, 2, 2.5 or 5 times a power
 * of ten. */
struct report_axis report_axis_make(double low, double high, int ticks);

/* Cycles in thousands over all candidates that are in the range of accuracy. */
struct report_axis report_axis_cycles(const struct results *results,
                                      const struct report_axis *accuracy);

/* Test accuracy: from below the front to above the float model's line. Candidates more than
 * REPORT_DEPTH points below the best one on the front may fall out of range, so that the rest stays
 * readable. */
struct report_axis report_axis_accuracy(const struct results *results);

/* Candidates below the axis. */
size_t report_count_below(const struct results *results, const struct report_axis *accuracy);

struct report_box {
    double x, y, w, h; /* y downwards */
};

struct report_spot {
    double x, y;
};

/* A label farther than REPORT_LEADER_FROM from its point gets a line to it. */
enum { REPORT_MAX_BOXES = 1024, REPORT_LEADER_FROM = 18 };

/* The spot of the box that is nearest to (x, y). */
struct report_spot report_nearest_spot(const struct report_box *box, double x, double y);

/* Where something stands already. weight: cost of overlapping it. */
struct report_obstacles {
    struct report_box box[REPORT_MAX_BOXES];
    double weight[REPORT_MAX_BOXES];
    size_t count;
};

void report_obstacle_add(struct report_obstacles *obstacles, struct report_box box, double weight);

/* The best place inside area for a label of w x h that belongs to the point (x, y), and *cost,
 * which is 1 or more if it must overlap something of weight 1. Its line crosses no other label if
 * that can be avoided. */
struct report_box report_place_label(const struct report_obstacles *obstacles,
                                     struct report_box area, double x, double y,
                                     struct report_box size, double *cost);

#endif
