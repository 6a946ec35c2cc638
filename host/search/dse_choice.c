// SPDX-License-Identifier: Apache-2.0
/* What the arguments of a search decide, and what where they are silent. */
#include "search/dse_choice.h"

#include <string.h>
#include <unistd.h>

#include "results/results.h"

enum { MAX_JOBS = 256 };

/* In a search without limits, the drop within which a candidate is marked as selected. */
static const double DEFAULT_DROP = 1.0;

enum status dse_choice_bits(const char *text, struct dse_space *space, struct error *err)
{
    space->width_count = 0;
    for (const char *p = text; *p; p++) {
        const bool known = *p == '8' || *p == '4' || *p == '2';
        const bool ends = known && (p[1] == '\0' || (p[1] == ',' && p[2] != '\0'));
        bool repeated = false;
        for (int i = 0; i < space->width_count; i++) {
            repeated = repeated || space->widths[i] == *p - '0';
        }
        if (!ends || repeated) {
            space->width_count = 0;
            break;
        }
        space->widths[space->width_count++] = *p - '0';
        p += p[1] == ',';
    }
    if (space->width_count == 0) {
        return error_set(err, STATUS_USAGE,
                         "--bits: want different widths out of 8, 4 and 2, like 8,4,2, got '%s'",
                         text);
    }
    return STATUS_OK;
}

static enum status check_targets(const char *const *targets, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(targets[i], targets[j]) == 0) {
                return error_set(err, STATUS_USAGE, "--target: %s is given twice", targets[i]);
            }
        }
        if (count > 1 && strchr(targets[i], '/') == NULL) {
            return error_set(err, STATUS_USAGE,
                             "--target: several must be boards; for several simulators give one "
                             "target and --jobs");
        }
    }
    return STATUS_OK;
}

enum status dse_choice_jobs(const char *const *targets, size_t target_count, size_t wanted,
                            size_t *jobs, struct error *err)
{
    const bool is_sim = strncmp(targets[0], "sim", 3) == 0;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted > MAX_JOBS) {
        return error_set(err, STATUS_USAGE, "--jobs: want 1 to %d, got %zu", MAX_JOBS, wanted);
    }
    if (!is_sim && wanted && wanted != target_count) {
        return error_set(err, STATUS_USAGE,
                         "--jobs: %s %s one core and can do one job, not %zu; leave --jobs out",
                         targets[0], target_count > 1 ? "and each other target is" : "is", wanted);
    }
    *jobs = wanted ? wanted : is_sim && cores > 1 ? (size_t)cores : target_count;
    return check_targets(targets, target_count, err);
}

static enum status unknown_method(const char *name, struct error *err)
{
    return error_set(err, STATUS_USAGE,
                     "--search: want exhaustive, cheapest, binary, greedy or evolution, got '%s'",
                     name);
}

/* The method that fits if none is asked for. */
static enum search_method default_method(const struct dse_run_options *options,
                                         const struct dse_space *space)
{
    const double size = dse_space_size(space);
    if (options->max_acc_drop >= 0) {
        return size <= DSE_MAX_ORDERED ? SEARCH_CHEAPEST : SEARCH_GREEDY;
    }
    return size <= DSE_MAX_EXHAUSTIVE ? SEARCH_EXHAUSTIVE : SEARCH_GREEDY;
}

enum status dse_choice_method(const struct dse_run_options *options, const char *preset,
                              struct dse_options *search, struct error *err)
{
    const char *name = options->search ? options->search : preset;
    const bool drop_given = options->max_acc_drop >= 0;
    search->method = *name ? results_method(name) : default_method(options, &search->space);
    if (search->method == SEARCH_METHODS) {
        return unknown_method(name, err);
    }
    const bool by_cost = search->method == SEARCH_CHEAPEST || search->method == SEARCH_BINARY;
    const bool limited = options->max_cycles || options->max_size_bytes || options->max_ram_bytes;
    search->limits = (struct search_limits){
        .max_acc_drop = drop_given ? options->max_acc_drop : DEFAULT_DROP,
        .max_cycles = options->max_cycles,
        .max_size_bytes = options->max_size_bytes,
        .max_ram_bytes = options->max_ram_bytes,
        .most_accurate = limited && !drop_given && !by_cost,
    };
    if (search->limits.most_accurate) {
        search->limits.max_acc_drop = 100;
    }
    return STATUS_OK;
}
