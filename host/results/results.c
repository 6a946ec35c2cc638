// SPDX-License-Identifier: Apache-2.0
/* Candidates, the choice among them, and files. */
#include "results/results.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "results/pareto.h"

struct results *results_create(void)
{
    struct results *results = calloc(1, sizeof *results);
    if (results) {
        results->selected = -1;
    }
    return results;
}

void results_free(struct results *results)
{
    if (results) {
        free(results->candidates);
        free(results->too_large);
        free(results);
    }
}

/* Whether a is a better choice than b. */
static bool is_better(const struct results *results, const struct candidate *a,
                      const struct candidate *b)
{
    const bool equal = !(a->val_accuracy > b->val_accuracy || a->val_accuracy < b->val_accuracy);
    if (a->cycles != b->cycles && (equal || !results->limits.most_accurate)) {
        return a->cycles < b->cycles;
    }
    return a->val_accuracy > b->val_accuracy;
}

bool results_is_within(double val_accuracy, double float_val_accuracy, double max_acc_drop)
{
    /* Far less than one image of any data set is worth, far more than rounding costs. */
    const double rounding = 1e-9;
    return val_accuracy >= float_val_accuracy - max_acc_drop - rounding;
}

bool results_keeps(const struct results *results, const struct candidate *candidate)
{
    const struct search_limits *limits = &results->limits;
    return results_is_within(candidate->val_accuracy, results->float_val_accuracy,
                             limits->max_acc_drop) &&
           (!limits->max_cycles || candidate->cycles <= limits->max_cycles) &&
           (!limits->max_size_bytes || candidate->size_bytes <= limits->max_size_bytes) &&
           (!limits->max_ram_bytes || candidate->ram_bytes <= limits->max_ram_bytes);
}

static long select_candidate(const struct results *results)
{
    long selected = -1;
    for (size_t i = 0; i < results->count; i++) {
        const struct candidate *c = &results->candidates[i];
        if (results_keeps(results, c) &&
            (selected < 0 || is_better(results, c, &results->candidates[selected]))) {
            selected = (long)i;
        }
    }
    return selected;
}

enum status results_choose(struct results *results, struct error *err)
{
    const size_t count = results->count;
    struct pareto_point *points = calloc(count + 1, sizeof *points);
    bool *front = calloc(count + 1, sizeof *front);
    enum status status;
    if (!points || !front) {
        status = error_set(err, STATUS_NO_MEMORY, "%zu candidates: out of memory", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        points[i].cost = (double)results->candidates[i].cycles;
        points[i].quality = results->candidates[i].val_accuracy;
    }
    status = pareto_mark(points, count, front, err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        results->candidates[i].pareto = front[i];
    }
    results->selected = select_candidate(results);
out:
    free(points);
    free(front);
    return status;
}

size_t results_front(const struct results *results, size_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++) {
        size_t at = count;
        if (!results->candidates[i].pareto) {
            continue;
        }
        while (at > 0 && results->candidates[out[at - 1]].cycles > results->candidates[i].cycles) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = i;
        count++;
    }
    return count;
}

/* The widest width that a layer may have. */
static int widest_width(const struct results *results, int layer)
{
    int widest = 0;
    for (int i = 0; i < results->width_count; i++) {
        const int width = results->widths[i];
        const bool allowed = !results->allowed[layer] || results->allowed[layer] & 1u << width;
        widest = allowed && width > widest ? width : widest;
    }
    return widest;
}

const struct candidate *results_widest(const struct results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        const int *bits = results->candidates[i].bits;
        int layer = 0;
        while (layer < results->layer_count && bits[layer] == widest_width(results, layer)) {
            layer++;
        }
        if (layer == results->layer_count) {
            return &results->candidates[i];
        }
    }
    return NULL;
}

static const char *const METHOD_NAMES[SEARCH_METHODS] = {
    [SEARCH_EXHAUSTIVE] = "exhaustive", [SEARCH_CHEAPEST] = "cheapest",
    [SEARCH_BINARY] = "binary",         [SEARCH_GREEDY] = "greedy",
    [SEARCH_EVOLUTION] = "evolution",
};

const char *results_method_name(enum search_method method)
{
    return METHOD_NAMES[method];
}

enum search_method results_method(const char *name)
{
    int method = 0;
    while (method < SEARCH_METHODS && strcmp(METHOD_NAMES[method], name) != 0) {
        method++;
    }
    return (enum search_method)method;
}

void results_limits_text(const struct results *results, char *text, size_t size)
{
    const struct search_limits *limits = &results->limits;
    size_t used = 0;
    text[0] = '\0';
    if (limits->max_acc_drop < 100) {
        used += (size_t)snprintf(text, size, "within %g point%s of the float validation accuracy",
                                 limits->max_acc_drop,
                                 limits->max_acc_drop < 1 || limits->max_acc_drop > 1 ? "s" : "");
    }
    const struct {
        uint64_t limit;
        const char *unit;
    } most[] = {{limits->max_cycles, "cycles"},
                {limits->max_size_bytes, "bytes of model"},
                {limits->max_ram_bytes, "bytes of RAM"}};
    for (size_t i = 0; i < sizeof most / sizeof *most && used < size; i++) {
        if (most[i].limit) {
            used += (size_t)snprintf(text + used, size - used, "%sat most %" PRIu64 " %s",
                                     used ? ", " : "", most[i].limit, most[i].unit);
        }
    }
    if (!text[0]) {
        snprintf(text, size, "without limits");
    }
}

void results_bits_text(const int *bits, int layer_count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < layer_count && used + 1 < size; i++) {
        const int n = snprintf(text + used, size - used, i ? "-%d" : "%d", bits[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

enum status results_save_csv(const struct results *results, const char *path, struct error *err)
{
    char *text = NULL, bits[4 * NET_MAX_LAYERS];
    size_t size = 0, *front = calloc(results->count + 1, sizeof *front);
    FILE *file = front ? open_memstream(&text, &size) : NULL;
    if (!file) {
        free(front);
        return error_set(err, STATUS_NO_MEMORY, "%s: out of memory", path);
    }
    const size_t count = results_front(results, front);
    fprintf(file,
            "bits,cycles,predicted_cycles,instructions,val_accuracy,accuracy,size_bytes,ram_bytes,"
            "verified,mismatches\n");
    for (size_t i = 0; i < count; i++) {
        const struct candidate *c = &results->candidates[front[i]];
        results_bits_text(c->bits, results->layer_count, bits, sizeof bits);
        fprintf(file, "%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.4f,%.4f,%zu,%zu,%zu,%zu\n", bits,
                c->cycles, c->predicted_cycles, c->instructions, c->val_accuracy, c->accuracy,
                c->size_bytes, c->ram_bytes, c->verified, c->mismatches);
    }
    free(front);
    return file_replace_stream(path, file, &text, &size, err);
}

enum status results_read_file(const char *path, char **text, size_t *size, struct error *err)
{
    char piece[16384], *whole = NULL;
    size_t n;
    *text = NULL;
    *size = 0;
    FILE *in = fopen(path, "rb");
    if (!in) {
        return error_set(err, STATUS_INPUT, "%s: cannot open: %s", path, strerror(errno));
    }
    FILE *out = open_memstream(&whole, size);
    bool good = out != NULL;
    while (good && (n = fread(piece, 1, sizeof piece, in)) > 0) {
        good = fwrite(piece, 1, n, out) == n;
    }
    good = good && !ferror(in);
    good = (!out || fclose(out) == 0) && good;
    (void)fclose(in);
    if (!good) {
        free(whole);
        *size = 0;
        return error_set(err, STATUS_IO, "%s: cannot read: %s", path, strerror(errno));
    }
    *text = whole;
    return STATUS_OK;
}
