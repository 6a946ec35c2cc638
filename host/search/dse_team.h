// SPDX-License-Identifier: Apache-2.0
/* Workers of a search in the other processes of a team, as struct dse_ops: to the search they are
 * workers like its own. */
#ifndef MPQ_DSE_TEAM_H
#define MPQ_DSE_TEAM_H

#include "search/dse.h"
#include "team/team.h"

/* What a process's own workers are. All borrowed. */
struct dse_workers {
    const struct dse_ops *ops;
    void *context;
    size_t jobs;
    int layer_count; /* at most MODEL_MAX_LAYERS */
};

struct dse_team;

/* In the first process, while the others come to dse_team_serve(). */
MUST_CHECK enum status dse_team_open(struct team *team, const struct dse_workers *own,
                                     struct dse_team **out, struct error *err);
size_t dse_team_jobs(const struct dse_team *workers); /* own and others' */
/* Want the struct dse_team as context; worker numbers 0 .. dse_team_jobs() - 1, its own first. */
extern const struct dse_ops dse_team_ops;
/* at_once: the others' work is not wanted any more. Accepts NULL. */
void dse_team_close(struct dse_team *workers, bool at_once);

/* In the other processes: their workers do what the first one asks for until it closes. */
MUST_CHECK enum status dse_team_serve(struct team *team, const struct dse_workers *own,
                                      struct error *err);

#endif
