// SPDX-License-Identifier: Apache-2.0
/* The table, and all files of a report together. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BITS_BYTES = 4 * NET_MAX_LAYERS, PATH_BYTES = 4096 };

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
    results_bits_text(c->bits, results->layer_count, bits, sizeof bits);
    report_number(c->cycles, cycles, sizeof cycles);
    if (widest && widest->cycles) {
        snprintf(share, sizeof share, "%.1f %%",
                 100.0 * (double)c->cycles / (double)widest->cycles);
    }
    snprintf(verified, sizeof verified, "%zu of %zu", c->verified - c->mismatches, c->verified);
    const bool selected = results->selected >= 0 && c == &results->candidates[results->selected];
    fprintf(out, "%c %-*s %12s %9s %9.2f %8.2f %8.2f %10.1f  %s%s%s\n", selected ? '*' : ' ',
            bits_width, bits, cycles, share, c->val_accuracy, c->accuracy, report_drop(results, c),
            (double)c->size_bytes / 1024.0, verified, c->mismatches ? "  MISMATCH" : "",
            c->pareto ? "" : "  (not on the front)");
}

static void print_head(FILE *out, const struct results *results, size_t front_count, int bits_width)
{
    fprintf(out, "%s: %zu of %zu candidates are on the Pareto front (%zu configurations in all)\n",
            results->model, front_count, results->count, results->space_count);
    fprintf(out, "float accuracy: validation %.2f %%, test %.2f %%\n\n",
            results->float_val_accuracy, results->float_accuracy);
    fprintf(out, "  %-*s %12s %9s %9s %8s %8s %10s  %s\n", bits_width, "", "", "of widest",
            "accuracy", "accuracy", "drop", "size", "equal on");
    fprintf(out, "  %-*s %12s %9s %9s %8s %8s %10s  %s\n", bits_width, "bits", "cycles", "cycles",
            "val, %", "test, %", "points", "KiB", "the core");
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

static void print_selected(FILE *out, const struct results *results)
{
    char bits[BITS_BYTES];
    if (results->selected < 0) {
        fprintf(out, "\nno candidate is within %g %s of the float validation accuracy\n",
                results->max_acc_drop, report_points(results->max_acc_drop));
        return;
    }
    results_bits_text(results->candidates[results->selected].bits, results->layer_count, bits,
                      sizeof bits);
    fprintf(out,
            "\n* selected: %s, the fewest cycles within %g %s of the float validation accuracy\n",
            bits, results->max_acc_drop, report_points(results->max_acc_drop));
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
    const int bits_width = max_int(4, 2 * results->layer_count);
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
    print_mismatches(out, results);
    free(front);
    if (fclose(out) != 0) {
        free(*text);
        *text = NULL;
        return error_set(err, STATUS_NO_MEMORY, "table: out of memory");
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
