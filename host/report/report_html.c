// SPDX-License-Identifier: Apache-2.0
/* The page: plain HTML with the picture inside; no scripts, nothing loaded from elsewhere. */
#include "report/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { BITS_BYTES = 4 * NET_MAX_LAYERS + 16 };

static const char STYLE[] =
    "body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:980px;margin:2em auto;padding:0 "
    "1em}\n"
    "h1{font-size:1.5em;margin-bottom:.2em} h2{font-size:1.15em;margin-top:1.8em}\n"
    "svg{max-width:100%;height:auto;border:1px solid #e2e2e2}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.25em .8em;text-align:right;border-bottom:1px solid #e6e6e6}\n"
    "th:first-child,td:first-child{text-align:left;font-family:monospace}\n"
    "th{border-bottom:2px solid #888} tr.selected td{font-weight:bold;background:#fff3d6}\n"
    "tr.front td:first-child::before{content:\"\\25CF  \"} tr.mismatch td{color:#a00000}\n"
    "dl{display:grid;grid-template-columns:max-content auto;gap:.15em 1.2em} dt{color:#666} "
    "dd{margin:0}\n";

static void escape(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static void write_row(FILE *out, const struct results *results, const struct candidate *c)
{
    char bits[BITS_BYTES], cycles[32], predicted[32], instructions[32];
    const struct candidate *widest = results_widest(results);
    const bool selected = results->selected >= 0 && c == &results->candidates[results->selected];
    report_bits(results, c, bits, sizeof bits);
    report_number(c->cycles, cycles, sizeof cycles);
    report_number(c->predicted_cycles, predicted, sizeof predicted);
    report_number(c->instructions, instructions, sizeof instructions);
    fprintf(out, "<tr class=\"%s%s%s\"><td>%s</td><td>%s</td><td>", c->pareto ? "front " : "",
            selected ? "selected " : "", c->mismatches ? "mismatch" : "", bits, cycles);
    if (widest && widest->cycles) {
        fprintf(out, "%.1f", 100.0 * (double)c->cycles / (double)widest->cycles);
    }
    fprintf(out,
            "</td><td>%s</td><td>%+.3f</td><td>%s</td><td>%.2f</td><td>%.2f</td><td>%.2f</td>"
            "<td>%.1f</td><td>%.1f</td><td>%zu of %zu</td></tr>\n",
            predicted, report_error(c), instructions, c->val_accuracy, c->accuracy,
            report_drop(results, c), (double)c->size_bytes / 1024.0, (double)c->ram_bytes / 1024.0,
            c->verified - c->mismatches, c->verified);
}

static void write_table(FILE *out, const struct results *results, const size_t *places,
                        size_t count)
{
    fputs("<table><thead><tr><th>bits</th><th>cycles</th><th>% of widest</th><th>predicted</th>"
          "<th>error, %</th><th>instructions</th><th>validation, %</th><th>test, %</th><th>drop, "
          "points</th><th>size, KiB</th><th>RAM, KiB</th><th>equal "
          "on the core</th>"
          "</tr></thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < count; i++) {
        write_row(out, results, &results->candidates[places ? places[i] : i]);
    }
    fputs("</tbody></table>\n", out);
}

static void write_term(FILE *out, const char *term, const char *text)
{
    fprintf(out, "<dt>%s</dt><dd>", term);
    escape(out, text);
    fputs("</dd>\n", out);
}

static void write_facts(FILE *out, const struct results *results)
{
    char text[256];
    fputs("<h2>How this came about</h2>\n<dl>\n", out);
    report_search(results, text, sizeof text);
    write_term(out, "search", text);
    results_limits_text(results, text, sizeof text);
    write_term(out,
               results->limits.most_accurate ? "selected: most accurate" : "selected: cheapest",
               text);
    snprintf(text, sizeof text, "%s", "post-training");
    if (results->qat_epochs) {
        snprintf(text, sizeof text, "quantization-aware training, %zu epochs a candidate",
                 results->qat_epochs);
    }
    write_term(out, "quantization", text);
    snprintf(text, sizeof text, "%" PRIu64, results->seed);
    write_term(out, "seed", text);
    snprintf(text, sizeof text, "validation %.2f %%, test %.2f %%", results->float_val_accuracy,
             results->float_accuracy);
    write_term(out, "float accuracy", text);
    snprintf(text, sizeof text, "%s, instruction set version %u, firmware %s", results->core,
             results->isa, results->firmware);
    write_term(out, "core", text);
    snprintf(text, sizeof text, "%s, protocol %u, container %u", results->mpq, results->protocol,
             results->container);
    write_term(out, "mpq", text);
    snprintf(text, sizeof text, "%.0f s with %zu jobs", results->seconds, results->jobs);
    write_term(out, "search time", text);
    fputs("</dl>\n", out);
}

static void write_mismatches(FILE *out, const struct results *results)
{
    char bits[BITS_BYTES];
    size_t found = 0;
    for (size_t i = 0; i < results->count; i++) {
        const struct candidate *c = &results->candidates[i];
        if (c->mismatches) {
            fputs(found++ ? "" : "<h2>Mismatches between core and integer model</h2>\n<ul>\n", out);
            results_bits_text(c->bits, results->layer_count, bits, sizeof bits);
            fprintf(out, "<li>%s: %zu of %zu images; ", bits, c->mismatches, c->verified);
            escape(out, c->mismatch);
            fputs("</li>\n", out);
        }
    }
    fputs(found ? "</ul>\n" : "", out);
}

/* What does not fit the core: what is known of each. */
static void write_too_large(FILE *out, const struct results *results)
{
    char text[256], bits[BITS_BYTES];
    report_too_large(results, text, sizeof text);
    if (!text[0]) {
        return;
    }
    fprintf(out,
            "<h2>Too large</h2>\n<details><summary>%s</summary>\n<table><thead><tr><th>bits</th>"
            "<th>size, KiB</th><th>RAM, KiB</th><th>missing, KiB</th></tr></thead>\n<tbody>\n",
            text);
    for (size_t i = 0; i < results->too_large_count; i++) {
        const struct candidate *c = &results->too_large[i];
        const double missing = (double)c->ram_bytes - (double)results->ram_bytes;
        results_bits_text(c->bits, results->layer_count, bits, sizeof bits);
        fprintf(out, "<tr><td>%s</td><td>%.1f</td><td>%.1f</td><td>%.1f</td></tr>\n", bits,
                (double)c->size_bytes / 1024.0, (double)c->ram_bytes / 1024.0, missing / 1024.0);
    }
    fputs("</tbody></table>\n</details>\n", out);
}

/* svg: text of the picture; what stands before its <svg> element is left out. */
static void write_page(FILE *out, const struct results *results, const char *svg,
                       const size_t *front, size_t count)
{
    const char *element = strstr(svg, "<svg");
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          out);
    escape(out, results->model);
    fprintf(out, ": search over weight widths</title>\n<style>\n%s</style></head>\n<body>\n<h1>",
            STYLE);
    escape(out, results->model);
    fputs(": search over weight widths</h1>\n<p>Weight bits by layer: ", out);
    for (int i = 0; i < results->layer_count; i++) {
        fputs(i ? ", " : "", out);
        escape(out, results->layers[i]);
    }
    fprintf(out, ".</p>\n%s\n<h2>The Pareto front</h2>\n", element ? element : "");
    write_table(out, results, front, count);
    fputs(
        "<p>Predicted cycles are the sum of the layers\' cycles, from one run for each width; the "
        "error is that of the measurement against them.</p>\n<p>Validation data choose the front "
        "and the selected candidate (highlighted); test data "
        "report.</p>\n",
        out);
    write_mismatches(out, results);
    write_facts(out, results);
    fprintf(out, "<h2>All candidates</h2>\n<details><summary>%zu candidates</summary>\n",
            results->count);
    write_table(out, results, NULL, results->count);
    fputs("</details>\n", out);
    write_too_large(out, results);
    fputs("</body>\n</html>\n", out);
}

enum status report_html(const struct results *results, const char *svg_path, const char *path,
                        struct error *err)
{
    char *svg = NULL, *page = NULL;
    size_t size = 0, *front = NULL;
    enum status status = results_read_file(svg_path, &svg, &size, err);
    if (status != STATUS_OK) {
        return status;
    }
    front = calloc(results->count + 1, sizeof *front);
    FILE *out = front ? open_memstream(&page, &size) : NULL;
    if (out) {
        write_page(out, results, svg, front, results_front(results, front));
    }
    if (!out || fclose(out) != 0) {
        status = error_set(err, STATUS_NO_MEMORY, "%s: out of memory", path);
    } else {
        status = file_replace(path, page, size, err);
    }
    free(front);
    free(page);
    free(svg);
    return status;
}
