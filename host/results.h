// SPDX-License-Identifier: Apache-2.0
/* What a search found: candidates with accuracy and cost, and results.json, the file from which
 * every report is made (described field by field in host/README.md). Knows neither targets nor how
 * candidates are evaluated. */
#ifndef MPQ_RESULTS_H
#define MPQ_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>
#include "error.h"
#include "net.h"

#define RESULTS_SCHEMA "mpq-results-1"

enum { RESULTS_TEXT_BYTES = 64, RESULTS_NOTE_BYTES = 256 };

struct candidate {
    size_t index;                      /* place in the lexicographic order of the whole space */
    int bits[NET_MAX_LAYERS];          /* [layer_count] weight width of each weighted layer */
    double val_accuracy;               /* percent; this one chooses */
    double accuracy;                   /* percent of the test set; this one reports */
    uint64_t cycles, instructions;     /* one inference of test image 0, nn tier */
    size_t size_bytes;                 /* of the container */
    size_t verified;                   /* test images compared on the core, from the first one on */
    size_t mismatches;                 /* of these, images whose outputs differ */
    char mismatch[RESULTS_NOTE_BYTES]; /* the first difference; empty without */
    bool pareto;
};

struct results {
    char model[RESULTS_TEXT_BYTES];
    uint64_t seed;
    /* versions */
    char mpq[RESULTS_TEXT_BYTES], firmware[RESULTS_TEXT_BYTES], core[RESULTS_TEXT_BYTES];
    unsigned protocol, container, isa;
    /* search */
    int layer_count;                             /* weighted layers */
    char layers[NET_MAX_LAYERS][NET_NAME_BYTES]; /* their names */
    int widths[NET_MAX_BITS], width_count;
    size_t space_count; /* all configurations */
    bool exhaustive;
    double max_acc_drop; /* points of validation accuracy that the selected candidate may lose */
    size_t qat_epochs, samples, front_samples, limit;
    /* outcome */
    double float_accuracy, float_val_accuracy; /* percent: test, validation */
    struct candidate *candidates;              /* [count], in order of index; owned */
    size_t count;
    long selected; /* place in candidates; -1: none is within max_acc_drop */
    /* times, apart from all that is reproducible */
    double seconds;
    size_t jobs, resumed; /* resumed: candidates taken over from an earlier run */
};

struct results *results_create(void); /* NULL if there is no memory */
void results_free(struct results *results);

/* Whether a validation accuracy loses at most max_acc_drop points; exactly so many are within. */
bool results_is_within(double val_accuracy, double float_val_accuracy, double max_acc_drop);

/* Sets pareto (cycles against val_accuracy) on every candidate and selected: the one with the
 * fewest cycles among those whose val_accuracy is within max_acc_drop; equal cycles: the more
 * accurate one, then the first. */
MUST_CHECK enum status results_choose(struct results *results, struct error *err);

/* The candidates on the front, by cycles upwards: places in results->candidates. out has room for
 * results->count. */
size_t results_front(const struct results *results, size_t *out);

/* The candidate with the widest weights everywhere, to which cycles are compared; NULL if it is not
 * among them. */
const struct candidate *results_widest(const struct results *results);

/* "8-4-2-4-8"; text has room for size bytes. */
void results_bits_text(const int *bits, int layer_count, char *text, size_t size);

/* One candidate as JSON, and back; object NULL: no memory. label names the text in errors
 * ("journal.jsonl: record 3"). */
cJSON *results_candidate_to_json(const struct candidate *candidate, int layer_count);
MUST_CHECK enum status results_candidate_from_json(const cJSON *object, const char *label,
                                                   int layer_count, struct candidate *out,
                                                   struct error *err);

MUST_CHECK enum status results_to_text(const struct results *results, char **text,
                                       struct error *err); /* free() it */
MUST_CHECK enum status results_parse(const char *text, const char *label, struct results **out,
                                     struct error *err);
MUST_CHECK enum status results_save(const struct results *results, const char *path,
                                    struct error *err);
MUST_CHECK enum status results_load(const char *path, struct results **out, struct error *err);

/* Comma-separated: the front's points by cycles upwards, with a head line. */
MUST_CHECK enum status results_save_csv(const struct results *results, const char *path,
                                        struct error *err);

/* Writes a file under a temporary name and renames it, so that the old one survives any failure. */
MUST_CHECK enum status results_write_file(const char *path, const char *text, size_t size,
                                          struct error *err);
/* A whole file as NUL-terminated text; free() it. */
MUST_CHECK enum status results_read_file(const char *path, char **text, size_t *size,
                                         struct error *err);

#endif
