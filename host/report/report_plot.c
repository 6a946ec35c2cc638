// SPDX-License-Identifier: Apache-2.0
/* The picture, drawn by cairo. Shapes and line styles tell things apart, colours only help: it
 * reads in grey. */
#include "report/report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cairo/cairo.h>
#include <cairo/cairo-svg.h>

#include "base/file.h"
#include "report/report_scale.h"

enum { WIDTH = 960, HEIGHT = 620, PNG_SCALE = 2, BITS_BYTES = 4 * NET_MAX_LAYERS };
enum { LEFT = 84, RIGHT = 30, TOP = 96, BOTTOM = 78 };

static const double INK[3] = {0.13, 0.13, 0.15}, SOFT[3] = {0.40, 0.40, 0.43},
                    GRID[3] = {0.90, 0.90, 0.91}, CLOUD[3] = {0.60, 0.62, 0.66},
                    FRONT[3] = {0.07, 0.24, 0.50}, FLOAT[3] = {0.66, 0.20, 0.12},
                    PICK[3] = {0.98, 0.72, 0.18};

struct plot {
    cairo_t *cr;
    const struct results *results;
    struct report_axis x, y;
    size_t *front, front_count;
    struct report_obstacles obstacles;
};

static void color(cairo_t *cr, const double rgb[3])
{
    cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
}

static double to_x(const struct plot *plot, double cycles)
{
    return LEFT +
           (cycles / 1000 - plot->x.low) / (plot->x.high - plot->x.low) * (WIDTH - LEFT - RIGHT);
}

static double to_y(const struct plot *plot, double accuracy)
{
    return HEIGHT - BOTTOM -
           (accuracy - plot->y.low) / (plot->y.high - plot->y.low) * (HEIGHT - TOP - BOTTOM);
}

static void font(cairo_t *cr, double size, bool bold)
{
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

/* Text with its anchor at x: align 0 left, 0.5 middle, 1 right; y is the base line. Returns the
 * width. */
static double text_at(cairo_t *cr, double x, double y, double align, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cr, text, &extents);
    cairo_move_to(cr, x - align * extents.x_advance, y);
    cairo_show_text(cr, text);
    return extents.x_advance;
}

static void line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

static void draw_ticks_x(struct plot *plot)
{
    cairo_t *cr = plot->cr;
    const struct report_axis *axis = &plot->x;
    char text[32];
    for (double v = ceil(axis->low / axis->step) * axis->step; v <= axis->high; v += axis->step) {
        const double x = round(to_x(plot, v * 1000)) + 0.5;
        color(cr, GRID);
        line(cr, x, TOP, x, HEIGHT - BOTTOM);
        color(cr, SOFT);
        if (axis->decimals) {
            snprintf(text, sizeof text, "%.*f", axis->decimals, v);
        } else {
            report_number((unsigned long long)llround(v), text, sizeof text);
        }
        (void)text_at(cr, x, HEIGHT - BOTTOM + 19, 0.5, text);
    }
}

static void draw_ticks_y(struct plot *plot)
{
    cairo_t *cr = plot->cr;
    const struct report_axis *axis = &plot->y;
    char text[32];
    for (double v = ceil(axis->low / axis->step) * axis->step; v <= axis->high; v += axis->step) {
        const double y = round(to_y(plot, v)) + 0.5;
        if (v > 100 + axis->step / 2) {
            break;
        }
        color(cr, GRID);
        line(cr, LEFT, y, WIDTH - RIGHT, y);
        color(cr, SOFT);
        snprintf(text, sizeof text, "%.*f", axis->decimals, v);
        (void)text_at(cr, LEFT - 9, y + 4, 1, text);
    }
}

static void draw_axes(struct plot *plot)
{
    cairo_t *cr = plot->cr;
    cairo_set_line_width(cr, 1);
    font(cr, 12, false);
    draw_ticks_x(plot);
    draw_ticks_y(plot);
    color(cr, INK);
    line(cr, LEFT + 0.5, TOP, LEFT + 0.5, HEIGHT - BOTTOM + 0.5);
    line(cr, LEFT, HEIGHT - BOTTOM + 0.5, WIDTH - RIGHT, HEIGHT - BOTTOM + 0.5);
    font(cr, 13, false);
    (void)text_at(cr, LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - BOTTOM + 43, 0.5,
                  "cycles of one inference on the core, thousands");
    cairo_save(cr);
    cairo_translate(cr, 24, TOP + (HEIGHT - TOP - BOTTOM) / 2.0);
    cairo_rotate(cr, -acos(-1.0) / 2);
    (void)text_at(cr, 0, 0, 0.5, "accuracy on test data, %");
    cairo_restore(cr);
}

static void mark_cloud(cairo_t *cr, double x, double y)
{
    cairo_new_path(cr);
    cairo_arc(cr, x, y, 2.8, 0, 2 * acos(-1.0));
    cairo_set_line_width(cr, 1);
    color(cr, CLOUD);
    cairo_stroke(cr);
}

static void mark_front(cairo_t *cr, double x, double y)
{
    cairo_new_path(cr);
    cairo_arc(cr, x, y, 4.6, 0, 2 * acos(-1.0));
    color(cr, FRONT);
    cairo_fill(cr);
}

static void mark_selected(cairo_t *cr, double x, double y)
{
    const double r = 9;
    cairo_move_to(cr, x, y - r);
    cairo_line_to(cr, x + r, y);
    cairo_line_to(cr, x, y + r);
    cairo_line_to(cr, x - r, y);
    cairo_close_path(cr);
    color(cr, PICK);
    cairo_fill_preserve(cr);
    cairo_set_line_width(cr, 1.6);
    color(cr, INK);
    cairo_stroke(cr);
}

static void float_style(cairo_t *cr)
{
    static const double DASHES[] = {7, 4};
    cairo_set_dash(cr, DASHES, 2, 0);
    cairo_set_line_width(cr, 1.5);
    color(cr, FLOAT);
}

static void draw_float(struct plot *plot)
{
    cairo_t *cr = plot->cr;
    char text[48];
    const double y = to_y(plot, plot->results->float_accuracy);
    float_style(cr);
    line(cr, LEFT, y, WIDTH - RIGHT, y);
    cairo_set_dash(cr, NULL, 0, 0);
    snprintf(text, sizeof text, "float model %.2f %%", plot->results->float_accuracy);
    font(cr, 12, false);
    const double width = text_at(cr, LEFT + 8, y - 6, 0, text);
    report_obstacle_add(&plot->obstacles, (struct report_box){LEFT + 8, y - 18, width, 17}, 50);
    report_obstacle_add(&plot->obstacles, (struct report_box){LEFT, y - 1, WIDTH - LEFT - RIGHT, 2},
                        0.4);
}

static void clip_to_area(cairo_t *cr)
{
    cairo_rectangle(cr, LEFT, TOP - 10, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM + 10);
    cairo_clip(cr);
}

static void draw_cloud(struct plot *plot)
{
    for (size_t i = 0; i < plot->results->count; i++) {
        const struct candidate *c = &plot->results->candidates[i];
        if (c->pareto || c->accuracy < plot->y.low) {
            continue;
        }
        const double x = to_x(plot, (double)c->cycles), y = to_y(plot, c->accuracy);
        mark_cloud(plot->cr, x, y);
        if (i % (plot->results->count / 512 + 1) == 0) {
            report_obstacle_add(&plot->obstacles, (struct report_box){x - 3, y - 3, 6, 6}, 0.08);
        }
    }
}

/* The staircase: what is reached with so many cycles. */
static void draw_staircase(struct plot *plot)
{
    cairo_t *cr = plot->cr;
    for (size_t i = 0; i < plot->front_count; i++) {
        const struct candidate *c = &plot->results->candidates[plot->front[i]];
        const double x = to_x(plot, (double)c->cycles), y = to_y(plot, c->accuracy);
        const bool is_last = i + 1 == plot->front_count;
        const struct candidate *next = is_last ? c : &plot->results->candidates[plot->front[i + 1]];
        const double next_x = is_last ? WIDTH - RIGHT : to_x(plot, (double)next->cycles);
        const double next_y = to_y(plot, next->accuracy);
        if (i == 0) {
            cairo_move_to(cr, x, y);
        }
        cairo_line_to(cr, next_x, y);
        cairo_line_to(cr, next_x, next_y);
        report_obstacle_add(&plot->obstacles, (struct report_box){x, y - 1, next_x - x, 2}, 0.6);
        report_obstacle_add(&plot->obstacles,
                            (struct report_box){next_x - 1, fmin(y, next_y), 2, fabs(next_y - y)},
                            0.6);
    }
    cairo_set_line_width(cr, 1.8);
    color(cr, FRONT);
    cairo_stroke(cr);
}

static void draw_front_marks(struct plot *plot)
{
    for (size_t i = 0; i < plot->front_count; i++) {
        const struct candidate *c = &plot->results->candidates[plot->front[i]];
        const double x = to_x(plot, (double)c->cycles), y = to_y(plot, c->accuracy);
        if (c->accuracy >= plot->y.low) {
            mark_front(plot->cr, x, y);
            report_obstacle_add(&plot->obstacles, (struct report_box){x - 5, y - 5, 10, 10}, 2);
        }
    }
    if (plot->results->selected >= 0) {
        const struct candidate *c = &plot->results->candidates[plot->results->selected];
        const double x = to_x(plot, (double)c->cycles), y = to_y(plot, c->accuracy);
        mark_selected(plot->cr, x, y);
        mark_front(plot->cr, x, y);
        report_obstacle_add(&plot->obstacles, (struct report_box){x - 9, y - 9, 18, 18}, 2);
    }
}

/* From the point to the nearest edge of its label, if that is far. */
static void draw_leader(cairo_t *cr, double x, double y, const struct report_box *box)
{
    const struct report_spot end = report_nearest_spot(box, x, y);
    if (hypot(end.x - x, end.y - y) > REPORT_LEADER_FROM) {
        cairo_set_line_width(cr, 0.7);
        color(cr, SOFT);
        line(cr, x, y, end.x, end.y);
    }
}

static void draw_label(struct plot *plot, const struct candidate *c)
{
    cairo_t *cr = plot->cr;
    char bits[BITS_BYTES];
    cairo_text_extents_t extents;
    double cost;
    const double x = to_x(plot, (double)c->cycles), y = to_y(plot, c->accuracy);
    const struct report_box area = {LEFT + 4, TOP - 4, WIDTH - LEFT - RIGHT - 6,
                                    HEIGHT - TOP - BOTTOM};
    report_label(plot->results, c, bits, sizeof bits);
    cairo_text_extents(cr, bits, &extents);
    const struct report_box size = {0, 0, extents.x_advance + 2, 12};
    const struct report_box box = report_place_label(&plot->obstacles, area, x, y, size, &cost);
    if (cost >= 2) {
        return; /* no room: the table has it */
    }
    draw_leader(cr, x, y, &box);
    cairo_set_source_rgba(cr, 1, 1, 1, 0.8);
    cairo_rectangle(cr, box.x, box.y, box.w, box.h);
    cairo_fill(cr);
    color(cr, INK);
    (void)text_at(cr, box.x + 1, box.y + 10, 0, bits);
    report_obstacle_add(&plot->obstacles, box, 50);
}

static void draw_labels(struct plot *plot)
{
    font(plot->cr, 11, false);
    for (size_t i = 0; i < plot->front_count; i++) {
        const struct candidate *c = &plot->results->candidates[plot->front[i]];
        if (c->accuracy >= plot->y.low) {
            draw_label(plot, c);
        }
    }
}

/* Marks and what they mean, in a row above the picture. */
static void draw_legend(struct plot *plot)
{
    cairo_t *cr = plot->cr;
    char text[96];
    const double y = 70;
    double x = LEFT + 6;
    font(cr, 12, false);
    mark_cloud(cr, x, y);
    color(cr, INK);
    x += 10 + text_at(cr, x + 10, y + 4, 0, "candidate") + 26;
    cairo_set_line_width(cr, 1.8);
    color(cr, FRONT);
    line(cr, x - 4, y, x + 22, y);
    mark_front(cr, x + 9, y);
    color(cr, INK);
    x += 29 + text_at(cr, x + 29, y + 4, 0, "Pareto front, chosen on validation data") + 26;
    if (plot->results->selected >= 0) {
        mark_selected(cr, x, y);
        mark_front(cr, x, y);
        color(cr, INK);
        const struct search_limits *limits = &plot->results->limits;
        snprintf(text, sizeof text, "selected: cheapest within %g %s of float",
                 limits->max_acc_drop, report_points(limits->max_acc_drop));
        if (limits->most_accurate) {
            snprintf(text, sizeof text, "selected: most accurate within limits");
        }
        x += 15 + text_at(cr, x + 15, y + 4, 0, text) + 26;
    }
    float_style(cr);
    line(cr, x - 4, y, x + 28, y);
    cairo_set_dash(cr, NULL, 0, 0);
    color(cr, INK);
    (void)text_at(cr, x + 35, y + 4, 0, "float model");
}

static void draw_texts(struct plot *plot)
{
    cairo_t *cr = plot->cr;
    const struct results *results = plot->results;
    char text[256], space[32];
    color(cr, INK);
    font(cr, 18, true);
    snprintf(text, sizeof text, "%s: cycles against accuracy", results->model);
    (void)text_at(cr, LEFT, 30, 0, text);
    font(cr, 12, false);
    color(cr, SOFT);
    report_count(results->space_count, space, sizeof space);
    snprintf(text, sizeof text, "%zu of %s candidates, %s search; labels are %s; %s; core \"%s\"",
             results->count, space, results_method_name(results->method),
             results->layer_count > REPORT_LABEL_LAYERS ? "numbers in the table"
                                                        : "weight bits by layer",
             results->qat_epochs ? "quantization-aware training" : "post-training quantization",
             results->core);
    (void)text_at(cr, LEFT, 49, 0, text);
    const size_t below = report_count_below(results, &plot->y);
    if (below) {
        snprintf(text, sizeof text, "\u2193 %zu candidate%s below the range shown", below,
                 below == 1 ? "" : "s");
        font(cr, 11, false);
        (void)text_at(cr, WIDTH - RIGHT, HEIGHT - 12, 1, text);
    }
}

static void draw_plot(struct plot *plot)
{
    cairo_t *cr = plot->cr;
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    draw_texts(plot);
    draw_legend(plot);
    draw_axes(plot);
    cairo_save(cr);
    clip_to_area(cr);
    draw_cloud(plot);
    draw_float(plot);
    draw_staircase(plot);
    draw_front_marks(plot);
    draw_labels(plot);
    cairo_restore(cr);
}

/* Draws on a surface, which is finished then but not freed. */
static enum status plot_on(cairo_surface_t *surface, double scale, const struct results *results,
                           const char *path, struct error *err)
{
    struct plot *plot = calloc(1, sizeof *plot);
    size_t *front = calloc(results->count + 1, sizeof *front);
    enum status status = STATUS_OK;
    if (!plot || !front || cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
        status = error_set(err, STATUS_IO, "%s: cannot draw: %s", path,
                           cairo_status_to_string(cairo_surface_status(surface)));
        goto out;
    }
    plot->cr = cairo_create(surface);
    plot->results = results;
    plot->front = front;
    plot->front_count = results_front(results, front);
    plot->y = report_axis_accuracy(results);
    plot->x = report_axis_cycles(results, &plot->y);
    cairo_scale(plot->cr, scale, scale);
    draw_plot(plot);
    if (cairo_status(plot->cr) != CAIRO_STATUS_SUCCESS) {
        status = error_set(err, STATUS_IO, "%s: cannot draw: %s", path,
                           cairo_status_to_string(cairo_status(plot->cr)));
    }
    cairo_destroy(plot->cr);
out:
    free(front);
    free(plot);
    return status;
}

struct byte_buffer {
    char *bytes;
    size_t size;
};

static cairo_status_t append_bytes(void *closure, const unsigned char *bytes, unsigned int size)
{
    struct byte_buffer *buffer = closure;
    char *grown = realloc(buffer->bytes, buffer->size + size);
    if (!grown) {
        return CAIRO_STATUS_NO_MEMORY;
    }
    memcpy(grown + buffer->size, bytes, size);
    buffer->bytes = grown;
    buffer->size += size;
    return CAIRO_STATUS_SUCCESS;
}

enum status report_png(const struct results *results, const char *path, struct error *err)
{
    struct byte_buffer png = {NULL, 0};
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH * PNG_SCALE, HEIGHT * PNG_SCALE);
    enum status status = plot_on(surface, PNG_SCALE, results, path, err);
    if (status == STATUS_OK) {
        const cairo_status_t cairo = cairo_surface_write_to_png_stream(surface, append_bytes, &png);
        status = cairo == CAIRO_STATUS_SUCCESS ? file_replace(path, png.bytes, png.size, err)
                                               : error_set(err, STATUS_IO, "%s: cannot write: %s",
                                                           path, cairo_status_to_string(cairo));
    }
    cairo_surface_destroy(surface);
    free(png.bytes);
    return status;
}

enum status report_svg(const struct results *results, const char *path, struct error *err)
{
    struct byte_buffer svg = {NULL, 0};
    cairo_surface_t *surface =
        cairo_svg_surface_create_for_stream(append_bytes, &svg, WIDTH, HEIGHT);
    cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    enum status status = plot_on(surface, 1, results, path, err);
    cairo_surface_finish(surface);
    if (status == STATUS_OK && cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
        status = error_set(err, STATUS_IO, "%s: cannot write: %s", path,
                           cairo_status_to_string(cairo_surface_status(surface)));
    }
    if (status == STATUS_OK) {
        status = file_replace(path, svg.bytes, svg.size, err);
    }
    cairo_surface_destroy(surface);
    free(svg.bytes);
    return status;
}
