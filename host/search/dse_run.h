// SPDX-License-Identifier: Apache-2.0
/* A search from files to files: FLOAT and data in, a run's folder out (host/README.md). */
#ifndef MPQ_DSE_RUN_H
#define MPQ_DSE_RUN_H

#include "search/dse.h"
#include "target/target.h"
#include "team/team.h"
#include "train/device.h"

struct dse_run_options {
    const char *float_path, *folder, *data_folder;
    const char *const *targets; /* as in link_open(); boards may be several */
    size_t target_count;
    const char *bits; /* "8,4,2"; NULL: what the model says */
    const char
        *search; /* a method's name; NULL: what the model says, or else by the space's size */
    double max_acc_drop;                              /* points; below 0: not given */
    size_t max_cycles, max_size_bytes, max_ram_bytes; /* 0: no limit */
    size_t qat_epochs, samples, limit;
    size_t front_samples, screen_images; /* 0: by the size of the network */
    size_t points, evaluations;          /* 0: default */
    size_t jobs;                         /* 0: all cores for a simulator, 1 for a board */
    bool resume, force;
    enum progress_mode progress;
    /* If no candidate fits the core's memory: told of the smallest one, before the search fails.
     * May be NULL. */
    enum status (*none_fits)(void *context, const struct container *smallest,
                             const struct target_info *info, struct error *err);
    void *context;
    struct team *team;            /* NULL: alone */
    struct device_options device; /* where QAT trains */
};

/* Searches and writes everything into the folder. In a team, all processes come here with the same
 * options: the first one searches, the others work for it, find nothing and write nothing. *out: what was found, set when all candidates are
 * evaluated, also if there are mismatches (STATUS_MISMATCH) or none of them keeps to the limits
 * that were given (STATUS_INPUT); else NULL. */
MUST_CHECK enum status dse_run(const struct dse_run_options *options, struct results **out,
                               struct error *err);

#endif
