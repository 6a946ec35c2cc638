// SPDX-License-Identifier: Apache-2.0
/* The table, and all files of a report together. */
#include "report/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BITS_BYTES = 4 * NET_MAX_LAYERS + 16, PATH_BYTES = 4096 };

void report_number(unsigned long long value, char *text, size_t size)
{
    char digits[24];
    const size_t count = (size_t)snprintf(digits, sizeof digits, "%llu", value);
    size_t used = 0;
    for (size_t i = 0; i < count && used + 2 < size; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            text[used++] = ',';
        }
        text[used++] = digits[i];
    }
    text[used] = '\0';
}

void report_count(double value, char *text, size_t size)
{
    if (value < 1e12) {
        report_number((unsigned long long)value, text, size);
    } else {
        snprintf(text, size, "%.3g", value);
    }
}

double report_error(const struct candidate *candidate)
{
    const double measured = (double)candidate->cycles;
    const double predicted = (double)candidate->predicted_cycles;
    const double error = predicted > 0 ? 100.0 * (measured - predicted) / predicted : 0;
    return error > -0.0005 && error < 0 ? 0 : error;
}

void report_search(const struct results *results, char *text, size_t size)
{
    char space[32];
    const char *name = results_method_name(results->method);
    report_count(results->space_count, space, sizeof space);
    if (results->screened) {
        snprintf(text, size,
                 "%s search: %zu of %s configurations screened on %zu validation images, %zu "
                 "measured",
                 name, results->screened, space, results->screen_images, results->count);
    } else {
        snprintf(text, size, "%s search: %zu of %s configurations measured", name, results->count,
                 space);
    }
    const size_t used = strlen(text);
    if (results->too_large_count) {
        snprintf(text + used, size - used, ", %zu too large for the core",
                 results->too_large_count);
    }
}

void report_too_large(const struct results *results, char *text, size_t size)
{
    char ram[32], least[32], most[32];
    size_t low = SIZE_MAX, high = 0;
    text[0] = '\0';
    if (!results->too_large_count) {
        return;
    }
    for (size_t i = 0; i < results->too_large_count; i++) {
        const size_t bytes = results->too_large[i].ram_bytes;
        low = bytes < low ? bytes : low;
        high = bytes > high ? bytes : high;
    }
    report_number(results->ram_bytes, ram, sizeof ram);
    report_number(low, least, sizeof least);
    report_number(high, most, sizeof most);
    snprintf(text, size,
             "too large for the core's %s bytes of RAM, left out: %zu configuration%s %s%s%s bytes",
             ram, results->too_large_count,
             results->too_large_count == 1 ? " that needs" : "s that need", least,
             low < high ? " to " : "", low < high ? most : "");
}

/* Place on the front by cycles, from 1 on. */
static size_t front_number(const struct results *results, const struct candidate *candidate)
{
    size_t number = 1;
    for (size_t i = 0; i < results->count; i++) {
        number +=
            results->candidates[i].pareto && results->candidates[i].cycles < candidate->cycles;
    }
    return number;
}

void report_label(const struct results *results, const struct candidate *candidate, char *text,
                  size_t size)
{
    if (results->layer_count > REPORT_LABEL_LAYERS) {
        snprintf(text, size, "%zu", front_number(results, candidate));
    } else {
        results_bits_text(candidate->bits, results->layer_count, text, size);
    }
}

void report_bits(const struct results *results, const struct candidate *candidate, char *text,
                 size_t size)
{
    size_t used = 0;
    if (results->layer_count > REPORT_LABEL_LAYERS && candidate->pareto) {
        used = (size_t)snprintf(text, size, "%zu: ", front_number(results, candidate));
    }
    results_bits_text(candidate->bits, results->layer_count, text + used, size - used);
}

const char *report_points(double value)
{
    return value < 1 || value > 1 ? "points" : "point";
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

double report_drop(const struct results *results, const struct candidate *candidate)
{
    const double drop = results->float_accuracy - candidate->accuracy;
    return drop > -0.005 && drop < 0 ? 0 : drop;
}

static void print_row(FILE *out, const struct results *results, const struct candidate *c,
                      int bits_width)
{
    char bits[BITS_BYTES], cycles[32], share[16] = "-", verified[48];
    const struct candidate *widest = results_widest(results);
    report_bits(results, c, bits, sizeof bits);
    report_number(c->cycles, cycles, sizeof cycles);
    if (widest && widest->cycles) {
        snprintf(share, sizeof share, "%.1f %%",
                 100.0 * (double)c->cycles / (double)widest->cycles);
    }
    snprintf(verified, sizeof verified, "%zu of %zu", c->verified - c->mismatches, c->verified);
    const bool selected = results->selected >= 0 && c == &results->candidates[results->selected];
    fprintf(out, "%c %-*s %12s %9s %9.3f %9.2f %8.2f %8.2f %10.1f  %s%s%s\n", selected ? '*' : ' ',
            bits_width, bits, cycles, share, report_error(c), c->val_accuracy, c->accuracy,
            report_drop(results, c), (double)c->size_bytes / 1024.0, verified,
            c->mismatches ? "  MISMATCH" : "", c->pareto ? "" : "  (not on the front)");
}

static void print_head(FILE *out, const struct results *results, size_t front_count, int bits_width)
{
    char search[256], too_large[256];
    report_search(results, search, sizeof search);
    fprintf(out, "%s: %zu of %zu candidates are on the Pareto front\n%s\n", results->model,
            front_count, results->count, search);
    if (results->screened_front > results->points) {
        fprintf(out, "(the screened front has %zu points; --points measures more of them)\n",
                results->screened_front);
    }
    report_too_large(results, too_large, sizeof too_large);
    fprintf(out, "%s%s", too_large, too_large[0] ? "\n" : "");
    fprintf(out, "float accuracy: validation %.2f %%, test %.2f %%\n\n",
            results->float_val_accuracy, results->float_accuracy);
    fprintf(out, "  %-*s %12s %9s %9s %9s %8s %8s %10s  %s\n", bits_width, "", "", "of widest",
            "over pre-", "accuracy", "accuracy", "drop", "size", "equal on");
    fprintf(out, "  %-*s %12s %9s %9s %9s %8s %8s %10s  %s\n", bits_width, "bits", "cycles",
            "cycles", "dicted, %", "val, %", "test, %", "points", "KiB", "the core");
}

/* The first mismatches by name, and how many candidates have some. */
static void print_mismatches(FILE *out, const struct results *results)
{
    enum { SHOWN = 5 };
    char bits[BITS_BYTES];
    size_t found = 0, images = 0;
    for (size_t i = 0; i < results->count; i++) {
        const struct candidate *c = &results->candidates[i];
        images += c->verified;
        if (c->mismatches && found++ < SHOWN) {
            results_bits_text(c->bits, results->layer_count, bits, sizeof bits);
            fprintf(out, "mismatch: candidate %s: %zu of %zu images; %s\n", bits, c->mismatches,
                    c->verified, c->mismatch);
        }
    }
    char text[32];
    report_number(images, text, sizeof text);
    fprintf(out,
            "%s runs on the core compared bit for bit with the integer model: %zu candidates with "
            "mismatches\n",
            text, found);
}

/* Largest error of the prediction of cycles. */
static void print_prediction(FILE *out, const struct results *results)
{
    double low = 0, high = 0;
    for (size_t i = 0; i < results->count; i++) {
        const double error = report_error(&results->candidates[i]);
        low = error < low ? error : low;
        high = error > high ? error : high;
    }
    fprintf(out, "measured cycles are %+.3f to %+.3f %% off the sum of the layers' cycles\n", low,
            high);
}

static void print_selected(FILE *out, const struct results *results)
{
    char bits[BITS_BYTES], limits[256];
    results_limits_text(results, limits, sizeof limits);
    if (results->selected < 0) {
        fprintf(out, "\nno candidate keeps to the limits: %s\n", limits);
        return;
    }
    results_bits_text(results->candidates[results->selected].bits, results->layer_count, bits,
                      sizeof bits);
    fprintf(out, "\n* selected: %s, the %s %s\n", bits,
            results->limits.most_accurate ? "most accurate with" : "fewest cycles", limits);
}

enum status report_table(const struct results *results, char **text, struct error *err)
{
    size_t size = 0, *front = calloc(results->count + 1, sizeof *front);
    *text = NULL;
    FILE *out = front ? open_memstream(text, &size) : NULL;
    if (!out) {
        free(front);
        return error_set(err, STATUS_NO_MEMORY, "table: out of memory");
    }
    const size_t count = results_front(results, front);
    const int bits_width =
        max_int(4, 2 * results->layer_count + (results->layer_count > REPORT_LABEL_LAYERS ? 4 : 0));
    const struct candidate *widest = results_widest(results);
    print_head(out, results, count, bits_width);
    for (size_t i = 0; i < count; i++) {
        print_row(out, results, &results->candidates[front[i]], bits_width);
    }
    if (results->selected >= 0 && !results->candidates[results->selected].pareto) {
        print_row(out, results, &results->candidates[results->selected], bits_width);
    }
    const bool is_selected =
        results->selected >= 0 && widest == &results->candidates[results->selected];
    if (widest && !widest->pareto && !is_selected) {
        print_row(out, results, widest, bits_width);
    }
    print_selected(out, results);
    print_prediction(out, results);
    print_mismatches(out, results);
    free(front);
    if (fclose(out) != 0) {
        free(*text);
        *text = NULL;
        return error_set(err, STATUS_NO_MEMORY, "table: out of memory");
    }
    return STATUS_OK;
}

/* The selected candidate's cells; a network of many layers only tells its widths' mean. */
static void print_summary_cells(FILE *out, const struct results *results, const struct candidate *c)
{
    char bits[BITS_BYTES], cycles[32], share[16] = "-";
    const struct candidate *widest = results_widest(results);
    double sum = 0;
    for (int i = 0; i < results->layer_count; i++) {
        sum += c->bits[i];
    }
    results_bits_text(c->bits, results->layer_count, bits, sizeof bits);
    if (results->layer_count > REPORT_LABEL_LAYERS) {
        snprintf(bits, sizeof bits, "%d layers, mean %.1f", results->layer_count,
                 sum / results->layer_count);
    }
    report_number(c->cycles, cycles, sizeof cycles);
    if (widest && widest->cycles) {
        snprintf(share, sizeof share, "%.1f %%",
                 100.0 * (double)c->cycles / (double)widest->cycles);
    }
    fprintf(out, " %s | %.2f | %s | %s | %.1f |", bits, c->accuracy, cycles, share,
            (double)c->size_bytes / 1024.0);
}

enum status report_summary(const struct results *results, char **text, struct error *err)
{
    char compared_text[32];
    size_t size = 0, compared = 0, mismatches = 0;
    FILE *out = open_memstream(text, &size);
    if (!out) {
        return error_set(err, STATUS_NO_MEMORY, "summary: out of memory");
    }
    fprintf(out, "| %s | %.2f |", results->model, results->float_accuracy);
    if (results->selected >= 0) {
        print_summary_cells(out, results, &results->candidates[results->selected]);
    } else {
        fputs(" none keeps to the limits | - | - | - | - |", out);
    }
    for (size_t i = 0; i < results->count; i++) {
        compared += results->candidates[i].verified;
        mismatches += results->candidates[i].mismatches;
    }
    report_number(compared, compared_text, sizeof compared_text);
    fprintf(out, " %s | %zu |\n", compared_text, mismatches);
    if (fclose(out) != 0) {
        free(*text);
        *text = NULL;
        return error_set(err, STATUS_NO_MEMORY, "summary: out of memory");
    }
    return STATUS_OK;
}

enum status report_write(const struct results *results, const char *folder, struct error *err)
{
    char csv[PATH_BYTES], png[PATH_BYTES], svg[PATH_BYTES], html[PATH_BYTES];
    snprintf(csv, sizeof csv, "%s/pareto.csv", folder);
    snprintf(png, sizeof png, "%s/pareto.png", folder);
    snprintf(svg, sizeof svg, "%s/pareto.svg", folder);
    snprintf(html, sizeof html, "%s/report.html", folder);
    enum status status = results_save_csv(results, csv, err);
    if (status == STATUS_OK) {
        status = report_png(results, png, err);
    }
    if (status == STATUS_OK) {
        status = report_svg(results, svg, err);
    }
    return status == STATUS_OK ? report_html(results, svg, html, err) : status;
}
