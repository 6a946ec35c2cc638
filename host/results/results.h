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
#include "base/error.h"
#include "net/net.h"

#define RESULTS_SCHEMA "mpq-results-2"

enum { RESULTS_TEXT_BYTES = 64, RESULTS_NOTE_BYTES = 256 };

/* How a search goes; see dse.h. */
enum search_method {
    SEARCH_EXHAUSTIVE,
    SEARCH_CHEAPEST,
    SEARCH_BINARY,
    SEARCH_GREEDY,
    SEARCH_EVOLUTION,
    SEARCH_METHODS
};

/* What the selected candidate must keep to. */
struct search_limits {
    double max_acc_drop; /* points of validation accuracy below the float model's */
    uint64_t max_cycles, max_size_bytes, max_ram_bytes; /* 0: no limit */
    bool most_accurate; /* select the most accurate one within the limits, not the cheapest */
};

/* An index that is none: the space has more than SEARCH_INDEX_MAX configurations. */
#define SEARCH_NO_INDEX  SIZE_MAX
#define SEARCH_INDEX_MAX ((size_t)1 << 53)

struct candidate {
    size_t index; /* place in the lexicographic order of the whole space, or SEARCH_NO_INDEX */
    int bits[NET_MAX_LAYERS];      /* [layer_count] weight width of each weighted layer */
    double val_accuracy;           /* percent; this one chooses */
    double val_loss;               /* mean cross-entropy of the validation set, nat */
    double accuracy;               /* percent of the test set; this one reports */
    uint64_t cycles, instructions; /* one inference of test image 0, nn tier */
    uint64_t predicted_cycles;     /* the sum of its layers' cycles */
    size_t size_bytes;             /* of the container */
    size_t ram_bytes;              /* container, activations and firmware */
    bool too_large;    /* for the core's memory: never sent there; only index, bits, size_bytes and
                     * ram_bytes are known */
    size_t verified;   /* test images compared on the core, from the first one on */
    size_t mismatches; /* of these, images whose outputs differ */
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
    /* [layer_count] layers of one number share a width; widths of each, 1 << width */
    int group[NET_MAX_LAYERS];
    unsigned allowed[NET_MAX_LAYERS];
    double space_count; /* all configurations; beyond 2^53 the nearest that a double holds */
    enum search_method method;
    struct search_limits limits;
    size_t qat_epochs, samples, front_samples, limit;
    /* Greedy and evolution: configurations scored without the core, on so many validation images;
     * the most that are scored, 0: default; points of their front; the most that are measured */
    size_t screened, screen_images, max_screened, screened_front, points;
    /* outcome */
    double float_accuracy, float_val_accuracy; /* percent: test, validation */
    struct candidate *candidates;              /* [count], in order of index; owned */
    size_t count;
    /* Those that were found not to fit the core's memory, in order; owned. Never in candidates. */
    struct candidate *too_large;
    size_t too_large_count;
    uint64_t ram_bytes; /* of the core; 0: not known */
    long selected;      /* place in candidates; -1: none is within max_acc_drop */
    /* times, apart from all that is reproducible */
    double seconds;
    size_t jobs, resumed; /* resumed: candidates taken over from an earlier run */
};

struct results *results_create(void); /* NULL if there is no memory */
void results_free(struct results *results);

/* Whether a validation accuracy loses at most max_acc_drop points; exactly so many are within. */
bool results_is_within(double val_accuracy, double float_val_accuracy, double max_acc_drop);

/* Whether a candidate keeps to all limits. */
bool results_keeps(const struct results *results, const struct candidate *candidate);

/* Sets pareto (cycles against val_accuracy) on every candidate and selected: among those that keep
 * to the limits the one with the fewest cycles; equal cycles: the more accurate one, then the
 * first. With limits.most_accurate accuracy comes before cycles. */
MUST_CHECK enum status results_choose(struct results *results, struct error *err);

/* The candidates on the front, by cycles upwards: places in results->candidates. out has room for
 * results->count. */
size_t results_front(const struct results *results, size_t *out);

/* The candidate with the widest weights everywhere, to which cycles are compared; NULL if it is not
 * among them. */
const struct candidate *results_widest(const struct results *results);

/* "exhaustive", ... */
const char *results_method_name(enum search_method method);
/* SEARCH_METHODS if there is none of that name. */
enum search_method results_method(const char *name);

/* What the limits demand, in words: "within 1 point of the float validation accuracy". */
void results_limits_text(const struct results *results, char *text, size_t size);

/* "8-4-2-4-8"; text has room for size bytes. */
void results_bits_text(const int *bits, int layer_count, char *text, size_t size);

/* One candidate as JSON, and back, also one that is too large; object NULL: no memory. label names the text in errors
 * ("journal.jsonl: record 3"). */
cJSON *results_candidate_to_json(const struct candidate *candidate, int layer_count);
MUST_CHECK enum status results_candidate_from_json(const cJSON *object, const char *label,
                                                   int layer_count, struct candidate *out,
                                                   struct error *err);

/* A candidate that was screened only: "screened" (its bits), val_accuracy and val_loss. */
cJSON *results_screened_to_json(const struct candidate *candidate, int layer_count);
MUST_CHECK enum status results_screened_from_json(const cJSON *object, const char *label,
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

/* A whole file as NUL-terminated text; free() it. */
MUST_CHECK enum status results_read_file(const char *path, char **text, size_t *size,
                                         struct error *err);

#endif
