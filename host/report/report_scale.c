// SPDX-License-Identifier: Apache-2.0
/* Axes and label places. */
#include "report/report_scale.h"

#include <math.h>

/* Points of accuracy below the front's best which the picture shows at most. */
static const double DEPTH_POINTS = 5.0;
/* Narrowest range of an axis, relative to its values and absolute. */
static const double LEAST_RANGE = 1e-3;

struct report_axis report_axis_make(double low, double high, int ticks)
{
    static const double NICE[] = {1, 2, 2.5, 5, 10};
    const double least = fmax(LEAST_RANGE, fabs(high) * LEAST_RANGE);
    if (high - low < least) {
        low -= least / 2;
        high += least / 2;
    }
    const double raw = (high - low) / ticks, power = pow(10, floor(log10(raw)));
    double step = NICE[4] * power;
    int which = 4;
    for (int i = 4; i >= 0; i--) {
        if (NICE[i] * power >= raw * (1 - 1e-9)) {
            step = NICE[i] * power;
            which = i;
        }
    }
    const int places = -(int)floor(log10(step) + 1e-9) + (which == 2);
    return (struct report_axis){low, high, step, places > 0 ? places : 0};
}

struct report_axis report_axis_cycles(const struct results *results,
                                      const struct report_axis *accuracy)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < results->count; i++) {
        const struct candidate *c = &results->candidates[i];
        if (c->accuracy >= accuracy->low) {
            low = fmin(low, (double)c->cycles / 1000);
            high = fmax(high, (double)c->cycles / 1000);
        }
    }
    if (low > high) {
        low = 0;
        high = 1;
    }
    const double pad = fmax(0.05 * (high - low), 0.01 * high);
    return report_axis_make(fmax(0, low - pad), high + pad, 8);
}

struct report_axis report_axis_accuracy(const struct results *results)
{
    double best = -INFINITY, low = INFINITY, high = results->float_accuracy;
    for (size_t i = 0; i < results->count; i++) {
        const struct candidate *c = &results->candidates[i];
        best = c->pareto ? fmax(best, c->accuracy) : best;
        high = fmax(high, c->accuracy);
    }
    for (size_t i = 0; i < results->count; i++) {
        const struct candidate *c = &results->candidates[i];
        if (c->pareto && c->accuracy >= best - DEPTH_POINTS) {
            low = fmin(low, c->accuracy);
        }
    }
    low = fmin(low, high);
    const double pad = fmax(0.08 * (high - low), 0.05);
    return report_axis_make(fmax(0, low - pad), high + 1.4 * pad, 7);
}

size_t report_count_below(const struct results *results, const struct report_axis *accuracy)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++) {
        count += results->candidates[i].accuracy < accuracy->low;
    }
    return count;
}

void report_obstacle_add(struct report_obstacles *obstacles, struct report_box box, double weight)
{
    if (obstacles->count < REPORT_MAX_BOXES) {
        obstacles->weight[obstacles->count] = weight;
        obstacles->box[obstacles->count++] = box;
    }
}

static bool overlaps(const struct report_box *a, const struct report_box *b)
{
    return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h && b->y < a->y + a->h;
}

static double place_cost(const struct report_obstacles *obstacles, const struct report_box *area,
                         const struct report_box *box)
{
    double cost = 0;
    if (box->x < area->x || box->y < area->y || box->x + box->w > area->x + area->w ||
        box->y + box->h > area->y + area->h) {
        cost += 100;
    }
    for (size_t i = 0; i < obstacles->count; i++) {
        cost += overlaps(box, &obstacles->box[i]) ? obstacles->weight[i] : 0;
    }
    return cost;
}

struct report_spot report_nearest_spot(const struct report_box *box, double x, double y)
{
    return (struct report_spot){fmin(fmax(x, box->x), box->x + box->w),
                                fmin(fmax(y, box->y), box->y + box->h)};
}

/* Cost of the line from a label to its point: crossing what may not be covered. */
static double leader_cost(const struct report_obstacles *obstacles, const struct report_box *box,
                          double x, double y)
{
    enum { SAMPLES = 12 };
    static const double UNTOUCHABLE = 10, CROSSING = 0.3;
    const struct report_spot end = report_nearest_spot(box, x, y);
    double cost = 0;
    if (hypot(end.x - x, end.y - y) <= REPORT_LEADER_FROM) {
        return 0;
    }
    for (int i = 1; i < SAMPLES; i++) {
        const double t = (double)i / SAMPLES;
        const struct report_box spot = {x + t * (end.x - x), y + t * (end.y - y), 1e-3, 1e-3};
        for (size_t k = 0; k < obstacles->count; k++) {
            if (obstacles->weight[k] >= UNTOUCHABLE && overlaps(&spot, &obstacles->box[k])) {
                cost += CROSSING;
            }
        }
    }
    return cost;
}

struct report_box report_place_label(const struct report_obstacles *obstacles,
                                     struct report_box area, double x, double y,
                                     struct report_box size, double *cost)
{
    /* Directions by preference: above left, the empty side of a front; then round the point. */
    static const double DX[] = {-1, -0.5, 1, 0, 1, 0.5, -1, 1, -1, 0, -0.5, 0.5};
    static const double DY[] = {-1, -1, 1, -1, -1, 1, 0, 0, 1, 1, 1, -1};
    static const double FAR_PENALTY = 0.004, TURN_PENALTY = 0.01;
    struct report_box best = {x, y, size.w, size.h};
    *cost = INFINITY;
    for (int distance = 7; distance <= 70; distance += 3) {
        for (int i = 0; i < 12; i++) {
            const struct report_box box = {x + DX[i] * (distance + size.w / 2) - size.w / 2,
                                           y + DY[i] * (distance + size.h / 2) - size.h / 2, size.w,
                                           size.h};
            const double c = place_cost(obstacles, &area, &box) +
                             leader_cost(obstacles, &box, x, y) + FAR_PENALTY * (distance - 7) +
                             TURN_PENALTY * i;
            if (c < *cost) {
                *cost = c;
                best = box;
            }
        }
    }
    return best;
}
